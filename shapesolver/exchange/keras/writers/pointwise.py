"""Activations and other functions of each cell, in Keras."""

from __future__ import annotations

import re
from typing import Any

from shapesolver.exchange.keras.steps import ACTIVATIONS, Placed, Step, writes
from shapesolver.layers.parameters import show


@writes("dropout")
def dropout(placed: Placed) -> list[Step]:
    """``layers.Dropout(0.5)``."""
    layer: Any = placed.layer
    return [Step("layers.Dropout", (layer.rate,))]


@writes(*ACTIVATIONS - {"leaky_relu", "elu", "celu", "softmax", "relu"})
def activation(placed: Placed) -> list[Step]:
    """``layers.Activation("tanh")``."""
    return [Step("layers.Activation", (placed.layer.op,))]


@writes("relu")
def relu(placed: Placed) -> list[Step]:
    """``layers.ReLU()``."""
    return [Step("layers.ReLU")]


@writes("leaky_relu", "elu", "celu")
def sloped(placed: Placed) -> list[Step]:
    """``layers.LeakyReLU(0.1)``."""
    layer: Any = placed.layer
    if layer.alpha is None:
        return [Step("layers.Activation", (layer.op,))]
    if layer.op == "celu":
        return [Step("ops.celu", (layer.alpha,))]
    name = "layers.LeakyReLU" if layer.op == "leaky_relu" else "layers.ELU"
    return [Step(name, (layer.alpha,))]


@writes("prelu")
def prelu(placed: Placed) -> list[Step]:
    """``layers.PReLU()``."""
    layer: Any = placed.layer
    if layer.dialect.keras:
        return [Step("layers.PReLU", (), placed.given(shared_axes=(layer.shared_axes, None)))]
    raise placed.error("its slopes are one for each cell")


@writes("softmax")
def softmax(placed: Placed) -> list[Step]:
    """``layers.Softmax()``."""
    layer: Any = placed.layer
    return [Step("layers.Softmax", (), placed.given(axis=(layer.axis, -1)))]


@writes("glu")
def glu(placed: Placed) -> list[Step]:
    """``ops.glu(x)``."""
    layer: Any = placed.layer
    return [Step("ops.glu", (), placed.given(axis=(layer.axis, -1)))]


@writes("identity")
def identity(placed: Placed) -> list[Step]:
    """``layers.Identity()``."""
    return [Step("layers.Identity")]


POINTWISE = {"rescaling": Step("layers.Rescaling", (1.0,))}
"""Functions of each cell by the names that an import gives them."""


@writes("pointwise")
def pointwise(placed: Placed) -> list[Step]:
    """The function of that name, where it is known."""
    layer: Any = placed.layer
    known = POINTWISE.get(layer.function)
    if known is not None:
        return [known]
    if layer.function in UNARY:
        return [Step(f"ops.{layer.function}")]
    with_number = WITH_NUMBER.fullmatch(layer.function)
    if with_number is not None and with_number[1] in BINARY:
        number = float(with_number[2])
        whole = number.is_integer() and "." not in with_number[2]
        return [Step(f"ops.{with_number[1]}", (int(number) if whole else number,))]
    raise placed.error(f"what {show(layer.function)} computes is not known")


WITH_NUMBER = re.compile(r"(\w+)\(x, (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\)")
"""A function of a cell and a number, as an import writes it: ``add(x, 3.0)``."""
BINARY = frozenset(["add", "subtract", "multiply", "divide", "true_divide", "power", "maximum", "minimum"])
UNARY = frozenset(["abs", "sqrt", "square", "log", "log1p", "sin", "cos", "tan", "negative", "sign", "floor", "ceil"])
