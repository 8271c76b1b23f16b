"""A graph as a readable ``.net`` text. Parsed, the text gives the same layers, joined in the same way.

Straight runs become pipelines, short lanes the arguments of the layer that joins them, what repeats becomes blocks
and repeats. Names are kept where a line has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from shapesolver.exchange import phrases
from shapesolver.exchange.choices import Block, chosen_blocks, items_of
from shapesolver.exchange.frames import COUNT, NONE, Frame
from shapesolver.exchange.lanes import Lanes
from shapesolver.exchange.naming import common_stem, common_words, is_word, valid_name
from shapesolver.exchange.repeats import Piece, Pieces, pieces_of
from shapesolver.exchange.scopes import ENTRY, LineDraft, Scope
from shapesolver.exchange.stages import Stages
from shapesolver.exchange.structure import (
    OUTSIDE,
    Item,
    Structure,
    Thread,
    flat_structure,
    nodes_of,
    structure_of,
)
from shapesolver.exchange.towers import Definition, contracted
from shapesolver.language import tree
from shapesolver.language.formatter import format_tree
from shapesolver.layers.source import Input
from shapesolver.model.graph import Graph, Wire

MAX_DEPTH = 60
"""How deep regions may lie in each other; a graph beyond it is written a layer a line."""


def write(graph: Graph) -> str:
    """The text of a graph, in time linear in its size."""
    small = contracted(graph)
    taken = {block.name for block in small.blocks}
    blocks = [statement for block in small.blocks for statement in _block(block, taken)]
    return format_tree(tree.File(tuple(_writer(small.graph, taken).file(blocks))))


def _writer(graph: Graph, taken: set[str]) -> _Writer:
    structure = structure_of(graph)
    if structure.depth > MAX_DEPTH or _ties_forward(graph, structure):
        structure = flat_structure(graph)
    return _Writer(graph, structure, taken)


def _block(block: Definition, taken: set[str]) -> Iterator[tree.Block]:
    """A tower's block, after those that it uses itself."""
    statements = _writer(block.graph, taken).file()
    inner = [one for one in statements if isinstance(one, tree.Block)]
    taken.update(one.name.text for one in inner)
    yield from inner
    first, *body = [one for one in statements if not isinstance(one, (tree.Block, tree.Dialect, tree.Layout))]
    assert isinstance(first, tree.Line)
    (name,) = first.names
    if re.search(rf"\b{name.text}\b", format_tree(tree.File(tuple(body)))):
        body.insert(0, replace(first, value=tree.Previous(span=phrases.NOWHERE)))
    body[0] = replace(body[0], notes=replace(body[0].notes, blank=False))
    yield tree.Block(phrases.name(block.name), (), tuple(body), span=phrases.NOWHERE, notes=tree.Notes(blank=True))


