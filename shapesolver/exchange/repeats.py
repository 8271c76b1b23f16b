"""What repeats in a graph: pieces of equal shape, runs of equal pieces, and rules that put neighbours together.

A *piece* is a stretch of a thread; its *shape* is what is left when parameters are taken away. The smallest pieces
are groups: a layer and the elementwise layers behind it. Neighbours that are often next to each other become one
piece by a rule, the most frequent first, as in Re-Pair (Larsson and Moffat, *Offline dictionary-based compression*,
1999); equal neighbours become a run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shapesolver.exchange.structure import (
    OUTSIDE,
    Item,
    Structure,
    Thread,
    mentioned_wires,
    mentions_in,
    nodes_of,
    sharing_in,
)
from shapesolver.layers.base import Layer
from shapesolver.layers.parameters import Kind
from shapesolver.layers.source import Input
from shapesolver.model.graph import Graph

WORDS = (Kind.WORD, Kind.AXIS, Kind.AXES)
"""Parameters whose names are words before they are anything else, so that no block can pass them on."""
MAX_RULES = 64
"""The most rules that are made."""
LEAST_RUN = 4
"""The shortest run of a plain group, such as a convolution and its activation, that is worth a repeat."""


@dataclass(slots=True, eq=False)
class Shape:
    """What pieces that differ in parameters have in common."""

    kind: str
    """``group``, ``run`` or ``rule``."""
    parts: tuple[Shape, ...] = ()
    """The shapes of a rule's two parts, or of a run's rounds."""
    pieces: list[Piece] = field(default_factory=list)
    """Every piece of it."""
    enters: bool = True
    """Whether all that comes in is the first result of the piece before."""
    leaves: bool = True
    """Whether one tensor goes out."""
    closed: bool = True
    """Whether nothing within is mentioned elsewhere."""
    layers: int = 0
    """How many layers it has, a run's rounds counted once."""
    joins: bool = False
    """Whether lanes meet in it."""
    lines: int = 1
    """About how many lines it takes to write."""

    @property
    def whole(self) -> bool:
        """Whether it can be a block."""
        return self.enters and self.leaves and self.closed


@dataclass(slots=True, eq=False)
class Piece:
    """A stretch of a thread."""

    shape: Shape
    items: list[Item] = field(default_factory=list)
    """A group's items."""
    parts: list[Piece] = field(default_factory=list)
    """A rule's parts, or a run's rounds."""
    exposed: bool = False
    """Whether its result is consumed elsewhere than by the next piece."""


class Pieces(NamedTuple):
    """Every thread as pieces."""

    of: dict[int, list[Piece]]
    """By the thread's ``id``."""
    shapes: list[Shape]
    distinct: list[Thread]
    """One thread of each content, the innermost first."""
    content: dict[int, int]
    """The number of a thread's content in ``distinct``, by its ``id``."""


def pieces_of(graph: Graph, structure: Structure) -> Pieces:
    """The pieces of a graph's threads."""
    return _Compactor(graph, structure).pieces()


@dataclass(slots=True, eq=False)
class _Content:
    """Threads that are alike but for parameters, as pieces: a column a piece, a row a thread."""

    threads: list[Thread]
    shapes: list[Shape] = field(default_factory=list)
    columns: list[list[Piece]] = field(default_factory=list)


