"""What formulas are built from, besides integers. Plain data: the laws are in the modules that use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapesolver.arithmetic.formula import Dim, Formula


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """One indivisible factor of a formula; compared by what it says, and by what its symbols can be."""

    text: str
    """The atom as people write it."""

    def __eq__(self, other: object) -> bool:
        # Texts differ almost always; where they do not, a symbol inside may still have another least value.
        return self is other or (isinstance(other, Atom) and self.text == other.text and self.parts() == other.parts())

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: Atom) -> bool:
        return self.text < other.text

    def parts(self) -> tuple[Dim, ...]:
        """The dimensions inside the atom."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Symbol(Atom):
    """An unknown integer that is ``least`` or more (sizes are positive, paddings may be zero)."""

    least: int = 1

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Symbol) and self.text == other.text and self.least == other.least
        return self is other or same

    __hash__ = Atom.__hash__


@dataclass(frozen=True, slots=True, eq=False)
class Floor(Atom):
    """``numerator//denominator``, rounded towards minus infinity."""

    numerator: Dim
    denominator: Dim

    def parts(self) -> tuple[Dim, ...]:
        """The two sides of the division."""
        return self.numerator, self.denominator


@dataclass(frozen=True, slots=True, eq=False)
class Extreme(Atom):
    """``min(...)`` or ``max(...)`` of two or more dimensions."""

    least: bool
    items: tuple[Dim, ...]

    def parts(self) -> tuple[Dim, ...]:
        """What it chooses from."""
        return self.items


@dataclass(frozen=True, slots=True, eq=False)
class Group(Atom):
    """A sum in parentheses, as a factor of a product: ``64*(H - 2)*(W - 2)`` stays as people write it."""

    inner: Formula

    def parts(self) -> tuple[Dim, ...]:
        """The sum."""
        return (self.inner,)


@dataclass(frozen=True, slots=True, eq=False)
class Scaled(Atom):
    """``floor(size * factor)`` as a computer rounds it: the product is a double before it is floored."""

    size: Dim
    factor: float

    def parts(self) -> tuple[Dim, ...]:
        """The size."""
        return (self.size,)


Monomial = tuple[Atom, ...]
"""A product of atoms."""

Term = tuple[Monomial, int]
"""A monomial and its coefficient."""
