"""Functions of each cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.exchange.onnx.layers.merging import axis_of
from shapesolver.exchange.onnx.writer import Place, Writer, cannot, writes
from shapesolver.layers.patches import product

PLAIN = {
    "identity": "Identity", "relu": "Relu", "selu": "Selu", "sigmoid": "Sigmoid", "hard_swish": "HardSwish",
    "tanh": "Tanh", "softplus": "Softplus", "softsign": "Softsign", "mish": "Mish", "exponential": "Exp",
}  # fmt: skip


@writes(*PLAIN, turned=True)
def plain(writer: Writer, place: Place) -> Sequence[str]:
    """An operator without attributes."""
    return writer.node(PLAIN[place.layer.op], [writer.as_image(place)], place.path)


@writes("hard_sigmoid", turned=True)
def hard_sigmoid(writer: Writer, place: Place) -> Sequence[str]:
    """``relu6(x + 3)/6``, as PyTorch and Keras have it; ONNX' own slope is 0.2."""
    alpha = None if place.layer.dialect.onnx else 1 / 6
    return writer.node("HardSigmoid", [writer.as_image(place)], place.path, alpha=alpha)


@writes("relu6", "hard_tanh", turned=True)
def clip(writer: Writer, place: Place) -> Sequence[str]:
    """Clip."""
    low, high = (0, 6) if place.layer.op == "relu6" else (-1, 1)
    limits = [writer.constant(low, "float32"), writer.constant(high, "float32")]
    return writer.node("Clip", [writer.as_image(place), *limits], place.path)


@writes("silu", turned=True)
def silu(writer: Writer, place: Place) -> Sequence[str]:
    """``x * sigmoid(x)``."""
    x = writer.as_image(place)
    return writer.node("Mul", [x, writer.one("Sigmoid", [x], place.path, "sigmoid")], place.path)


@writes("gelu", turned=True)
def gelu(writer: Writer, place: Place) -> Sequence[str]:
    """Gelu; before opset 20 spelt out with Erf."""
    x, path = writer.as_image(place), place.path
    if writer.dialect.opset >= 20:
        return writer.node("Gelu", [x], path)
    ratio = writer.one("Div", [x, writer.constant(2**0.5, "float32")], path, "ratio")
    above = writer.one("Add", [writer.one("Erf", [ratio], path, "erf"), writer.constant(1, "float32")], path, "above")
    return writer.node("Mul", [writer.one("Mul", [x, above], path, "twice"), writer.constant(0.5, "float32")], path)


@writes("log_sigmoid", turned=True)
def log_sigmoid(writer: Writer, place: Place) -> Sequence[str]:
    """The logarithm of a sigmoid."""
    return writer.node("Log", [writer.one("Sigmoid", [writer.as_image(place)], place.path, "sigmoid")], place.path)


SLOPED = {"leaky_relu": ("LeakyRelu", {"keras": 0.3}), "elu": ("Elu", {}), "celu": ("Celu", {})}


@writes(*SLOPED, turned=True)
def sloped(writer: Writer, place: Place) -> Sequence[str]:
    """An activation with one number, the framework's own where the file names none."""
    layer: Any = place.layer
    op, own = SLOPED[layer.op]
    alpha = own.get(layer.dialect.name) if layer.alpha is None else float(layer.alpha)
    return writer.node(op, [writer.as_image(place)], place.path, alpha=alpha)


@writes("prelu")
def prelu(writer: Writer, place: Place) -> Sequence[str]:
    """PRelu; PyTorch's slopes by channel stand in a column, so that they broadcast."""
    layer: Any = place.layer
    (weight,) = layer.weights(*place.inputs)
    shape = weight.shape
    if layer.dialect.torch and product(shape) != 1:
        shape = (*shape, *(1 for _ in place.inputs[0].sizes[1:]))
    return writer.node("PRelu", [writer.as_in_file(place), writer.weight(place, "slope", shape)], place.path)


@writes("softmax", "log_softmax")
def softmax(writer: Writer, place: Place) -> Sequence[str]:
    """Softmax or LogSoftmax along an axis."""
    layer: Any = place.layer
    op = "Softmax" if layer.op == "softmax" else "LogSoftmax"
    return writer.node(op, [writer.as_in_file(place)], place.path, axis=axis_of(place, layer.axis))


@writes("glu")
def glu(writer: Writer, place: Place) -> Sequence[str]:
    """One half times the sigmoid of the other."""
    layer: Any = place.layer
    axis = axis_of(place, layer.axis)
    half = writer.vector([place.outputs[0].sizes[axis - 1]] * 2)
    one, two = writer.node("Split", [writer.as_in_file(place), half], place.path, "halves", outputs=2, axis=axis)
    return writer.node("Mul", [one, writer.one("Sigmoid", [two], place.path, "gate")], place.path)


FUNCTIONS = {
    name.lower(): name
    for name in (
        "Abs", "Neg", "Reciprocal", "Sqrt", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh",
        "Asinh", "Acosh", "Atanh", "Erf", "Floor", "Ceil", "Round", "Sign", "ThresholdedRelu", "Shrink", "Exp",
    )
} | {"negative": "Neg", "negate": "Neg", "exponential": "Exp", "absolute": "Abs"}  # fmt: skip

WITH_NUMBER = {name.lower(): name for name in ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min")}


@writes("pointwise", turned=True)
def pointwise(writer: Writer, place: Place) -> Sequence[str]:
    """A function by its name; one with a number, which the file does not keep, has 1."""
    layer: Any = place.layer
    name = layer.function.lower()
    if name in FUNCTIONS:
        return writer.node(FUNCTIONS[name], [writer.as_image(place)], place.path)
    if name in WITH_NUMBER:
        return writer.node(WITH_NUMBER[name], [writer.as_image(place), writer.constant(1, "float32")], place.path)
    raise cannot(place, f"what {layer.function!r} computes is not known")
