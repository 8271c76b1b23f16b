"""Exporters' arithmetic, one number at a time: Python's numbers, sizes in symbols, and sizes scaled in floating point.

Every function raises :class:`Unfolded` where the result is not known.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim, Formula, compare, divide_exactly, maximum, minimum, scaled
from shapesolver.exchange.onnx.arrays import Unfolded

MAX_TEXT = 2000
"""The longest formula that is computed with; a longer one counts as not known."""

MAX_FACTORS = 32
"""The most factors of a product that is computed with."""

INT64 = 2**63
"""The least number that is none of ONNX' sizes."""


class Real(NamedTuple):
    """``factor * numerator/denominator``: a size that an exporter scales in floating point."""

    numerator: Dim
    denominator: Dim = 1
    factor: float = 1.0

    def floor(self) -> Dim:
        """The greatest whole number below it."""
        if self.factor == 1:
            exact = divide_exactly(self.numerator, self.denominator)
            return self.numerator // self.denominator if exact is None else exact
        if self.denominator != 1:
            raise Unfolded
        floor: Dim = scaled(self.numerator, self.factor)
        return floor


def checked(value: Any) -> Any:
    """The number, if it is one that a size can be made of."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -INT64 <= value < INT64:
        raise Unfolded
    if isinstance(value, Formula) and len(str(value)) > MAX_TEXT:
        raise Unfolded
    return value


def _real(value: Any) -> Real:
    return value if isinstance(value, Real) else Real(value)


def _multiply(a: Any, b: Any) -> Any:
    if not isinstance(a, (Formula, Real)):
        a, b = b, a
    if isinstance(a, (Formula, Real)) and not (isinstance(a, Formula) and isinstance(b, (int, Formula))):
        left = _real(a)
        if isinstance(b, float):
            if b.is_integer():
                return left._replace(numerator=left.numerator * int(b))
            return left._replace(factor=left.factor * b)
        right = _real(b)
        return Real(left.numerator * right.numerator, left.denominator * right.denominator, left.factor * right.factor)
    if isinstance(a, Formula) and isinstance(b, Formula) and _factors(a) + _factors(b) > MAX_FACTORS:
        raise Unfolded
    return a * b


def _factors(formula: Formula) -> int:
    return max((len(monomial) for monomial, _ in formula.terms), default=0)


def division(floating: bool) -> Callable[[Any, Any], Any]:
    """``Div``: towards zero for whole numbers, exact for numbers with fractions."""

    def divide(a: Any, b: Any) -> Any:
        if b == 0:
            raise Unfolded
        if not isinstance(a, (Formula, Real)) and not isinstance(b, (Formula, Real)):
            return a / b if floating else int(a / b) if abs(a) < 2**52 else a // b
        if not floating:
            exact = divide_exactly(a, b)
            return a // b if exact is None else exact
        left = _real(int(a) if isinstance(a, float) and a.is_integer() else a)
        if isinstance(b, float) and not b.is_integer():
            return left._replace(factor=left.factor / b)
        right = _real(int(b) if isinstance(b, float) else b)
        return Real(left.numerator * right.denominator, left.denominator * right.numerator, left.factor / right.factor)

    return divide


def _sum(sign: int) -> Callable[[Any, Any], Any]:
    def add(a: Any, b: Any) -> Any:
        if isinstance(a, Real) or isinstance(b, Real):
            a, b = (v.floor() if isinstance(v, Real) and v.factor == v.denominator == 1 else v for v in (a, b))
        if any(isinstance(v, Real) or (isinstance(v, float) and not v.is_integer()) for v in (a, b)) and (
            isinstance(a, (Formula, Real)) or isinstance(b, (Formula, Real))
        ):
            raise Unfolded
        if isinstance(a, Formula) or isinstance(b, Formula):
            return (
                int(a) + sign * b
                if not isinstance(a, Formula)
                else a + sign * (b if isinstance(b, Formula) else int(b))
            )
        return a + sign * b

    return add


def _floor(value: Any) -> Any:
    if isinstance(value, Real):
        return value.floor()
    return value if isinstance(value, Formula) else math.floor(value) if math.isfinite(value) else value


def _ceil(value: Any) -> Any:
    if isinstance(value, Real):
        return -Real(-value.numerator, value.denominator, value.factor).floor() if value.factor == 1 else _unknown()
    return value if isinstance(value, Formula) else math.ceil(value) if math.isfinite(value) else value


def _unknown() -> Any:
    raise Unfolded


def to_integer(value: Any) -> Any:
    """``Cast`` to a whole number."""
    if isinstance(value, (Real, Formula)):
        return _floor(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Unfolded
    return int(value)


def to_float(value: Any) -> Any:
    """``Cast`` to a number with fractions; a size stays exact."""
    return value if isinstance(value, (Real, Formula)) else float(value)


def _negative(value: Any) -> Any:
    return Real(-value.numerator, value.denominator, value.factor) if isinstance(value, Real) else -value


def _compared(relation: str, plain: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def decide(a: Any, b: Any) -> bool:
        if isinstance(a, Real) or isinstance(b, Real):
            raise Unfolded
        if not isinstance(a, Formula) and not isinstance(b, Formula):
            return bool(plain(a, b))
        truth = compare(relation, a, b)
        if not isinstance(truth, bool):
            raise Unfolded
        return truth

    return decide


def _extreme(symbolic: Callable[[Any, Any], Any], plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def choose(a: Any, b: Any) -> Any:
        if isinstance(a, Real) or isinstance(b, Real):
            raise Unfolded
        return symbolic(a, b) if isinstance(a, Formula) or isinstance(b, Formula) else plain(a, b)

    return choose


def _remainder(a: Any, b: Any) -> Any:
    return _unknown() if b == 0 or isinstance(a, Real) or isinstance(b, Real) else a % b


def _sqrt(value: Any) -> Any:
    return math.sqrt(value) if isinstance(value, (int, float)) and value >= 0 else _unknown()


def _power(a: Any, b: Any) -> Any:
    small = isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(b) <= 64 and (a > 0 or b >= 0)
    return a**b if small else _unknown()


BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": _sum(1),
    "Sub": _sum(-1),
    "Mul": _multiply,
    "Mod": _remainder,
    "Pow": _power,
    "Max": _extreme(maximum, max),
    "Min": _extreme(minimum, min),
    "Equal": _compared("==", operator.eq),
    "Less": _compared("<", operator.lt),
    "Greater": _compared(">", operator.gt),
    "LessOrEqual": _compared("<=", operator.le),
    "GreaterOrEqual": _compared(">=", operator.ge),
    "And": lambda a, b: bool(a and b),
    "Or": lambda a, b: bool(a or b),
}

UNARY: Mapping[str, Callable[[Any], Any]] = {
    "Floor": _floor,
    "Ceil": _ceil,
    "Neg": _negative,
    "Not": operator.not_,
    "Sqrt": _sqrt,
    "Identity": lambda value: value,
    "Abs": lambda value: value if isinstance(value, Formula) else abs(value),
    "Reciprocal": lambda value: division(True)(1, value),
}
