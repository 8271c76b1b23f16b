"""Where boxes stand and arrows run: a layered drawing, top to bottom.

After Sugiyama, Tagawa and Toda (1981): a rank for each box, the order within a rank by the middle of its
neighbours, then places as close to the neighbours as the order and the distances allow. Arrows over several ranks
pass through a point in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 12
"""Passes down and up, for the order and for the places."""
SIDE = 28.0
"""The least distance between boxes of one rank."""


@dataclass(slots=True)
class Spot:
    """A box, or a point that an arrow passes through (of no width)."""

    rank: int
    width: float
    x: float = 0.0
    """The middle."""
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """The spots, boxes first, and for each arrow the spots that it passes through, its ends included."""

    spots: tuple[Spot, ...]
    routes: tuple[tuple[int, ...], ...]


def layout(widths: Sequence[float], arrows: Sequence[tuple[int, int]]) -> Layout:
    """Places for boxes of these widths; an arrow goes from a box to a later one."""
    spots = [Spot(rank, width) for rank, width in zip(_ranks(len(widths), arrows), widths, strict=True)]
    routes = [_route(spots, *arrow) for arrow in arrows]
    ranks: list[list[int]] = [[] for _ in range(max((spot.rank for spot in spots), default=-1) + 1)]
    for index, spot in enumerate(spots):
        ranks[spot.rank].append(index)
    for sweep in range(SWEEPS):
        _order(spots, ranks, down=sweep % 2 == 0)
    _first_places(spots, ranks)
    for sweep in range(SWEEPS):
        _place(spots, ranks, down=sweep % 2 == 0)
    left = min((spot.x - spot.width / 2 for spot in spots), default=0)
    for spot in spots:
        spot.x -= left
    return Layout(tuple(spots), tuple(routes))


def _ranks(count: int, arrows: Sequence[tuple[int, int]]) -> list[int]:
    """One below the lowest box that it consumes."""
    ranks = [0] * count
    for source, target in sorted(arrows, key=lambda arrow: arrow[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    return ranks


def _route(spots: list[Spot], source: int, target: int) -> tuple[int, ...]:
    """The spots of one arrow, those in between made here."""
    route = [source]
    for rank in range(spots[source].rank + 1, spots[target].rank):
        spots.append(Spot(rank, 0.0))
        route.append(len(spots) - 1)
    route.append(target)
    for upper, lower in pairwise(route):
        spots[upper].below.append(lower)
        spots[lower].above.append(upper)
    return tuple(route)


def _order(spots: list[Spot], ranks: list[list[int]], down: bool) -> None:
    """Each rank by the mean position of its neighbours in the rank before."""
    position = {index: place for rank in ranks for place, index in enumerate(rank)}
    for rank in ranks if down else reversed(ranks):

        def middle(index: int) -> float:
            near = spots[index].above if down else spots[index].below
            return sum(position[i] for i in near) / len(near) if near else position[index]

        rank.sort(key=middle)
        position.update((index, place) for place, index in enumerate(rank))


def _first_places(spots: list[Spot], ranks: list[list[int]]) -> None:
    for rank in ranks:
        x = 0.0
        for index in rank:
            spots[index].x = x + spots[index].width / 2
            x += spots[index].width + SIDE


def _place(spots: list[Spot], ranks: list[list[int]], down: bool) -> None:
    """Each rank as close as can be to the middle of its neighbours, in its order and apart."""
    for rank in ranks if down else reversed(ranks):
        wanted = []
        for index in rank:
            near = (spots[index].above if down else spots[index].below) or [index]
            wanted.append(sum(spots[i].x for i in near) / len(near))
        for index, x in zip(rank, _apart([spots[index].width for index in rank], wanted), strict=True):
            spots[index].x = x


def _apart(widths: Sequence[float], wanted: Sequence[float]) -> list[float]:
    """The places closest to those wanted (least squares) that keep the order and the distances.

    With each place less the room taken before it, the order is a rising sequence: isotonic regression, by pooling
    adjacent violators.
    """
    offsets = [0.0]
    for left, right in pairwise(widths):
        offsets.append(offsets[-1] + (left + right) / 2 + SIDE)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, size = want - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            more, several = pools.pop()
            total, size = total + more, size + several
        pools.append((total, size))
    levels = [total / size for total, size in pools for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]
