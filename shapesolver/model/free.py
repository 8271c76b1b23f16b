"""A network with the stated sizes of its inputs made symbolic again, for questions about every size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapesolver.arithmetic import Dim, symbol
from shapesolver.layers.base import Tensor
from shapesolver.layers.source import Input
from shapesolver.model.graph import Graph, Node


def free_inputs(graph: Graph) -> Graph:
    """The graph with every stated spatial size of an input a symbol whose usual value is that size.

    The symbols are the axis names (``H``, ``W``, ``L``), with the input's path before them where the network has
    several inputs (``left.H``) or the name is taken. Channels stay: weights depend on them.
    """
    symbols = dict(graph.symbols)
    several = sum(isinstance(node.layer, Input) for node in graph.nodes) > 1
    nodes = list(graph.nodes)
    for index, node in enumerate(nodes):
        if isinstance(node.layer, Input):
            (tensor,) = node.layer.outputs()
            sizes = tuple(_freed(node, tensor, several, symbols))
            if sizes != tensor.sizes:
                nodes[index] = node._replace(layer=node.layer.with_(sizes=sizes), symbolic=True)
    return replace(graph, nodes=tuple(nodes), symbols=symbols)


def _freed(node: Node, tensor: Tensor, several: bool, symbols: dict[str, int | None]) -> Iterator[Dim]:
    for size, axis in zip(tensor.sizes, tensor.axes, strict=True):
        if not isinstance(size, int) or axis == "C":
            yield size
            continue
        name = f"{node.path}.{axis}" if several or axis in symbols else axis
        symbols[name] = size
        yield symbol(name)
