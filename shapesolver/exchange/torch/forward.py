"""The statements of a ``forward``: tensors become variables, and calls that feed each other become one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from shapesolver.exchange.code import Batch, Call, Expression, Extent, Made, Name, Operation, Value
from shapesolver.exchange.parts import Leaf, Part, unused, walk
from shapesolver.exchange.printing import WIDTH, Bracket, document, flat, lines
from shapesolver.model.graph import Wire

SPARE = ("y", "z")
"""Names for tensors that are used again later and that the author has not named."""
MAX_NESTED = 3
"""How many calls may lie in each other on one line."""


@dataclass(slots=True)
class Step:
    """One layer or inner module in its turn."""

    outputs: tuple[Wire, ...]
    result: Expression
    note: str = ""
    name: str = ""


def steps(part: Part, owner: str = "self") -> Iterator[Step]:
    """What a part does, in order; the rounds of a repeat that is no chain are called one by one."""
    for member in part.members:
        name = member.shared.name if isinstance(member, Leaf) and member.shared else member.name
        path = f"{owner}[{name}]" if part.rounds else f"{owner}.{name}"
        if isinstance(member, Leaf):
            yield Step(member.outputs, own(member.written.result, path), member.written.note, member.name)
        elif member.rounds and not member.chain:
            yield from steps(member, path)
        else:
            yield Step(member.outputs, Call(path, tuple(map(Value, member.inputs))), "", member.name)


def own(expression: Expression, path: str) -> Expression:
    """The expression with the layer's own module called by its path."""
    if isinstance(expression, Made):
        if expression.args is None:
            return Name(path)
        return Call(path, own(expression.args, path), own(expression.kwargs, path))
    return mapped(expression, lambda item: own(item, path))


def mapped(expression: Expression, change: Any) -> Expression:
    """The expression with a change made to each of its parts."""
    if isinstance(expression, list):
        return [change(item) for item in expression]
    if isinstance(expression, tuple):
        made = [change(item) for item in expression]
        return type(expression)(*made) if hasattr(expression, "_fields") else tuple(made)
    if is_dataclass(expression) and not isinstance(expression, type):
        changed: dict[str, Any] = {f.name: change(getattr(expression, f.name)) for f in fields(expression)}
        return replace(expression, **changed)
    return expression


class Forward:
    """Writes one ``forward``."""

    def __init__(self, part: Part, names: Mapping[Wire, str], given: Mapping[Wire, str]) -> None:
        """``names`` are what the author calls results; ``given`` are the variables of the inputs."""
        self._steps = [*steps(part)]
        self._outputs = part.outputs
        self._names = names
        self._variables: dict[Wire, Expression] = {wire: Name(name) for wire, name in given.items()}
        self._batch: Expression = Extent(Name(next(iter(given.values()), "x")), 0)
        self._last: dict[Wire, int] = {}
        self._uses: dict[Wire, int] = {}
        for number, step in enumerate(self._steps):
            for item in walk(step.result):
                if isinstance(item, Value):
                    self._last[item.wire] = number
                    self._uses[item.wire] = self._uses.get(item.wire, 0) + 1
        for wire in part.outputs:
            self._last[wire] = len(self._steps)
            self._uses[wire] = self._uses.get(wire, 0) + 1

    def lines(self, indent: int) -> list[str]:
        """The statements."""
        written: list[str] = []
        for number, step in enumerate(self._steps):
            result = self._resolved(step.result)
            if step.note:
                written.append(f"{' ' * indent}# {step.note}")
            if isinstance(result, Name) or self._nests(step, number, result, indent):
                self._variables[step.outputs[0]] = result
                continue
            target = ", ".join(self._target(wire, step, number) for wire in step.outputs)
            written += lines(f"{target} = ", document(result), indent)
        result = [self._variables[wire] for wire in self._outputs]
        if len(result) == 1:
            return [*written, *lines("return ", document(result[0]), indent)]
        inner = ", ".join(flat(document(item)) for item in result)
        return [*written, f"{' ' * indent}return {inner}"]

    def _resolved(self, expression: Expression) -> Expression:
        if isinstance(expression, Value):
            return self._variables[expression.wire]
        return self._batch if isinstance(expression, Batch) else mapped(expression, self._resolved)

    def _nests(self, step: Step, number: int, result: Expression, indent: int) -> bool:
        """Whether a result stands in the next line instead of having a name."""
        wire = step.outputs[0]
        if len(step.outputs) > 1 or self._uses.get(wire) != 1 or self._last[wire] != number + 1:
            return False
        last = number + 1 == len(self._steps)
        if (wire in self._names and not last) or step.note:
            return False
        following = None if last else self._steps[number + 1]
        if following is not None and (following.note or not isinstance(following.result, (Call, Operation))):
            return False
        self._variables[wire] = result
        try:
            shown = result if following is None else self._resolved(following.result)
        except KeyError:
            return False
        finally:
            del self._variables[wire]
        text = flat(document(shown))
        plain = isinstance(document(shown), (str, Bracket))
        return plain and _depth(shown) <= MAX_NESTED and indent + len(text) + len("return ") <= WIDTH

    def _target(self, wire: Wire, step: Step, number: int) -> str:
        """A variable for a result: ``x`` where nothing else is kept in it."""
        if wire not in self._uses:
            return "_"
        kept = {
            flat(document(part))
            for other, expression in self._variables.items()
            if self._last.get(other, -1) > number
            for part in walk(expression)
            if isinstance(part, Name)
        }
        name = self._names.get(wire)
        if name is None and "x" not in kept and (self._uses[wire] == 1 or not self._reused(wire, number)):
            name = "x"
        if name is None:
            name = next((spare for spare in SPARE if spare not in kept), step.name)
        name = unused(name, kept)
        self._variables[wire] = Name(name)
        return name

    def _reused(self, wire: Wire, number: int) -> bool:
        """Whether other results are made before this one is last used."""
        return self._last[wire] > number + 1 and any(
            self._uses.get(w) for step in self._steps[number + 1 : self._last[wire]] for w in step.outputs
        )


def _depth(expression: Expression) -> int:
    inner = 0
    if isinstance(expression, (tuple, list)):
        return max(map(_depth, expression), default=0)
    if is_dataclass(expression) and not isinstance(expression, (type, Name)):
        inner = max((_depth(getattr(expression, f.name)) for f in fields(expression)), default=0)
        return inner + (not isinstance(expression, (Extent, Value)))
    return 0
