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


def outer_link(formula: Formula) -> Link | None:
    """The outermost link of the formula, where it is just that."""
    terms = formula.terms
    if len(terms) > 1 or len(terms[0][0]) > 1:
        return None
    return terms[0][0][0], terms[0][1], formula.constant


def is_chain(formula: Dim) -> bool:
    """Whether it is built around one symbol by ``+``, constant ``*`` and ``//`` alone."""
    while isinstance(formula, Formula) and (link := outer_link(formula)):
        atom = link[0]
        if isinstance(atom, Symbol):
            return True
        if isinstance(atom, Floor) and isinstance(atom.denominator, int):
            formula = atom.numerator
        elif isinstance(atom, Group):
            formula = atom.inner
        else:
            return False
    return False


class Remainder(NamedTuple):
    """``factor*(chain % modulus) + offset``."""

    chain: Dim
    modulus: int
    factor: int
    offset: int


def as_remainder(formula: Formula) -> Remainder | None:
    """The formula as a remainder of a chain, if it is one. Law: ``x % m == x - m*(x//m)``."""
    if len(formula.terms) != 2:
        return None
    if formula._remainder is None:
        formula._remainder = _read(formula) or False
    return formula._remainder or None


def _read(formula: Formula) -> Remainder | None:
    (one, a), (two, b) = formula.terms
    if len(one) > 1 or len(two) > 1:
        return None
    if abs(a) > abs(b):
        one, a, two, b = two, b, one, a
    modulus, rest = divmod(-b, a)
    floor = two[0]
    if rest or modulus < 2 or not isinstance(floor, Floor):
        return None
    shift = _shift_before(one[0], floor, modulus)
    if shift is None or not is_chain(floor.numerator):
        return None
    return Remainder(Formula((((one[0],), 1),), shift), modulus, a, formula.constant - a * shift)


def _shift_before(atom: Atom, floor: Floor, modulus: int) -> int | None:
    """The ``c`` of a floor that is ``(atom + c)//modulus``; ``None`` for any other floor.

    Law: with ``atom == y//d``, ``(atom + c)//m == (y + d*c)//(d*m)``.
    """
    inner, d = (atom.numerator, atom.denominator) if isinstance(atom, Floor) else (Formula.of(atom), 1)
    numerator = floor.numerator
    if not isinstance(d, int) or floor.denominator != d * modulus:
        return None
    if not isinstance(numerator, Formula) or not isinstance(inner, Formula) or numerator.terms != inner.terms:
        return None
    shift, rest = divmod(numerator.constant - inner.constant, d)
    return None if rest else shift
