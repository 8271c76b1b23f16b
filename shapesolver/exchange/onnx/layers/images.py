"""Convolutions, pools, and what else slides windows over images or resizes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.writer import Place, Writer, cannot, each, writes


def channels_of(place: Place, index: int = 0) -> Dim:
    """The channels of an input."""
    layer: Any = place.layer
    channels: Dim = layer.split(place.inputs[index])[0]
    return channels


def spatial_of(place: Place, index: int = 0) -> tuple[Dim, ...]:
    """The spatial sizes of an input."""
    layer: Any = place.layer
    sizes: tuple[Dim, ...] = layer.split(place.inputs[index])[1]
    return sizes


def pads(writer: Writer, place: Place) -> dict[str, Any]:
    """``pads`` in ONNX' order, all starts and then all ends; ``auto_pad`` where they depend on the size."""
    layer: Any = place.layer
    sizes = spatial_of(place)
    pairs = [layer.pads(n, axis) for axis, n in enumerate(sizes)]
    flat = [before for before, _ in pairs] + [after for _, after in pairs]
    if all(isinstance(amount, int) for amount in flat):
        return {"pads": flat if any(flat) else None}
    words = {"same": "SAME_UPPER", "same_lower": "SAME_LOWER"}
    if layer.padding not in words:
        writer.numbers(place, flat, "its padding")
    return {"auto_pad": words[layer.padding]}


def window(writer: Writer, place: Place, *, dilated: bool = True) -> dict[str, Any]:
    """Kernel, stride, padding and dilation."""
    rank = len(spatial_of(place))
    found = {
        "kernel_shape": list(writer.numbers(place, each(place.layer, "kernel", rank), "its kernel")),
        "strides": list(writer.numbers(place, each(place.layer, "stride", rank), "its stride")),
        **pads(writer, place),
    }
    if dilated:
        found["dilations"] = list(writer.numbers(place, each(place.layer, "dilation", rank), "its dilation"))
    return found


