"""What a file may lay out, counted before it is: blocks in repeats in blocks fill any memory with a few lines."""

from __future__ import annotations

from collections.abc import Collection
from operator import add, floordiv, mul, sub

from shapesolver.language import tree

MAX_LAYERS = 250_000
"""The most layers of one network, repeats laid out."""
MAX_STATEMENTS = 1_000_000
"""The most statements and rounds, those of blocks and repeats as often as they are laid out."""
MAX_REPEAT = 100_000
"""The most rounds of one repeat."""
MAX_BLOCK_DEPTH = 50
"""How deep blocks and repeats may lie in each other."""

_FOLDED = {"+": add, "-": sub, "*": mul, "//": floordiv}


class Count:
    """The fewest lines that parts of a file lay out, those of blocks and repeats as often as they are laid out."""

    def __init__(self, file: tree.File) -> None:
        self._blocks = {s.name.text: s for s in file.statements if isinstance(s, tree.Block)}
        self._counted: dict[str, int] = {}
        self._depth = 0

    def of(self, body: tuple[tree.Statement, ...], given: Collection[str] = ()) -> int:
        """The fewest lines that a body lays out; ``given`` are names that mean no block in it."""
        if self._depth > MAX_BLOCK_DEPTH:
            return 0  # which is refused for its depth
        hidden = {*given, *(name.text for s in body if isinstance(s, tree.Line) for name in s.names)}
        self._depth += 1
        total = sum(self._statement(statement, hidden) for statement in body)
        self._depth -= 1
        return total

    def _statement(self, statement: tree.Statement, hidden: Collection[str]) -> int:
        match statement:
            case tree.Repeat(count=count, body=body):
                # A round without lines is a round nevertheless.
                return rounds(count) * max(self.of(body, hidden), 1)
            case tree.Line(value=value):
                return self.line(value, hidden)
        return 0

    def line(self, value: tree.Expression, hidden: Collection[str] = ()) -> int:
        """The fewest lines that one line lays out: those of the blocks that its stages call, or itself."""
        if not self._blocks:
            return 1
        stages = value.stages if isinstance(value, tree.Pipeline) else (value,)
        return max(1, sum(self._stage(stage, hidden) for stage in stages))

    def _stage(self, stage: tree.Expression, hidden: Collection[str]) -> int:
        """The lines of the block that a stage calls."""
        name = stage.function if isinstance(stage, tree.Call) else stage
        if not isinstance(name, tree.Name) or name.text in hidden or name.text not in self._blocks:
            return 0
        if name.text not in self._counted:
            block = self._blocks[name.text]
            self._counted[name.text] = 0  # a block that calls itself is another error
            self._counted[name.text] = self.of(block.body, {p.name.text for p in block.parameters})
        return self._counted[name.text]


def rounds(count: tree.Expression) -> int:
    """How often a repeat goes round where that stands there in plain numbers; 0 where it depends on anything else."""
    match count:
        case tree.Number(value=int(value)):
            return value
        case tree.Binary(op="**", left=tree.Number(value=int(base)), right=tree.Number(value=int(exponent))):
            return int(base**exponent) if base.bit_length() * exponent < 64 else 0
        case tree.Binary(op=op, left=left, right=right) if op in _FOLDED:
            one, two = rounds(left), rounds(right)
            return int(_FOLDED[op](one, two)) if one > 0 and two > 0 else 0
    return 0
