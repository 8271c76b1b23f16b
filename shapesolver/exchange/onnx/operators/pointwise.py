"""Functions of each cell by itself."""

from __future__ import annotations

import math
from typing import Any

from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.exchange.onnx.translating import Live, Reading, Unknown, attribute, operator

ACTIVATIONS = {
    "Relu": "relu", "Selu": "selu", "Gelu": "gelu", "Sigmoid": "sigmoid", "HardSigmoid": "hard_sigmoid",
    "HardSwish": "hard_swish", "Tanh": "tanh", "Softplus": "softplus", "Softsign": "softsign", "Mish": "mish",
    "Exp": "exponential", "Identity": "identity", "Swish": "silu", "com.microsoft.Gelu": "gelu",
    "com.microsoft.FastGelu": "gelu", "com.microsoft.QuickGelu": "silu", "pattern.gelu": "gelu",
    "pattern.silu": "silu", "pattern.hard_swish": "hard_swish", "pattern.mish": "mish",
    "pattern.log_sigmoid": "log_sigmoid",
}  # fmt: skip

SLOPED = {"LeakyRelu": ("leaky_relu", 0.01), "Elu": ("elu", 1.0), "Celu": ("celu", 1.0)}

CELL_BY_CELL = (
    "Abs", "Neg", "Reciprocal", "Sqrt", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh",
    "Acosh", "Atanh", "Erf", "Floor", "Ceil", "Round", "Sign", "Not", "IsNaN", "IsInf", "BitwiseNot", "Shrink",
    "ThresholdedRelu", "QuantizeLinear", "DequantizeLinear",
)  # fmt: skip
"""Functions that the language has no word for."""

ALONG_AN_AXIS = ("Hardmax", "LRN", "LpNormalization", "MeanVarianceNormalization", "CumSum", "Trilu")
"""Functions that leave sizes as they are and mix cells."""


@operator(*ACTIVATIONS, *CELL_BY_CELL)
def activation(reading: Reading, operation: Operation) -> Live:
    """An activation, or a function without a word here, by its own name."""
    value = reading.loose(operation, 0)
    op = ACTIVATIONS.get(operation.op, "pointwise")
    function = operation.op if op == "pointwise" else None
    return Live(reading.plan.add(op, [value.wire], reading.name(operation), function=function), value.axes)


@operator(*SLOPED)
def sloped(reading: Reading, operation: Operation) -> Live:
    """An activation with one number."""
    value = reading.loose(operation, 0)
    op, usual = SLOPED[operation.op]
    alpha = round(float(attribute(operation, "alpha", usual)), 6)
    given = None if alpha == usual else alpha
    return Live(reading.plan.add(op, [value.wire], reading.name(operation), alpha=given), value.axes)


CLIPS: dict[tuple[float | None, float | None], str] = {
    (0.0, 6.0): "relu6",
    (-1.0, 1.0): "hard_tanh",
    (0.0, None): "relu",
}


@operator("Clip")
def clip(reading: Reading, operation: Operation) -> Live:
    """Values kept within limits, which stand in attributes, or on inputs since opset 11."""
    value = reading.loose(operation, 0)
    low, high = (_limit(reading, operation, name, index) for index, name in ((1, "min"), (2, "max")))
    op = CLIPS.get((low, high), "pointwise")
    function = f"Clip({low}, {high})" if op == "pointwise" else None
    return Live(reading.plan.add(op, [value.wire], reading.name(operation), function=function), value.axes)


def _limit(reading: Reading, operation: Operation, name: str, index: int) -> float | None:
    limit: Any = attribute(operation, name)
    if limit is None:
        numbers = reading.numbers(operation, index)
        limit = numbers[0] if numbers else None
    return None if limit is None or abs(limit) > 3e38 or not math.isfinite(limit) else float(limit)


@operator("Softmax", "LogSoftmax")
def softmax(reading: Reading, operation: Operation) -> Live:
    """Softmax along an axis: the last by default, the second before opset 13."""
    value = reading.live(operation, 0)
    rank = len(value.axes)
    usual = -1 if reading.model.opset >= 13 else 1
    axis = attribute(operation, "axis", usual) % rank
    if reading.model.opset < 13:
        axis = rank - 1 if axis < rank - 1 and _ones(reading, value, axis + 1) else axis
    index = layout.pure(value.axes, axis)
    if index is None:
        raise Unknown("it works along the batch")
    last = index == len(reading.plan.sizes(value.wire)) - 1
    op = "softmax" if operation.op == "Softmax" else "log_softmax"
    wire = reading.plan.add(op, [value.wire], reading.name(operation), axis=None if last else index + 1)
    return Live(wire, value.axes)


def _ones(reading: Reading, value: Live, start: int) -> bool:
    return all(size == 1 for size in reading.shape(value)[start:])


@operator(*ALONG_AN_AXIS)
def mixing(reading: Reading, operation: Operation) -> Live:
    """A function that mixes cells and leaves the sizes."""
    value = reading.live(operation, 0)
    raise Unknown("no layer of the language does this", (value.axes, reading.plan.sizes(value.wire)))


@operator("Cast", "CastLike")
def cast(reading: Reading, operation: Operation) -> Live:
    """Another type of number: the same tensor, as sizes go."""
    return reading.loose(operation, 0)
