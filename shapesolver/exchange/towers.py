"""Towers: stretches of a network that run twice with the same weights, as in siamese networks.

The layers of the second run share theirs with those of the first, one by one. What lies between the first and the
last of them becomes one layer of a smaller graph, and a block of its own in the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from shapesolver.exchange.naming import common_stem, is_word
from shapesolver.exchange.structure import mentioned_wires, sharing_in
from shapesolver.layers.base import Layer, Tensor, Weight
from shapesolver.layers.parameters import Parameter
from shapesolver.layers.source import Input
from shapesolver.model.graph import Graph, Wire

LEAST_LAYERS = 3
"""The smallest tower that is worth a block."""
USUAL_NAME = "tower"


class Tower(Layer):
    """A tower as a layer: each is of a class of its own, with the block's name for its kind."""

    parameters: ClassVar[Mapping[str, Parameter]] = {}

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        """None of its own: it stands for layers that have some, which another may share."""
        return ()


def tower(graph: Graph, name: str) -> Layer:
    """The layer that is written as a block's name."""
    made: type[Layer] = type("Tower", (Tower,), {"op": name})
    return made(dialect=graph.dialect)


class Definition(NamedTuple):
    """What a block of the text stands for."""

    name: str
    graph: Graph
    """Its layers behind an input."""


class Contracted(NamedTuple):
    """A graph with its towers as single layers."""

    graph: Graph
    blocks: tuple[Definition, ...]


class _Run(NamedTuple):
    """A second run of layers: each, and the layer of the first run whose place it has."""

    entry: Wire
    first_entry: Wire
    places: dict[int, int]


def contracted(graph: Graph) -> Contracted:
    """The graph with each tower as one layer; the same graph where there is none."""
    sharing = sharing_in(graph)
    if not sharing:
        return Contracted(graph, ())
    return _Contractor(graph, sharing).contracted()


_Tower = tuple[dict[int, int], int, _Run]
"""A run's layers and whose places they have, the last of them, and the run."""


