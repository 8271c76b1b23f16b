"""The arguments of a block's call, sorted to its parameters."""

from __future__ import annotations

import difflib

from shapesolver.language import tree
from shapesolver.model.errors import BuildError, name_span


def given_arguments(block: tree.Block, call: tree.Call) -> dict[str, tree.Expression]:
    """The expressions that a call gives for a block's parameters; raises :class:`BuildError` for others."""
    parameters = [parameter.name.text for parameter in block.parameters]
    positional = [argument for argument in call.arguments if argument.name is None]
    given = {name: argument.value for name, argument in zip(parameters, positional, strict=False)}
    if len(positional) > len(parameters):
        takes = ", ".join(parameters) or "nothing"
        raise BuildError(
            "too-many-arguments", f"block {block.name.text} takes {takes}", positional[len(parameters)].span
        )
    for argument in call.arguments:
        if argument.name is None:
            continue
        if argument.name not in parameters:
            raise BuildError(
                "unknown-argument",
                f"block {block.name.text} has no parameter `{argument.name}`",
                argument.span,
                meant=difflib.get_close_matches(argument.name, parameters),
                word=name_span(argument),
            )
        if argument.name in given:
            raise BuildError("repeated-name", f"`{argument.name}` is given twice", argument.span)
        given[argument.name] = argument.value
    return given
