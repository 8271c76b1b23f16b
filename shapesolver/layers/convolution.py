"""Convolutions: each filter spans and sums all input channels of its group."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod
from operator import or_
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, both, compare, either, negate
from shapesolver.layers.base import Need, Tensor, Weight, need
from shapesolver.layers.cells import Cells, every, gathered, grouped
from shapesolver.layers.parameters import Kind, Padding, PerAxis, declare
from shapesolver.layers.patches import product
from shapesolver.layers.reading import Reading, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.windows import (
    Windowed,
    dilation_parameter,
    kernel_parameter,
    padding_parameter,
    stride_parameter,
)
from shapesolver.layers.work import Saved, Work

CHANNEL_NAMES = ("filters", "out_channels", "nb_filter", "channels_out")
BIAS_NAMES = ("use_bias",)


class Convolving(Windowed):
    """What all convolutions share: the frameworks' limits on words, strides and dilation."""

    bias: bool

    def padding_needs(self, axis: int) -> Iterator[Need]:
        dilated = compare(">", self.at("dilation", axis), 1)
        strided = compare(">", self.at("stride", axis), 1)
        if self.dialect.torch:
            yield need(
                self.padding != "same" or negate(strided),
                "framework-limit",
                "PyTorch has no padding=same for a stride above 1",
                f"stride {self.at('stride', axis)} with padding=same",
                "padding='same' is not supported for strided convolutions",
            )
            yield need(
                self.padding not in ("causal", "same_lower"),
                "framework-limit",
                f"PyTorch has no padding={self.padding}; write pairs, as in padding=(({self.extent(axis) - 1}, 0),)",
            )
        if self.dialect.onnx:
            yield need(
                self.padding not in ("same", "same_lower") or negate(dilated),
                "framework-limit",
                "onnxruntime has no padding=same for a dilated convolution",
                says="Dilation not supported for AutoPadType::SAME_UPPER or AutoPadType::SAME_LOWER.",
            )
            yield need(self.padding != "causal", "framework-limit", "ONNX has no padding=causal; write the pairs")

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        if self.dialect.keras:
            yield not_strided_and_dilated(self, inputs[0].rank - 1)
        yield need(
            not (self.padding == "causal" and inputs[0].rank != 2),
            "framework-limit",
            "padding=causal is for one spatial axis (time)",
            says="Causal padding is only supported for `Conv1D` and `SeparableConv1D`.",
        )

    def too_small(self, n: Dim, axis: int) -> str:
        if self.dialect.torch:
            before, after = self.pads(n, axis)
            return (
                f"Calculated padded input size per channel: ({n + before + after}). Kernel size: "
                f"({self.extent(axis)}). Kernel size can't be greater than actual input size"
            )
        return super().too_small(n, axis)

    def products(self, tensor: Tensor, channels: Dim) -> str:
        """``5*5*32 = 800 products and a bias make one number``, for a window over so many channels."""
        factors = (*self.kernel_sizes(tensor), channels)
        bias = " and a bias" if self.bias else ""
        return f"{'*'.join(map(str, factors))} = {product(factors)} products{bias} make one number"

    def window_text(self, tensor: Tensor) -> str:
        """``5 x 5 cells``."""
        return f"{' x '.join(map(str, self.kernel_sizes(tensor)))} cells"

    def kernel_sizes(self, tensor: Tensor) -> tuple[Dim, ...]:
        """The kernel, one number a spatial axis."""
        return tuple(self.at("kernel", axis) for axis in range(tensor.rank - 1))

    def kernel_name(self) -> str:
        """What the dialect calls the kernel array."""
        return {"keras": "kernel", "torch": "weight", "onnx": "W"}[self.dialect.name]

    def saves(self, *inputs: Tensor) -> Saved:
        return Saved(inputs=True)

    def results(self, *inputs: Tensor) -> Dim:
        """How many cells come out."""
        return self.outputs(*inputs)[0].cells

    def bias_weight(self, channels: Dim, name: str = "") -> tuple[Weight, ...]:
        """The bias, if there is one."""
        return (Weight(name or ("B" if self.dialect.onnx else "bias"), (channels,)),) if self.bias else ()


def not_strided_and_dilated(layer: Windowed, axes: int) -> Need:
    """Keras' limit: no stride above 1 beside a dilation above 1, on whichever axes they are."""
    above = (
        either(*(compare(">", layer.at(name, axis), 1) for axis in range(axes))) for name in ("stride", "dilation")
    )
    return need(
        negate(both(*above)),
        "framework-limit",
        f"Keras' {layer.op} takes strides or dilations above 1, not both",
        "",
        "`strides > 1` not supported in conjunction with `dilation_rate > 1`.",
    )


