"""Pools whose windows grow with the input: a stated number of results, or one for everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Self

from shapesolver.arithmetic import Dim, ceil_div, compare
from shapesolver.layers.axes import plain
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Inputs, Layer, Tensor
from shapesolver.layers.cells import Box, every
from shapesolver.layers.parameters import Kind, PerAxis, declare
from shapesolver.layers.pooling import AvgPool, MaxPool, Pool
from shapesolver.layers.reading import Reading, Readings, same, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work


class GrowingPool(AxisWise):
    """A pool whose windows grow with its input."""

    sliding: ClassVar[type[Pool]]
    """The pool of the same kind whose windows do not."""


class AdaptivePool(GrowingPool):
    """Windows made to fit a stated number of results, whatever the input: size ``o`` from every ``n >= 1``."""

    per_axis: ClassVar[tuple[str, ...]] = ("target",)

    target: PerAxis | None

    def work(self, *inputs: Tensor) -> Work:
        """1 operation for each input cell, those that two windows share once"""
        return Work(other=inputs[0].cells)

    def size(self, n: Dim, axis: int) -> Dim:
        """``o``, or ``n`` where the target is none."""
        target = self.at("target", axis)
        return n if target is None else target

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """Every ``n`` or none, by whether ``low <= o <= high``."""
        target = self.at("target", axis)
        if target is None:
            return low, high
        return stated_interval(target, low, high)

    def reading(self, n: Dim, axis: int, follows: int) -> Reading:
        """A single result reads everything."""
        return whole(n) if self.at("target", axis) == 1 else super().reading(n, axis, follows)

    def as_windows(self, sizes: tuple[int, ...]) -> Layer | None:
        """Equal windows side by side, or one over everything that moves cell by cell; the target divides the map."""
        targets = tuple(n if (o := self.at("target", axis)) is None else o for axis, n in enumerate(sizes))
        if not all(isinstance(o, int) and n % o == 0 for n, o in zip(sizes, targets, strict=True)):
            return None
        kernel = tuple(n // o for n, o in zip(sizes, targets, strict=True))
        stride = tuple(1 if o == 1 else k for k, o in zip(kernel, targets, strict=True))
        return self.sliding(dialect=self.dialect, kernel=plain(kernel), stride=plain(stride))

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``floor(first*n/o)`` to ``ceil((last + 1)*n/o) - 1``."""
        target = self.at("target", axis)
        if target is None:
            return first, last
        return first * n // target, ceil_div((last + 1) * n, target) - 1


def stated_interval(size: Dim, low: Dim, high: Dim) -> tuple[Dim, Dim]:
    """The interval of inputs of a layer whose result is always ``size``: everything from 1 on, or nothing."""
    inside = compare("<=", low, size) is True and compare("<=", size, high) is True
    return (1, UNBOUNDED) if inside else (1, 0)


UNBOUNDED = 10**30
"""An upper end beyond every size: where any input will do."""


def target_parameter() -> Any:
    """The stated result size of an adaptive pool."""
    return declare(
        Kind.PER_AXIS,
        "the output size; none keeps an axis",
        default=None,
        names=("output_size", "size"),
        least=1,
    )


@layer("adaptive_avg_pool")
class AdaptiveAvgPool(AdaptivePool):
    """Averages over windows made to fit the stated output size."""

    sliding = AvgPool
    other_names: ClassVar = {
        "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d adaptive_avg_pool1d adaptive_avg_pool2d": "target",
        "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D": "target",
    }

    target: PerAxis | None = target_parameter()

    def saves(self, *inputs: Tensor) -> Saved:
        """The input; an average of everything needs nothing."""
        return Saved(inputs=any(self.at("target", axis) != 1 for axis in range(inputs[0].rank - 1)))


@layer("adaptive_max_pool")
class AdaptiveMaxPool(AdaptivePool):
    """Maxima over windows made to fit the stated output size."""

    sliding = MaxPool
    finds_places: ClassVar = True
    other_names: ClassVar = {
        "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d adaptive_max_pool1d adaptive_max_pool2d": "target",
        "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D": "target",
    }

    target: PerAxis | None = target_parameter()

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, and where the greatest values stood."""
        return Saved(inputs=True, indices=self.outputs(*inputs)[0].cells)


class GlobalPool(GrowingPool):
    """One value a channel. Keras drops the spatial axes unless keepdims; PyTorch and ONNX leave them at 1."""

    written_by_position: ClassVar[int] = 0
    keepdims: bool | None

    def spelled_out(self, *inputs: Tensor) -> Self:
        return self.with_(keepdims=not self.dialect.keras) if self.keepdims is None else self

    def work(self, *inputs: Tensor) -> Work:
        """1 operation for each input cell"""
        return Work(other=inputs[0].cells)

    def size(self, n: Dim, axis: int) -> Dim:
        """1, whatever comes in."""
        return 1

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """Every ``n`` or none."""
        return stated_interval(1, low, high)

    def as_windows(self, sizes: tuple[int, ...]) -> Layer | None:
        """One window over everything, which moves cell by cell over more."""
        return self.sliding(dialect=self.dialect, kernel=plain(sizes), stride=1)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Every place of the channel."""
        _, spatial = self.split(inputs[0])
        kept = self.outputs(*inputs)[0].rank > 1 and self.dialect.channels_last
        same_channel = same(len(spatial) if kept else 0)
        axes = map(whole, spatial)
        return ((*axes, same_channel) if self.dialect.channels_last else (same_channel, *axes),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        keep = not self.dialect.keras if self.keepdims is None else self.keepdims
        if keep:
            return super().outputs(*inputs)
        return (self.tensor((self.split(inputs[0])[0],)),)

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        channels = wanted[0] if len(wanted) == 1 else self.split(Tensor(wanted, inputs[0].axes))[0]
        spatial = tuple(every(n) for n in self.split(inputs[0])[1])  # type: ignore[arg-type]
        yield 0, self.join(channels, spatial).sizes  # type: ignore[misc]


def keepdims_parameter() -> Any:
    """Whether pooled axes stay, with size 1."""
    return declare(Kind.FLAG, "whether the pooled axes stay, at size 1 (keras: no, others: yes)", default=None)


@layer("global_avg_pool")
class GlobalAvgPool(GlobalPool):
    """The average of every channel."""

    sliding = AvgPool
    other_names: ClassVar = {
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAveragePool "
        "GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D": "",
    }

    keepdims: bool | None = keepdims_parameter()


@layer("global_max_pool")
class GlobalMaxPool(GlobalPool):
    """The greatest value of every channel."""

    sliding = MaxPool
    other_names: ClassVar = {
        "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GlobalMaxPool "
        "GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D": "",
    }

    keepdims: bool | None = keepdims_parameter()

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, and where the greatest values stood."""
        return Saved(inputs=True, indices=self.outputs(*inputs)[0].cells)
