"""Sliding blocks as columns, and columns put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import product as every_combination
from operator import mul
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, ceil_div, compare
from shapesolver.layers.base import Inputs, Need, Tensor, Trouble
from shapesolver.layers.cells import Box, Cells, boxes_of, every, flat, gathered, shifted, spread
from shapesolver.layers.parameters import Kind, Padding, PerAxis, declare
from shapesolver.layers.reading import Progression, Reading, Readings, Run, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.windows import (
    Windowed,
    dilation_parameter,
    kernel_parameter,
    padding_parameter,
    stride_parameter,
)
from shapesolver.layers.work import Work


def product(sizes: tuple[Dim, ...]) -> Dim:
    """The sizes multiplied; 1 for none."""
    return reduce(mul, sizes, 1)


class Patches(Windowed):
    """A layer between an image and its windows as columns, channel ``c*taps + t`` holding tap ``t``."""

    mixes: ClassVar = True

    def places(self, rank: int) -> Iterator[tuple[int, ...]]:
        """The taps of a window over several axes, row by row."""
        kernel: Any = [self.at("kernel", axis) for axis in range(rank)]
        return every_combination(*map(range, kernel))

    def offset(self, tap: int, n: Dim, axis: int) -> Any:
        """Where a tap of the first window lies, from the image's first cell on."""
        return tap * self.at("dilation", axis) - self.pads(n, axis)[0]


