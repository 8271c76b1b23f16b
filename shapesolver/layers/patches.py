"""Sliding blocks as columns, and columns put back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import mul
from typing import ClassVar

from shapesolver.arithmetic import Dim, compare
from shapesolver.layers.base import Need, Tensor, Trouble
from shapesolver.layers.parameters import Kind, Padding, PerAxis, declare
from shapesolver.layers.registry import layer
from shapesolver.layers.windows import (
    Windowed,
    dilation_parameter,
    kernel_parameter,
    padding_parameter,
    stride_parameter,
)


def product(sizes: tuple[Dim, ...]) -> Dim:
    """The sizes multiplied; 1 for none."""
    return reduce(mul, sizes, 1)


@layer("unfold")
class Unfold(Windowed):
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


@layer("fold")
class Fold(Windowed):
    """Columns summed back into an image: ``(C*prod(k), L)`` becomes ``(C, *output_size)``."""

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

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        channels, _ = self.split(inputs[0])
        return (self.join(channels // self.taps(), self.output_size),)
