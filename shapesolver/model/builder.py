"""The tree of a file to the graph of its network: names resolved, blocks and repeats laid out.

Every finding of a file is collected: a line in error is left out, its names stay known, and whatever consumes
them is passed over without a second complaint.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from shapesolver.arithmetic import symbol
from shapesolver.diagnostics import Diagnostic, Label, Span
from shapesolver.language import tree
from shapesolver.layers import dialects
from shapesolver.layers.base import Layer
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.registry import spellings
from shapesolver.layers.source import Source
from shapesolver.model.calls import BoundCall, bind, make, spelling_of
from shapesolver.model.draft import MAX_LAYERS, Draft
from shapesolver.model.errors import AlreadySaid, BuildError, LimitError, did_you_mean
from shapesolver.model.graph import Claim, Graph, Wire
from shapesolver.model.scope import BlockValue, Scope, TensorValue
from shapesolver.model.values import WORDS, Values, dotted_text

MAX_REPEAT = 100_000
"""The most rounds of one repeat."""
MAX_BLOCK_DEPTH = 50
"""How deep blocks and repeats may lie in each other."""

Result = tuple[Wire, ...] | None
"""What a stage makes; ``None`` after an error, which has been said."""


def build(file: tree.File) -> tuple[Graph, tuple[Diagnostic, ...]]:
    """The graph of a file, and what is wrong with the file."""
    builder = Builder()
    try:
        builder.statements(file.statements, Scope())
    except LimitError as error:
        builder.blame(error)
    return builder.finish(), tuple(builder.diagnostics)


class Builder:
    """Lays out one file. Not for use twice."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.dialect = Dialect()
        self._draft = Draft()
        self._previous: Result = ()
        self._depth = 0
        self._blocks: list[str] = []
        self._values = Values(self._draft)

    def finish(self) -> Graph:
        """The graph of what was laid out."""
        return self._draft.graph(self.dialect, self._previous or ())

    # Statements.

    def statements(self, statements: tuple[tree.Statement, ...], scope: Scope) -> None:
        """Lay out statements in order, each error ending only its own."""
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

    def blame(self, error: BuildError) -> None:
        """Keep a finding, once."""
        if not isinstance(error, AlreadySaid) and error.diagnostic not in self.diagnostics:
            self.diagnostics.append(error.diagnostic)

    def _statement(self, statement: tree.Statement, scope: Scope) -> None:
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
                self.dialect = self.dialect.with_layout(text)
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
                    wires = self._pipeline(value, scope, None, ())
                    self._draft.outputs.extend(wires or ())

    def _dialect(self, statement: tree.Dialect, scope: Scope) -> None:
        name = statement.name.text
        self._before_layers("dialect", statement.span)
        if name not in dialects.NAMES:
            close = difflib.get_close_matches(name.lower(), [*dialects.NAMES, "pytorch"], n=1)
            advice = did_you_mean("torch" if c == "pytorch" else c for c in close)
            raise BuildError(
                "bad-value",
                f"unknown dialect `{name}`; there are {', '.join(dialects.NAMES)}",
                statement.span,
                advice=advice,
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
        self.dialect = Dialect.named(name, opset)

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
        count = self._values.number(statement.count, scope)
        span = statement.count.span
        if not isinstance(count, int) or count < 0:
            raise BuildError("bad-value", "repeat takes a whole number, 0 or more", span)
        lines = _least_lines(statement.body)
        if count > MAX_REPEAT or len(self._draft.nodes) + count * lines > MAX_LAYERS:
            raise LimitError(
                f"repeat {count} is beyond what a file may lay out: {MAX_REPEAT} rounds, {MAX_LAYERS} layers",
                span,
            )
        path = self._draft.free_path("repeat", scope)
        for index in range(count):
            inner = Scope(f"{path}[{index}]", scope)
            if statement.index is not None:
                inner.names[statement.index.text] = index
            self._inside(statement.body, inner, statement.span)

    def _inside(self, body: tuple[tree.Statement, ...], scope: Scope, span: Span) -> None:
        self._depth += 1
        try:
            if self._depth > MAX_BLOCK_DEPTH:
                raise LimitError(f"blocks and repeats lie more than {MAX_BLOCK_DEPTH} deep", span)
            self.statements(body, scope)
        finally:
            self._depth -= 1

    # Lines and stages.

    def _line(self, line: tree.Line, scope: Scope) -> None:
        for name in line.names:
            self._unused(name, scope)
        wires = self._pipeline(line.value, scope, self._name_for_path(line), line.allow, max(len(line.names), 1))
        self._previous = wires[:1] if wires else wires
        for index, name in enumerate(line.names):
            wire = None if wires is None else Wire(wires[0].node, index) if len(line.names) > 1 else wires[0]
            scope.names[name.text] = TensorValue(wire, name.span)
            if wire is not None:
                self._draft.names[scope.full(name.text)] = wire
                self._draft.spans[scope.full(name.text)] = name.span

    def _name_for_path(self, line: tree.Line) -> str | None:
        """The name that the line's main layer takes; several names share none."""
        return line.names[0].text if len(line.names) == 1 else None

    def _pipeline(
        self, value: tree.Expression, scope: Scope, name: str | None, allow: tuple[str, ...], results: int = 1
    ) -> Result:
        """Lay out the stages of a pipeline, starting from the previous line's result."""
        stages = value.stages if isinstance(value, tree.Pipeline) else (value,)
        main = self._main_stage(stages, scope) if name else -1
        current = self._previous
        for index, stage in enumerate(stages):
            named = name if index == main else None
            last = index == len(stages) - 1
            current = self._stage(stage, scope, current, named, allow, results if last else 1, index == 0)
        return current

    def _main_stage(self, stages: tuple[tree.Expression, ...], scope: Scope) -> int:
        """The stage that a line's name is for: the last that is more than elementwise."""
        for index in range(len(stages) - 1, -1, -1):
            stage = stages[index]
            function = stage.function if isinstance(stage, tree.Call) else stage
            spelled = spellings().get(function.text) if isinstance(function, tree.Name) else None
            if isinstance(function, tree.Name) and isinstance(scope.find(function.text), BlockValue):
                return index
            if spelled is not None and not spelled.kind.elementwise:
                return index
        return len(stages) - 1

    def _stage(
        self,
        stage: tree.Expression,
        scope: Scope,
        previous: Result,
        name: str | None,
        allow: tuple[str, ...],
        results: int,
        first: bool,
    ) -> Result:
        match stage:
            case tree.Previous(span=span):
                if previous == ():
                    raise BuildError("no-input", "`_` is the result of the line above, and there is none", span)
                return previous
            case tree.Pipeline():
                kept, self._previous = self._previous, previous
                try:
                    return self._pipeline(stage, scope, None, allow)
                finally:
                    self._previous = kept
            case tree.Name() | tree.Attribute() | tree.Index():
                found = self._tensor(stage, scope)
                if found is not None:
                    if not first:
                        raise BuildError(
                            "wrong-kind",
                            f"`{dotted_text(stage)}` is a tensor, and a layer is needed after `->`",
                            stage.span,
                        )
                    return found.wire and (found.wire,)
                if isinstance(stage, tree.Name):
                    return self._call(stage, (), stage.span, scope, previous, name, allow, results)
            case tree.Call(function=tree.Name() as function, arguments=arguments, span=span):
                return self._call(function, arguments, span, scope, previous, name, allow, results)
        raise BuildError(
            "wrong-kind",
            "a layer or the name of a result is needed here",
            stage.span,
            advice=[("try", "`conv(32, kernel=3)`")],
        )

    def _tensor(self, expression: tree.Expression, scope: Scope) -> TensorValue | None:
        """The tensor that a name means, if it means one."""
        path = dotted_text(expression)
        if isinstance(expression, tree.Name):
            found = scope.find(path)
            if isinstance(found, TensorValue):
                return found
            # Layers without a name go by their path: `flatten1`.
            wire = self._draft.names.get(scope.full(path)) if found is None else None
            return TensorValue(wire, expression.span) if wire else None
        for full in (scope.full(path), path):
            if full in self._draft.names:
                return TensorValue(self._draft.names[full], expression.span)
        raise BuildError(
            "unknown-name",
            f"nothing is called `{path}` here",
            expression.span,
            advice=did_you_mean(difflib.get_close_matches(path, self._draft.names, n=2)),
        )

    def _is_tensor(self, expression: tree.Expression, scope: Scope) -> bool:
        """Whether an argument is an input tensor: a name of one, ``_``, or a lane."""
        match expression:
            case tree.Previous() | tree.Pipeline():
                return True
            case tree.Name(text=text):
                found = scope.find(text)
                # A bare word such as `relu` or `identity` is a lane of one layer, unless it means a value here.
                return isinstance(found, (TensorValue, BlockValue)) or (found is None and text in spellings())
            case tree.Call(function=tree.Name(text=text)):
                return text in spellings() or isinstance(scope.find(text), BlockValue)
            case tree.Attribute() | tree.Index():
                path = dotted_text(expression)
                return scope.full(path) in self._draft.names or path in self._draft.names
        return False

    def _call(
        self,
        function: tree.Name,
        arguments: tuple[tree.Argument, ...],
        span: Span,
        scope: Scope,
        previous: Result,
        name: str | None,
        allow: tuple[str, ...],
        results: int,
    ) -> Result:
        meaning = scope.find(function.text)
        if isinstance(meaning, BlockValue):
            return self._block(meaning.definition, arguments, span, scope, previous, name)
        if meaning is None and function.text not in spellings():
            close = difflib.get_close_matches(function.text, [*scope.known()], n=1, cutoff=0.75)
            if close and not arguments:
                raise BuildError(
                    "unknown-name",
                    f"nothing is called `{function.text}` here",
                    span,
                    advice=did_you_mean(close),
                )
        call = self._bind(function, arguments, scope, name)
        call.span = span
        layer = make(call, self.dialect)
        inputs = self._inputs(call, scope, previous)
        wires = None if inputs is None else self._add(layer, inputs, span, scope, name, allow, results)
        if call.activation is not None:
            return self._stage(_as_stage(call.activation), scope, wires, None, allow, 1, False)
        return wires

    def _bind(
        self, function: tree.Name, arguments: tuple[tree.Argument, ...], scope: Scope, name: str | None
    ) -> BoundCall:
        """Sort the arguments; those of an input are symbols where they are new names."""
        spelling = spellings().get(function.text)
        if spelling is not None and issubclass(spelling.kind, Source):
            arguments = tuple(self._source_argument(a, scope, spelling.kind.op) for a in arguments)

        def evaluate(expression: tree.Expression, words: bool) -> Any:
            return self._values.value(expression, scope, words)

        def is_tensor(expression: tree.Expression) -> bool:
            return not issubclass(spelling_of(function.text, function.span).kind, Source) and self._is_tensor(
                expression, scope
            )

        return bind(function, arguments, evaluate, is_tensor)

    def _source_argument(self, argument: tree.Argument, scope: Scope, op: str) -> tree.Argument:
        """``H`` or ``H=224`` in an input makes the symbol H; the argument becomes its name alone."""
        if op != "input":
            return argument
        value, name = argument.value, argument.name
        if name is None and isinstance(value, tree.Name) and value.text not in WORDS:
            if scope.find(value.text) is None:
                self._symbol(value, None, scope)
            return argument
        if name is None or name in ("shape", "sizes", "input_shape", "batch_shape"):
            return argument
        usual = self._values.number(value, scope)
        if isinstance(usual, bool) or not isinstance(usual, int) or usual < 1:
            raise BuildError("bad-value", f"{name}'s usual size is a whole number, 1 or more", argument.span)
        named = tree.Name(name, span=argument.span)
        known = scope.find(name)
        if known is None:
            self._symbol(named, usual, scope)
        elif name not in self._draft.symbols or self._draft.symbols[name] not in (None, usual):
            raise BuildError("repeated-name", f"`{name}` already means something else here", argument.span)
        return tree.Argument(None, named, span=argument.span)

    def _symbol(self, name: tree.Name, usual: int | None, scope: Scope) -> None:
        scope.names[name.text] = symbol(name.text)
        self._draft.symbols[name.text] = usual
        self._draft.spans[name.text] = name.span

    def _inputs(self, call: BoundCall, scope: Scope, previous: Result) -> tuple[Wire, ...] | None:
        """The wires that a layer consumes: those named, or the previous result."""
        least, most = call.kind.inputs
        wires: list[Wire] = []
        parameters = len(call.kind.tensor_parameters)
        explicit = [self._lane(expression, scope, previous) for expression in call.tensors]
        if least > 0 and len(explicit) < max(least, 1) + parameters * bool(explicit):
            if previous == ():
                raise BuildError(
                    "no-input",
                    f"{call.kind.op} has nothing to consume",
                    call.span,
                    advice=[("try", "begin with an input, as in `image = input(28, 28, 1)`")],
                )
            explicit.insert(0, previous)
        for result in explicit:
            if result is None:
                return None
            wires.append(result[0])
        if len(wires) < least or (most is not None and len(wires) > most):
            needs = f"{least}" if most == least else f"{least} to {most}" if most else f"{least} or more"
            raise BuildError(
                "missing-argument",
                f"{call.kind.op} takes {needs} tensors, and {len(wires)} are given",
                call.span,
            )
        return tuple(wires)

    def _lane(self, expression: tree.Expression, scope: Scope, previous: Result) -> Result:
        """An argument's tensor: a lane starts from the result that the merge itself would consume."""
        kept, self._previous = self._previous, previous
        try:
            return self._pipeline(expression, scope, None, ())
        finally:
            self._previous = kept

    def _add(
        self,
        layer: Layer,
        inputs: tuple[Wire, ...],
        span: Span,
        scope: Scope,
        name: str | None,
        allow: tuple[str, ...],
        results: int,
    ) -> tuple[Wire, ...]:
        path = scope.full(name) if name else self._draft.free_path(layer.op, scope)
        if name:
            scope.ordinals[layer.op] = scope.ordinals.get(layer.op, 0) + 1
        return (self._draft.add(path, layer, inputs, span, results, allow),)

    # Blocks.

    def _block(
        self,
        block: tree.Block,
        arguments: tuple[tree.Argument, ...],
        span: Span,
        scope: Scope,
        previous: Result,
        name: str | None,
    ) -> Result:
        text = block.name.text
        if text in self._blocks:
            cycle = " -> ".join((*self._blocks[self._blocks.index(text) :], text))
            raise BuildError("cyclic-block", f"block `{text}` calls itself: {cycle}", span)
        path = scope.full(name) if name else self._draft.free_path(text, scope)
        root = scope
        while root.parent is not None:
            root = root.parent
        inner = Scope(path, root, dict(self._block_arguments(block, arguments, span, scope, previous)))
        kept, self._previous = self._previous, previous
        self._blocks.append(text)
        self._draft.paths.add(path)
        try:
            self._inside(block.body, inner, span)
            result = self._previous
        finally:
            self._blocks.pop()
            self._previous = kept
        if result:
            self._draft.names.setdefault(path, result[0])
        return result

    def _block_arguments(
        self,
        block: tree.Block,
        arguments: tuple[tree.Argument, ...],
        span: Span,
        scope: Scope,
        previous: Result,
    ) -> Iterator[tuple[str, Any]]:
        parameters = {p.name.text: p for p in block.parameters}
        positional = [a for a in arguments if a.name is None]
        given = dict(zip(parameters, positional, strict=False))
        if len(positional) > len(parameters):
            takes = ", ".join(parameters) or "nothing"
            raise BuildError(
                "too-many-arguments",
                f"block {block.name.text} takes {takes}",
                positional[len(parameters)].span,
            )
        for argument in arguments:
            if argument.name is None:
                continue
            if argument.name not in parameters:
                raise BuildError(
                    "unknown-argument",
                    f"block {block.name.text} has no parameter `{argument.name}`",
                    argument.span,
                    advice=did_you_mean(difflib.get_close_matches(argument.name, parameters)),
                )
            if argument.name in given:
                raise BuildError("repeated-name", f"`{argument.name}` is given twice", argument.span)
            given[argument.name] = argument
        for name, parameter in parameters.items():
            expression = given[name].value if name in given else parameter.default
            if expression is None:
                raise BuildError("missing-argument", f"block {block.name.text} needs `{name}`", span)
            yield name, self._block_argument(expression, scope, previous)

    def _block_argument(self, expression: tree.Expression, scope: Scope, previous: Result) -> Any:
        if self._is_tensor(expression, scope):
            wires = self._lane(expression, scope, previous)
            return TensorValue(wires[0] if wires else None, expression.span)
        return self._values.value(expression, scope, words=True)


def _least_lines(body: tuple[tree.Statement, ...]) -> int:
    """The fewest layers that a body can lay out: its lines, those of inner repeats as often as they are made."""
    total = 0
    for statement in body:
        if isinstance(statement, tree.Repeat) and isinstance(statement.count, tree.Number):
            total += int(statement.count.value) * _least_lines(statement.body)
        total += isinstance(statement, tree.Line)
    return total


def _as_stage(value: tree.Expression) -> tree.Expression:
    """The word of ``activation="relu"`` as a layer."""
    return tree.Name(value.value, span=value.span) if isinstance(value, tree.Text) else value
