"""Lines to layers: the stages of a pipeline, each a call of a layer, a block, or of an earlier layer once more."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

from shapesolver.arithmetic import symbol
from shapesolver.diagnostics import Span
from shapesolver.language import tree
from shapesolver.layers.base import Layer
from shapesolver.layers.registry import spellings
from shapesolver.layers.source import Source
from shapesolver.model.blocks import given_arguments
from shapesolver.model.calls import BoundCall, bind, bind_tensors, make, spelling_of
from shapesolver.model.draft import Draft, Instance
from shapesolver.model.errors import AlreadySaid, BuildError
from shapesolver.model.graph import Wire
from shapesolver.model.mentions import REUSE, Mentions
from shapesolver.model.scope import BlockValue, Scope, TensorValue
from shapesolver.model.values import WORDS, Values, dotted_text

Result = tuple[Wire, ...] | None
"""What a stage makes; ``None`` after an error, which has been said."""

LayBody = Callable[[tuple[tree.Statement, ...], Scope, Span, Result], Result]
"""Lays out a block's body from the result that it consumes."""


class Place(NamedTuple):
    """Where a pipeline stands, and what its line says of it."""

    scope: Scope
    name: str | None = None
    allow: tuple[str, ...] = ()
    results: int = 1


class Pipelines:
    """Lays out pipelines in a draft; ``lay_body`` lays out the statements of blocks."""

    def __init__(self, draft: Draft, values: Values, lay_body: LayBody) -> None:
        self._draft = draft
        self._values = values
        self._mentions = Mentions(draft)
        self._lay_body = lay_body
        self._blocks: list[str] = []

    def lay(self, value: tree.Expression, place: Place, previous: Result) -> Result:
        """Lay out the stages of a pipeline, the first starting from ``previous``."""
        stages = value.stages if isinstance(value, tree.Pipeline) else (value,)
        main = self._main_stage(stages, place.scope) if place.name else -1
        current = previous
        for index, stage in enumerate(stages):
            here = place._replace(
                name=place.name if index == main else None,
                results=place.results if index == len(stages) - 1 else 1,
            )
            current = self._stage(stage, here, current, index == 0)
        return current

    def _lane(self, expression: tree.Expression, scope: Scope, previous: Result) -> Result:
        """An argument's tensor: a lane starts from the result that the layer itself would consume."""
        return self.lay(expression, Place(scope), previous)

    def _main_stage(self, stages: tuple[tree.Expression, ...], scope: Scope) -> int:
        """The stage that a line's name is for: the last that is more than elementwise."""
        for index in range(len(stages) - 1, -1, -1):
            stage = stages[index]
            function = stage.function if isinstance(stage, tree.Call) else stage
            if not isinstance(function, tree.Name):
                continue
            spelled = spellings().get(function.text)
            meaning = scope.find(function.text)
            if isinstance(meaning, BlockValue) or (meaning is None and function.text == REUSE):
                return index
            if spelled is not None and not spelled.kind.elementwise:
                return index
        return len(stages) - 1

    def _stage(self, stage: tree.Expression, place: Place, previous: Result, first: bool) -> Result:
        match stage:
            case tree.Previous(span=span):
                if previous == ():
                    raise BuildError("no-input", "`_` is the result of the line above, and there is none", span)
                return previous
            case tree.Pipeline():
                return self.lay(stage, Place(place.scope, allow=place.allow), previous)
            case tree.Name() | tree.Attribute() | tree.Index():
                found = self._mentions.tensor(stage, place.scope)
                if found is not None:
                    if not first:
                        raise BuildError(
                            "wrong-kind",
                            f"`{dotted_text(stage)}` is a tensor, and a layer is needed after `->`",
                            stage.span,
                        )
                    return found.wire and (found.wire,)
                if isinstance(stage, tree.Name):
                    return self._call(tree.Call(stage, (), span=stage.span), stage, place, previous)
            case tree.Call(function=tree.Name() as function):
                return self._call(stage, function, place, previous)
        raise BuildError(
            "wrong-kind",
            "a layer or the name of a result is needed here",
            stage.span,
            advice=[("try", "`conv(32, kernel=3)`")],
        )

    # Layers.

    def _call(self, call: tree.Call, function: tree.Name, place: Place, previous: Result) -> Result:
        meaning = place.scope.find(function.text)
        if isinstance(meaning, BlockValue):
            return self._block(meaning.definition, call, place, previous)
        if meaning is None and function.text == REUSE:
            return self._reuse(call, place, previous)
        if meaning is None and function.text not in spellings():
            close = difflib.get_close_matches(function.text, [*place.scope.known(), REUSE], n=1, cutoff=0.75)
            if close and (not call.arguments or close == [REUSE]):
                raise BuildError(
                    "unknown-name",
                    f"nothing is called `{function.text}` here",
                    call.span,
                    meant=close,
                    word=function.span,
                )
        bound = self._bind(function, call.arguments, place.scope)
        bound.span = call.span
        layer = make(bound, self._draft.dialect)
        inputs = self._inputs(bound, place.scope, previous)
        tied = None
        if bound.tied is not None:
            tied = self._draft.origin_of_first(self._mentions.layer(bound.tied, place.scope))
        wires = None if inputs is None else self._place(layer, inputs, call.span, place, tied=tied)
        if bound.activation is not None:
            return self._stage(_as_stage(bound.activation), Place(place.scope, allow=place.allow), wires, False)
        return wires

    def _place(
        self,
        layer: Layer,
        inputs: tuple[Wire, ...],
        span: Span,
        place: Place,
        shared: int | None = None,
        tied: int | None = None,
    ) -> tuple[Wire, ...]:
        scope = place.scope
        path = scope.full(place.name) if place.name else self._draft.free_path(layer.op, scope)
        if place.name:
            scope.ordinals[layer.op] = scope.ordinals.get(layer.op, 0) + 1
        return (self._draft.add(path, layer, inputs, span, place.results, place.allow, shared, tied),)

    def _bind(self, function: tree.Name, arguments: tuple[tree.Argument, ...], scope: Scope) -> BoundCall:
        """Sort the arguments; those of an input are symbols where they are new names."""
        spelling = spellings().get(function.text)
        if spelling is not None and issubclass(spelling.kind, Source):
            arguments = tuple(self._source_argument(a, scope, spelling.kind.op) for a in arguments)
        elif spelling is not None and spelling.kind.unknown_sizes:
            for argument in arguments:
                self._unknown_sizes(argument.value, scope)

        def evaluate(expression: tree.Expression, words: bool) -> Any:
            return self._values.value(expression, scope, words)

        def is_tensor(expression: tree.Expression) -> bool:
            source = issubclass(spelling_of(function.text, function.span).kind, Source)
            return not source and self._mentions.is_tensor(expression, scope)

        return bind(function, arguments, evaluate, is_tensor)

    def _unknown_sizes(self, value: tree.Expression, scope: Scope) -> None:
        """Sizes that a layer states by new names are symbols: nobody knows them."""
        for item in value.items if isinstance(value, tree.Tuple) else ():
            if isinstance(item, tree.Name) and item.text not in WORDS and scope.find(item.text) is None:
                self._symbol(item, None, scope.root)

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

    # Blocks.

    def _block(self, block: tree.Block, call: tree.Call, place: Place, previous: Result) -> Result:
        given = given_arguments(block, call)
        arguments: dict[str, Any] = {}
        for parameter in block.parameters:
            name = parameter.name.text
            expression = given.get(name, parameter.default)
            if expression is None:
                raise BuildError("missing-argument", f"block {block.name.text} needs `{name}`", call.span)
            arguments[name] = self._block_argument(expression, place.scope, previous)
        return self._instance(block, arguments, call.span, place, previous)

    def _block_argument(self, expression: tree.Expression, scope: Scope, previous: Result) -> Any:
        if self._mentions.is_tensor(expression, scope):
            wires = self._lane(expression, scope, previous)
            return TensorValue(wires[0] if wires else None, expression.span)
        return self._values.value(expression, scope, words=True)

    def _instance(
        self, block: tree.Block, arguments: dict[str, Any], span: Span, place: Place, previous: Result
    ) -> Result:
        """Lay out a block under the place's path and remember what was laid, for :meth:`_reuse`."""
        text, scope = block.name.text, place.scope
        if text in self._blocks:
            cycle = " -> ".join((*self._blocks[self._blocks.index(text) :], text))
            raise BuildError("cyclic-block", f"block `{text}` calls itself: {cycle}", span)
        path = scope.full(place.name) if place.name else self._draft.free_path(text, scope)
        first = len(self._draft.nodes)
        self._blocks.append(text)
        self._draft.paths.add(path)
        try:
            result = self._lay_body(block.body, Scope(path, scope.root, dict(arguments)), span, previous)
        finally:
            self._blocks.pop()
        self._draft.instances[path] = Instance(block, arguments, range(first, len(self._draft.nodes)))
        if result:
            self._draft.names.setdefault(path, result[0])
        return result

    # Earlier layers and blocks once more, with the same weights.

    def _reuse(self, call: tree.Call, place: Place, previous: Result) -> Result:
        if not call.arguments or call.arguments[0].name is not None:
            raise BuildError(
                "missing-argument",
                f"{REUSE} needs the layer or block whose weights to use",
                call.span,
                advice=[("try", f"`right -> {REUSE}(conv1)`")],
            )
        target = call.arguments[0].value
        rest = tree.Call(call.function, call.arguments[1:], span=call.span)
        instance = self._mentions.instance(target, place.scope)
        if instance is not None:
            return self._reuse_block(instance, rest, target, place, previous)
        index = self._mentions.layer(target, place.scope)
        node = self._draft.nodes[index]
        if isinstance(node.layer, Source):
            raise BuildError(
                "wrong-kind",
                f"`{node.path}` is a tensor without inputs; name it where it is needed",
                target.span,
            )
        bound = bind_tensors(node.layer, rest, lambda e: self._mentions.is_tensor(e, place.scope))
        inputs = self._inputs(bound, place.scope, previous)
        if inputs is None:
            return None
        return self._place(node.layer, inputs, call.span, place, shared=self._draft.origin(index))

    def _reuse_block(
        self, instance: Instance, call: tree.Call, target: tree.Expression, place: Place, previous: Result
    ) -> Result:
        """The block laid out again; each of its layers shares with its counterpart."""
        given = given_arguments(instance.block, call)
        changed = {name: self._block_argument(value, place.scope, previous) for name, value in given.items()}
        first = len(self._draft.nodes)
        result = self._instance(instance.block, {**instance.arguments, **changed}, call.span, place, previous)
        laid = range(first, len(self._draft.nodes))
        nodes = self._draft.nodes
        if [nodes[i].layer.op for i in laid] != [nodes[i].layer.op for i in instance.nodes]:
            if result is None:
                raise AlreadySaid(call.span)
            raise BuildError(
                "wrong-kind",
                f"with these arguments the block has other layers than `{dotted_text(target)}`",
                call.span,
            )
        for earlier, later in zip(instance.nodes, laid, strict=True):
            self._draft.share(later, earlier)
        return result


def _as_stage(value: tree.Expression) -> tree.Expression:
    """The word of ``activation="relu"`` as a layer."""
    return tree.Name(value.value, span=value.span) if isinstance(value, tree.Text) else value
