"""Stretches of integers over which one periodic mask says what belongs: what a set is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapesolver.arithmetic.masks import EMPTY, FULL, Mask

Segment = tuple[int | None, int | None, Mask]
"""From the first integer, up to but without the second, what the mask says; ``None`` is no limit."""

_TIDY = 64
"""A bounded stretch of a mask with no more edges than this, or of two periods, is kept as its runs."""


def tidied(segments: Iterable[Segment]) -> Iterator[tuple[int | None, Mask]]:
    """The segments that are not empty, bounded ones with few edges as runs of everything and nothing."""
    for lo, hi, mask in segments:
        if lo is not None and hi is not None:
            if lo >= hi:
                continue
            if mask.modulus > 1 and (hi - lo <= 2 * mask.modulus or mask.walk_cost(hi - lo) <= _TIDY):
                yield lo, EMPTY
                for place, edge in enumerate(mask.turns_in(lo, hi)):
                    yield edge, EMPTY if place % 2 else FULL
                continue
        yield lo, mask


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
