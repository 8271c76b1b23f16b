"""Lanes: what lies between a tensor and the layer that joins it again, as arguments of that layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shapesolver.exchange import phrases
from shapesolver.exchange.choices import Block
from shapesolver.exchange.frames import Frame
from shapesolver.exchange.repeats import Piece, Pieces
from shapesolver.exchange.stages import Stages
from shapesolver.exchange.structure import Item, Thread
from shapesolver.language import tree

LANE_WIDTH = 88
"""The longest lane beside its merge, about; a longer one gets lines of its own."""
NAMED_WIDTH = 16
"""What a line of its own would take for the names."""

BlockCall = Callable[[Sequence[Piece], Frame], tree.Expression]


class Lanes:
    """Tells which regions are short and simple enough to stand within their merge, and writes them so."""

    def __init__(self, pieces: Pieces, blocks: Mapping[int, Block], stages: Stages, call: BlockCall) -> None:
        self._pieces = pieces
        self._blocks = blocks
        self._stages = stages
        self._call = call
        self._widths: dict[Any, int] = {}

    def of(self, heads: Sequence[Item], frame: Frame) -> dict[int, tree.Expression] | None:
        """The lanes of a region as arguments of the layer that joins them, where they are short and simple."""
        head = heads[0]
        if not head.region or self._stages.nodes[head.node].results > 1:
            return None
        used = [ref for ref in head.refs if ref.kind == "inside"]
        whole = {(ref.thread, ref.item) for ref in used} == {
            (number, len(thread.items) - 1) for number, thread in enumerate(head.region)
        }
        if not whole or len(used) != len(head.region) or any(ref.output for ref in used):
            return None
        widths = [self._lane_width(thread, 0) for thread in head.region]
        if None in widths or (len(widths) == 1 and sum(w or 0 for w in widths) > LANE_WIDTH - NAMED_WIDTH):
            return None
        lanes = {}
        for ref in used:
            stages = self._lane([h.region[ref.thread] for h in heads], frame)
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
            node = self._stages.nodes[item.node]
            beside = any(ref.kind == "beside" or ref.output for ref in item.refs)
            if (
                beside
                or node.results > 1
                or node.allow
                or item.node in self._stages.sharing
                or item.node in self._stages.origins
            ):
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
        layer = self._stages.nodes[node].layer
        width = self._widths.get(layer)
        if width is None:
            width = self._widths[layer] = len(layer.describe())
        return width

    def _lane(self, threads: Sequence[Thread], frame: Frame) -> list[tree.Expression]:
        stages: list[tree.Expression] = []
        for column in zip(*(self._pieces.of[id(thread)] for thread in threads), strict=True):
            self._lane_piece(column, stages, frame)
        return stages

    def _lane_piece(self, column: Sequence[Piece], stages: list[tree.Expression], frame: Frame) -> None:
        if id(column[0].shape) in self._blocks:
            stages.append(self._call(column, frame))
            return
        if column[0].parts:
            for parts in zip(*(piece.parts for piece in column), strict=True):
                self._lane_piece(parts, stages, frame)
            return
        for items in zip(*(piece.items for piece in column), strict=True):
            stages.extend(self._lane_stage(items, frame))

    def _lane_stage(self, items: Sequence[Item], frame: Frame) -> list[tree.Expression]:
        """A layer in a lane; before it where the lane starts, if that is a tensor from the top of the file."""
        item, nodes = items[0], [item.node for item in items]
        if len(item.refs) == 1 and item.refs[0].kind in ("previous", "top"):
            stage = self._stages.stage(nodes, (), frame)
            if item.refs[0].kind == "top":
                return [phrases.name(self._stages.root.name_of(self._stages.nodes[item.node].inputs[0])), stage]
            return [stage]
        arguments: list[tree.Expression] = []
        for number, (ref, wire) in enumerate(zip(item.refs, self._stages.nodes[item.node].inputs, strict=True)):
            if ref.kind == "private":
                arguments.append(self._stages.private(items, number, frame))
            elif ref.kind == "previous":
                arguments.append(tree.Previous(span=phrases.NOWHERE))
            elif ref.kind == "top":
                arguments.append(phrases.name(self._stages.root.name_of(wire)))
            else:
                inner = self._lane([i.region[ref.thread] for i in items], frame)
                arguments.append(tree.Pipeline(tuple(inner), span=phrases.NOWHERE) if len(inner) > 1 else inner[0])
        return [self._stages.stage(nodes, arguments, frame)]
