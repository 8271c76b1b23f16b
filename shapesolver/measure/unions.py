"""Unions of progressions of cells whose ends are formulas.

What such a union is depends on the sizes: whether two progressions meet, whether one is empty. So it is simplified
only by what is proved for every size in question; what is not proved stays as it is, and the union is still exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import lcm

from shapesolver.arithmetic import Dim, Truth, both, compare, divides, either, maximum, minimum, negate
from shapesolver.layers.reading import Progression, Run

Proves = Callable[[Truth], bool]
"""Whether a condition holds for every size in question; false where that is not known."""


def by_bounds(truth: Truth) -> bool:
    """What arithmetic alone decides, for where there are many cases to go through."""
    return truth is True


Union = tuple[Progression, ...]
"""The cells of all of them. They may overlap; none is empty."""

MAX_PARTS = 64
"""The most progressions that are told apart along an axis."""

MAX_PLACES = 128
"""The most places at which a union is looked at to see whether it leaves anything out."""


class Unions:
    """Operations on unions, simplified by what can be proved."""

    def __init__(self, proves: Proves) -> None:
        self._proves = proves

    def proves(self, truth: Truth) -> bool:
        """Whether it is so for every size; what arithmetic alone decides is not looked into further."""
        return truth if isinstance(truth, bool) else self._proves(truth)

    def at_most(self, one: Dim, other: Dim) -> bool:
        """Whether surely ``one <= other``."""
        return self.proves(compare("<=", one, other))

    def inside(self, part: Progression, n: Dim) -> Progression:
        """The part of a progression that lies in an axis of size ``n``."""
        if not self.at_most(0, part.first):
            part = part._replace(first=0) if part.step == 1 and self.at_most(part.first, 0) else part.since(0)
        if not self.at_most(part.last, n - 1):
            ends = part.step == 1 and self.at_most(n - 1, part.last)
            part = part._replace(last=n - 1) if ends else part.until(n - 1)
        return part

    def empty(self, part: Progression) -> bool | None:
        """Whether there are no cells in it; ``None`` where that is not proved either way."""
        some = compare("<=", part.first, part.last)
        if self.proves(some):
            return False
        return True if self.proves(negate(some)) else None

    def within(self, parts: Iterable[Progression], n: Dim) -> tuple[Union, bool]:
        """What lies in an axis of size ``n``, and whether that is all: what may be empty is left out, where it is not
        known to lie next to what is there in any case.
        """
        kept: list[Progression] = []
        unsure: list[Progression] = []
        for part in parts:
            part = self.inside(part, n)
            empty = self.empty(part)
            if empty is not True:
                (kept if empty is False else unsure).append(part)
            if len(kept) + len(unsure) > MAX_PARTS:
                return self.united(kept), False
        found: list[Progression] = []
        for part in kept:
            self._add(found, part)
        # What may be empty goes in before progressions become runs, which hide where they end.
        told = all(self._add_beside(found, part) for part in unsure)
        return self.united(found), told

    def united(self, parts: Iterable[Progression]) -> Union:
        """The same cells in fewer progressions."""
        found: list[Progression] = []
        for part in parts:
            self._add(found, part)
        for solid in [*self._solid(found)]:
            self._add(found, solid)
        return tuple(found)

    def holds(self, union: Union, run: Run) -> bool:
        """Whether surely all of a run is in one member of the union."""
        return any(self.covers(other, Progression(*run)) for other in union)

    def covers(self, one: Progression, other: Progression) -> bool:
        """Whether surely every cell of the other is one of the first's."""
        single = other.first == other.last
        return (
            (single or other.step % one.step == 0)
            and _aligned(one, other, one.step)
            and self.at_most(one.first, other.first)
            and self.at_most(other.last, one.last)
        )

    def _add(self, found: list[Progression], part: Progression) -> None:
        """Add a progression, put together with those that it meets."""
        for place, other in enumerate(found):
            joined = self._joined(other, part)
            if joined is not None:
                if joined != other:
                    del found[place]
                    self._add(found, joined)
                return
        found.append(part)

    def _joined(self, one: Progression, other: Progression) -> Progression | None:
        """Both as one progression, where that is proved."""
        one, other = _alike(one, other)
        if self.covers(one, other):
            return one
        if self.covers(other, one):
            return other
        if one.step != other.step or not _aligned(one, other, one.step):
            return None
        first, last = minimum(one.first, other.first), maximum(one.last, other.last)
        if self.at_most(maximum(one.first, other.first), minimum(one.last, other.last) + one.step):
            return Progression(first, last, one.step)
        return None

    def _add_beside(self, found: list[Progression], part: Progression) -> bool:
        """Add a progression that may be empty; not where it neither begins nor ends at one of the others.

        Law: with ``F <= f <= L + s`` the cells of both are ``F`` to ``max(L, l)``, whether there are any from ``f``
        to ``l`` or not.
        """
        for place, other in enumerate(found):
            if self.covers(other, part):
                return True
            if other.step != part.step or not _aligned(other, part, part.step):
                continue
            begins = self.at_most(other.first, part.first) and self.at_most(part.first, other.last + other.step)
            ends = self.at_most(part.last, other.last) and self.at_most(other.first, part.last + other.step)
            if begins or ends:
                first = other.first if begins else minimum(part.first, other.first)
                last = maximum(part.last, other.last) if begins else other.last
                del found[place]
                self._add(found, other._replace(first=first, last=last))
                return True
        return False

    def _solid(self, found: list[Progression]) -> Iterable[Progression]:
        """The runs of which progressions of one step leave nothing out together."""
        for step in sorted({part.step for part in found} - {1}):
            lanes: dict[int, Progression] = {}
            alike = [part for part in found if part.step == step]
            for part in alike:
                apart = part.first - alike[0].first
                if isinstance(apart, int):
                    lanes.setdefault(apart % step, part)
            if len(lanes) == step:
                first = maximum(*(part.first for part in lanes.values())) - (step - 1)
                last = minimum(*(part.last for part in lanes.values())) + (step - 1)
                if self.at_most(first, last):
                    yield Progression(first, last)


