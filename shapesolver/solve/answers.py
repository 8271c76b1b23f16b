"""Answers as values: the set of solutions, how sure it is, and what lets a person check it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import product
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim, Truth, holds, resolve, substitute
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.solve.later import Part

Box = Mapping[str, IntSet]
"""A set for each unknown: every choice of members is a solution."""


Ends = tuple[Dim, Dim]
"""The least and greatest value, as formulas."""


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
    problem: str = ""
    """Why these values are no solution although the sizes can be derived: an assumption that they break."""

    def __str__(self) -> str:
        return " -> ".join(map(str, self.sizes))


class Unread(NamedTuple):
    """What a solution leaves unread: ``28 leaves 3 rows and columns of image unread``."""

    value: int
    """The size."""
    cells: int
    """How many cells go unread along each axis of that size."""
    axes: tuple[str, ...]
    """The axes: ``("H", "W")``."""
    input: str
    """The input that they are of."""


class LosingLayer(NamedTuple):
    """A layer by which cells of an input are lost."""

    layer: str
    """Its path."""
    input: str
    """The input that they are of."""
    lines: Mapping[str, IntSet | str]
    """For each axis of the input the sizes at which lines of it are lost: a set of the axis' size, or in words."""
    names: Mapping[str, str]
    """What the input's sizes are called."""

    def sizes(self) -> Mapping[str, str]:
        """For each axis, the sizes as text: ``H % 6 != 1, H >= 19``."""
        return {axis: _sizes_text(found, self.names[axis]) for axis, found in self.lines.items()}

    def alike(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """The axes whose sizes are one set together, with the set as the first one's text."""
        found: dict[IntSet | str, tuple[str, ...]] = {}
        for axis, sizes in self.lines.items():
            found[sizes] = (*found.get(sizes, ()), axis)
        return tuple((axes, self.sizes()[axes[0]]) for axes in found.values())

    def __str__(self) -> str:
        parts = (f"{' and '.join(axes)} of {self.input} for {sizes}" for axes, sizes in self.alike())
        return f"{self.layer}: {'; '.join(parts)}"


def _sizes_text(found: IntSet | str, name: str) -> str:
    if isinstance(found, str):
        return found
    text = found.describe(name, 12)
    return text if name in text else f"{name} {text}"


@dataclass(frozen=True)
class Answer:
    """What a question comes to. Truthy when there is a solution.

    What lets a person check it (:attr:`lossless`, :attr:`unread`, :attr:`rule`, :attr:`checks`, :attr:`beside`) may be
    worked out when it is first looked at.
    """

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
    lossless: Part[Answer | None] = Part(None)
    """The solutions that leave no input cell unread; ``undecided`` where that cannot be told."""
    unread: Part[tuple[Unread, ...]] = Part(())
    """For some of the solutions, what they leave unread."""
    beside: Part[tuple[str, ...]] = Part(())
    """For what was asked about and is no solution: what to use instead."""
    apart: Answer | None = None
    """Where no one value of a parameter does: the answer with a value for each axis, or for each end of an axis."""
    general: Mapping[str, Ends] = field(default_factory=dict)
    """For a symbolic target: the ends between which each unknown lies, as formulas in its letters."""
    letters: tuple[str, ...] = ()
    """The letters of a symbolic target; :meth:`holds` needs a value for each."""
    cases: tuple[Box, ...] = ()
    """Where nothing does for every size: what does for some, and the sizes it suits."""
    rule: Part[str] = Part("")
    """The general rule, for a symbolic target."""
    checks: Part[tuple[Check, ...]] = Part(())
    """A solution worked through, and its neighbours."""
    searched: Mapping[str, IntSet] = field(default_factory=dict)
    """What was tried of unknowns that had to be enumerated."""
    losing: tuple[LosingLayer, ...] = ()
    """The layers that lose cells, where these are asked for; with none of them :attr:`reason` says so."""
    reason: str = ""
    """Why there is no solution, or why the answer is not known."""

    def __reduce__(self) -> tuple[type[Answer], tuple[Any, ...]]:
        return Answer, tuple(getattr(self, part.name) for part in fields(self))

    def __bool__(self) -> bool:
        return self.status is not Status.UNDECIDED and bool(self.boxes)

    def holds(self, **values: int) -> bool:
        """Whether these values are a solution, as any integers may be asked.

        Raises ``TypeError`` when an unknown is left out, and ``ValueError`` for an undecided answer.
        """
        missing = {*self.unknowns, *self.letters} - values.keys()
        if missing:
            raise TypeError(f"holds() needs {', '.join(sorted(missing))}")
        if self.status is Status.UNDECIDED:
            raise ValueError(f"undecided: {self.reason}")
        tied = all(values[name] == substitute(value, values) for name, value in self.ties.items())
        inside = any(all(values[name] in box[name] for name in box) for box in self.boxes)
        return tied and inside and holds(self.condition, values)

    @property
    def set(self) -> IntSet:
        """The solutions of a question with one unknown, or whose others follow from one.

        Raises ``TypeError`` for more unknowns, and ``ValueError`` for an answer that no set says whole.
        """
        names = [name for name in self.unknowns if name not in self.ties]
        if len(names) != 1:
            raise TypeError(f"a set has one unknown, and these are {', '.join(names) or 'none'}; see .boxes")
        if self.condition is not True or self.status is Status.UNDECIDED:
            raise ValueError(f"no set says it all: {self.reason or self.condition}")
        (name,) = names
        found = IntSet.nothing()
        for box in self.boxes:
            found = found | box[name]
        return found

    def nearest(self, **wanted: int) -> dict[str, int] | None:
        """The solution closest to these values, by the sum of the distances; ``None`` where there is none.

        Unknowns that are not named count as wanted at 1, without weight. Where sizes are joined by a condition, the
        :data:`MAX_TRIED` values of the first that lie nearest are looked at.
        """
        found = [near for box in self.boxes if (near := self._nearest_in(box, wanted)) is not None]
        return min(found, key=lambda values: _distance(values, wanted), default=None)

    def _nearest_in(self, box: Box, wanted: Mapping[str, int]) -> dict[str, int] | None:
        if self.letters:
            raise ValueError(f"the solutions depend on {', '.join(self.letters)}; see .general")
        if self.condition is True:
            near = {name: _closest(box[name], wanted.get(name, 1)) for name in box}
            return self._tied({name: value for name, value in near.items() if value is not None})
        first, *rest = box
        best: dict[str, int] | None = None
        for value in box[first].nearest(wanted.get(first, 1), MAX_TRIED):
            if best is not None and abs(value - wanted.get(first, value)) >= _distance(best, wanted):
                break
            left = resolve(self.condition, {first: value})
            values = _solved_nearest(left, rest, box, wanted)
            if values is not None:
                tied = self._tied({first: value, **values})
                best = tied if best is None else min(best, tied, key=lambda v: _distance(v, wanted))
        return best

    def _tied(self, values: dict[str, int]) -> dict[str, int]:
        """The values, with those that follow from them."""
        return {**values, **{name: substitute(value, values) for name, value in self.ties.items()}}

    @property
    def count(self) -> int | float:
        """How many solutions there are; ``math.inf`` for infinitely many."""
        if self.letters or self.status is Status.UNDECIDED:
            raise ValueError(f"not known: {self.reason or 'it depends on ' + ', '.join(self.letters)}")
        if self.condition is not True:
            if not all(members.is_finite for box in self.boxes for members in box.values()):
                raise ValueError(f"not known: how many satisfy {self.condition}")
            return sum(1 for _ in self._points())
        return sum(math.prod(members.count for members in box.values()) for box in self.boxes)

    def __iter__(self) -> Iterator[int | dict[str, int]]:
        """The solutions in rising order of the first unknown: numbers where there is one unknown."""
        for values in self._points():
            yield values[self.unknowns[0]] if len(self.unknowns) == 1 else values

    def _points(self) -> Iterator[dict[str, int]]:
        if self.letters:
            raise ValueError(f"the solutions depend on {', '.join(self.letters)}; see .general")
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
            return self.reason or "; ".join(map(str, self.losing))
        if self.general:
            return ", ".join(f"{name} {low}..{high}" for name, (low, high) in self.general.items())
        if len(self.unknowns) == 1 and self.condition is True:
            return str(self.set)
        boxes = (", ".join(f"{name} {members}" for name, members in box.items()) for box in self.boxes)
        ties = "".join(f", {name} = {value}" for name, value in self.ties.items())
        rest = "" if self.condition is True else f" where {self.condition}"
        return " or ".join(boxes) + ties + rest


MAX_TRIED = 2_000
"""As many values of one unknown are looked at for the solution nearest to a wanted one."""


def _distance(values: Mapping[str, int], wanted: Mapping[str, int]) -> int:
    return sum(abs(values[name] - at) for name, at in wanted.items() if name in values)


def _solved_nearest(condition: Truth, names: list[str], box: Box, wanted: Mapping[str, int]) -> dict[str, int] | None:
    """The values of one or no further unknown that satisfy what is left of a condition, nearest to the wanted."""
    if not names:
        return {} if condition is True else None
    name, *others = names
    if others:
        return None
    try:
        members = solutions(condition, name, box[name])
    except (Undecided, ZeroDivisionError):
        return None
    near = _closest(members, wanted.get(name, 1))
    return None if near is None else {name: near}


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
