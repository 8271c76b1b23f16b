"""Dense layers, embeddings and attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.writer import Place, Writer, writes


@writes("dense")
def dense(writer: Writer, place: Place) -> Sequence[str]:
    """Gemm for plain features, weights ``(units, in)``; MatMul and Add for more axes, weights ``(in, units)``."""
    layer: Any = place.layer
    features = place.inputs[0].sizes[-1]
    tensor = writer.as_in_file(place)
    if place.inputs[0].rank == 1:
        inputs = [tensor, _matrix(writer, place, "B", (layer.units, features))]
        if layer.bias:
            inputs.append(writer.weight(place, "C", (layer.units,), "zeros"))
        return writer.node("Gemm", inputs, place.path, transB=1)
    matrix = _turned(writer, place, (layer.units, features))
    if not layer.bias:
        return writer.node("MatMul", [tensor, matrix], place.path)
    product = writer.one("MatMul", [tensor, matrix], place.path, "MatMul")
    return writer.node("Add", [product, writer.weight(place, "C", (layer.units,), "zeros")], place.path)


def _matrix(writer: Writer, place: Place, name: str, shape: tuple[Dim, ...]) -> str:
    """The weight matrix ``(units, in)``, which may be an embedding's table."""
    if place.tied:
        table = next(found for n in ("data", "B", "W") if (found := writer.stored_weight(place.tied, n)))
        writer.alias(place.path, name, table)
        return table
    return writer.weight(place, name, shape)


def _turned(writer: Writer, place: Place, shape: tuple[Dim, Dim]) -> str:
    """The weight matrix as MatMul wants it, ``(in, units)``."""
    if place.tied or (place.shared and writer.stored_weight(place.shared, "B")):
        matrix = _matrix(writer, place, "B", shape)
        return writer.one("Transpose", [matrix], place.path, "turned", perm=[1, 0])
    return writer.weight(place, "W", shape[::-1])


@writes("embedding")
def embedding(writer: Writer, place: Place) -> Sequence[str]:
    """Gather from a table."""
    layer: Any = place.layer
    table = writer.weight(place, "data", (layer.vocabulary, layer.dim))
    return writer.node("Gather", [table, writer.as_in_file(place)], place.path, axis=0)


@writes("attention")
def attention(writer: Writer, place: Place) -> Sequence[str]:
    """Three projections split by head, two products around a softmax, and a last projection."""
    layer: Any = place.layer
    path, heads = place.path, layer.heads
    query, key, value = layer.roles(place.inputs)
    features = query.sizes[-1]
    (width,) = writer.numbers(place, [layer.key_dim or features // heads], "the features of a head")
    (value_width,) = writer.numbers(place, [layer.value_dim or width], "the features of a value")
    last = len(place.wires) - 1
    tensors = [writer.as_in_file(place, min(role, last)) for role in range(3)]

    def project(name: str, tensor: str, source: Dim, size: int) -> str:
        made = writer.one("MatMul", [tensor, writer.weight(place, f"{name}.W", (source, heads * size))], path, name)
        if layer.bias:
            made = writer.one("Add", [made, writer.weight(place, f"{name}.B", (heads * size,), "zeros")], path, name)
        return made

    def by_head(name: str, tensor: str, size: int, order: list[int]) -> str:
        split = writer.one("Reshape", [tensor, writer.constant([0, -1, heads, size])], path, f"{name}/heads")
        return writer.one("Transpose", [split], path, f"{name}/by_head", perm=order)

    made = [
        by_head(name, project(name, _sequence(writer, path, tensor, given.rank), given.sizes[-1], size), size, order)
        for name, tensor, given, size, order in zip(
            ("query", "key", "value"),
            tensors,
            (query, key, value),
            (width, width, value_width),
            ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]),
            strict=True,
        )
    ]
    scale = writer.constant(1 / math.sqrt(width), "float32")
    scaled = writer.one("Mul", [made[0], scale], path, "scaled")
    scores = writer.one("Softmax", [writer.one("MatMul", [scaled, made[1]], path, "scores")], path, "softmax", axis=-1)
    weighed = writer.one("MatMul", [scores, made[2]], path, "weighed")
    turned = writer.one("Transpose", [weighed], path, "by_place", perm=[0, 2, 1, 3])
    joined = writer.one("Reshape", [turned, writer.constant([0, 0, heads * value_width])], path, "joined")
    if query.rank > 2:
        joined = writer.one("Reshape", [joined, _whole(writer, place)], path, "places")
    out = [joined, writer.weight(place, "out.W", (heads * value_width, features))]
    if not layer.bias:
        return writer.node("MatMul", out, path)
    product = writer.one("MatMul", out, path, "out")
    return writer.node("Add", [product, writer.weight(place, "out.B", (features,), "zeros")], path)


def _sequence(writer: Writer, path: str, tensor: str, rank: int) -> str:
    """The tensor with all its places on one axis."""
    if rank == 2:
        return tensor
    batch = writer.one("Shape", [tensor], path, "batch", start=0, end=1)
    features = writer.one("Shape", [tensor], path, "features", start=-1)
    target = writer.one("Concat", [batch, writer.constant([-1]), features], path, "sequence_shape", axis=0)
    return writer.one("Reshape", [tensor, target], path, "sequence")


def _whole(writer: Writer, place: Place) -> str:
    """The shape that the result has, its last axis left open."""
    source = writer.as_in_file(place)
    lead = writer.one("Shape", [source], place.path, "lead", start=0, end=place.inputs[0].rank)
    return writer.one("Concat", [lead, writer.constant([-1])], place.path, "whole_shape", axis=0)
