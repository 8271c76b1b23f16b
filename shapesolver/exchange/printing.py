"""Expressions as Python text, laid out as Black and Ruff do: on one line, or one argument a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shapesolver.arithmetic import Formula
from shapesolver.exchange.code import (
    Call,
    Expression,
    Extent,
    Item,
    Method,
    Name,
    Operation,
    Progression,
    Repeated,
    Size,
    Slice,
    Slot,
)
from shapesolver.exchange.parts import walk

WIDTH = 88
"""The longest line."""
BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "@": 2, "**": 3}


@dataclass(frozen=True, slots=True)
class Bracket:
    """Text, an opening bracket, items, the closing bracket."""

    head: str
    items: tuple[Any, ...]
    close: str
    trailing: bool = True
    """Whether a comma may follow the last item."""


Doc = str | Bracket


def flat(doc: Doc) -> str:
    """A piece of text on one line."""
    if isinstance(doc, str):
        return doc
    separator = ", " if doc.trailing else " "
    inner = separator.join(map(flat, doc.items))
    comma = "," if is_tuple(doc) and len(doc.items) == 1 else ""
    return f"{doc.head}{inner}{comma}{doc.close}"


def is_tuple(doc: Bracket) -> bool:
    """Whether the brackets are a tuple's."""
    return doc.head == "(" or doc.head.endswith("=(")


def lines(prefix: str, doc: Doc, indent: int, suffix: str = "") -> list[str]:
    """The piece between a prefix and a suffix, broken where it is too long."""
    pad = " " * indent
    whole = f"{pad}{prefix}{flat(doc)}{suffix}"
    if len(whole) <= WIDTH or isinstance(doc, str) or not doc.items:
        return [whole]
    separator = ", " if doc.trailing else " "
    body = separator.join(map(flat, doc.items))
    if indent + 4 + len(body) <= WIDTH and doc.trailing:
        return [f"{pad}{prefix}{doc.head}", f"{pad}    {body}", f"{pad}{doc.close}{suffix}"]
    broken = [f"{pad}{prefix}{doc.head}"]
    comma = "," if doc.trailing and (len(doc.items) > 1 or is_tuple(doc)) else ""
    for item in doc.items:
        broken += lines("", item, indent + 4, comma)
    return [*broken, f"{pad}{doc.close}{suffix}"]


def document(expression: Expression) -> Doc:
    """An expression whose tensors are variables, as a piece of text."""
    match expression:
        case Slot(value=value):
            return document(value)
        case Name(text=text):
            return text
        case Call(function=name, args=args, kwargs=kwargs):
            return Bracket(f"{name}(", arguments(args, kwargs), ")")
        case Method(of=of, name=name, args=args, kwargs=kwargs):
            return Bracket(f"{operand(of)}.{name}(", arguments(args, kwargs), ")")
        case Operation():
            return operation(expression)
        case Item(of=of, index=index):
            return f"{operand(of)}[{', '.join(map(index_text, index))}]"
        case Extent(of=of, axis=axis):
            return f"{operand(of)}.shape[{axis}]"
        case Size(formula=formula):
            return str(formula) if isinstance(formula, Formula) else repr(formula)
        case Repeated(element=element, count=count):
            clause = f"for {'i' if uses_round(element) else '_'} in range({flat(document(count))})"
            return Bracket("*[", (document(element), clause), "]", trailing=False)
        case Progression(start=start, step=step):
            text = flat(document(start))
            if step is None:
                return "2**i" if text == "1" else f"{text} * 2**i"
            return f"{text} + {flat(document(step))} * i"
        case tuple():
            return Bracket("(", tuple(map(document, expression)), ")")
        case list():
            return Bracket("[", tuple(map(document, expression)), "]")
        case float() if expression in (float("inf"), float("-inf")):
            return f'float("{expression}")'
        case str():
            return f'"{expression}"'
    return repr(expression)


def arguments(args: Sequence[Expression], kwargs: Sequence[tuple[str, Expression]]) -> tuple[Doc, ...]:
    """A call's arguments; slots at their defaults are left out, and others may bring a keyword."""
    docs: list[Doc] = []
    for arg in args:
        if not isinstance(arg, Slot):
            docs.append(document(arg))
        elif not (type(arg.value) is type(arg.default) and arg.value == arg.default):
            docs.append(headed(f"{arg.hint}=", document(arg)) if arg.keyword else document(arg))
    docs.extend(headed(f"{name}=", document(value)) for name, value in kwargs)
    return tuple(docs)


def headed(text: str, doc: Doc) -> Doc:
    """A piece with something before it."""
    return text + doc if isinstance(doc, str) else Bracket(text + doc.head, doc.items, doc.close, doc.trailing)


def operand(expression: Expression) -> str:
    """An expression that something is asked of."""
    text = flat(document(expression))
    return f"({text})" if isinstance(expression, Operation) else text


def operation(expression: Operation) -> str:
    """Two operands; brackets where the operators need them."""

    def side(value: Expression, right: bool) -> str:
        text = flat(document(value))
        if isinstance(value, Operation):
            inner, outer = BINDING[value.symbol], BINDING[expression.symbol]
            if inner < outer or (right and inner == outer):
                return f"({text})"
        return text

    return f"{side(expression.left, False)} {expression.symbol} {side(expression.right, True)}"


def index_text(index: Expression) -> str:
    """One entry of an index."""
    if not isinstance(index, Slice):
        return flat(document(index))
    ends = ["" if end is None else flat(document(end)) for end in index]
    return f"{ends[0]}:{ends[1]}" + (f":{ends[2]}" if ends[2] else "")


def uses_round(expression: Expression) -> bool:
    """Whether a loop's element depends on the round."""
    return any(isinstance(part, Progression) for part in walk(expression))
