"""Parts of a network that are built alike become one module class, what differs its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from shapesolver.exchange.torch.code import Call, Expression, Name, Operation, Slot, Value, call
from shapesolver.exchange.torch.program import Leaf, Part, leaves_of, safe, segments, unused
from shapesolver.model.graph import Wire

MULTIPLES = (2, 3, 4, 6, 8)
"""The factors by which one parameter may follow from another: ``4*channels``."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """Modules made in a loop over ``i``, and how many."""

    element: Expression
    count: Slot


@dataclass(frozen=True, slots=True)
class Progression:
    """A number that grows from round to round: ``start + step*i``, or ``start * 2**i``."""

    start: Slot
    step: Slot | None


@dataclass(slots=True)
class ModuleClass:
    """A class of the exported file: a template, and the values that its instances give to its slots."""

    name: str
    part: Part
    constructs: dict[str, Expression]
    """What each member is made by, with parameters for slots."""
    parameters: list[tuple[str, Any]] = field(default_factory=list)
    """Names, and defaults where there are any."""


@dataclass(slots=True)
class Classes:
    """The classes of a program, and what makes each of its parts."""

    classes: list[ModuleClass] = field(default_factory=list)
    by_part: dict[int, ModuleClass] = field(default_factory=dict)
    """The class of a part, by the part's identity."""
    constructs: dict[int, Expression] = field(default_factory=dict)
    """What makes a part, by the part's identity."""
    _names: set[str] = field(default_factory=set)

    def make(self, member: Leaf | Part) -> Expression:
        """What makes a member; ``None`` where it is a function."""
        return member.written.made if isinstance(member, Leaf) else self.constructs[id(member)]


def classify(root: Part, taken: Iterable[str]) -> Classes:
    """The classes of everything inside a network; ``taken`` are names that they may not have."""
    found = Classes(_names=set(taken))
    levels: dict[int, list[Part]] = {}
    _levels(root, levels)
    for height in sorted(levels):
        groups: dict[Any, list[Part]] = {}
        for part in levels[height]:
            if part is not root:
                groups.setdefault(_shape(part, found), []).append(part)
        for parts in groups.values():
            _settle(parts, found)
    return found


def _levels(part: Part, levels: dict[int, list[Part]]) -> int:
    height = 1 + max((_levels(m, levels) for m in part.members if isinstance(m, Part)), default=0)
    levels.setdefault(height, []).append(part)
    return height


def _settle(parts: list[Part], found: Classes) -> None:
    """Decide what makes parts of one shape: a class of their own, or a container in place."""
    first = parts[0]
    if first.rounds:
        for part in parts:
            found.constructs[id(part)] = _rounds(part, found)
    elif first.chain and len(parts) == 1:
        found.constructs[id(first)] = sequential(first, found)
    else:
        _new_class(parts, found)


def sequential(part: Part, found: Classes) -> Call:
    """``nn.Sequential`` of a chain; its members keep their names where the author gave any."""
    named: list[tuple[str, Expression]] = []
    plain = all(member.automatic for member in part.members)
    for member in part.members:
        stages = member.written.stages if isinstance(member, Leaf) else (found.make(member),)
        for number, stage in enumerate(stages or ()):
            named.append((f"{member.name}_{number + 1}" if number else member.name, stage))
    if plain:
        return Call("nn.Sequential", tuple(stage for _, stage in named))
    return call("nn.Sequential", call("OrderedDict", named))


def _rounds(part: Part, found: Classes) -> Expression:
    container = "nn.Sequential" if part.chain else "nn.ModuleList"
    made = [_round(member, found) for member in part.members]
    slots: list[list[Slot]] = [[] for _ in made]
    shapes = {abstract(expression, own) for expression, own in zip(made, slots, strict=True)}
    if len(shapes) == 1 and len(made) > 1:
        patterns = [_pattern(column) for column in zip(*slots, strict=True)]
        if None not in patterns:
            element = filled(made[0], iter(patterns))
            return Call(container, (Repeated(element, Slot(len(made), "n")),))
    if len(shapes) == 1 and len(made) == 1:
        return Call(container, (Repeated(made[0], Slot(1, "n")),))
    return Call(container, tuple(made) if part.chain else (list(made),))


def _round(member: Leaf | Part, found: Classes) -> Expression:
    if isinstance(member, Part):
        return found.make(member)
    stages = member.written.stages or (member.written.made,)
    return stages[0] if len(stages) == 1 else Call("nn.Sequential", stages)


