"""Answers as values: the set of solutions, how sure it is, and what lets a person check it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice, product

from shapesolver.arithmetic import Dim, Truth, holds, substitute
from shapesolver.arithmetic.sets import IntSet

Box = Mapping[str, IntSet]
"""A set for each unknown: every choice of members is a solution."""


class Status(StrEnum):
    """How far an answer reaches."""

    PROVED = "proved"
    """The full set, for all integers."""
    BOUNDED = "bounded"
    """Complete within the stated box."""
    UNDECIDED = "undecided"
    """Not known; never taken for a no."""


@dataclass(frozen=True, slots=True)
class Check:
    """Sizes worked through by hand: 25 -> 7 -> 2."""

    values: Mapping[str, int]
    sizes: tuple[int, ...]
    """The sizes along the way, the result last; empty where the network cannot be built."""

    def __str__(self) -> str:
        return " -> ".join(map(str, self.sizes))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question comes to. Truthy when there is a solution."""

    reading: str
    """The question as it was understood."""
    status: Status
    unknowns: tuple[str, ...]
    boxes: tuple[Box, ...] = ()
    """The solutions, as a union of boxes."""
    ties: Mapping[str, Dim] = field(default_factory=dict)
    """Unknowns that others determine: ``W == H``."""
    condition: Truth = True
    """What solutions satisfy besides lying in a box; ``True`` where the boxes say it all."""
    lossless: Answer | None = None
    """The solutions that leave no input cell unread, where that was asked and can be told."""
    unread: tuple[tuple[str, int, int], ...] = ()
    """For solutions that lose something: the size's name, a value, and how many cells along it go unread."""
    beside: tuple[str, ...] = ()
    """For sizes asked about that are no solution: what to use instead."""
    rule: str = ""
    """The general rule, for a symbolic target."""
    checks: tuple[Check, ...] = ()
    """A solution worked through, and its neighbours."""
    searched: Mapping[str, IntSet] = field(default_factory=dict)
    """What was tried of unknowns that had to be enumerated."""
    reason: str = ""
    """Why there is no solution, or why the answer is not known."""

    def __bool__(self) -> bool:
        return any(True for _ in islice(self._points(), 1)) if self.condition is not True else bool(self.boxes)

    def holds(self, **values: int) -> bool:
        """Whether these values are a solution; raises ``TypeError`` when an unknown is left out."""
        missing = set(self.unknowns) - values.keys()
        if missing:
            raise TypeError(f"holds() needs {', '.join(sorted(missing))}")
        if self.status is Status.UNDECIDED:
            raise ValueError(f"undecided: {self.reason}")
        tied = all(values[name] == substitute(value, values) for name, value in self.ties.items())
        inside = any(all(values[name] in box[name] for name in box) for box in self.boxes)
        return tied and inside and holds(self.condition, values)

    @property
    def set(self) -> IntSet:
        """The solutions of a question with one unknown, or whose others follow from one."""
        (name,) = (name for name in self.unknowns if name not in self.ties)
        found = IntSet.nothing()
        for box in self.boxes:
            found = found | box[name]
        return found

    def nearest(self, **wanted: int) -> dict[str, int] | None:
        """The solution closest to these values, unknown by unknown; ``None`` where there is none."""
        best: tuple[int, dict[str, int]] | None = None
        for box in self.boxes:
            choice = {name: _closest(box[name], wanted.get(name, 1)) for name in box}
            if None in choice.values():
                continue
            values = {name: value for name, value in choice.items() if value is not None}
            values.update({name: substitute(value, values) for name, value in self.ties.items()})
            distance = sum(abs(values[name] - at) for name, at in wanted.items() if name in values)
            if holds(self.condition, values) and (best is None or distance < best[0]):
                best = distance, values
        return best and best[1]

    @property
    def count(self) -> int | float:
        """How many solutions there are; ``math.inf`` for infinitely many."""
        if self.condition is not True:
            return sum(1 for _ in self._points())
        return sum(math.prod(members.count for members in box.values()) for box in self.boxes)

    def __iter__(self) -> Iterator[int | dict[str, int]]:
        """The solutions in rising order of the first unknown: numbers where there is one unknown."""
        for values in self._points():
            yield values[self.unknowns[0]] if len(self.unknowns) == 1 else values

    def _points(self) -> Iterator[dict[str, int]]:
        for box in self.boxes:
            for members in product(*box.values()) if all(s.is_finite for s in box.values()) else _diagonal(box):
                values = dict(zip(box, members, strict=True))
                values.update({name: substitute(value, values) for name, value in self.ties.items()})
                if holds(self.condition, values):
                    yield {name: values[name] for name in self.unknowns}

    def __str__(self) -> str:
        """The solutions alone, ``25..30`` or ``H 25..30, W 25..30 or ...``; rendering says the rest."""
        if self.status is Status.UNDECIDED or not self.boxes:
            return f"{'undecided' if self.status is Status.UNDECIDED else 'none'}: {self.reason}"
        if not self.unknowns:
            return self.reason
        if len(self.unknowns) == 1 and self.condition is True:
            return str(self.set)
        boxes = (", ".join(f"{name} {members}" for name, members in box.items()) for box in self.boxes)
        ties = "".join(f", {name} = {value}" for name, value in self.ties.items())
        rest = "" if self.condition is True else f" where {self.condition}"
        return " or ".join(boxes) + ties + rest


def _closest(members: IntSet, wanted: int) -> int | None:
    return next(iter(members.nearest(wanted, 1)), None)


def _diagonal(box: Box) -> Iterator[tuple[int, ...]]:
    """Tuples of infinite sets, by rising size of the largest member's place."""
    if len(box) == 1:
        for n in next(iter(box.values())):
            yield (n,)
        return
    seen: list[list[int]] = [[] for _ in box]
    iterators = [iter(members) for members in box.values()]
    grown = True
    while grown:
        grown = False
        for place, iterator in enumerate(iterators):
            member = next(iterator, None)
            if member is None:
                continue
            grown = True
            others = [known if i != place else [member] for i, known in enumerate(seen)]
            yield from product(*others)
            seen[place].append(member)
