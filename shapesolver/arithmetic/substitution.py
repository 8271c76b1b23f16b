"""Formulas at other sizes: numbers, formulas or arrays in place of symbols."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import Any

from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Scaled, Symbol
from shapesolver.arithmetic.extremes import maximum, minimum
from shapesolver.arithmetic.formula import Formula
from shapesolver.arithmetic.scaling import scaled


def substitute(item: Any, values: Mapping[str, Any]) -> Any:
    """The dimension with symbols replaced, by name, by integers, formulas or numpy arrays."""
    if not isinstance(item, Formula):
        return item
    kept = True
    replaced: list[tuple[list[Any], int]] = []
    for monomial, coefficient in item.terms:
        factors = [_substitute_atom(atom, values) for atom in monomial]
        kept = kept and all(map(is_, factors, monomial))
        replaced.append((factors, coefficient))
    if kept:
        return item  # the same object, which is cheap to compare with what was worked out before
    result: Any = item.constant
    for factors, coefficient in replaced:
        product: Any = coefficient
        for factor in factors:
            product = (Formula.of(factor) if isinstance(factor, Atom) else factor) * product
        result = product + result
    return result


def _substitute_atom(atom: Atom, values: Mapping[str, Any]) -> Any:
    """What the atom becomes; the atom itself where nothing in it is replaced."""
    match atom:
        case Symbol(name=name):
            found = values.get(name)
            return atom if found is None else found
        case Floor(numerator=numerator, denominator=denominator):
            top, bottom = substitute(numerator, values), substitute(denominator, values)
            return atom if top is numerator and bottom is denominator else top // bottom
        case Extreme(least=least, items=items):
            new = tuple(substitute(item, values) for item in items)
            kept = all(map(is_, new, items))
            return atom if kept else (minimum if least else maximum)(*new)
        case Group(inner=inner):
            new = substitute(inner, values)
            return atom if new is inner else new
        case Scaled(size=size, factor=factor):
            new = substitute(size, values)
            return atom if new is size else scaled(new, factor)
    raise TypeError(f"no kind of atom: {atom!r}")
