"""The layers of a derived network, each written in PyTorch's terms, in an order of axes that suits them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shapesolver.exchange.code import Batch, Expression, Made, Slot, Value, Written, call, method
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.parts import Leaf
from shapesolver.exchange.torch.writers import Entry, Placed, writers
from shapesolver.layers.base import Tensor
from shapesolver.layers.merging import Arithmetic
from shapesolver.layers.source import Constant, Input, LearnedTensor
from shapesolver.model.graph import Node, Wire
from shapesolver.network import Network

HELD = (LearnedTensor, Constant)
"""Tensors that the module itself holds."""


class Writing:
    """Writes the layers of one network in order."""

    def __init__(self, net: Network) -> None:
        self._graph = net.graph
        self._open = net.derivation
        self._usual = net.usual().derivation
        self._first: dict[Wire, bool] = {}
        """The tensors that lie with their channels first though the file has them last."""
        self._made: dict[int, Leaf] = {}
        self._pools = self._remembered_places()

    def leaves(self) -> Iterator[Leaf]:
        """Every layer but the inputs; raises :class:`ExchangeError` for one that cannot be written."""
        for index, node in enumerate(self._graph.nodes):
            results = self._usual.outcomes[index]
            if results is None or results.broken is not None:
                why = f": {results.broken.trouble().message}" if results and results.broken else ""
                raise ExchangeError(f"{node.path}: {node.layer.describe()} cannot be built at these sizes{why}")
            if isinstance(node.layer, Input):
                self._first[Wire(index)] = self._flips() and node.layer.sizes[1:] != () and self._spatial(Wire(index))
                continue
            leaf = self._made[index] = self._leaf(index, node, results.outputs)
            yield leaf

    def layout(self, wire: Wire) -> bool:
        """Whether a tensor has its channels first where the file has them last."""
        return self._first[wire]

    def _leaf(self, index: int, node: Node, results: tuple[Tensor, ...]) -> Leaf:
        written = self._parameter(index, node) if isinstance(node.layer, HELD) else self._layer(index, node)
        shared = None if node.shared is None else self._made[node.shared]
        tied = None if node.tied is None else self._made[node.tied]
        count = 2 if index in self._pools else len(results)
        automatic = re.fullmatch(rf"(.*\.)?{node.layer.op}\d+", node.path) is not None
        return Leaf(node.path, index, written, count, shared, tied, automatic)

    def _parameter(self, index: int, node: Node) -> Written:
        sizes: Any = self._usual.layers[index].sizes  # type: ignore[attr-defined]
        if not all(isinstance(n, int) for n in sizes):
            raise ExchangeError(f"{node.path}: its sizes depend on the input's; state them, as in --at H=224,W=224")
        self._first[Wire(index)] = False
        tensor = Made()
        result = (
            tensor if self._only_broadcast(index, len(sizes)) else method(tensor, "expand", Batch(), *[-1] * len(sizes))
        )
        kind = "nn.Parameter" if node.layer.op == "parameter" else "nn.Buffer"
        return Written(result, call(kind, call("torch.zeros", *(Slot(n, "size", keyword=False) for n in sizes))))

    def _only_broadcast(self, index: int, rank: int) -> bool:
        """Whether the tensor is only added to or multiplied with tensors that have every one of its axes."""
        users = [(i, node) for i, node in enumerate(self._graph.nodes) if Wire(index) in node.inputs]
        return bool(users) and all(
            isinstance(node.layer, Arithmetic)
            and any(
                w != Wire(index)
                and not isinstance(self._graph.nodes[w.node].layer, HELD)
                and self._tensor(w).rank >= rank
                for w in node.inputs
            )
            for _, node in users
        )

    def _layer(self, index: int, node: Node) -> Written:
        layer = self._usual.layers[index]
        entry = writers().get(layer.op)
        if entry is None:
            what = f": {layer.what}" if layer.op == "opaque" else ""  # type: ignore[attr-defined]
            raise ExchangeError(f"{node.path}: {layer.op} cannot be written in PyTorch{what}")
        tensors = tuple(map(self._tensor, node.inputs))
        first, inputs = self._inputs(node, entry, tensors)
        outcome = self._usual.outcomes[index]
        assert outcome is not None
        for number, result in enumerate(outcome.outputs):
            self._first[Wire(index, number)] = first and result.rank >= 2
        placed = Placed(node.path, layer, self._open.layers[index], tensors, outcome.outputs, inputs, first)
        if layer.op == "unpool" and len(inputs) == 2:
            placed = replace(placed, inputs=(inputs[0], Value(Wire(node.inputs[1].node, 1))))
        written = entry.write(placed)
        return remembering(written) if index in self._pools else written

    def _inputs(self, node: Node, entry: Entry, tensors: tuple[Tensor, ...]) -> tuple[bool, tuple[Expression, ...]]:
        """Whether channels come first in the layer's inputs, and the inputs so."""
        laid = [self._first[wire] for wire in node.inputs]
        if entry.layout == "either":
            first = any(laid) and len({t.rank for t in tensors}) == 1
        else:
            first = entry.layout == "first" and self._flips()
        turned = (self._turned(w, t, first) for w, t in zip(node.inputs, tensors, strict=True))
        return first, tuple(turned)

    def _turned(self, wire: Wire, tensor: Tensor, first: bool) -> Expression:
        """A tensor with its channels first, or last again."""
        value = Value(wire)
        if self._first[wire] == first or tensor.rank < 2:
            return value
        spatial = range(1, tensor.rank)
        order = (tensor.rank, *spatial) if first else (*(axis + 1 for axis in spatial), 1)
        if tensor.rank == 2:
            return method(value, "transpose", 1, 2)
        return method(value, "permute", 0, *order)

    def _tensor(self, wire: Wire) -> Tensor:
        tensor = self._usual.tensor(*wire)
        assert tensor is not None
        return tensor

    def _flips(self) -> bool:
        return self._graph.dialect.channels_last

    def _spatial(self, wire: Wire) -> bool:
        """Whether what consumes an input, elementwise layers passed by, needs channels first."""
        for index, node in enumerate(self._graph.nodes):
            if wire in node.inputs and node.layer.op in writers():
                layout = writers()[node.layer.op].layout
                if layout == "first" or (layout == "either" and self._spatial(Wire(index))):
                    return True
        return False

    def _remembered_places(self) -> set[int]:
        """The pools whose places an unpool needs."""
        nodes = self._graph.nodes
        found = {n.inputs[1].node for n in nodes if n.layer.op == "unpool" and len(n.inputs) == 2}
        for index in found:
            if nodes[index].layer.op != "max_pool":
                raise ExchangeError(f"{nodes[index].path}: unpool takes its places from a max_pool")
        return found


def remembering(written: Written) -> Written:
    """A pool that returns its places, too."""
    assert written.made is not None
    made = replace(written.made, args=(*written.made.args, Slot(True, "return_indices", False)))
    return Written(written.result, made, note=written.note)