def held(union: Union, wanted: Progression) -> Truth | None:
    """That the union holds every cell of a progression, which is not empty; ``None`` where that is too long to tell.

    The first cell left out, if there is one, is among the first ones wanted, or follows the end of some member
    within the steps' common multiple: a period before it the cell is held, by a member that ends in between.
    """
    if not union:
        return False
    if len(union) == 1 and union[0].step == 1:
        return both(compare("<=", union[0].first, wanted.first), compare(">=", union[0].last, wanted.last))
    period = lcm(wanted.step, *(part.step for part in union))
    count = period // wanted.step
    short: Truth = True
    if wanted.step == 1 and sum(period // part.step for part in union) < period:
        # Too few to hold a whole period, wherever they lie.
        short = compare("<", wanted.last - wanted.first + 1, period)
        if short is False:
            return False
    if count * len(union) > MAX_PLACES:
        return None
    places = [wanted.first + wanted.step * place for place in range(count)]
    for part in union:
        end = wanted.first + (part.last - wanted.first) // wanted.step * wanted.step
        places += [end + wanted.step * place for place in range(1, count + 1)]
    return both(short, *(_held_at(union, wanted, place) for place in dict.fromkeys(places)))


def _held_at(union: Union, wanted: Progression, place: Dim) -> Truth:
    outside = compare("<", place, wanted.first), compare(">", place, wanted.last)
    if True in outside:
        return True
    return either(*outside, *(_has(part, place) for part in union))


def _has(part: Progression, place: Dim) -> Truth:
    inside = both(compare("<=", part.first, place), compare("<=", place, part.last))
    return both(inside, True if part.step == 1 else divides(part.step, place - part.first))


def _aligned(one: Progression, other: Progression, step: int) -> bool:
    """Whether surely the distance between the two is a multiple of a step."""
    return step == 1 or divides(step, other.first - one.first) is True


def _alike(one: Progression, other: Progression) -> tuple[Progression, Progression]:
    """A single cell takes the other's step."""
    if one.first == one.last:
        one = one._replace(step=other.step)
    if other.first == other.last:
        other = other._replace(step=one.step)
    return one, other