class _Writer:
    def __init__(self, graph: Graph, structure: Structure, taken: set[str]) -> None:
        """``taken`` are names of blocks that there are already."""
        self._graph = graph
        self._nodes = graph.nodes
        self._structure = structure
        self._pieces: Pieces = pieces_of(graph, structure)
        self._paths = [valid_name(node.path) if node.path in graph.spans else "" for node in graph.nodes]
        own = {node.path for node in graph.nodes}
        self._authors = {w: path for path, w in graph.names.items() if path.isidentifier() and path not in own}
        """What the file calls results that are not called like the layer that makes them."""
        self._blocks = chosen_blocks(graph, structure, self._pieces, {*self._paths, *taken})
        self._definitions: list[tree.Block] = []
        self._root = Scope(taken={*taken, *(block.name for block in self._blocks.values())})
        self._stages = Stages(graph, structure, self._root)
        self._lanes = Lanes(self._pieces, self._blocks, self._stages, self._block_call)
        self._top_names: set[str] = set()
        self._inputs = 0
        self._stated: set[str] = set()

    def file(self, blocks: Sequence[tree.Block] = ()) -> list[tree.Statement]:
        """The statements of the file; ``blocks`` come before its own."""
        statements = [*phrases.header(self._graph.dialect)]
        root = self._root
        for index in self._structure.top:
            self._source(index)
        self._thread([self._structure.root], Wire(OUTSIDE), root, Frame(1))
        ends = [*self._outputs(), *self._claims()]
        lines = [*root.statements()]
        definitions = [*blocks, *self._definitions]
        body: list[tree.Statement] = [*definitions, *lines[self._inputs :], *ends]
        return [*statements, *_spaced(lines[: self._inputs]), *_spaced(body, len(definitions))]

    def _source(self, index: int) -> None:
        """A line for an input, or for another tensor that is named at the top."""
        node = self._nodes[index]
        draft = self._root.line()
        self._inputs += 1
        if isinstance(node.layer, Input):
            draft.stages.append(phrases.source(node.layer, self._graph.symbols, self._stated))
        else:
            draft.stages.append(phrases.call([node.layer], (), phrases.literal))
        draft.allow = node.allow
        self._root.result(draft, index)
        name = self._root.fresh(self._paths[index] or ("image" if isinstance(node.layer, Input) else ""))
        draft.names.append(name)
        self._root.know(Wire(index), name)
        if index in self._stages.origins:
            self._stages.names[index] = name
        self._top_names.add(name)

    def _outputs(self) -> list[tree.Statement]:
        graph, root = self._graph, self._root
        if graph.outputs == (root.previous,):
            return []
        names = tuple(phrases.name(root.name_of(wire)) for wire in graph.outputs)
        return [tree.Output(names, span=phrases.NOWHERE)] if names else []

    def _claims(self) -> list[tree.Statement]:
        graph, where = self._graph, phrases.NOWHERE
        assumed = [tree.Assume(self._stages.claim(claim), span=where) for claim in graph.assumptions]
        return [*assumed, *(tree.Expect(self._stages.claim(claim), span=where) for claim in graph.expectations)]

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
        if frame.count == 1:
            self._name_rounds(column[0].parts)
        body = scope.repeat(frame.express(counts, COUNT, None))
        self._piece([piece.parts[0] for piece in column], ENTRY, body, frame)
        scope.anonymous(_last(column[0]))
        if column[0].exposed:
            scope.name_of(Wire(_last(column[0])))

    def _name_rounds(self, rounds: Sequence[Piece]) -> None:
        """Call what a repeat runs by what the names of all its rounds have in common."""
        inside = ([*nodes_of(items_of(one), self._nodes)] for one in rounds)
        for alike in zip(*inside, strict=True):
            self._paths[alike[0]] = common_words([self._paths[node] for node in alike])

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
            wishes = (self._authors.get(Wire(node), ""), *self._instance_names(column[0]))
            name = next(filter(scope.free, wishes), "")
            if name:
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
        lanes = self._lanes.of(heads, frame)
        if lanes is None and heads[0].region:
            self._region(heads, entry, scope, frame)
        draft = self._head_line(heads, lanes, entry, scope, frame)
        for later in zip(*(row[1:] for row in items), strict=True):
            draft.stages.append(self._stages.stage([item.node for item in later], (), frame))
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
            draft.stages.append(self._stages.stage(nodes, (), frame))
            return draft
        arguments = []
        for number, (ref, wire) in enumerate(zip(head.refs, sources, strict=True)):
            if ref.kind == "private":
                arguments.append(self._stages.private(heads, number, frame))
            elif lanes is not None and ref.kind == "inside":
                arguments.append(lanes[ref.thread])
            else:
                arguments.append(scope.mention(wire))
        draft.stages.append(self._stages.stage(nodes, arguments, frame))
        scope.previous = before
        return draft

    def _name_line(self, items: Sequence[list[Item]], draft: LineDraft, scope: Scope, frame: Frame) -> None:
        """Say what a line makes, and give it the name that its main layer had."""
        nodes = [item.node for item in items[0]]
        main = next((n for n in reversed(nodes) if not self._nodes[n].layer.elementwise), nodes[-1])
        last = self._nodes[nodes[-1]]
        scope.result(draft, nodes[-1])
        draft.allow = last.allow
        if frame.count == 1:
            draft.wish = self._authors.get(Wire(nodes[-1])) or self._paths[main]
            if last.results == 1 and scope.free(draft.wish):
                draft.names.append(scope.fresh(draft.wish))
        if last.results > 1:
            stem = draft.wish or last.layer.op
            draft.names.extend(scope.fresh(f"{stem}_{k + 1}") for k in range(last.results))
        for origin in self._stages.origins.intersection(nodes):
            if not draft.names:
                draft.names.append(scope.fresh(draft.wish or f"shared_{self._nodes[origin].layer.op}"))
            self._stages.names[origin] = draft.names[0]

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

    def _instance_names(self, piece: Piece) -> list[str]:
        """What a piece may be called: the stem that the names of its layers have in common, or the first of them."""
        names = [self._paths[n] for n in nodes_of(items_of(piece), self._nodes) if self._paths[n]]
        stem = self._stem(names) if names else ""
        plain = piece.shape.kind == "group" and not piece.shape.joins
        return [stem, *(names[:1] if stem or plain else ())]

    def _stem(self, names: Sequence[str]) -> str:
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
