"""Periodic sets of integers: a modulus, and the runs of residues that belong.

A run is kept as two edges, so a mask is as large as its number of runs and not as its modulus: the
multiples of 10**9, and everything but them, are both two edges long.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from operator import sub
from typing import Any

WALK_LIMIT = 2**21
"""The most edges or residues that one operation walks before it says :class:`Undecided`."""


class Undecided(Exception):
    """The question is too large to answer exactly within the limits; no part of an answer was left out."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __repr__(self) -> str:
        return f"Undecided({self.reason!r})"


def check_walk(cost: int, what: str, *moduli: int) -> None:
    """Raise :class:`Undecided` when a walk of this many steps is beyond the limit; ``what`` has a place a modulus."""
    if cost > WALK_LIMIT:
        raise Undecided(f"{what.format(*moduli)} takes {cost:,} steps, more than {WALK_LIMIT:,}")


@dataclass(slots=True, unsafe_hash=True)
class Mask:
    """The integers whose residue lies in ``edges[0]..edges[1]-1``, ``edges[2]..edges[3]-1``, ...

    Always with the smallest modulus, so equal sets are equal masks, and :data:`EMPTY` and :data:`FULL` are the only
    ones of their kind. Never changed once made. Make one with :meth:`of` or :meth:`arc`.
    """

    modulus: int
    edges: tuple[int, ...]

    @classmethod
    def of(cls, modulus: int, edges: Iterable[int]) -> Mask:
        """The mask with these edges, 0 up to the modulus in rising order; its modulus is made minimal."""
        found = tuple(edges)
        wraps = bool(found) and found[0] == 0 and found[-1] == modulus
        turns = found[1:-1] if wraps else found
        if not turns:
            return FULL if wraps else EMPTY
        for prime in _primes(gcd(len(turns) // 2, modulus)):
            while _repeats(turns, modulus, prime):
                modulus //= prime
                turns = turns[: len(turns) // prime]
        return cls(modulus, (0, *turns, modulus) if wraps else turns)

    @classmethod
    def of_runs(cls, modulus: int, runs: Sequence[tuple[int, int]]) -> Mask:
        """The mask of these runs ``(first, past the last)`` of integers, wherever they lie."""
        if len(runs) < 2:
            return cls.arc(modulus, *runs[0]) if runs else EMPTY
        found: list[tuple[int, int]] = []
        for start, stop in runs:
            if stop - start >= modulus:
                return FULL
            first = start % modulus
            past = first + stop - start
            found.append((first, min(past, modulus)))
            if past > modulus:
                found.append((0, past - modulus))
        return cls.of(modulus, joined(sorted(found)))

    @classmethod
    def arc(cls, modulus: int, start: int, stop: int) -> Mask:
        """The integers whose residue is that of one of ``start..stop-1``: one run around the circle of residues."""
        if stop - start >= modulus:
            return FULL
        if start >= stop:
            return EMPTY
        first = start % modulus
        past = first + stop - start
        return cls(modulus, (first, past) if past <= modulus else (0, past - modulus, first, modulus))

    @classmethod
    def residues(cls, modulus: int, residues: Iterable[int]) -> Mask:
        """The integers that leave one of these residues."""
        return cls.of_runs(modulus, [(r, r + 1) for r in residues])

    def __reduce__(self) -> tuple[Any, ...]:
        return Mask.of, (self.modulus, self.edges)

    def __contains__(self, n: int) -> bool:
        return bisect_right(self.edges, n % self.modulus) % 2 == 1

    @property
    def is_progression(self) -> bool:
        """Whether it is one residue class."""
        return len(self.edges) == 2 and self.edges[1] - self.edges[0] == 1 < self.modulus

    def runs(self) -> Iterator[tuple[int, int]]:
        """The runs of residues in one period, as ``(first, past the last)``."""
        return zip(self.edges[::2], self.edges[1::2], strict=True)

    def members(self) -> Iterator[int]:
        """The residues, in rising order."""
        return (r for start, stop in self.runs() for r in range(start, stop))

    def size(self) -> int:
        """How many residues belong."""
        return sum(map(sub, self.edges[1::2], self.edges[::2]))

    def count_to(self, n: int) -> int:
        """How many members are in ``0..n-1``; for negative ``n``, minus how many are in ``n..-1``."""
        periods, rest = divmod(n, self.modulus)
        partial = sum(min(stop, rest) - start for start, stop in self.runs() if start < rest)
        return periods * self.size() + partial

    def next(self, n: int) -> int | None:
        """The least member that is ``n`` or more."""
        if not self.edges:
            return None
        base = n - n % self.modulus
        place = bisect_right(self.edges, n - base)
        if place % 2:
            return n
        return base + (self.edges[place] if place < len(self.edges) else self.edges[0] + self.modulus)

    def previous(self, n: int) -> int | None:
        """The greatest member that is ``n`` or less."""
        if not self.edges:
            return None
        base = n - n % self.modulus
        place = bisect_right(self.edges, n - base)
        if place % 2:
            return n
        return base + (self.edges[place - 1] if place else self.edges[-1] - self.modulus) - 1

    def turns_in(self, lo: int, hi: int) -> Iterator[int]:
        """The edges of the mask within ``lo..hi-1``, as if it were empty outside."""
        if self.modulus == 1:
            # Everything, or nothing, of the whole stretch.
            yield from (lo, hi) if self.edges and lo < hi else ()
            return
        inside = False
        base = lo - lo % self.modulus
        place = bisect_right(self.edges, lo - base)
        if place % 2:
            inside = True
            yield lo
        while self.edges:
            for edge in self.edges[place:]:
                if base + edge >= hi:
                    if inside:
                        yield hi
                    return
                inside = not inside
                yield base + edge
            base, place = base + self.modulus, 0

    def walk_cost(self, width: int) -> int:
        """How many edges a window of this width can hold."""
        return len(self.edges) * (width // self.modulus + 2)

    def __invert__(self) -> Mask:
        if self.modulus == 1:
            return EMPTY if self.edges else FULL
        edges = self.edges[1:] if self.edges[0] == 0 else (0, *self.edges)
        return Mask(self.modulus, edges[:-1] if edges[-1] == self.modulus else (*edges, self.modulus))

    def __and__(self, other: Mask) -> Mask:
        if self is other or self is EMPTY or other is FULL:
            return self
        if other is EMPTY or self is FULL:
            return other
        if self.is_progression:
            return _within_progression(self, other)
        if other.is_progression:
            return _within_progression(other, self)
        return _intersection(self, other)

    def __or__(self, other: Mask) -> Mask:
        return ~(~self & ~other)

    def shift(self, by: int) -> Mask:
        """``{n + by}``."""
        return Mask.of_runs(self.modulus, [(start + by, stop + by) for start, stop in self.runs()])

    def reflect(self) -> Mask:
        """``{-n}``."""
        return Mask.of_runs(self.modulus, [(1 - stop, 1 - start) for start, stop in self.runs()])

    def under_floor(self, d: int) -> Mask:
        """``{n : n//d in self}``. Law: ``x//d == q`` iff ``d*q <= x < d*(q + 1)``."""
        return self if self.modulus == 1 else Mask(self.modulus * d, tuple([edge * d for edge in self.edges]))

    def under_affine(self, a: int, b: int) -> Mask:
        """``{n : a*n + b in self}`` for ``a`` not 0. Raises :class:`Undecided` past the walk limit."""
        common = gcd(a, self.modulus)
        modulus = self.modulus // common
        # Law: a*n + b meets only the residues b + common*y, at n = y/(a/common) modulo modulus/common.
        runs = [
            (first, past)
            for start, stop in self.runs()
            if (first := -((b - start) // common)) < (past := -((b - stop) // common))
        ]
        ys = Mask.of_runs(modulus, runs)
        factor = (a // common) % ys.modulus
        if factor in (0, 1):
            return ys
        if factor == ys.modulus - 1:
            return ys.reflect()
        check_walk(ys.size(), "solving {}*n + {} modulo {}", a, b, self.modulus)
        inverse = pow(factor, -1, ys.modulus)
        return Mask.residues(ys.modulus, [y * inverse for y in ys.members()])

    def scaled(self, k: int) -> Mask:
        """``{k*n}`` for ``k`` not 0. Raises :class:`Undecided` past the walk limit."""
        check_walk(self.size(), "scaling by {}", k)
        return Mask.residues(self.modulus * abs(k), [r * k for r in self.members()])


EMPTY = Mask(1, ())
FULL = Mask(1, (0, 1))


def joined(runs: Iterable[tuple[int, int]]) -> list[int]:
    """The edges of sorted runs, those that touch or overlap made one."""
    edges: list[int] = []
    for start, stop in runs:
        if edges and start <= edges[-1]:
            edges[-1] = max(edges[-1], stop)
        else:
            edges += (start, stop)
    return edges


def overlap(left: Iterable[int], right: Iterable[int]) -> Iterator[int]:
    """The edges of what two sets of edges have in common; edges of one that meet are let through."""
    mine, theirs = iter(left), iter(right)
    a, b = next(mine, None), next(theirs, None)
    inside_a = inside_b = False
    while a is not None or b is not None:
        was = inside_a and inside_b
        at = a if b is None or (a is not None and a <= b) else b
        if a == at:
            inside_a, a = not inside_a, next(mine, None)
        else:
            inside_b, b = not inside_b, next(theirs, None)
        if (inside_a and inside_b) != was:
            assert at is not None
            yield at


def without_touching(edges: Iterable[int]) -> list[int]:
    """The edges with every pair that is at one place dropped: an end where the next run starts is no end."""
    kept: list[int] = []
    for edge in edges:
        if kept and kept[-1] == edge:
            kept.pop()
        else:
            kept.append(edge)
    return kept


def _intersection(left: Mask, right: Mask) -> Mask:
    cost = intersection_cost(left, right)
    check_walk(cost, "combining conditions modulo {:,} and {:,}", left.modulus, right.modulus)
    common = gcd(left.modulus, right.modulus)
    modulus = left.modulus // common * right.modulus
    if cost < _walk_cost(left, right):
        return Mask.residues(modulus, _chinese(left, right, common))
    shared = overlap(left.turns_in(0, modulus), right.turns_in(0, modulus))
    return Mask.of(modulus, without_touching(shared))


def _within_progression(progression: Mask, other: Mask) -> Mask:
    """The intersection with ``r + m*t``, by the Chinese remainder theorem.

    Law: with ``g = gcd(m, M)``, ``r + m*t`` modulo ``M`` meets only the residues ``r + g*y``, at
    ``t = y/(m/g)`` modulo ``M/g``.
    """
    m, r = progression.modulus, progression.edges[0]
    common = gcd(m, other.modulus)
    period = other.modulus // common
    reached = [(-((r - start) // common), -((r - stop) // common)) for start, stop in other.runs()]
    total = sum([stop - start for start, stop in reached])
    if total in (0, period):
        return progression if total else EMPTY
    check_walk(total, "combining conditions modulo {:,} and {:,}", m, other.modulus)
    inverse = pow(m // common, -1, period)
    places = [r + m * (y * inverse % period) for start, stop in reached for y in range(start, stop)]
    return Mask.arc(m * period, places[0], places[0] + 1) if total == 1 else Mask.residues(m * period, places)


def intersection_cost(left: Mask, right: Mask) -> int:
    """About how many steps the intersection takes: edges of the common period, or pairs of residues."""
    common = gcd(left.modulus, right.modulus)
    # A residue of one side meets at most as many of the other as agree with it modulo the gcd.
    pairs = min(
        left.size() * min(right.size(), right.modulus // common),
        right.size() * min(left.size(), left.modulus // common),
    )
    return min(_walk_cost(left, right), pairs + left.size() + right.size())


def _walk_cost(left: Mask, right: Mask) -> int:
    common = gcd(left.modulus, right.modulus)
    return len(left.edges) * (right.modulus // common) + len(right.edges) * (left.modulus // common)


def _chinese(left: Mask, right: Mask, common: int) -> Iterator[int]:
    """The residues that both leave, by the Chinese remainder theorem."""
    agreeing: dict[int, list[int]] = {}
    for r in right.members():
        agreeing.setdefault(r % common, []).append(r)
    step = right.modulus // common
    inverse = pow(left.modulus // common, -1, step) if step > 1 else 0
    for a in left.members():
        for b in agreeing.get(a % common, ()):
            # Law: a + left*t is b modulo right iff t = (b - a)/common / (left/common) modulo right/common.
            yield a + left.modulus * ((b - a) // common * inverse % step)


def _repeats(turns: tuple[int, ...], modulus: int, times: int) -> bool:
    """Whether the period holds one pattern several times: the places where it turns shift onto each other."""
    step, rest = divmod(len(turns) // 2, times)
    if rest or modulus % times:
        return False
    shift = modulus // times
    return all(later - turn == shift for turn, later in zip(turns, turns[2 * step :], strict=False))


def _primes(n: int) -> Iterator[int]:
    """The primes that divide ``n``, by trial division: ``n`` is a number of runs, so it is small."""
    prime = 2
    while prime * prime <= n:
        if n % prime == 0:
            yield prime
            while n % prime == 0:
                n //= prime
        prime += 1
    if n > 1:
        yield n
