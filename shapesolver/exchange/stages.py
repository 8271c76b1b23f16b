"""Layers as stages of a pipeline: calls, with names for the weights that they share and the sizes they mention."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shapesolver.exchange import phrases
from shapesolver.exchange.frames import Frame
from shapesolver.exchange.scopes import Scope
from shapesolver.exchange.structure import Item, Structure, mentions_in, nodes_of, sharing_in
from shapesolver.language import parse_expression, tree
from shapesolver.layers.parameters import Kind
from shapesolver.model.graph import Claim, Graph


class Stages:
    """Writes the layers of one graph."""

    def __init__(self, graph: Graph, structure: Structure, root: Scope) -> None:
        self.nodes = graph.nodes
        self.root = root
        """The lines of the file, by which sizes are mentioned."""
        self.sharing = self._in_order(sharing_in(graph), structure)
        """The nodes that use another's weights, and whose: of those that share, the first one's that is written."""
        self.origins = {*self.sharing.values(), *(node.tied for node in graph.nodes if node.tied is not None)}
        """The nodes whose weights others use."""
        self.names: dict[int, str] = {}
        """What they are called, once they are written."""
        self._graph = graph
        self._mentions = mentions_in(graph)

    def _in_order(self, sharing: dict[int, int], structure: Structure) -> dict[int, int]:
        """Who shares whose weights, so that of those that share the first that is written has them."""
        first: dict[int, int] = {}
        found: dict[int, int] = {}
        for node in nodes_of(structure.root.items, self.nodes) if sharing else ():
            origin = sharing.get(node, node)
            if first.setdefault(origin, node) != node:
                found[node] = first[origin]
        return found

    def private(self, heads: Sequence[Item], number: int, frame: Frame) -> tree.Expression:
        """A source that only this layer consumes, as an argument of its own."""
        layers = [self.nodes[head.refs[number].item].layer for head in heads]
        return phrases.call(layers, (), frame.express)

    def stage(self, nodes: Sequence[int], arguments: Sequence[tree.Expression], frame: Frame) -> tree.Expression:
        """A layer as a call, one node for each place; ``arguments`` are the tensors that it names."""
        first = self.nodes[nodes[0]]
        if nodes[0] in self.sharing:
            origin = phrases.name(self.names[self.sharing[nodes[0]]])
            given = (origin, *arguments)
            return tree.Call(
                phrases.name("reuse"),
                tuple(tree.Argument(None, a, span=phrases.NOWHERE) for a in given),
                span=phrases.NOWHERE,
            )
        express = self._express_mentions if nodes[0] in self._mentions else frame.express
        made = phrases.call([self.nodes[node].layer for node in nodes], arguments, express)
        if first.tied is not None:
            tied = tree.Argument("tied", phrases.name(self.names[first.tied]), span=phrases.NOWHERE)
            assert isinstance(made, tree.Call)
            made = tree.Call(made.function, (*made.arguments, tied), span=phrases.NOWHERE)
        return made

    def _express_mentions(self, values: Sequence[Any], hint: str, kind: Kind | None) -> tree.Expression:
        """A parameter that mentions sizes of layers, by the names that these have now, or unknowns."""
        rename: dict[str, tree.Expression] = {name: tree.Hole(name, span=phrases.NOWHERE) for name in self._graph.holes}
        rename |= self._renamed(text for names in self._mentions.values() for text in names)
        return phrases.renamed(phrases.value(values[0], kind), rename)

    def claim(self, claim: Claim) -> tree.Expression:
        """What a claim says, by the names that layers have now."""
        expression, _ = parse_expression(str(claim.condition))
        assert expression is not None, f"{claim.condition} does not read as a condition"
        symbols = () if isinstance(claim.condition, bool) else claim.condition.symbols()
        return phrases.renamed(expression, self._renamed(symbol.text for symbol in symbols))

    def _renamed(self, texts: Iterable[str]) -> dict[str, tree.Expression]:
        """Sizes of layers as they are mentioned now, by how they were."""
        references = self._graph.references
        rename: dict[str, tree.Expression] = {}
        for text in texts:
            if text in references:
                owner = phrases.name(self.root.name_of(references[text].wire))
                axis = references[text].axis
                rename[text] = (
                    tree.Attribute(owner, axis, span=phrases.NOWHERE)
                    if isinstance(axis, str)
                    else tree.Index(owner, phrases.value(axis), span=phrases.NOWHERE)
                )
        return rename
