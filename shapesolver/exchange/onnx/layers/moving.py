"""Cells moved between axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.layout import same
from shapesolver.exchange.onnx.writer import Place, Writer, writes
from shapesolver.layers.axes import axis_index


@writes("flatten", "reshape", "unflatten")
def reshape(writer: Writer, place: Place) -> Sequence[str]:
    """Flatten where everything becomes one axis; otherwise Reshape, with 0 for the axes at the start that stay."""
    tensor, old, new = writer.as_in_file(place), place.inputs[0].sizes, place.outputs[0].sizes
    if place.layer.op == "flatten" and len(new) == 1:
        return writer.node("Flatten", [tensor], place.path, axis=1)
    return writer.node("Reshape", [tensor, _target(writer, old, new)], place.path)


def _target(writer: Writer, old: Sequence[Dim], new: Sequence[Dim]) -> str:
    """The new sizes: numbers, 0 for what stays in its place, -1 for one formula, and arithmetic for any other."""
    sizes: list[Dim] = [0]
    open_ = False
    for index, size in enumerate(new):
        if isinstance(size, int):
            sizes.append(size)
        elif index < len(old) and same(size, old[index]):
            sizes.append(0)
        elif not open_:
            sizes.append(-1)
            open_ = True
        else:
            sizes.append(size)
    return writer.vector(sizes)


@writes("permute")
def permute(writer: Writer, place: Place) -> Sequence[str]:
    """Transpose; the batch stays first."""
    layer: Any = place.layer
    order = layer.order[1:] if layer.order[:1] == (0,) else layer.order
    perm = [0, *(axis_index(place.inputs[0], axis) + 1 for axis in order)]
    return writer.node("Transpose", [writer.as_in_file(place)], place.path, perm=perm)


@writes("squeeze")
def squeeze(writer: Writer, place: Place) -> Sequence[str]:
    """Squeeze."""
    layer: Any = place.layer
    tensor = place.inputs[0]
    axes = (
        [index + 1 for index, size in enumerate(tensor.sizes) if size == 1]
        if layer.axis is None
        else [axis_index(tensor, layer.axis) + 1]
    )
    if not axes:
        return writer.node("Identity", [writer.as_in_file(place)], place.path)
    return writer.node("Squeeze", [writer.as_in_file(place), writer.constant(axes)], place.path)


@writes("unsqueeze")
def unsqueeze(writer: Writer, place: Place) -> Sequence[str]:
    """Unsqueeze."""
    layer: Any = place.layer
    axis = axis_index(place.inputs[0], layer.axis, extra=1) + 1
    return writer.node("Unsqueeze", [writer.as_in_file(place), writer.constant([axis])], place.path)
