"""What a formula can say of itself: its symbols, its bounds, its linear envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from math import lcm
from typing import NamedTuple

from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Monomial, Scaled, Symbol, Term
from shapesolver.arithmetic.chains import as_remainder, outer_link
from shapesolver.arithmetic.formula import Bounds, Dim, Formula
from shapesolver.arithmetic.scaling import scaled_int


def atoms(item: Dim) -> Iterable[Atom]:
    """Every atom of the dimension, nested ones included, each once."""
    seen: dict[Atom, None] = {}
    stack: list[Dim] = [item]
    while stack:
        current = stack.pop()
        if isinstance(current, Formula):
            for monomial, _ in current.terms:
                for atom in monomial:
                    if atom not in seen:
                        seen[atom] = None
                        stack.extend(atom.parts())
    return seen


def symbols(item: Dim) -> tuple[Symbol, ...]:
    """The symbols that the dimension depends on, sorted by name."""
    if isinstance(item, int):
        return ()
    if item._symbols is None:
        item._symbols = tuple(sorted(atom for atom in atoms(item) if isinstance(atom, Symbol)))
    return item._symbols


def bounds(item: Dim) -> Bounds:
    """The least and greatest value over all admissible symbols, by interval arithmetic (never too narrow)."""
    if isinstance(item, int):
        return item, item
    if item._bounds is None:
        item._bounds = _bounds(item)
    return item._bounds


def _bounds(item: Formula) -> Bounds:
    remainder = as_remainder(item)
    if remainder is not None:
        return remainder.bounds()
    link = outer_link(item)
    if link is not None:
        return _affine_bounds(_atom_bounds(link[0]), link[1], link[2])
    found = _affine_bounds(_sum_bounds(item.terms), 1, item.constant)
    return meet(found, _linear_bounds(item)) if None in found else found


def _affine_bounds(inner: Bounds, factor: int, offset: int) -> Bounds:
    """Those of ``factor*x + offset``."""
    low, high = inner if factor > 0 else inner[::-1]
    return None if low is None else factor * low + offset, None if high is None else factor * high + offset


def meet(one: Bounds, other: Bounds) -> Bounds:
    """The closest ends of two."""
    lows = [low for low in (one[0], other[0]) if low is not None]
    highs = [high for high in (one[1], other[1]) if high is not None]
    return max(lows, default=None), min(highs, default=None)


class Linear(NamedTuple):
    """``sum(coefficients) + low <= scale*f <= sum(coefficients) + high``, with no floor by a number left."""

    scale: int
    coefficients: dict[Monomial, int]
    low: int
    high: int


def linear(item: Dim) -> Linear:
    """The formula between two that have no floors: what is common to several floors can cancel.

    Law: ``x - (d - 1) <= d*(x//d) <= x``.
    """
    if isinstance(item, int):
        return Linear(1, {}, item, item)
    parts = [(coefficient, _linear_monomial(monomial)) for monomial, coefficient in item.terms]
    scale = lcm(*(part.scale for _, part in parts))
    coefficients: dict[Monomial, int] = {}
    low = high = scale * item.constant
    for coefficient, part in parts:
        factor = coefficient * (scale // part.scale)
        low += factor * (part.low if factor > 0 else part.high)
        high += factor * (part.high if factor > 0 else part.low)
        for monomial, inner in part.coefficients.items():
            coefficients[monomial] = coefficients.get(monomial, 0) + factor * inner
    return Linear(scale, coefficients, low, high)


def _linear_monomial(monomial: Monomial) -> Linear:
    atom = monomial[0]
    if len(monomial) == 1 and isinstance(atom, Floor) and isinstance(d := atom.denominator, int):
        scale, coefficients, low, high = linear(atom.numerator)
        return Linear(scale * d, coefficients, low - scale * (d - 1), high)
    return Linear(1, {monomial: 1}, 0, 0)


def _linear_bounds(item: Formula) -> Bounds:
    scale, coefficients, low, high = linear(item)
    rest = _sum_bounds(coefficients.items())
    return (
        None if rest[0] is None else -(-(rest[0] + low) // scale),
        None if rest[1] is None else (rest[1] + high) // scale,
    )


def _sum_bounds(terms: Iterable[Term]) -> Bounds:
    low: int | None = 0
    high: int | None = 0
    for monomial, coefficient in terms:
        if coefficient:
            ends = reduce(_product_bounds, (_atom_bounds(atom) for atom in monomial))
            below, above = ends if coefficient > 0 else ends[::-1]
            low = None if low is None or below is None else low + coefficient * below
            high = None if high is None or above is None else high + coefficient * above
    return low, high


def _product_bounds(left: Bounds, right: Bounds) -> Bounds:
    if left[0] is not None and right[0] is not None and left[0] >= 0 and right[0] >= 0:
        high = None if left[1] is None or right[1] is None else left[1] * right[1]
        return left[0] * right[0], high
    for one, other in ((left, right), (right, left)):
        if one[1] is not None and one[1] < 0:
            return _negated(_product_bounds(_negated(one), other))
    if None in left or None in right:
        return None, None
    corners = [a * b for a in left for b in right if a is not None and b is not None]
    return min(corners), max(corners)


def _negated(ends: Bounds) -> Bounds:
    low, high = ends
    return None if high is None else -high, None if low is None else -low


def _atom_bounds(atom: Atom) -> Bounds:
    match atom:
        case Symbol(least=least):
            return least, None
        case Floor(numerator=numerator, denominator=denominator):
            return _floor_bounds(bounds(numerator), denominator)
        case Extreme(least=least, items=items):
            return _extreme_bounds([bounds(item) for item in items], least)
        case Group(inner=inner):
            return bounds(inner)
        case Scaled(size=size, factor=factor):
            low, high = bounds(size)
            return (
                None if low is None else scaled_int(low, factor),
                None if high is None else scaled_int(high, factor),
            )
    return None, None


def _floor_bounds(numerator: Bounds, denominator: Dim) -> Bounds:
    low, high = numerator
    if isinstance(denominator, int):
        return None if low is None else low // denominator, None if high is None else high // denominator
    positive = bounds(denominator)[0]
    if low is not None and low >= 0 and positive is not None and positive > 0:
        return 0, None if high is None else high // positive
    return None, None


def _extreme_bounds(items: list[Bounds], least: bool) -> Bounds:
    pick: Callable[..., int] = min if least else max
    known_lows = [low for low, _ in items if low is not None]
    known_highs = [high for _, high in items if high is not None]
    # An absent bound wins where it is the extreme and drops out where it is not.
    low = None if len(known_lows) < len(items) and (least or not known_lows) else pick(known_lows)
    high = None if len(known_highs) < len(items) and not (least and known_highs) else pick(known_highs)
    return low, high
