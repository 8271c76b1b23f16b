"""Convolutions and pools. What their modules cannot pad is padded before, by ``F.pad``."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from shapesolver.exchange.code import Call, Expression, Made, Slot, Value, Written, call, method, module
from shapesolver.exchange.torch.writers import Placed, common, size, writes


def window_slots(placed: Placed, padding: Any) -> tuple[Slot, ...]:
    """Kernel, stride, padding and dilation as keywords."""
    return (
        placed.slot("kernel", "kernel_size"),
        placed.slot("stride", "stride", 1),
        Slot(padding, "padding", 0),
        placed.slot("dilation", "dilation", 1),
    )


class Padding:
    """How a layer's padding is made: by the module's own ``padding``, or by a call before it."""

    def __init__(self, placed: Placed, value: float = 0.0, words: bool = False) -> None:
        """``value`` is what new cells hold; ``words`` is whether the module takes ``padding="same"``."""
        layer: Any = placed.layer
        self.own: Any = 0
        self.outside = False
        """Whether a call before the module pads."""
        self.input: Expression = placed.inputs[0]
        self.note = ""
        if layer.padding in ("same", "same_lower"):
            if words and layer.padding == "same" and set(placed.each("stride")) == {1}:
                self.own = "same"
                return
            more = ({"value": value} if value else {}) | ({"lower": True} if layer.padding == "same_lower" else {})
            self._before("pad_same", Made(), **more)
            self.note = "padding=same, which PyTorch has for a stride of 1 alone"
            return
        if layer.padding == "causal":
            self._before("pad_past", Made())
            return
        pairs = tuple(placed.numbers(layer.pads(1, axis), "padding") for axis in range(placed.rank))
        if all(before == after for before, after in pairs):
            self.own = common(tuple(before for before, _ in pairs))
            return
        self.explicit(pairs, value, "more padding at one end than at the other")

    def _before(self, function: str, *args: Expression, **more: Any) -> None:
        self.input = call(function, self.input, *args, **more)
        self.own, self.outside = 0, True

    def explicit(self, pairs: tuple[tuple[int, int], ...], value: float, note: str) -> None:
        """Pad by ``F.pad``."""
        amounts = tuple(amount for pair in reversed(pairs) for amount in pair)
        self._before("F.pad", amounts, **({"value": value} if value else {}))
        self.note = note


def with_padding(made: Call, padding: Padding) -> Written:
    """The module applied to its padded input."""
    if padding.outside:
        return Written(Made((padding.input,)), made, note=padding.note)
    return module(made, (padding.input,))


@writes("conv", layout="first")
def conv(placed: Placed) -> Written:
    """``nn.Conv2d(3, 64, kernel_size=7, stride=2)``."""
    padding = Padding(placed, words=True)
    made = Call(
        placed.ranked("Conv"),
        (
            Slot(placed.channels, "in_channels", keyword=False),
            placed.slot("channels", "out_channels").positional(),
            *window_slots(placed, padding.own),
            placed.slot("groups", "groups", 1),
            placed.slot("bias", "bias", True),
        ),
    )
    return with_padding(made, padding)


def depthwise(placed: Placed, padding: Any, bias: bool, out: int) -> Call:
    """A convolution with a group for each channel."""
    channels = placed.channels
    return Call(
        placed.ranked("Conv"),
        (
            Slot(channels, "in_channels", keyword=False),
            Slot(out, "out_channels", keyword=False),
            *window_slots(placed, padding),
            Slot(channels, "groups", 1),
            Slot(bias, "bias", True),
        ),
    )


@writes("depthwise_conv", layout="first")
def depthwise_conv(placed: Placed) -> Written:
    """``nn.Conv2d(64, 64, kernel_size=3, groups=64)``."""
    padding, layer = Padding(placed, words=True), placed.layer
    return with_padding(depthwise(placed, padding.own, layer.bias, placed.out_channels), padding)  # type: ignore[attr-defined]


@writes("separable_conv", layout="first")
def separable_conv(placed: Placed) -> Written:
    """A depthwise and a 1x1 convolution, by the names ``depthwise`` and ``pointwise``."""
    padding, layer = Padding(placed, words=True), placed.layer
    middle = placed.channels * placed.number(layer.multiplier, "multiplier")  # type: ignore[attr-defined]
    pointwise = Call(
        placed.ranked("Conv"),
        (
            Slot(middle, "in_channels", keyword=False),
            placed.slot("channels", "out_channels").positional(),
            Slot(1, "kernel_size"),
            placed.slot("bias", "bias", True),
        ),
    )
    both = [("depthwise", depthwise(placed, padding.own, False, middle)), ("pointwise", pointwise)]
    return with_padding(call("nn.Sequential", call("OrderedDict", both)), padding)


@writes("conv_transpose", layout="first")
def conv_transpose(placed: Placed) -> Written:
    """``nn.ConvTranspose2d``; what another framework adds or cuts at the end is done after it."""
    layer: Any = placed.layer
    before = tuple(placed.number(layer.before(1, axis), "padding") for axis in range(placed.rank))
    strides, dilations = placed.each("stride"), placed.each("dilation")
    surplus = tuple(
        placed.number(layer.base(axis) - layer.extent(axis), "output_padding") + 2 * before[axis]
        for axis in range(placed.rank)
    )
    own = tuple(
        min(max(extra, 0), max(stride, dilation) - 1)
        for extra, stride, dilation in zip(surplus, strides, dilations, strict=True)
    )
    made = Call(
        placed.ranked("ConvTranspose"),
        (
            Slot(placed.channels, "in_channels", keyword=False),
            placed.slot("channels", "out_channels").positional(),
            placed.slot("kernel", "kernel_size"),
            placed.slot("stride", "stride", 1),
            Slot(common(before), "padding", 0),
            Slot(common(own), "output_padding", 0),
            placed.slot("groups", "groups", 1),
            placed.slot("bias", "bias", True),
            placed.slot("dilation", "dilation", 1),
        ),
    )
    if layer.output_size is not None:
        sizes = [placed.open.at("output_size", axis) for axis in range(placed.rank)]  # type: ignore[attr-defined]
        return Written(Made((placed.inputs[0],), (("output_size", [size(n) for n in sizes]),)), made)
    rest = tuple(extra - added for extra, added in zip(surplus, own, strict=True))
    if any(rest):
        amounts = tuple(amount for extra in reversed(rest) for amount in (0, extra))
        return Written(call("F.pad", Made(placed.inputs[:1]), amounts), made, note="the ends are cut unlike")
    return module(made, placed.inputs[:1])


def pool(placed: Placed, name: str, padding: Padding, *more: Slot) -> Written:
    """A pool's module."""
    stride: Any = placed.layer.stride  # type: ignore[attr-defined]
    kernel = placed.slot("kernel", "kernel_size").positional()
    made = Call(
        placed.ranked(name),
        (
            kernel,
            Slot(None if stride == placed.layer.kernel else placed.numbers(stride, "stride"), "stride"),  # type: ignore[attr-defined]
            Slot(padding.own, "padding", 0),
            *more,
            placed.slot("ceil_mode", "ceil_mode", False),
        ),
    )
    return with_padding(made, padding)


