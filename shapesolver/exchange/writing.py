"""A graph as a readable ``.net`` text. Parsed, the text gives the same layers, joined in the same way."""

from __future__ import annotations

from collections.abc import Iterator

from shapesolver.exchange import phrases
from shapesolver.language import format_tree, tree
from shapesolver.model.graph import Graph, Node, Wire


def write(graph: Graph) -> str:
    """The text of a graph whose paths are valid names."""
    return format_tree(tree.File(tuple(_statements(graph))))


def _statements(graph: Graph) -> Iterator[tree.Statement]:
    yield from phrases.header(graph.dialect)
    stated: set[str] = set()
    names = _result_names(graph)
    for index, node in enumerate(graph.nodes):
        yield _line(graph, node, names[index], names, stated)
    if graph.outputs != (Wire(len(graph.nodes) - 1),):
        yield tree.Output(tuple(phrases.name(names[w.node][w.output]) for w in graph.outputs), span=phrases.NOWHERE)


def _line(graph: Graph, node: Node, own: tuple[str, ...], names: list[tuple[str, ...]], stated: set[str]) -> tree.Line:
    inputs = [phrases.name(names[wire.node][wire.output]) for wire in node.inputs]
    call = phrases.call(node.layer, inputs, graph.symbols, stated)
    return tree.Line(tuple(map(phrases.name, own)), call, span=phrases.NOWHERE)


def _result_names(graph: Graph) -> list[tuple[str, ...]]:
    return [
        (node.path,) if node.results == 1 else tuple(f"{node.path}_{k + 1}" for k in range(node.results))
        for node in graph.nodes
    ]