@layer("conv")
class Conv(Convolving):
    """Convolution over 1 to 3 spatial axes.

    Weights: Keras ``kernel (*k, C/groups, channels)``; PyTorch and ONNX ``weight (channels, C/groups, *k)``.
    """

    other_names: ClassVar = {
        "Conv1D Conv2D Conv3D": "channels kernel stride padding",
        "Convolution1D AtrousConvolution1D": "channels kernel",
        "Convolution2D AtrousConvolution2D": "channels kernel[0] kernel[1]",
        "Convolution3D": "channels kernel[0] kernel[1] kernel[2]",
        "Conv1d Conv2d Conv3d": "in_channels channels kernel stride padding dilation groups bias",
        "conv1d conv2d conv3d Conv": "channels kernel stride padding dilation groups bias",
    }

    channels: Dim = declare(Kind.SIZE, "output channels: how many filters there are", names=CHANNEL_NAMES, least=1)
    kernel: PerAxis = kernel_parameter(("nb_row:0", "nb_col:1", "kernel_dim1:0", "kernel_dim2:1", "kernel_dim3:2"))
    stride: PerAxis = stride_parameter()
    padding: Padding = padding_parameter()
    dilation: PerAxis = dilation_parameter()
    groups: Dim = declare(Kind.SIZE, "groups of channels that do not mix", default=1, names=("group",), least=1)
    bias: bool = declare(Kind.FLAG, "whether a bias is added", default=True, names=BIAS_NAMES)
    in_channels: Dim | None = declare(
        Kind.SIZE, "input channels, checked when given", default=None, names=("input_channels",), least=1
    )

    def channel_needs(self, channels: Dim) -> Iterator[Need]:
        if self.in_channels is not None:
            yield need(
                compare("==", channels, self.in_channels),
                "features-mismatch",
                f"conv is told to expect {self.in_channels} channels, and {channels} come in",
                f"in_channels={self.in_channels}",
                f"Given groups={self.groups}, weight of size [{self.channels}, {self.in_channels // self.groups}, ...],"
                f" expected input to have {self.in_channels} channels, but got {channels} channels instead",
            )
        says = {"torch": "in_channels must be divisible by groups"}.get(self.dialect.name, "")
        yield self.divisible(channels, self.groups, "the input channels", "groups", says)
        says = {
            "torch": "out_channels must be divisible by groups",
            "keras": "The number of filters must be evenly divisible by the number of groups.",
        }.get(self.dialect.name, "")
        yield self.divisible(self.channels, self.groups, "its channels", "groups", says)

    def out_channels(self, channels: Dim) -> Dim:
        return self.channels

    def channel_reading(self, channels: Dim, follows: int) -> Reading:
        return whole(channels) if self.groups == 1 else whole(channels, follows)

    def channels_read(self, wanted: Cells, channels: int) -> Cells:
        return grouped(wanted, self.channels, channels, self.groups)  # type: ignore[arg-type]

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        channels = self.split(inputs[0])[0]
        fan_in = channels // self.groups
        spans = "the one input channel" if channels == 1 else f"all {channels} input channels"
        if self.groups != 1:
            spans = f"the {fan_in} input channels of its group"
        yield f"There are {self.channels} filters."
        yield (
            f"Each spans {self.window_text(inputs[0])} of {spans} and sums over them all: "
            f"{self.products(inputs[0], fan_in)}."
        )
        rather = "" if channels == 1 else f", not {self.channels} x {channels}"
        yield f"So {self.channels} maps come out, one for each filter{rather}."

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        fan_in = self.split(inputs[0])[0] // self.groups
        kernel = self.kernel_sizes(inputs[0])
        keras = (*kernel, fan_in, self.channels)
        shape = keras if self.dialect.keras else (self.channels, fan_in, *kernel)
        return (Weight(self.kernel_name(), shape), *self.bias_weight(self.channels))

    def work(self, *inputs: Tensor) -> Work:
        """for each output cell ``C/groups * prod(k)`` multiply-accumulates, and an addition for the bias"""
        results = self.results(*inputs)
        fan_in = self.split(inputs[0])[0] // self.groups
        return Work(results * prod(self.kernel_sizes(inputs[0])) * fan_in, results if self.bias else 0)


