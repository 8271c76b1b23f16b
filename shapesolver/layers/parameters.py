"""What a layer's parameters may be: declared beside the layer, read here.

A declaration is a class attribute: ``kernel: PerAxis = declare(Kind.PER_AXIS, "window size")``. The parser,
the formatter, the docs and the importers read the declarations; nothing else lists parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from shapesolver.arithmetic import Dim, Formula, bounds

PerAxis = Dim | tuple[Dim, ...]
"""One number for every spatial axis, or one for each."""
Pair = tuple[Dim, Dim]
Padding = str | Dim | tuple[Dim, ...] | tuple[Pair, ...]
"""A word (``same``), a number, a number an axis, or a pair (before, after) an axis."""

ALIGNED = "aligned"
"""The offset that lays one grid on another."""

PADDING_WORDS = ("valid", "same", "same_lower", "causal")

MAX_SIZE = 10**18
"""The greatest size that a file may state; beyond it products are of no use to anyone."""


class Kind(Enum):
    """What values a parameter takes, as the documentation says it."""

    SIZE = "a whole number"
    COUNT = "a plain whole number"
    PER_AXIS = "a whole number or one for each axis"
    FACTORS = "a number or one for each axis"
    PADDING = "a number, a tuple, pairs, or valid, same, causal"
    AMOUNTS = "a number, a tuple, or a pair (before, after) for each axis"
    OFFSETS = "a whole number or one for each axis, or aligned"
    SIZES = "whole numbers"
    SHAPES = "a tuple of sizes for each result"
    FLAG = "true or false"
    NUMBER = "a number"
    WORD = "a word"
    TEXT = "a quoted text"
    AXIS = "an axis name or number"
    AXES = "axis names or numbers"
    TENSOR = "a tensor"


REQUIRED: Any = object()
"""The default of a parameter that has none."""


class ParameterError(ValueError):
    """A value that a parameter does not take; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter. ``names`` are other frameworks' spellings; ``variadic`` takes all positionals;
    ``examples`` are texts that it takes."""

    kind: Kind
    doc: str
    names: tuple[str, ...] = ()
    least: int | None = None
    choices: tuple[str, ...] = ()
    variadic: bool = False
    default: Any = REQUIRED
    examples: tuple[str, ...] = ()

    @property
    def optional(self) -> bool:
        """Whether ``none`` may be given, and is meant when nothing is."""
        return self.default is None

    def read(self, value: Any) -> Any:
        """The value in the form that layers use; raises :class:`ParameterError`."""
        if value is None and self.optional:
            return None
        return _READERS[self.kind](self, value)

    def show(self, value: Any) -> str:
        """A value of it as the language writes it."""
        return f'"{value}"' if self.kind is Kind.TEXT else show(value)

    def expected(self) -> str:
        """What it takes, in words."""
        if self.choices:
            return " or ".join(self.choices)
        limit = "" if self.least is None else f", {self.least} or more"
        return self.kind.value + limit


def declare(
    kind: Kind,
    doc: str,
    *,
    default: Any = REQUIRED,
    names: Sequence[str] = (),
    least: int | None = None,
    choices: Sequence[str] = (),
    variadic: bool = False,
    examples: Sequence[str] = (),
) -> Any:
    """A parameter of a layer kind; typed ``Any`` because a layer's attribute holds the value, not the declaration."""
    return Parameter(kind, doc, tuple(names), least, tuple(choices), variadic, default, tuple(examples))


def _whole(parameter: Parameter, value: Any) -> Dim:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, Formula)):
        raise ParameterError(f"takes {parameter.expected()}, not {show(value)}")
    high = bounds(value)[1]
    if parameter.least is not None and high is not None and high < parameter.least:
        raise ParameterError(f"is {value}, but takes {parameter.expected()}")
    if isinstance(value, int) and abs(value) > MAX_SIZE:
        raise ParameterError(f"is beyond {MAX_SIZE:.0e}, the greatest size that a file may state")
    return value


def _count(parameter: Parameter, value: Any) -> int:
    if isinstance(value, Formula):
        raise ParameterError(f"takes a number, and {value} is known only with the sizes")
    return _whole(parameter, value)  # type: ignore[return-value]


