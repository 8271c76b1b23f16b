"""Symbolic shape solver and verifier for neural-network layer stacks.

>>> import shapesolver
>>> net = shapesolver.parse("image = input(28, 28, 1)\\nconv1 = conv(32, kernel=7, stride=3)")
>>> net["conv1"].shape
(8, 8, 32)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapesolver.checking import check
    from shapesolver.diagnostics import Diagnostic, NetError, ShapeSolverError, Span
    from shapesolver.net import Net, from_keras, from_onnx, from_torch, load, parse
    from shapesolver.placed import PlacedLayer, ShapeError
    from shapesolver.rewrite.weights import convert_weights

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Net",
    "NetError",
    "PlacedLayer",
    "ShapeError",
    "ShapeSolverError",
    "Span",
    "check",
    "convert_weights",
    "from_keras",
    "from_onnx",
    "from_torch",
    "load",
    "parse",
]

_HOMES = {
    "check": "checking",
    "convert_weights": "rewrite.weights",
    "Diagnostic": "diagnostics",
    "NetError": "diagnostics",
    "ShapeSolverError": "diagnostics",
    "Span": "diagnostics",
    "Net": "net",
    "PlacedLayer": "placed",
    "ShapeError": "placed",
    "from_keras": "net",
    "from_onnx": "net",
    "from_torch": "net",
    "load": "net",
    "parse": "net",
}


def __getattr__(name: str) -> Any:
    """Public names, imported when first used: the command line pays for what it needs."""
    if name in _HOMES:
        return getattr(import_module(f"shapesolver.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'shapesolver' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
