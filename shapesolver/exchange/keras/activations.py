"""Keras' activation functions, by name and as layers."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.keras.pen import Pen
from shapesolver.layers.registry import spellings
from shapesolver.model.graph import Wire

POINTWISE = frozenset(
    ["hard_shrink", "soft_shrink", "tanh_shrink", "squareplus", "sparse_plus", "sparse_sigmoid", "threshold"]
)
"""Functions of each cell that have no name of their own here."""


def activation_name(value: Any) -> str | None:
    """The name of what a configuration gives as an activation; ``None`` where there is none."""
    if isinstance(value, dict):
        # A registered function, or one that the author wrote.
        inner = value.get("config")
        value = inner if isinstance(inner, str) else value.get("class_name")
    return value if isinstance(value, str) and value != "linear" else None


def activate(pen: Pen, wire: Wire, value: Any) -> Wire:
    """The activation of a configuration after a layer."""
    name = activation_name(value)
    if name is None:
        return wire
    spelling = spellings().get(name) or spellings().get(name.lower())
    if spelling is not None and spelling.kind.family == "activation":
        return pen.layer(spelling.kind.op, [wire])
    if name in POINTWISE:
        return pen.layer("pointwise", [wire], function=name)
    sizes = pen.tensor(wire).sizes
    why = "its function is written in Python, and is taken to keep sizes"
    return pen.sketch.opaque(name, [wire], [sizes], name=f"{pen.name}_{name}", why=why)[0]


def relu(pen: Pen, config: dict[str, Any], wire: Wire) -> Wire:
    """Keras' ReLU layer with its three numbers."""
    most, slope = config.get("max_value"), config.get("negative_slope", config.get("alpha", 0)) or 0
    threshold = config.get("threshold") or 0
    if not threshold and not slope and most is None:
        return pen.layer("relu", [wire])
    if not threshold and not slope and most == 6:
        return pen.layer("relu6", [wire])
    if not threshold and most is None:
        return pen.layer("leaky_relu", [wire], alpha=slope)
    given = {"max_value": most, "negative_slope": slope, "threshold": threshold}
    text = ", ".join(f"{key}={value}" for key, value in given.items() if value)
    return pen.layer("pointwise", [wire], function=f"ReLU({text})")
