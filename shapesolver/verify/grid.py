"""Combinations of input sizes, one bit each: which of them have a property, as one integer.

The sizes of each symbol are numbered, those of the first fastest. A property of one symbol's size is a *band*: it
goes through all sizes of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from shapesolver.arithmetic import Truth, both, either
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.membership import within
from shapesolver.arithmetic.sets import IntSet
from shapesolver.layers.cells import every, members, tiled

Bits = int
"""Bit ``i`` for the combination with number ``i``, or for the ``i``-th size of one symbol."""

MAX_COMBINATIONS = 2**16
"""The most combinations of sizes that are told apart."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Law: from ``start`` on, sizes that differ by the period have the same properties."""

    start: int
    period: int


class Grid:
    """The sizes of each symbol that are looked at, and what holds for all others by what holds for them."""

    def __init__(self, symbols: Sequence[Symbol], sizes: Sequence[Sequence[int]], tails: Mapping[str, Tail]) -> None:
        """``tails`` are of the symbols whose other sizes are alike."""
        self.symbols = symbols
        self.sizes = sizes
        self._tails = tails

    @property
    def all(self) -> Bits:
        """Every combination."""
        return every(self._count(len(self.symbols)))

    def _count(self, places: int) -> int:
        count = 1
        for sizes in self.sizes[:places]:
            count *= len(sizes)
        return count

    def band(self, symbol: str | None, chosen: Sequence[bool]) -> Bits:
        """The combinations with one of the chosen sizes of a symbol; with no symbol, all of them or none."""
        if symbol is None:
            return self.all if chosen[0] else 0
        place = next(i for i, known in enumerate(self.symbols) if known.text == symbol)
        inner, own = self._count(place), len(self.sizes[place])
        bits = sum(1 << number for number, is_chosen in enumerate(chosen[:own]) if is_chosen)
        outer = every(self._count(len(self.symbols)) // (inner * own))
        return tiled(tiled(every(inner), inner, bits), inner * own, outer)

    def truth(self, bits: Bits) -> Truth:
        """The condition on the sizes that these combinations meet, by each symbol alone where that says it."""
        bands = [self._whole(place, bits) for place in range(len(self.symbols))]
        united = 0
        for symbol, chosen in zip(self.symbols, bands, strict=True):
            united |= self.band(symbol.text, chosen)
        if united == bits:
            return either(*(self._one_of(place, chosen) for place, chosen in enumerate(bands)))
        return self._by_last(len(self.symbols) - 1, bits)

    def _whole(self, place: int, bits: Bits) -> list[bool]:
        """The sizes of a symbol that meet the condition whatever the others are."""
        inner, own = self._count(place), len(self.sizes[place])
        together = every(inner * own)
        for outer in range(self._count(len(self.symbols)) // (inner * own)):
            together &= bits >> outer * inner * own
        return [together >> number * inner & every(inner) == every(inner) for number in range(own)]

    def _by_last(self, place: int, bits: Bits) -> Truth:
        """For each different condition on the symbols before this one, the sizes that go with it."""
        if place < 0:
            return bool(bits)
        length = self._count(place)
        rows = [bits >> number * length & every(length) for number in range(len(self.sizes[place]))]
        return either(
            *(
                both(self._one_of(place, [row == other for row in rows]), self._by_last(place - 1, other))
                for other in dict.fromkeys(rows)
                if other
            )
        )

    def _one_of(self, place: int, chosen: Sequence[bool]) -> Truth:
        return within(self.symbols[place], self._extended(place, chosen))

    def _extended(self, place: int, chosen: Sequence[bool]) -> IntSet:
        """The chosen sizes, and all that are like them."""
        picked = [size for size, is_chosen in zip(self.sizes[place], chosen, strict=False) if is_chosen]
        tail = self._tails.get(self.symbols[place].text)
        if tail is None:
            return IntSet.finite(picked)
        later = {size % tail.period for size in picked if size >= tail.start}
        return IntSet.finite(size for size in picked if size < tail.start) | (
            IntSet.residues(tail.period, later) & IntSet.interval(tail.start, None)
        )

    def known(self) -> Truth:
        """The sizes about which anything is known: all of a symbol with a tail, else those looked at."""
        return both(
            *(
                within(symbol, self._looked_at(place))
                for place, symbol in enumerate(self.symbols)
                if symbol.text not in self._tails
            )
        )

    def _looked_at(self, place: int) -> IntSet:
        return IntSet.finite(self.sizes[place])

    def limits(self) -> dict[str, IntSet]:
        """For each symbol without a tail, the sizes looked at."""
        return {s.text: self._looked_at(p) for p, s in enumerate(self.symbols) if s.text not in self._tails}

    def beside(self, values: Mapping[str, int]) -> Bits:
        """The combinations with these sizes, but for one symbol at most."""
        lines = {
            symbol.text: self.band(symbol.text, [size == values.get(symbol.text) for size in sizes])
            for symbol, sizes in zip(self.symbols, self.sizes, strict=True)
        }
        found = 0
        for free in lines:
            found |= reduce(and_, (line for name, line in lines.items() if name != free), self.all)
        return found

    def combinations(self) -> Iterator[dict[str, int]]:
        """The sizes of every combination, in the order of their numbers."""
        return self.chosen(self.all)

    def chosen(self, bits: Bits) -> Iterator[dict[str, int]]:
        """The sizes of these combinations."""
        for number in members(bits):
            found = {}
            for symbol, sizes in zip(self.symbols, self.sizes, strict=True):
                number, place = divmod(number, len(sizes))
                found[symbol.text] = sizes[place]
            yield found
