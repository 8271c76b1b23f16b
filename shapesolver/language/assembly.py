"""Grammar rules to tree nodes, bottom up while parsing: no intermediate tree, no recursion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lark import Token, Transformer, v_args

from shapesolver.diagnostics import Span
from shapesolver.language import tree

MAX_DIGITS = 100
"""The longest number that a file may hold, in characters."""


def span_of(token: Token) -> Span:
    """Where a token stands."""
    return Span(token.line or 1, token.column or 1, token.end_line or 1, token.end_column or 1)


class BadNumber(Exception):
    """A number that is too long or malformed."""

    def __init__(self, token: Token, why: str) -> None:
        super().__init__(why)
        self.token = token
        self.why = why


def read_number(token: Token) -> int | float:
    """A number's value; raises :class:`BadNumber`."""
    if len(token) > MAX_DIGITS:
        raise BadNumber(token, f"a number has at most {MAX_DIGITS} digits, and this one has {len(token)} characters")
    try:
        value = float(token) if any(c in token for c in ".eE") else int(token)
    except ValueError:
        raise BadNumber(token, f"`{token}` is no number") from None
    if value == float("inf"):
        raise BadNumber(token, f"`{token}` is too large for a decimal number")
    return value


@v_args(inline=True)
class Assembly(Transformer[Token, Any]):
    """One method a rule."""

    def start(self, *statements: Any) -> tree.File:
        return tree.File(statements)

    # Expressions.

    def name(self, token: Token) -> tree.Name:
        return tree.Name(str(token), span=span_of(token))

    def previous(self, token: Token) -> tree.Previous:
        return tree.Previous(span=span_of(token))

    def number(self, token: Token) -> tree.Number:
        return tree.Number(read_number(token), span=span_of(token))

    def text(self, token: Token) -> tree.Text:
        return tree.Text(str(token[1:-1]), span=span_of(token))

    def hole(self, token: Token) -> tree.Hole:
        return tree.Hole(str(token[1:]), span=span_of(token))

    def parenthesised(self, opener: Token, inner: Any, closer: Token) -> Any:
        return replace(inner, span=span_of(opener).to(span_of(closer)))

    def sequence(self, opener: Token, items: tuple[Any, ...], closer: Token) -> tree.Tuple:
        return tree.Tuple(items, span=span_of(opener).to(span_of(closer)))

    def bracketed(self, opener: Token, items: tuple[Any, ...] | None, closer: Token) -> tree.Tuple:
        return tree.Tuple(items or (), span=span_of(opener).to(span_of(closer)))

    def tuple_items(self, *items: Any) -> tuple[Any, ...]:
        return tuple(item for item in items if item is not None)

    list_items = tuple_items
    arguments = tuple_items

    def attribute(self, value: Any, name: Token) -> tree.Attribute:
        return tree.Attribute(value, str(name), span=value.span.to(span_of(name)))

    def index(self, value: Any, index: Any, closer: Token) -> tree.Index:
        return tree.Index(value, index, span=value.span.to(span_of(closer)))

    def call(self, function: Any, opener: Token, arguments: Any, closer: Token) -> tree.Call:
        return tree.Call(function, arguments or (), span=function.span.to(span_of(closer)))

    def positional(self, value: Any) -> tree.Argument:
        return tree.Argument(None, value, span=value.span)

    def keyword(self, name: Token, value: Any) -> tree.Argument:
        return tree.Argument(str(name), value, span=span_of(name).to(value.span))

    def unary(self, op: Token, operand: Any) -> tree.Unary:
        return tree.Unary(str(op), operand, span=span_of(op).to(operand.span))

    def binary(self, left: Any, op: Token, right: Any) -> tree.Binary:
        return tree.Binary(str(op), left, right, span=left.span.to(right.span))

    def compare(self, first: Any, *rest: Any) -> tree.Compare:
        pairs = tuple((str(op), value) for op, value in zip(rest[::2], rest[1::2], strict=True))
        return tree.Compare(first, pairs, span=first.span.to(rest[-1].span))

    def conjunction(self, *operands: Any) -> tree.Logic:
        return tree.Logic("and", operands, span=operands[0].span.to(operands[-1].span))

    def disjunction(self, *operands: Any) -> tree.Logic:
        return tree.Logic("or", operands, span=operands[0].span.to(operands[-1].span))

    def pipeline(self, *stages: Any) -> tree.Pipeline:
        return tree.Pipeline(stages, span=stages[0].span.to(stages[-1].span))

    # Statements.

    def names(self, *tokens: Token) -> tuple[tree.Name, ...]:
        return tuple(map(self.name, tokens))

    def line(self, names: Any, value: Any) -> tree.Line:
        names = names or ()
        return tree.Line(names, value, span=names[0].span.to(value.span) if names else value.span)

    def option(self, name: Token, value: Any) -> tree.Argument:
        return self.keyword(name, value)

    def dialect(self, keyword: Token, name: Token, *options: Any) -> tree.Dialect:
        end = options[-1].span if options else span_of(name)
        return tree.Dialect(self.name(name), options, span=span_of(keyword).to(end))

    def layout(self, keyword: Token, name: Token) -> tree.Layout:
        return tree.Layout(self.name(name), span=span_of(keyword).to(span_of(name)))

    def let(self, keyword: Token, name: Token, value: Any) -> tree.Let:
        return tree.Let(self.name(name), value, span=span_of(keyword).to(value.span))

    def assume(self, keyword: Token, condition: Any) -> tree.Assume:
        return tree.Assume(condition, span=span_of(keyword).to(condition.span))

    def expect(self, keyword: Token, condition: Any) -> tree.Expect:
        return tree.Expect(condition, span=span_of(keyword).to(condition.span))

    def output(self, keyword: Token, *values: Any) -> tree.Output:
        return tree.Output(values, span=span_of(keyword).to(values[-1].span))

    def parameter(self, name: Token, default: Any) -> tree.Parameter:
        span = span_of(name)
        return tree.Parameter(self.name(name), default, span=span.to(default.span) if default else span)

    parameters = tuple_items

    def body(self, opener: Token, *parts: Any) -> tuple[Any, Token]:
        *statements, closer = parts
        return tuple(statements), closer

    def block(self, keyword: Token, name: Token, opener: Token, *parts: Any) -> tree.Block:
        parameters, _, (body, closer) = parts
        span = span_of(keyword).to(span_of(closer))
        return tree.Block(self.name(name), parameters or (), body, span=span)

    def repeat(self, keyword: Token, count: Any, index: Token | None, body: Any) -> tree.Repeat:
        statements, closer = body
        span = span_of(keyword).to(span_of(closer))
        return tree.Repeat(count, self.name(index) if index else None, statements, span=span)
