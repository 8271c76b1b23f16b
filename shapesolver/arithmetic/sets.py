"""Sets of integers that are periodic from some point on: exact, of any size, closed under and, or, not.

A set is a step function from the integers to periodic masks: ``25..30`` is nothing, then everything from 25
on, then nothing from 31 on. So a range of 10**12 sizes, or the multiples of 10**9 in it, takes three steps.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from shapesolver.arithmetic.masks import EMPTY, FULL, Mask, Undecided, intersection_cost, joined, overlap
from shapesolver.arithmetic.segments import Segment, first_of, last_of, tidied, turns
from shapesolver.arithmetic.writing_sets import Piece, write_pieces

if TYPE_CHECKING:
    import sympy

Pick = Callable[[Segment], int | None]

_FROM = (EMPTY, FULL)
"""The masks of all integers from one on."""


class IntSet:
    """An immutable, eventually periodic set of integers. Equal sets are equal however they were made.

    It is built with :meth:`interval`, :meth:`residue_class`, :meth:`residues`, :meth:`finite`,
    :meth:`everything` and :meth:`nothing`, and combined with ``& | - ^ ~``; the complement is taken in all
    integers. An operation whose common period is too large to walk raises :class:`Undecided`.
    """

    __slots__ = ("_breaks", "_masks")

    _breaks: tuple[int, ...]
    _masks: tuple[Mask, ...]

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        """The set of these segments, which follow each other from end to end; none for the empty set."""
        breaks: list[int] = []
        masks: list[Mask] = [EMPTY]
        for lo, hi, mask in segments:
            if lo is None:
                masks[0] = mask
            elif hi is None or lo < hi:
                parts = ((lo, mask),) if hi is None or mask.modulus == 1 else tidied(lo, hi, mask)
                for start, part in parts:
                    if part is not masks[-1] and part != masks[-1]:
                        breaks.append(start)
                        masks.append(part)
        self._breaks = tuple(breaks)
        self._masks = tuple(masks)

    @classmethod
    def _made(cls, breaks: tuple[int, ...], masks: tuple[Mask, ...]) -> IntSet:
        """The set of these parts, which are tidy already."""
        made = cls.__new__(cls)
        made._breaks, made._masks = breaks, masks
        return made

    @classmethod
    def interval(cls, lo: int | None, hi: int | None) -> IntSet:
        """``lo..hi``, both included; ``None`` is no limit."""
        if lo is None:
            return cls._made(() if hi is None else (hi + 1,), (FULL,) if hi is None else (FULL, EMPTY))
        if hi is None:
            return cls._made((lo,), (EMPTY, FULL))
        return cls._made((lo, hi + 1), (EMPTY, FULL, EMPTY)) if lo <= hi else cls()

    @classmethod
    def residues(cls, modulus: int, residues: Iterable[int]) -> IntSet:
        """The integers that leave one of these residues. Raises ``ValueError`` for a modulus below 1."""
        if modulus < 1:
            raise ValueError(f"a modulus is at least 1, not {modulus}")
        return cls([(None, None, Mask.residues(modulus, residues))])

    @classmethod
    def arc(cls, first: int, last: int, modulus: int) -> IntSet:
        """The integers whose residue is that of one of ``first..last``; as large as one step, whatever they are."""
        return cls._made((), (Mask.arc(modulus, first, last + 1),))

    @classmethod
    def residue_class(cls, residue: int, modulus: int) -> IntSet:
        """``residue + modulus*k`` for every integer ``k``."""
        return cls.residues(modulus, (residue,))

    @classmethod
    def finite(cls, members: Iterable[int]) -> IntSet:
        """Just these integers."""
        return cls.of_edges(joined((n, n + 1) for n in sorted(members)))

    @classmethod
    def of_edges(cls, edges: Iterable[int]) -> IntSet:
        """The runs ``edges[0]..edges[1]-1``, ``edges[2]..edges[3]-1``, ..., in rising order."""
        bounds: list[int | None] = [None, *edges, None]
        masks = (EMPTY, FULL) * (len(bounds) // 2)
        return cls(zip(bounds, bounds[1:], masks, strict=False))

    @classmethod
    def everything(cls) -> IntSet:
        """All integers."""
        return cls([(None, None, FULL)])

    @classmethod
    def nothing(cls) -> IntSet:
        """No integer."""
        return cls()

    def segments(self) -> Iterator[Segment]:
        """The stretches of integers over which one mask says what belongs, in rising order."""
        starts: tuple[int | None, ...] = (None, *self._breaks)
        return zip(starts, (*self._breaks, None), self._masks, strict=True)

    def __contains__(self, n: object) -> bool:
        return isinstance(n, int) and n in self._masks[bisect_right(self._breaks, n)]

    def __bool__(self) -> bool:
        return not self.is_finite or any(first_of(segment) is not None for segment in self.segments())

    def __invert__(self) -> IntSet:
        return IntSet._made(self._breaks, tuple([~mask for mask in self._masks]))

    def __and__(self, other: IntSet) -> IntSet:
        if not isinstance(other, IntSet):
            return NotImplemented
        if not self._breaks and not other._breaks:
            return IntSet._made((), (self._masks[0] & other._masks[0],))
        if self._masks == _FROM:
            return other._from(self._breaks[0])
        if other._masks == _FROM:
            return self._from(other._breaks[0])
        return IntSet(_intersections(self, other))

    def _from(self, least: int) -> IntSet:
        """The members that are ``least`` or more, which is what every symbol asks for."""
        place = bisect_right(self._breaks, least)
        breaks, masks = self._breaks[place:], self._masks[place:]
        if masks[0] is EMPTY:
            return IntSet._made(breaks, masks)
        if breaks and masks[0].modulus > 1:
            start: Segment = (least, breaks[0], masks[0])
            return IntSet([(None, least, EMPTY), start, *zip(breaks, (*breaks[1:], None), masks[1:], strict=True)])
        return IntSet._made((least, *breaks), (EMPTY, *masks))

    def __or__(self, other: IntSet) -> IntSet:
        return ~(~self & ~other) if isinstance(other, IntSet) else NotImplemented

    def __sub__(self, other: IntSet) -> IntSet:
        return self & ~other if isinstance(other, IntSet) else NotImplemented

    def __xor__(self, other: IntSet) -> IntSet:
        return (self - other) | (other - self) if isinstance(other, IntSet) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IntSet):
            return NotImplemented
        same = self._breaks == other._breaks and self._masks == other._masks
        return same or (self <= other and other <= self)

    def __le__(self, other: IntSet) -> bool:
        """Whether every member is in the other set."""
        return not self - other

    def __lt__(self, other: IntSet) -> bool:
        """Whether the other set holds this one and more."""
        return self <= other and not other <= self

    def __ge__(self, other: IntSet) -> bool:
        return other <= self

    def __gt__(self, other: IntSet) -> bool:
        return other < self

    def __hash__(self) -> int:
        return hash((self.min, self.max, self.next_at_least(0), self.last_at_most(-1)))

    def isdisjoint(self, other: IntSet) -> bool:
        """Whether no integer is in both."""
        return not self & other

    @property
    def min(self) -> int | None:
        """The least member; ``None`` when there is none: the set is empty or goes down for ever."""
        return self._end(first_of, self.segments(), 0)

    @property
    def max(self) -> int | None:
        """The greatest member; ``None`` when there is none: the set is empty or goes on for ever."""
        return self._end(last_of, reversed(list(self.segments())), 1)

    @staticmethod
    def _end(pick: Pick, segments: Iterable[Segment], side: int) -> int | None:
        for segment in segments:
            found = pick(segment)
            if found is not None:
                return None if segment[side] is None else found
        return None

    @property
    def is_finite(self) -> bool:
        """Whether it has a least and a greatest member, or none at all."""
        return self._masks[0] is EMPTY and self._masks[-1] is EMPTY

    @property
    def count(self) -> int | float:
        """How many members it has: an ``int``, or ``math.inf``."""
        if not self.is_finite:
            return math.inf
        inner = zip(self._breaks, self._breaks[1:], self._masks[1:], strict=False)
        return sum(mask.count_to(hi) - mask.count_to(lo) for lo, hi, mask in inner)

    def __len__(self) -> int:
        """How many members it has. Raises ``OverflowError`` above ``sys.maxsize`` and at infinity."""
        if not self.is_finite:
            raise OverflowError("an infinite set has no len(); use .count")
        return int(self.count)

    def __iter__(self) -> Iterator[int]:
        """The members in rising order, without end where there is none.

        Raises ``ValueError`` when there is no least member to start from.
        """
        if self._masks[0] != EMPTY:
            raise ValueError(f"{self} has no least member to start from")
        return (n for lo, past in self.runs() for n in _span(lo, past))

    def runs(self) -> Iterator[tuple[int, int | None]]:
        """The runs ``(first, past the last)``, ``None`` for no end. Raises ``ValueError`` without a first."""
        start: int | None = None
        stop: int | None = None
        for lo, hi, mask in self.segments():
            for first, past in turns(lo, hi, mask):
                if start is not None and stop == first:
                    stop = past
                    continue
                if start is not None:
                    yield start, stop
                start, stop = first, past
        if start is not None:
            yield start, stop

    def next_at_least(self, n: int) -> int | None:
        """The least member that is ``n`` or more."""
        start = bisect_right(self._breaks, n)
        for _, hi, mask in islice(self.segments(), start, None):
            found = mask.next(n)
            if found is not None and (hi is None or found < hi):
                return found
            n = n if hi is None else hi
        return None

    def last_at_most(self, n: int) -> int | None:
        """The greatest member that is ``n`` or less."""
        for place in range(bisect_right(self._breaks, n), -1, -1):
            found = self._masks[place].previous(n)
            if found is not None and (place == 0 or found >= self._breaks[place - 1]):
                return found
            n = self._breaks[place - 1] - 1 if place else n
        return None

    def nearest(self, n: int, k: int = 1) -> tuple[int, ...]:
        """The ``k`` members nearest to ``n``, nearest first and the smaller of two; or all, if fewer."""
        return tuple(islice(self._by_distance(n), k))

    def _by_distance(self, n: int) -> Iterator[int]:
        below, above = self.last_at_most(n), self.next_at_least(n + 1)
        while below is not None or above is not None:
            if above is None or (below is not None and n - below <= above - n):
                assert below is not None
                yield below
                below = self.last_at_most(below - 1)
            else:
                yield above
                above = self.next_at_least(above + 1)

    def shift(self, by: int) -> IntSet:
        """``{n + by}``."""
        return self.under_affine(1, -by)

    def scale(self, by: int) -> IntSet:
        """``{n * by}``. Raises ``ValueError`` for 0."""
        if by == 0:
            raise ValueError("scaling by 0 loses the set")
        if by < 0:
            return self.under_affine(-1, 0).scale(-by)
        return IntSet((_times(lo, by), _times(hi, by), mask.scaled(by)) for lo, hi, mask in self.segments())

    def under_floor(self, d: int) -> IntSet:
        """``{n : n//d in self}`` for ``d >= 1``. Law: ``n//d == q`` iff ``d*q <= n < d*(q + 1)``."""
        if d == 1:
            return self
        if not self._breaks:
            return IntSet._made((), (self._masks[0].under_floor(d),))
        return IntSet((_times(lo, d), _times(hi, d), mask.under_floor(d)) for lo, hi, mask in self.segments())

    def under_affine(self, a: int, b: int) -> IntSet:
        """``{n : a*n + b in self}``, ``a`` not 0. Law: ``a*n + b >= x`` iff ``n >= ceil((x - b)/a)``."""
        if a == 1 and b == 0:
            return self
        if a < 0:
            turned = [
                (None if hi is None else 1 - hi, None if lo is None else 1 - lo, mask.reflect())
                for lo, hi, mask in self.segments()
            ]
            return IntSet(reversed(turned)).under_affine(-a, -b)
        return IntSet((_ceil(lo, a, b), _ceil(hi, a, b), mask.under_affine(a, b)) for lo, hi, mask in self.segments())

    def pieces(self) -> list[Piece]:
        """The set as people think of it: stretches of one mask, each as long as can be, in rising order."""
        found: list[Piece] = []
        ceiling: int | None = None
        for lo, hi, mask in reversed(list(self.segments())):
            past = hi if ceiling is None else ceiling
            start = lo
            if lo is not None and ceiling is not None and lo >= ceiling:
                continue
            ceiling = None
            if lo is not None and mask not in (EMPTY, FULL):
                start = ceiling = self._reach(mask, lo)
            first, last = first_of((start, past, mask)), last_of((start, past, mask))
            if first is not None:
                low, high = (None if start is None else first), (None if past is None else last)
                found.append(Piece(low, high, FULL if low is not None and low == high else mask))
            if start is None:
                break
        return found[::-1]

    def _reach(self, mask: Mask, lo: int) -> int | None:
        """How far down below ``lo`` the mask still says what belongs."""
        try:
            apart = (self ^ IntSet([(None, None, mask)])) & IntSet.interval(None, lo - 1)
        except Undecided:
            return lo
        last = apart.max
        return None if last is None and not apart else lo if last is None else last + 1

    def describe(self, name: str = "n", limit: int | None = None) -> str:
        """The set as people write it, with the smallest modulus: ``H % 16 == 0, H >= 16`` or ``25..30``.

        With a ``limit``, what is left out after that many parts is counted: ``{1, 3, ... 40 more}``.
        """
        return write_pieces(self.pieces(), name, limit)

    def __str__(self) -> str:
        return self.describe(limit=12)

    def __repr__(self) -> str:
        return f"<IntSet {self}>"

    def to_sympy(self) -> sympy.Set:
        """The same set for sympy: ranges, unions of ranges, ``Integers`` or ``EmptySet``."""
        from shapesolver.arithmetic.sets_to_sympy import set_to_sympy

        return set_to_sympy(self.pieces())

    def __reduce__(self) -> tuple[Any, ...]:
        return IntSet, (list(self.segments()),)


def _intersections(left: IntSet, right: IntSet) -> list[Segment]:
    found: list[Segment] = []
    i = j = 0
    lo: int | None = None
    hi: int | None
    for hi in (*sorted({*left._breaks, *right._breaks}), None):
        a, b = left._masks[i], right._masks[j]
        if lo is not None and hi is not None and a.modulus > 1 and b.modulus > 1 and _narrow(a, b, hi - lo):
            # Walking the stretch is cheaper than walking the common period.
            edges: list[int | None] = [lo, *overlap(a.turns_in(lo, hi), b.turns_in(lo, hi)), hi]
            masks = (EMPTY, FULL) * len(edges)
            found += zip(edges, edges[1:], masks, strict=False)
        else:
            found.append((lo, hi, a & b))
        i += i < len(left._breaks) and left._breaks[i] == hi
        j += j < len(right._breaks) and right._breaks[j] == hi
        lo = hi
    return found


def _narrow(a: Mask, b: Mask, width: int) -> bool:
    return a.walk_cost(width) + b.walk_cost(width) < intersection_cost(a, b)


def _span(lo: int, past: int | None) -> Iterable[int]:
    if past is not None:
        return range(lo, past)
    return count(lo)


def _times(n: int | None, by: int) -> int | None:
    return None if n is None else n * by


def _ceil(n: int | None, a: int, b: int) -> int | None:
    return None if n is None else -((b - n) // a)
