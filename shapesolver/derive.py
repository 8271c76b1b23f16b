"""The graph to sizes, forward: every layer's size from its inputs' sizes, numbers or formulas alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from shapesolver.arithmetic import Dim, Formula, Truth, excess, resolve, substitute
from shapesolver.layers.base import Layer, Need, Tensor, need
from shapesolver.layers.parameters import ParameterError
from shapesolver.layers.reading import Readings
from shapesolver.layers.sharing import same_weights, tied_weights
from shapesolver.layers.work import Work
from shapesolver.model.graph import Claim, Graph, Node, Reference

if TYPE_CHECKING:
    from shapesolver.grids import Grids


class Outcome(NamedTuple):
    """What a layer makes of its inputs."""

    outputs: tuple[Tensor, ...]
    """Its results; none where it cannot be built."""
    conditions: tuple[Need, ...]
    """The needs that depend on symbolic sizes."""
    broken: Need | None
    """The first need that no size meets."""


@lru_cache(maxsize=2**14)
def apply(layer: Layer, inputs: tuple[Tensor, ...]) -> Outcome:
    """The layer's size law and needs on these inputs. Remembered: real networks repeat themselves."""
    conditions: list[Need] = []
    for item in layer.needs(*inputs):
        if item.truth is True:
            continue
        if item.truth is False:
            return Outcome((), tuple(conditions), item)
        conditions.append(item)
    outputs = layer.outputs(*inputs)
    for size in (size for tensor in outputs for size in tensor.sizes):
        too_much = excess(size)
        if too_much:
            message = f"{layer.op} makes a size that has {too_much}"
            return Outcome((), tuple(conditions), need(False, "framework-limit", message))
    return Outcome(outputs, tuple(conditions), None)


@lru_cache(maxsize=2**14)
def work_of(layer: Layer, inputs: tuple[Tensor, ...]) -> Work:
    """What one example costs the layer, given that it can be built. Remembered, as sizes are."""
    return layer.work(*inputs)


@lru_cache(maxsize=2**14)
def readings_of(layer: Layer, inputs: tuple[Tensor, ...], output: int = 0) -> Readings:
    """How one result of the layer reads each of its inputs, given that it can be built. Remembered, as sizes are."""
    return layer.readings(*inputs, output=output)


@dataclass(frozen=True, slots=True)
class Derivation:
    """Every layer's sizes at given values of the symbols."""

    graph: Graph
    outcomes: tuple[Outcome | None, ...]
    """One for each node; ``None`` where an input cannot be built."""
    layers: tuple[Layer, ...]
    """The layers with their formulas filled in."""
    known: Mapping[str, Dim]
    """The values of symbols, and of the sizes that the file refers to."""
    unresolved: tuple[tuple[str, Reference], ...]
    """Mentions of axes that a layer does not have."""

    def tensor(self, node: int, output: int = 0) -> Tensor | None:
        """One result of a node, if it can be built."""
        outcome = self.outcomes[node]
        if outcome is None or output >= len(outcome.outputs):
            return None
        return outcome.outputs[output]

    def inputs(self, node: int) -> tuple[Tensor, ...] | None:
        """What a node consumes, if all of it can be built."""
        tensors = tuple(self.tensor(*wire) for wire in self.graph.nodes[node].inputs)
        return None if None in tensors else tensors  # type: ignore[return-value]

    def broken(self) -> Iterator[tuple[Node, Need]]:
        """The layers that cannot be built, each with the need that says why."""
        for node, outcome in zip(self.graph.nodes, self.outcomes, strict=True):
            if outcome is not None and outcome.broken is not None:
                yield node, outcome.broken

    def conditions(self) -> Iterator[tuple[Node, Need]]:
        """What must be true of the symbols for the network to be built."""
        for node, outcome in zip(self.graph.nodes, self.outcomes, strict=True):
            if outcome is not None:
                for condition in outcome.conditions:
                    yield node, condition

    def truth(self, claim: Claim) -> Truth:
        """A claim about sizes, with the sizes filled in."""
        return resolve(claim.condition, self.known)

    def settled(self) -> bool:
        """Whether every layer can be built and every claim holds, with nothing left to prove."""
        if self.unresolved or any(outcome is None or outcome.broken or outcome.conditions for outcome in self.outcomes):
            return False
        claims = (*self.graph.assumptions, *self.graph.expectations)
        return not self.graph.holes and all(self.truth(claim) is True for claim in claims)


def derive(graph: Graph, values: Mapping[str, Dim] | None = None) -> Derivation:
    """Every layer's sizes, with symbols replaced by the values given and left as they are otherwise."""
    known: dict[str, Dim] = dict(values or {})
    mentions: dict[int, list[tuple[str, Reference]]] = defaultdict(list)
    for text, reference in graph.references.items():
        mentions[reference.wire.node].append((text, reference))
    outcomes: list[Outcome | None] = []
    layers: list[Layer] = []
    unresolved: list[tuple[str, Reference]] = []
    grids = _grids(graph)
    for index, node in enumerate(graph.nodes):
        layer, outcome = node.layer, None
        inputs = _consumed(node, outcomes)
        if inputs is not None:
            try:
                layer = with_values(layer, known) if node.symbolic else layer
                needs: tuple[Need, ...] = ()
                if grids is not None and layer.aligns and len(inputs) == 2:
                    layer, needs = grids.aligned(node, layer, inputs)
                outcome = apply(layer, inputs)
                if needs:
                    outcome = _needing(outcome, needs)
                if layer.recalls and len(inputs) == 2 and outcome.broken is None:
                    source = node.inputs[1].node
                    consumed = _consumed(graph.nodes[source], outcomes)
                    outcome = _recalled(layer, inputs, layers[source], consumed, outcome)
                if len(outcome.outputs) != node.results and outcome.broken is None:
                    outcome = _misnamed(node, outcome)
                if node.shared is not None or node.tied is not None:
                    outcome = _shared_weights(graph, index, layer, outcome, layers, outcomes)
            except ParameterError as error:
                outcome = Outcome((), (), need(False, "framework-limit", f"{node.layer.op}'s parameter {error}"))
        outcomes.append(outcome)
        layers.append(layer)
        if grids is not None and inputs is not None and outcome is not None:
            grids.add(index, node, layer, inputs, outcome.outputs)
        if index not in mentions:
            continue
        for text, reference in mentions[index]:
            tensor = _output(outcomes, index, reference.wire.output)
            if tensor is not None:
                size = _size(tensor, reference.axis)
                if size is None:
                    unresolved.append((text, reference))
                else:
                    known[text] = size
    return Derivation(graph, tuple(outcomes), tuple(layers), known, tuple(unresolved))


