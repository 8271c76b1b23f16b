"""Calls in other frameworks' spelling to the language's own: ``Conv2D(32, (7, 7), strides=3)`` to
``conv(32, kernel=7, stride=3)``. What it cannot read it leaves as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapesolver.language import tree
from shapesolver.layers.parameters import PADDING_WORDS, Kind, Parameter
from shapesolver.layers.registry import Spelling, parameter_names, spellings
from shapesolver.layers.source import Source
from shapesolver.model.calls import ACTIVATION_CALLS

_PYTHON_WORDS = {"True": "true", "False": "false", "None": "none"}


def canonical_file(file: tree.File) -> tree.File:
    """The file with every call in the canonical spelling."""
    blocks = frozenset(_block_names(file.statements))
    return replace(file, statements=tuple(_statement(s, blocks) for s in file.statements))


def _block_names(statements: tuple[tree.Statement, ...]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, tree.Block):
            yield statement.name.text
        if isinstance(statement, (tree.Block, tree.Repeat)):
            yield from _block_names(statement.body)


def _statement(statement: tree.Statement, blocks: frozenset[str]) -> tree.Statement:
    match statement:
        case tree.Line(value=value):
            return replace(statement, value=_expression(value, blocks, stage=True))
        case tree.Block(body=body) | tree.Repeat(body=body):
            return replace(statement, body=tuple(_statement(inner, blocks) for inner in body))
    return statement


def _expression(value: tree.Expression, blocks: frozenset[str], stage: bool = False) -> tree.Expression:
    match value:
        case tree.Pipeline(stages=stages, span=span):
            flat: list[tree.Expression] = []
            for inner in (_expression(s, blocks, stage=True) for s in stages):
                flat.extend(inner.stages if isinstance(inner, tree.Pipeline) else (inner,))
            return tree.Pipeline(tuple(flat), span=span)
        case tree.Call(function=tree.Name(text=text), arguments=arguments) if text not in blocks:
            arguments = tuple(replace(a, value=_expression(a.value, blocks)) for a in arguments)
            return _call(replace(value, arguments=arguments))
        case tree.Name(text=text) if stage and text not in blocks and text in spellings():
            return tree.Name(spellings()[text].kind.op, span=value.span)
        case tree.Name(text=text) if text in _PYTHON_WORDS:
            return tree.Name(_PYTHON_WORDS[text], span=value.span)
        case tree.Tuple(items=items):
            return replace(value, items=tuple(_expression(item, blocks) for item in items))
    return value


def _call(call: tree.Call) -> tree.Expression:
    """One call in canonical spelling; Keras' ``activation=relu`` becomes a stage of its own."""
    assert isinstance(call.function, tree.Name)
    if call.function.text in ACTIVATION_CALLS and len(call.arguments) == 1:
        return _word_as_stage(call.arguments[0].value)
    spelling = spellings().get(call.function.text)
    if spelling is None:
        return call
    arguments, activation = [], None
    for argument in _named(spelling, call.arguments):
        if argument.name == "activation" and "activation" not in spelling.kind.parameters:
            activation = _word_as_stage(argument.value)
        else:
            arguments.append(argument)
    name = tree.Name(spelling.kind.op, span=call.function.span)
    if not issubclass(spelling.kind, Source):
        # A source's keywords are sizes in their order; elsewhere what has no name comes first.
        arguments.sort(key=lambda a: a.name is not None)
    made: tree.Expression = tree.Call(name, tuple(arguments), span=call.span) if arguments else name
    if activation is None:
        return made
    return tree.Pipeline((made, activation), span=call.span)


def _word_as_stage(value: tree.Expression) -> tree.Expression:
    text = value.value if isinstance(value, tree.Text) else value.text if isinstance(value, tree.Name) else None
    if text is None or text not in spellings():
        return value
    return tree.Name(spellings()[text].kind.op, span=value.span)


def _named(spelling: Spelling, arguments: tuple[tree.Argument, ...]) -> list[tree.Argument]:
    """The arguments under canonical names; tensors and the kind's first parameters stay bare."""
    kind = spelling.kind
    names = parameter_names(kind.op)
    bare = [*kind.parameters][: kind.written_by_position]
    variadic = {name for name, parameter in kind.parameters.items() if parameter.variadic}
    merging = kind.inputs != (1, 1) and kind.inputs != (0, 0)
    order = iter(spelling.positional)
    parts: dict[str, list[tree.Argument]] = {}
    found: list[tree.Argument] = []
    for argument in arguments:
        name = argument.name
        if name is None:
            tensor = merging and not isinstance(argument.value, (tree.Number, tree.Tuple, tree.Text))
            name = None if tensor else next(order, None)
            if name in variadic:
                order = iter([name] * len(arguments))
        if name is None or name in variadic:
            found.append(replace(argument, name=None))
            continue
        canonical = names.get(name, name)
        owner, bracket, _ = canonical.partition("[")
        value = _value(kind.parameters.get(owner), argument.value)
        if bracket:
            # One argument an axis (`nb_row`, `nb_col`) becomes one tuple, where the first of them stood.
            entries = parts.setdefault(owner, [])
            entries.append(replace(argument, value=value))
            if len(entries) == 1:
                found.append(replace(argument, name=owner))
            continue
        stays = canonical in bare and (argument.name is None or canonical == bare[0])
        found.append(replace(argument, name=None if stays else canonical, value=value))
    return [_joined(argument, parts.get(argument.name or "", []), bare) for argument in found]


def _joined(argument: tree.Argument, parts: list[tree.Argument], bare: list[str]) -> tree.Argument:
    """An argument with its parts put together; itself where it has none."""
    if not parts:
        return argument
    values = tuple(part.value for part in parts)
    value = values[0] if all(v == values[0] for v in values) else tree.Tuple(values, span=argument.span)
    return replace(argument, name=None if argument.name in bare else argument.name, value=value)


def _value(parameter: Parameter | None, value: tree.Expression) -> tree.Expression:
    """A value as the language writes it: words unquoted, ``(3, 3)`` as ``3``."""
    if parameter is None:
        return value
    if isinstance(value, tree.Text) and parameter.kind in (Kind.WORD, Kind.PADDING, Kind.OFFSETS, Kind.AXIS):
        word = {"same_upper": "same"}.get(value.value.lower(), value.value.lower())
        known = word in PADDING_WORDS or parameter.kind is not Kind.PADDING
        return tree.Name(word, span=value.span) if known and word.isidentifier() else value
    equal = isinstance(value, tree.Tuple) and len(value.items) > 1 and len(set(map(repr, value.items))) == 1
    if equal and parameter.kind in (Kind.PER_AXIS, Kind.PADDING, Kind.OFFSETS) and isinstance(value, tree.Tuple):
        return value.items[0] if isinstance(value.items[0], tree.Number) else value
    return value
