"""Chains: what ``+``, constant ``*`` and ``//`` by numbers make of one symbol, a link at a time, and their remainders.

They are what networks make of a size, and the closed cases of every question: a chain is monotone and runs through an
interval, and ``x % m`` of a chain runs through residues.
"""

from __future__ import annotations

from typing import NamedTuple

from shapesolver.arithmetic.atoms import Atom, Floor, Group, Symbol
from shapesolver.arithmetic.formula import Dim, Formula

Link = tuple[Atom, int, int]
"""An atom, a factor and an offset: ``factor*atom + offset``."""


def outer_link(item: Dim) -> Link | None:
    """The outermost link of a formula, where it is just that."""
    if isinstance(item, int):
        return None
    terms = item.terms
    if len(terms) > 1 or len(terms[0][0]) > 1:
        return None
    return terms[0][0][0], terms[0][1], item.constant


def divided(atom: Atom) -> tuple[Dim, int] | None:
    """``x, d`` of a link that is ``x//d``; a sum in parentheses is one over 1. ``None`` where a chain ends."""
    if isinstance(atom, Floor):
        return (atom.numerator, atom.denominator) if isinstance(atom.denominator, int) else None
    return (atom.inner, 1) if isinstance(atom, Group) else None


def is_chain(formula: Dim) -> bool:
    """Whether it is built around one symbol by ``+``, constant ``*`` and ``//`` alone."""
    while link := outer_link(formula):
        inside = divided(link[0])
        if inside is None:
            return isinstance(link[0], Symbol)
        formula = inside[0]
    return False


class Remainder(NamedTuple):
    """``factor*((atom + shift) % modulus) + offset`` of a chain ``atom + shift``."""

    atom: Atom
    shift: int
    modulus: int
    factor: int
    offset: int

    def bounds(self) -> tuple[int, int]:
        """Its least and greatest value. Law: ``0 <= x % m <= m - 1``."""
        ends = self.offset, self.offset + self.factor * (self.modulus - 1)
        return ends if self.factor > 0 else ends[::-1]


def as_remainder(formula: Formula) -> Remainder | None:
    """The formula as a remainder of a chain, if it is one. Law: ``x % m == x - m*(x//m)``."""
    if len(formula.terms) != 2:
        return None
    if formula._remainder is None:
        formula._remainder = _read(formula) or False
    return formula._remainder or None


def _read(formula: Formula) -> Remainder | None:
    (one, a), (two, b) = formula.terms
    if abs(a) > abs(b):
        one, a, two, b = two, b, one, a
    modulus, rest = divmod(-b, a)
    if rest or modulus < 2 or len(one) > 1 or len(two) > 1:
        return None
    shift = _shift_before(one[0], two[0], modulus)
    return None if shift is None else Remainder(one[0], shift, modulus, a, formula.constant - a * shift)


def _shift_before(atom: Atom, floor: Atom, modulus: int) -> int | None:
    """The ``c`` of a floor that is ``(atom + c)//modulus`` of a chain; ``None`` for anything else.

    Law: with ``atom == y//d``, ``(atom + c)//m == (y + d*c)//(d*m)``.
    """
    if not isinstance(floor, Floor) or isinstance(numerator := floor.numerator, int):
        return None
    if isinstance(atom, Floor):
        inner, d = atom.numerator, atom.denominator
        if isinstance(inner, int) or not isinstance(d, int):
            return None
        terms, constant = inner.terms, inner.constant
    else:
        terms, constant, d = (((atom,), 1),), 0, 1
    if floor.denominator != d * modulus or numerator.terms != terms or not is_chain(numerator):
        return None
    shift, rest = divmod(numerator.constant - constant, d)
    return None if rest else shift