def halves(placed: Placed) -> bool:
    """Whether windows of 2 go in steps of 2 with padding=same, which is what ceil_mode does."""
    return (
        placed.layer.padding == "same"  # type: ignore[attr-defined]
        and set(placed.each("kernel")) == {2}
        and set(placed.each("stride")) == {2}
    )


def centred(placed: Placed) -> bool:
    """Whether windows of odd size go cell by cell with padding=same, which pads both ends by as much at any size."""
    odd = all(k % 2 for k in placed.each("kernel"))
    return placed.layer.padding == "same" and odd and set(placed.each("stride")) == {1}  # type: ignore[attr-defined]


def rounded_up(placed: Placed) -> Placed:
    """The same pool with ceil_mode for padding."""
    return replace(placed, layer=placed.layer.with_(padding=0, ceil_mode=True))


@writes("max_pool", layout="first")
def max_pool(placed: Placed) -> Written:
    """``nn.MaxPool2d(3, stride=2)``."""
    if halves(placed):
        placed = rounded_up(placed)
    return pool(placed, "MaxPool", Padding(placed, -math.inf), placed.slot("dilation", "dilation", 1))


@writes("avg_pool", layout="first")
def avg_pool(placed: Placed) -> Written:
    """``nn.AvgPool2d(3, stride=2)``; Keras' ``same`` does not count the padding."""
    if halves(placed):
        placed = rounded_up(placed)
    if centred(placed):
        padding = common(tuple(k // 2 for k in placed.each("kernel")))
        placed = replace(placed, layer=placed.layer.with_(padding=padding))
        return pool(placed, "AvgPool", Padding(placed), Slot(False, "count_include_pad", True))
    if placed.layer.padding == "same":  # type: ignore[attr-defined]
        made = pool(placed, "AvgPool", Padding(placed)).made
        note = "padding=same, which is left out of the average"
        return Written(call("average_same", placed.inputs[0], Made()), made, note=note)
    return pool(placed, "AvgPool", Padding(placed))


@writes("lp_pool", layout="first")
def lp_pool(placed: Placed) -> Written:
    """``nn.LPPool2d(2, 3)``, which has no padding of its own."""
    layer: Any = placed.layer
    padding = Padding(placed)
    if padding.own:
        pairs = tuple(placed.numbers(layer.pads(1, axis), "padding") for axis in range(placed.rank))
        padding.explicit(pairs, 0.0, "nn.LPPool has no padding of its own")
    made = Call(
        placed.ranked("LPPool"),
        (
            Slot(layer.norm, "norm_type", keyword=False),
            placed.slot("kernel", "kernel_size").positional(),
            placed.slot("stride", "stride"),
            placed.slot("ceil_mode", "ceil_mode", False),
        ),
    )
    return with_padding(made, padding)


@writes("adaptive_avg_pool", "adaptive_max_pool", layout="first")
def adaptive_pool(placed: Placed) -> Written:
    """``nn.AdaptiveAvgPool2d(1)``."""
    name = "AdaptiveAvgPool" if placed.layer.op == "adaptive_avg_pool" else "AdaptiveMaxPool"
    target = common(placed.each("target"))
    if target is None:
        target = (None,) * placed.rank
    return module(Call(placed.ranked(name), (Slot(target, "output_size", keyword=False),)), placed.inputs)


@writes("global_avg_pool", "global_max_pool", layout="first")
def global_pool(placed: Placed) -> Written:
    """``x.mean((2, 3))``; in a chain of modules ``nn.AdaptiveAvgPool2d(1)``."""
    average = placed.layer.op == "global_avg_pool"
    keeps = placed.results[0].rank == placed.tensors[0].rank
    dims = tuple(range(2, placed.rank + 2))
    more = {"keepdim": True} if keeps else {}
    result = method(placed.inputs[0], "mean" if average else "amax", dims, **more)
    # In PyTorch's own files the two kinds of pool are told apart, so that reading them again gives the same.
    if placed.layer.dialect.torch or not isinstance(placed.inputs[0], Value):
        return Written(result)
    stage = call(placed.ranked("AdaptiveAvgPool" if average else "AdaptiveMaxPool"), 1)
    return Written(result, stages=(stage,) if keeps else (stage, call("nn.Flatten")))
