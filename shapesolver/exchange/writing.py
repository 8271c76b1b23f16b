"""A graph as a readable ``.net`` text. Parsed, the text gives the same layers, joined in the same way.

Straight runs become pipelines, short lanes the arguments of the layer that joins them, what repeats becomes blocks
and repeats. Names are kept where a line has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from shapesolver.exchange import phrases
from shapesolver.exchange.choices import Block, chosen_blocks, items_of
from shapesolver.exchange.frames import COUNT, NONE, Frame
from shapesolver.exchange.naming import common_stem, is_word, valid_name
from shapesolver.exchange.repeats import Piece, Pieces, pieces_of
from shapesolver.exchange.scopes import ENTRY, LineDraft, Scope
from shapesolver.exchange.structure import (
    OUTSIDE,
    Item,
    Structure,
    Thread,
    flat_structure,
    mentions_in,
    nodes_of,
    sharing_in,
    structure_of,
)
from shapesolver.language import tree
from shapesolver.language.formatter import format_tree
from shapesolver.layers.parameters import Kind
from shapesolver.layers.source import Input
from shapesolver.model.graph import Graph, Wire

MAX_DEPTH = 60
"""How deep regions may lie in each other; a graph beyond it is written a layer a line."""

LANE_WIDTH = 88
"""The longest lane beside its merge, about; a longer one gets lines of its own."""


def write(graph: Graph) -> str:
    """The text of a graph, in time linear in its size."""
    structure = structure_of(graph)
    if structure.depth > MAX_DEPTH or _ties_forward(graph, structure):
        structure = flat_structure(graph)
    return format_tree(tree.File(tuple(_Writer(graph, structure).file())))


class _Writer:
    def __init__(self, graph: Graph, structure: Structure) -> None:
        self._graph = graph
        self._nodes = graph.nodes
        self._structure = structure
        self._pieces: Pieces = pieces_of(graph, structure)
        self._paths = [valid_name(node.path) if node.path in graph.spans else "" for node in graph.nodes]
        self._blocks = chosen_blocks(graph, structure, self._pieces, set(self._paths))
        self._definitions: list[tree.Block] = []
        self._mentions = mentions_in(graph)
        self._sharing = self._in_order(sharing_in(graph))
        self._origins = {*self._sharing.values(), *(node.tied for node in graph.nodes if node.tied is not None)}
        self._origin_names: dict[int, str] = {}
        self._root = Scope(taken={block.name for block in self._blocks.values()})
        self._top_names: set[str] = set()
        self._inputs = 0
        self._stated: set[str] = set()
        self._widths: dict[Any, int] = {}

    def file(self) -> list[tree.Statement]:
        """The statements of the file."""
        statements = [*phrases.header(self._graph.dialect)]
        root = self._root
        for index in self._structure.top:
            self._source(index)
        self._thread([self._structure.root], Wire(OUTSIDE), root, Frame(1))
        outputs = self._outputs()
        lines = [*root.statements()]
        body: list[tree.Statement] = [*self._definitions, *lines[self._inputs :], *outputs]
        return [*statements, *_spaced(lines[: self._inputs]), *_spaced(body, len(self._definitions))]

    def _in_order(self, sharing: dict[int, int]) -> dict[int, int]:
        """Who shares whose weights, so that of those that share the first that is written has them."""
        first: dict[int, int] = {}
        found: dict[int, int] = {}
        for node in nodes_of(self._structure.root.items, self._nodes) if sharing else ():
            origin = sharing.get(node, node)
            if first.setdefault(origin, node) != node:
                found[node] = first[origin]
        return found

    def _source(self, index: int) -> None:
        """A line for an input, or for another tensor that is named at the top."""
        node = self._nodes[index]
        draft = self._root.line()
        self._inputs += 1
        if isinstance(node.layer, Input):
            draft.stages.append(phrases.source(node.layer, self._graph.symbols, self._stated))
        else:
            draft.stages.append(phrases.call([node.layer], (), phrases.literal))
        if index in self._origins:
            self._origin_names[index] = self._paths[index]
        draft.allow = node.allow
        self._root.result(draft, index)
        name = self._root.fresh(self._paths[index] or ("image" if isinstance(node.layer, Input) else ""))
        draft.names.append(name)
        self._root.know(Wire(index), name)
        self._top_names.add(name)

    def _outputs(self) -> list[tree.Statement]:
        graph, root = self._graph, self._root
        if graph.outputs == (root.previous,):
            return []
        names = tuple(phrases.name(root.name_of(wire)) for wire in graph.outputs)
        return [tree.Output(names, span=phrases.NOWHERE)] if names else []

    # Threads and pieces. A column holds one piece for each place that the text stands for.

    def _thread(self, threads: Sequence[Thread], entry: Wire, scope: Scope, frame: Frame) -> None:
        rows = [self._pieces.of[id(thread)] for thread in threads]
        self._row(rows, entry, scope, frame)

    def _row(self, rows: Sequence[list[Piece]], entry: Wire, scope: Scope, frame: Frame) -> None:
        for column in zip(*rows, strict=True):
            self._piece(column, entry, scope, frame)
            entry = Wire(_last(column[0]))

    def _piece(self, column: Sequence[Piece], entry: Wire, scope: Scope, frame: Frame) -> None:
        shape = column[0].shape
        if id(shape) in self._blocks:
            self._call_line(column, entry, scope, frame)
        elif shape.kind == "group":
            self._group(column, entry, scope, frame)
        elif shape.kind == "rule":
            self._row([piece.parts for piece in column], entry, scope, frame)
        else:
            self._run(column, entry, scope, frame)

    def _run(self, column: Sequence[Piece], entry: Wire, scope: Scope, frame: Frame) -> None:
        counts = [len(piece.parts) for piece in column]
        if max(counts) == 1 or (frame.count == 1 and counts == [2]):
            self._row([piece.parts for piece in column], entry, scope, frame)
            return
        if scope.previous != entry:
            self._continue_from(entry, scope)
        body = scope.repeat(frame.express(counts, COUNT, None))
        self._piece([piece.parts[0] for piece in column], ENTRY, body, frame)
        scope.anonymous(_last(column[0]))
        if column[0].exposed:
            scope.name_of(Wire(_last(column[0])))

    def _continue_from(self, entry: Wire, scope: Scope) -> None:
        """A line that only says where the next one starts."""
        draft = scope.line(scope.mention(entry))
        scope.result(draft, entry.node)

    def _call_line(self, column: Sequence[Piece], entry: Wire, scope: Scope, frame: Frame) -> None:
        draft = self._line_from(column[0], entry, scope)
        draft.stages.append(self._block_call(column, frame))
        node = _last(column[0])
        scope.result(draft, node)
        if frame.count == 1:
            name = self._instance_name(column[0])
            if scope.free(name):
                draft.names.append(scope.fresh(name))

    def _line_from(self, piece: Piece, entry: Wire, scope: Scope) -> LineDraft:
        """A new line that starts from a piece's entry."""
        starts = entry == scope.previous or entry.node == OUTSIDE
        return scope.line(None if starts else scope.mention(entry))

    # Groups.

    def _group(self, column: Sequence[Piece], entry: Wire, scope: Scope, frame: Frame) -> None:
        items = [piece.items for piece in column]
        heads = [row[0] for row in items]
        first = heads[0].node
        if first == OUTSIDE:
            if heads[0].region:
                self._region(heads, entry, scope, frame)
            return
        if isinstance(self._nodes[first].layer, Input):
            self._source(first)
            return
        lanes = self._lanes(heads, scope, frame)
        if lanes is None and heads[0].region:
            self._region(heads, entry, scope, frame)
        draft = self._head_line(heads, lanes, entry, scope, frame)
        for later in zip(*(row[1:] for row in items), strict=True):
            draft.stages.append(self._stage([item.node for item in later], (), frame))
        self._name_line(items, draft, scope, frame)

    def _region(self, heads: Sequence[Item], entry: Wire, scope: Scope, frame: Frame) -> None:
        """The threads of a region, one below the other. What is consumed further down gets a name in time."""
        if scope.nameless(entry) or _needed_later(heads[0]):
            scope.name_of(entry)
        for threads in zip(*(head.region for head in heads), strict=True):
            if scope.previous is not None and scope.nameless(scope.previous):
                scope.name_of(scope.previous)
            self._thread(threads, entry, scope, frame)

    def _head_line(
        self,
        heads: Sequence[Item],
        lanes: dict[int, tree.Expression] | None,
        entry: Wire,
        scope: Scope,
        frame: Frame,
    ) -> LineDraft:
        """The line that begins with a group's first layer, which may join lanes."""
        nodes = [head.node for head in heads]
        head, wires = heads[0], self._nodes[heads[0].node].inputs
        sources = [
            entry._replace(output=r.output) if r.kind == "previous" else w
            for r, w in zip(head.refs, wires, strict=True)
        ]
        if lanes is not None and entry not in (scope.previous, Wire(OUTSIDE)):
            # Lanes start from what the merge itself consumes.
            draft = scope.line(scope.mention(entry))
            before = scope.previous
            scope.previous = entry
        else:
            draft, before = scope.line(), scope.previous
        alone = len(wires) == 1 and head.refs[0].kind != "private" and not (lanes and head.region)
        if alone:
            if sources[0] != scope.previous:
                draft.stages.append(scope.mention(sources[0]))
            draft.stages.append(self._stage(nodes, (), frame))
            return draft
        arguments = []
        for number, (ref, wire) in enumerate(zip(head.refs, sources, strict=True)):
            if ref.kind == "private":
                arguments.append(self._private(heads, number, frame))
            elif lanes is not None and ref.kind == "inside":
                arguments.append(lanes[ref.thread])
            else:
                arguments.append(scope.mention(wire))
        draft.stages.append(self._stage(nodes, arguments, frame))
        scope.previous = before
        return draft

    def _private(self, heads: Sequence[Item], number: int, frame: Frame) -> tree.Expression:
        """A source that only this layer consumes, as an argument of its own."""
        layers = [self._nodes[head.refs[number].item].layer for head in heads]
        return phrases.call(layers, (), frame.express)

    def _stage(self, nodes: Sequence[int], arguments: Sequence[tree.Expression], frame: Frame) -> tree.Expression:
        first = self._nodes[nodes[0]]
        if nodes[0] in self._sharing:
            origin = phrases.name(self._origin_names[self._sharing[nodes[0]]])
            given = (origin, *arguments)
            return tree.Call(
                phrases.name("reuse"),
                tuple(tree.Argument(None, a, span=phrases.NOWHERE) for a in given),
                span=phrases.NOWHERE,
            )
        express = self._express_mentions if nodes[0] in self._mentions else frame.express
        made = phrases.call([self._nodes[node].layer for node in nodes], arguments, express)
        if first.tied is not None:
            tied = tree.Argument("tied", phrases.name(self._origin_names[first.tied]), span=phrases.NOWHERE)
            assert isinstance(made, tree.Call)
            made = tree.Call(made.function, (*made.arguments, tied), span=phrases.NOWHERE)
        return made

    def _express_mentions(self, values: Sequence[Any], hint: str, kind: Kind | None) -> tree.Expression:
        """A parameter that mentions sizes of layers, by the names that these have now, or unknowns."""
        references = self._graph.references
        rename: dict[str, tree.Expression] = {name: tree.Hole(name, span=phrases.NOWHERE) for name in self._graph.holes}
        for names in self._mentions.values():
            for text in names:
                if text in references:
                    owner = phrases.name(self._root.name_of(references[text].wire))
                    axis = references[text].axis
                    rename[text] = (
                        tree.Attribute(owner, axis, span=phrases.NOWHERE)
                        if isinstance(axis, str)
                        else tree.Index(owner, phrases.value(axis), span=phrases.NOWHERE)
                    )
        return phrases.renamed(phrases.value(values[0], kind), rename)

    def _name_line(self, items: Sequence[list[Item]], draft: LineDraft, scope: Scope, frame: Frame) -> None:
        """Say what a line makes, and give it the name that its main layer had."""
        nodes = [item.node for item in items[0]]
        main = next((n for n in reversed(nodes) if not self._nodes[n].layer.elementwise), nodes[-1])
        last = self._nodes[nodes[-1]]
        scope.result(draft, nodes[-1])
        draft.allow = last.allow
        if frame.count == 1:
            draft.wish = self._paths[main]
            if last.results == 1 and scope.free(draft.wish):
                draft.names.append(scope.fresh(draft.wish))
        if last.results > 1:
            stem = draft.wish or last.layer.op
            draft.names.extend(scope.fresh(f"{stem}_{k + 1}") for k in range(last.results))
        for origin in self._origins.intersection(nodes):
            if not draft.names:
                draft.names.append(scope.fresh(draft.wish or f"shared_{self._nodes[origin].layer.op}"))
            self._origin_names[origin] = draft.names[0]

    # Lanes.

    def _lanes(self, heads: Sequence[Item], scope: Scope, frame: Frame) -> dict[int, tree.Expression] | None:
        """The lanes of a region as arguments of the layer that joins them, where they are short and simple."""
        head = heads[0]
        if not head.region or self._nodes[head.node].results > 1:
            return None
        used = [ref for ref in head.refs if ref.kind == "inside"]
        whole = {(ref.thread, ref.item) for ref in used} == {
            (number, len(thread.items) - 1) for number, thread in enumerate(head.region)
        }
        if not whole or len(used) != len(head.region) or any(ref.output for ref in used):
            return None
        widths = [self._lane_width(thread, 0) for thread in head.region]
        if None in widths or (len(widths) == 1 and sum(w or 0 for w in widths) > LANE_WIDTH - 16):
            return None
        lanes = {}
        for ref in used:
            stages = self._lane([h.region[ref.thread] for h in heads], scope, frame)
            lanes[ref.thread] = tree.Pipeline(tuple(stages), span=phrases.NOWHERE) if len(stages) > 1 else stages[0]
        return lanes

    def _lane_width(self, thread: Thread, depth: int) -> int | None:
        """About how wide a thread is on one line; ``None`` where it cannot or should not stand on one."""
        if thread.exposed or depth > 1:
            return None
        total = 0
        for piece in self._pieces.of[id(thread)]:
            width = self._piece_width(piece, depth)
            if width is None:
                return None
            total += width
        return total if total <= 2 * LANE_WIDTH else None

    def _piece_width(self, piece: Piece, depth: int) -> int | None:
        if id(piece.shape) in self._blocks:
            return 4 + len(self._blocks[id(piece.shape)].name) + 6 * min(self._blocks[id(piece.shape)].differs, 4)
        if piece.shape.kind == "run" and len(piece.parts) > 1:
            return None
        if piece.parts:
            widths = [self._piece_width(part, depth) for part in piece.parts]
            return None if None in widths else sum(w or 0 for w in widths)
        total = 0
        for item in piece.items:
            node = self._nodes[item.node]
            beside = any(ref.kind == "beside" or ref.output for ref in item.refs)
            if beside or node.results > 1 or node.allow or item.node in self._sharing or item.node in self._origins:
                return None
            total += self._width_of(item.node) + 4
            for thread in item.region:
                inner = self._lane_width(thread, depth + 1)
                if inner is None:
                    return None
                total += inner
            if item.region and any(
                ref.kind == "inside" and ref.item < len(item.region[ref.thread].items) - 1 for ref in item.refs
            ):
                return None
        return total

    def _width_of(self, node: int) -> int:
        layer = self._nodes[node].layer
        width = self._widths.get(layer)
        if width is None:
            width = self._widths[layer] = len(layer.describe())
        return width

    def _lane(self, threads: Sequence[Thread], scope: Scope, frame: Frame) -> list[tree.Expression]:
        stages: list[tree.Expression] = []
        for column in zip(*(self._pieces.of[id(thread)] for thread in threads), strict=True):
            self._lane_piece(column, stages, scope, frame)
        return stages

    def _lane_piece(self, column: Sequence[Piece], stages: list[tree.Expression], scope: Scope, frame: Frame) -> None:
        if id(column[0].shape) in self._blocks:
            stages.append(self._block_call(column, frame))
            return
        if column[0].parts:
            for parts in zip(*(piece.parts for piece in column), strict=True):
                self._lane_piece(parts, stages, scope, frame)
            return
        for items in zip(*(piece.items for piece in column), strict=True):
            stages.extend(self._lane_stage(items, bool(stages), scope, frame))

    def _lane_stage(self, items: Sequence[Item], started: bool, scope: Scope, frame: Frame) -> list[tree.Expression]:
        """A layer in a lane; before it where the lane starts, if that is a tensor from the top of the file."""
        item, nodes = items[0], [item.node for item in items]
        if len(item.refs) == 1 and item.refs[0].kind in ("previous", "top"):
            stage = self._stage(nodes, (), frame)
            if item.refs[0].kind == "top":
                return [phrases.name(self._root.name_of(self._nodes[item.node].inputs[0])), stage]
            return [stage]
        arguments: list[tree.Expression] = []
        for number, (ref, wire) in enumerate(zip(item.refs, self._nodes[item.node].inputs, strict=True)):
            if ref.kind == "private":
                arguments.append(self._private(items, number, frame))
            elif ref.kind == "previous":
                arguments.append(tree.Previous(span=phrases.NOWHERE))
            elif ref.kind == "top":
                arguments.append(phrases.name(self._root.name_of(wire)))
            else:
                inner = self._lane([i.region[ref.thread] for i in items], scope, frame)
                arguments.append(tree.Pipeline(tuple(inner), span=phrases.NOWHERE) if len(inner) > 1 else inner[0])
        return [self._stage(nodes, arguments, frame)]

    # Blocks.

    def _block_call(self, column: Sequence[Piece], frame: Frame) -> tree.Expression:
        block = self._blocks[id(column[0].shape)]
        if block.frame is None:
            self._define(block)
        assert block.frame is not None
        arguments: list[tree.Argument] = []
        bare = True
        rows = [block.arguments[id(piece)] for piece in column]
        for number, parameter in enumerate(block.frame.parameters):
            values = [row[number] for row in rows]
            if values.count(parameter.default) == len(values):
                bare = False
                continue
            bare = bare and (parameter.name == "c" or parameter.name[1:].isdigit())
            given = frame.express(values, parameter.hint, parameter.kind)
            arguments.append(tree.Argument(None if bare else parameter.name, given, span=phrases.NOWHERE))
        name = phrases.name(block.name)
        return tree.Call(name, tuple(arguments), span=phrases.NOWHERE) if arguments else name

    def _define(self, block: Block) -> None:
        """Write a block: once to find its parameters, once with them."""
        pieces = block.shape.pieces
        frame = Frame(len(pieces))
        self._body(block, frame, set())
        frame.solve()
        block.frame = frame
        block.arguments = {id(piece): frame.arguments[place] for place, piece in enumerate(pieces)}
        parameters = tuple(
            tree.Parameter(
                phrases.name(p.name),
                None if p.default is NONE else phrases.value(p.default, p.kind),
                span=phrases.NOWHERE,
            )
            for p in frame.parameters
        )
        body = self._body(block, frame, {p.name for p in frame.parameters})
        self._definitions.append(
            tree.Block(
                phrases.name(block.name),
                parameters,
                tuple(body.statements()),
                span=phrases.NOWHERE,
                notes=tree.Notes(blank=True),
            )
        )

    def _body(self, block: Block, frame: Frame, taken: set[str]) -> Scope:
        scope = Scope(self._root, taken | self._top_names | {other.name for other in self._blocks.values()})
        scope.previous = ENTRY
        pieces = block.shape.pieces
        if block.shape.kind == "group":
            self._group(pieces, ENTRY, scope, frame)
        else:
            self._row([piece.parts for piece in pieces], ENTRY, scope, frame)
        return scope

    def _instance_name(self, piece: Piece) -> str:
        """The stem that the names of a piece's layers have in common."""
        names = [self._paths[n] for n in nodes_of(items_of(piece), self._nodes) if self._paths[n]]
        if not names:
            return ""
        stem = names[0] if len(names) == 1 else common_stem(names)
        if len(names) > 1 and not all(len(name) == len(stem) or name[len(stem)] == "_" for name in names):
            stem = stem.rpartition("_")[0]
        stem = stem.rstrip("_")
        return stem if len(stem) > 2 and not is_word(stem) else ""


def _spaced(statements: Sequence[tree.Statement], blocks: int = 0) -> Iterator[tree.Statement]:
    """Statements with an empty line before each of the blocks, which come first, and before what follows."""
    for number, statement in enumerate(statements):
        blank = number <= blocks
        yield replace(statement, notes=replace(statement.notes, blank=True)) if blank else statement


def _ties_forward(graph: Graph, structure: Structure) -> bool:
    """Whether a layer would be written before the one that its weight is tied to."""
    tied = {index: node.tied for index, node in enumerate(graph.nodes) if node.tied is not None}
    seen: set[int] = set()
    for node in nodes_of(structure.root.items, graph.nodes) if tied else ():
        seen.add(node)
        if node in tied and tied[node] not in seen and tied[node] not in structure.top:
            return True
    return False


def _needed_later(head: Item) -> bool:
    """Whether what a region starts from is consumed by more than the first line of it."""
    starts = sum(ref.kind == "previous" for thread in head.region for ref in thread.items[0].refs)
    return starts > 1 or any(ref.kind == "previous" for ref in head.refs)


def _last(piece: Piece) -> int:
    """The node that a piece ends with."""
    while piece.parts:
        piece = piece.parts[-1]
    return piece.items[-1].node