class _Contractor:
    def __init__(self, graph: Graph, sharing: Mapping[int, int]) -> None:
        self._graph = graph
        self._nodes = graph.nodes
        self._sharing = sharing
        self._used: dict[int, set[int]] = {}
        """Who consumes each node."""
        for index, node in enumerate(graph.nodes):
            for wire in node.inputs:
                self._used.setdefault(wire.node, set()).add(index)
        self._pinned = {wire.node for wire in mentioned_wires(graph)}
        for index, node in enumerate(graph.nodes):
            if node.tied is not None:
                self._pinned |= {index, node.tied}
        self._leaving = {wire.node for wire in graph.outputs}

    def contracted(self) -> Contracted:
        """Every tower contracted."""
        firsts: dict[int, frozenset[int]] = {}
        towers: list[_Tower] = []
        for run in self._runs():
            for exit_ in sorted(run.places, reverse=True):
                inner = self._before(exit_, run)
                first = frozenset(inner.values())
                end = run.places[exit_]
                taken = {node for one, members in firsts.items() if one != end for node in members}
                if firsts.get(end, first) == first and not taken & first and self._is_tower(inner, exit_, run):
                    firsts[end] = first
                    towers.append((inner, exit_, run))
                    break
        towers = [*self._complete(towers)]
        return self._contract(towers) if towers else Contracted(self._graph, ())

    def _complete(self, towers: list[_Tower]) -> Iterator[_Tower]:
        """The towers whose layers are shared by other towers alone."""
        covered = {node for inner, _, _ in towers for node in inner}
        outside = {origin for sharer, origin in self._sharing.items() if sharer not in covered}
        for inner, exit_, run in towers:
            if not outside.intersection(inner.values()):
                yield inner, exit_, run

    def _runs(self) -> Iterator[_Run]:
        """The second and later runs, in order."""
        runs: list[_Run] = []
        of: dict[int, _Run] = {}
        for index, node in enumerate(self._nodes):
            if len(node.inputs) == 0:
                continue
            run = next((of[wire.node] for wire in node.inputs if wire.node in of), None)
            origin = self._sharing.get(index)
            if run is None or (origin is not None and not self._same_place(index, origin, run)):
                if origin is None or len({*node.inputs}) > 1:
                    continue
                run = _Run(node.inputs[0], self._nodes[origin].inputs[0], {})
                runs.append(run)
            if origin is None:
                origin = self._counterpart(index, run)
            if origin is not None:
                run.places[index] = origin
                of[index] = run
        yield from runs

    def _moved(self, wire: Wire, run: _Run) -> Wire | None:
        """The tensor of the first run that has a tensor's place."""
        if wire == run.entry:
            return run.first_entry
        place = run.places.get(wire.node)
        return None if place is None else Wire(place, wire.output)

    def _same_place(self, index: int, origin: int, run: _Run) -> bool:
        moved = tuple(self._moved(wire, run) for wire in self._nodes[index].inputs)
        return moved == self._nodes[origin].inputs

    def _counterpart(self, index: int, run: _Run) -> int | None:
        """The layer of the first run with this one's place, among those that consume the same."""
        node = self._nodes[index]
        moved = tuple(self._moved(wire, run) for wire in node.inputs)
        if None in moved or moved[0] is None or isinstance(node.layer, Input):
            return None
        taken = {*run.places.values()}
        for other in sorted(self._used.get(moved[0].node, ())):
            same = self._nodes[other].inputs == moved and self._nodes[other].layer == node.layer
            if same and other not in taken and other not in self._sharing and other != index:
                return other
        return None

    def _before(self, exit_: int, run: _Run) -> dict[int, int]:
        """What a layer of a run is made from, within the run."""
        found: dict[int, int] = {}
        stack = [exit_]
        while stack:
            node = stack.pop()
            if node in run.places and node not in found:
                found[node] = run.places[node]
                stack.extend(wire.node for wire in self._nodes[node].inputs)
        return found

    def _is_tower(self, inner: dict[int, int], exit_: int, run: _Run) -> bool:
        """Whether one tensor goes in and one comes out, in both runs, and all that is shared is from the first."""
        end = inner[exit_]
        if len(inner) < LEAST_LAYERS or not any(node in self._sharing for node in inner):
            return False
        for members, last, entry in ((set(inner), exit_, run.entry), ({*inner.values()}, end, run.first_entry)):
            inputs = {wire for node in members for wire in self._nodes[node].inputs if wire.node not in members}
            leaving = {n for n in members if n != last and (self._used.get(n, set()) - members or n in self._leaving)}
            if inputs != {entry} or leaving or members & self._pinned or self._nodes[last].results > 1:
                return False
        if run.entry.node in inner.values():
            return False
        learning = [n for n in inner.values() if type(self._nodes[n].layer).weights is not Layer.weights]
        return all(self._sharing.get(n) == first for n, first in inner.items() if first in learning)

    def _contract(self, towers: list[_Tower]) -> Contracted:
        nodes: dict[int, Any] = dict(enumerate(self._nodes))
        blocks: dict[int, Definition] = {}
        taken = {node.path for node in self._nodes}
        for inner, exit_, run in towers:
            end = inner[exit_]
            if end not in blocks:
                blocks[end] = self._definition(sorted(inner.values()), end, run.first_entry, taken)
                self._replace(nodes, inner.values(), end, run.first_entry, tower(self._graph, blocks[end].name))
            self._replace(nodes, inner, exit_, run.entry, nodes[end].layer, end)
        numbers = {old: new for new, old in enumerate(nodes)}

        def moved(wire: Wire) -> Wire:
            return Wire(numbers[wire.node], wire.output)

        made = tuple(
            node._replace(
                inputs=tuple(map(moved, node.inputs)),
                shared=None if node.shared is None else numbers[node.shared],
                tied=None if node.tied is None else numbers[node.tied],
            )
            for node in nodes.values()
        )
        graph = replace(
            self._graph,
            nodes=made,
            names={path: moved(wire) for path, wire in self._graph.names.items() if wire.node in numbers},
            outputs=tuple(map(moved, self._graph.outputs)),
            references={
                t: r._replace(wire=moved(r.wire)) for t, r in self._graph.references.items() if r.wire.node in numbers
            },
        )
        return Contracted(graph, tuple(blocks.values()))

    def _replace(
        self, nodes: dict[int, Any], members: Any, last: int, entry: Wire, layer: Layer, shared: int | None = None
    ) -> None:
        """Put one layer in the place of a run's last."""
        path = next((p for p, wire in self._graph.names.items() if wire.node == last and p.isidentifier()), "")
        for node in members:
            if node != last:
                del nodes[node]
        nodes[last] = nodes[last]._replace(path=path, layer=layer, inputs=(entry,), shared=shared, symbolic=False)

    def _definition(self, members: list[int], end: int, entry: Wire, taken: set[str]) -> Definition:
        """The block of a tower: its layers behind an input, their names without what all begin with."""
        named = [self._nodes[n].path for n in members if self._nodes[n].path in self._graph.spans]
        stem = common_stem(named).rpartition("_")[0] if len(named) > 1 else ""
        name = stem if stem.isidentifier() and not is_word(stem) and stem not in taken else USUAL_NAME
        while name in taken or is_word(name):
            name += "_"
        taken.add(name)
        source = next(node for node in self._nodes if isinstance(node.layer, Input))
        numbers = {old: new for new, old in enumerate(members, start=1)}
        inside = []
        spans = {}
        for member in members:
            node = self._nodes[member]
            path = node.path.removeprefix(f"{stem}_") if stem else node.path
            # What comes from outside is the block's own input.
            wires = (Wire(numbers[w.node], w.output) if w.node in numbers else Wire(0) for w in node.inputs)
            shared = None if node.shared is None else numbers.get(node.shared)
            inside.append(node._replace(path=path, inputs=tuple(wires), shared=shared))
            if node.path in self._graph.spans:
                spans[path] = node.span
        graph = replace(
            self._graph,
            nodes=(source._replace(path="x", inputs=()), *inside),
            names={},
            outputs=(Wire(numbers[end]),),
            references={},
            assumptions=(),
            expectations=(),
            spans=spans,
            blocks={},
        )
        return Definition(name, graph)
