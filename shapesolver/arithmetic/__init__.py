"""Exact integer arithmetic: formulas with floors, conditions, and sets of integers. Knows nothing of layers.

Formulas and conditions are here; what solves them (``sets``, ``pullback``, ``decide``, ``products``) and the
public form (``to_sympy``) are imported as modules, so that a concrete network never pays for them.
"""

from shapesolver.arithmetic.analysis import atoms, bounds, symbols
from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Scaled, Symbol
from shapesolver.arithmetic.conditions import (
    Both,
    Comparison,
    Condition,
    Divides,
    Either,
    Negation,
    Truth,
    both,
    compare,
    divides,
    either,
    evaluate,
    holds,
    negate,
    resolve,
)
from shapesolver.arithmetic.extremes import maximum, minimum
from shapesolver.arithmetic.formula import (
    Bounds,
    Dim,
    Formula,
    canonical,
    ceil_div,
    divide_exactly,
    symbol,
)
from shapesolver.arithmetic.limits import excess
from shapesolver.arithmetic.scaling import as_float32, scaled
from shapesolver.arithmetic.substitution import substitute

__all__ = [
    "Atom",
    "Both",
    "Bounds",
    "Comparison",
    "Condition",
    "Dim",
    "Divides",
    "Either",
    "Extreme",
    "Floor",
    "Formula",
    "Group",
    "Negation",
    "Scaled",
    "Symbol",
    "Truth",
    "as_float32",
    "atoms",
    "both",
    "bounds",
    "canonical",
    "ceil_div",
    "compare",
    "divide_exactly",
    "divides",
    "either",
    "evaluate",
    "excess",
    "holds",
    "maximum",
    "minimum",
    "negate",
    "resolve",
    "scaled",
    "substitute",
    "symbol",
    "symbols",
]
