"""What stands for a model's values while it is read: tensors as wires, sizes as formulas."""

from __future__ import annotations

from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim
from shapesolver.model.graph import Wire


class Ref(NamedTuple):
    """A tensor of the network. ``batch`` is the axis that counts the examples, which sizes leave out."""

    wire: Wire
    batch: int = 0


class Held(NamedTuple):
    """A parameter or buffer of the model, which has no batch axis unless its first size is 1."""

    name: str
    shape: tuple[int, ...]
    learned: bool


class Batch(NamedTuple):
    """How many examples there are, times a number."""

    times: Dim = 1


class Outside(NamedTuple):
    """A value that the network has no place for, such as a tensor whose batch is folded into other axes."""

    sources: tuple[Ref, ...]
    """The tensors that it was made from."""
    why: str


class Padded(NamedTuple):
    """A tensor before an ``F.pad`` that only the next window consumes, and the amounts (before, after) an axis."""

    ref: Ref
    pairs: tuple[tuple[Any, Any], ...]


class Cut(NamedTuple):
    """A part of one axis: where it starts, how long it is, and the tensor whose size that is."""

    place: int
    start: Dim
    length: Dim
    of: Ref


class Cropped(NamedTuple):
    """A tensor that is being cut to another's size, axis by axis."""

    ref: Ref
    cuts: tuple[Cut, ...]


class State(NamedTuple):
    """The last states of a recurrent module, one for each layer and direction; only the top layer's is known."""

    last: Ref
    """The top layer's, both directions side by side."""
    directions: int
    layers: int


class Direction(NamedTuple):
    """One direction of a :class:`State`: -1 is backwards where there are two, and -2 forwards."""

    state: State
    place: int


class Unknown(Exception):
    """An operation that has no counterpart here; the message says why."""
