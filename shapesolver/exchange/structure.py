"""A graph as sequences within sequences: where it narrows to one tensor, and what lies between two such places.

A tensor that everything passes through cuts the network in two. Between two neighbouring cuts lies a *region*: lanes
side by side that a merge joins, or something more entangled. Every lane is again a sequence.

Cuts are found by a random flow: the network's start carries a random number, every tensor divides what comes in
among those that consume it, and two tensors carry the same number (with all but certainty) exactly where every path
through one passes through the other. This is the cycle equivalence of Johnson, Pearson and Pingali, *The program
structure tree* (1994), found by linear algebra over GF(2).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from shapesolver.arithmetic import Formula, symbols
from shapesolver.layers.base import Layer
from shapesolver.layers.source import Input, Source
from shapesolver.model.calls import flat
from shapesolver.model.graph import Claim, Graph, Node, Wire

FLOW_BITS = 128
"""The length of the random numbers: two that should differ are equal in one case of 2**128."""

OUTSIDE = -1
"""The node that stands for the network's start and its end."""


class Ref(NamedTuple):
    """Where an input comes from, seen from the item that consumes it."""

    kind: str
    """``previous``: the item before it in its thread, or what its region starts from. ``inside``: an item of its own
    region. ``beside``: an item of another thread of the region that it lies in. ``private``: a source that nothing
    else consumes. ``top``: a source that is named at the top of the file, by its node."""
    thread: int = 0
    item: int = 0
    output: int = 0


@dataclass(slots=True, eq=False)
class Item:
    """One node in its sequence, and the region between it and the item before."""

    node: int
    region: list[Thread] = field(default_factory=list)
    refs: tuple[Ref, ...] = ()


@dataclass(slots=True, eq=False)
class Thread:
    """A sequence of items, each consuming the one before."""

    items: list[Item] = field(default_factory=list)
    exposed: set[int] = field(default_factory=set)
    """The items, by their place, that more than the next item and the end of the region consume."""


class Structure(NamedTuple):
    """A graph's sources that are named at the top, and all else as one sequence from start to end."""

    top: tuple[int, ...]
    root: Thread
    depth: int
    """How deep regions lie in each other."""


def sharing_in(graph: Graph) -> dict[int, int]:
    """The nodes that use another's weights, and whose; those of layers that learn nothing are left out."""
    return {
        index: node.shared
        for index, node in enumerate(graph.nodes)
        if node.shared is not None and type(node.layer).weights is not Layer.weights
    }


def flat_structure(graph: Graph) -> Structure:
    """A graph as threads of one node each, whatever it is like."""
    finder = _Finder(graph)
    inner = [i for i in range(len(graph.nodes)) if i not in finder.top and not finder.is_private(i)]
    root = Thread([Item(OUTSIDE), Item(OUTSIDE, [Thread([Item(node)]) for node in inner])])
    finder.refer(root)
    return Structure(finder.top, root, 1)


def mentions_in(graph: Graph) -> dict[int, list[str]]:
    """The nodes whose parameters mention sizes of layers or unknowns, and what they mention."""
    known = {*graph.references, *graph.holes}
    found = {}
    for index, node in enumerate(graph.nodes) if known else ():
        values = (value for _, given in node.layer.values() for value in flat(given)) if node.symbolic else ()
        names = [s.text for value in values if isinstance(value, Formula) for s in symbols(value) if s.text in known]
        if names:
            found[index] = names
    return found


def claims_in(graph: Graph) -> list[Claim]:
    """What the file assumes and expects."""
    return [*graph.assumptions, *graph.expectations]


def mentioned_wires(graph: Graph) -> set[Wire]:
    """The results whose sizes parameters and claims mention, so that they need a name."""
    texts = {text for found in mentions_in(graph).values() for text in found}
    texts.update(
        s.text for claim in claims_in(graph) if not isinstance(claim.condition, bool) for s in claim.condition.symbols()
    )
    return {graph.references[text].wire for text in texts if text in graph.references}


def structure_of(graph: Graph) -> Structure:
    """The structure of a graph, in time linear in its size."""
    finder = _Finder(graph)
    root, depth = finder.threads()
    finder.refer(root)
    return Structure(finder.top, root, depth)


