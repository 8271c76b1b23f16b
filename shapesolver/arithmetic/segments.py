"""Stretches of integers over which one periodic mask says what belongs: what a set is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapesolver.arithmetic.masks import EMPTY, FULL, Mask, without_touching

Segment = tuple[int | None, int | None, Mask]
"""From the first integer, up to but without the second, what the mask says; ``None`` is no limit."""

_TIDY = 64
"""A bounded stretch of a mask with no more edges than this, or of two periods, is kept as its runs."""


def tidied(lo: int, hi: int, mask: Mask) -> Sequence[tuple[int, Mask]]:
    """A bounded stretch of a periodic mask; where it has few edges, as runs of everything and nothing."""
    if hi - lo > 2 * mask.modulus and mask.walk_cost(hi - lo) > _TIDY:
        return ((lo, mask),)
    edges = [edge for edge in without_touching(mask.turns_in(lo, hi)) if edge < hi]
    runs = [(edge, EMPTY if place % 2 else FULL) for place, edge in enumerate(edges)]
    return runs if lo in edges[:1] else [(lo, EMPTY), *runs]


def turns(lo: int | None, hi: int | None, mask: Mask) -> Iterator[tuple[int, int | None]]:
    """The runs of a mask from ``lo`` on."""
    if mask == EMPTY:
        return
    if lo is None:
        raise ValueError("a set that goes down for ever has no first run")
    if hi is not None:
        edges = list(mask.turns_in(lo, hi))
        yield from zip(edges[::2], edges[1::2], strict=True)
    elif mask == FULL:
        yield lo, None
    else:
        first = mask.next(lo)
        while first is not None:
            past = (~mask).next(first)
            assert past is not None
            yield first, past
            first = mask.next(past)


def first_of(segment: Segment) -> int | None:
    """The least member of a segment; some member where it has no lower limit; ``None`` for none."""
    lo, hi, mask = segment
    found = mask.next(lo if lo is not None else hi - mask.modulus if hi is not None else 0)
    return found if found is None or hi is None or found < hi else None


def last_of(segment: Segment) -> int | None:
    """The greatest member that a segment shows; some member where it has no upper limit."""
    lo, hi, mask = segment
    found = mask.previous(hi - 1 if hi is not None else lo + mask.modulus if lo is not None else 0)
    return found if found is None or lo is None or found >= lo else None
