"""Changes to single calls of a file, everything else and the comments left as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

from shapesolver.diagnostics import Span
from shapesolver.exchange import phrases
from shapesolver.language import parse, tree
from shapesolver.layers.base import Layer
from shapesolver.model.canonical import canonical_file

SAME_PARAMETERS = {"units": "channels", "bias": "bias"}
"""Parameters of the old layer whose text is kept for the new one's: ``dense(4*c)`` becomes ``conv(4*c, ...)``."""


Place = tuple[int, int]
"""Line and column where a call begins; its end may move in the canonical spelling: ``Flatten()`` is ``flatten``."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a call: another layer, nothing (``None``), or itself."""

    layer: Layer | None
    stays: bool = False


def rewritten(text: str, changes: Mapping[Place, Change], dropped: Set[Span]) -> tree.File:
    """The tree of a text with the calls at these places changed, and the statements at others dropped."""
    file = canonical_file(parse(text).tree)
    statements, closing = _Rewriter(changes, dropped).statements(file.statements)
    return replace(file, statements=statements, closing=(*closing, *file.closing))


class _Rewriter:
    def __init__(self, changes: Mapping[Place, Change], dropped: Set[Span]) -> None:
        self._changes = changes
        self._dropped = dropped

    def statements(self, statements: tuple[tree.Statement, ...]) -> tuple[tuple[tree.Statement, ...], tuple[str, ...]]:
        """The statements that stay, and comments of those at the end that do not."""
        found: list[tree.Statement] = []
        pending: tuple[str, ...] = ()
        blank = False
        for statement in statements:
            new = None if statement.span in self._dropped else self._statement(statement)
            if new is None:
                pending = (*pending, *_comments(statement.notes))
                blank = blank or statement.notes.blank
                continue
            if pending or blank:
                before = (*pending, *new.notes.before)
                new = replace(new, notes=replace(new.notes, before=before, blank=blank or new.notes.blank))
                pending, blank = (), False
            found.append(new)
        return tuple(found), pending

    def _statement(self, statement: tree.Statement) -> tree.Statement | None:
        match statement:
            case tree.Line(names=names, value=value):
                new = self._expression(value)
                if new is None:
                    return replace(statement, value=phrases.name("identity")) if names else None
                return statement if new is value else replace(statement, value=new)
            case tree.Block(body=body) | tree.Repeat(body=body):
                inner, closing = self.statements(body)
                notes = replace(statement.notes, closing=(*closing, *statement.notes.closing))
                return replace(statement, body=inner, notes=notes)
            case tree.Output(values=values):
                kept = tuple(self._expression(value) or phrases.name("identity") for value in values)
                return replace(statement, values=kept)
        return statement

    def _expression(self, value: tree.Expression) -> tree.Expression | None:
        """The expression with its calls changed; ``None`` where nothing is left of it."""
        match value:
            case tree.Pipeline(stages=stages):
                kept = tuple(new for stage in stages if (new := self._expression(stage)) is not None)
                if kept == stages:
                    return value
                return replace(value, stages=kept) if len(kept) > 1 else kept[0] if kept else None
            case tree.Name(span=span) if span[:2] in self._changes:
                return self._changed(span, value)
            case tree.Call(arguments=arguments, span=span):
                changed = tuple(self._argument(argument) for argument in arguments)
                value = value if changed == arguments else replace(value, arguments=changed)
                return self._changed(span, value) if span[:2] in self._changes else value
        return value

    def _changed(self, span: Span, old: tree.Expression) -> tree.Expression | None:
        layer = self._changes[span[:2]].layer
        return None if layer is None else _call(layer, old)

    def _argument(self, argument: tree.Argument) -> tree.Argument:
        new = self._expression(argument.value)
        return replace(argument, value=phrases.name("identity") if new is None else new)


def _comments(notes: tree.Notes) -> Iterator[str]:
    yield from notes.before
    if notes.after:
        yield notes.after
    yield from (text for _, _, text in notes.inside)


def _call(layer: Layer, old: tree.Expression) -> tree.Expression:
    """The new layer's call: the old one's text where a parameter is kept, and its input tensors."""
    new = phrases.call([layer], (), phrases.literal)
    if not isinstance(old, tree.Call) or not isinstance(old.function, tree.Name) or not isinstance(new, tree.Call):
        return new
    texts = dict(_texts(old))
    arguments = []
    for index, argument in enumerate(new.arguments):
        name = argument.name or [*layer.parameters][index]
        arguments.append(replace(argument, value=texts.get(name, argument.value)))
    tensors = old.arguments if old.function.text == layer.op else ()
    return replace(new, arguments=(*(a for a in tensors if a.name is None), *arguments))


def _texts(old: tree.Call) -> Iterator[tuple[str, tree.Expression]]:
    """The old call's values by the new parameter's name."""
    for index, argument in enumerate(old.arguments):
        name = argument.name or (next(iter(SAME_PARAMETERS)) if index == 0 else "")
        if name in SAME_PARAMETERS:
            yield SAME_PARAMETERS[name], argument.value
