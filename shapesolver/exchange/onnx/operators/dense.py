"""Matrix products: with a stored matrix a dense layer, of two results a matmul."""

from __future__ import annotations

from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.arrays import Array
from shapesolver.exchange.onnx.layout import BATCH
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.exchange.onnx.translating import Live, Reading, Unknown, attribute, operator


@operator("Gemm")
def gemm(reading: Reading, operation: Operation) -> Live:
    """A dense layer: ``(N, in)`` by a matrix ``(units, in)``, or ``(in, units)`` without ``transB``."""
    value = reading.live(operation, 0)
    weight, bias = reading.weight(operation, 1, rank=2), reading.array(operation, 2)
    if attribute(operation, "transA", 0) or BATCH in value.axes[-1]:
        raise Unknown("it multiplies along the batch")
    units = weight.shape[0] if attribute(operation, "transB", 0) else weight.shape[1]
    given = None if bias is not None else False
    wire = reading.weighted(operation, "dense", [value.wire], [weight, bias], units=units, bias=given)
    return Live(wire, value.axes)


@operator("MatMul")
def matmul(reading: Reading, operation: Operation) -> Live:
    """By a stored matrix, a dense layer, an Add of its bias included; of two results, a matrix product."""
    left, right = (reading.value(operation.input(index)) for index in (0, 1))
    if isinstance(right, Array) and isinstance(left, Live) and len(right.shape) == 2:
        return _dense(reading, operation, reading.solid(left))
    one, two = reading.live(operation, 0), reading.live(operation, 1)
    if len(one.axes) < 2 or len(two.axes) < 2:
        raise Unknown("one of its inputs is a single row")
    if any(BATCH in pieces for value in (one, two) for pieces in value.axes[-2:]):
        raise Unknown("it multiplies along the batch")
    if not layout.aligned(one.axes[:-2], two.axes[:-2], reading.shape(one)[:-2], reading.shape(two)[:-2]):
        raise Unknown("the batch stands at different places in its inputs")
    wire = reading.plan.add("matmul", [one.wire, two.wire], reading.name(operation))
    widest = max((one, two), key=lambda value: (len(value.axes), layout.has_batch(value.axes)))
    return Live(wire, widest.axes)


def _dense(reading: Reading, operation: Operation, value: Live) -> Live:
    weight = reading.weight(operation, 1, rank=2)
    if BATCH in value.axes[-1]:
        raise Unknown("it multiplies along the batch")
    units = weight.shape[1]
    add = reading.follower(operation.outputs[0], "Add")
    bias: Array | None = None
    if add is not None:
        other = reading.stored_array(next(name for name in add.inputs if name != operation.outputs[0]))
        if other is not None and other.shape == (units,):
            bias, operation = other, reading.absorb(add, operation)
    given = None if bias is not None else False
    wire = reading.weighted(operation, "dense", [value.wire], [weight, bias], units=units, bias=given)
    result = Live(wire, value.axes)
    reading.bind(operation, result)
    return result
