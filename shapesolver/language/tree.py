"""The tree of a file: frozen dataclasses with spans. Two trees are equal when they say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from shapesolver.diagnostics import Span


class Node:
    """What all of a tree's parts have in common: each is what it says.

    Spans, comments and blank lines take no part in equality, so parsing what was formatted gives an equal tree.
    This is said once, here: methods that a dataclass makes for itself take time at each start.
    """

    __slots__: tuple[str, ...] = ()

    def _said(self) -> dict[str, object]:
        aside = ("span", "notes", "closing")
        return {name: getattr(self, name) for name in self.__slots__ if name not in aside}

    def __eq__(self, other: object) -> bool:
        return self._said() == other._said() if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *self._said().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._said().items())})"


def parts(value: object) -> Iterable[object]:
    """What a node says, or the entries of a tuple of them; nothing of anything else."""
    return value._said().values() if isinstance(value, Node) else value if isinstance(value, tuple) else ()


def _span() -> Span:
    return field(kw_only=True)  # type: ignore[no-any-return]


# Expressions.


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Number(Node):
    """``3``, ``0.5``."""

    value: int | float
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Name(Node):
    """A word: a layer, a tensor, a value; what it means is decided elsewhere."""

    text: str
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Text(Node):
    """A quoted string."""

    value: str
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Previous(Node):
    """``_``, the result of the line above."""

    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Hole(Node):
    """``?p``, an unknown."""

    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attribute(Node):
    """``conv2.H``."""

    value: Expression
    name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Index(Node):
    """``repeat1[3]``."""

    value: Expression
    index: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tuple(Node):
    """``(7, 5)`` or ``[7, 5]``."""

    items: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Unary(Node):
    """``-x``, ``+x``, ``not x``."""

    op: str
    operand: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Binary(Node):
    """``left op right`` with ``+ - * / // % **``."""

    op: str
    left: Expression
    right: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compare(Node):
    """``first op second op third ...``: every neighbouring pair must hold."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Logic(Node):
    """``a and b and ...`` or ``a or b or ...``."""

    op: str
    operands: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Argument(Node):
    """``value`` or ``name=value``."""

    name: str | None
    value: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call(Node):
    """``conv(32, kernel=7)``."""

    function: Expression
    arguments: tuple[Argument, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pipeline(Node):
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
    return field(default=Notes(), kw_only=True)


def _allow() -> tuple[str, ...]:
    return field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Line(Node):
    """``names = value``, or a value alone."""

    names: tuple[Name, ...]
    value: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Dialect(Node):
    """``dialect onnx opset=21``."""

    name: Name
    options: tuple[Argument, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Layout(Node):
    """``layout channels_first``."""

    name: Name
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Let(Node):
    """``let width = 64``."""

    name: Name
    value: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Assume(Node):
    """``assume H % 16 == 0``."""

    condition: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Expect(Node):
    """``expect conv2 == (2, 2, 64)``."""

    condition: Expression
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Output(Node):
    """``output y, z``."""

    values: tuple[Expression, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parameter(Node):
    """A block's parameter, perhaps with a default."""

    name: Name
    default: Expression | None
    span: Span = _span()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Block(Node):
    """``block double_conv(c) { ... }``."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Repeat(Node):
    """``repeat 10 as i { ... }``."""

    count: Expression
    index: Name | None
    body: tuple[Statement, ...]
    span: Span = _span()
    allow: tuple[str, ...] = _allow()
    notes: Notes = _notes()


Statement: TypeAlias = Line | Dialect | Layout | Let | Assume | Expect | Output | Block | Repeat


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class File(Node):
    """A whole file; ``closing`` are the comments after its last statement."""

    statements: tuple[Statement, ...]
    closing: tuple[str, ...] = ()
