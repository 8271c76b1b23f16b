"""The network as it is read: steps with their sizes, not yet drawn, so that several can still become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shapesolver.arithmetic import Dim, Formula
from shapesolver.derive import apply
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.onnx.layout import same
from shapesolver.exchange.sketch import Sketch
from shapesolver.layers.base import Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.parameters import ParameterError
from shapesolver.layers.registry import kinds
from shapesolver.model.graph import Wire

RESHAPING = frozenset({"reshape", "flatten", "unflatten", "squeeze", "unsqueeze"})
"""Layers that keep every cell in its order."""

HELPERS = RESHAPING | {"permute", "parameter", "constant"}
"""Layers that are left out where nothing reads them: the reader laid them out itself, or the file's part is dead."""


@dataclass(frozen=True, slots=True)
class Step:
    """A layer to be drawn."""

    op: str
    inputs: tuple[Wire, ...]
    name: str
    parameters: Mapping[str, Any]
    results: tuple[Tensor, ...]
    earlier: int | None = None
    """The step whose weights it shares."""
    tied: int | None = None
    """The step whose first weight is its first."""
    why: str = ""
    """For what is kept as opaque, the reason."""


@dataclass(slots=True)
class Plan:
    """Steps in order; wires number them."""

    dialect: Dialect
    source: str
    steps: list[Step] = field(default_factory=list)

    def sizes(self, wire: Wire) -> tuple[Dim, ...]:
        """The sizes of a result, batch left out."""
        return self.tensor(wire).sizes

    def tensor(self, wire: Wire) -> Tensor:
        """A result's sizes and axis names."""
        return self.steps[wire.node].results[wire.output]

    def add(self, op: str, inputs: Sequence[Wire], name: str = "", **parameters: Any) -> Wire:
        """Lay out a layer; raises :class:`ExchangeError` where no size lets it be built."""
        given = {key: value for key, value in parameters.items() if value is not None}
        kind = kinds()[op]
        try:
            read = {key: kind.parameters[key].read(value) for key, value in given.items()}
            layer = kind(dialect=self.dialect, **read)
            outcome = apply(layer, tuple(map(self.tensor, inputs)))
        except (ParameterError, TypeError) as error:
            raise ExchangeError(f"{self.source}: {op} {name!r}: {error}") from None
        if outcome.broken is not None:
            raise ExchangeError(f"{self.source}: {op} {name!r} cannot be built: {outcome.broken.trouble().message}")
        self.steps.append(Step(op, tuple(inputs), name, given, outcome.outputs))
        return Wire(len(self.steps) - 1)

    def reuse(self, earlier: Wire, inputs: Sequence[Wire], name: str) -> Wire:
        """Lay out an earlier layer again, with the same weights."""
        step = self.steps[earlier.node]
        wire = self.add(step.op, inputs, name, **step.parameters)
        first = earlier.node if step.earlier is None else step.earlier
        self.steps[wire.node] = replace(self.steps[wire.node], earlier=first)
        return wire

    def tie(self, wire: Wire, earlier: Wire) -> None:
        """Let a layer's first weight be an earlier layer's."""
        self.steps[wire.node] = replace(self.steps[wire.node], tied=earlier.node)

    def opaque(
        self, what: str, inputs: Sequence[Wire], sizes: Sequence[tuple[Dim, ...]], name: str, why: str
    ) -> tuple[Wire, ...]:
        """Lay out what is not known, with the sizes observed of it."""
        tensors = tuple(Tensor(s, self.dialect.axes(len(s))) for s in map(tuple, sizes))
        self.steps.append(Step(what, tuple(inputs), name, {}, tensors, why=why))
        return tuple(Wire(len(self.steps) - 1, index) for index in range(len(tensors)))

    # Reshapes as people write them.

    def reshape(self, wire: Wire, sizes: tuple[Dim, ...], name: str = "") -> Wire:
        """The same cells under other sizes: nothing, an axis more or less, a flatten, or a reshape."""
        source = wire
        while self.steps[source.node].op in RESHAPING:
            source = self.steps[source.node].inputs[0]
            if _equal(self.sizes(source), sizes):
                return source
        old = self.sizes(wire)
        if _equal(old, sizes):
            return wire
        head = _common(old, sizes)
        tail = _common(old[head:][::-1], sizes[head:][::-1])
        if len(old) - head - tail > 1 and len(sizes) == head + tail:
            head, tail = (head - 1, tail) if head else (head, max(tail - 1, 0))
        before, after = old[head : len(old) - tail], sizes[head : len(sizes) - tail]
        match before, after:
            case (), (1,):
                return self.add("unsqueeze", [wire], name, axis=head + 1)
            case (1,), ():
                return self.add("squeeze", [wire], name, axis=head + 1)
            case (_,), (_, _, *_):
                return self.add("unflatten", [wire], name, axis=head + 1, sizes=_one_left_open(after))
            case (_, _, *_), (_,):
                end = -tail - 1 if tail else None
                return self.add("flatten", [wire], name, start=head + 1 if head else None, end=end)
        return self.add("reshape", [wire], name, sizes=_one_left_open(sizes))

    def permute(self, wire: Wire, order: Sequence[int], name: str = "") -> Wire:
        """The axes in another order; a permutation undone is none."""
        if list(order) == list(range(len(order))):
            return wire
        step = self.steps[wire.node]
        if step.op == "permute":
            first = [number - 1 for number in step.parameters["order"]]
            if [first[index] for index in order] == list(range(len(order))):
                return step.inputs[0]
        return self.add("permute", [wire], name, order=tuple(index + 1 for index in order))

    # Drawing.

    def used(self, outputs: Sequence[Wire]) -> list[bool]:
        """Which steps to draw: all, but helpers that nothing reads."""
        reached = [False] * len(self.steps)
        for wire in outputs:
            reached[wire.node] = True
        for index in range(len(self.steps) - 1, -1, -1):
            step = self.steps[index]
            reached[index] = reached[index] or step.op not in HELPERS
            if reached[index]:
                for wire in step.inputs:
                    reached[wire.node] = True
        return reached

    def draw(self, sketch: Sketch, outputs: Sequence[Wire]) -> None:
        """Draw the steps."""
        used = self.used(outputs)
        drawn: dict[int, tuple[Wire, ...]] = {}
        for index, step in enumerate(self.steps):
            if not used[index]:
                continue
            inputs = [drawn[wire.node][wire.output] for wire in step.inputs]
            if step.why:
                sizes = [tensor.sizes for tensor in step.results]
                drawn[index] = sketch.opaque(step.op, inputs, sizes, name=step.name, why=step.why)
                continue
            if step.earlier is None:
                first = sketch.layer(step.op, inputs, name=step.name, **step.parameters)
            else:
                first = sketch.reuse(drawn[step.earlier][0], inputs, name=step.name)
            if step.tied is not None:
                sketch.tie(first, drawn[step.tied][0])
            drawn[index] = tuple(Wire(first.node, output) for output in range(len(step.results)))
        for wire in outputs:
            sketch.output(drawn[wire.node][wire.output])


def _equal(one: tuple[Dim, ...], two: tuple[Dim, ...]) -> bool:
    return len(one) == len(two) and all(map(same, one, two))


def _common(one: tuple[Dim, ...], two: tuple[Dim, ...]) -> int:
    """How many sizes at the start are equal."""
    count = 0
    for a, b in zip(one, two, strict=False):
        if not same(a, b):
            break
        count += 1
    return count


def _one_left_open(sizes: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """The sizes, the last formula among them written -1."""
    for index in range(len(sizes) - 1, -1, -1):
        if isinstance(sizes[index], Formula):
            return (*sizes[:index], -1, *sizes[index + 1 :])
    return sizes
