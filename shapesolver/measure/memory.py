"""The memory that results take in a forward pass, layer after layer in the order of the file.

A result is made before what its layer consumed is let go, no layer overwrites its input, and layers that only
rename axes (flatten, reshape) share their input's memory. Without training a result is let go after the last layer
that consumes it, and the network's own results stay; while training, what the backward pass needs stays, too, as
PyTorch keeps it. What a library's algorithms need for themselves, and allocators' rounding, are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from shapesolver.arithmetic import Dim, maximum
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.work import Saved
from shapesolver.measure.numbers import Numbers
from shapesolver.model.graph import Wire
from shapesolver.network import Network
from shapesolver.placed import sum_of

INDEX_BYTES = 8
"""What a position takes that a pool remembers for its backward pass."""


class Peak(NamedTuple):
    """The most memory that results take at a time."""

    bytes: Dim
    at: str | None
    """The path of the layer that is computed then; ``None`` where that depends on the sizes."""


@dataclass(frozen=True)
class Memory:
    """The memory of a network's results, in bytes."""

    results: tuple[Dim, ...]
    """What each layer's own results take."""
    moments: tuple[tuple[Dim, str], ...]
    """What is in memory while each layer is computed, and its path."""
    saved: Dim
    """What stays of all layers until the backward pass, when training."""

    @cached_property
    def peak(self) -> Peak:
        """The most of all moments; of formulas the greatest for all sizes, which may take a while."""
        if all(isinstance(size, int) for size, _ in self.moments):
            return Peak(*max(self.moments, key=lambda moment: moment[0], default=(0, None)))  # type: ignore[arg-type,return-value]
        distinct = dict(reversed(self.moments))
        size = maximum(*distinct)
        return Peak(size, distinct.get(size))


def memory(net: Network, numbers: Numbers, batch: Dim, training: bool = False) -> Memory:
    """The memory of a network all of whose layers can be built."""
    places = Places(net, training)
    results = tuple(numbers.bytes(sum_of(place.cells for place in step) * batch) for step in places.made)
    run = Run(net, places, numbers, batch)
    return Memory(results, tuple(run.moments()), run.saved)


class Place(NamedTuple):
    """Memory that one layer allocates for one result."""

    wire: Wire
    cells: Dim


class Places:
    """Which result lies where: each wire's place, made by the layer itself or one before it."""

    def __init__(self, net: Network, training: bool) -> None:
        self.training = training
        self.made: list[list[Place]] = []
        """The places that each layer allocates."""
        self.saved: list[Saved] = []
        """What training keeps of each layer; nothing otherwise."""
        self.last: dict[Wire, int] = {}
        """The last layer that needs each place, by the wire that it was allocated for."""
        self.of: dict[Wire, Wire | None] = {}
        """The wire that each wire's place was allocated for; ``None`` where it is a weight."""
        graph = net.graph
        for index, node in enumerate(graph.nodes):
            layer, tensors = net.layers[index].kind, net.derivation.inputs(index)
            assert tensors is not None
            saves = layer.saves(*tensors) if training else Saved()
            self.saved.append(saves)
            for wire in node.inputs:
                self._use(wire, index)
            outcome = net.derivation.outcomes[index]
            assert outcome is not None
            self.made.append([*self._place(index, layer, node.inputs, outcome.outputs, saves)])
        for wire in graph.outputs:
            self._use(wire, len(graph.nodes))

    def _place(
        self, index: int, layer: Layer, inputs: tuple[Wire, ...], outputs: tuple[Tensor, ...], saves: Saved
    ) -> Iterator[Place]:
        # Dropout is its input's memory, except in training, where it leaves a mask.
        shares = layer.shares_memory() and saves == Saved()
        for number, tensor in enumerate(outputs):
            wire = Wire(index, number)
            if shares:
                self.of[wire] = self.of[inputs[0]] if inputs else None
            else:
                self.of[wire] = wire
                self.last[wire] = index
                yield Place(wire, tensor.cells)

    def _use(self, wire: Wire, index: int) -> None:
        place = self.of[wire]
        if place is not None:
            self.last[place] = index


class Run:
    """One pass over the layers, with what is in memory at each."""

    def __init__(self, net: Network, places: Places, numbers: Numbers, batch: Dim) -> None:
        self._net = net
        self._places = places
        self._numbers = numbers
        self._batch = batch
        self.saved: Dim = 0

    def moments(self) -> Iterator[tuple[Dim, str]]:
        """The bytes in memory while each layer is computed, and its path; :attr:`saved` is complete after the last."""
        places = self._places
        ends: dict[int, list[Wire]] = defaultdict(list)
        for wire, last in places.last.items():
            ends[last].append(wire)
        sizes: dict[Wire, Dim] = {}
        staying: set[Wire] = set()
        live: Dim = 0
        for index, node in enumerate(self._net.graph.nodes):
            for wire, cells in places.made[index]:
                sizes[wire] = self._numbers.bytes(cells * self._batch)
                live = sizes[wire] + live
            extra, kept = self._saved(index)
            live = extra + live
            self.saved = extra + self.saved
            yield live, node.path
            for wire in kept - staying:
                self.saved = sizes[wire] + self.saved
            staying |= kept
            for wire in ends[index]:
                # Saved in time: what a later layer keeps it also consumes, so its end is not before.
                if wire not in staying:
                    live = live - sizes[wire]

    def _saved(self, index: int) -> tuple[Dim, set[Wire]]:
        """The further bytes that a layer leaves, and the places that it keeps from being let go."""
        saves = self._places.saved[index]
        node = self._net.graph.nodes[index]
        wires = [*(node.inputs if saves.inputs else ())]
        if saves.outputs:
            wires += [place.wire for place in self._places.made[index]]
        extra = self._numbers.bytes(saves.cells * self._batch + saves.fixed)
        extra = extra + saves.indices * self._batch * INDEX_BYTES
        return extra, {place for wire in wires if (place := self._places.of[wire]) is not None}
