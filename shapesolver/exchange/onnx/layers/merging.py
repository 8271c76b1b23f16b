"""Several tensors into one, and one into several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.exchange.onnx.writer import END, Place, Turned, Writer, cannot, writes
from shapesolver.layers.axes import axis_index

ARITHMETIC = {
    "add": "Sum", "sub": "Sub", "mul": "Mul", "div": "Div", "max": "Max", "min": "Min", "power": "Pow",
    "average": "Mean",
}  # fmt: skip


def axis_of(place: Place, axis: Any) -> int:
    """An axis as ONNX counts it, the batch as 0."""
    return axis_index(place.inputs[0], axis) + 1


@writes(*ARITHMETIC)
def arithmetic(writer: Writer, place: Place) -> Sequence[str]:
    """Cell by cell, broadcast from the right; more than two factors one after another."""
    op = "Add" if place.layer.op == "add" and len(place.wires) == 2 else ARITHMETIC[place.layer.op]
    if writer.all_turned(place):
        return Turned(_joined(writer, place, op, [writer.as_image(place, i) for i in range(len(place.wires))]))
    names = []
    for index, wire in enumerate(place.wires):
        result = writer.results[wire]
        # A tensor without a batch broadcasts as it is, unless it has all the axes.
        names.append(result.name if not result.batched else writer.as_in_file(place, index))
    if not any(writer.results[wire].batched for wire in place.wires):
        names[0] = writer.as_in_file(place, 0)
    ranks = [tensor.rank for tensor in place.inputs]
    names = [_widened(writer, place, name, index, max(ranks)) for index, name in enumerate(names)]
    return _joined(writer, place, op, names)


def _joined(writer: Writer, place: Place, op: str, names: list[str]) -> list[str]:
    if op == "Mul":
        for name in names[1:-1]:
            names = [writer.one("Mul", [names[0], name], place.path, "product"), names[-1]]
    return writer.node(op, names, place.path)


def _widened(writer: Writer, place: Place, name: str, index: int, rank: int) -> str:
    """A batched tensor of fewer axes with axes of size 1 after its batch, so that the batches line up."""
    missing = rank - place.inputs[index].rank
    result = writer.results[place.wires[index]]
    if missing == 0 or (not result.batched and name == result.name):
        return name
    return writer.one("Unsqueeze", [name, writer.constant([*range(1, missing + 1)])], place.path, "widened")


@writes("matmul")
def matmul(writer: Writer, place: Place) -> Sequence[str]:
    """MatMul over the last two axes."""
    rank = max(tensor.rank for tensor in place.inputs)
    names = [_widened(writer, place, writer.as_in_file(place, i), i, rank) for i in range(2)]
    return writer.node("MatMul", names, place.path)


@writes("concat")
def concat(writer: Writer, place: Place) -> Sequence[str]:
    """Concat."""
    layer: Any = place.layer
    axis, rank = axis_of(place, layer.axis), place.inputs[0].rank
    if writer.all_turned(place):
        names = [writer.as_image(place, index) for index in range(len(place.wires))]
        return Turned(writer.node("Concat", names, place.path, axis=1 if axis == rank else axis + 1))
    names = [writer.as_in_file(place, index) for index in range(len(place.wires))]
    return writer.node("Concat", names, place.path, axis=axis)


@writes("stack")
def stack(writer: Writer, place: Place) -> Sequence[str]:
    """Concat along a new axis."""
    layer: Any = place.layer
    axis = axis_index(place.inputs[0], layer.axis, extra=1) + 1
    new = writer.constant([axis])
    names = [
        writer.one("Unsqueeze", [writer.as_in_file(place, index), new], place.path, "layer")
        for index in range(len(place.wires))
    ]
    return writer.node("Concat", names, place.path, axis=axis)


@writes("split", "chunk")
def split(writer: Writer, place: Place) -> Sequence[str]:
    """Split into the pieces that come out."""
    layer: Any = place.layer
    axis = axis_of(place, layer.axis)
    sizes = writer.vector([tensor.sizes[axis - 1] for tensor in place.outputs])
    if len(place.outputs) == 1:
        return writer.node("Identity", [writer.as_in_file(place)], place.path)
    return writer.node("Split", [writer.as_in_file(place), sizes], place.path, outputs=len(place.outputs), axis=axis)


@writes("slice")
def slice_(writer: Writer, place: Place) -> Sequence[str]:
    """Slice along one axis."""
    layer: Any = place.layer
    ends = [
        writer.vector([layer.start]),
        writer.vector([END if layer.stop is None else layer.stop]),
        writer.constant([axis_of(place, layer.axis)]),
        writer.vector([layer.step]),
    ]
    return writer.node("Slice", [writer.as_in_file(place), *ends], place.path)


REDUCTIONS = {
    "mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd",
    "l1": "ReduceL1", "l2": "ReduceL2", "logsumexp": "ReduceLogSumExp",
}  # fmt: skip


@writes("reduce")
def reduce(writer: Writer, place: Place) -> Sequence[str]:
    """A reduction; a variance as the mean of squares less the square of the mean."""
    layer: Any = place.layer
    tensor, path = writer.as_in_file(place), place.path
    indices = sorted(index + 1 for index in layer.indices(place.inputs[0]))
    keep = int(layer.keepdims)
    if layer.how in ("argmax", "argmin"):
        if len(indices) != 1:
            raise cannot(place, "ArgMax takes one axis")
        op = "ArgMax" if layer.how == "argmax" else "ArgMin"
        places = writer.one(op, [tensor], path, op, axis=indices[0], keepdims=keep)
        return writer.node("Cast", [places], path, to=writer.onnx.TensorProto.FLOAT)
    axes = writer.constant(indices)
    if layer.how in ("var", "std"):
        squares = writer.one("Mul", [tensor, tensor], path, "squares")
        squares = writer.one("ReduceMean", [squares, axes], path, "mean_square", keepdims=keep)
        mean = writer.one("ReduceMean", [tensor, axes], path, "mean", keepdims=keep)
        variance = [squares, writer.one("Mul", [mean, mean], path, "square_mean")]
        if layer.how == "var":
            return writer.node("Sub", variance, path)
        return writer.node("Sqrt", [writer.one("Sub", variance, path, "variance")], path)
    if layer.how not in REDUCTIONS:
        raise cannot(place, f"it has no reduction {layer.how} of numbers")
    return writer.node(REDUCTIONS[layer.how], [tensor, axes], path, keepdims=keep)


@writes("expand")
def expand(writer: Writer, place: Place) -> Sequence[str]:
    """Expand; the batch stays."""
    layer: Any = place.layer
    tensor = _widened(writer, place, writer.as_in_file(place), 0, len(layer.sizes))
    return writer.node("Expand", [tensor, writer.vector([1, *(1 if n == -1 else n for n in layer.sizes)])], place.path)


@writes("tile")
def tile(writer: Writer, place: Place) -> Sequence[str]:
    """Tile; the batch once."""
    layer: Any = place.layer
    return writer.node("Tile", [writer.as_in_file(place), writer.vector([1, *layer.times])], place.path)
