"""That a symbol is in a set: a condition that has been solved, written as people write the set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.conditions import Condition, Truth
from shapesolver.arithmetic.formula import Dim, Formula
from shapesolver.arithmetic.sets import IntSet


@dataclass(frozen=True, slots=True)
class Within(Condition):
    """``H % 6 == 1, H >= 19``, the values of one symbol."""

    symbol: Symbol
    members: IntSet

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether the symbol's value is a member."""
        return values[self.symbol.text] in self.members

    def dims(self) -> Iterable[Dim]:
        """The symbol."""
        return (Formula.of(self.symbol),)

    def resolved(self, values: Mapping[str, Any]) -> Truth:
        """Decided where the symbol's value is a number; a formula in its place cannot be looked up."""
        value = values.get(self.symbol.text)
        return value in self.members if isinstance(value, int) else self

    def __str__(self) -> str:
        return self.members.describe(self.symbol.text, limit=12)


def within(symbol: Symbol, members: IntSet) -> Truth:
    """That the symbol is a member, decided where all or none of its values are."""
    values = IntSet.interval(symbol.least, None)
    if not members & values:
        return False
    return True if values <= members else Within(symbol, members & values)