@layer("depthwise_conv")
class DepthwiseConv(Convolving):
    """Each channel convolved by ``multiplier`` filters of its own.

    Weights: Keras ``depthwise_kernel (*k, C, multiplier)``; PyTorch and ONNX ``weight (C*multiplier, 1, *k)``.
    """

    other_names: ClassVar = {"DepthwiseConv1D DepthwiseConv2D": "kernel stride padding multiplier"}

    kernel: PerAxis = kernel_parameter()
    stride: PerAxis = stride_parameter()
    padding: Padding = padding_parameter()
    dilation: PerAxis = dilation_parameter()
    multiplier: Dim = declare(
        Kind.SIZE, "filters for each input channel", default=1, names=("depth_multiplier",), least=1
    )
    bias: bool = declare(Kind.FLAG, "whether a bias is added", default=True, names=BIAS_NAMES)

    def out_channels(self, channels: Dim) -> Dim:
        return channels * self.multiplier

    def channel_reading(self, channels: Dim, follows: int) -> Reading:
        return super().channel_reading(channels, follows) if self.multiplier == 1 else whole(channels, follows)

    def channels_read(self, wanted: Cells, channels: int) -> Cells:
        multiplier: Any = self.multiplier
        return reduce(or_, (gathered(wanted, multiplier, filter) for filter in range(multiplier)))

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        channels = self.split(inputs[0])[0]
        filters = "a filter of its own" if self.multiplier == 1 else f"{self.multiplier} filters of its own"
        yield (
            f"Each of the {channels} channels has {filters}, over {self.window_text(inputs[0])} of that channel alone: "
            f"{self.products(inputs[0], 1)}."
        )
        yield f"Channels are not mixed, and {channels * self.multiplier} maps come out."

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        channels = self.split(inputs[0])[0]
        kernel = self.kernel_sizes(inputs[0])
        out = channels * self.multiplier
        if self.dialect.keras:
            # Keras 3 saves this array under the plain name.
            return (Weight("kernel", (*kernel, channels, self.multiplier)), *self.bias_weight(out))
        return (Weight(self.kernel_name(), (out, 1, *kernel)), *self.bias_weight(out))

    def work(self, *inputs: Tensor) -> Work:
        """for each output cell ``prod(k)`` multiply-accumulates, and an addition for the bias"""
        results = self.results(*inputs)
        return Work(results * prod(self.kernel_sizes(inputs[0])), results if self.bias else 0)


@layer("separable_conv")
class SeparableConv(Convolving):
    """A depthwise convolution and a 1x1 convolution that mixes the channels, with one bias at the end."""

    other_names: ClassVar = {
        "SeparableConv1D SeparableConv2D": "channels kernel stride padding",
        "SeparableConvolution2D": "channels kernel[0] kernel[1]",
    }

    channels: Dim = declare(Kind.SIZE, "output channels", names=CHANNEL_NAMES, least=1)
    kernel: PerAxis = kernel_parameter()
    stride: PerAxis = stride_parameter()
    padding: Padding = padding_parameter()
    dilation: PerAxis = dilation_parameter()
    multiplier: Dim = declare(
        Kind.SIZE, "depthwise filters for each input channel", default=1, names=("depth_multiplier",), least=1
    )
    bias: bool = declare(Kind.FLAG, "whether a bias is added", default=True, names=BIAS_NAMES)

    def out_channels(self, channels: Dim) -> Dim:
        return self.channels

    def channel_reading(self, channels: Dim, follows: int) -> Reading:
        return whole(channels)

    def channels_read(self, wanted: Cells, channels: int) -> Cells:
        return every(channels) if wanted else 0

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        channels = self.split(inputs[0])[0]
        middle = channels * self.multiplier
        yield (
            f"First each of the {channels} channels is filtered alone, over {self.window_text(inputs[0])}, which makes "
            f"{middle} maps; then each of {self.channels} filters of a single cell sums over all {middle} of them."
        )

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        channels = self.split(inputs[0])[0]
        kernel = self.kernel_sizes(inputs[0])
        middle, ones = channels * self.multiplier, (1,) * len(kernel)
        if self.dialect.keras:
            depthwise = Weight("depthwise_kernel", (*kernel, channels, self.multiplier))
            pointwise = Weight("pointwise_kernel", (*ones, middle, self.channels))
        else:
            depthwise = Weight(f"depthwise.{self.kernel_name()}", (middle, 1, *kernel))
            pointwise = Weight(f"pointwise.{self.kernel_name()}", (self.channels, middle, *ones))
        bias = {"keras": "bias", "torch": "pointwise.bias", "onnx": "pointwise.B"}[self.dialect.name]
        return (depthwise, pointwise, *self.bias_weight(self.channels, bias))

    def work(self, *inputs: Tensor) -> Work:
        """at each place ``C*multiplier * (prod(k) + channels)`` multiply-accumulates; a bias adds once a cell"""
        each = prod(self.kernel_sizes(inputs[0])) + self.channels
        return Work(self._middle(inputs[0]) * each, self.results(*inputs) if self.bias else 0)

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, and what the depthwise half makes of it."""
        return Saved(inputs=True, cells=self._middle(inputs[0]))

    def _middle(self, tensor: Tensor) -> Dim:
        """How many cells the depthwise half makes."""
        places = prod(self.split(self.outputs(tensor)[0])[1])
        return places * self.split(tensor)[0] * self.multiplier
