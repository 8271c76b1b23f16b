"""What a network costs: multiply-accumulates, operations, parameters, and memory for weights and results.

Each layer states its own work (:meth:`Layer.work`); here it is gathered. A multiply-accumulate is two floating-point
operations. Costs are numbers where the sizes are, and formulas where they are not.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

from shapesolver.arithmetic import Dim, symbol
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.measure.memory import Memory, Peak, memory
from shapesolver.measure.numbers import Numbers
from shapesolver.network import MAX_SIZE, Network
from shapesolver.placed import count, sum_of

S = TypeVar("S")
"""What figures are given as: the package's own numbers and formulas, or those that users see."""

BATCH = "N"
"""The symbol for the number of examples."""


@dataclass(frozen=True, slots=True)
class LayerCost(Generic[S]):
    """What one layer costs. Bytes and operations are for the whole batch."""

    path: str
    op: str
    macs: S
    """Multiply-accumulates."""
    flops: S
    """Operations, a multiply-accumulate being two."""
    params: S
    """Parameters of its own: those that it shares count where they come first."""
    weight_bytes: S
    activation_bytes: S
    """What its results take, where they are not its input's own memory."""
    known: bool = True
    """Whether its operations are known; an opaque layer's are not."""


class PeakMemory(NamedTuple, Generic[S]):
    """The most memory that results take at a time, and the layer computed then, where one can be named."""

    bytes: S
    at: str | None


class NetworkCost(Generic[S]):
    """What a network costs at its sizes, layer by layer and in total.

    ``batch`` is the number of examples, or ``None`` for the symbol N. Raises :class:`ShapeError` where a layer
    cannot be built, :class:`ShapeSolverError` for an unknown ``dtype``.
    """

    def __init__(self, net: Network, dtype: str, batch: int | None, form: Callable[[Dim], S]) -> None:
        if batch is not None and (isinstance(batch, bool) or not 1 <= batch <= MAX_SIZE):
            raise ShapeSolverError(f"a batch is a whole number, 1 or more and at most {MAX_SIZE:.0e}")
        self._net = net
        self._form = form
        self._numbers = Numbers.named(dtype)
        self.dtype = dtype
        """The type of all numbers."""
        self.batch = batch
        """How many examples."""
        for layer in net.layers:
            _ = layer.tensor  # says which layer cannot be built, and why

    def __repr__(self) -> str:
        return f"<cost of {self._net.name}: {self.macs:,} MACs, {self.params:,} parameters>"

    @cached_property
    def _examples(self) -> Dim:
        return symbol(BATCH if BATCH not in self._net.graph.symbols else "batch") if self.batch is None else self.batch

    # Layer by layer.

    @cached_property
    def layers(self) -> tuple[LayerCost[S], ...]:
        """What each layer costs, in the order of the file."""
        return tuple(self._layer(index) for index in range(len(self._net.layers)))

    def __iter__(self) -> Iterator[LayerCost[S]]:
        return iter(self.layers)

    def __getitem__(self, path: str) -> LayerCost[S]:
        """The cost of a layer, or of a whole block or repeat, by its path; raises ``KeyError`` with close names."""
        placed = self._net.layers
        found = [index for index, layer in enumerate(placed) if layer.path == path]
        if found:
            return self._layer(found[0])
        inside = [index for index, layer in enumerate(placed) if layer.path.startswith((f"{path}.", f"{path}["))]
        if inside:
            return self._together(path, inside)
        close = difflib.get_close_matches(path, [layer.path for layer in placed], n=2)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise KeyError(f"no layer is called {path!r}{hint}")

    def _together(self, path: str, inside: list[int]) -> LayerCost[S]:
        """The cost of several layers as one."""
        placed, form = [self._net.layers[index] for index in inside], self._form
        return LayerCost(
            path,
            "block",
            form(sum_of(layer.work.macs for layer in placed) * self._examples),
            form(sum_of(layer.work.flops for layer in placed) * self._examples),
            form(sum_of(count(layer.own_arrays) for layer in placed)),
            form(sum_of(self._weight_bytes(index) for index in inside)),
            form(sum_of(self._inference.results[index] for index in inside)),
            all(layer.work.known for layer in placed),
        )

    def _layer(self, index: int) -> LayerCost[S]:
        layer, form = self._net.layers[index], self._form
        work = layer.work
        return LayerCost(
            layer.path,
            layer.op,
            form(work.macs * self._examples),
            form(work.flops * self._examples),
            form(count(layer.own_arrays)),
            form(self._weight_bytes(index)),
            form(self._inference.results[index]),
            work.known,
        )

    # Totals.

    @cached_property
    def macs(self) -> S:
        """Multiply-accumulates of a forward pass."""
        return self._form(sum_of(layer.work.macs for layer in self._net.layers) * self._examples)

    @cached_property
    def flops(self) -> S:
        """Operations of a forward pass, a multiply-accumulate being two."""
        return self._form(sum_of(layer.work.flops for layer in self._net.layers) * self._examples)

    @cached_property
    def params(self) -> S:
        """Parameters, trained or not; shared ones count once."""
        return self._form(sum_of(count(layer.own_arrays) for layer in self._net.layers))

    @cached_property
    def trainable_params(self) -> S:
        """Parameters that training changes."""
        return self._form(sum_of(count(layer.own_arrays, trainable=True) for layer in self._net.layers))

    @cached_property
    def weight_bytes(self) -> S:
        """The memory of all weights."""
        return self._form(sum_of(self._weight_bytes(index) for index in range(len(self._net.layers))))

    @cached_property
    def activation_bytes(self) -> S:
        """The memory that all results would take together."""
        return self._form(sum_of(iter(self._inference.results)))

    @cached_property
    def peak(self) -> PeakMemory[S]:
        """The most that results take at a time, each let go after its last use."""
        return self._peak(self._inference.peak)

    @cached_property
    def training_peak(self) -> PeakMemory[S]:
        """The most that results take at a time when what the backward pass needs is kept."""
        return self._peak(self._training.peak)

    @cached_property
    def saved_bytes(self) -> S:
        """What is kept for the backward pass at the end of the forward pass."""
        return self._form(self._training.saved)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The paths of layers whose operations are not known, and not counted."""
        return tuple(layer.path for layer in self._net.layers if not layer.work.known)

    def _peak(self, peak: Peak) -> PeakMemory[S]:
        return PeakMemory(self._form(peak.bytes), peak.at)

    def _weight_bytes(self, index: int) -> Dim:
        return sum_of(self._numbers.bytes(count((array,))) for array in self._net.layers[index].own_arrays)

    @cached_property
    def _inference(self) -> Memory:
        return memory(self._net, self._numbers, self._examples)

    @cached_property
    def _training(self) -> Memory:
        return memory(self._net, self._numbers, self._examples, training=True)