def _grids(graph: Graph) -> Grids | None:
    """Somewhere to keep the tensors' grids, where a layer of the network asks for them."""
    if not any(node.layer.aligns for node in graph.nodes):
        return None
    from shapesolver.grids import Grids

    return Grids()


def _needing(outcome: Outcome, needs: tuple[Need, ...]) -> Outcome:
    """The outcome under further needs, which come before the layer's own."""
    broken = next((item for item in needs if item.truth is False), None)
    if broken is not None:
        return Outcome((), (), broken)
    conditions = tuple(item for item in needs if item.truth is not True)
    return outcome._replace(conditions=(*conditions, *outcome.conditions)) if conditions else outcome


def _recalled(
    layer: Layer, inputs: tuple[Tensor, ...], source: Layer, consumed: tuple[Tensor, ...] | None, outcome: Outcome
) -> Outcome:
    """The outcome of a layer that needs something of the one that made its second input."""
    assert consumed is not None
    return _needing(outcome, tuple(layer.recalled_needs(source, consumed, *inputs)))


def _consumed(node: Node, outcomes: list[Outcome | None]) -> tuple[Tensor, ...] | None:
    """What a node consumes, if all of it could be built: in a chain, the very tuple that the layer before it made."""
    if len(node.inputs) == 1:
        index, output = node.inputs[0]
        before = outcomes[index]
        if before is not None and output == 0 and len(before.outputs) == 1:
            return before.outputs
    tensors = tuple([_output(outcomes, *wire) for wire in node.inputs])
    return None if None in tensors else tensors  # type: ignore[return-value]


def _output(outcomes: list[Outcome | None], node: int, output: int) -> Tensor | None:
    outcome = outcomes[node]
    if outcome is None or output >= len(outcome.outputs):
        return None
    return outcome.outputs[output]


def _misnamed(node: Node, outcome: Outcome) -> Outcome:
    """The outcome of a node whose line names another number of results than there are."""
    made = len(outcome.outputs)
    names = ", ".join("abcdefgh"[: min(made, 8)])
    message = f"{node.layer.op} makes {made} results, and the line names {node.results}"
    return Outcome((), outcome.conditions, need(False, "wrong-arity", message, f"write `{names} = ...`"))


def _shared_weights(
    graph: Graph, index: int, layer: Layer, outcome: Outcome, layers: list[Layer], outcomes: list[Outcome | None]
) -> Outcome:
    """A node's outcome, with the need that its weights have the shapes of those of the node that it shares with."""
    node = graph.nodes[index]
    owner = node.tied if node.shared is None else node.shared
    assert owner is not None
    made = outcomes[owner]
    if outcome.broken is not None or made is None or made.broken is not None:
        return outcome
    ours = layer.weights(*_feeds(graph, index, outcomes))
    theirs = layers[owner].weights(*_feeds(graph, owner, outcomes))
    fit = (tied_weights if node.shared is None else same_weights)(graph.nodes[owner].path, ours, theirs)
    if fit.truth is True:
        return outcome
    if fit.truth is False:
        return Outcome((), outcome.conditions, fit)
    return outcome._replace(conditions=(*outcome.conditions, fit))


def _feeds(graph: Graph, index: int, outcomes: list[Outcome | None]) -> Iterator[Tensor]:
    """What a node that could be built consumes."""
    for wire in graph.nodes[index].inputs:
        tensor = _output(outcomes, *wire)
        assert tensor is not None
        yield tensor


def _size(tensor: Tensor, axis: str | int) -> Dim | None:
    if axis == "rank":
        return tensor.rank
    if isinstance(axis, int):
        return tensor.sizes[axis] if -tensor.rank <= axis < tensor.rank else 0
    return tensor.sizes[tensor.axes.index(axis)] if axis in tensor.axes else None


def with_values(layer: Layer, values: Mapping[str, Dim]) -> Layer:
    """The layer with the formulas among its parameters evaluated; raises :class:`ParameterError`."""
    changed: dict[str, Any] = {}
    for name, value in layer.values():
        replaced = _fill(value, values)
        if replaced is not value:
            changed[name] = layer.parameters[name].read(replaced)
    return layer.with_(**changed) if changed else layer


def _fill(value: Any, values: Mapping[str, Dim]) -> Any:
    if isinstance(value, Formula):
        return substitute(value, values)
    if isinstance(value, tuple):
        filled = tuple(_fill(item, values) for item in value)
        return filled if any(a is not b for a, b in zip(filled, value, strict=True)) else value
    return value
