"""Blocks become functions of the file, what differs between their places their parameters; repeats become loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shapesolver.exchange.alike import Parameters, abstract, add_levels, filled, pattern
from shapesolver.exchange.code import Call, Expression, Progression, Slot, Value, Written
from shapesolver.exchange.keras.expressions import constructor
from shapesolver.exchange.keras.program import Call as Layer
from shapesolver.exchange.keras.program import Program
from shapesolver.exchange.parts import Leaf, Part, Tree, leaves_of, segments, unused, walk
from shapesolver.model.graph import Graph


@dataclass(frozen=True, slots=True)
class Steps:
    """What a layer is made by, one call for each of its steps."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Inline:
    """The members of a part, one after another where the part stands."""

    members: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """A member that runs several times, each on what the one before makes."""

    body: Expression
    count: Slot
    carried: int
    """Which of its inputs is what the round before made."""


@dataclass(frozen=True, slots=True)
class Use:
    """A function of the file called."""

    function: str
    slots: tuple[Slot, ...]


@dataclass(slots=True)
class Function:
    """A function of the file: a template, and the values that its calls give to its slots."""

    name: str
    part: Part
    body: Inline
    named: bool
    """Whether layers in it have names, which begin with that of the call."""
    parameters: list[tuple[str, Any]] = field(default_factory=list)
    """Names, and defaults where there are any."""


class Outline(NamedTuple):
    """A program as functions and what stands outside them."""

    root: Part
    body: Inline
    functions: list[Function]
    paths: Mapping[int, tuple[str, ...]]
    """The path of each layer that the file names, cut up, by its node."""
    calls: Mapping[int, Layer]
    """The layers, by their nodes."""


def outline_of(graph: Graph, program: Program, taken: Iterable[str]) -> Outline:
    """The functions and loops of a program; ``taken`` are names that no function may have."""
    return _Outliner(graph, program, taken).outline()


def prefix_of(member: Leaf | Part, graph: Graph) -> tuple[str, ...]:
    """What the paths of all its layers begin with."""
    paths = [segments(graph.nodes[leaf.index].path) for leaf in leaves_of(member)]
    first, last = min(paths), max(paths)
    length = next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:length]


class _Outliner:
    def __init__(self, graph: Graph, program: Program, taken: Iterable[str]) -> None:
        self._graph = graph
        self._calls = {call.node: call for call in program.calls}
        self._root = Tree(graph, self._leaves(program), program.outputs).root()
        self._paths = {call.node: segments(graph.nodes[call.node].path) for call in program.calls if call.name}
        self._taken = set(taken)
        self._functions: list[Function] = []
        self._made: dict[int, Expression] = {}

    def _leaves(self, program: Program) -> Iterator[Leaf]:
        known: dict[int, Leaf] = {}
        for call in program.calls:
            result = Written(tuple(map(Value, call.inputs)))
            shared = None if call.shared is None else known[call.shared]
            known[call.node] = Leaf("", call.node, result, call.results, shared)
            yield known[call.node]

    def outline(self) -> Outline:
        """Every part settled, the innermost first."""
        levels: dict[int, list[Part]] = {}
        add_levels(self._root, levels)
        for height in sorted(levels):
            blocks: dict[Any, list[Part]] = {}
            for part in levels[height]:
                if part.title and part is not self._root and part.members:
                    blocks.setdefault(self._shape(part), []).append(part)
                else:
                    self._made[id(part)] = self._loop(part) if part.rounds else self._inline(part)
            for parts in blocks.values():
                self._settle(parts)
        return Outline(self._root, self._inline(self._root), self._functions, self._paths, self._calls)

    def _construct(self, member: Leaf | Part) -> Expression:
        if isinstance(member, Part):
            return self._made[id(member)]
        return Steps(tuple(map(constructor, self._calls[member.index].steps)))

    def _inline(self, part: Part) -> Inline:
        return Inline(tuple(map(self._construct, part.members)))

    def _shape(self, part: Part) -> Any:
        """What two parts must have in common to be calls of one function."""
        return (part.title, abstract(self._inline(part), []), self._wiring(part, len(prefix_of(part, self._graph))))

    def _wiring(self, member: Leaf | Part, depth: int) -> Any:
        """How a member's layers hang together, and what they are called from a depth of their paths on."""
        numbers = {wire: number for number, wire in enumerate(member.inputs)}
        order = {leaf.index: place for place, leaf in enumerate(leaves_of(member))}
        rows = []
        for one in self._written(member):
            if isinstance(one, Leaf):
                call = self._calls[one.index]
                inputs = tuple(numbers.setdefault(wire, len(numbers)) for wire in call.inputs)
                shared = None if call.shared is None else order.get(call.shared, call.shared)
                rows.append((inputs, shared, call.reverse, self._paths.get(one.index, ())[depth:]))
            for wire in one.outputs:
                numbers[wire] = len(numbers)
        return tuple(rows), tuple(numbers[wire] for wire in member.outputs)

    def _written(self, member: Leaf | Part) -> Iterator[Leaf | Part]:
        """The layers of a member that its text states, a loop's once; after them the loop that they are of."""
        if isinstance(member, Leaf):
            yield member
            return
        loop = isinstance(self._made.get(id(member)), Loop)
        for inner in member.members[:1] if loop else member.members:
            yield from self._written(inner)
        if loop:
            yield member

    # Loops.

    def _loop(self, part: Part) -> Expression:
        """A repeat as a loop, where its rounds are alike and each goes on from the one before."""
        rounds, carried = part.members, self._carried(part)
        made = [self._construct(member) for member in rounds]
        depth = len(prefix_of(part, self._graph)) + 1
        slots: list[list[Slot]] = [[] for _ in made]
        shapes = {
            (abstract(one, own), self._wiring(member, depth))
            for one, own, member in zip(made, slots, rounds, strict=True)
        }
        if carried is None or len(shapes) > 1:
            return Inline(tuple(made))
        patterns = [pattern(column) for column in zip(*slots, strict=True)]
        nested = any(isinstance(inner, Loop) for inner in walk(made[0]))
        if None in patterns or (nested and any(isinstance(one, Progression) for one in patterns)):
            return Inline(tuple(made))
        return Loop(filled(made[0], iter(patterns)), Slot(len(made), "n", keyword=False), carried)

    def _carried(self, part: Part) -> int | None:
        """Which input of each round is the result of the one before, all others being the same for all rounds."""
        rounds = part.members
        inputs = [member.inputs for member in rounds]
        if len(rounds) < 2 or any(len(member.outputs) != 1 for member in rounds):
            return None
        if len({*map(len, inputs)}) > 1 or part.outputs != rounds[-1].outputs:
            return None
        found = None
        for place, column in enumerate(zip(*inputs, strict=True)):
            if all(wire == before.outputs[0] for wire, before in zip(column[1:], rounds, strict=False)):
                found = place
            elif len({*column}) > 1:
                return None
        return found

    # Functions.

    def _settle(self, parts: Sequence[Part]) -> None:
        """A function for parts of one shape."""
        first = parts[0]
        columns: list[list[Slot]] = [[] for _ in parts]
        for part, own in zip(parts, columns, strict=True):
            abstract(self._inline(part), own)
        parameters = Parameters([part.arguments for part in parts])
        values = iter([parameters.expression(column) for column in zip(*columns, strict=True)])
        body = filled(self._inline(first), values)
        name = unused(first.title, self._taken)
        named = any(leaf.index in self._paths for leaf in first.leaves)
        self._functions.append(Function(name, first, body, named, parameters.declared()))
        for number, part in enumerate(parts):
            self._made[id(part)] = Use(name, parameters.arguments(number))
