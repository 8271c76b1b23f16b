"""Layers that slide windows, and what pads, crops and resizes, in Keras."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.keras.steps import Placed, Step, common, writes
from shapesolver.layers.convolution import Convolving

LEAST = float("-inf")
"""What a maximum is padded with."""


def padded(placed: Placed, value: float = 0.0) -> tuple[list[Step], dict[str, Any]]:
    """What pads before a layer that slides windows, and the layer's own ``padding``."""
    layer: Any = placed.layer
    if isinstance(layer.padding, str):
        if layer.padding == "same_lower":
            raise placed.error("its odd cell of padding comes first")
        return [], {"padding": layer.padding}
    pairs = tuple(placed.number(layer.pads(1, axis), "padding") for axis in range(placed.spatial))
    if not any(before or after for before, after in pairs):
        return [], {}
    if isinstance(layer, Convolving) and set(placed.each("stride")) == {1}:
        spans = [placed.number(layer.extent(axis), "kernel") for axis in range(placed.spatial)]
        if pairs == tuple(((span - 1) // 2, span // 2) for span in spans):
            return [], {"padding": "same"}
    return [padding(placed, pairs, value)], {}


def padding(placed: Placed, pairs: tuple[tuple[int, int], ...], value: float = 0.0) -> Step:
    """Cells added to the spatial axes."""
    if value:
        widths = [(0, 0), *pairs, (0, 0)] if placed.layer.dialect.channels_last else [(0, 0), (0, 0), *pairs]
        return Step("ops.pad", (tuple(widths),), {"constant_values": value}, named=False)
    amount: Any = pairs[0] if len(pairs) == 1 else pairs
    if all(before == after for before, after in pairs):
        amount = common(tuple(before for before, _ in pairs))
    return Step(placed.ranked("ZeroPadding"), (amount,), placed.layout(), named=False)


def window(placed: Placed) -> dict[str, Any]:
    """Strides and dilation."""
    return placed.given(strides=(placed.common("stride"), 1), dilation_rate=(placed.common("dilation"), 1))


def filtered(placed: Placed, name: str, args: tuple[Any, ...], **options: tuple[Any, Any]) -> list[Step]:
    """A convolution of some kind; padding by numbers is a layer before it."""
    before, own = padded(placed)
    rest = placed.given(**options, use_bias=(placed.layer.bias, True))  # type: ignore[attr-defined]
    return [*before, Step(placed.ranked(name), args, {**window(placed), **own, **placed.layout(), **rest})]


@writes("conv")
def conv(placed: Placed) -> list[Step]:
    """``layers.Conv2D(64, 3, strides=2)``."""
    layer: Any = placed.layer
    args = (placed.number(layer.channels, "channels"), placed.common("kernel"))
    return filtered(placed, "Conv", args, groups=(layer.groups, 1))


@writes("depthwise_conv")
def depthwise_conv(placed: Placed) -> list[Step]:
    """``layers.DepthwiseConv2D(3)``."""
    layer: Any = placed.layer
    if placed.spatial == 3:
        raise placed.error("its depthwise convolutions have one or two spatial axes")
    if len(set(placed.each("stride"))) > 1:
        raise placed.error("its depthwise convolutions have one stride for all axes")
    return filtered(placed, "DepthwiseConv", (placed.common("kernel"),), depth_multiplier=(layer.multiplier, 1))


@writes("separable_conv")
def separable_conv(placed: Placed) -> list[Step]:
    """``layers.SeparableConv2D(64, 3)``."""
    layer: Any = placed.layer
    if placed.spatial == 3:
        raise placed.error("its separable convolutions have one or two spatial axes")
    args = (placed.number(layer.channels, "channels"), placed.common("kernel"))
    return filtered(placed, "SeparableConv", args, depth_multiplier=(layer.multiplier, 1))


@writes("conv_transpose")
def conv_transpose(placed: Placed) -> list[Step]:
    """Padding cuts off the result; Keras' own sizes are those without an output padding."""
    layer: Any = placed.layer
    if layer.groups != 1 or layer.output_size is not None:
        raise placed.error("its transposed convolutions have no groups and no output_size")
    own: dict[str, Any] = {"padding": layer.padding} if layer.fills else {}
    added = layer.output_padding
    if added is None and not layer.dialect.keras:
        added = 0
    if added is not None:
        own["output_padding"] = placed.number(added, "output_padding")
    cut: list[Step] = []
    if not layer.fills:
        pairs = tuple(placed.number(layer.pads(1, axis), "padding") for axis in range(placed.spatial))
        if any(a or b for a, b in pairs):
            amount = pairs[0] if len(pairs) == 1 else pairs
            cut = [Step(placed.ranked("Cropping"), (amount,), placed.layout(), named=False)]
    args = (placed.number(layer.channels, "channels"), placed.common("kernel"))
    rest = placed.given(use_bias=(layer.bias, True))
    kwargs = {**window(placed), **own, **placed.layout(), **rest}
    return [Step(placed.ranked("Conv", "Transpose"), args, kwargs), *cut]


@writes("max_pool", "avg_pool")
def pool(placed: Placed) -> list[Step]:
    """``layers.MaxPooling2D(2)``; a maximum is padded with what is less than everything."""
    layer: Any = placed.layer
    most = layer.op == "max_pool"
    if most and set(placed.each("dilation")) != {1}:
        raise placed.error("its pools have no dilation")
    before, own = rounded_up(placed) if layer.ceil_mode else padded(placed, LEAST if most else 0.0)
    kernel, stride = placed.common("kernel"), placed.common("stride")
    strides = {} if stride == kernel else {"strides": stride}
    name = "MaxPooling" if most else "AveragePooling"
    return [*before, Step(placed.ranked(name), (kernel,), {**strides, **own, **placed.layout()})]


def rounded_up(placed: Placed) -> tuple[list[Step], dict[str, Any]]:
    """What pads before a pool whose last window reaches beyond the end, so far that it is a whole one.

    A maximum does not see the difference; an average, which PyTorch and ONNX take over what is there, does.
    """
    layer: Any = placed.layer
    sizes, made = (placed.number(layer.split(tensor)[1], "size") for tensor in (placed.inputs[0], placed.outputs[0]))
    pairs = []
    for axis, (n, count) in enumerate(zip(sizes, made, strict=True)):
        before, after = placed.number(layer.pads(n, axis), "padding")
        reach = (count - 1) * layer.at("stride", axis) + placed.number(layer.extent(axis), "kernel")
        missing = max(reach - (before + n + after), 0)
        if missing and layer.op != "max_pool":
            raise placed.error(f"its averages are over whole windows, and the last reaches {missing} beyond the end")
        pairs.append((before, after + missing))
    if not any(before or after for before, after in pairs):
        return [], {}
    return [padding(placed, tuple(pairs), LEAST if layer.op == "max_pool" else 0.0)], {}


@writes("adaptive_avg_pool", "adaptive_max_pool")
def adaptive_pool(placed: Placed) -> list[Step]:
    """``layers.AdaptiveAveragePooling2D(7)``."""
    targets = placed.each("target")
    if None in targets:
        raise placed.error("its adaptive pools keep no axis")
    name = "AdaptiveAveragePooling" if placed.layer.op == "adaptive_avg_pool" else "AdaptiveMaxPooling"
    return [Step(placed.ranked(name), (common(targets),), placed.layout())]


@writes("global_avg_pool", "global_max_pool")
def global_pool(placed: Placed) -> list[Step]:
    """``layers.GlobalAveragePooling2D()``."""
    name = "GlobalAveragePooling" if placed.layer.op == "global_avg_pool" else "GlobalMaxPooling"
    keep = placed.outputs[0].rank > 1
    return [Step(placed.ranked(name), (), {**placed.layout(), **({"keepdims": True} if keep else {})})]


@writes("upsample")
def upsample(placed: Placed) -> list[Step]:
    """``layers.UpSampling2D(2)``."""
    layer: Any = placed.layer
    factors = placed.each("scale")
    if any(isinstance(f, float) and not f.is_integer() for f in factors):
        raise placed.error("it upsamples by whole factors")
    mode = placed.given(interpolation=(layer.mode, "nearest")) if placed.spatial == 2 else {}
    layout = {} if placed.spatial == 1 else placed.layout()
    if placed.spatial == 1 and placed.layout():
        raise placed.error("its one-dimensional upsampling has channels last")
    return [Step(placed.ranked("UpSampling"), (common(tuple(map(int, factors))),), {**layout, **mode})]


@writes("resize")
def resize(placed: Placed) -> list[Step]:
    """``layers.Resizing(224, 224)``."""
    layer: Any = placed.layer
    if placed.spatial != 2:
        raise placed.error("it resizes images of two axes")
    mode = placed.given(interpolation=(layer.mode, "bilinear"))
    return [Step("layers.Resizing", placed.each("target"), {**mode, **placed.layout()})]


@writes("pad")
def pad(placed: Placed) -> list[Step]:
    """``layers.ZeroPadding2D(1)``."""
    layer: Any = placed.layer
    pairs = tuple(placed.number(layer.ends(axis), "amount") for axis in range(placed.spatial))
    if layer.mode in ("constant", "zeros") and all(n >= 0 for pair in pairs for n in pair):
        step = padding(placed, pairs)
        return [Step(step.target, step.args, step.kwargs)]
    if any(n < 0 for pair in pairs for n in pair) or layer.mode not in ("reflect", "symmetric"):
        raise placed.error("it pads with zeros, or by reflection")
    widths = [(0, 0), *pairs, (0, 0)] if layer.dialect.channels_last else [(0, 0), (0, 0), *pairs]
    return [Step("ops.pad", (tuple(widths),), {"mode": layer.mode})]


@writes("crop")
def crop(placed: Placed) -> list[Step]:
    """``layers.Cropping2D(1)``; down to another tensor by the sizes that both have."""
    layer: Any = placed.layer
    if len(placed.inputs) == 1:
        pairs = tuple(placed.number(layer.ends(axis), "amount") for axis in range(placed.spatial))
    else:
        own, other = (placed.number(layer.split(tensor)[1], "size") for tensor in placed.inputs)
        starts = [
            (n - m) // 2 if layer.offset is None else placed.number(layer.at("offset", axis), "offset")
            for axis, (n, m) in enumerate(zip(own, other, strict=True))
        ]
        pairs = tuple((start, n - m - start) for start, n, m in zip(starts, own, other, strict=True))
    amount = pairs[0] if len(pairs) == 1 else pairs
    return [Step(placed.ranked("Cropping"), (amount,), placed.layout())]