@layer("unfold")
class Unfold(Patches):
    """Every window as a column: ``(C, *n)`` becomes ``(C*prod(k), L)`` with ``L = prod((n + p - k)//s + 1)``."""

    other_names: ClassVar = {"Unfold im2col": "kernel dilation padding stride"}

    kernel: PerAxis = kernel_parameter()
    stride: PerAxis = stride_parameter()
    padding: Padding = padding_parameter()
    dilation: PerAxis = dilation_parameter()

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        channels, spatial = self.split(inputs[0])
        windows = product(tuple(self.size(n, axis) for axis, n in enumerate(spatial)))
        taps = product(tuple(self.at("kernel", axis) for axis in range(len(spatial))))
        return (self.join(channels * taps, (windows,)),)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Column ``l`` reads the window that it holds, the windows counted row by row."""
        channels, spatial = self.split(inputs[0])
        follows, place = (0, 1) if self.dialect.channels_last else (1, 0)
        counts = tuple(self.size(n, axis) for axis, n in enumerate(spatial))
        axes: tuple[Reading, ...]
        if len(spatial) == 1:
            axes = (self.reading(spatial[0], 0, follows)._replace(together=(place,)),)
        else:
            axes = tuple(self._reading(n, axis, follows, counts) for axis, n in enumerate(spatial))
        dealt = whole(channels, place)
        return ((*axes, dealt) if self.dialect.channels_last else (dealt, *axes),)

    def _reading(self, n: Dim, axis: int, follows: int, counts: tuple[Dim, ...]) -> Reading:
        inner = product(counts[axis + 1 :])

        def taps(column: int) -> Iterable[int]:
            return self.cells(column // inner % counts[axis], n, axis)  # type: ignore[arg-type]

        windows = Progression(0, counts[axis] - 1)
        return Reading(
            follows,
            lambda first, last: self.reads(windows.first, windows.last, n, axis),
            taps,
            uniform=False,
            parts=lambda wanted: self.parts(windows, n, axis),
            hollow=self.hollow(n, axis),
            together=(0, 1),
        )

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        spatial: Any = self.split(inputs[0])[1]
        counts: Any = [self.size(n, axis) for axis, n in enumerate(spatial)]
        channels, columns = (wanted[1], wanted[0]) if self.dialect.channels_last else wanted
        taps = list(self.places(len(spatial)))
        dealt = [gathered(channels, len(taps), number) for number in range(len(taps))]
        for windows in boxes_of(columns, counts):
            if len(set(dealt)) == 1:
                # All taps of the same channels: each axis reads its own taps.
                pairs = enumerate(zip(windows, spatial, strict=True))
                read = tuple(self.cells_read(cells, n, axis) for axis, (cells, n) in pairs)
                yield 0, self.join(dealt[0], read).sizes  # type: ignore[misc]
                continue
            for tap, held in zip(taps, dealt, strict=True):
                yield 0, self.join(held, self._under(tap, windows, spatial)).sizes  # type: ignore[misc]

    def _under(self, tap: tuple[int, ...], windows: Box, spatial: tuple[Any, ...]) -> tuple[Cells, ...]:
        """The cells under one tap of these windows."""
        return tuple(
            shifted(spread(cells, self.at("stride", axis)), self.offset(tap[axis], n, axis)) & every(n)
            for axis, (cells, n) in enumerate(zip(windows, spatial, strict=True))
        )


@layer("fold")
class Fold(Patches):
    """Columns summed back into an image: ``(C*prod(k), L)`` becomes ``(C, *output_size)``."""

    omits: ClassVar = True
    other_names: ClassVar = {"Fold col2im Col2Im": "output_size kernel dilation padding stride"}
    spatial_ranks: ClassVar = (1, 1)

    output_size: tuple[Dim, ...] = declare(Kind.SIZES, "the image's spatial sizes", least=1, names=("image_shape",))
    kernel: PerAxis = kernel_parameter()
    stride: PerAxis = stride_parameter()
    padding: Padding = padding_parameter()
    dilation: PerAxis = dilation_parameter()

    def windows(self) -> Dim:
        """How many columns an image of the stated size has."""
        return product(tuple(self.size(n, axis) for axis, n in enumerate(self.output_size)))

    def taps(self) -> Dim:
        """How many cells a window has."""
        return product(tuple(self.at("kernel", axis) for axis in range(len(self.output_size))))

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield self._rank_need(inputs[0])
        yield from self._tuple_needs(len(self.output_size))
        channels, (columns,) = self.split(inputs[0])
        for axis, n in enumerate(self.output_size):
            yield self.fits(n, axis)
        yield self.divisible(channels, self.taps(), "its channels", "the cells of a window")
        windows = self.windows()
        yield Need(
            compare("==", columns, windows),
            "size-mismatch",
            lambda: Trouble(f"fold needs {windows} columns for that output size, and {columns} come in"),
        )

    def work(self, *inputs: Tensor) -> Work:
        """an addition for each input cell"""
        return Work(other=inputs[0].cells)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        channels, _ = self.split(inputs[0])
        return (self.join(channels // self.taps(), self.output_size),)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The columns whose windows hold a cell; over several axes all of them, as a bound."""
        channels, (columns,) = self.split(inputs[0])
        index = 0 if self.dialect.channels_last else 1
        along = whole(columns)._replace(exact=False)
        if len(self.output_size) == 1:
            # Of a column that reaches into the padding not every cell is used, so no parts are read whole.
            along = Reading(index, self._columns, self._columns_of, parts=lambda wanted: None, hollow=True)
        dealt = whole(channels)._replace(exact=False)
        return ((along, dealt) if self.dialect.channels_last else (dealt, along),)

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        counts: Any = [self.size(n, axis) for axis, n in enumerate(self.output_size)]
        channels, image = self.split(Tensor(wanted, self.outputs(*inputs)[0].axes))
        taps = list(self.places(len(self.output_size)))
        for number, tap in enumerate(taps):
            windows = tuple(
                gathered(cells, self.at("stride", axis), self.offset(tap[axis], n, axis)) & every(counts[axis])  # type: ignore[arg-type]
                for axis, (cells, n) in enumerate(zip(image, self.output_size, strict=True))
            )
            columns = (flat(windows, counts),)
            yield 0, self.join(spread(channels, len(taps)) << number, columns).sizes  # type: ignore[arg-type,misc]

    @property
    def pads_input(self) -> bool:
        return False

    def left_over(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        return 0, 0

    def _columns(self, first: Dim, last: Dim) -> Run:
        before, _ = self.pads(self.output_size[0], 0)
        stride = self.at("stride", 0)
        return ceil_div(first + before - self.extent(0) + 1, stride), (last + before) // stride

    def _columns_of(self, cell: int) -> Iterable[int]:
        first, last = self._columns(cell, cell)
        before, _ = self.pads(self.output_size[0], 0)
        stride, dilation = self.at("stride", 0), self.at("dilation", 0)
        return (c for c in range(first, last + 1) if (cell + before - stride * c) % dilation == 0)  # type: ignore[arg-type]
