"""The least and greatest of several dimensions, simplified where one is provably the extreme."""

from __future__ import annotations

from functools import lru_cache, reduce
from typing import Any

from shapesolver.arithmetic.analysis import bounds
from shapesolver.arithmetic.atoms import Extreme, Floor, Term
from shapesolver.arithmetic.formula import Dim, Formula, canonical, extreme, sole_atom


def minimum(*items: Dim) -> Dim:
    """The least of integers, formulas or arrays; simplified where one is provably the least."""
    # Arrays pass through substitution, which is untyped.
    return _extreme(items, least=True)  # type: ignore[no-any-return]


def maximum(*items: Dim) -> Dim:
    """The greatest of integers, formulas or arrays; simplified where one is provably the greatest."""
    return _extreme(items, least=False)  # type: ignore[no-any-return]


def _extreme(items: tuple[Any, ...], least: bool) -> Any:
    if all(isinstance(item, int) for item in items):
        return min(items) if least else max(items)
    if not all(isinstance(item, (int, Formula)) for item in items):
        import numpy

        return reduce(numpy.minimum if least else numpy.maximum, items)
    flat: list[Dim] = []
    for item in items:
        inner = sole_atom(item)
        same_kind = isinstance(inner, Extreme) and inner.least == least
        flat.extend(inner.items if isinstance(inner, Extreme) and same_kind else (item,))
    kept: list[Dim] = []
    for item in flat:
        if any(_beats(other, item, least) for other in kept):
            continue
        kept = [other for other in kept if not _beats(item, other, least)] + [item]
    if len(kept) == 1:
        return kept[0]
    return extreme(tuple(kept), least)


def _beats(one: Dim, other: Dim, least: bool) -> bool:
    """Whether ``one`` is provably the extreme of the two."""
    low, high = (one, other) if least else (other, one)
    return provably_at_most(low, high)


@lru_cache(maxsize=2**14)
def provably_at_most(low: Dim, high: Dim) -> bool:
    """Whether ``low <= high`` for all sizes, by bounds or by comparing two floors over one denominator."""
    gap = high - low
    if isinstance(gap, int):
        return gap >= 0
    least = bounds(canonical(gap))[0]
    if least is not None and least >= 0:
        return True
    left, right = _as_one_floor(low), _as_one_floor(high)
    return left is not None and right is not None and left[:2] == right[:2] and left[2] <= right[2]


def _as_one_floor(item: Dim) -> tuple[tuple[Term, ...], int, int] | None:
    """``(x + a)//d + c`` as ``(x, d, a + d*c)``; ``x`` itself as a floor over 1."""
    if isinstance(item, int):
        return None
    atom = sole_atom(item - item.constant)
    if isinstance(atom, Floor) and isinstance(atom.denominator, int) and isinstance(atom.numerator, Formula):
        offset = atom.numerator.constant + atom.denominator * item.constant
        return tuple(sorted(atom.numerator.terms)), atom.denominator, offset
    return tuple(sorted(item.terms)), 1, item.constant
