"""Adaptive pools. ONNX has none: one value, equal windows, or windows worked out from the size as the model runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.layers.images import spatial_of
from shapesolver.exchange.onnx.writer import Place, Writer, writes

LOWEST = -3.4e38
"""Less than any value that a maximum is taken of."""


@writes("adaptive_avg_pool", "adaptive_max_pool", turned=True)
def adaptive_pool(writer: Writer, place: Place) -> Sequence[str]:
    """A global pool for a single value, a pool where the size is a multiple of the target, and else as PyTorch does:
    window ``i`` of ``o`` spans ``i*n//o`` to ``ceil((i + 1)*n/o)``."""
    layer: Any = place.layer
    sizes = spatial_of(place)
    average = layer.op == "adaptive_avg_pool"
    targets = [layer.at("target", axis) for axis in range(len(sizes))]
    image = writer.as_image(place)
    if all(target == 1 for target in targets):
        return writer.node("GlobalAveragePool" if average else "GlobalMaxPool", [image], place.path)
    if all(target is None for target in targets):
        return writer.node("Identity", [image], place.path)
    kernel = [_equal_windows(n, target) for n, target in zip(sizes, targets, strict=True)]
    if None not in kernel:
        op = "AveragePool" if average else "MaxPool"
        return writer.node(op, [image], place.path, kernel_shape=kernel, strides=kernel)
    for axis, (n, target) in enumerate(zip(sizes, targets, strict=True)):
        if target is not None:
            image = _along(writer, place, image, axis + 2, n, target, average)
    return writer.node("Identity", [image], place.path)


def _equal_windows(n: Dim, target: Dim | None) -> int | None:
    if target is None:
        return 1
    whole = isinstance(n, int) and isinstance(target, int) and n % target == 0
    return n // target if whole else None  # type: ignore[return-value]


def _along(writer: Writer, place: Place, image: str, axis: int, n: Dim, target: Dim, average: bool) -> str:
    """One axis pooled: the axis last, then by a matrix of the windows, then back."""
    path, rank = place.path, place.inputs[0].rank + 1
    order = [i for i in range(rank) if i != axis] + [axis]
    last = axis == rank - 1
    turned = image if last else writer.one("Transpose", [image], path, "turn", perm=order)
    mask = _windows(writer, path, n, target)
    if average:
        ones = writer.one("Cast", [mask], path, "ones", to=writer.onnx.TensorProto.FLOAT)
        width = writer.one("ReduceSum", [ones, writer.constant([0])], path, "width", keepdims=1)
        made = writer.one("MatMul", [turned, writer.one("Div", [ones, width], path, "mean")], path, "average")
    else:
        spread = writer.one("Unsqueeze", [turned, writer.constant([-1])], path, "spread")
        inside = writer.one("Where", [mask, spread, writer.constant(LOWEST, "float32")], path, "inside")
        made = writer.one("ReduceMax", [inside, writer.constant([-2])], path, "greatest", keepdims=0)
    back = [order.index(i) for i in range(rank)]
    return made if last else writer.one("Transpose", [made], path, "back", perm=back)


def _windows(writer: Writer, path: str, n: Dim, target: Dim) -> str:
    """Whether cell ``j`` of ``n`` lies in window ``i`` of ``target``: ``(n, target)``."""
    size, count = writer.scalar(n), writer.scalar(target)
    empty = writer.constant([0])
    zero, one = writer.constant(0), writer.constant(1)
    cells = writer.one("Range", [zero, writer.one("Squeeze", [size, empty], path, "n"), one], path, "cells")
    windows = writer.one("Range", [zero, writer.one("Squeeze", [count, empty], path, "o"), one], path, "windows")
    starts = writer.one("Div", [writer.one("Mul", [windows, size], path, "ahead"), count], path, "starts")
    following = writer.one("Add", [windows, one], path, "following")
    above = writer.one("Add", [writer.one("Mul", [following, size], path, "behind"), count], path, "above")
    stops = writer.one("Div", [writer.one("Sub", [above, one], path, "less"), count], path, "stops")
    column = writer.one("Unsqueeze", [cells, writer.constant([1])], path, "column")
    return writer.one(
        "And",
        [
            writer.one("GreaterOrEqual", [column, starts], path, "after_start"),
            writer.one("Less", [column, stops], path, "before_stop"),
        ],
        path,
        "mask",
    )
