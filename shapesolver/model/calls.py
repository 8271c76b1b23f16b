"""A call in a file to a layer: which arguments are tensors, which are parameters, and what they are called."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shapesolver.arithmetic import Formula
from shapesolver.diagnostics import Span
from shapesolver.language import tree
from shapesolver.layers.base import Layer
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.parameters import REQUIRED, Kind, Parameter, ParameterError
from shapesolver.layers.registry import Spelling, parameter_names, spellings, suggestions
from shapesolver.model.errors import BuildError, name_span

_PART = re.compile(r"(\w+)\[(\d)\]")
WORD_KINDS = {Kind.WORD, Kind.PADDING, Kind.OFFSETS, Kind.AXIS, Kind.AXES}
"""Parameters that take words: ``padding=same``, ``axis=H``."""

NUMBER_OR_WORD = {Kind.PADDING, Kind.OFFSETS}
"""Those of them where a name is a value before it is a word."""

ACTIVATION_CALLS = {"Activation", "activation"}
"""Keras' layer whose first argument names another."""


@dataclass(slots=True)
class BoundCall:
    """A call with its arguments sorted: parameters by canonical name, and expressions of input tensors."""

    kind: type[Layer]
    spelling: str
    span: Span
    parameters: dict[str, tuple[Any, Span]] = field(default_factory=dict)
    tensors: list[tree.Expression] = field(default_factory=list)
    activation: tree.Expression | None = None
    """Keras' ``activation=relu`` argument: another layer after this one."""
    tied: tree.Expression | None = None
    """The ``tied=embedding1`` argument: the layer whose main weight is this one's, too."""


Evaluate = Callable[[tree.Expression, bool], Any]
IsTensor = Callable[[tree.Expression], bool]


def spelling_of(name: str, span: Span) -> Spelling:
    """The layer kind that a name means; raises :class:`BuildError` with suggestions."""
    found = spellings().get(name)
    if found is None:
        raise BuildError("unknown-layer", f"unknown layer `{name}`", span, meant=suggestions(name))
    return found


def bind(
    function: tree.Name, arguments: tuple[tree.Argument, ...], evaluate: Evaluate, is_tensor: IsTensor
) -> BoundCall:
    """Sort a call's arguments. ``evaluate(expression, words)`` gives values; ``is_tensor`` tells inputs apart."""
    name, arguments = _activation_call(function, arguments)
    spelling = spelling_of(name.text, name.span)
    call = BoundCall(spelling.kind, name.text, function.span)
    positional: list[tree.Argument] = []
    for argument in arguments:
        if argument.name is not None:
            _bind_keyword(call, argument, evaluate)
        elif is_tensor(argument.value):
            call.tensors.append(argument.value)
        elif (
            isinstance(argument.value, tree.Tuple)
            and argument.value.items
            and all(map(is_tensor, argument.value.items))
        ):
            call.tensors.extend(argument.value.items)
        else:
            positional.append(argument)
    _bind_positional(call, spelling, positional, evaluate)
    return call


def bind_tensors(layer: Layer, call: tree.Call, is_tensor: IsTensor) -> BoundCall:
    """The call of a layer whose parameters are settled: its arguments are tensors, and nothing else."""
    bound = BoundCall(type(layer), layer.op, call.span)
    for argument in call.arguments:
        named = argument.name is not None and argument.name not in layer.tensor_parameters
        if named or not is_tensor(argument.value):
            raise BuildError(
                "too-many-arguments",
                f"a layer used again keeps its parameters; {layer.op} takes tensors alone here",
                argument.span,
            )
        bound.tensors.append(argument.value)
    return bound


def _activation_call(
    function: tree.Name, arguments: tuple[tree.Argument, ...]
) -> tuple[tree.Name, tuple[tree.Argument, ...]]:
    """``Activation("relu")`` is ``relu``."""
    if function.text in ACTIVATION_CALLS and arguments:
        value = arguments[0].value
        if isinstance(value, (tree.Name, tree.Text)):
            text = value.text if isinstance(value, tree.Name) else value.value
            return tree.Name(text, span=value.span), arguments[1:]
    return function, arguments


def _bind_keyword(call: BoundCall, argument: tree.Argument, evaluate: Evaluate) -> None:
    assert argument.name is not None
    known = parameter_names(call.kind.op)
    if argument.name not in known:
        if argument.name == "activation":
            call.activation = argument.value
            return
        if argument.name == "tied":
            call.tied = argument.value
            return
        close = difflib.get_close_matches(argument.name, known, n=1)
        raise BuildError(
            "unknown-argument",
            f"{call.kind.op} has no argument `{argument.name}`",
            argument.span,
            advice=[] if close else [("takes", ", ".join(call.kind.parameters) or "nothing")],
            meant=close,
            word=name_span(argument),
        )
    canonical = known[argument.name]
    name = canonical.partition("[")[0]
    if name in call.kind.tensor_parameters:
        call.tensors.append(argument.value)
        return
    _set(call, canonical, argument, evaluate)


