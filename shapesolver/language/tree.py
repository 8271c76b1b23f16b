"""The tree of a file: frozen dataclasses with spans. Two trees are equal when they say the same.

Spans, comments and blank lines take no part in equality, so parsing what was formatted gives an equal tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from shapesolver.diagnostics import Span


def _span() -> Span:
    return field(compare=False, repr=False, kw_only=True)  # type: ignore[no-any-return]


# Expressions.


@dataclass(frozen=True, slots=True)
class Number:
    """``3``, ``0.5``."""

    value: int | float
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Name:
    """A word: a layer, a tensor, a value; what it means is decided elsewhere."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string."""

    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Previous:
    """``_``, the result of the line above."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Hole:
    """``?p``, an unknown."""

    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Attribute:
    """``conv2.H``."""

    value: Expression
    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Index:
    """``repeat1[3]``."""

    value: Expression
    index: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Tuple:
    """``(7, 5)`` or ``[7, 5]``."""

    items: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``+x``, ``not x``."""

    op: str
    operand: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Binary:
    """``left op right`` with ``+ - * / // % **``."""

    op: str
    left: Expression
    right: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Compare:
    """``first op second op third ...``: every neighbouring pair must hold."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Logic:
    """``a and b and ...`` or ``a or b or ...``."""

    op: str
    operands: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Argument:
    """``value`` or ``name=value``."""

    name: str | None
    value: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """``conv(32, kernel=7)``."""

    function: Expression
    arguments: tuple[Argument, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """``a -> b -> c``, two stages or more."""

    stages: tuple[Expression, ...]
    span: Span = _span()


Expression: TypeAlias = (
    Number
    | Name
    | Text
    | Previous
    | Hole
    | Attribute
    | Index
    | Tuple
    | Unary
    | Binary
    | Compare
    | Logic
    | Call
    | Pipeline
)

# Statements.


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What a statement's surroundings say to people: comments and a blank line."""

    before: tuple[str, ...] = ()
    """Comments on lines of their own above it."""
    after: str = ""
    """The comment at its end; a block's or repeat's is the one behind its brace."""
    inside: tuple[tuple[int, int, str], ...] = ()
    """Comments within its parentheses, with line and column."""
    header: str = ""
    """The comment behind an opening brace."""
    closing: tuple[str, ...] = ()
    """Comments between the last statement of a body and its closing brace."""
    blank: bool = False
    """Whether an empty line stands above it."""


def _notes() -> Notes:
    return field(default=Notes(), compare=False, repr=False, kw_only=True)


def _allow() -> tuple[str, ...]:
    return field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Line:
    """``names = value``, or a value alone."""

    names: tuple[Name, ...]
    value: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Dialect:
    """``dialect onnx opset=21``."""

    name: Name
    options: tuple[Argument, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Layout:
    """``layout channels_first``."""

    name: Name
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Let:
    """``let width = 64``."""

    name: Name
    value: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Assume:
    """``assume H % 16 == 0``."""

    condition: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Expect:
    """``expect conv2 == (2, 2, 64)``."""

    condition: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Output:
    """``output y, z``."""

    values: tuple[Expression, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A block's parameter, perhaps with a default."""

    name: Name
    default: Expression | None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Block:
    """``block double_conv(c) { ... }``."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True)
class Repeat:
    """``repeat 10 as i { ... }``."""

    count: Expression
    index: Name | None
    body: tuple[Statement, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


Statement: TypeAlias = Line | Dialect | Layout | Let | Assume | Expect | Output | Block | Repeat


@dataclass(frozen=True, slots=True)
class File:
    """A whole file; ``closing`` are the comments after its last statement."""

    statements: tuple[Statement, ...]
    closing: tuple[str, ...] = field(default=(), compare=False)
