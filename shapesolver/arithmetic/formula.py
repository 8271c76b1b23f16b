"""Integer formulas with floor division, kept in normal form.

A *dimension* is an ``int`` or a :class:`Formula`. A formula is a polynomial with integer coefficients over
*atoms*: symbols (``H``), floors (``(H - 7)//6``), extremes (``min(H, W)``), sums in parentheses and sizes
scaled in floating point.
The operators ``+ - * // % **`` build it and keep it normal, so a size law is written once, in plain Python,
and serves integers, formulas and numpy arrays alike.

The laws of the normal form, for integers ``x``, ``c`` and ``a, b, d, m >= 1``:

====================  ================================  =======================================
nested floors         ``(x//a + c)//b``                 ``(x + a*c)//(a*b)``
common factor         ``(m*x + c)//(m*b)``              ``(x + c//m)//b``
whole part            ``(b*y + x)//b``                  ``y + x//b``
====================  ================================  =======================================

They are theorems of integer arithmetic (Graham, Knuth, Patashnik, *Concrete Mathematics*, section 3.2); the
law tests compare them with brute force.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    import sympy

Bounds = tuple[int | None, int | None]
"""The least and greatest value that a formula can take; ``None`` is no bound."""


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """What a formula is built from, besides integers; compared by what it says."""

    text: str
    """The atom as people write it; two atoms with the same text are the same."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __lt__(self, other: Atom) -> bool:
        return self.text < other.text

    def bounds(self) -> Bounds:
        """The least and greatest value over all positive sizes."""
        raise NotImplementedError

    def substitute(self, values: Mapping[str, Any]) -> Any:
        """The atom with symbols replaced by integers, formulas or arrays."""
        raise NotImplementedError

    def parts(self) -> tuple[Dim, ...]:
        """The dimensions inside the atom."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Symbol(Atom):
    """An unknown integer that is ``least`` or more (sizes are positive, paddings may be zero)."""

    least: int = 1

    def bounds(self) -> Bounds:
        return self.least, None

    def substitute(self, values: Mapping[str, Any]) -> Any:
        found = values.get(self.text)
        return Formula.of(self) if found is None else found


@dataclass(frozen=True, slots=True, eq=False)
class Floor(Atom):
    """``numerator//denominator``, rounded towards minus infinity."""

    numerator: Dim
    denominator: Dim

    def bounds(self) -> Bounds:
        lo, hi = bounds(self.numerator)
        if isinstance(self.denominator, int):
            d = self.denominator
            return None if lo is None else lo // d, None if hi is None else hi // d
        positive = bounds(self.denominator)[0]
        if lo is not None and lo >= 0 and positive is not None and positive > 0:
            return 0, None if hi is None else hi // positive
        return None, None

    def substitute(self, values: Mapping[str, Any]) -> Any:
        return substitute(self.numerator, values) // substitute(self.denominator, values)

    def parts(self) -> tuple[Dim, ...]:
        return self.numerator, self.denominator


@dataclass(frozen=True, slots=True, eq=False)
class Extreme(Atom):
    """``min(...)`` or ``max(...)`` of two or more dimensions."""

    least: bool
    items: tuple[Dim, ...]

    def bounds(self) -> Bounds:
        lows, highs = zip(*(bounds(item) for item in self.items), strict=True)
        pick: Callable[..., int] = min if self.least else max
        # An absent bound wins where it is the extreme and drops out where it is not.
        known_lows = [low for low in lows if low is not None]
        known_highs = [high for high in highs if high is not None]
        low = None if len(known_lows) < len(lows) and (self.least or not known_lows) else pick(known_lows)
        high = None if len(known_highs) < len(highs) and not (self.least and known_highs) else pick(known_highs)
        return low, high

    def substitute(self, values: Mapping[str, Any]) -> Any:
        pick = minimum if self.least else maximum
        return pick(*(substitute(item, values) for item in self.items))

    def parts(self) -> tuple[Dim, ...]:
        return self.items


@dataclass(frozen=True, slots=True, eq=False)
class Group(Atom):
    """A sum in parentheses, as a factor of a product: ``64*(H - 2)*(W - 2)`` stays as people write it."""

    inner: Formula

    def bounds(self) -> Bounds:
        return bounds(self.inner)

    def substitute(self, values: Mapping[str, Any]) -> Any:
        return substitute(self.inner, values)

    def parts(self) -> tuple[Dim, ...]:
        return (self.inner,)


