"""LSTM, GRU and RNN: ``(time, batch, features)`` to ``(time, directions, batch, units)``."""

from __future__ import annotations

from collections.abc import Sequence

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.layout import BATCH, Axes
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.exchange.onnx.translating import Live, Reading, Unknown, Value, attribute, operator
from shapesolver.model.graph import Wire

LAYERS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}


@operator(*LAYERS)
def recurrent(reading: Reading, operation: Operation) -> Sequence[Value | None]:
    """A recurrent layer. Every step is its first result, the last step its second, an LSTM's cell its third."""
    value = reading.live(operation, 0)
    batch_first = attribute(operation, "layout", 0) == 1
    place = 0 if batch_first else 1
    if len(value.axes) != 3 or value.axes[place] != (BATCH,):
        raise Unknown("its input is no batch of sequences of features")
    weights = [reading.array(operation, index) for index in (1, 2, 3)]
    if weights[0] is None or weights[1] is None or len(weights[0].shape) != 3:
        raise Unknown("its weights are missing")
    directions = weights[0].shape[0]
    units = attribute(operation, "hidden_size") or weights[1].shape[-1]
    used = [index < len(operation.outputs) and reading.uses[operation.outputs[index]] > 0 for index in range(3)]
    every = used[0] or not used[1]
    wire = reading.weighted(
        operation,
        LAYERS[operation.op],
        [value.wire],
        weights,
        units=units,
        bidirectional=True if directions == 2 else None,
        sequences=None if every else False,
        bias=None if weights[2] is not None else False,
    )
    first = _every_step(reading, wire, directions, units, batch_first) if every else None
    last = _last_step(reading, wire, directions, units, batch_first, every) if used[1] or used[2] else None
    if used[2]:
        source = reading.sketch.source
        reading.sketch.warn(f"{source}: {operation}'s cell state is taken for its last step, of equal sizes")
    return first, last, last


def _every_step(reading: Reading, wire: Wire, directions: Dim, units: Dim, batch_first: bool) -> Live:
    """``(L, directions*units)`` as ``(L, directions, N, units)``, or ``(N, L, directions, units)``."""
    if directions == 1:
        axes: Axes = ((BATCH,), (0,), (), (1,)) if batch_first else ((0,), (), (BATCH,), (1,))
        return Live(wire, axes)
    length = reading.plan.sizes(wire)[0]
    split = reading.plan.reshape(wire, (length, directions, units))
    axes = ((BATCH,), (0,), (1,), (2,)) if batch_first else ((0,), (1,), (BATCH,), (2,))
    return Live(split, axes)


def _last_step(reading: Reading, wire: Wire, directions: Dim, units: Dim, batch_first: bool, every: bool) -> Live:
    """``(directions*units,)`` as ``(directions, N, units)``, or ``(N, directions, units)``."""
    if every:
        wire = reading.plan.add("slice", [wire], start=-1, axis=1)
        wire = reading.plan.reshape(wire, reading.plan.sizes(wire)[1:])
    if directions == 1:
        return Live(wire, ((BATCH,), (), (0,)) if batch_first else ((), (BATCH,), (0,)))
    split = reading.plan.reshape(wire, (directions, units))
    return Live(split, ((BATCH,), (0,), (1,)) if batch_first else ((0,), (BATCH,), (1,)))
