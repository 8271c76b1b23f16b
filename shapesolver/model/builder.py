"""The tree of a file to the graph of its network: statements in order, blocks and repeats laid out.

Every finding of a file is collected: a line in error is left out, its names stay known, and whatever consumes
them is passed over without a second complaint.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from shapesolver.diagnostics import Diagnostic, Label, Span
from shapesolver.language import tree
from shapesolver.layers import dialects
from shapesolver.layers.dialects import Dialect
from shapesolver.model.draft import Draft
from shapesolver.model.errors import AlreadySaid, BuildError, LimitError
from shapesolver.model.graph import Claim, Graph, Wire
from shapesolver.model.limits import MAX_BLOCK_DEPTH, MAX_LAYERS, MAX_REPEAT, MAX_STATEMENTS, Count
from shapesolver.model.pipelines import Pipelines, Place, Result
from shapesolver.model.scope import BlockValue, Scope, TensorValue
from shapesolver.model.values import WORDS, Values


def build(file: tree.File, rounds: Mapping[str, int] | None = None) -> tuple[Graph, tuple[Diagnostic, ...]]:
    """The graph of a file, and what is wrong with the file.

    ``rounds`` replaces how often a repeat is laid out, by its path: ``{"repeat1": 3}``.
    """
    builder = Builder(rounds or {}, Count(file))
    try:
        builder.statements(file.statements, Scope())
    except LimitError as error:
        builder.blame(error)
    return builder.finish(), tuple(builder.diagnostics)


class Builder:
    """Lays out one file. Not for use twice."""

    def __init__(self, rounds: Mapping[str, int], count: Count) -> None:
        self._rounds = rounds
        self._count = count
        self._laid = 0
        self.diagnostics: list[Diagnostic] = []
        self._draft = Draft()
        self._values = Values(self._draft)
        self._pipelines = Pipelines(self._draft, self._values, self.body)
        self._previous: Result = ()
        self._depth = 0

    def finish(self) -> Graph:
        """The graph of what was laid out."""
        return self._draft.graph(self._previous or ())

    def statements(self, statements: tuple[tree.Statement, ...], scope: Scope) -> None:
        """Lay out statements in order, each error ending only its own."""
        scope.given = frozenset(n.text for s in statements if isinstance(s, tree.Line) for n in s.names)
        for statement in statements:
            try:
                self._statement(statement, scope)
            except LimitError:
                raise
            except BuildError as error:
                self.blame(error)
                if isinstance(statement, tree.Line):
                    self._previous = None
                    for name in statement.names:
                        scope.names.setdefault(name.text, TensorValue(None, name.span))

    def body(self, body: tuple[tree.Statement, ...], scope: Scope, span: Span, previous: Result) -> Result:
        """Lay out a block's body, which starts from ``previous``; its last line's result."""
        kept, self._previous = self._previous, previous
        try:
            self._inside(body, scope, span)
            return self._previous
        finally:
            self._previous = kept

    def blame(self, error: BuildError) -> None:
        """Keep a finding, once."""
        if not isinstance(error, AlreadySaid) and error.diagnostic not in self.diagnostics:
            self.diagnostics.append(error.diagnostic)

    def _statement(self, statement: tree.Statement, scope: Scope) -> None:
        self._within_limits(statement, scope)
        match statement:
            case tree.Line():
                self._line(statement, scope)
            case tree.Dialect():
                self._dialect(statement, scope)
            case tree.Layout(name=name, span=span):
                text = name.text
                if text not in dialects.LAYOUTS:
                    raise BuildError("bad-value", f"the layout is {' or '.join(dialects.LAYOUTS)}", span)
                self._before_layers("layout", span)
                self._draft.dialect = self._draft.dialect.with_layout(text)
            case tree.Let(name=name, value=value):
                self._define(name, self._values.value(value, scope), scope)
            case tree.Block(name=name):
                self._define(name, BlockValue(statement), scope)
            case tree.Repeat():
                self._repeat(statement, scope)
            case tree.Assume(condition=condition, span=span):
                self._draft.assumptions.append(Claim(self._values.truth(condition, scope), span))
            case tree.Expect(condition=condition, span=span):
                self._draft.expectations.append(Claim(self._values.truth(condition, scope), span))
            case tree.Output(values=values):
                for value in values:
                    wires = self._pipelines.lay(value, Place(scope), self._previous)
                    self._draft.outputs.extend(wires or ())

    def _dialect(self, statement: tree.Dialect, scope: Scope) -> None:
        name = statement.name.text
        self._before_layers("dialect", statement.span)
        if name not in dialects.NAMES:
            close = difflib.get_close_matches(name.lower(), [*dialects.NAMES, "pytorch"], n=1)
            raise BuildError(
                "bad-value",
                f"unknown dialect `{name}`; there are {', '.join(dialects.NAMES)}",
                statement.span,
                meant=["torch" if c == "pytorch" else c for c in close],
                word=statement.name.span,
            )
        opset: Any = dialects.LATEST_OPSET
        for option in statement.options:
            opset = self._values.value(option.value, scope)
            if (
                option.name != "opset"
                or name != "onnx"
                or isinstance(opset, bool)
                or not isinstance(opset, int)
                or opset < 1
            ):
                raise BuildError(
                    "bad-value",
                    "a dialect's only option is onnx' opset, as in `dialect onnx opset=21`",
                    option.span,
                )
        self._draft.dialect = Dialect.named(name, opset)

    def _before_layers(self, what: str, span: Span) -> None:
        if self._draft.nodes:
            raise BuildError("bad-statement", f"`{what}` stands before the first layer", span)

    def _define(self, name: tree.Name, value: Any, scope: Scope) -> None:
        self._unused(name, scope)
        scope.names[name.text] = value
        self._draft.spans[scope.full(name.text)] = name.span

    def _unused(self, name: tree.Name, scope: Scope) -> None:
        """That a name is new in its scope."""
        if name.text in scope.names or name.text in WORDS:
            where = self._draft.spans.get(scope.full(name.text))
            related = [Label(where, "it is given here first")] if where else []
            raise BuildError("repeated-name", f"`{name.text}` is already a name here", name.span, related=related)

    def _repeat(self, statement: tree.Repeat, scope: Scope) -> None:
        path = self._draft.free_path("repeat", scope)
        count = self._rounds.get(path, self._values.number(statement.count, scope))
        span = statement.count.span
        if not isinstance(count, int) or count < 0:
            raise BuildError("bad-value", "repeat takes a whole number, 0 or more", span)
        if count > MAX_REPEAT or len(self._draft.nodes) + count * self._count.of(statement.body) > MAX_LAYERS:
            raise LimitError(
                f"repeat {count} is beyond what a file may lay out: {MAX_REPEAT} rounds, {MAX_LAYERS} layers",
                span,
            )
        for index in range(count):
            inner = Scope(f"{path}[{index}]", scope)
            if statement.index is not None:
                inner.names[statement.index.text] = index
            self._inside(statement.body, inner, statement.span)

    def _within_limits(self, statement: tree.Statement, scope: Scope) -> None:
        """Refuse a line that lays out too much before it does, as far as that can be told; and too long a file."""
        self._laid += 1
        if self._laid > MAX_STATEMENTS:
            raise LimitError(f"the file lays out more than {MAX_STATEMENTS} statements", statement.span)
        if scope.parent is None and isinstance(statement, tree.Line) and self._count.line(statement.value) > MAX_LAYERS:
            raise LimitError(f"this line lays out more than {MAX_LAYERS} layers", statement.span)

    def _inside(self, body: tuple[tree.Statement, ...], scope: Scope, span: Span) -> None:
        self._depth += 1
        self._laid += 1
        try:
            if self._depth > MAX_BLOCK_DEPTH:
                raise LimitError(f"blocks and repeats lie more than {MAX_BLOCK_DEPTH} deep", span)
            self.statements(body, scope)
        finally:
            self._depth -= 1

    def _line(self, line: tree.Line, scope: Scope) -> None:
        for name in line.names:
            self._unused(name, scope)
        # The line's main layer takes its name as path; several names share none.
        named = line.names[0].text if len(line.names) == 1 else None
        wires = self._pipelines.lay(
            line.value, Place(scope, named, line.allow, max(len(line.names), 1)), self._previous
        )
        self._previous = wires[:1] if wires else wires
        for index, name in enumerate(line.names):
            wire = None if wires is None else Wire(wires[0].node, index) if len(line.names) > 1 else wires[0]
            scope.names[name.text] = TensorValue(wire, name.span)
            if wire is not None:
                self._draft.names[scope.full(name.text)] = wire
                self._draft.spans[scope.full(name.text)] = name.span