@writes("conv", turned=True)
def conv(writer: Writer, place: Place) -> Sequence[str]:
    """Conv: weights ``(channels, C/groups, *kernel)``."""
    layer: Any = place.layer
    window_ = window(writer, place)
    shape = (layer.channels, channels_of(place) // layer.groups, *window_["kernel_shape"])
    return _convolved(writer, place, writer.as_image(place), shape, layer.groups, window_)


@writes("depthwise_conv", turned=True)
def depthwise_conv(writer: Writer, place: Place) -> Sequence[str]:
    """Conv with as many groups as channels."""
    layer: Any = place.layer
    window_, channels = window(writer, place), channels_of(place)
    shape = (channels * layer.multiplier, 1, *window_["kernel_shape"])
    return _convolved(writer, place, writer.as_image(place), shape, channels, window_)


@writes("separable_conv", turned=True)
def separable_conv(writer: Writer, place: Place) -> Sequence[str]:
    """Two Convs: depthwise, then 1x1 with the bias."""
    layer: Any = place.layer
    window_, channels = window(writer, place), channels_of(place)
    middle = channels * layer.multiplier
    weight = writer.weight(place, "depthwise.W", (middle, 1, *window_["kernel_shape"]))
    (groups,) = writer.numbers(place, [channels], "the number of its channels")
    image = writer.one("Conv", [writer.as_image(place), weight], place.path, "depthwise", group=groups, **window_)
    ones = [1] * len(window_["kernel_shape"])
    inputs = [image, writer.weight(place, "pointwise.W", (layer.channels, middle, *ones))]
    if layer.bias:
        inputs.append(writer.weight(place, "pointwise.B", (layer.channels,), "zeros"))
    return writer.node("Conv", inputs, place.path, kernel_shape=ones)


def _convolved(
    writer: Writer, place: Place, image: str, shape: Sequence[Dim], groups: Dim, window_: dict[str, Any]
) -> Sequence[str]:
    layer: Any = place.layer
    inputs = [image, writer.weight(place, "W", shape)]
    if layer.bias:
        inputs.append(writer.weight(place, "B", (shape[0],), "zeros"))
    (count,) = writer.numbers(place, [groups], "the number of its groups")
    return writer.node("Conv", inputs, place.path, group=count, **window_)


@writes("conv_transpose", turned=True)
def conv_transpose(writer: Writer, place: Place) -> Sequence[str]:
    """ConvTranspose: weights ``(C, channels/groups, *kernel)``, padding and output_padding as numbers."""
    layer: Any = place.layer
    sizes = spatial_of(place)
    rank = len(sizes)
    kernel = list(writer.numbers(place, each(layer, "kernel", rank), "its kernel"))
    strides = list(writer.numbers(place, each(layer, "stride", rank), "its stride"))
    starts, ends, added = [], [], []
    for axis, n in enumerate(sizes):
        before, after, extra = _spread(writer, place, n, axis)
        starts.append(before)
        ends.append(after)
        added.append(extra)
    shape = (channels_of(place), layer.channels // layer.groups, *kernel)
    inputs = [writer.as_image(place), writer.weight(place, "W", shape)]
    if layer.bias:
        inputs.append(writer.weight(place, "B", (layer.channels,), "zeros"))
    return writer.node(
        "ConvTranspose",
        inputs,
        place.path,
        kernel_shape=kernel,
        strides=strides,
        pads=[*starts, *ends] if any((*starts, *ends)) else None,
        output_padding=added if any(added) else None,
        dilations=list(writer.numbers(place, each(layer, "dilation", rank), "its dilation")),
        group=layer.groups,
    )


def _spread(writer: Writer, place: Place, n: Dim, axis: int) -> tuple[int, int, int]:
    """What is cut off before and after, and added after, so that ``s*(n - 1) + base``, or the stated size, is left."""
    layer: Any = place.layer
    extent, stride = layer.extent(axis), layer.at("stride", axis)
    base = layer.base(axis)
    stated = layer.stated(axis)
    if stated is not None:
        base = base + stated - layer.default_size(n, axis)
    over, stride, extent = writer.numbers(place, [extent - base, stride, extent], "what it cuts off")
    if layer.fills:
        before = max(over, 0) // 2
    else:
        (before,) = writer.numbers(place, layer.pads(1, axis)[:1], "its padding")
    after = over - before
    if -after >= stride and after < 0:
        raise cannot(place, f"its output_padding {-after} is not below its stride {stride}")
    return before, max(after, 0), max(-after, 0)


POOLS = {"max_pool": "MaxPool", "avg_pool": "AveragePool", "lp_pool": "LpPool"}


@writes(*POOLS, turned=True)
def pool(writer: Writer, place: Place) -> Sequence[str]:
    """MaxPool, AveragePool or LpPool."""
    layer: Any = place.layer
    attributes = window(writer, place, dilated=layer.op == "max_pool")
    if layer.ceil_mode:
        attributes["ceil_mode"] = 1
    if layer.op == "lp_pool":
        if int(layer.norm) != layer.norm:
            raise cannot(place, "LpPool takes whole norms")
        attributes["p"] = int(layer.norm)
    if layer.op == "avg_pool" and layer.dialect.torch:
        attributes["count_include_pad"] = 1
    return writer.node(POOLS[layer.op], [writer.as_image(place)], place.path, **attributes)


GLOBAL_POOLS = {
    "global_avg_pool": ("GlobalAveragePool", "ReduceMean"),
    "global_max_pool": ("GlobalMaxPool", "ReduceMax"),
}


@writes(*GLOBAL_POOLS, turned=True)
def global_pool(writer: Writer, place: Place) -> Sequence[str]:
    """A global pool, or a reduction where the axes do not stay."""
    pool_, reduction = GLOBAL_POOLS[place.layer.op]
    image = writer.as_image(place)
    if place.outputs[0].rank == place.inputs[0].rank:
        return writer.node(pool_, [image], place.path)
    axes = writer.constant([*range(2, place.inputs[0].rank + 1)])
    return writer.node(reduction, [image, axes], place.path, keepdims=0)


@writes("upsample", turned=True)
def upsample(writer: Writer, place: Place) -> Sequence[str]:
    """Resize by factors; where a factor is no whole number, to the sizes that the file's framework makes."""
    layer: Any = place.layer
    rank = len(spatial_of(place))
    factors = each(layer, "scale", rank)
    if all(float(factor).is_integer() for factor in factors) or layer.dialect.onnx:
        scales = writer.constant([1, 1, *factors], "float32")
        return writer.node("Resize", [writer.as_image(place), "", scales], place.path, **_mode(place, layer.mode))
    sizes = layer.split(place.outputs[0])[1]
    return _resized(writer, place, sizes, layer.mode)


@writes("resize", turned=True)
def resize(writer: Writer, place: Place) -> Sequence[str]:
    """Resize to sizes."""
    layer: Any = place.layer
    return _resized(writer, place, layer.split(place.outputs[0])[1], layer.mode)


def _resized(writer: Writer, place: Place, sizes: Sequence[Dim], mode: str) -> Sequence[str]:
    inputs = [writer.as_image(place), "", "", writer.vector(sizes)]
    return writer.node("Resize", inputs, place.path, axes=[*range(2, 2 + len(sizes))], **_mode(place, mode))


def _mode(place: Place, mode: str) -> dict[str, Any]:
    if mode in ("nearest", "nearest-exact"):
        exact = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return {"mode": "nearest", **(exact if mode == "nearest" else {})}
    kinds = {"linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic", "cubic": "cubic"}
    if mode not in kinds:
        raise cannot(place, f"Resize has no mode {mode}")
    return {"mode": kinds[mode]}


@writes("pixel_shuffle", turned=True)
def pixel_shuffle(writer: Writer, place: Place) -> Sequence[str]:
    """DepthToSpace, in PyTorch's order of channels."""
    layer: Any = place.layer
    return writer.node("DepthToSpace", [writer.as_image(place)], place.path, blocksize=layer.factor, mode="CRD")


@writes("pixel_unshuffle", turned=True)
def pixel_unshuffle(writer: Writer, place: Place) -> Sequence[str]:
    """SpaceToDepth."""
    layer: Any = place.layer
    return writer.node("SpaceToDepth", [writer.as_image(place)], place.path, blocksize=layer.factor)


@writes("unfold", turned=True)
def unfold(writer: Writer, place: Place) -> Sequence[str]:
    """A Conv whose fixed filters each pick one cell of a window, and a reshape."""
    import numpy

    window_ = window(writer, place)
    (channels,) = writer.numbers(place, [channels_of(place)], "the number of its channels")
    taps = math.prod(window_["kernel_shape"])
    filters = numpy.tile(numpy.eye(taps, dtype=numpy.float32), (channels, 1))
    weight = writer.constant(filters.reshape(channels * taps, 1, *window_["kernel_shape"]), "float32")
    image = writer.one("Conv", [writer.as_image(place), weight], place.path, "windows", group=channels, **window_)
    return writer.node("Reshape", [image, writer.constant([0, channels * taps, -1])], place.path)


@writes("fold", turned=True)
def fold(writer: Writer, place: Place) -> Sequence[str]:
    """Col2Im."""
    layer: Any = place.layer
    count = len(layer.output_size)
    pairs = [layer.pads(1, axis) for axis in range(count)]
    return writer.node(
        "Col2Im",
        [writer.as_image(place), writer.vector(layer.output_size), writer.vector(each(layer, "kernel", count))],
        place.path,
        strides=each(layer, "stride", count),
        dilations=each(layer, "dilation", count),
        pads=[before for before, _ in pairs] + [after for _, after in pairs],
    )


@writes("unpool")
def unpool(writer: Writer, place: Place) -> Sequence[str]:
    """MaxUnpool wants the places of the maxima, which no network here hands on."""
    raise cannot(place, "MaxUnpool needs the places that a max pool found its maxima at")


PAD_MODES = {
    "constant": "constant", "zeros": "constant", "reflect": "reflect", "replicate": "edge", "edge": "edge",
    "circular": "wrap", "wrap": "wrap",
}  # fmt: skip


@writes("pad", turned=True)
def pad(writer: Writer, place: Place) -> Sequence[str]:
    """Pad along the spatial axes."""
    layer: Any = place.layer
    if layer.mode not in PAD_MODES:
        raise cannot(place, f"Pad has no mode {layer.mode}")
    count = len(spatial_of(place))
    ends = [layer.ends(axis) for axis in range(count)]
    amounts = writer.vector([before for before, _ in ends] + [after for _, after in ends])
    axes = writer.constant([*range(2, 2 + count)])
    return writer.node("Pad", [writer.as_image(place), amounts, "", axes], place.path, mode=PAD_MODES[layer.mode])


@writes("crop", turned=True)
def crop(writer: Writer, place: Place) -> Sequence[str]:
    """Slice along the spatial axes."""
    layer: Any = place.layer
    sizes = spatial_of(place)
    if layer.amount is not None:
        ends = [layer.ends(axis) for axis in range(len(sizes))]
        starts: list[Dim] = [before for before, _ in ends]
        stops: list[Dim] = [-after if after != 0 else 2**63 - 1 for _, after in ends]
    else:
        targets = spatial_of(place, 1)
        offsets = [layer.at("offset", axis) for axis in range(len(sizes))]
        starts = [
            (n - target) // 2 if offset is None else offset
            for n, target, offset in zip(sizes, targets, offsets, strict=True)
        ]
        stops = [start + target for start, target in zip(starts, targets, strict=True)]
    inputs = [writer.as_image(place), writer.vector(starts), writer.vector(stops)]
    return writer.node("Slice", [*inputs, writer.constant([*range(2, 2 + len(sizes))])], place.path)
