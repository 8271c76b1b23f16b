"""Conditions on sizes: comparisons, divisibility and their combinations.

The functions decide what arithmetic alone can decide and return ``True`` or ``False``; what depends on the
sizes stays a :class:`Condition`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any

from shapesolver.arithmetic.analysis import bounds, meet
from shapesolver.arithmetic.analysis import symbols as symbols_of
from shapesolver.arithmetic.atoms import Floor, Symbol
from shapesolver.arithmetic.chains import as_remainder, is_chain
from shapesolver.arithmetic.formula import Bounds, Dim, Formula, canonical, divide_exactly
from shapesolver.arithmetic.substitution import substitute
from shapesolver.arithmetic.writing import operand

OPERATORS: Mapping[str, Callable[[Any, Any], Any]]
OPERATORS = {"==": eq, "!=": ne, "<=": le, "<": lt, ">=": ge, ">": gt}
NEGATED = {"==": "!=", "!=": "==", "<=": ">", ">": "<=", ">=": "<", "<": ">="}


class Condition:
    """Something that some sizes satisfy and others do not."""

    __slots__ = ()

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether it is true when every symbol has its value; raises ``KeyError`` for a missing one."""
        raise NotImplementedError

    def symbols(self) -> tuple[Symbol, ...]:
        """The symbols it depends on, sorted by name."""
        rows: list[tuple[Symbol, ...]] = []
        for dim in self.dims():
            if (row := symbols_of(dim)) and row not in rows:
                rows.append(row)
        return rows[0] if len(rows) == 1 else tuple(sorted({symbol for row in rows for symbol in row}))

    def dims(self) -> Iterable[Dim]:
        """Every dimension it mentions."""
        raise NotImplementedError

    def resolved(self, values: Mapping[str, Any]) -> Truth:
        """The condition at these values, for kinds that :func:`resolve` does not take apart."""
        return self


Truth = bool | Condition
"""What a comparison of two dimensions gives: decided, or a condition."""


@dataclass(slots=True, unsafe_hash=True)
class Comparison(Condition):
    """``left op right`` with one of ``== != <= < >= >``. Never changed once made."""

    op: str
    left: Dim
    right: Dim
    _gap: Dim | None = field(default=None, compare=False, repr=False)

    @property
    def gap(self) -> Dim:
        """``left - right``, which is compared with 0."""
        if self._gap is None:
            self._gap = self.left - self.right
        return self._gap

    def holds(self, values: Mapping[str, int]) -> bool:
        """The operator applied to both values."""
        return bool(OPERATORS[self.op](substitute(self.left, values), substitute(self.right, values)))

    def symbols(self) -> tuple[Symbol, ...]:
        """Those of either side; most often one side has them all."""
        left, right = symbols_of(self.left), symbols_of(self.right)
        return left if left == right or not right else right if not left else tuple(sorted({*left, *right}))

    def dims(self) -> Iterable[Dim]:
        """The two sides."""
        return self.left, self.right

    def __str__(self) -> str:
        return f"{with_remainder(self.left)} {self.op} {with_remainder(self.right)}"


def with_remainder(dim: Dim) -> str:
    """A formula as text, ``x - d*(x//d)`` as the ``x % d`` that people write."""
    for monomial, coefficient in dim.terms if isinstance(dim, Formula) else ():
        floor = monomial[0]
        if len(monomial) > 1 or not isinstance(floor, Floor) or floor.denominator != -coefficient:
            continue
        if dim - coefficient * Formula.of(floor) == floor.numerator:
            return f"{operand(floor.numerator)} % {-coefficient}"
    return str(dim)


@dataclass(frozen=True, slots=True)
class Divides(Condition):
    """``dividend % divisor == 0``."""

    divisor: Dim
    dividend: Dim

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether the value divides; 0 divides nothing."""
        divisor = substitute(self.divisor, values)
        return bool(divisor != 0 and substitute(self.dividend, values) % divisor == 0)

    def dims(self) -> Iterable[Dim]:
        """The two sides of the division."""
        return self.divisor, self.dividend

    def __str__(self) -> str:
        text = str(self.dividend)
        bare = not any(sign in text for sign in (" ", "//", "-"))
        return f"{text if bare else f'({text})'} % {_as_divisor(self.divisor)} == 0"


def _as_divisor(dim: Dim) -> str:
    text = str(dim)
    return text if text.isidentifier() or text.isdigit() else f"({text})"


@dataclass(frozen=True, slots=True)
class Both(Condition):
    """All of the conditions."""

    items: tuple[Condition, ...]

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether every item is true."""
        return all(item.holds(values) for item in self.items)

    def dims(self) -> Iterable[Dim]:
        """Those of every item."""
        return (dim for item in self.items for dim in item.dims())

    def __str__(self) -> str:
        return " and ".join(f"({item})" if isinstance(item, Either) else str(item) for item in self.items)


