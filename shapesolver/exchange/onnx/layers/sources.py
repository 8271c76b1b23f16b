"""Inputs, learned tensors and constants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.exchange.onnx.writer import Place, Writer, cannot, writes


@writes("input")
def input_(writer: Writer, place: Place) -> Sequence[str]:
    """An input of the graph."""
    return [writer.free(place.path)]


@writes("parameter")
def parameter(writer: Writer, place: Place) -> Sequence[str]:
    """An initializer."""
    return [writer.weight(place, "weight", place.outputs[0].sizes)]


@writes("constant")
def constant(writer: Writer, place: Place) -> Sequence[str]:
    """Zeros of these sizes: the language knows no values."""
    return writer.node("ConstantOfShape", [writer.vector(place.outputs[0].sizes)], place.path)


@writes("opaque")
def opaque(writer: Writer, place: Place) -> Sequence[str]:
    """What is not known cannot be written."""
    layer: Any = place.layer
    raise cannot(place, f"what {layer.what} does is not known")
