"""Transposed convolutions: every input cell writes a window into the output.

Source: Dumoulin and Visin (2016), relationship 14; the frameworks' variants are listed at each law.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, both, ceil_div, compare, either, maximum, minimum
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Need, Tensor, Trouble, Weight, need
from shapesolver.layers.cells import Cells, every, gathered, grouped
from shapesolver.layers.convolution import BIAS_NAMES, CHANNEL_NAMES, not_strided_and_dilated
from shapesolver.layers.parameters import Kind, Padding, PerAxis, declare
from shapesolver.layers.reading import Progression, Progressions, Reading, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.windows import (
    Windowed,
    dilation_parameter,
    kernel_parameter,
    padding_parameter,
    stride_parameter,
)
from shapesolver.layers.work import Saved, Work


class Spreading(AxisWise):
    """A layer whose size law is linear: ``s*(n - 1) + base``, or a size that the author states."""

    linear: ClassVar[tuple[str, ...]] = ("stride",)
    omits: ClassVar = True

    output_size: PerAxis | None

    def base(self, axis: int) -> Dim:
        """The size that a single cell makes."""
        raise NotImplementedError

    def default_size(self, n: Dim, axis: int) -> Dim:
        """The size when the author states none."""
        stride: Dim = self.at("stride", axis)
        return (n - 1) * stride + self.base(axis)

    def stated(self, axis: int) -> Any:
        """The size that the author states for an axis, or ``None``."""
        return None if self.output_size is None else self.at("output_size", axis)

    def size(self, n: Dim, axis: int) -> Dim:
        """``s*(n - 1) + base``, where base is the size that one cell makes."""
        stated = self.stated(axis)
        return self.default_size(n, axis) if stated is None else stated

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """``ceil((low - base)/s) + 1 <= n <= (high - base)//s + 1``; a stated size comes from all or none."""
        stated = self.stated(axis)
        if stated is not None:
            inside = both(compare("<=", low, stated), compare("<=", stated, high))
            return self.stated_inverse(stated, axis) if inside is True else (1, 0)
        stride: Dim = self.at("stride", axis)
        return ceil_div(low - self.base(axis), stride) + 1, (high - self.base(axis)) // stride + 1

    def written(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """How far before the first result cell 0 begins to write, and how far apart it does."""
        raise NotImplementedError

    def hollow(self, n: Dim, axis: int) -> bool:
        """Whatever lies between two windows, or behind the last."""
        return True

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions | None:
        """The cells that write into the results: neighbours, unless windows or results are spread out."""
        before, dilation = self.written(n, axis)
        kernel, stride = self.at("kernel", axis), self.at("stride", axis)
        if wanted.step == 1 and dilation == 1:
            return AxisWise.parts(self, wanted, n, axis)
        if not all(isinstance(value, int) for value in (dilation, kernel, stride)):
            return None
        under = [wanted.moved(before - dilation * tap).divided(stride) for tap in range(kernel)]
        return None if None in under else [part for parts in under for part in parts or ()]

    def stated_inverse(self, stated: Dim, axis: int) -> tuple[Dim, Dim]:
        """The input sizes for which the stated output size may be asked for."""
        raise NotImplementedError


@layer("conv_transpose")
class ConvTranspose(Spreading, Windowed):
    """Transposed convolution over 1 to 3 spatial axes.

    - torch: ``(n - 1)*s - p + k + output_padding``, which must be below the stride or the dilation.
    - keras: valid ``(n - 1)*s + max(k, s)``, same ``n*s``; with output_padding ``(n - 1)*s + k + op`` and
      ``(n - 1)*s + k%2 + op``; it must be below the stride.
    - onnx: as torch, output_padding below the stride; same ``(n - 1)*s + min(k, s)``.

    ``p`` is the padding of both ends together. ``output_size`` states the size instead: in PyTorch one of the
    ``s`` sizes from the one without output padding on.
    """

    other_names: ClassVar = {
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose": "channels kernel stride padding output_padding",
        "ConvTranspose1d ConvTranspose2d ConvTranspose3d": (
            "in_channels channels kernel stride padding output_padding groups bias dilation"
        ),
        "ConvTranspose deconv Deconvolution": "channels kernel stride padding",
        "Deconvolution2D": "channels kernel[0] kernel[1] output_size",
    }
    per_axis: ClassVar[tuple[str, ...]] = ("kernel", "stride", "padding", "dilation", "output_padding", "output_size")

    channels: Dim = declare(Kind.SIZE, "output channels", names=CHANNEL_NAMES, least=1)
    kernel: PerAxis = kernel_parameter()
    stride: PerAxis = stride_parameter()
    padding: Padding = padding_parameter()
    output_padding: PerAxis | None = declare(
        Kind.PER_AXIS, "cells added at the end of the output", default=None, least=0
    )
    dilation: PerAxis = dilation_parameter()
    groups: Dim = declare(Kind.SIZE, "groups of channels that do not mix", default=1, names=("group",), least=1)
    bias: bool = declare(Kind.FLAG, "whether a bias is added", default=True, names=BIAS_NAMES)
    output_size: PerAxis | None = declare(
        Kind.PER_AXIS,
        "the output size, instead of output_padding",
        default=None,
        names=("output_shape",),
        least=1,
    )
    in_channels: Dim | None = declare(Kind.SIZE, "input channels, checked when given", default=None, least=1)

    def base(self, axis: int) -> Dim:
        kernel: Dim = self.extent(axis)
        stride: Dim = self.at("stride", axis)
        added = self.added(axis)
        if self.fills:
            if self.dialect.onnx:
                # The standard says n*s; its own inference and onnxruntime do this, the same unless k < s.
                return minimum(kernel, stride)
            return stride if added is None else kernel % 2 + added
        before, after = self.pads(1, axis)
        if self.dialect.keras and added is None:
            return maximum(kernel, stride) - before - after
        return kernel - before - after + (0 if added is None else added)

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """Cell ``i`` writes ``s*i - p`` to ``s*i - p + k - 1``; those that write into the results are read."""
        stride: Dim = self.at("stride", axis)
        before = self.before(n, axis)
        return ceil_div(first + before - self.extent(axis) + 1, stride), (last + before) // stride

    @property
    def pads_input(self) -> bool:
        return False

    def left_over(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        return 0, 0

    def cells_read(self, wanted: Cells, n: int, axis: int) -> Cells:
        stride, before, read = self.at("stride", axis), self.before(n, axis), 0
        dilation = self.at("dilation", axis)
        # Taps that write beyond the results for every cell, however many there are, are not read.
        first = max(-((stride * (n - 1) - before) // dilation), 0)
        for tap in range(first, min(self.at("kernel", axis), (wanted.bit_length() - 1 + before) // dilation + 1)):
            read |= gathered(wanted, stride, tap * dilation - before)
        return read & every(n)

    def channel_reading(self, channels: Dim, follows: int) -> Reading:
        return whole(channels) if self.groups == 1 else whole(channels, follows)

    def channels_read(self, wanted: Cells, channels: int) -> Cells:
        return grouped(wanted, self.channels, channels, self.groups)  # type: ignore[arg-type]

    def natural_most(self, parameter: str, n: Dim, axis: int) -> Dim | None:
        """None: the size grows with kernel and stride for ever."""
        return None

    def before(self, n: Dim, axis: int) -> Dim:
        """The cells cut off at the start of the result."""
        if not self.fills:
            return self.pads(n, axis)[0]
        # `same` cuts what the stated size leaves over, the odd cell at the end.
        over = (n - 1) * self.at("stride", axis) + self.extent(axis) - self.size(n, axis)
        return maximum(over, 0) // 2

    def skips(self, axis: int) -> bool:
        """Whether a dilated window may pass over the results asked about."""
        return compare("==", self.at("dilation", axis), 1) is not True

    def written(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        return self.before(n, axis), self.at("dilation", axis)

    def cells(self, result: int, n: Any, axis: int) -> Iterable[int]:
        """The cells ``i`` with ``result = s*i - before + dilation*t`` for a tap ``t``."""
        first, last = self.reads(result, result, n, axis)
        place, stride, dilation = result + self.before(n, axis), self.at("stride", axis), self.at("dilation", axis)
        return (cell for cell in range(first, last + 1) if (place - stride * cell) % dilation == 0)  # type: ignore[arg-type]

    def added(self, axis: int) -> Dim | None:
        """The output padding of an axis, or ``None`` when it is left out, which Keras tells from 0."""
        return None if self.output_padding is None else self.at("output_padding", axis)

    def stated_inverse(self, stated: Dim, axis: int) -> tuple[Dim, Dim]:
        """The ``n`` with ``default_size(n) <= stated < default_size(n) + s``."""
        stride: Dim = self.at("stride", axis)
        return ceil_div(stated - stride + 1 - self.base(axis), stride) + 1, (stated - self.base(axis)) // stride + 1

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        stride = self.at("stride", axis)
        yield need(
            not self.fills or (not self.dialect.torch and self.padding == "same") or self.padding == "same_lower",
            "framework-limit",
            f"{self.dialect.name}'s conv_transpose has no padding={self.padding}",
            says="Only zeros padding" if self.dialect.torch else "",
        )
        yield from self._output_padding_needs(axis)
        stated = self.stated(axis)
        if stated is None or not self.dialect.torch:
            yield self.positive(
                self.default_size(n, axis),
                lambda: f"({n} - 1)*{stride} + {self.base(axis)} = {self.default_size(n, axis)}",
                lambda: (
                    f"Given input size per channel: ({n}). Calculated output size per channel: "
                    f"({self.default_size(n, axis)}). Output size is too small"
                    if self.dialect.torch
                    else ""
                ),
            )
        if stated is not None:
            yield self._stated_need(n, stated, axis)

    def _output_padding_needs(self, axis: int) -> Iterator[Need]:
        added = self.added(axis)
        if added is None:
            return
        stride, dilation = self.at("stride", axis), self.at("dilation", axis)
        below = compare("<", added, stride)
        if self.dialect.torch:
            below = either(below, compare("<", added, dilation))
        yield need(
            below,
            "framework-limit",
            f"output_padding must be below the stride{' or the dilation' if self.dialect.torch else ''}, "
            f"and {added} is not below {maximum(stride, dilation) if self.dialect.torch else stride}",
            f"output_padding={added}",
            {
                "torch": "output padding must be smaller than either stride or dilation, "
                f"but got output_padding: {added}, stride: {stride}, dilation: {dilation}",
                "keras": "`output_padding` must be strictly less than `strides` for all dimensions.",
            }.get(self.dialect.name, ""),
        )

    def _stated_need(self, n: Dim, stated: Dim, axis: int) -> Need:
        low = self.default_size(n, axis)
        high = low + self.at("stride", axis) - 1

        def trouble() -> Trouble:
            return Trouble(
                f"conv_transpose can make {low} to {high} of {n}, and {stated} is asked for",
                f"output_size={stated}",
                f"requested an output size of [{stated}], but valid sizes range from [{low}] to [{high}]",
            )

        return Need(both(compare("<=", low, stated), compare("<=", stated, high)), "framework-limit", trouble)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        if self.dialect.keras:
            yield not_strided_and_dilated(self, inputs[0].rank - 1)

    def channel_needs(self, channels: Dim) -> Iterator[Need]:
        if self.in_channels is not None:
            yield need(
                compare("==", channels, self.in_channels),
                "features-mismatch",
                f"conv_transpose is told to expect {self.in_channels} channels, and {channels} come in",
                f"in_channels={self.in_channels}",
            )
        yield need(
            not self.dialect.keras or compare("==", self.groups, 1),
            "framework-limit",
            "Keras' conv_transpose has no groups",
            f"groups={self.groups}",
        )
        yield self.divisible(channels, self.groups, "the input channels", "groups")
        yield self.divisible(self.channels, self.groups, "its channels", "groups")

    def out_channels(self, channels: Dim) -> Dim:
        return self.channels

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        channels, spatial = self.split(inputs[0])
        window = " x ".join(str(self.at("kernel", axis)) for axis in range(len(spatial)))
        spans = f"all {channels} input channels" if self.groups == 1 else f"the {channels // self.groups} of its group"
        yield (
            f"Every input cell writes a window of {window} cells into each of the {self.channels} maps that come out, "
            f"summed over {spans}; where windows overlap, they add up."
        )

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        """Keras ``kernel (*k, channels, C)``; PyTorch and ONNX ``weight (C, channels/groups, *k)``."""
        channels, spatial = self.split(inputs[0])
        kernel = tuple(self.at("kernel", axis) for axis in range(len(spatial)))
        if self.dialect.keras:
            arrays = [Weight("kernel", (*kernel, self.channels, channels))]
        else:
            name = "weight" if self.dialect.torch else "W"
            arrays = [Weight(name, (channels, self.channels // self.groups, *kernel))]
        if self.bias:
            arrays.append(Weight("B" if self.dialect.onnx else "bias", (self.channels,)))
        return tuple(arrays)

    def work(self, *inputs: Tensor) -> Work:
        """for each input cell ``channels/groups * prod(k)`` multiply-accumulates; a bias adds once an output cell"""
        taps = prod(self.at("kernel", axis) for axis in range(inputs[0].rank - 1))
        results = self.outputs(*inputs)[0].cells
        return Work(inputs[0].cells * (self.channels // self.groups) * taps, results if self.bias else 0)

    def saves(self, *inputs: Tensor) -> Saved:
        return Saved(inputs=True)