def _pattern(column: Sequence[Slot]) -> Slot | Progression | None:
    """What a number does from round to round: it stays, grows by a step, or doubles."""
    values = [slot.value for slot in column]
    if all(value == values[0] for value in values):
        return column[0]
    if len(values) < 3 or not all(type(value) is int for value in values):
        return None
    step = values[1] - values[0]
    if all(value == values[0] + step * i for i, value in enumerate(values)):
        return Progression(column[0], Slot(step, "growth"))
    if all(value == values[0] * 2**i for i, value in enumerate(values)):
        return Progression(column[0], None)
    return None


# Shapes: what is left of an expression when its slots are taken out.


def abstract(expression: Expression, slots: list[Slot], wires: dict[Wire, Any] | None = None) -> Any:
    """A hashable form of the expression without the values of its slots, which are collected in order."""
    if isinstance(expression, Slot):
        slots.append(expression)
        return ("slot", expression.hint, expression.default)
    if isinstance(expression, Value) and wires is not None:
        return ("wire", wires.setdefault(expression.wire, len(wires)))
    if isinstance(expression, (tuple, list)):
        return (type(expression).__name__, *(abstract(item, slots, wires) for item in expression))
    if is_dataclass(expression):
        parts = (abstract(getattr(expression, f.name), slots, wires) for f in fields(expression))
        return (type(expression).__name__, *parts)
    return (type(expression).__name__, expression)


def filled(expression: Expression, values: Any) -> Expression:
    """The expression with its slots replaced, in order."""
    if isinstance(expression, Slot):
        return next(values)
    if isinstance(expression, list):
        return [filled(item, values) for item in expression]
    if isinstance(expression, tuple):
        made = [filled(item, values) for item in expression]
        return type(expression)(*made) if hasattr(expression, "_fields") else tuple(made)
    if is_dataclass(expression) and not isinstance(expression, type):
        changed: dict[str, Any] = {f.name: filled(getattr(expression, f.name), values) for f in fields(expression)}
        return replace(expression, **changed)
    return expression


def _slots(part: Part, found: Classes) -> list[Slot]:
    slots: list[Slot] = []
    for construct in _constructs(part, found).values():
        abstract(construct, slots)
    return slots


def _constructs(part: Part, found: Classes) -> dict[str, Expression]:
    """What a part's members are made by, in order, those of a chain as its stages."""
    if part.chain:
        return {"": sequential(part, found)}
    return {m.name: found.make(m) for m in part.members if found.make(m) is not None}


def _shape(part: Part, found: Classes) -> Any:
    """What two parts must have in common to be of one class."""
    slots: list[Slot] = []
    wires: dict[Wire, Any] = {wire: ("in", number) for number, wire in enumerate(part.inputs)}
    made = []
    for member in part.members:
        construct = abstract(found.make(member), slots)
        if isinstance(member, Leaf):
            result = abstract(member.written.result, [], wires)
        else:
            result = tuple(wires.setdefault(wire, len(wires)) for wire in member.inputs), len(member.outputs)
        if isinstance(member, Leaf):
            construct = (
                construct,
                abstract(member.written.stages, []) if part.chain else None,
                member.shared and member.shared.name,
            )
        for wire in member.outputs if isinstance(member, Leaf) or not member.rounds or member.chain else inner(member):
            wires.setdefault(wire, len(wires))
        made.append((member.name, construct, result))
    return (part.title, part.rounds, part.chain, tuple(made), tuple(wires[wire] for wire in part.outputs))


def inner(part: Part) -> Iterable[Wire]:
    """Every result inside a part."""
    return (wire for leaf in leaves_of(part) for wire in leaf.outputs)


# Classes: what differs between the parts of one shape.


def _new_class(parts: list[Part], found: Classes) -> None:
    name = unused(_class_name(parts[0], found), found._names)
    columns = list(zip(*(_slots(part, found) for part in parts), strict=True))
    parameters = Parameters([part.arguments for part in parts])
    values = iter([parameters.expression(column) for column in columns])
    constructs = {key: filled(made, values) for key, made in _constructs(parts[0], found).items()}
    made = ModuleClass(name, parts[0], constructs, parameters.declared())
    found.classes.append(made)
    for number, part in enumerate(parts):
        found.by_part[id(part)] = made
        found.constructs[id(part)] = Call(name, parameters.arguments(number))


