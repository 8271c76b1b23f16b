"""The statements of a function: every layer called on what it takes, results named as they are needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from shapesolver.exchange.code import Call, Expression
from shapesolver.exchange.keras.building import attention_order
from shapesolver.exchange.keras.functions import Function, Inline, Loop, Outline, Steps, Use, prefix_of
from shapesolver.exchange.keras.program import Call as Layer
from shapesolver.exchange.naming import numbered
from shapesolver.exchange.parts import Leaf, Part, segments
from shapesolver.exchange.printing import Bracket, Doc, arguments, document, flat, index_text, lines, uses_round
from shapesolver.model.graph import Graph, Wire

ROUNDS = "ijkmn"
"""The variables of loops, the innermost first."""


class Naming(NamedTuple):
    """How the paths of layers become names in a function: what the call and the rounds put into them."""

    depth: int = 0
    """How many parts of a path are the function's ``name``."""
    rounds: tuple[tuple[int, str], ...] = ()
    """Which parts of a path are the variables of loops."""

    def text(self, path: Sequence[str], whole: str = "") -> str:
        """A name as Python text; ``whole`` is what it is where nothing varies."""
        parts = list(path)
        for place, variable in self.rounds:
            parts[place : place + 1] = [f"{{{variable}}}"]
        if self.depth:
            parts[: self.depth] = ["{name}"]
        text = "_".join(parts)
        if text == "{name}":
            return "name"
        return f'f"{text}"' if "{" in text else f'"{whole or text}"'


class Statement(NamedTuple):
    """A layer, a call of a function, or a loop."""

    member: Leaf | Part
    construct: Expression

    @property
    def inputs(self) -> tuple[Wire, ...]:
        """The tensors that it takes."""
        return self.member.inputs


def statements(part: Part, body: Inline) -> Iterator[Statement]:
    """The statements of a part, those of what stands in place included."""
    for member, construct in zip(part.members, body.members, strict=True):
        if isinstance(construct, Inline) and isinstance(member, Part):
            yield from statements(member, construct)
        else:
            yield Statement(member, construct)


