"""What the law tests draw from: any registered layer with any parameters, networks of them, and formulas.

A new layer is tested by being registered: its parameters are drawn from their declarations.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from shapesolver.arithmetic import maximum, minimum, symbol
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.registry import kinds
from shapesolver.testing import Placed, nets, parameter_values
from shapesolver.testing import dialects as every_dialect
from shapesolver.testing import layers as placed_layers

__all__ = ["ALL_KINDS", "AXIS_WISE", "Placed", "dialects", "formulas", "nets", "parameter_values", "placed_layers"]

ALL_KINDS = sorted(kinds())
AXIS_WISE = [op for op in ALL_KINDS if issubclass(kinds()[op], AxisWise)]

dialects = every_dialect()

H, W = symbol("H"), symbol("W")


@st.composite
def formulas(draw: st.DrawFn, names: str = "HW", depth: int = 4) -> Any:
    """Dimensions built as size laws build them: from symbols by + - * // min max."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.one_of(st.integers(-9, 9), st.sampled_from(names).map(symbol)))
    left = draw(formulas(names, depth - 1))
    number = draw(st.integers(1, 6))
    match draw(st.sampled_from(["add", "sub", "times", "floor", "mod", "min", "max", "plus", "product"])):
        case "add":
            return left + draw(formulas(names, depth - 1))
        case "sub":
            return left - draw(formulas(names, depth - 1))
        case "times":
            return left * number
        case "floor":
            return left // number
        case "mod":
            return left % number
        case "min":
            return minimum(left, draw(formulas(names, depth - 1)))
        case "max":
            return maximum(left, draw(formulas(names, depth - 1)))
        case "product":
            return left * draw(formulas(names, depth - 1))
    return left + number