@dataclass(frozen=True, slots=True, eq=False)
class Scaled(Atom):
    """``floor(size * factor)`` as a computer rounds it: the product is an IEEE double before it is floored."""

    size: Dim
    factor: float

    def bounds(self) -> Bounds:
        low, high = bounds(self.size)
        return (
            None if low is None else scaled_int(low, self.factor),
            None if high is None else scaled_int(high, self.factor),
        )

    def substitute(self, values: Mapping[str, Any]) -> Any:
        return scaled(substitute(self.size, values), self.factor)

    def parts(self) -> tuple[Dim, ...]:
        return (self.size,)


Monomial = tuple[Atom, ...]
Term = tuple[Monomial, int]


class Formula:
    """A polynomial over atoms: ``sum(coefficient * monomial) + constant``. Immutable, hashable, picklable.

    It never stands for a plain number: the operators return an ``int`` where nothing symbolic is left.
    """

    __slots__ = ("_bounds", "_canonical", "_hash", "_text", "constant", "terms")

    terms: tuple[Term, ...]
    constant: int

    def __init__(self, terms: tuple[Term, ...], constant: int) -> None:
        self.terms = terms
        self.constant = constant
        self._hash = hash((terms, constant))
        self._text: str | None = None
        self._bounds: Bounds | None = None
        self._canonical: Dim | None = None

    @classmethod
    def of(cls, atom: Atom) -> Formula:
        """The formula that is just this atom."""
        return cls((((atom,), 1),), 0)

    def __reduce__(self) -> tuple[type[Formula], tuple[tuple[Term, ...], int]]:
        return Formula, (self.terms, self.constant)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Formula):
            return NotImplemented
        return self._hash == other._hash and self.constant == other.constant and self.terms == other.terms

    def __str__(self) -> str:
        if self._text is None:
            self._text = _write(self)
        return self._text

    def __repr__(self) -> str:
        return f"<{self}>"

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return Formula(self.terms, self.constant + other) if other else self
        if not isinstance(other, Formula):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, coefficient in other.terms:
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _collect(terms, self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Formula:
        return Formula(tuple((m, -c) for m, c in self.terms), -self.constant)

    def __sub__(self, other: Dim) -> Dim:
        return self + -other if isinstance(other, (int, Formula)) else NotImplemented

    def __rsub__(self, other: int) -> Dim:
        return -self + other if isinstance(other, int) else NotImplemented

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            if other == 0:
                return 0
            return self if other == 1 else Formula(
                tuple((m, c * other) for m, c in self.terms), self.constant * other
            )
        if not isinstance(other, Formula):
            return NotImplemented
        left, a = _as_factor(self)
        right, b = _as_factor(other)
        return Formula(((tuple(sorted(left + right)), a * b),), 0)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Dim:
        if not isinstance(exponent, int) or exponent < 0:
            return NotImplemented
        return reduce(lambda product, _: self * product, range(exponent), 1)

    def __floordiv__(self, other: Dim) -> Dim:
        return floor_div(self, other) if isinstance(other, (int, Formula)) else NotImplemented

    def __rfloordiv__(self, other: int) -> Dim:
        return floor_div(other, self) if isinstance(other, int) else NotImplemented

    def __mod__(self, other: Dim) -> Dim:
        return self - other * (self // other) if isinstance(other, (int, Formula)) else NotImplemented

    def __rmod__(self, other: int) -> Dim:
        return other - self * (other // self) if isinstance(other, int) else NotImplemented

    def _sympy_(self) -> sympy.Expr:
        """What ``sympy.sympify`` makes of it: the public form."""
        from shapesolver.arithmetic.to_sympy import to_sympy

        return to_sympy(self)


Dim = Union[int, Formula]
"""A size: a number, or a formula in the sizes of the inputs."""


def symbol(name: str, least: int = 1) -> Formula:
    """An unknown size, ``least`` or more."""
    return Formula.of(Symbol(name, least))


def _collect(terms: Mapping[Monomial, int], constant: int) -> Dim:
    """The dimension with these terms, zero ones dropped."""
    kept = tuple((m, c) for m, c in terms.items() if c and m)
    return Formula(kept, constant) if kept else constant


def _as_factor(formula: Formula) -> Term:
    """The formula as one monomial with a coefficient, a sum becoming a group."""
    if not formula.constant and len(formula.terms) == 1:
        return formula.terms[0]
    content = gcd(formula.constant, *(c for _, c in formula.terms))
    inner = _exact(formula, content)
    return (Group(f"({inner})", inner),), content


def expanded_product(left: Dim, right: Dim) -> Dim:
    """The product multiplied out, for :func:`canonical` and exact division."""
    if isinstance(left, int) or isinstance(right, int):
        return left * right
    terms: dict[Monomial, int] = {}
    for one, a in (*left.terms, ((), left.constant)):
        for other, b in (*right.terms, ((), right.constant)):
            monomial = tuple(sorted(one + other)) if one and other else one or other
            terms[monomial] = terms.get(monomial, 0) + a * b
    return _collect(terms, terms.pop((), 0))


def floor_div(numerator: Dim, denominator: Dim) -> Dim:
    """``numerator//denominator`` in normal form.

    Raises ``ZeroDivisionError`` for a denominator that is the number 0.
    """
    if isinstance(denominator, Formula):
        return _floor_by_formula(numerator, denominator)
    if isinstance(numerator, int):
        return numerator // denominator
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    if denominator == 1:
        return numerator
    whole: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in numerator.terms:
        quotient, remainder = divmod(coefficient, denominator)
        if remainder:
            rest[monomial] = coefficient
        else:
            whole[monomial] = quotient
    return _collect(whole, 0) + _floor_of_rest(rest, numerator.constant, denominator)


def _floor_of_rest(rest: dict[Monomial, int], constant: int, denominator: int) -> Dim:
    """``(rest + constant)//denominator`` where no coefficient of ``rest`` is a multiple of the denominator."""
    if not rest:
        return constant // denominator
    factor = gcd(denominator, *rest.values())
    if factor > 1:
        rest = {m: c // factor for m, c in rest.items()}
        constant //= factor
        denominator //= factor
    if len(rest) == 1:
        (monomial, coefficient), = rest.items()
        if coefficient == 1 and len(monomial) == 1 and isinstance(inner := monomial[0], Floor):
            if isinstance(inner.denominator, int):
                outside, inside = divmod(constant, denominator)
                merged = floor_div(inner.numerator + inner.denominator * inside, inner.denominator * denominator)
                return merged + outside
    # A constant that is a multiple goes outside; any other stays where people write it: (H - 7)//6.
    outside, constant = (constant // denominator, 0) if constant % denominator == 0 else (0, constant)
    return _floor_atom(Formula(tuple(rest.items()), constant), denominator) + outside


def _floor_by_formula(numerator: Dim, denominator: Formula) -> Dim:
    quotient = divide_exactly(numerator, denominator)
    return _floor_atom(numerator, denominator) if quotient is None else quotient


def _exact(formula: Formula, factor: int) -> Formula:
    return Formula(tuple((m, c // factor) for m, c in formula.terms), formula.constant // factor)


def divide_exactly(numerator: Dim, denominator: Dim) -> Dim | None:
    """The quotient of two polynomials, or ``None`` where the division leaves a remainder.

    ``None`` does not say that no size divides: ``H*W`` over 64 is a matter of the sizes.
    """
    if numerator == 0 or denominator == 0:
        return None if denominator == 0 else 0
    if isinstance(numerator, int):
        return numerator // denominator if isinstance(denominator, int) and numerator % denominator == 0 else None
    if isinstance(denominator, int):
        divides = all(c % denominator == 0 for c in (numerator.constant, *(c for _, c in numerator.terms)))
        return _exact(numerator, denominator) if divides else None
    quotient = _divide_terms(numerator, *_as_factor(denominator))
    return _long_division(canonical(numerator), canonical(denominator)) if quotient is None else quotient


def _divide_terms(numerator: Formula, divisor: Monomial, factor: int) -> Dim | None:
    """Every term divided by one monomial, as the factored form allows without multiplying out."""
    terms: dict[Monomial, int] = {}
    if numerator.constant:
        return None
    for monomial, coefficient in numerator.terms:
        quotient = _without(monomial, divisor)
        if quotient is None or coefficient % factor:
            return None
        terms[quotient] = coefficient // factor
    return _collect(terms, terms.pop((), 0))


def _without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    left = list(monomial)
    for atom in divisor:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def _long_division(numerator: Dim, denominator: Dim) -> Dim | None:
    """Division of polynomials, leading monomial by leading monomial."""
    if isinstance(denominator, int):
        return divide_exactly(numerator, denominator)
    lead, factor = max(denominator.terms, key=_degree)
    remainder, quotient = numerator, 0
    while isinstance(remainder, Formula):
        monomial, coefficient = max(remainder.terms, key=_degree)
        left = _without(monomial, lead)
        if left is None or coefficient % factor:
            return None
        step = _collect({left: coefficient // factor}, 0) if left else coefficient // factor
        quotient, remainder = step + quotient, remainder - expanded_product(step, denominator)
    return quotient if remainder == 0 else None


def _degree(term: Term) -> tuple[int, Monomial]:
    return len(term[0]), term[0]


def _floor_atom(numerator: Dim, denominator: Dim) -> Formula:
    text = f"{_operand(numerator)}//{_operand(denominator, right=True)}"
    return Formula.of(Floor(text, numerator, denominator))


def ceil_div(numerator: Dim, denominator: Dim) -> Dim:
    """``numerator/denominator`` rounded up, for a positive denominator."""
    return (numerator + denominator - 1) // denominator


def minimum(*items: Any) -> Any:
    """The least of integers, formulas or arrays; simplified where one is provably the least."""
    return _extreme(items, least=True)


def maximum(*items: Any) -> Any:
    """The greatest of integers, formulas or arrays; simplified where one is provably the greatest."""
    return _extreme(items, least=False)


def _extreme(items: tuple[Any, ...], least: bool) -> Any:
    if all(isinstance(item, int) for item in items):
        return min(items) if least else max(items)
    if not all(isinstance(item, (int, Formula)) for item in items):
        import numpy

        return reduce(numpy.minimum if least else numpy.maximum, items)
    flat: list[Dim] = []
    for item in items:
        inner = _sole_atom(item)
        same_kind = isinstance(inner, Extreme) and inner.least == least
        flat.extend(inner.items if isinstance(inner, Extreme) and same_kind else (item,))
    kept: list[Dim] = []
    for item in flat:
        if any(_beats(other, item, least) for other in kept):
            continue
        kept = [other for other in kept if not _beats(item, other, least)] + [item]
    if len(kept) == 1:
        return kept[0]
    kept.sort(key=lambda item: (isinstance(item, int), str(item)))
    text = f"{'min' if least else 'max'}({', '.join(map(str, kept))})"
    return Formula.of(Extreme(text, least, tuple(kept)))


def _beats(one: Dim, other: Dim, least: bool) -> bool:
    """Whether ``one`` is provably the extreme of the two."""
    low, high = (one, other) if least else (other, one)
    return provably_at_most(low, high)


def provably_at_most(low: Dim, high: Dim) -> bool:
    """Whether ``low <= high`` for all sizes, by bounds or by comparing two floors over one denominator."""
    least = bounds(canonical(high - low))[0]
    if least is not None and least >= 0:
        return True
    left, right = _as_one_floor(low), _as_one_floor(high)
    return left is not None and right is not None and left[:2] == right[:2] and left[2] <= right[2]


def _as_one_floor(item: Dim) -> tuple[tuple[Term, ...], int, int] | None:
    """``(x + a)//d + c`` as ``(x, d, a + d*c)``; ``x`` itself as a floor over 1."""
    if isinstance(item, int):
        return None
    atom = _sole_atom(item - item.constant)
    if isinstance(atom, Floor) and isinstance(atom.denominator, int) and isinstance(atom.numerator, Formula):
        offset = atom.numerator.constant + atom.denominator * item.constant
        return tuple(sorted(atom.numerator.terms)), atom.denominator, offset
    return tuple(sorted(item.terms)), 1, item.constant


def _sole_atom(item: Dim) -> Atom | None:
    """The atom that this dimension is, if it is nothing else."""
    if isinstance(item, int) or item.constant or len(item.terms) != 1:
        return None
    (monomial, coefficient), = item.terms
    return monomial[0] if coefficient == 1 and len(monomial) == 1 else None


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
    return Formula.of(Scaled(f"floor({_operand(size)}*{factor!r})", size, factor))


def scaled_int(size: int, factor: float) -> int:
    """``floor(size * factor)`` of one number in IEEE double arithmetic."""
    return int(float(size) * factor // 1)


def as_float32(value: float) -> float:
    """The nearest single-precision number, which is what ONNX stores for a scale."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def bounds(item: Dim) -> Bounds:
    """The least and greatest value over all admissible symbols, by interval arithmetic (never too narrow)."""
    if isinstance(item, int):
        return item, item
    if item._bounds is None:
        item._bounds = _bounds(item)
    return item._bounds


def _bounds(item: Formula) -> Bounds:
    low: int | None = item.constant
    high: int | None = item.constant
    for monomial, coefficient in item.terms:
        term_low, term_high = reduce(_product_bounds, (atom.bounds() for atom in monomial))
        if coefficient < 0:
            term_low, term_high = term_high, term_low
        low = None if low is None or term_low is None else low + coefficient * term_low
        high = None if high is None or term_high is None else high + coefficient * term_high
    return low, high


def _product_bounds(left: Bounds, right: Bounds) -> Bounds:
    if left[0] is not None and right[0] is not None and left[0] >= 0 and right[0] >= 0:
        high = None if left[1] is None or right[1] is None else left[1] * right[1]
        return left[0] * right[0], high
    if None in left or None in right:
        return None, None
    corners = [a * b for a in left for b in right if a is not None and b is not None]
    return min(corners), max(corners)


def canonical(item: Dim) -> Dim:
    """The same dimension with every floor's constant and coefficients reduced below its denominator.

    Two floors that are equal but written apart (``(H - 1)//2`` and ``(H + 1)//2 - 1``) become one, so sums of
    them cancel. The everyday form keeps the constants that people recognise.
    """
    if isinstance(item, int):
        return item
    if item._canonical is None:
        result: Dim = item.constant
        for monomial, coefficient in item.terms:
            factors = map(_canonical_atom, monomial)
            result = result + reduce(expanded_product, factors, coefficient)
        item._canonical = result
    return item._canonical


def _canonical_atom(atom: Atom) -> Dim:
    if isinstance(atom, Floor):
        numerator, d = canonical(atom.numerator), canonical(atom.denominator)
        if isinstance(d, int) and isinstance(numerator, Formula):
            whole = _collect({m: c // d for m, c in numerator.terms}, numerator.constant // d)
            rest = _collect({m: c % d for m, c in numerator.terms}, numerator.constant % d)
            rest = Formula(tuple(sorted(rest.terms)), rest.constant) if isinstance(rest, Formula) else rest
            return whole + rest // d
        return numerator // d
    if isinstance(atom, Extreme):
        pick = minimum if atom.least else maximum
        return pick(*map(canonical, atom.items))  # type: ignore[no-any-return]
    if isinstance(atom, Group):
        return canonical(atom.inner)
    return Formula.of(atom)


def substitute(item: Any, values: Mapping[str, Any]) -> Any:
    """The dimension with symbols replaced, by name, by integers, formulas or numpy arrays."""
    if not isinstance(item, Formula):
        return item
    result: Any = item.constant
    for monomial, coefficient in item.terms:
        product: Any = coefficient
        for atom in monomial:
            product = atom.substitute(values) * product
        result = product + result
    return result


def atoms(item: Dim) -> Iterable[Atom]:
    """Every atom of the dimension, nested ones included, each once."""
    seen: dict[Atom, None] = {}
    stack: list[Dim] = [item]
    while stack:
        current = stack.pop()
        if isinstance(current, Formula):
            for monomial, _ in current.terms:
                for atom in monomial:
                    if atom not in seen:
                        seen[atom] = None
                        stack.extend(atom.parts())
    return seen


def symbols(item: Dim) -> tuple[Symbol, ...]:
    """The symbols that the dimension depends on, sorted by name."""
    return tuple(sorted(atom for atom in atoms(item) if isinstance(atom, Symbol)))


def _write(formula: Formula) -> str:
    """As people write it: ``(H - 7)//6 - 1``, ``64*(H//4)*(W//4)``, ``3 - H``."""
    pieces = [(coefficient, _write_monomial(monomial, coefficient)) for monomial, coefficient in formula.terms]
    pieces.sort(key=lambda piece: piece[0] < 0)
    if formula.constant:
        constant = (formula.constant, str(abs(formula.constant)))
        leading = formula.constant > 0 and pieces[0][0] < 0
        pieces.insert(0 if leading else len(pieces), constant)
    first, *others = pieces
    text = _negated(first[1]) if first[0] < 0 else first[1]
    return text + "".join(f" {'-' if sign < 0 else '+'} {piece}" for sign, piece in others)


def _negated(piece: str) -> str:
    return f"-({piece})" if "//" in piece and not piece.endswith(")") else f"-{piece}"


def _write_monomial(monomial: Monomial, coefficient: int) -> str:
    alone = len(monomial) == 1 and abs(coefficient) == 1
    factors = [] if abs(coefficient) == 1 else [str(abs(coefficient))]
    for atom in dict.fromkeys(monomial):
        text = f"({atom.text})" if isinstance(atom, Floor) and not alone else atom.text
        power = monomial.count(atom)
        factors.append(text if power == 1 else f"{text}**{power}")
    return "*".join(factors)


def _operand(item: Dim, right: bool = False) -> str:
    """The dimension as an operand of ``//`` or ``*``: in parentheses unless it is a number, symbol or product."""
    text = str(item)
    bare = isinstance(item, int) and item >= 0
    if isinstance(item, Formula) and not item.constant and len(item.terms) == 1:
        (monomial, coefficient), = item.terms
        single = coefficient == 1 and len(monomial) == 1
        bare = coefficient > 0 and (single or not right) and not (single and isinstance(monomial[0], Floor))
    return text if bare else f"({text})"
