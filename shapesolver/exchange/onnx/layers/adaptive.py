"""Adaptive pools. ONNX has none: one value, equal windows, or windows worked out from the size as the model runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.layers.images import spatial_of
from shapesolver.exchange.onnx.proto import DOMAIN
from shapesolver.exchange.onnx.writer import Place, Writer, writes


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
    wanted = writer.vector([n if target is None else target for n, target in zip(sizes, targets, strict=True)])
    name = writer.function(_windowed(average, len(sizes)))
    return writer.node(name, [image, wanted], place.path, domain=DOMAIN)


def _equal_windows(n: Dim, target: Dim | None) -> int | None:
    if target is None:
        return 1
    whole = isinstance(n, int) and isinstance(target, int) and n % target == 0
    return n // target if whole else None  # type: ignore[return-value]


def _windowed(average: bool, rank: int) -> str:
    """The function that pools an image to the sizes on its second input, an axis at a time."""
    name = f"Adaptive{'Average' if average else 'Max'}Pool{rank}D"
    body = "".join(_along(axis, rank, average) for axis in range(rank))
    return f'<domain: "{DOMAIN}", opset_import: ["" : {{opset}}]> {name} (x0, target) => (x{rank}) {{{HEAD}{body}}}'


HEAD = """
    zero = Constant <value = int64 {0}> ()
    one = Constant <value = int64 {1}> ()
    last = Constant <value = int64[1] {-1}> ()
    rows = Constant <value = int64[1] {0}> ()
    columns = Constant <value = int64[1] {-2}> ()
    lowest = Constant <value = float {-3.4e38}> ()"""


def _along(axis: int, rank: int, average: bool) -> str:
    """One axis pooled: the axis last, then by a matrix of the windows, then back."""
    order = [i for i in range(rank + 2) if i != axis + 2] + [axis + 2]
    back = [order.index(i) for i in range(rank + 2)]
    pool = MEAN if average else GREATEST
    numbers = {"i": axis, "next": axis + 1, "order": _listed(order), "back": _listed(back)}
    return (WINDOWS + pool + BACK).format(**numbers)


def _listed(numbers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]"


WINDOWS = """
    turned{i} = Transpose <perm = {order}> (x{i})
    size{i} = Shape <start = -1> (turned{i})
    n{i} = Squeeze (size{i}, rows)
    place{i} = Constant <value = int64 {{{i}}}> ()
    o{i} = Gather (target, place{i})
    cell{i} = Range (zero, n{i}, one)
    column{i} = Unsqueeze (cell{i}, last)
    window{i} = Range (zero, o{i}, one)
    ahead{i} = Mul (window{i}, n{i})
    start{i} = Div (ahead{i}, o{i})
    behind{i} = Add (ahead{i}, n{i})
    above{i} = Add (behind{i}, o{i})
    less{i} = Sub (above{i}, one)
    stop{i} = Div (less{i}, o{i})
    after{i} = GreaterOrEqual (column{i}, start{i})
    before{i} = Less (column{i}, stop{i})
    mask{i} = And (after{i}, before{i})"""
"""Whether cell ``j`` of ``n`` lies in window ``i`` of ``o``, a matrix of ``n`` rows."""

MEAN = """
    inside{i} = Cast <to = 1> (mask{i})
    width{i} = ReduceSum <keepdims = 1> (inside{i}, rows)
    weight{i} = Div (inside{i}, width{i})
    pooled{i} = MatMul (turned{i}, weight{i})"""

GREATEST = """
    spread{i} = Unsqueeze (turned{i}, last)
    inside{i} = Where (mask{i}, spread{i}, lowest)
    pooled{i} = ReduceMax <keepdims = 0> (inside{i}, columns)"""

BACK = """
    x{next} = Transpose <perm = {back}> (pooled{i})"""
