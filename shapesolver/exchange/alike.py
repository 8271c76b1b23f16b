"""What parts that are built alike have in common, and how what differs follows from a few parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from shapesolver.exchange.code import Expression, Name, Operation, Progression, Slot, Value
from shapesolver.exchange.parts import Part, safe, unused
from shapesolver.model.graph import Wire

MULTIPLES = (2, 3, 4, 6, 8)
"""The factors by which one parameter may follow from another: ``4*channels``."""


def add_levels(part: Part, levels: dict[int, list[Part]]) -> int:
    """Sort a part and those within it by height, those without parts of their own first; the part's height."""
    height = 1 + max((add_levels(m, levels) for m in part.members if isinstance(m, Part)), default=0)
    levels.setdefault(height, []).append(part)
    return height


def pattern(column: Sequence[Slot]) -> Slot | Progression | None:
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
