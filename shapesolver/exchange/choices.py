"""Which shapes become blocks: those that save lines, and what each is called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from shapesolver.exchange.frames import Frame
from shapesolver.exchange.naming import common_stem, is_word
from shapesolver.exchange.repeats import Piece, Pieces, Shape
from shapesolver.exchange.scopes import LOCAL_NAMES
from shapesolver.exchange.structure import Item, Structure, nodes_of
from shapesolver.layers.registry import kinds
from shapesolver.model.graph import Graph

MAX_PARAMETERS = 8
"""The most values that may differ among the places of a block."""

_SHORT = {"batch_norm": "bn", "layer_norm": "ln", "depthwise_conv": "depthwise", "separable_conv": "separable"}
_JOINS = {"add": "residual", "concat": "branches", "mul": "gated"}


@dataclass(slots=True, eq=False)
class Block:
    """A shape that is written once and called where its pieces are."""

    shape: Shape
    name: str
    differs: int
    """How many of its values differ from place to place, about."""
    frame: Frame | None = None
    arguments: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    """The values of its parameters, by the ``id`` of the piece."""


def chosen_blocks(graph: Graph, structure: Structure, pieces: Pieces, taken: set[str]) -> dict[int, Block]:
    """The blocks, by the ``id`` of their shapes. ``taken`` are names that they cannot have."""
    chooser = _Chooser(graph, pieces, taken)
    return chooser.chosen(pieces.content[id(structure.root)])


class _Chooser:
    def __init__(self, graph: Graph, pieces: Pieces, taken: set[str]) -> None:
        self._graph = graph
        self._pieces = pieces
        self._taken = {*taken, *LOCAL_NAMES, *(name for kind in kinds().values() for name in kind.parameters)}
        self._threads = {pieces.content[id(thread)]: thread for thread in pieces.distinct}

    def chosen(self, root: int) -> dict[int, Block]:
        """Every shape is met once with the number of places that its text would stand at."""
        places: Counter[Any] = Counter({root: 1})
        blocks: dict[int, Block] = {}
        for key in self._outermost_first(root):
            count = places[key]
            if isinstance(key, Shape) and self._worth(key, count):
                differs = self._differs(key)
                if differs <= MAX_PARAMETERS:
                    blocks[id(key)] = Block(key, self._name(key), differs)
                    count = 1
            for inner, times in self._within(key).items():
                places[inner] += count * times
        return blocks

    def _within(self, key: Any) -> Counter[Any]:
        """What a thread or shape consists of: shapes, or for a group the threads of its regions."""
        if not isinstance(key, Shape):
            return Counter(piece.shape for piece in self._pieces.of[id(self._threads[key])])
        if key.parts:
            return Counter(key.parts)
        items = key.pieces[0].items if key.pieces else []
        return Counter(self._pieces.content[id(thread)] for item in items for thread in item.region)

    def _outermost_first(self, root: int) -> Iterator[Any]:
        """Everything, each after all that it is part of."""
        done: list[Any] = []
        seen = {root}
        stack: list[tuple[Any, Iterator[Any]]] = [(root, iter(self._within(root)))]
        while stack:
            key, inner = stack[-1]
            following = next((k for k in inner if k not in seen), None)
            if following is None:
                done.append(key)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(self._within(following))))
        return iter(done[::-1])

    def _worth(self, shape: Shape, places: int) -> bool:
        """Whether a block saves enough: lanes that meet again, or a longer stretch in four places."""
        if places < 2 or not shape.whole or shape.kind == "run":
            return False
        if shape.kind == "rule":
            calls = sum(map(_call_lines, shape.parts))
            return places * calls - (places + calls + 3) >= 2
        if shape.joins:
            return shape.layers >= 4
        return shape.layers >= 3 and places >= 4

    def _differs(self, shape: Shape) -> int:
        """How many values differ among a shape's pieces, equal columns counted once."""
        found: set[Any] = set()
        rows = [_layers(piece, self._graph) for piece in shape.pieces]
        for column in zip(*rows, strict=True):
            if isinstance(column[0], int):
                found.update({column} if len(set(column)) > 1 else ())
            elif any(layer is not column[0] for layer in column):
                for name in column[0].parameters:
                    values = tuple(getattr(layer, name) for layer in column)
                    if values.count(values[0]) < len(values):
                        found.add(values)
                        if len(found) > 3 * MAX_PARAMETERS:
                            return len(found)
        return len(found)

    def _name(self, shape: Shape) -> str:
        stems = {self._stem(piece) for piece in shape.pieces}
        stem = stems.pop() if len(stems) == 1 else ""
        description = self._description(shape)
        wished = [stem, description] if len(stem) > 2 else [description]
        numbered = (f"{description}{number}" for number in count(2))
        name = next(name for name in chain(wished, numbered) if name not in self._taken and not is_word(name))
        self._taken.add(name)
        return name

    def _stem(self, piece: Piece) -> str:
        """What the names of a piece's layers begin with, numbers left out."""
        names = [self._graph.nodes[n].path for n in nodes_of(items_of(piece), self._graph.nodes)]
        stem = common_stem(names).rpartition("_")[0]
        return re.sub(r"_?\d+[a-z]?(?=_|$)|\d+", "", stem).strip("_") if stem.isidentifier() else ""

    def _description(self, shape: Shape) -> str:
        """A name for what it does: ``residual``, ``branches``, ``conv_bn_relu``, ``stage``."""
        if shape.kind == "rule":
            return "stage" if _repeats(shape) else "unit"
        ops = [self._graph.nodes[item.node].layer.op for item in shape.pieces[0].items]
        joined = next((_JOINS[op] for op in ops if op in _JOINS), None) if shape.joins else None
        return joined or "_".join(_SHORT.get(op, op) for op in ops[:4])


def _call_lines(shape: Shape) -> int:
    """How many lines a shape takes where its groups are blocks."""
    if shape.kind == "rule":
        return sum(map(_call_lines, shape.parts))
    return 3 if shape.kind == "run" else 1


def _repeats(shape: Shape) -> bool:
    return any(part.kind == "run" or _repeats(part) for part in shape.parts)


def items_of(piece: Piece) -> list[Item]:
    """The items of a piece, in order."""
    if not piece.parts:
        return piece.items
    return [item for part in piece.parts for item in items_of(part)]


def _layers(piece: Piece, graph: Graph) -> list[Any]:
    """The layers that a piece's text would state, a run's once, with how often it runs."""
    if piece.shape.kind == "run":
        return [len(piece.parts), *_layers(piece.parts[0], graph)]
    if piece.parts:
        return [layer for part in piece.parts for layer in _layers(part, graph)]
    return [graph.nodes[n].layer for n in nodes_of(piece.items, graph.nodes)]
