"""Python expressions as values: written out in a file, or evaluated to build the module itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim
from shapesolver.model.graph import Wire

Expression = Any
"""One of the classes below, or a plain number, word, flag, ``None``, tuple or list of expressions."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor, by the wire that carries it."""

    wire: Wire


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A number, flag or tuple that a constructor is given, and may become a parameter of a module class.

    ``hint`` is the constructor's name for it; at ``default`` it is left out; ``keyword`` is whether it is written
    with its name. ``role`` is what PyTorch calls it, where the constructor is a class of the file's own.
    """

    value: Any
    hint: str
    default: Any = None
    keyword: bool = True
    role: str = ""

    def positional(self) -> Slot:
        """The same, written without its name."""
        return Slot(self.value, self.hint, self.default, False, self.role)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of ``torch``, ``nn`` or ``F``, or one that the file defines, called."""

    function: str
    args: tuple[Expression, ...] = ()
    kwargs: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a tensor called."""

    of: Expression
    name: str
    args: tuple[Expression, ...] = ()
    kwargs: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """The layer's own module, or its tensor where ``args`` is ``None``."""

    args: tuple[Expression, ...] | None = None
    kwargs: tuple[tuple[str, Expression], ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """Two expressions and an operator between them."""

    symbol: str
    left: Expression
    right: Expression


class Slice(NamedTuple):
    """A part of an index: ``start:stop:step``."""

    start: Expression = None
    stop: Expression = None
    step: Expression = None


@dataclass(frozen=True, slots=True)
class Item:
    """A tensor or tuple indexed."""

    of: Expression
    index: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """One size of a tensor: ``x.shape[0]``."""

    of: Expression
    axis: int


@dataclass(frozen=True, slots=True)
class Size:
    """A formula in the input sizes."""

    formula: Dim


@dataclass(frozen=True, slots=True)
class Batch:
    """How many examples there are."""


def call(function: str, *args: Expression, **kwargs: Expression) -> Call:
    """A call, written as Python has it."""
    return Call(function, args, tuple(kwargs.items()))


def method(of: Expression, name: str, *args: Expression, **kwargs: Expression) -> Method:
    """A method call, written as Python has it."""
    return Method(of, name, args, tuple(kwargs.items()))


@dataclass(frozen=True, slots=True)
class Repeated:
    """Modules made in a loop over ``i``, and how many."""

    element: Expression
    count: Slot


@dataclass(frozen=True, slots=True)
class Progression:
    """A number that grows from round to round: ``start + step*i``, or ``start * 2**i``."""

    start: Slot
    step: Slot | None


class Written(NamedTuple):
    """A layer in PyTorch."""

    result: Expression
    """What its results are; :class:`Made` in it is the module that it makes."""
    made: Call | None = None
    """The module or parameter that it makes, if it makes one."""
    stages: tuple[Call, ...] | None = None
    """The modules that do the same one after another, where there are some: it may stand in ``nn.Sequential``."""
    note: str = ""
    """A comment on what PyTorch does differently."""


def module(made: Call, inputs: tuple[Expression, ...], note: str = "") -> Written:
    """A layer that is one module of one tensor or several."""
    return Written(Made(inputs), made, (made,) if len(inputs) == 1 and isinstance(inputs[0], Value) else None, note)


def function(result: Expression, stage: Call | None, note: str = "") -> Written:
    """A layer that is a function, and perhaps exists as a module, too."""
    return Written(result, None, None if stage is None else (stage,), note)
