"""A network as calls of Keras, in order: what the code writes down and the model object is built by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim, Formula
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.keras.steps import ACTIVATIONS, DependsOnInput, Placed, Step
from shapesolver.exchange.keras.writers import steps_of
from shapesolver.exchange.naming import valid_name
from shapesolver.exchange.structure import sharing_in
from shapesolver.layers.base import Tensor
from shapesolver.layers.source import Input, Source
from shapesolver.model.graph import Wire
from shapesolver.network import Network

WITH_ACTIVATION = frozenset(["conv", "depthwise_conv", "separable_conv", "conv_transpose", "dense", "einsum_dense"])
"""Layers that Keras gives an activation as an argument."""


@dataclass(frozen=True, slots=True)
class Call:
    """One node of the network in Keras."""

    node: int
    inputs: tuple[Wire, ...]
    steps: tuple[Step, ...]
    results: int
    name: str
    """The name that the file gives it; none where it gives none."""
    shared: int | None = None
    """The call whose layer it calls again."""
    reverse: bool = False
    """Whether it uses an embedding's table as the kernel of a dense layer."""


class Program(NamedTuple):
    """A whole network in Keras."""

    inputs: tuple[tuple[Wire, str, tuple[int | None, ...]], ...]
    """Each input's wire, name and shape without the batch, ``None`` for a free size."""
    calls: tuple[Call, ...]
    outputs: tuple[Wire, ...]
    sequential: bool
    """Whether each call takes what the one before makes, and nothing else."""


def program_of(net: Network) -> Program:
    """The network's calls; raises :class:`ExchangeError` naming the layer that Keras cannot express.

    Free sizes stay free where no weight and no parameter depends on them; elsewhere the usual sizes are taken.
    """
    weights = (size for layer in net.layers for weight in layer.weight_arrays for size in weight.shape)
    if not any(isinstance(size, Formula) for size in weights):
        try:
            return _program_at(net)
        except DependsOnInput:
            pass
    usual = net.usual()
    if usual.symbols:
        names = ", ".join(usual.symbols)
        raise ExchangeError(
            f"weights or sizes depend on {names}; state them, as in --at {next(iter(usual.symbols))}=224"
        )
    return _program_at(usual)


def _program_at(net: Network) -> Program:
    for node, need in net.derivation.broken():
        raise ExchangeError(f"{node.path} cannot be built: {need.trouble().message}")
    return _Programmer(net).program()


class _Programmer:
    def __init__(self, net: Network) -> None:
        self._net = net
        self._graph = net.graph
        self._uses = Counter(wire.node for node in net.graph.nodes for wire in node.inputs)
        self._uses.update(wire.node for wire in net.graph.outputs)
        self._sharing = sharing_in(net.graph)
        self._tied = {node.tied for node in net.graph.nodes if node.tied is not None}

    def program(self) -> Program:
        calls: list[Call] = []
        inputs = []
        moved: dict[int, Wire] = {}
        first: Wire | None = None
        for index, node in enumerate(self._graph.nodes):
            name = valid_name(node.path) if node.path in self._graph.spans else ""
            if isinstance(node.layer, Input):
                tensor = self._net.derivation.tensor(index)
                assert tensor is not None
                first = first or Wire(index)
                inputs.append((Wire(index), valid_name(node.path), tuple(map(_size, tensor.sizes))))
                continue
            wires = tuple(moved.get(wire.node, wire) for wire in node.inputs)
            if isinstance(node.layer, Source):
                if first is None:
                    raise ExchangeError(f"{node.path}: Keras has no tensor before the first input")
                wires = (first,)
            call = Call(index, wires, self._steps(index), node.results, name)
            folded = self._folded(calls, call)
            if folded is not None:
                calls[-1] = folded
                moved[index] = Wire(folded.node)
                continue
            if index in self._sharing:
                call = replace(call, shared=self._sharing[index])
            if node.tied is not None:
                call = self._in_reverse(call, node.tied)
            calls.append(call)
        outputs = tuple(moved.get(wire.node, wire) for wire in self._graph.outputs)
        if not inputs:
            raise ExchangeError("Keras has no network without inputs")
        return Program(tuple(inputs), tuple(calls), outputs, self._is_sequential(inputs, calls, outputs))

    def _steps(self, index: int) -> tuple[Step, ...]:
        tensors = self._net.derivation.inputs(index) or ()
        outcome = self._net.derivation.outcomes[index]
        outputs: tuple[Tensor, ...] = () if outcome is None else outcome.outputs
        path = self._graph.nodes[index].path
        steps = steps_of(Placed(self._net.derivation.layers[index], tensors, path, outputs))
        if index in self._tied and self._graph.nodes[index].layer.op == "embedding":
            steps = [replace(step, target="TiedEmbedding") for step in steps]
        return tuple(steps)

    def _in_reverse(self, call: Call, origin: int) -> Call:
        """A dense layer that uses the table of an embedding, as a call of the embedding."""
        layer: Any = self._graph.nodes[call.node].layer
        table = self._graph.nodes[origin].layer
        if layer.op != "dense" or layer.bias or table.op != "embedding":
            path = self._graph.nodes[call.node].path
            raise ExchangeError(
                f"{path}: Keras' layers share single weights only where a dense layer without bias uses an embedding's"
            )
        origin = self._sharing.get(origin, origin)
        return replace(call, steps=self._steps(origin), shared=origin, reverse=True, name="")

    def _folded(self, calls: list[Call], call: Call) -> Call | None:
        """The call before with this activation as its argument, where only this consumes it in the same block."""
        node = self._graph.nodes[call.node]
        if not calls or node.layer.op not in ACTIVATIONS or call.name or call.inputs != (Wire(calls[-1].node),):
            return None
        before = calls[-1]
        own = self._graph.nodes[before.node]
        plain = next(node.layer.values(), None) is None
        if (
            own.layer.op not in WITH_ACTIVATION
            or own.path.rpartition(".")[0] != node.path.rpartition(".")[0]
            or self._uses[before.node] > 1
            or not plain
            or not before.steps[-1].named
        ):
            return None
        if before.shared is not None or before.node in self._sharing.values():
            return None
        step = before.steps[-1]
        if "activation" in step.kwargs:
            return None
        changed = replace(step, kwargs={**step.kwargs, "activation": node.layer.op})
        self._uses[before.node] = self._uses[call.node]
        return replace(before, steps=(*before.steps[:-1], changed))

    def _is_sequential(self, inputs: list[Any], calls: list[Call], outputs: tuple[Wire, ...]) -> bool:
        if len(inputs) != 1:
            return False
        last = inputs[0][0]
        for call in calls:
            source = isinstance(self._graph.nodes[call.node].layer, Source)
            chained = call.inputs == (last,) and call.shared is None and call.results == 1 and not source
            if not chained or any(not step.is_layer or step.listed for step in call.steps):
                return False
            last = Wire(call.node)
        return bool(calls) and outputs == (last,)


def _size(size: Dim) -> int | None:
    return size if isinstance(size, int) else None
