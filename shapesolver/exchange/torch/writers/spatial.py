"""Resizing, shuffling, padding, cropping and windows as columns."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.code import Call, Made, Slot, Written, call, function, module
from shapesolver.exchange.torch.writers import Placed, common, size, writes
from shapesolver.exchange.torch.writers.windows import Padding

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
PADS = {
    "constant": "ZeroPad",
    "zeros": "ZeroPad",
    "reflect": "ReflectionPad",
    "replicate": "ReplicationPad",
    "edge": "ReplicationPad",
    "circular": "CircularPad",
    "wrap": "CircularPad",
}


def mode(placed: Placed) -> Slot:
    """The interpolation's name, which depends on the number of axes."""
    name: str = placed.layer.mode  # type: ignore[attr-defined]
    if name in ("linear", "bilinear", "trilinear"):
        name = LINEAR[placed.rank]
    elif name in ("cubic", "bicubic"):
        name = "bicubic"
    known = {"nearest", "nearest-exact", "area", LINEAR[placed.rank]} | ({"bicubic"} if placed.rank == 2 else set())
    if name not in known:
        placed.refuse(f"nn.Upsample has no mode {name!r} for {placed.rank} spatial axes")
    return Slot(name, "mode", "nearest")


@writes("upsample", layout="first")
def upsample(placed: Placed) -> Written:
    """``nn.Upsample(scale_factor=2)``."""
    scales = tuple(placed.layer.at("scale", axis) for axis in range(placed.rank))  # type: ignore[attr-defined]
    return module(Call("nn.Upsample", (Slot(common(scales), "scale_factor"), mode(placed))), placed.inputs)


@writes("resize", layout="first")
def resize(placed: Placed) -> Written:
    """``nn.Upsample(size=(7, 7))``; ``F.interpolate`` where the size follows from the input's."""
    layer: Any = placed.open
    sizes = tuple(size(layer.at("target", axis)) for axis in range(placed.rank))
    if all(isinstance(n, int) for n in sizes):
        return module(Call("nn.Upsample", (Slot(sizes, "size"), mode(placed))), placed.inputs)
    return function(call("F.interpolate", placed.inputs[0], size=list(sizes), mode=mode(placed).value), None)


@writes("pixel_shuffle", "pixel_unshuffle", layout="first")
def shuffle(placed: Placed) -> Written:
    """``nn.PixelShuffle(2)``."""
    name = "nn.PixelShuffle" if placed.layer.op == "pixel_shuffle" else "nn.PixelUnshuffle"
    return module(Call(name, (placed.slot("factor", "factor").positional(),)), placed.inputs)


def column_slots(placed: Placed, padding: Any) -> tuple[Slot, ...]:
    """Kernel, dilation, padding and stride as :class:`nn.Unfold` takes them."""
    return (
        placed.slot("kernel", "kernel_size"),
        placed.slot("dilation", "dilation", 1),
        Slot(padding, "padding", 0),
        placed.slot("stride", "stride", 1),
    )


@writes("unfold", layout="first")
def unfold(placed: Placed) -> Written:
    """``nn.Unfold(3)``, for two spatial axes."""
    if placed.rank != 2:
        placed.refuse("nn.Unfold is for two spatial axes")
    padding = Padding(placed)
    made = Call("nn.Unfold", column_slots(placed, padding.own))
    if padding.outside:
        return Written(Made((padding.input,)), made, note=padding.note)
    return module(made, placed.inputs)


@writes("fold", layout="first")
def fold(placed: Placed) -> Written:
    """``nn.Fold((8, 8), 3)``, for two spatial axes."""
    layer: Any = placed.layer
    sizes = placed.numbers(layer.output_size, "output_size")
    if len(sizes) != 2:
        placed.refuse("nn.Fold is for two spatial axes")
    pads = tuple(placed.numbers(layer.pads(n, axis), "padding") for axis, n in enumerate(sizes))
    if any(before != after for before, after in pads):
        placed.refuse("nn.Fold pads both ends alike")
    padding = common(tuple(before for before, _ in pads))
    made = Call("nn.Fold", (Slot(sizes, "output_size", keyword=False), *column_slots(placed, padding)))
    return module(made, placed.inputs)


@writes("pad", layout="first")
def pad(placed: Placed) -> Written:
    """``nn.ZeroPad2d(1)`` and its kin."""
    layer: Any = placed.layer
    if layer.mode not in PADS:
        placed.refuse(f"there is no padding of mode {layer.mode}")
    pairs = tuple(placed.numbers(layer.ends(axis), "amounts") for axis in range(placed.rank))
    amounts = tuple(amount for pair in reversed(pairs) for amount in pair)
    slots = (Slot(common(amounts), "padding", keyword=False),)
    return module(Call(placed.ranked(PADS[layer.mode]), slots), placed.inputs)


@writes("crop", layout="first")
def crop(placed: Placed) -> Written:
    """``F.pad`` with negative amounts, or to another tensor's size."""
    layer: Any = placed.layer
    if len(placed.inputs) == 2:
        more = {} if layer.offset is None else {"offset": placed.each("offset")}
        if placed.rank != 2:
            more["axes"] = tuple(range(2, placed.rank + 2))
        return function(call("crop_to", *placed.inputs, **more), None)
    pairs = tuple(placed.numbers(layer.ends(axis), "amounts") for axis in range(placed.rank))
    amounts = tuple(-amount for pair in reversed(pairs) for amount in pair)
    return function(call("F.pad", placed.inputs[0], amounts), None)


@writes("unpool", layout="first")
def unpool(placed: Placed) -> Written:
    """``nn.MaxUnpool2d(2)`` of the tensor and the places that the pool remembers."""
    layer: Any = placed.layer
    if len(placed.inputs) != 2:
        placed.refuse("it needs the places that a max_pool chose; name the pool, as in unpool(2, _, pool1)")
    stride = None if layer.stride == layer.kernel else placed.numbers(layer.stride, "stride")
    kernel = placed.slot("kernel", "kernel_size").positional()
    made = Call(placed.ranked("MaxUnpool"), (kernel, Slot(stride, "stride"), placed.slot("padding", "padding", 0)))
    if layer.output_size is None:
        return Written(Made(placed.inputs), made)
    open_layer: Any = placed.open
    sizes = [size(open_layer.at("output_size", axis)) for axis in range(placed.rank)]
    return Written(Made(placed.inputs, (("output_size", sizes),)), made)