def _class_name(part: Part, found: Classes) -> str:
    """The block's name, or what the layers are: ``ConvRelu``."""
    if part.title:
        return camel(part.title)
    ops = [re.sub(r"\d+$", "", member.name) for member in part.members]
    if len(ops) <= 3 and part.chain and not any(op == "" for op in ops):
        return camel("_".join(ops))
    name = re.sub(r"\d+$", "", part.name)
    return camel(name) if name else "Round"


def camel(name: str) -> str:
    """``double_conv`` as a class is called: ``DoubleConv``."""
    text = "".join(piece[:1].upper() + piece[1:] for segment in segments(name) for piece in segment.split("_"))
    return text if text[:1].isalpha() else f"Net{text}"


class Parameters:
    """The parameters of one class, found as its slots are gone through."""

    def __init__(self, arguments: list[Mapping[str, Any]]) -> None:
        """``arguments`` are what each instance gives to the parameters of its block."""
        self._columns: dict[str, tuple[Slot, ...]] = {}
        self._arguments = arguments

    def expression(self, column: tuple[Slot, ...]) -> Slot:
        """The slot with what its value follows from: a number, a parameter, or a multiple of one."""
        values = [slot.value for slot in column]
        slot = column[0]
        if all(same(value, values[0]) for value in values):
            return slot
        for name, known in self._columns.items():
            if all(same(value, other.value) for value, other in zip(values, known, strict=True)):
                return replace(slot, value=Name(name))
        for name, known in self._columns.items():
            others = [other.value for other in known]
            if not all(type(n) is int for n in (*values, *others)):
                continue
            for factor in MULTIPLES if counts_features(slot) and counts_features(known[0]) else ():
                if values == [factor * other for other in others]:
                    return replace(slot, value=Operation("*", factor, Name(name)))
            if (role(slot), role(known[0])) == ("padding", "kernel_size") and values == [n // 2 for n in others]:
                return replace(slot, value=Operation("//", Name(name), 2))
        multiple = self._author_multiple(slot, values)
        if multiple is not None:
            return replace(slot, value=multiple)
        name = unused(self._author_name(slot, values), set(self._columns))
        self._columns[name] = column
        return replace(slot, value=Name(name))

    def _author_name(self, slot: Slot, values: list[Any]) -> str:
        """What the block calls the number, if it has a name for it; otherwise what the module does."""
        given = self._is_given(values)
        return safe(given) if given and not role(slot).startswith("in_") else slot.hint

    def _is_given(self, values: list[Any]) -> str:
        """The block's name for a number, if it has one."""
        for name in self._arguments[0]:
            if all(same(given.get(name), value) for given, value in zip(self._arguments, values, strict=True)):
                return name
        return ""

    def _author_multiple(self, slot: Slot, values: list[Any]) -> Operation | None:
        """A multiple of a number that the block was given: ``4 * c``."""
        if not counts_features(slot) or role(slot).startswith("in_") or self._is_given(values):
            return None
        for name in self._arguments[0]:
            given = [arguments.get(name) for arguments in self._arguments]
            for factor in MULTIPLES:
                if safe(name) not in self._columns and values == [type(n) is int and factor * n for n in given]:
                    self._columns[safe(name)] = tuple(Slot(n, name, role=role(slot)) for n in given)
                    return Operation("*", factor, Name(safe(name)))
        return None

    def declared(self) -> list[tuple[str, Any]]:
        """Names and defaults; those without a default first."""
        return sorted(((name, self._default(name)) for name in self._columns), key=lambda item: item[1] is not None)

    def arguments(self, instance: int) -> tuple[Slot, ...]:
        """What one instance gives."""
        return tuple(
            Slot(self._columns[name][instance].value, name, default, default is not None or place > 1, role(column[0]))
            for place, (name, default) in enumerate(self.declared())
            for column in [self._columns[name]]
        )

    def _default(self, name: str) -> Any:
        default = self._columns[name][0].default
        return default if any(same(slot.value, default) for slot in self._columns[name]) else None


def counts_features(slot: Slot) -> bool:
    """Whether a number counts channels or features, so that it may be a multiple of another."""
    return role(slot).endswith(("channels", "features", "groups"))


def role(slot: Slot) -> str:
    """What PyTorch calls a number."""
    return slot.role or slot.hint


def same(one: Any, two: Any) -> bool:
    """Whether two values are written alike: 1 and True are not."""
    return type(one) is type(two) and one == two