def _bind_positional(call: BoundCall, spelling: Spelling, positional: list[tree.Argument], evaluate: Evaluate) -> None:
    order = spelling.positional
    variadic = next(
        (i for i, n in enumerate(order) if n in call.kind.parameters and call.kind.parameters[n].variadic),
        None,
    )
    if variadic is not None and len(positional) > variadic:
        parameter = call.kind.parameters[order[variadic]]
        rest = positional[variadic:]
        values = tuple(_value(parameter, argument.value, evaluate) for argument in rest)
        # reshape((7, 7, 512)) and reshape(7, 7, 512) are the same.
        value = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
        call.parameters[order[variadic]] = value, rest[0].span.to(rest[-1].span)
        positional = positional[:variadic]
    for name, argument in zip(order, positional, strict=False):
        _set(call, name, argument, evaluate)
    if len(positional) > len(order):
        extra = positional[len(order)]
        # A misspelt tensor is no argument too many: its own error comes first.
        evaluate(extra.value, False)
        takes = ", ".join(order) or "none"
        raise BuildError(
            "too-many-arguments",
            f"{call.spelling} takes {len(order)} arguments by position, and this is one more",
            extra.span,
            advice=[("takes", takes)],
        )


def _set(call: BoundCall, canonical: str, argument: tree.Argument, evaluate: Evaluate) -> None:
    """Set one parameter, or one axis of it where a spelling has an argument an axis (``nb_row``)."""
    part = _PART.fullmatch(canonical)
    name = part.group(1) if part else canonical
    parameter = call.kind.parameters.get(name)
    value = _value(parameter, argument.value, evaluate)
    if part:
        before = call.parameters.get(name, ((), argument.span))[0]
        index = int(part.group(2))
        entries = list(before) + [None] * (index + 1 - len(before))
        entries[index] = value
        call.parameters[name] = tuple(entries), argument.span
        return
    if name in call.parameters:
        raise BuildError("repeated-name", f"`{name}` is given twice", argument.span)
    call.parameters[name] = value, argument.span


def _value(parameter: Parameter | None, expression: tree.Expression, evaluate: Evaluate) -> Any:
    words = parameter is not None and parameter.kind in WORD_KINDS
    if words and isinstance(expression, tree.Name) and parameter is not None and parameter.kind not in NUMBER_OR_WORD:
        return expression.text
    if words and isinstance(expression, tree.Tuple) and parameter is not None and parameter.kind is Kind.AXES:
        return tuple(_value(parameter, item, evaluate) for item in expression.items)
    return evaluate(expression, words)


def make(call: BoundCall, dialect: Dialect) -> Layer:
    """The layer of a bound call; raises :class:`BuildError` for missing or bad values."""
    kind = call.kind
    given = kind.spelled(call.spelling, {name: value for name, (value, _) in call.parameters.items()})
    read: dict[str, Any] = {}
    for name, value in given.items():
        span = call.parameters[name][1] if name in call.parameters else call.span
        if name not in kind.parameters:
            raise BuildError("too-many-arguments", f"{call.spelling} takes no such argument", span)
        try:
            read[name] = kind.parameters[name].read(value)
        except ParameterError as error:
            raise BuildError("bad-value", f"{kind.op}'s {name} {error}", span) from None
    missing = [name for name in required(kind) if name not in read]
    if missing:
        raise BuildError(
            "missing-argument",
            f"{kind.op} needs {' and '.join(missing)}",
            call.span,
            advice=[("needs", f"`{name}`: {kind.parameters[name].doc}") for name in missing],
        )
    return kind(dialect=dialect, **read)


def required(kind: type[Layer]) -> list[str]:
    """The parameters without a default."""
    return [name for name, parameter in kind.parameters.items() if parameter.default is REQUIRED]


def is_symbolic(layer: Layer) -> bool:
    """Whether a parameter is a formula."""
    return any(isinstance(dim, Formula) for _, value in layer.values() for dim in flat(value))


def flat(value: Any) -> Any:
    """The numbers inside a parameter's value."""
    if isinstance(value, tuple):
        for item in value:
            yield from flat(item)
    else:
        yield value
