"""Which cells of its inputs a layer's results depend on, axis by axis.

A layer states this once, in :meth:`Layer.readings`; receptive fields, alignment and the cells that nothing reads
all follow from it. Positions are counted from 0. Cells below 0 or beyond the end are padding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import gcd
from typing import NamedTuple

from shapesolver.arithmetic import Dim, ceil_div, compare, maximum, minimum

Run = tuple[Dim, Dim]
"""The first and the last of neighbouring cells; none where the first lies after the last."""


class Progression(NamedTuple):
    """The cells ``first``, ``first + step``, ... ``last``; none where the first lies after the last."""

    first: Dim
    last: Dim
    step: int = 1

    def moved(self, by: Dim, times: int = 1) -> Progression:
        """``{times*i + by}``."""
        if times < 0:
            return Progression(self.last * times + by, self.first * times + by, -times * self.step)
        return Progression(self.first * times + by, self.last * times + by, times * self.step)

    def all_to(self, cell: Dim) -> Progression:
        """The one cell, if there are any."""
        return Progression(cell, cell + minimum(self.last - self.first, 0))

    def since(self, start: Dim) -> Progression:
        """Those from ``start`` on."""
        if compare("<=", start, self.first) is True:
            return self
        if self.step == 1:
            return self._replace(first=maximum(self.first, start))
        skipped = maximum(start - self.first, 0)
        return self._replace(first=self.first + ceil_div(skipped, self.step) * self.step)

    def until(self, end: Dim) -> Progression:
        """Those up to ``end``."""
        if compare("<=", self.last, end) is True:
            return self
        last = minimum(self.last, end)
        return self._replace(last=last if self.step == 1 else self.first + (last - self.first) // self.step * self.step)

    def divided(self, by: int) -> tuple[Progression, ...] | None:
        """Every ``i`` for which ``by*i`` is one of them; ``None`` where that depends on sizes."""
        if self.step == 1:
            return (Progression(ceil_div(self.first, by), self.last // by),)
        if not isinstance(self.first, int):
            return None
        step, first = self.step // gcd(self.step, by), -(-self.first // by)
        for cell in range(first, first + step):
            if (cell * by - self.first) % self.step == 0:
                return (Progression(cell, (self.last // by - cell) // step * step + cell, step),)
        return ()


Progressions = Iterable[Progression]

Parts = Callable[[Progression], Progressions | None]
"""The cells that a progression of results reads, as progressions, some of which may be empty or reach into the
padding; ``None`` where they follow no pattern that is told."""


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
    parts: Parts | None = None
    """What several results read; left out where neighbours read the whole run, and others what is not told."""
    hollow: bool = False
    """Whether some results may read nothing, as padding does, or what lies between transposed windows."""
    together: tuple[int, ...] = ()
    """Axes of the result that mix: unless all along them is wanted, which cells are read is not told."""


Readings = tuple[tuple[Reading, ...] | None, ...]
"""One for each axis of each input; ``None`` for an input of which only the size matters."""


def whole(n: Dim, *together: int) -> Reading:
    """Every result reads the whole axis, of size ``n``, or all results along some axes together."""
    return Reading(None, lambda first, last: (0, n - 1), together=together)


def same(axis: int) -> Reading:
    """A result reads the cell at its own place."""
    return Reading(axis, lambda first, last: (first, last), parts=lambda wanted: (wanted,))


def shifted(axis: int, start: Dim, step: Dim = 1) -> Reading:
    """Result ``i`` reads cell ``start + step*i``."""
    taps = None if step == 1 else lambda cell: (start + step * cell,)

    def parts(wanted: Progression) -> Progressions | None:
        return (wanted.moved(start, step),) if isinstance(step, int) else None

    return Reading(axis, lambda first, last: (start + first * step, start + last * step), taps, parts=parts)
