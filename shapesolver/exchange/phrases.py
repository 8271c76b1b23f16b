"""Layers and sizes as pieces of the language's tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shapesolver.arithmetic import Formula
from shapesolver.diagnostics import Span
from shapesolver.language import parse_expression, tree
from shapesolver.layers.base import Layer
from shapesolver.layers.dialects import LATEST_OPSET, Dialect
from shapesolver.layers.parameters import Kind
from shapesolver.layers.source import Input, symbol_name
from shapesolver.model.values import dotted_text

NOWHERE = Span(1, 1, 1, 1)
"""The span of what stands in no file."""


def name(text: str) -> tree.Name:
    """A name."""
    return tree.Name(text, span=NOWHERE)


def header(dialect: Dialect) -> Iterator[tree.Statement]:
    """The statements that choose a dialect."""
    options = []
    if dialect.onnx and dialect.opset != LATEST_OPSET:
        options.append(tree.Argument("opset", value(dialect.opset), span=NOWHERE))
    yield tree.Dialect(name(dialect.name), tuple(options), span=NOWHERE)
    if dialect.channels_last != Dialect.named(dialect.name).channels_last:
        layout = "channels_last" if dialect.channels_last else "channels_first"
        yield tree.Layout(name(layout), span=NOWHERE)


def value(given: Any, kind: Kind | None = None) -> tree.Expression:
    """A parameter's value as an expression."""
    if isinstance(given, tuple):
        return tree.Tuple(tuple(value(item, kind) for item in given), span=NOWHERE)
    if given is None or isinstance(given, bool):
        return name(str(given).lower())
    if isinstance(given, str):
        word = kind is not Kind.TEXT and given.isidentifier()
        return name(given) if word else tree.Text(given, span=NOWHERE)
    if isinstance(given, Formula):
        return _formula(given)
    if given < 0:
        return tree.Unary("-", tree.Number(-given, span=NOWHERE), span=NOWHERE)
    return tree.Number(given, span=NOWHERE)


def _formula(formula: Formula) -> tree.Expression:
    """A formula in the symbols, by way of its text."""
    if symbol := symbol_name(formula):
        return name(symbol)
    expression, _ = parse_expression(str(formula))
    assert expression is not None, f"{formula} does not read as an expression"
    return expression


def renamed(expression: tree.Expression, rename: Mapping[str, tree.Expression]) -> tree.Expression:
    """An expression with what it mentions replaced: dotted names and names, by their text."""
    found = rename.get(dotted_text(expression))
    if found is not None:
        return found
    match expression:
        case tree.Binary(left=left, right=right):
            return replace(expression, left=renamed(left, rename), right=renamed(right, rename))
        case tree.Unary(operand=operand):
            return replace(expression, operand=renamed(operand, rename))
        case tree.Tuple(items=items):
            return replace(expression, items=tuple(renamed(item, rename) for item in items))
        case tree.Compare(first=first, rest=rest):
            sides = tuple((op, renamed(side, rename)) for op, side in rest)
            return replace(expression, first=renamed(first, rename), rest=sides)
        case tree.Logic(operands=operands):
            return replace(expression, operands=tuple(renamed(each, rename) for each in operands))
        case tree.Call(arguments=arguments):
            arguments = tuple(replace(a, value=renamed(a.value, rename)) for a in arguments)
            return replace(expression, arguments=arguments)
    return expression


Express = Callable[[Sequence[Any], str, Kind | None], tree.Expression]
"""Writes a parameter whose values, one for each place that a text stands for, may differ; by name and kind."""


def literal(values: Sequence[Any], name: str, kind: Kind | None) -> tree.Expression:
    """Writes a parameter of a text that stands for one place."""
    return value(values[0], kind)


def call(layers: Sequence[Layer], inputs: Sequence[tree.Expression], express: Express) -> tree.Expression:
    """A layer as a call that names its inputs; ``layers`` are those of all places that the text stands for."""
    arguments = [tree.Argument(None, given, span=NOWHERE) for given in inputs]
    arguments += _parameters(layers, express)
    if not arguments:
        return name(layers[0].op)
    return tree.Call(name(layers[0].op), tuple(arguments), span=NOWHERE)


def _parameters(layers: Sequence[Layer], express: Express) -> Iterator[tree.Argument]:
    """The parameters that differ from their defaults anywhere, the first ones bare."""
    first = layers[0]
    bare = [*first.parameters][: first.written_by_position]
    written = 0
    for key, parameter in first.parameters.items():
        values = [getattr(layer, key) for layer in layers]
        if values.count(parameter.default) == len(values):
            continue
        if parameter.variadic:
            for items in zip(*values, strict=True):
                yield tree.Argument(None, express(items, key, parameter.kind), span=NOWHERE)
        else:
            plain = key in bare[: written + 1]
            yield tree.Argument(None if plain else key, express(values, key, parameter.kind), span=NOWHERE)
        written += 1


def source(layer: Input, symbols: Mapping[str, int | None], stated: set[str]) -> tree.Expression:
    """An input, ``H=224`` where a symbol is first met; ``stated`` are the symbols that have been."""
    arguments = []
    for size in layer.sizes:
        symbol = symbol_name(size)
        usual = symbols.get(symbol)
        first = symbol and usual is not None and symbol not in stated
        stated.add(symbol)
        arguments.append(tree.Argument(symbol if first else None, value(usual if first else size), span=NOWHERE))
    return tree.Call(name(layer.op), tuple(arguments), span=NOWHERE)
