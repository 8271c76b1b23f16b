"""Normalisation and dropout. What is not learned stands as constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.writer import Place, Writer, writes
from shapesolver.layers.normalisation import channels


def pair(writer: Writer, place: Place, shape: Sequence[Dim], scale: bool, shift: bool) -> list[str]:
    """Scale and shift: weights where they are learned, ones and zeros where not."""
    sizes = writer.numbers(place, shape, "the shape of its scale")
    return [
        writer.weight(place, "scale", sizes, "ones") if scale else _filled(writer, place, sizes, 1.0),
        writer.weight(place, "B", sizes, "zeros") if shift else _filled(writer, place, sizes, 0.0),
    ]


def _filled(writer: Writer, place: Place, shape: tuple[int, ...], value: float) -> str:
    import numpy

    return writer.constant(numpy.full(shape, value), "float32")


@writes("batch_norm", turned=True)
def batch_norm(writer: Writer, place: Place) -> Sequence[str]:
    """BatchNormalization, its mean 0 and variance 1."""
    layer: Any = place.layer
    count = (channels(layer, place.inputs[0]),)
    inputs = [
        writer.as_image(place),
        *pair(writer, place, count, layer.affine and layer.scale, layer.affine and layer.center),
        writer.weight(place, "input_mean", count, "zeros"),
        writer.weight(place, "input_var", count, "ones"),
    ]
    return writer.node("BatchNormalization", inputs, place.path)


@writes("layer_norm")
def layer_norm(writer: Writer, place: Place) -> Sequence[str]:
    """LayerNormalization over the last axes."""
    layer: Any = place.layer
    shape = place.inputs[0].sizes[-layer.count :]
    weights = pair(writer, place, shape, layer.affine, layer.affine and layer.bias)
    kept = weights if layer.affine and layer.bias else weights[:1]
    return writer.node("LayerNormalization", [writer.as_in_file(place), *kept], place.path, axis=-layer.count)


@writes("group_norm", turned=True)
def group_norm(writer: Writer, place: Place) -> Sequence[str]:
    """GroupNormalization; before opset 21, whose weights go by group, a reshape to groups and back."""
    layer: Any = place.layer
    count = (channels(layer, place.inputs[0]),)
    image, path = writer.as_image(place), place.path
    (groups,) = writer.numbers(place, [layer.groups], "the number of its groups")
    if writer.dialect.opset >= 21:
        weights = pair(writer, place, count, layer.affine, layer.affine)
        return writer.node("GroupNormalization", [image, *weights], path, num_groups=groups)
    grouped = writer.one("Reshape", [image, writer.constant([0, groups, -1])], path, "groups")
    ones, zeros = _filled(writer, place, (groups,), 1.0), _filled(writer, place, (groups,), 0.0)
    made = writer.one("InstanceNormalization", [grouped, ones, zeros], path, "normalised")
    back = writer.one("Shape", [image], path, "shape")
    if not layer.affine:
        return writer.node("Reshape", [made, back], path)
    column = (*count, *(1 for _ in place.inputs[0].sizes[1:]))
    scale, shift = pair(writer, place, column, True, True)
    whole = writer.one("Reshape", [made, back], path, "whole")
    return writer.node("Add", [writer.one("Mul", [whole, scale], path, "scaled"), shift], path)


@writes("instance_norm", turned=True)
def instance_norm(writer: Writer, place: Place) -> Sequence[str]:
    """InstanceNormalization."""
    layer: Any = place.layer
    weights = pair(writer, place, (channels(layer, place.inputs[0]),), layer.affine, layer.affine)
    return writer.node("InstanceNormalization", [writer.as_image(place), *weights], place.path)


@writes("dropout", turned=True)
def dropout(writer: Writer, place: Place) -> Sequence[str]:
    """Dropout."""
    layer: Any = place.layer
    rate = writer.constant(layer.rate, "float32")
    return writer.node("Dropout", [writer.as_image(place), rate], place.path)