class Scope:
    """Writes statements one after another."""

    def __init__(self, graph: Graph, outline: Outline, taken: set[str], naming: Naming, indent: int) -> None:
        """``taken`` are names that no variable may have."""
        self._graph = graph
        self._outline = outline
        self._functions: Mapping[str, Function] = {function.name: function for function in outline.functions}
        self._taken = taken
        self._naming = naming
        self._indent = indent
        self._layers: dict[int, list[str]] = {}
        self._called_again = {call.shared for call in outline.calls.values() if call.shared is not None}
        self.names: dict[Wire, str] = {}
        """What tensors are called."""

    def lines(self, body: Sequence[Statement], outputs: Sequence[Wire], final: str = "") -> Iterator[str]:
        """The statements' lines; ``final`` is what the last result is called."""
        left = Counter(wire for statement in body for wire in {*statement.inputs})
        left.update(outputs)
        for number, statement in enumerate(body):
            following = body[number + 1] if number + 1 < len(body) else None
            if following is None and final:
                names = [final]
            elif following is not None and self._passes(statement, following, left):
                names = ["x"]
            else:
                names = self._result_names(statement)
            yield from self._statement(statement, names)
            self.names.update(zip(statement.member.outputs, names, strict=True))

    def _passes(self, statement: Statement, following: Statement, left: Counter[Wire]) -> bool:
        """Whether a result is consumed by the next statement, and by nothing else."""
        wires = statement.member.outputs
        if len(wires) != 1 or left[wires[0]] != 1 or wires[0] not in following.inputs:
            return False
        loop = following.construct
        return not isinstance(loop, Loop) or self._entry(following, loop) == wires[0]

    def _statement(self, statement: Statement, names: list[str]) -> Iterator[str]:
        match statement.construct:
            case Steps(calls=calls):
                assert isinstance(statement.member, Leaf)
                yield from self._steps(self._outline.calls[statement.member.index], calls, names)
            case Use() as use:
                values = [self.names[wire] for wire in statement.inputs]
                named = self._functions[use.function].named
                name = self._naming.text(prefix_of(statement.member, self._graph))
                given = (*values, *arguments(use.slots, ()), *([f"name={name}"] if named else []))
                yield from self._assign(names, Bracket(f"{use.function}(", given, ")"))
            case Loop() as loop:
                yield from self._loop(statement, loop, names[0])

    def _assign(self, names: Sequence[str], doc: Doc) -> list[str]:
        return lines(f"{', '.join(names)} = ", doc, self._indent)

    # Layers.

    def _steps(self, call: Layer, calls: Sequence[Call], names: list[str]) -> Iterator[str]:
        values = [self.names[wire] for wire in call.inputs]
        layers = self._layers.get(call.shared if call.shared is not None else -1)
        if layers is None and call.node in self._called_again:
            layers = []
            for place, made in enumerate(calls):
                layers.append(self._fresh(f"{self._wish(call)}_layer"))
                yield from self._assign(layers[-1:], self._made(call, place, made))
            self._layers[call.node] = layers
        for place, made in enumerate(calls):
            last = place == len(calls) - 1
            doc = self._applied(call, place, made, values, None if layers is None else layers[place])
            yield from self._assign(names if last else ["x"], doc)
            values = ["x"]

    def _made(self, call: Layer, place: int, made: Call) -> Bracket:
        """A layer's constructor."""
        named = bool(call.name) and call.steps[place].named
        path = self._outline.paths.get(call.node, ())
        name = [f"name={self._naming.text(path, call.name)}"] if named else []
        return Bracket(f"{made.function}(", (*arguments(made.args, made.kwargs), *name), ")")

    def _applied(self, call: Layer, place: int, made: Call, values: list[str], layer: str | None) -> Doc:
        step = call.steps[place]
        if step.is_layer:
            if step.target == "layers.MultiHeadAttention":
                given = ", ".join(attention_order(values))
            else:
                given = f"[{', '.join(values)}]" if step.listed else values[0]
            given += ", reverse=True" if call.reverse else ""
            if layer is not None:
                return f"{layer}({given})"
            doc = self._made(call, place, made)
            return Bracket(doc.head, doc.items, f")({given})")
        if step.target == "ops.getitem":
            return f"{values[0]}[{', '.join(map(index_text, made.args[0]))}]"
        tensors: list[Doc] = [Bracket("[", tuple(values), "]")] if step.listed else list(values)
        return Bracket(f"{step.target}(", (*tensors, *arguments(made.args, made.kwargs)), ")")

    # Loops.

    def _entry(self, statement: Statement, loop: Loop) -> Wire:
        """The tensor that the first round starts from."""
        assert isinstance(statement.member, Part)
        return statement.member.members[0].inputs[loop.carried]

    def _loop(self, statement: Statement, loop: Loop, name: str) -> Iterator[str]:
        """A loop whose variable is what each round makes of it."""
        assert isinstance(statement.member, Part)
        entry, first = self._entry(statement, loop), statement.member.members[0]
        if self.names[entry] != name:
            yield from self._assign([name], self.names[entry])
        inline = isinstance(loop.body, Inline) and isinstance(first, Part)
        body = [*statements(first, loop.body)] if inline and isinstance(first, Part) else [Statement(first, loop.body)]
        variable = ROUNDS[_loops_within(loop.body)]
        place = len(prefix_of(statement.member, self._graph))
        naming = self._naming._replace(rounds=(*self._naming.rounds, (place, variable)))
        inner = Scope(self._graph, self._outline, self._taken, naming, self._indent + 4)
        inner.names = {**self.names, entry: name}
        inner._layers = self._layers
        text: list[str] = []
        if any(entry in later.inputs for later in body[1:]):
            inner.names[entry] = self._fresh("shortcut")
            text += lines(f"{inner.names[entry]} = ", name, self._indent + 4)
        text += inner.lines(body, (), name)
        used = uses_round(loop.body) or any(f"{{{variable}}}" in line for line in text)
        count = flat(document(loop.count))
        yield f"{' ' * self._indent}for {variable if used else '_'} in range({count}):"
        yield from text

    # Names.

    def _result_names(self, statement: Statement) -> list[str]:
        member = statement.member
        if isinstance(member, Leaf):
            stem = self._wish(self._outline.calls[member.index])
        else:
            path = prefix_of(member, self._graph)[self._naming.depth :]
            stem = "y" if member.automatic or not path else path[-1]
        if len(member.outputs) > 1:
            return [self._fresh(f"{stem}_{k + 1}") for k in range(len(member.outputs))]
        return [self._fresh(stem)]

    def _wish(self, call: Layer) -> str:
        """What a layer's result would be called: the author's name for it, or its kind."""
        if not call.name:
            return self._graph.nodes[call.node].layer.op
        if not self._naming.depth and not self._naming.rounds:
            return call.name
        return segments(self._graph.nodes[call.node].path)[-1]

    def _fresh(self, name: str) -> str:
        return numbered(name if name.isidentifier() else "y", self._taken)

    def given(self, wire: Wire, name: str) -> str:
        """Call a tensor that comes in, and say how."""
        self.names[wire] = self._fresh(name)
        return self.names[wire]


def _loops_within(construct: Expression) -> int:
    """How deep loops lie in a construct."""
    if isinstance(construct, Loop):
        return 1 + _loops_within(construct.body)
    return max(map(_loops_within, construct.members), default=0) if isinstance(construct, Inline) else 0
