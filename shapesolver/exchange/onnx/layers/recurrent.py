"""LSTM, GRU and RNN: time first, then the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.writer import Place, Writer, cannot, writes

OPERATORS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}


@writes(*OPERATORS)
def recurrent(writer: Writer, place: Place) -> Sequence[str]:
    """One operator a layer, with a transpose before and after; the directions' results side by side."""
    layer: Any = place.layer
    if layer.state != layer.units:
        raise cannot(place, "its LSTM has no projection")
    path = place.path
    x = writer.one("Transpose", [writer.as_in_file(place)], path, "time_first", perm=[1, 0, 2])
    features, sequences = place.inputs[0].sizes[-1], place.outputs[0].rank == 2
    for level in range(layer.layers):
        final = level == layer.layers - 1
        every, last = _level(writer, place, x, features, level)
        if final and not sequences:
            return _last_step(writer, place, last)
        x = _side_by_side(writer, place, every)
        features = layer.units * layer.directions
    return writer.node("Transpose", [x], path, perm=[1, 0, 2])


def _level(writer: Writer, place: Place, x: str, features: Dim, level: int) -> tuple[str, str]:
    layer: Any = place.layer
    prefix = f"layer{level}." if layer.layers > 1 else ""
    wide, d = layer.units * layer.gates, layer.directions
    inputs = [
        x,
        writer.weight(place, f"{prefix}W", (d, wide, features)),
        writer.weight(place, f"{prefix}R", (d, wide, layer.units)),
    ]
    if layer.bias:
        inputs.append(writer.weight(place, f"{prefix}B", (d, wide * 2), "zeros"))
    attributes: dict[str, Any] = {"linear_before_reset": 1} if layer.op == "gru" else {}
    every, last = writer.node(
        OPERATORS[layer.op],
        inputs,
        place.path,
        f"layer{level}",
        outputs=2,
        hidden_size=layer.units,
        direction="bidirectional" if layer.bidirectional else "forward",
        **attributes,
    )
    return every, last


def _side_by_side(writer: Writer, place: Place, every: str) -> str:
    """``(L, directions, N, units)`` as ``(L, N, directions*units)``."""
    layer: Any = place.layer
    if layer.directions == 1:
        return writer.one("Squeeze", [every, writer.constant([1])], place.path, "steps")
    turned = writer.one("Transpose", [every], place.path, "directions", perm=[0, 2, 1, 3])
    return writer.one("Reshape", [turned, writer.constant([0, 0, -1])], place.path, "steps")


def _last_step(writer: Writer, place: Place, last: str) -> Sequence[str]:
    """``(directions, N, units)`` as ``(N, directions*units)``."""
    layer: Any = place.layer
    if layer.directions == 1:
        return writer.node("Squeeze", [last, writer.constant([0])], place.path)
    turned = writer.one("Transpose", [last], place.path, "directions", perm=[1, 0, 2])
    return writer.node("Reshape", [turned, writer.constant([0, -1])], place.path)
