"""A graph as sequences within sequences: where it narrows to one tensor, and what lies between two such places.

A tensor that everything passes through cuts the network in two. Between two neighbouring cuts lies a *region*: lanes
side by side that a merge joins, or something more entangled. Every lane is again a sequence.

Cuts are found by a random flow: the network's input carries a random number, every tensor shares what comes in
among those that consume it, and two tensors carry the same number (with all but certainty) exactly where every path
through one passes through the other. This is the cycle equivalence of Johnson, Pearson and Pingali, *The program
structure tree* (1994), computed in linear time by linear algebra over GF(2).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from shapesolver.layers.source import Input, Source
from shapesolver.model.graph import Graph, Wire

FLOW_BITS = 128
"""The length of the random numbers; two differ where they must but for one case in 2**128."""


class Ref(NamedTuple):
    """Where an input comes from, seen from the item that consumes it."""

    kind: str
    """``previous``: the item before it in its thread, or what its region starts from; ``inside``: an item of its own
    region; ``beside``: an item of another thread of the region that it lies in; ``private``: a source that it alone
    consumes; ``shared``: a tensor that is named at the top of the file."""
    thread: int = 0
    item: int = 0
    output: int = 0


@dataclass(slots=True)
class Item:
    """One node in its sequence, and the region between it and the item before."""

    node: int
    region: list[Thread] = field(default_factory=list)
    refs: tuple[Ref, ...] = ()
    sources: tuple[int, ...] = ()
    """The nodes that only it consumes, and that consume nothing: learned tensors and constants."""


@dataclass(slots=True)
class Thread:
    """A sequence of items, each consuming the one before."""

    items: list[Item] = field(default_factory=list)


class Structure(NamedTuple):
    """A graph's sources that are named at the top, and its threads."""

    sources: tuple[int, ...]
    threads: list[Thread]
    depth: int
    """How deep regions lie in each other."""


def structure_of(graph: Graph) -> Structure:
    """The structure of a graph. Linear in its size."""
    return _Finder(graph).structure()


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self._nodes = graph.nodes
        self._consumers: list[list[int]] = [[] for _ in graph.nodes]
        for index, node in enumerate(graph.nodes):
            for wire in dict.fromkeys(w.node for w in node.inputs):
                self._consumers[wire].append(index)
        named = {wire.node for wire in graph.outputs}
        shared = {n for node in graph.nodes for n in (node.shared, node.tied) if n is not None}
        self._private = {
            index
            for index, node in enumerate(graph.nodes)
            if isinstance(node.layer, Source)
            and not isinstance(node.layer, Input)
            and len(self._consumers[index]) == 1
            and index not in named | shared
            and sum(wire.node == index for wire in graph.nodes[self._consumers[index][0]].inputs) == 1
        }
        self._top = [
            i for i, node in enumerate(graph.nodes) if isinstance(node.layer, Source) and i not in self._private
        ]
        self._source = {*self._private, *self._top}

    def structure(self) -> Structure:
        order = self._ordered()
        flow = self._flows(order)
        members: dict[int, int] = defaultdict(int)
        for node in order:
            members[flow[node]] += 1
        top: list[Thread] = []
        # Levels from the outermost in: the threads of each, and the flow of the thread it hangs on.
        levels: list[tuple[list[Thread], dict[int, Thread]]] = [(top, {})]
        current: list[int] = []
        seen: dict[int, int] = defaultdict(int)
        place: dict[int, tuple[int, int, int]] = {}
        depth = 0
        for node in order:
            key = flow[node]
            item = Item(node)
            while len(current) > 0 and seen[key] and key not in levels[-1][1]:
                # Back at a thread further out: what was open in between is the region of this item.
                item.region = levels.pop()[0]
                current.pop()
            if not seen[key] and current_incomplete(levels, current, flow, members, seen, order):
                levels.append(([], {}))
            threads, by_flow = levels[-1]
            thread = by_flow.get(key)
            if thread is None:
                thread = by_flow[key] = Thread()
                threads.append(thread)
            thread.items.append(item)
            seen[key] += 1
        return Structure(tuple(self._top), top, depth)
