"""Formulas at other sizes: numbers, formulas or arrays in place of symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Scaled
from shapesolver.arithmetic.extremes import maximum, minimum
from shapesolver.arithmetic.formula import Formula
from shapesolver.arithmetic.scaling import scaled


def substitute(item: Any, values: Mapping[str, Any]) -> Any:
    """The dimension with symbols replaced, by name, by integers, formulas or numpy arrays."""
    if not isinstance(item, Formula):
        return item
    result: Any = item.constant
    for monomial, coefficient in item.terms:
        product: Any = coefficient
        for atom in monomial:
            product = _substitute_atom(atom, values) * product
        result = product + result
    return result


def _substitute_atom(atom: Atom, values: Mapping[str, Any]) -> Any:
    match atom:
        case Floor(numerator=numerator, denominator=denominator):
            return substitute(numerator, values) // substitute(denominator, values)
        case Extreme(least=least, items=items):
            return (minimum if least else maximum)(*(substitute(item, values) for item in items))
        case Group(inner=inner):
            return substitute(inner, values)
        case Scaled(size=size, factor=factor):
            return scaled(substitute(size, values), factor)
    found = values.get(atom.text)
    return Formula.of(atom) if found is None else found