@dataclass(frozen=True, slots=True)
class Either(Condition):
    """At least one of the conditions."""

    items: tuple[Condition, ...]

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether some item is true."""
        return any(item.holds(values) for item in self.items)

    def dims(self) -> Iterable[Dim]:
        """Those of every item."""
        return (dim for item in self.items for dim in item.dims())

    def __str__(self) -> str:
        return " or ".join(map(str, self.items))


@dataclass(frozen=True, slots=True)
class Negation(Condition):
    """Not the condition."""

    item: Condition

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether the item is false."""
        return not self.item.holds(values)

    def dims(self) -> Iterable[Dim]:
        """Those of the item."""
        return self.item.dims()

    def __str__(self) -> str:
        return f"not {self.item}" if isinstance(self.item, (Comparison, Divides)) else f"not ({self.item})"


def compare(op: str, left: Dim, right: Dim) -> Truth:
    """``left op right``, decided where bounds or the normal form decide it."""
    if isinstance(left, int) and isinstance(right, int):
        return bool(OPERATORS[op](left, right))
    gap = left - right
    decided = _decided(op, *_gap_bounds(gap))
    return Comparison(op, left, right, gap) if decided is None else decided


def _gap_bounds(gap: Dim) -> Bounds:
    """The tightest bounds of a difference; the normal form has nothing to add to those of a chain or a remainder.

    Multiplied out its terms may cancel, and as it stands its factors have bounds.
    """
    if isinstance(gap, int):
        return gap, gap
    remainder = as_remainder(gap)
    if remainder is not None:
        return remainder.bounds()
    multiplied = gap if is_chain(gap) else canonical(gap)
    return bounds(gap) if multiplied is gap else meet(bounds(multiplied), bounds(gap))


def _decided(op: str, low: int | None, high: int | None) -> bool | None:
    """Whether every number, or no number, of an interval compares so with 0; ``None`` for some."""
    match op:
        case "==":
            every, none = low == high == 0, (low is not None and low > 0) or (high is not None and high < 0)
        case "<=":
            every, none = high is not None and high <= 0, low is not None and low > 0
        case "<":
            every, none = high is not None and high < 0, low is not None and low >= 0
        case _:
            opposite = _decided(NEGATED[op], low, high)
            return None if opposite is None else not opposite
    return every if every or none else None


def divides(divisor: Dim, dividend: Dim) -> Truth:
    """Whether the dividend is a multiple of the divisor; nothing is a multiple of 0."""
    if isinstance(divisor, int) and isinstance(dividend, int):
        return divisor != 0 and dividend % divisor == 0
    if divide_exactly(dividend, divisor) is not None:
        return True
    return Divides(divisor, dividend)


def both(*items: Truth) -> Truth:
    """The conjunction, simplified."""
    return _combine(items, Both, neutral=True)


def either(*items: Truth) -> Truth:
    """The disjunction, simplified."""
    return _combine(items, Either, neutral=False)


def _combine(items: Iterable[Truth], kind: type[Both] | type[Either], neutral: bool) -> Truth:
    kept: dict[Condition, None] = {}
    for item in items:
        if isinstance(item, bool):
            if item is not neutral:
                return item
        elif isinstance(item, kind):
            kept.update(dict.fromkeys(item.items))
        else:
            kept[item] = None
    if len(kept) <= 1:
        return next(iter(kept), neutral)
    return kind(tuple(kept))


def negate(item: Truth) -> Truth:
    """The opposite, simplified."""
    match item:
        case bool():
            return not item
        case Comparison(op, left, right, gap):
            return Comparison(NEGATED[op], left, right, gap)
        case Negation(inner):
            return inner
        case Both(items):
            return either(*map(negate, items))
        case Either(items):
            return both(*map(negate, items))
    return Negation(item)


def holds(truth: Truth, values: Mapping[str, int]) -> bool:
    """Whether a truth, decided or not, is true at these sizes."""
    return truth if isinstance(truth, bool) else truth.holds(values)


def resolve(truth: Truth, values: Mapping[str, Any]) -> Truth:
    """The condition with symbols replaced by integers or formulas, decided again where that is enough."""
    match truth:
        case Comparison(op, left, right):
            return compare(op, substitute(left, values), substitute(right, values))
        case Divides(divisor, dividend):
            return divides(substitute(divisor, values), substitute(dividend, values))
        case Both(items):
            return both(*(resolve(item, values) for item in items))
        case Either(items):
            return either(*(resolve(item, values) for item in items))
        case Negation(item):
            return negate(resolve(item, values))
        case Condition():
            return truth.resolved(values)
    return truth


def evaluate(truth: Truth, values: Mapping[str, Any]) -> Any:
    """The truth at integers or numpy arrays of them: a bool, or an array of bools."""
    match truth:
        case Comparison(op, left, right):
            return OPERATORS[op](substitute(left, values), substitute(right, values))
        case Divides(divisor, dividend):
            return substitute(dividend, values) % substitute(divisor, values) == 0
        case Both(items):
            return reduce(and_, (evaluate(item, values) for item in items))
        case Either(items):
            return reduce(or_, (evaluate(item, values) for item in items))
        case Negation(item):
            return evaluate(item, values) ^ True
    return truth
