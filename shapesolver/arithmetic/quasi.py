"""Quasi-affine formulas: what ``+``, constant ``*`` and ``//`` by numbers make of one symbol ``n``.

Three laws carry everything, with ``L, T`` from :func:`period` and ``d, a, b1, b2`` from :func:`envelope`:

====================  ==========================================================================
period                ``f(n + L) == f(n) + T``
envelope              ``a*n + b1 <= d*f(n) <= a*n + b2``
pieces                between two places where a floor jumps, ``f(n) == slope*n + offset``
====================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import gcd, lcm
from typing import NamedTuple

from shapesolver.arithmetic.analysis import atoms, linear
from shapesolver.arithmetic.atoms import Atom, Floor, Symbol
from shapesolver.arithmetic.formula import Dim, Formula, canonical
from shapesolver.arithmetic.masks import Mask, Undecided, joined
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.substitution import substitute

JUMP_LIMIT = 2**21
"""The most places where a floor jumps that one walk visits before it says :class:`Undecided`."""

_SPLIT_LIMIT = 64
"""The most residues that a formula with too many jumps is split into."""

Event = tuple[int, int, int]
"""From this place on, the slope and the offset change by this much."""


class Envelope(NamedTuple):
    """``slope*n + low <= scale*f(n) <= slope*n + high`` for every integer ``n``."""

    scale: int
    slope: int
    low: int
    high: int


def is_quasi_affine(formula: Dim) -> bool:
    """Whether a canonical formula is made of ``+``, constant ``*`` and ``//`` by numbers alone."""
    if isinstance(formula, int):
        return True
    return all(len(monomial) == 1 and _is_affine_atom(monomial[0]) for monomial, _ in formula.terms)


def _is_affine_atom(atom: Atom) -> bool:
    if isinstance(atom, Floor):
        return isinstance(atom.denominator, int) and is_quasi_affine(atom.numerator)
    return isinstance(atom, Symbol)


