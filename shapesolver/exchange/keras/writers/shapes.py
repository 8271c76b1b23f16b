"""Layers that move, join, cut or reduce, in Keras."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.keras.steps import DependsOnInput, Placed, Step, sizes_of, writes
from shapesolver.layers.axes import axis_index


def _axis(placed: Placed, axis: Any, extra: int = 0) -> int:
    """An axis' number, the batch counted."""
    return axis_index(placed.inputs[0], axis, extra) + 1


@writes("flatten")
def flatten(placed: Placed) -> list[Step]:
    """``layers.Flatten()``; some of the axes by ``layers.Reshape``."""
    layer: Any = placed.layer
    (tensor,) = placed.inputs
    if tensor.rank and (_axis(placed, layer.start), _axis(placed, layer.end)) != (1, tensor.rank):
        return [Step("layers.Reshape", (_with_one_open(placed),))]
    return [Step("layers.Flatten")]


def _with_one_open(placed: Placed) -> tuple[int, ...]:
    """The result's sizes, one that depends on the input as -1."""
    sizes = placed.outputs[0].sizes
    unknown = [size for size in sizes if not isinstance(size, int)]
    if len(unknown) > 1:
        raise DependsOnInput(placed.error("several of its sizes depend on the input"))
    return tuple(size if isinstance(size, int) else -1 for size in sizes)


@writes("reshape", "unflatten")
def reshape(placed: Placed) -> list[Step]:
    """``layers.Reshape((7, 7, -1))``."""
    layer: Any = placed.layer
    sizes = sizes_of(placed, layer.sizes) if layer.op == "reshape" else _with_one_open(placed)
    return [Step("layers.Reshape", (sizes,))]


@writes("permute")
def permute(placed: Placed) -> list[Step]:
    """``layers.Permute((2, 1))``."""
    layer: Any = placed.layer
    order = layer.order[1:] if layer.order[:1] == (0,) else layer.order
    return [Step("layers.Permute", (tuple(_axis(placed, axis) for axis in order),))]


@writes("squeeze")
def squeeze(placed: Placed) -> list[Step]:
    """``ops.squeeze(x, axis=1)``."""
    layer: Any = placed.layer
    (tensor,) = placed.inputs
    if layer.axis is None:
        axes = tuple(index + 1 for index, size in enumerate(tensor.sizes) if size == 1)
        return [Step("ops.squeeze", (), {"axis": axes})] if axes else [Step("layers.Identity")]
    return [Step("ops.squeeze", (), {"axis": _axis(placed, layer.axis)})]


@writes("unsqueeze")
def unsqueeze(placed: Placed) -> list[Step]:
    """``ops.expand_dims(x, axis=1)``."""
    layer: Any = placed.layer
    return [Step("ops.expand_dims", (), {"axis": _axis(placed, layer.axis, extra=1)})]


@writes("concat")
def concat(placed: Placed) -> list[Step]:
    """``layers.Concatenate()([x, y])``."""
    layer: Any = placed.layer
    axis = _axis(placed, layer.axis)
    last = axis == placed.inputs[0].rank
    return [Step("layers.Concatenate", (), {} if last else {"axis": axis}, listed=True)]


@writes("stack")
def stack(placed: Placed) -> list[Step]:
    """``ops.stack([x, y], axis=1)``."""
    layer: Any = placed.layer
    return [Step("ops.stack", (), {"axis": _axis(placed, layer.axis, extra=1)}, listed=True)]


MERGES = {
    "add": "Add",
    "sub": "Subtract",
    "mul": "Multiply",
    "max": "Maximum",
    "min": "Minimum",
    "average": "Average",
}


@writes(*MERGES)
def merge(placed: Placed) -> list[Step]:
    """``layers.Add()([x, y])``."""
    return [Step(f"layers.{MERGES[placed.layer.op]}", listed=True)]


@writes("div", "power")
def division(placed: Placed) -> list[Step]:
    """``ops.divide(x, y)``."""
    return [Step("ops.divide" if placed.layer.op == "div" else "ops.power")]


@writes("matmul")
def matmul(placed: Placed) -> list[Step]:
    """``ops.matmul(x, y)``."""
    return [Step("ops.matmul")]


@writes("split", "chunk")
def split(placed: Placed) -> list[Step]:
    """``ops.split(x, 2, axis=3)``."""
    layer: Any = placed.layer
    axis = _axis(placed, layer.axis)
    pieces = [tensor.sizes[axis - 1] for tensor in placed.outputs]
    if pieces.count(pieces[0]) == len(pieces):
        return [Step("ops.split", (len(pieces),), {"axis": axis})]
    ends, total = [], 0
    for size in pieces[:-1]:
        total += placed.number(size, "size")
        ends.append(total)
    return [Step("ops.split", (ends,), {"axis": axis})]


@writes("slice")
def cut(placed: Placed) -> list[Step]:
    """``x[:, 1:]``."""
    layer: Any = placed.layer
    start, stop, step = (placed.number(v, "end") for v in (layer.start, layer.stop, layer.step))
    index = [slice(None)] * _axis(placed, layer.axis)
    return [Step("ops.getitem", ((*index, slice(start or None, stop, None if step == 1 else step)),))]


@writes("reduce")
def reduce(placed: Placed) -> list[Step]:
    """``ops.mean(x, axis=(1, 2))``."""
    layer: Any = placed.layer
    if layer.how in ("l1", "l2"):
        raise placed.error("it has no such reduction")
    axes = tuple(sorted(index + 1 for index in layer.indices(placed.inputs[0])))
    if layer.how in ("argmax", "argmin") and len(axes) > 1:
        raise placed.error("it finds places along one axis")
    axis: Any = axes[0] if len(axes) == 1 else axes
    return [Step(f"ops.{layer.how}", (), {"axis": axis, **placed.given(keepdims=(layer.keepdims, False))})]


@writes("expand")
def expand(placed: Placed) -> list[Step]:
    """``ops.tile`` over the axes of size 1, new ones put before."""
    layer: Any = placed.layer
    sizes = sizes_of(placed, placed.outputs[0].sizes)
    new = len(sizes) - placed.inputs[0].rank
    steps = [Step("ops.expand_dims", (), {"axis": 1}, named=False) for _ in range(new)]
    old = (*(1 for _ in range(new)), *placed.inputs[0].sizes)
    times = (1, *(n if m == 1 else 1 for n, m in zip(sizes, old, strict=True)))
    assert layer is not None
    return [*steps, Step("ops.tile", (times,))]


@writes("tile")
def tile(placed: Placed) -> list[Step]:
    """``ops.tile(x, (1, 2, 2))``."""
    layer: Any = placed.layer
    return [Step("ops.tile", ((1, *sizes_of(placed, layer.times)),))]


@writes("pixel_shuffle", "pixel_unshuffle")
def shuffle(placed: Placed) -> list[Step]:
    """``ops.depth_to_space(x, 2)``."""
    layer: Any = placed.layer
    name = "depth_to_space" if layer.op == "pixel_shuffle" else "space_to_depth"
    return [Step(f"ops.{name}", (placed.number(layer.factor, "factor"),), placed.layout())]


@writes("parameter")
def parameter(placed: Placed) -> list[Step]:
    """``Learned((1, 768))(x)``, a class of the file's own."""
    layer: Any = placed.layer
    return [Step("Learned", (sizes_of(placed, layer.sizes),))]


@writes("constant")
def constant(placed: Placed) -> list[Step]:
    """``Fixed((1, 768))(x)``, a class of the file's own."""
    layer: Any = placed.layer
    return [Step("Fixed", (sizes_of(placed, layer.sizes),))]
