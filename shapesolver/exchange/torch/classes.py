"""Parts of a network that are built alike become one module class, what differs its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shapesolver.exchange.alike import Parameters, abstract, add_levels, filled, pattern
from shapesolver.exchange.code import Call, Expression, Repeated, Slot, call
from shapesolver.exchange.parts import Leaf, Part, leaves_of, segments, unused
from shapesolver.model.graph import Wire


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
    add_levels(root, levels)
    for height in sorted(levels):
        groups: dict[Any, list[Part]] = {}
        for part in levels[height]:
            if part is not root:
                groups.setdefault(_shape(part, found), []).append(part)
        for parts in groups.values():
            _settle(parts, found)
    return found


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
        patterns = [pattern(column) for column in zip(*slots, strict=True)]
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


# Shapes: what parts must have in common.


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