def period(formula: Dim) -> tuple[int, int]:
    """The period ``L`` and the rise ``T`` of ``f(n + L) == f(n) + T``."""
    if isinstance(formula, int):
        return 1, 0
    parts = [(coefficient, *_atom_period(atom)) for (atom,), coefficient in formula.terms]
    length = lcm(*(step for _, step, _ in parts))
    return length, sum(coefficient * rise * (length // step) for coefficient, step, rise in parts)


def _atom_period(atom: Atom) -> tuple[int, int]:
    if not isinstance(atom, Floor):
        return 1, 1
    assert isinstance(atom.denominator, int)
    step, rise = period(atom.numerator)
    # Law: g//d rises by a whole number once the rise of g is a multiple of d.
    times = atom.denominator // gcd(atom.denominator, rise)
    return step * times, rise * times // atom.denominator


def envelope(formula: Dim) -> Envelope:
    """Two parallel lines around the formula."""
    scale, coefficients, low, high = linear(formula)
    return Envelope(scale, sum(coefficients.values()), low, high)


def solve_quasi_affine(formula: Formula, lo: int | None, hi: int | None, name: str) -> IntSet:
    """``{n : lo <= f(n) <= hi}`` over all integers.

    Raises :class:`Undecided` when there are more jumps to visit than :data:`JUMP_LIMIT`.
    """
    length, rise = period(formula)
    if rise:
        above = IntSet.everything() if lo is None else _at_least(formula, lo, name)
        return above if hi is None else above - _at_least(formula, hi + 1, name)
    if _jumps(formula, length) > JUMP_LIMIT:
        return _split(formula, lo, hi, name)
    edges = joined(_runs_within(formula, lo, hi, 0, length))
    return IntSet([(None, None, Mask.of(length, edges))])


def _at_least(formula: Formula, bound: int, name: str) -> IntSet:
    """``{n : f(n) >= bound}`` of a formula that rises or falls in the long run."""
    scale, slope, low, high = envelope(formula)
    if slope < 0:
        return ~_at_least(-formula, 1 - bound, name)
    # Only the zone is walked: before it the upper line is under the bound, after it the lower one is over.
    start, stop = -((high - scale * bound) // slope), -((low - scale * bound) // slope)
    if _jumps(formula, stop - start) > JUMP_LIMIT:
        return _split(formula, bound, None, name)
    zone = joined(_runs_within(formula, bound, None, start, stop))
    return IntSet.of_edges(zone) | IntSet.interval(stop, None)


def _split(formula: Formula, lo: int | None, hi: int | None, name: str) -> IntSet:
    """The union over the residues of ``n`` modulo the smallest denominator ``d``: ``n == d*q + r``.

    Each part has one kind of floor less, for ``(d*q + r)//d == q + r//d``.
    """
    by = min(_denominators(formula))
    if by > _SPLIT_LIMIT:
        raise Undecided(f"{formula} has period {period(formula)[0]:,} and jumps too often to be walked")
    found = IntSet.nothing()
    for r in range(by):
        part = canonical(substitute(formula, {name: by * Formula.of(Symbol(name)) + r}))
        inside = _constant(part, lo, hi) if isinstance(part, int) else solve_quasi_affine(part, lo, hi, name)
        found |= inside.scale(by).shift(r)
    return found


def _constant(value: int, lo: int | None, hi: int | None) -> IntSet:
    inside = (lo is None or lo <= value) and (hi is None or value <= hi)
    return IntSet.everything() if inside else IntSet.nothing()


def _denominators(formula: Formula) -> Iterator[int]:
    for atom in atoms(formula):
        if isinstance(atom, Floor) and isinstance(atom.denominator, int):
            yield atom.denominator


def _jumps(formula: Formula, width: int) -> int:
    """About how many places within this width a floor jumps at."""
    count = 0
    for atom in atoms(formula):
        if isinstance(atom, Floor):
            scale, slope, _, _ = envelope(Formula.of(atom))
            # A floor whose slope is 1 or more still jumps at most once at every place.
            count += min(width, abs(slope) * width // scale + 1)
    return count


def _runs_within(formula: Formula, lo: int | None, hi: int | None, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The runs of ``start..stop-1`` where ``lo <= f(n) <= hi``, piece by piece."""
    events = _events(formula, start, stop)
    if not events:
        return
    events.sort()
    slopes = accumulate(change for _, change, _ in events)
    offsets = accumulate(change for _, _, change in events)
    ends = [place for place, _, _ in events[1:]]
    ends.append(stop)
    for (first, _, _), past, slope, offset in zip(events, ends, slopes, offsets, strict=True):
        if first == past:
            continue
        if slope == 0:
            if (lo is None or lo <= offset) and (hi is None or offset <= hi):
                yield first, past
            continue
        # Law: lo <= a*n + b <= hi iff ceil((lo - b)/a) <= n <= (hi - b)//a, for a > 0.
        low, high = (lo, hi) if slope > 0 else (hi, lo)
        if low is not None:
            first = max(first, -((offset - low) // slope))
        if high is not None:
            past = min(past, (high - offset) // slope + 1)
        if first < past:
            yield first, past


def _events(formula: Dim, start: int, stop: int) -> list[Event]:
    """Where the slope and the offset of the formula change in ``start..stop-1``, the first at ``start``."""
    if start >= stop:
        return []
    if isinstance(formula, int):
        return [(start, 0, formula)]
    events = [(start, 0, formula.constant)]
    for (atom,), coefficient in formula.terms:
        changes = _floor_events(atom, start, stop) if isinstance(atom, Floor) else [(start, 1, 0)]
        events += [(place, coefficient * slope, coefficient * offset) for place, slope, offset in changes]
    return events


def _floor_events(floor: Floor, start: int, stop: int) -> list[Event]:
    d = floor.denominator
    assert isinstance(d, int)
    inner = sorted(_events(floor.numerator, start, stop))
    found: list[Event] = []
    slope = offset = was_slope = was_value = 0
    for index, (place, by_slope, by_offset) in enumerate(inner):
        slope, offset = slope + by_slope, offset + by_offset
        past = inner[index + 1][0] if index + 1 < len(inner) else stop
        if place == past:
            continue
        # Law: (slope*n + offset)//d == (slope//d)*n + (rest*n + offset)//d with rest = slope % d.
        whole, rest = divmod(slope, d)
        value = (rest * place + offset) // d
        found.append((place, whole - was_slope, value - was_value))
        was_slope, was_value = whole, value
        if rest:
            last = (rest * (past - 1) + offset) // d
            found += [(-((offset - v * d) // rest), 0, 1) for v in range(value + 1, last + 1)]
            was_value = last
    return found
