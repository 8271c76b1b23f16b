"""Types of numbers, and how many bytes they take."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from shapesolver.arithmetic import Dim, ceil_div
from shapesolver.diagnostics import ShapeSolverError

BITS = {
    "float64": 64,
    "float32": 32,
    "float16": 16,
    "bfloat16": 16,
    "float8": 8,
    "int64": 64,
    "int32": 32,
    "int16": 16,
    "int8": 8,
    "uint8": 8,
    "int4": 4,
}
"""The types of numbers that memory can be counted in."""


class Numbers(NamedTuple):
    """A type of numbers."""

    name: str
    bits: int

    @classmethod
    def named(cls, name: str) -> Numbers:
        """The type of this name; raises :class:`ShapeSolverError` for an unknown one."""
        if name not in BITS:
            close = difflib.get_close_matches(name, BITS, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(BITS)}"
            raise ShapeSolverError(f"no type of numbers is called {name!r}{hint}")
        return cls(name, BITS[name])

    def bytes(self, count: Dim) -> Dim:
        """How many bytes so many numbers take."""
        if self.bits % 8 == 0:
            return count * (self.bits // 8)
        return ceil_div(count * self.bits, 8)
