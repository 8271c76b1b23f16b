"""Products in one symbol: formulas that are a polynomial on every residue class."""

from __future__ import annotations

from collections.abc import Callable
from math import lcm

from shapesolver.arithmetic.atoms import Atom, Floor, Symbol
from shapesolver.arithmetic.formula import Dim, Formula, canonical
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.substitution import substitute

RESIDUE_LIMIT = 4096
"""The most residue classes that a product is split into before it is :class:`Undecided`."""

_FAR = 2**256
"""Where a search for a bound that a rising function must pass ends: beyond any size."""


def solve_polynomial(formula: Formula, lo: int | None, hi: int | None, name: str, least: int) -> IntSet:
    """``{n >= least : lo <= f(n) <= hi}``, residue class by residue class.

    Law: with ``L`` a multiple of every denominator, ``(L*q + r)**k // d`` is a polynomial in ``q``.
    Raises :class:`Undecided` for more than :data:`RESIDUE_LIMIT` classes, or where the law does not apply.
    """
    length = _common_period(formula)
    if length > RESIDUE_LIMIT:
        raise Undecided(f"{formula} is a different polynomial on each of {length:,} residue classes")
    found = IntSet.nothing()
    for r in range(length):
        part = canonical(substitute(formula, {name: length * Formula.of(Symbol(name)) + r}))
        start = -((r - least) // length)
        inside = between(_coefficients(part), lo, hi, start)
        found |= inside.scale(length).shift(r)
    return found


def _common_period(formula: Dim) -> int:
    if isinstance(formula, int):
        return 1
    return lcm(*(_atom_period(atom) for monomial, _ in formula.terms for atom in monomial))


def _atom_period(atom: Atom) -> int:
    if isinstance(atom, Floor) and isinstance(atom.denominator, int):
        return _common_period(atom.numerator) * atom.denominator
    if isinstance(atom, Symbol):
        return 1
    raise Undecided(f"{atom.text} is not a polynomial on residue classes")


def _coefficients(part: Dim) -> list[int]:
    """The coefficients of a polynomial in one symbol, the constant first."""
    if isinstance(part, int):
        return [part]
    found = [part.constant] + [0] * max(len(monomial) for monomial, _ in part.terms)
    for monomial, coefficient in part.terms:
        assert all(isinstance(atom, Symbol) for atom in monomial), part
        found[len(monomial)] += coefficient
    return found


def between(coefficients: list[int], lo: int | None, hi: int | None, start: int) -> IntSet:
    """``{n >= start : lo <= p(n) <= hi}`` of a polynomial with integer coefficients, constant first."""
    found = IntSet.interval(start, None)
    if lo is not None:
        found &= at_least([coefficients[0] - lo, *coefficients[1:]], start)
    if hi is not None:
        found &= at_least([hi - coefficients[0], *(-c for c in coefficients[1:])], start)
    return found


def at_least(coefficients: list[int], start: int) -> IntSet:
    """``{n >= start : p(n) >= 0}``. Law: ``p`` is monotone where ``p(n + 1) - p(n)`` keeps its sign."""
    while len(coefficients) > 1 and not coefficients[-1]:
        coefficients = coefficients[:-1]
    if len(coefficients) == 1:
        return IntSet.interval(start, None) if coefficients[0] >= 0 else IntSet.nothing()
    rising = at_least(_difference(coefficients), start)
    found = IntSet.nothing()
    for part, sign in ((rising, 1), (IntSet.interval(start, None) - rising, -1)):
        for first, past in part.runs():
            # The value just past a monotone run still belongs to it: the difference is of two neighbours.
            found |= _monotone_part(lambda n: _value(coefficients, n), sign, first, past)
    return found


def _monotone_part(value: Callable[[int], int], sign: int, first: int, past: int | None) -> IntSet:
    last = past
    if sign > 0:
        begin = first_true(lambda n: value(n) >= 0, first, last)
        return IntSet.nothing() if begin is None else IntSet.interval(begin, last)
    end = first_true(lambda n: value(n) < 0, first, last)
    return IntSet.interval(first, last if end is None else end - 1)


def first_true(test: Callable[[int], bool], start: int, stop: int | None) -> int | None:
    """The first ``n`` in ``start..stop`` where a test that stays true is true; ``None`` if it never is.

    Raises :class:`Undecided` when there is no ``stop`` and nothing was found up to beyond any size.
    """
    step = 1
    low, high = start - 1, start
    while not test(high):
        if high == stop:
            return None
        low, high, step = high, high + step, step * 2
        if stop is not None:
            high = min(high, stop)
        elif high > _FAR:
            raise Undecided("a bound is not passed by any size below 2**256")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if test(middle) else (middle, high)
    return high


def _difference(coefficients: list[int]) -> list[int]:
    """The coefficients of ``p(n + 1) - p(n)``, by binomials."""
    shifted = [0] * len(coefficients)
    for power, coefficient in enumerate(coefficients):
        binomial = 1
        for k in range(power + 1):
            shifted[k] += coefficient * binomial
            binomial = binomial * (power - k) // (k + 1)
    return [a - b for a, b in zip(shifted, coefficients, strict=True)][:-1]


def _value(coefficients: list[int], n: int) -> int:
    total = 0
    for coefficient in reversed(coefficients):
        total = total * n + coefficient
    return total
