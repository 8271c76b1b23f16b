"""Layers that make one tensor of several."""

from __future__ import annotations

from functools import reduce

from shapesolver.exchange.code import Operation, Written, call, function
from shapesolver.exchange.torch.writers import Placed, writes

OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "power": "**"}


@writes("concat", layout="either")
def concat(placed: Placed) -> Written:
    """``torch.cat([a, b], dim=1)``."""
    axis = placed.layer.axis  # type: ignore[attr-defined]
    return function(call("torch.cat", list(placed.inputs), dim=placed.dim(axis)), None)


@writes("stack")
def stack(placed: Placed) -> Written:
    """``torch.stack([a, b], dim=1)``."""
    axis = placed.layer.axis  # type: ignore[attr-defined]
    return function(call("torch.stack", list(placed.inputs), dim=placed.dim(axis, 1)), None)


@writes(*OPERATORS, layout="either")
def arithmetic(placed: Placed) -> Written:
    """``a + b``."""
    symbol = OPERATORS[placed.layer.op]
    return function(reduce(lambda left, right: Operation(symbol, left, right), placed.inputs), None)


@writes("average", layout="either")
def average(placed: Placed) -> Written:
    """``(a + b) / 2``."""
    total = reduce(lambda left, right: Operation("+", left, right), placed.inputs)
    return function(Operation("/", total, len(placed.inputs)), None)


@writes("max", "min", layout="either")
def extreme(placed: Placed) -> Written:
    """``torch.maximum(a, b)``."""
    name = "torch.maximum" if placed.layer.op == "max" else "torch.minimum"
    return function(reduce(lambda left, right: call(name, left, right), placed.inputs), None)


@writes("matmul")
def matmul(placed: Placed) -> Written:
    """``a @ b``."""
    return function(Operation("@", *placed.inputs), None)