class _Finder:
    def __init__(self, graph: Graph) -> None:
        self._nodes = graph.nodes
        uses = Counter(wire.node for node in graph.nodes for wire in node.inputs)
        named = {wire.node for wire in graph.outputs}
        shared = {*sharing_in(graph).values(), *(node.tied for node in graph.nodes if node.tied is not None)}
        named |= {wire.node for wire in mentioned_wires(graph)}
        self._pinned = named
        named = named | shared
        inputs = [i for i, node in enumerate(graph.nodes) if isinstance(node.layer, Input)]
        sources = [
            # The only input is where the network starts, and no more than that.
            i
            for i, node in enumerate(graph.nodes)
            if isinstance(node.layer, Source) and inputs != [i]
        ]
        self._private = {
            i for i in sources if uses[i] == 1 and i not in named and not isinstance(graph.nodes[i].layer, Input)
        }
        self.top = tuple(i for i in sources if i not in self._private)
        self._sources = frozenset(sources)
        self._feeds: list[tuple[int, ...]] = [
            tuple(dict.fromkeys(w.node for w in node.inputs if w.node not in self._sources)) for node in graph.nodes
        ]

    def is_private(self, node: int) -> bool:
        """Whether a node is a source of one consumer alone."""
        return node in self._private

    # Threads.

    def threads(self) -> tuple[Thread, int]:
        """Everything but sources as one thread from the start to the end, and how deep its regions lie."""
        order = [OUTSIDE, *self._ordered()]
        flow = self._flows(order[1:])
        left = Counter(flow.values())
        left[flow[OUTSIDE]] += 1
        # Each level: its threads by flow, in order, and the thread that its latest item lies in.
        levels: list[dict[int, Thread]] = [{}]
        latest = [flow[OUTSIDE]]
        deepest = 1
        for node in (*order, OUTSIDE):
            key = flow[node]
            item = Item(node)
            if key in levels[-1] or len(levels) == 1 or key not in levels[-2]:
                if key not in levels[-1] and levels[-1] and left[latest[-1]]:
                    levels.append({})
                    latest.append(key)
                    deepest = max(deepest, len(levels))
            else:
                # Back in the thread that what was laid since hangs on.
                item.region = [*levels.pop().values()]
                latest.pop()
            levels[-1].setdefault(key, Thread()).items.append(item)
            latest[-1] = key
            left[key] -= 1
        return levels[0][flow[OUTSIDE]], deepest

    def _ordered(self) -> Iterator[int]:
        """The nodes that are no sources, each right after those that only it needs."""
        consumed = {n for feeds in self._feeds for n in feeds}
        done = set(self._sources)
        for last in range(len(self._nodes)):
            if last in consumed or last in done:
                continue
            stack = [(last, iter(self._feeds[last]))]
            done.add(last)
            while stack:
                node, feeds = stack[-1]
                following = next((n for n in feeds if n not in done), None)
                if following is None:
                    yield node
                    stack.pop()
                else:
                    done.add(following)
                    stack.append((following, iter(self._feeds[following])))

    def _flows(self, order: list[int]) -> dict[int, int]:
        """The random number that each node carries; :data:`OUTSIDE` carries what enters and leaves."""
        draw = random.Random(0)
        consumers: dict[int, int] = Counter(n for node in order for n in self._feeds[node])
        coming: dict[int, int] = {}
        flow: dict[int, int] = {}
        entered = 0
        for node in order:
            number = 0
            for feed in self._feeds[node]:
                consumers[feed] -= 1
                share = coming[feed] if not consumers[feed] else draw.getrandbits(FLOW_BITS)
                coming[feed] ^= share
                number ^= share
            if not self._feeds[node]:
                number = draw.getrandbits(FLOW_BITS)
                entered ^= number
            flow[node] = coming[node] = number
        flow[OUTSIDE] = entered
        return flow

    # References.

    def refer(self, root: Thread) -> None:
        """Say of every item where its inputs come from, and of every thread which items are exposed."""
        places: dict[int, tuple[int, int, int]] = {}
        owners: dict[int, Thread] = {}
        stack: list[tuple[list[Thread], int, int]] = [([root], 0, OUTSIDE)]
        identity = 0
        while stack:
            threads, own, entry = stack.pop()
            for thread in threads:
                previous = entry
                for index, item in enumerate(thread.items):
                    inner = 0
                    if item.region:
                        identity += 1
                        inner = identity
                        stack.append((item.region, inner, previous))
                        for t, lane in enumerate(item.region):
                            for i, inside in enumerate(lane.items):
                                places[inside.node] = (inner, t, i)
                                owners[inside.node] = lane
                    if item.node != OUTSIDE:
                        item.refs = tuple(self._refs(item.node, previous, own, inner, places))
                        for ref, wire in zip(item.refs, self._nodes[item.node].inputs, strict=True):
                            if ref.kind == "beside" or (
                                ref.kind == "inside" and ref.item < len(owners[wire.node].items) - 1
                            ):
                                owners[wire.node].exposed.add(ref.item)
                        if item.node in self._pinned:
                            thread.exposed.add(index)
                    previous = item.node

    def _refs(
        self, node: int, previous: int, own: int, inner: int, places: dict[int, tuple[int, int, int]]
    ) -> Iterator[Ref]:
        for wire in self._nodes[node].inputs:
            if wire.node == previous:
                yield Ref("previous", output=wire.output)
            elif wire.node in self._private:
                yield Ref("private", item=wire.node, output=wire.output)
            elif wire.node in self._sources:
                yield Ref("top", item=wire.node, output=wire.output)
            else:
                level, thread, item = places[wire.node]
                yield Ref("inside" if inner and level == inner else "beside", thread, item, wire.output)


def nodes_of(items: list[Item], nodes: tuple[Node, ...]) -> Iterator[int]:
    """The nodes of items in the order of their structure: regions first, then an item's own sources, then itself."""
    stack: list[tuple[Item, bool]] = [(item, False) for item in reversed(items)]
    while stack:
        item, opened = stack.pop()
        if item.region and not opened:
            stack.append((item, True))
            stack.extend((inner, False) for thread in reversed(item.region) for inner in reversed(thread.items))
            continue
        for ref in item.refs:
            if ref.kind == "private":
                yield ref.item
        if item.node != OUTSIDE:
            yield item.node
