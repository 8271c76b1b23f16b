"""Where a layer stands in its file, and how one of its arguments is replaced or added there.

The author's spelling, keywords and layout stay: only the value itself changes, or one argument is added at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shapesolver.diagnostics import Edit, Span
from shapesolver.language import tree
from shapesolver.layers.parameters import PADDING_WORDS
from shapesolver.layers.registry import Spelling, parameter_names, spellings
from shapesolver.model.values import WORDS
from shapesolver.verify.fixing.edits import Text

LayerCall = tree.Call | tree.Name
"""A layer with its parentheses, or without."""


def statements(body: tuple[tree.Statement, ...]) -> Iterator[tree.Statement]:
    """The statements, those inside blocks and repeats after the one around them."""
    for statement in body:
        yield statement
        if isinstance(statement, (tree.Block, tree.Repeat)):
            yield from statements(statement.body)


def call_at(file: tree.File, span: Span) -> LayerCall | None:
    """The call of the layer that was made by the text in a span."""
    for statement in statements(file.statements):
        if isinstance(statement, (tree.Line, tree.Output)) and _within(span, statement.span):
            found = _find(statement, span)
            if found is not None:
                return found
    return None


def _find(part: Any, span: Span) -> LayerCall | None:
    if isinstance(part, (tree.Call, tree.Name)) and part.span == span:
        return part
    return next((found for item in tree.parts(part) if (found := _find(item, span)) is not None), None)


def _within(span: Span, outer: Span) -> bool:
    return outer[:2] <= span[:2] and span[2:] <= outer[2:]


def spelling_of(call: LayerCall) -> Spelling | None:
    """What the call's name means, if it is a layer's."""
    function = call.function if isinstance(call, tree.Call) else call
    return spellings().get(function.text) if isinstance(function, tree.Name) else None


def argument_of(call: LayerCall, parameter: str) -> tree.Argument | None:
    """The argument that states a parameter, by keyword or by position."""
    spelling = spelling_of(call)
    if spelling is None or isinstance(call, tree.Name):
        return None
    known = parameter_names(spelling.kind.op)
    order = iter(spelling.positional)
    for argument in call.arguments:
        if argument.name is not None:
            if known.get(argument.name) == parameter:
                return argument
        elif not is_tensor(argument.value) and next(order, None) == parameter:
            return argument
    return None


def is_tensor(value: tree.Expression, certainly: bool = True) -> bool:
    """Whether a bare argument is surely a tensor, or may be one: a name might be either, and trying tells."""
    sure = isinstance(value, (tree.Previous, tree.Pipeline, tree.Call))
    return sure or (not certainly and isinstance(value, (tree.Name, tree.Attribute, tree.Index)))


def literal(value: tree.Expression) -> bool:
    """Whether a value is written out, and not worked out from names that other lines share."""
    match value:
        case tree.Number() | tree.Text():
            return True
        case tree.Unary(operand=operand):
            return literal(operand)
        case tree.Tuple(items=items):
            return all(map(literal, items))
        case tree.Name(text=text):
            return text in WORDS or text in PADDING_WORDS
    return False


def with_argument(text: Text, call: LayerCall, parameter: str, value: str) -> Edit | None:
    """The edit that gives a parameter a value.

    ``None`` where the author works the value out from names, or gives it in parts (``nb_row``, ``nb_col``).
    """
    if spelling_of(call) is None or argument_of(call, f"{parameter}[0]") is not None:
        return None
    given = argument_of(call, parameter)
    if given is not None:
        return Edit(given.value.span, value) if literal(given.value) else None
    added = f"{parameter}={value}"
    if isinstance(call, tree.Name):
        return Edit(_point(call.span.end_line, call.span.end_column), f"({added})")
    if not call.arguments:
        return Edit(_point(call.span.end_line, call.span.end_column - 1), added)
    return _appended(text, call, added)


def _appended(text: Text, call: tree.Call, added: str) -> Edit:
    """The argument after the last one: behind the parentheses around its value, and a comma that follows."""
    last = call.arguments[-1].span
    line, column = last.end_line, last.end_column
    rest = text.line(line)[column - 1 :]
    if line == call.span.end_line:
        rest = rest[: call.span.end_column - 1 - column]
    closing = len(rest) - len(rest.lstrip(") \t"))
    closing = len(rest[:closing].rstrip())
    if rest[closing:].lstrip().startswith(","):
        comma = rest.index(",", closing) + 1
        return Edit(_point(line, column + comma), f" {added},")
    return Edit(_point(line, column + closing), f", {added}")


def _point(line: int, column: int) -> Span:
    return Span(line, column, line, column)


def written(values: Sequence[str], like: tree.Expression | None) -> str:
    """Values, one an axis, as the author writes this parameter: ``6`` where they agree, unless a tuple stands."""
    if isinstance(like, tree.Tuple) and len(values) in (1, len(like.items)):
        return tuple_text(list(values) * (len(like.items) // len(values)))
    return values[0] if len(set(values)) == 1 else tuple_text(values)


def tuple_text(entries: Sequence[str]) -> str:
    """``(6, 6)``, ``(6,)``."""
    return f"({', '.join(entries)},)" if len(entries) == 1 else f"({', '.join(entries)})"
