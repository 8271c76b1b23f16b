"""How long numbers and formulas may grow: a few lines that square each other's results fill any memory."""

from __future__ import annotations

from shapesolver.arithmetic.atoms import length
from shapesolver.arithmetic.formula import Dim

MAX_BITS = 4096
"""The longest number, in bits, that arithmetic may make."""
MAX_LENGTH = 2000
"""The longest formula that arithmetic may make: its symbols, divisions and extremes, as often as they are written."""


def excess(item: Dim) -> str:
    """By what a dimension is beyond the limits, in words; mostly nothing."""
    if isinstance(item, int):
        return f"more than {MAX_BITS} bits" if item.bit_length() > MAX_BITS else ""
    return f"more than {MAX_LENGTH} symbols and divisions" if length(item) > MAX_LENGTH else ""
