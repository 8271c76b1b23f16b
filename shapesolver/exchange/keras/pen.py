"""Drawing one Keras layer, which may be several of ours; drawn again, those with weights share them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shapesolver.exchange.keras.config import Call
from shapesolver.exchange.sketch import Sketch
from shapesolver.layers.base import Tensor
from shapesolver.model.graph import Wire

Config = dict[str, Any]
"""A layer's configuration."""


class Inexpressible(Exception):
    """A layer, or a use of one, that has no counterpart here; the message says why."""


class Pen:
    """Draws the calls of one Keras layer on a sketch."""

    def __init__(self, sketch: Sketch, name: str) -> None:
        self.sketch = sketch
        self.name = name
        self._drawn: list[Wire] = []
        self._again: int | None = None
        self._named = False
        self.results = 1
        """How many results of the call are used."""

    @property
    def channels_last(self) -> bool:
        """The layout of the whole model."""
        return self.sketch.dialect.channels_last

    def lift(self, results: int = 1) -> None:
        """Begin the next call: what is drawn from here on shares weights with what was drawn before."""
        self.results = results
        self._again = 0 if self._drawn else None
        self._named = False

    def layer(self, op: str, inputs: Sequence[Wire], bears_name: bool = True, **parameters: Any) -> Wire:
        """Add one of our layers; the first of a call that may bears the Keras layer's name."""
        name = "" if self._named or self._again is not None or not bears_name else self.name
        self._named = self._named or bears_name
        wire = self._reused(op, inputs)
        if wire is None:
            wire = self.sketch.layer(op, inputs, name=name, **parameters)
        if self._again is None:
            self._drawn.append(wire)
        else:
            self._again += 1
        return wire

    def helper(self, op: str, inputs: Sequence[Wire], **parameters: Any) -> Wire:
        """Add a layer without weights that only prepares for the one that bears the name."""
        return self.sketch.layer(op, inputs, **parameters)

    def tensor(self, wire: Wire) -> Tensor:
        """The sizes of a result; raises :class:`Inexpressible` where they could not be derived."""
        tensor = self.sketch.tensor(wire)
        if tensor is None:
            raise Inexpressible("the sizes that come in could not be derived")
        return tensor

    def channel_axis(self, wire: Wire) -> int:
        """The number of a tensor's channel axis, the batch counted."""
        return self.tensor(wire).rank if self.channels_last else 1

    def _reused(self, op: str, inputs: Sequence[Wire]) -> Wire | None:
        if self._again is None or self._again >= len(self._drawn):
            return None
        earlier = self._drawn[self._again]
        layer = self.sketch.kind(earlier)
        tensors = [self.sketch.tensor(wire) for wire in inputs]
        known = [tensor for tensor in tensors if tensor is not None]
        if layer.op != op or len(known) < len(tensors) or not layer.weights(*known):
            return None
        return self.sketch.reuse(earlier, inputs)


Draw = Callable[[Pen, Config, list[Wire], Call], Wire | list[Wire]]
"""Draws one call of a layer: its configuration, its input tensors in order, and the call itself."""


def move_channels(pen: Pen, wire: Wire, back: bool = False) -> Wire:
    """A tensor in the other layout than the model's: what a layer with a ``data_format`` of its own works in."""
    rank = pen.tensor(wire).rank
    last_to_first = (rank, *range(1, rank))
    first_to_last = (*range(2, rank + 1), 1)
    order = last_to_first if pen.channels_last == back else first_to_last
    return pen.helper("permute", [wire], order=order)


def only(inputs: list[Wire]) -> Wire:
    """The tensor of a layer that takes one; raises :class:`Inexpressible` for several."""
    if len(inputs) != 1:
        raise Inexpressible(f"it is called with {len(inputs)} tensors")
    return inputs[0]
