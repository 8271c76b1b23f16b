"""Sizes scaled by a factor as frameworks do it: in IEEE doubles, rounding included."""

from __future__ import annotations

import struct
from typing import Any

from shapesolver.arithmetic.atoms import Scaled
from shapesolver.arithmetic.formula import Formula

_EXACT_PRODUCTS = 2**20
"""Factors ``p/q`` with ``p, q`` up to this multiply sizes up to 2**33 without rounding in a double."""


def scaled(size: Any, factor: float) -> Any:
    """``floor(size * factor)`` in IEEE double arithmetic, as PyTorch and ONNX compute resized sizes.

    A factor such as 0.7 is not the decimal: ``scaled(350, 0.7) == 244``.
    """
    if isinstance(size, int):
        return scaled_int(size, factor)
    if not isinstance(size, Formula):
        import numpy

        return numpy.floor(size.astype(numpy.float64) * factor).astype(numpy.int64)
    numerator, denominator = float(factor).as_integer_ratio()
    if max(abs(numerator), denominator) <= _EXACT_PRODUCTS:
        return size * numerator // denominator
    return Formula.of(Scaled(size, factor))


def scaled_int(size: int, factor: float) -> int:
    """``floor(size * factor)`` of one number in IEEE double arithmetic."""
    return int(float(size) * factor // 1)


def as_float32(value: float) -> float:
    """The nearest single-precision number, which is what ONNX stores for a scale."""
    return float(struct.unpack("f", struct.pack("f", value))[0])
