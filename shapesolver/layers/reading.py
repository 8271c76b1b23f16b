"""Which cells of its inputs a layer's results depend on, axis by axis.

A layer states this once, in :meth:`Layer.readings`; receptive fields, alignment and the cells that nothing reads
all follow from it. Positions are counted from 0. Cells below 0 or beyond the end are padding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from shapesolver.arithmetic import Dim

Run = tuple[Dim, Dim]
"""The first and the last of neighbouring cells; none where the first lies after the last."""


class Reading(NamedTuple):
    """How one axis of an input is read."""

    follows: int | None
    """The index of the result's axis that decides which cells are read; ``None`` where every result reads all."""
    run: Callable[[Dim, Dim], Run]
    """The least run of cells that holds everything that the results ``first`` to ``last`` read."""
    taps: Callable[[int], Iterable[int]] | None = None
    """The cells that one result reads, where these are not its whole run or depend on where the ends are."""
    uniform: bool = True
    """Whether all results read alike, each further on by the same step, so that one formula tells them all."""
    exact: bool = True
    """Whether every cell of the taps, or else of the run, is read. Otherwise it is a bound."""


Readings = tuple[tuple[Reading, ...] | None, ...]
"""One for each axis of each input; ``None`` for an input of which only the size matters."""


def whole(n: Dim) -> Reading:
    """Every result reads the whole axis, of size ``n``."""
    return Reading(None, lambda first, last: (0, n - 1))


def same(axis: int) -> Reading:
    """A result reads the cell at its own place."""
    return Reading(axis, lambda first, last: (first, last))


def shifted(axis: int, start: Dim, step: Dim = 1) -> Reading:
    """Result ``i`` reads cell ``start + step*i``."""
    taps = None if step == 1 else lambda cell: (start + step * cell,)
    return Reading(axis, lambda first, last: (start + first * step, start + last * step), taps)