class _Compactor:
    def __init__(self, graph: Graph, structure: Structure) -> None:
        self._graph = graph
        self._nodes = graph.nodes
        self._structure = structure
        self._ids: dict[Any, int] = {}
        self._item_ids: dict[int, int] = {}
        self._shapes: dict[Any, Shape] = {}
        self._contents: dict[int, _Content] = {}
        self._content_of: dict[int, int] = {}
        self._order: list[int] = []
        self._layers: dict[int, tuple[Any, ...]] = {}
        self._fixed_parts: dict[Layer, Any] = {}
        sharing = sharing_in(graph)
        tied = {i: node.tied for i, node in enumerate(graph.nodes) if node.tied is not None}
        self._unique = {*sharing, *sharing.values(), *tied, *tied.values()}
        self._unique |= {*mentions_in(graph), *(wire.node for wire in mentioned_wires(graph))}
        self._named = {wire.node for wire in graph.outputs}

    def pieces(self) -> Pieces:
        root = self._structure.root
        self._identify(root)
        tails = self._usual_tails()
        for number in self._order:
            self._group(self._contents[number], tails)
        self._runs()
        for _ in range(MAX_RULES):
            if not self._rule():
                break
            self._runs()
        self._settle()
        return Pieces(
            {
                id(t): [column[row] for column in c.columns]
                for c in self._contents.values()
                for row, t in enumerate(c.threads)
            },
            [*self._shapes.values()],
            [self._contents[number].threads[0] for number in self._order],
            self._content_of,
        )

    # What is alike.

    def _identify(self, root: Thread) -> None:
        """Give every item and thread a number that those alike share, the innermost first."""
        stack: list[tuple[Thread, bool]] = [(root, False)]
        while stack:
            thread, opened = stack.pop()
            if not opened:
                stack.append((thread, True))
                stack.extend((inner, False) for item in reversed(thread.items) for inner in reversed(item.region))
                continue
            for item in thread.items:
                self._item_ids[id(item)] = self._number(self._item_key(item, thread is root))
            key = ("thread", tuple(self._item_ids[id(item)] for item in thread.items), tuple(sorted(thread.exposed)))
            number = self._number(key)
            self._content_of[id(thread)] = number
            if number not in self._contents:
                self._contents[number] = _Content([])
                self._order.append(number)
            self._contents[number].threads.append(thread)

    def _number(self, key: Any) -> int:
        return self._ids.setdefault(key, len(self._ids))

    def _item_key(self, item: Item, at_root: bool) -> Any:
        if item.node == OUTSIDE:
            return ("outside", *(self._content_of[id(thread)] for thread in item.region))
        node = self._nodes[item.node]
        own = item.node if item.node in self._unique or (item.node in self._named and not at_root) else None
        refs = tuple(ref._replace(item=0) if ref.kind == "private" else ref for ref in item.refs)
        inner = tuple(self._content_of[id(thread)] for thread in item.region)
        fixed = tuple(self._fixed(n) for n in (item.node, *(r.item for r in item.refs if r.kind == "private")))
        return (fixed, node.results, node.allow, own, refs, inner)

    def _fixed(self, index: int) -> Any:
        """What no parameter of a block can stand for: the kind of layer, words, axes, and how many values it lists."""
        layer = self._nodes[index].layer
        found = self._fixed_parts.get(layer)
        if found is None:
            listed = []
            for name, parameter in layer.parameters.items():
                value = getattr(layer, name)
                if parameter.kind in WORDS:
                    listed.append(value)
                elif parameter.variadic:
                    listed.append(len(value))
            found = self._fixed_parts[layer] = (layer.op, *listed)
        return found

    # Groups.

    def _stretches(self, thread: Thread) -> Iterator[tuple[int, int]]:
        """A layer and the elementwise layers behind it, as places in a thread."""
        starts = [i for i in range(len(thread.items)) if i == 0 or self._starts(thread, i)]
        return zip(starts, [*starts[1:], len(thread.items)], strict=True)

    def _usual_tails(self) -> dict[int, int]:
        """How many elementwise layers usually stand behind each kind of join.

        What comes after the last of many equal joins is its own, and would make it differ from the others.
        """
        counts: dict[int, Counter[int]] = defaultdict(Counter)
        for content in self._contents.values():
            thread = content.threads[0]
            for start, end in self._stretches(thread):
                if thread.items[start].region:
                    counts[self._item_ids[id(thread.items[start])]][end - start] += 1
        return {key: lengths.most_common(1)[0][0] for key, lengths in counts.items()}

    def _group(self, content: _Content, tails: dict[int, int]) -> None:
        first = content.threads[0]
        cuts: list[tuple[int, int]] = []
        for start, end in self._stretches(first):
            usual = start + tails.get(self._item_ids[id(first.items[start])], end)
            cuts.extend([(start, usual), (usual, end)] if usual < end else [(start, end)])
        for start, end in cuts:
            key = ("group", tuple(self._item_ids[id(item)] for item in first.items[start:end]))
            shape = self._shapes.get(key)
            if shape is None:
                shape = self._shapes[key] = self._group_shape(first.items[start:end])
            exposed = end - 1 in first.exposed
            column = [Piece(shape, thread.items[start:end], exposed=exposed) for thread in content.threads]
            content.shapes.append(shape)
            content.columns.append(column)

    def _starts(self, thread: Thread, index: int) -> bool:
        """Whether an item begins a line: what is more than elementwise does, and what follows a mentioned result."""
        item, before = thread.items[index], thread.items[index - 1]
        if (
            item.node == OUTSIDE
            or before.node == OUTSIDE
            or isinstance(self._nodes[before.node].layer, Input)
            or index - 1 in thread.exposed
            or item.region
        ):
            return True
        one, two = self._nodes[before.node], self._nodes[item.node]
        # What is mentioned by the name of its line must be what the line is named for.
        alone = item.node in self._unique or (before.node in self._unique and one.layer.elementwise)
        return alone or one.results > 1 or one.allow != two.allow or not two.layer.elementwise

    def _group_shape(self, items: list[Item]) -> Shape:
        inside = [*nodes_of(items, self._nodes)]
        last = items[-1].node
        return Shape(
            "group",
            enters=_enters_plainly(items[0]),
            leaves=last != OUTSIDE and self._nodes[last].results == 1,
            closed=last != OUTSIDE
            and not self._unique.intersection(inside)
            and not self._named.intersection(inside[:-1]),
            layers=len(inside),
            joins=any(item.region for item in items),
            lines=1 + sum(len(thread.items) // 2 for item in items for thread in item.region),
        )

    # Runs and rules.

    def _runs(self) -> None:
        """Put equal neighbours together."""
        repeated: set[int] = set()
        for content in self._contents.values():
            shapes, columns = content.shapes, content.columns
            start = 0
            made: list[tuple[Shape, list[Piece]]] = []
            while start < len(shapes):
                end = start + 1
                while (
                    end < len(shapes) and shapes[end] is shapes[start] and self._alike(columns[end - 1], columns[end])
                ):
                    end += 1
                least = 2 if shapes[start].joins or shapes[start].kind == "rule" else LEAST_RUN
                if end - start >= least and shapes[start].kind != "run" and shapes[start].whole:
                    run = self._composite("run", (shapes[start],))
                    rows = [
                        Piece(run, parts=[columns[k][row] for k in range(start, end)])
                        for row in range(len(content.threads))
                    ]
                    for row in rows:
                        row.exposed = row.parts[-1].exposed
                    made.append((run, rows))
                    repeated.add(id(shapes[start]))
                else:
                    made.extend(zip(shapes[start:end], columns[start:end], strict=True))
                start = end
            content.shapes = [shape for shape, _ in made]
            content.columns = [column for _, column in made]
        if repeated:
            self._single_runs(repeated)

    def _single_runs(self, repeated: set[int]) -> None:
        """Make what is alone a run of one where its shape is repeated elsewhere, so that both are alike."""
        for content in self._contents.values():
            for index, shape in enumerate(content.shapes):
                if id(shape) in repeated:
                    run = self._composite("run", (shape,))
                    content.shapes[index] = run
                    content.columns[index] = [
                        Piece(run, parts=[piece], exposed=piece.exposed) for piece in content.columns[index]
                    ]

    def _alike(self, one: list[Piece], two: list[Piece]) -> bool:
        """Whether two columns have the same layers, row by row, and nothing between them is mentioned elsewhere."""
        return all(not a.exposed and self._layers_of(a) == self._layers_of(b) for a, b in zip(one, two, strict=True))

    def _layers_of(self, piece: Piece) -> tuple[Any, ...]:
        found = self._layers.get(id(piece))
        if found is None:
            if piece.parts:
                found = (len(piece.parts), *(self._layers_of(part) for part in piece.parts))
            else:
                found = tuple(self._nodes[n].layer for n in nodes_of(piece.items, self._nodes))
            self._layers[id(piece)] = found
        return found

    def _rule(self) -> bool:
        """Put the two shapes together that are neighbours most often; whether there were any."""
        counts: Counter[tuple[int, int]] = Counter()
        pairs: dict[tuple[int, int], tuple[Shape, Shape]] = {}
        for content in self._contents.values():
            for one, two, column in zip(content.shapes, content.shapes[1:], content.columns, strict=False):
                joinable = one.enters and one.closed and two.closed and two.leaves
                if one is not two and joinable and not column[0].exposed:
                    key = (id(one), id(two))
                    counts[key] += 1
                    pairs[key] = one, two
        # Of those equally frequent, first what is followed by a run: a stage and its repeats.
        best = max(counts, key=lambda key: (counts[key], pairs[key][1].kind == "run"), default=None)
        if best is None or counts[best] < 2:
            return False
        one, two = pairs[best]
        rule = self._composite("rule", (one, two))
        for content in self._contents.values():
            self._apply(content, rule)
        return True

    def _apply(self, content: _Content, rule: Shape) -> None:
        one, two = rule.parts
        shapes, columns = content.shapes, content.columns
        made: list[tuple[Shape, list[Piece]]] = []
        index = 0
        while index < len(shapes):
            pair = index + 1 < len(shapes) and shapes[index] is one and shapes[index + 1] is two
            if pair and not columns[index][0].exposed:
                rows = zip(columns[index], columns[index + 1], strict=True)
                made.append((rule, [Piece(rule, parts=[a, b], exposed=b.exposed) for a, b in rows]))
                index += 2
            else:
                made.append((shapes[index], columns[index]))
                index += 1
        content.shapes = [shape for shape, _ in made]
        content.columns = [column for _, column in made]

    def _composite(self, kind: str, parts: tuple[Shape, ...]) -> Shape:
        key = (kind, *map(id, parts))
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = Shape(
                kind,
                parts,
                enters=parts[0].enters,
                leaves=parts[-1].leaves,
                closed=all(part.closed for part in parts),
                layers=sum(part.layers for part in parts),
                joins=any(part.joins for part in parts),
                lines=sum(part.lines for part in parts),
            )
        return shape

    def _settle(self) -> None:
        """List every shape's pieces."""
        stack = [piece for content in self._contents.values() for column in content.columns for piece in column]
        while stack:
            piece = stack.pop()
            piece.shape.pieces.append(piece)
            stack.extend(piece.parts)


def _enters_plainly(item: Item) -> bool:
    """Whether all that an item and its region take from before is the first result of the item before."""
    stack = [item]
    while stack:
        one = stack.pop()
        if any((ref.kind == "beside" and one is item) or (ref.kind == "previous" and ref.output) for ref in one.refs):
            return False
        stack.extend(thread.items[0] for thread in one.region)
    return True
