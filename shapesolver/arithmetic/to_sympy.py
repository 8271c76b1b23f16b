"""The public form: formulas as sympy expressions with ``floor``. The only importer of sympy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sympy

from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Scaled, Symbol
from shapesolver.arithmetic.formula import Dim


def to_sympy(item: Dim) -> sympy.Expr:
    """The dimension as a sympy expression; numbers become ``sympy.Integer``."""
    if isinstance(item, int):
        return sympy.Integer(item)
    terms = [c * sympy.Mul(*map(_atom, monomial)) for monomial, c in item.terms]
    return sympy.Add(*terms, item.constant)


def public(item: Dim) -> Any:
    """The dimension as users see it: an ``int``, or a sympy expression."""
    return item if isinstance(item, int) else to_sympy(item)


@lru_cache(maxsize=4096)
def _atom(atom: Atom) -> sympy.Expr:
    match atom:
        case Symbol(text=name, least=least):
            sign = "positive" if least >= 1 else "nonnegative" if least == 0 else "integer"
            return sympy.Symbol(name, **{"integer": True, sign: True})
        case Floor(numerator=numerator, denominator=denominator):
            return sympy.floor(to_sympy(numerator) / to_sympy(denominator))
        case Extreme(least=least, items=items):
            return (sympy.Min if least else sympy.Max)(*map(to_sympy, items))
        case Group(inner=inner):
            return to_sympy(inner)
        case Scaled(size=size, factor=factor):
            return ScaledSize(to_sympy(size), sympy.Float(factor, 17))
    raise TypeError(f"no sympy form for {atom!r}")


class ScaledSize(sympy.Function):  # type: ignore[misc]
    """``floor(size * factor)`` rounded as an IEEE double; evaluates once the size is a number."""

    nargs = 2
    is_integer = True

    @classmethod
    def eval(cls, size: sympy.Expr, factor: sympy.Expr) -> sympy.Expr | None:
        """The value at a number, or ``None`` to stay symbolic."""
        if size.is_Integer and factor.is_number:
            return sympy.Integer(int(float(int(size)) * float(factor) // 1))
        return None
