"""What formulas are built from, besides integers. Plain data: the laws are in the modules that use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from shapesolver.arithmetic.writing import operand

if TYPE_CHECKING:
    from shapesolver.arithmetic.formula import Dim, Formula


@dataclass(slots=True, eq=False)
class Atom:
    """One indivisible factor of a formula. Never changed once made; compared by what it is made of.

    Its text and its hash are worked out when they are first asked for, for most atoms are steps on the way to others.
    """

    is_quotient: ClassVar[bool] = False
    """Whether its text is a division, which needs parentheses beside other signs."""

    _text: str | None = field(default=None, init=False, repr=False)
    _hash: int | None = field(default=None, init=False, repr=False)
    _length: int | None = field(default=None, init=False, repr=False)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.fields() == other.fields())

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self.fields())
        return self._hash

    def __lt__(self, other: Atom) -> bool:
        return self.text < other.text

    def __reduce__(self) -> tuple[type[Atom], tuple[Any, ...]]:
        return type(self), self.fields()

    @property
    def text(self) -> str:
        """The atom as people write it."""
        if self._text is None:
            for atom in _unwritten(self):
                atom._text = atom.written()
        assert self._text is not None
        return self._text

    @property
    def length(self) -> int:
        """How many atoms are written for it: itself, and those inside as often as they stand there."""
        if self._length is None:
            self._length = 1 + sum(map(length, self.parts()))
        return self._length

    def fields(self) -> tuple[Any, ...]:
        """What it is made of."""
        return self.parts()

    def parts(self) -> tuple[Dim, ...]:
        """The dimensions inside the atom."""
        return ()

    def written(self) -> str:
        """The text, from the texts of what is inside."""
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Symbol(Atom):
    """An unknown integer that is ``least`` or more (sizes are positive, paddings may be zero)."""

    name: str
    least: int = 1

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Symbol) and self.name == other.name and self.least == other.least
        return self is other or same

    def __hash__(self) -> int:
        return hash(self.name)

    def fields(self) -> tuple[Any, ...]:
        """The name and the least value."""
        return self.name, self.least

    def written(self) -> str:
        """The name."""
        return self.name


@dataclass(slots=True, eq=False)
class Floor(Atom):
    """``numerator//denominator``, rounded towards minus infinity."""

    is_quotient: ClassVar[bool] = True

    numerator: Dim
    denominator: Dim

    def parts(self) -> tuple[Dim, ...]:
        """The two sides of the division."""
        return self.numerator, self.denominator

    def written(self) -> str:
        """``(H - 7)//6``"""
        return f"{operand(self.numerator)}//{operand(self.denominator, right=True)}"


@dataclass(slots=True, eq=False)
class Extreme(Atom):
    """``min(...)`` or ``max(...)`` of two or more dimensions."""

    least: bool
    items: tuple[Dim, ...]

    def fields(self) -> tuple[Any, ...]:
        """Which of the two it is, and what it chooses from."""
        return self.least, self.items

    def parts(self) -> tuple[Dim, ...]:
        """What it chooses from."""
        return self.items

    def written(self) -> str:
        """``min(H, W)``"""
        return f"{'min' if self.least else 'max'}({', '.join(map(str, self.items))})"


@dataclass(slots=True, eq=False)
class Group(Atom):
    """A sum in parentheses, as a factor of a product: ``64*(H - 2)*(W - 2)`` stays as people write it."""

    inner: Formula

    def parts(self) -> tuple[Dim, ...]:
        """The sum."""
        return (self.inner,)

    def written(self) -> str:
        """``(H - 2)``"""
        return f"({self.inner})"


@dataclass(slots=True, eq=False)
class Scaled(Atom):
    """``floor(size * factor)`` as a computer rounds it: the product is a double before it is floored."""

    size: Dim
    factor: float

    def fields(self) -> tuple[Any, ...]:
        """The size and the factor."""
        return self.size, self.factor

    def parts(self) -> tuple[Dim, ...]:
        """The size."""
        return (self.size,)

    def written(self) -> str:
        """``floor(H*0.7)``"""
        return f"floor({operand(self.size)}*{self.factor!r})"


Monomial = tuple[Atom, ...]
"""A product of atoms."""

Term = tuple[Monomial, int]
"""A monomial and its coefficient."""


def length(item: Dim) -> int:
    """How many atoms are written for a dimension; 0 for a number."""
    return 0 if isinstance(item, int) else sum(atom.length for monomial, _ in item.terms for atom in monomial)


def _unwritten(atom: Atom) -> list[Atom]:
    """The atom and those inside that have no text yet, each after what is inside it: no depth exhausts the stack."""
    found: list[Atom] = []
    pending = [atom]
    while pending:
        current = pending.pop()
        found.append(current)
        for part in current.parts():
            if not isinstance(part, int):
                pending += (inner for monomial, _ in part.terms for inner in monomial if inner._text is None)
    return found[::-1]
