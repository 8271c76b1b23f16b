"""Layers and sizes as pieces of the language's tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shapesolver.arithmetic import Formula
from shapesolver.diagnostics import Span
from shapesolver.language import parse_expression, tree
from shapesolver.layers.base import Layer
from shapesolver.layers.dialects import LATEST_OPSET, Dialect
from shapesolver.layers.parameters import Kind
from shapesolver.layers.source import Input, symbol_name

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


def call(
    layer: Layer, inputs: Sequence[tree.Expression], symbols: Mapping[str, int | None], stated: set[str]
) -> tree.Expression:
    """A layer as a call that names its inputs; ``stated`` are the symbols whose usual sizes have been given."""
    arguments = [tree.Argument(None, given, span=NOWHERE) for given in inputs]
    arguments += _source_sizes(layer, symbols, stated) if isinstance(layer, Input) else _parameters(layer)
    if not arguments:
        return name(layer.op)
    return tree.Call(name(layer.op), tuple(arguments), span=NOWHERE)


def _parameters(layer: Layer) -> Iterator[tree.Argument]:
    """The parameters that differ from their defaults, the first ones bare."""
    bare = [*layer.parameters][: layer.written_by_position]
    for written, (key, given) in enumerate(layer.values()):
        parameter = layer.parameters[key]
        if parameter.variadic:
            yield from (tree.Argument(None, value(item, parameter.kind), span=NOWHERE) for item in given)
        else:
            plain = key in bare[: written + 1]
            yield tree.Argument(None if plain else key, value(given, parameter.kind), span=NOWHERE)


def _source_sizes(layer: Input, symbols: Mapping[str, int | None], stated: set[str]) -> Iterator[tree.Argument]:
    """An input's sizes: ``H=224`` where a symbol is first met."""
    for size in layer.sizes:
        symbol = symbol_name(size)
        usual = symbols.get(symbol)
        first = symbol and usual is not None and symbol not in stated
        stated.add(symbol)
        yield tree.Argument(symbol if first else None, value(usual if first else size), span=NOWHERE)