def _real(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, Formula):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ParameterError(f"takes {parameter.expected()}, not {show(value)}")
    if parameter.least is not None and not value > parameter.least:
        raise ParameterError(f"is {value}, but must be more than {parameter.least}")
    if not abs(value) <= MAX_SIZE:
        raise ParameterError(f"is beyond {MAX_SIZE:.0e}")
    return value


def _each(read: Callable[[Parameter, Any], Any]) -> Callable[[Parameter, Any], Any]:
    def reader(parameter: Parameter, value: Any) -> Any:
        if isinstance(value, tuple):
            if not value:
                raise ParameterError("is an empty tuple")
            return tuple(None if v is None and parameter.optional else read(parameter, v) for v in value)
        return read(parameter, value)

    return reader


def _amount(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2:
        return _whole(parameter, value[0]), _whole(parameter, value[1])
    return _whole(parameter, value)


def _amounts(parameter: Parameter, value: Any) -> Any:
    values = _each(_amount)(parameter, value)
    if isinstance(values, tuple) and any(isinstance(v, tuple) for v in values):
        return tuple(v if isinstance(v, tuple) else (v, v) for v in values)
    return values


def _padding(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, str):
        word = {"same_upper": "same"}.get(value.lower(), value.lower())
        if word not in PADDING_WORDS:
            raise ParameterError(f"takes {parameter.expected()}, not {value}")
        return 0 if word == "valid" else word
    return _amounts(parameter, value)


def _offsets(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, str):
        if value.lower() != ALIGNED:
            raise ParameterError(f"takes {parameter.expected()}, not {value}")
        return ALIGNED
    return _each(_whole)(parameter, value)


def _flag(parameter: Parameter, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ParameterError(f"takes true or false, not {show(value)}")


def _word(parameter: Parameter, value: Any) -> str:
    text = value.lower() if isinstance(value, str) else value
    if not isinstance(text, str) or (parameter.choices and text not in parameter.choices):
        raise ParameterError(f"takes {parameter.expected()}, not {show(value)}")
    return text


def _text(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or '"' in value:
        raise ParameterError(f"takes {parameter.expected()}, not {show(value)}")
    return value


def _shapes(parameter: Parameter, value: Any) -> Any:
    if not isinstance(value, tuple):
        raise ParameterError(f"takes {parameter.expected()}, not {show(value)}")
    shapes = value if value and isinstance(value[0], tuple) else (value,)
    if not all(isinstance(shape, tuple) for shape in shapes):
        raise ParameterError(f"takes {parameter.expected()}, not {show(value)}")
    return tuple(tuple(_whole(parameter, size) for size in shape) for shape in shapes)


def _axis(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ParameterError(f"takes {parameter.expected()}, not {show(value)}")
    return value


def _many(read: Callable[[Parameter, Any], Any]) -> Callable[[Parameter, Any], Any]:
    def reader(parameter: Parameter, value: Any) -> Any:
        values = value if isinstance(value, tuple) else (value,)
        if len(values) == 1 and isinstance(values[0], tuple):
            values = values[0]
        return tuple(read(parameter, item) for item in values)

    return reader


_READERS: dict[Kind, Callable[[Parameter, Any], Any]] = {
    Kind.SIZE: _whole,
    Kind.COUNT: _count,
    Kind.PER_AXIS: _each(_whole),
    Kind.FACTORS: _each(_real),
    Kind.PADDING: _padding,
    Kind.AMOUNTS: _amounts,
    Kind.OFFSETS: _offsets,
    Kind.SIZES: _many(_whole),
    Kind.SHAPES: _shapes,
    Kind.FLAG: _flag,
    Kind.NUMBER: _real,
    Kind.WORD: _word,
    Kind.TEXT: _text,
    Kind.AXIS: _axis,
    Kind.AXES: _many(_axis),
    Kind.TENSOR: lambda _, value: value,
}


def show(value: Any) -> str:
    """A parameter's value as the language writes it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        inner = ", ".join(map(show, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})" if value else "[]"
    if isinstance(value, str) and not value.isidentifier():
        return f'"{value}"'
    return str(value)
