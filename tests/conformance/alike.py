"""Whether two networks are one layer by layer, whatever their layouts, names and the order of their lines."""

from __future__ import annotations

from collections import Counter
from typing import Any

from shapesolver.layers.source import Input
from shapesolver.network import Network

STATED_TWICE = ("batch_norm", "lstm", "gru", "rnn")
"""Layers of which one framework counts running statistics or a second bias, and another does not."""
WORDS = {"adaptive_avg_pool": "global_avg_pool", "adaptive_max_pool": "global_max_pool"}
"""A pool down to one cell by another framework's word."""
CUTS = ("crop", "slice")
"""A crop to another tensor's size is one slice of each axis where a file knows no such thing."""


def layer_by_layer(net: Network) -> tuple[Counter[Any], list[Any]]:
    """How often each layer is there, and what leaves: told by its kind, its sizes, its weights, whose weights it
    uses, and all that it is made from. A turn of the axes alone is no layer, nor is a flatten that drops axes of one
    cell, as PyTorch must after a pool over everything.

    The network must have sizes that are numbers.
    """
    known: dict[Any, int] = {}
    keys: list[dict[int, int]] = []
    found: Counter[Any] = Counter()
    for layer, node in zip(net, net.graph.nodes, strict=True):
        made_from = tuple(keys[wire.node].get(wire.output, wire.output) for wire in node.inputs)
        consumers = {other.layer.op for other in net.graph.nodes if any(w.node == len(keys) for w in other.inputs)}
        if _turns(layer, node) or (node.layer.op == "slice" and consumers == {"slice"}):
            keys.append({0: made_from[0]})
            continue
        made_from = made_from[:1] if node.layer.op in CUTS else made_from
        shared = None if node.shared is None or not layer.weight_arrays else keys[node.shared][0]
        tied = None if node.tied is None else keys[node.tied][0]
        place = net.inputs.index(layer) if isinstance(node.layer, Input) else None
        key = (*_what(layer), made_from, shared, tied, place)
        number = known.setdefault(key, hash(key))
        keys.append({k: hash((number, k)) if k else number for k in range(max(node.results, 1))})
        found[(number, *_what(layer))] += 1
    return found, [keys[wire.node].get(wire.output, wire.output) for wire in net.graph.outputs]


def _turns(layer: Any, node: Any) -> bool:
    """Whether a layer only turns the axes, or drops those that a pool left one cell long."""
    if node.layer.op != "flatten":
        return bool(node.layer.op == "permute")
    return sorted(n for n in layer.input_tensors[0].sizes if n != 1) == [n for n in layer.shape if n != 1]


def _what(layer: Any) -> tuple[Any, ...]:
    """A layer's kind, its sizes in any order, and the sizes of its weights in any order."""
    op = WORDS.get(layer.op, layer.op) if 1 in layer.shape else layer.op
    op = "crop" if op in CUTS else op
    shape = [n for n in layer.shape if n != 1] if op in WORDS.values() else layer.shape
    counted = () if op in STATED_TWICE else tuple(sorted(tuple(sorted(w.shape)) for w in layer.weight_arrays))
    return op, tuple(sorted(shape)), counted
