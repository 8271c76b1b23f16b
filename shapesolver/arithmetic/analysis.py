"""What a formula can say of itself: its symbols, its bounds, its linear envelope."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Scaled, Symbol
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
    return tuple(sorted(atom for atom in atoms(item) if isinstance(atom, Symbol)))


def bounds(item: Dim) -> Bounds:
    """The least and greatest value over all admissible symbols, by interval arithmetic (never too narrow)."""
    if isinstance(item, int):
        return item, item
    if item._bounds is None:
        item._bounds = _bounds(item)
    return item._bounds


def _bounds(item: Formula) -> Bounds:
    low: int | None = item.constant
    high: int | None = item.constant
    for monomial, coefficient in item.terms:
        term_low, term_high = reduce(_product_bounds, (_atom_bounds(atom) for atom in monomial))
        if coefficient < 0:
            term_low, term_high = term_high, term_low
        low = None if low is None or term_low is None else low + coefficient * term_low
        high = None if high is None or term_high is None else high + coefficient * term_high
    return low, high


def _product_bounds(left: Bounds, right: Bounds) -> Bounds:
    if left[0] is not None and right[0] is not None and left[0] >= 0 and right[0] >= 0:
        high = None if left[1] is None or right[1] is None else left[1] * right[1]
        return left[0] * right[0], high
    if None in left or None in right:
        return None, None
    corners = [a * b for a in left for b in right if a is not None and b is not None]
    return min(corners), max(corners)


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
