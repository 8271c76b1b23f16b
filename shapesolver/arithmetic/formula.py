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

from collections.abc import Mapping
from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING, Literal

from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Monomial, Symbol, Term
from shapesolver.arithmetic.writing import write

if TYPE_CHECKING:
    import sympy

    from shapesolver.arithmetic.chains import Remainder

Bounds = tuple[int | None, int | None]
"""The least and greatest value that a formula can take; ``None`` is no bound."""


class Formula:
    """A polynomial over atoms: ``sum(coefficient * monomial) + constant``. Immutable, hashable, picklable.

    It never stands for a plain number: the operators return an ``int`` where nothing symbolic is left.
    """

    __slots__ = ("_bounds", "_canonical", "_hash", "_remainder", "_symbols", "_text", "constant", "terms")

    terms: tuple[Term, ...]
    constant: int
    _hash: int | None
    _text: str | None
    _bounds: Bounds | None
    _canonical: Dim | None
    _symbols: tuple[Symbol, ...] | None
    _remainder: Remainder | Literal[False] | None

    def __init__(self, terms: tuple[Term, ...], constant: int, symbols: tuple[Symbol, ...] | None = None) -> None:
        self.terms = terms
        self.constant = constant
        self._symbols = symbols
        # What has not been worked out yet; most formulas are steps on the way to others, and never are asked.
        self._bounds = self._canonical = self._hash = self._remainder = self._text = None

    @classmethod
    def of(cls, atom: Atom) -> Formula:
        """The formula that is just this atom."""
        return cls((((atom,), 1),), 0, (atom,) if isinstance(atom, Symbol) else None)

    def __reduce__(self) -> tuple[type[Formula], tuple[tuple[Term, ...], int]]:
        return Formula, (self.terms, self.constant)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.terms if len(self.terms) == 1 else frozenset(self.terms), self.constant))
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Formula):
            return NotImplemented
        if self.constant != other.constant or len(self.terms) != len(other.terms):
            return False
        return self.terms == other.terms or (len(self.terms) > 1 and frozenset(self.terms) == frozenset(other.terms))

    def __str__(self) -> str:
        if self._text is None:
            self._text = write(self.terms, self.constant)
        return self._text

    def __repr__(self) -> str:
        return f"<{self}>"

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return Formula(self.terms, self.constant + other, self._symbols) if other else self
        return self._plus(other, 1) if isinstance(other, Formula) else NotImplemented

    __radd__ = __add__

    def _plus(self, other: Formula, sign: int) -> Dim:
        terms = dict(self.terms)
        for monomial, coefficient in other.terms:
            terms[monomial] = terms.get(monomial, 0) + sign * coefficient
        # Of several symbols one may cancel.
        alike = self._symbols is not None and self._symbols is other._symbols and len(self._symbols) == 1
        return collect(terms, self.constant + sign * other.constant, self._symbols if alike else None)

    def __neg__(self) -> Formula:
        return Formula(tuple([(m, -c) for m, c in self.terms]), -self.constant, self._symbols)

    def __sub__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            return Formula(self.terms, self.constant - other, self._symbols) if other else self
        return self._plus(other, -1) if isinstance(other, Formula) else NotImplemented

    def __rsub__(self, other: int) -> Dim:
        return -self + other if isinstance(other, int) else NotImplemented

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, int):
            if other in (0, 1):
                return self if other else 0
            return Formula(tuple([(m, c * other) for m, c in self.terms]), self.constant * other, self._symbols)
        if not isinstance(other, Formula):
            return NotImplemented
        left, a = _as_factor(self)
        right, b = _as_factor(other)
        return Formula(((tuple(sorted(left + right)), a * b),), 0)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Dim:
        if not isinstance(exponent, int) or exponent < 0:
            return NotImplemented
        product: Dim = 1
        for _ in range(exponent):
            product = self * product
        return product

    def __floordiv__(self, other: Dim) -> Dim:
        if isinstance(other, Formula):
            return _floor_by_formula(self, other)
        if not isinstance(other, int):
            return NotImplemented
        if other > 1:
            return floor_by_number(self, other)
        if other == 0:
            raise ZeroDivisionError(f"{self} by 0")
        return self if other == 1 else -self // -other

    def __rfloordiv__(self, other: int) -> Dim:
        return _floor_by_formula(other, self) if isinstance(other, int) else NotImplemented

    def __mod__(self, other: Dim) -> Dim:
        return self - other * (self // other) if isinstance(other, (int, Formula)) else NotImplemented

    def __rmod__(self, other: int) -> Dim:
        return other - self * (other // self) if isinstance(other, int) else NotImplemented

    def _sympy_(self) -> sympy.Expr:
        """What ``sympy.sympify`` makes of it: the public form."""
        from shapesolver.arithmetic.to_sympy import to_sympy

        return to_sympy(self)


Dim = int | Formula
"""A size: a number, or a formula in the sizes of the inputs."""


def symbol(name: str, least: int = 1) -> Formula:
    """An unknown size, ``least`` or more."""
    return Formula.of(Symbol(name, least))


def collect(terms: Mapping[Monomial, int], constant: int, symbols: tuple[Symbol, ...] | None = None) -> Dim:
    """The dimension with these terms, zero ones dropped."""
    kept = tuple([term for term in terms.items() if term[1] and term[0]])
    return Formula(kept, constant, symbols) if kept else constant


def _as_factor(formula: Formula) -> Term:
    """The formula as one monomial with a coefficient, a sum becoming a group."""
    if not formula.constant and len(formula.terms) == 1:
        return formula.terms[0]
    content = gcd(formula.constant, *(c for _, c in formula.terms))
    inner = _exact(formula, content)
    return (Group(inner),), content


def expanded_product(left: Dim, right: Dim) -> Dim:
    """The product multiplied out, for :func:`canonical` and exact division."""
    if isinstance(left, int) or isinstance(right, int):
        return left * right
    terms: dict[Monomial, int] = {}
    for one, a in (*left.terms, ((), left.constant)):
        for other, b in (*right.terms, ((), right.constant)):
            monomial = tuple(sorted(one + other)) if one and other else one or other
            terms[monomial] = terms.get(monomial, 0) + a * b
    return collect(terms, terms.pop((), 0))


@lru_cache(maxsize=2**14)
def floor_by_number(numerator: Formula, denominator: int) -> Dim:
    """The quotient by a number of 2 or more. Remembered: a network divides the same sizes over and over."""
    whole = {monomial: c // denominator for monomial, c in numerator.terms if not c % denominator}
    if not whole:
        return _floor_of_rest(numerator, denominator)
    rest = tuple([term for term in numerator.terms if term[1] % denominator])
    if not rest:
        return collect(whole, numerator.constant // denominator)
    return collect(whole, 0) + _floor_of_rest(Formula(rest, numerator.constant), denominator)


def _floor_of_rest(rest: Formula, denominator: int) -> Dim:
    """``rest//denominator`` where no coefficient is a multiple of the denominator."""
    factor = denominator
    for _, coefficient in rest.terms:
        factor = gcd(factor, coefficient)
    if factor > 1:
        rest, denominator = _exact(rest, factor), denominator // factor
    floor = _sole(rest.terms)
    if isinstance(floor, Floor) and isinstance(d := floor.denominator, int):
        outside, inside = divmod(rest.constant, denominator)
        return (floor.numerator + d * inside) // (d * denominator) + outside
    # A constant that is a multiple goes outside; any other stays where people write it: (H - 7)//6.
    outside = 0
    if rest.constant and rest.constant % denominator == 0:
        outside, rest = rest.constant // denominator, Formula(rest.terms, 0, rest._symbols)
    return Formula((((Floor(rest, denominator),), 1),), outside, rest._symbols)


def _floor_by_formula(numerator: Dim, denominator: Formula) -> Dim:
    quotient = divide_exactly(numerator, denominator)
    return Formula.of(Floor(numerator, denominator)) if quotient is None else quotient


def _exact(formula: Formula, factor: int) -> Formula:
    """The formula by a factor of every coefficient, the constant rounded down."""
    return Formula(tuple((m, c // factor) for m, c in formula.terms), formula.constant // factor)


def divide_exactly(numerator: Dim, denominator: Dim) -> Dim | None:
    """The quotient of two polynomials, or ``None`` where the division leaves a remainder.

    ``None`` does not say that no size divides: ``H*W`` over 64 is a matter of the sizes.
    """
    if numerator == 0 or denominator == 0:
        return None if denominator == 0 else 0
    if isinstance(numerator, int):
        whole = isinstance(denominator, int) and numerator % denominator == 0
        return numerator // denominator if whole else None
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
    return collect(terms, terms.pop((), 0))


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
    remainder: Dim = numerator
    quotient: Dim = 0
    while isinstance(remainder, Formula):
        monomial, coefficient = max(remainder.terms, key=_degree)
        left = _without(monomial, lead)
        if left is None or coefficient % factor:
            return None
        step = collect({left: coefficient // factor}, 0) if left else coefficient // factor
        quotient, remainder = step + quotient, remainder - expanded_product(step, denominator)
    return quotient if remainder == 0 else None


def _degree(term: Term) -> tuple[int, Monomial]:
    return len(term[0]), term[0]


def ceil_div(numerator: Dim, denominator: Dim) -> Dim:
    """``numerator/denominator`` rounded up, for a positive denominator."""
    return (numerator + denominator - 1) // denominator


def sole_atom(item: Dim) -> Atom | None:
    """The atom that this dimension is, if it is nothing else."""
    return None if isinstance(item, int) or item.constant else _sole(item.terms)


def _sole(terms: tuple[Term, ...]) -> Atom | None:
    """The atom that these terms are, if they are nothing else."""
    if len(terms) > 1 or terms[0][1] != 1 or len(terms[0][0]) > 1:
        return None
    return terms[0][0][0]


def extreme(items: tuple[Dim, ...], least: bool) -> Formula:
    """``min(items)`` or ``max(items)`` as they stand; use ``minimum`` and ``maximum`` to simplify."""
    ordered = tuple(sorted(items, key=lambda item: (isinstance(item, int), str(item))))
    return Formula.of(Extreme(least, ordered))


def canonical(item: Dim) -> Dim:
    """The same dimension with every floor's constant and coefficients reduced below its denominator.

    Two floors that are equal but written apart (``(H - 1)//2`` and ``(H + 1)//2 - 1``) become one, so sums of
    them cancel; products are multiplied out, terms sorted. The everyday form keeps the constants people know.
    """
    if isinstance(item, int):
        return item
    if item._canonical is None and all(len(monomial) == 1 and _is_reduced(monomial[0]) for monomial, _ in item.terms):
        item._canonical = _sorted(item)
    if item._canonical is None:
        result: Dim = item.constant
        for monomial, coefficient in item.terms:
            product: Dim = coefficient
            for atom in monomial:
                product = expanded_product(product, _canonical_atom(atom))
            result = result + product
        item._canonical = _sorted(result)
    return item._canonical


def _canonical_atom(atom: Atom) -> Dim:
    if isinstance(atom, Floor):
        numerator, d = canonical(atom.numerator), canonical(atom.denominator)
        if isinstance(d, int) and isinstance(numerator, Formula):
            whole = collect({m: c // d for m, c in numerator.terms}, numerator.constant // d)
            rest = collect({m: c % d for m, c in numerator.terms}, numerator.constant % d)
            return whole + _sorted(rest) // d
        return numerator // d
    if isinstance(atom, Extreme):
        return extreme(tuple(map(canonical, atom.items)), atom.least)
    if isinstance(atom, Group):
        return canonical(atom.inner)
    return Formula.of(atom)


def _is_reduced(atom: Atom) -> bool:
    """Whether it is a symbol, or ``(a*x + c)//d`` of one with ``a`` and ``c`` below ``d``: nothing is left to do."""
    if not isinstance(atom, Floor):
        return isinstance(atom, Symbol)
    numerator, d = atom.numerator, atom.denominator
    if not isinstance(d, int) or not isinstance(numerator, Formula) or len(numerator.terms) > 1:
        return False
    ((monomial, coefficient),) = numerator.terms
    plain = len(monomial) == 1 and isinstance(monomial[0], Symbol)
    return plain and 0 < coefficient < d and 0 <= numerator.constant < d


def _sorted(item: Dim) -> Dim:
    if isinstance(item, int) or len(item.terms) == 1:
        return item
    terms = tuple(sorted(item.terms))
    return item if terms == item.terms else Formula(terms, item.constant)
