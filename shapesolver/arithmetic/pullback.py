"""Pull-back: which ``n`` give a wanted value of a formula. The inverse of a network, one size at a time.

A chain of single atoms, which is what most networks are, is turned around link by link:

======================  ==================================================
``lo <= c*x + k <= hi``   ``ceil((lo - k)/c) <= x <= (hi - k)//c`` for c > 0
``lo <= x//d <= hi``      ``d*lo <= x <= d*hi + d - 1``
======================  ==================================================

What is not a chain goes to the method that is exact for it: monotone formulas to bisection, extremes to a
case for each item, sums of floors to ``quasi``, products to ``polynomials``. What none of them can decide
raises :class:`Undecided`; nothing is ever left out of a set.
"""

from __future__ import annotations

from functools import lru_cache, reduce

from shapesolver.arithmetic.analysis import atoms, bounds, symbols
from shapesolver.arithmetic.atoms import Atom, Extreme, Floor, Group, Scaled, Symbol
from shapesolver.arithmetic.chains import Remainder, as_remainder, divided, outer_link
from shapesolver.arithmetic.formula import Dim, Formula, canonical, ceil_div, extreme
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.polynomials import first_true, solve_polynomial
from shapesolver.arithmetic.quasi import is_quasi_affine, solve_quasi_affine
from shapesolver.arithmetic.scaling import scaled
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.substitution import substitute

Limits = tuple[int | None, int | None]

__all__ = ["Undecided", "preimage", "preimage_of_set", "pull_back_interval"]


def preimage(formula: Dim, lo: int | None, hi: int | None, symbol: str | Symbol | Formula) -> IntSet:
    """``{n : lo <= f(n) <= hi}``, of all ``n`` that the symbol can be; ``None`` is no limit.

    Raises ``ValueError`` for a formula in another symbol, and :class:`Undecided` beyond the limits.
    """
    name, least = _named(formula, symbol)
    return pulled(formula, lo, hi, name, least) & IntSet.interval(least, None)


def pulled(formula: Dim, lo: int | None, hi: int | None, name: str, least: int) -> IntSet:
    """The same where it is right only for ``n >= least``, for callers who keep to these."""
    if lo is not None and hi is not None and lo > hi:
        return IntSet.nothing()
    try:
        return _pull(formula, lo, hi, name, least)
    except RecursionError:
        raise Undecided("a formula nests too deep to be turned around") from None


def preimage_of_set(formula: Dim, wanted: IntSet, symbol: str | Symbol | Formula) -> IntSet:
    """``{n : f(n) in wanted}``, of all ``n`` that the symbol can be. Raises like :func:`preimage`."""
    name, least = _named(formula, symbol)
    try:
        return _pull_set(formula, wanted, name, least) & IntSet.interval(least, None)
    except RecursionError:
        raise Undecided("a formula nests too deep to be turned around") from None


def _named(formula: Dim, symbol: str | Symbol | Formula) -> tuple[str, int]:
    name = symbol if isinstance(symbol, str) else symbol.text if isinstance(symbol, Symbol) else str(symbol)
    least = symbol.least if isinstance(symbol, Symbol) else 1
    for found in symbols(formula) or (symbols(symbol) if isinstance(symbol, Formula) else ()):
        if found.text != name:
            raise ValueError(f"{formula} depends on {found.text}; it is solved for {name} alone")
        least = found.least
    return name, least


def _pull(formula: Dim, lo: int | None, hi: int | None, name: str, least: int) -> IntSet:
    """The preimage, right for every ``n >= least``."""
    while link := outer_link(formula):
        atom, factor, offset = link
        lo, hi = _under_affine(lo, hi, factor, offset)
        if lo is not None and hi is not None and lo > hi:
            return IntSet.nothing()
        if isinstance(atom, Symbol):
            return IntSet.interval(lo, hi)
        inside = divided(atom)
        if inside is not None:
            # Law: x//d >= lo iff x >= d*lo, and x//d <= hi iff x <= d*hi + d - 1.
            formula, d = inside
            lo, hi = None if lo is None else lo * d, None if hi is None else hi * d + d - 1
        elif isinstance(atom, Extreme):
            return _pull_extreme(atom, lo, hi, name, least)
        else:
            formula = Formula.of(atom)
            break
    if isinstance(formula, int):
        wanted = (lo is None or lo <= formula) and (hi is None or formula <= hi)
        return IntSet.everything() if wanted else IntSet.nothing()
    remainder = as_remainder(formula)
    if remainder is not None:
        return _pull_remainder(remainder, lo, hi, name, least)
    return pull_sum(formula, lo, hi, name, least)


def _under_affine(lo: int | None, hi: int | None, factor: int, offset: int) -> tuple[int | None, int | None]:
    """The interval of ``x`` where ``lo <= factor*x + offset <= hi``."""
    if factor == 1:
        return None if lo is None else lo - offset, None if hi is None else hi - offset
    if factor < 0:
        lo, hi, factor, offset = None if hi is None else -hi, None if lo is None else -lo, -factor, -offset
    low = None if lo is None else -((offset - lo) // factor)
    return low, None if hi is None else (hi - offset) // factor


def _pull_extreme(atom: Extreme, lo: int | None, hi: int | None, name: str, least: int) -> IntSet:
    """Law: ``min(x, y) >= lo`` iff both are; ``min(x, y) <= hi`` iff one is; ``max`` the other way round."""
    low: Limits = (lo, None)
    high: Limits = (None, hi)
    every, some = (low, high) if atom.least else (high, low)
    found = IntSet.everything()
    if every != (None, None):
        found = reduce(IntSet.__and__, (_pull(item, *every, name, least) for item in atom.items))
    if some != (None, None):
        found &= reduce(IntSet.__or__, (_pull(item, *some, name, least) for item in atom.items))
    return found


@lru_cache(maxsize=2**12)
def pull_sum(formula: Formula, lo: int | None, hi: int | None, name: str, least: int) -> IntSet:
    """The preimage of what is no chain: the first method that is exact for it. Remembered."""
    found = _by_bisection(formula, lo, hi, name, least)
    if found is not None:
        return found
    plain = canonical(formula)
    if isinstance(plain, int) or (plain != formula and outer_link(plain)):
        return _pull(plain, lo, hi, name, least)
    choice = _innermost_extreme(plain)
    if choice is not None:
        return _by_cases(plain, choice, lo, hi, name, least)
    if is_quasi_affine(plain):
        return solve_quasi_affine(plain, lo, hi, name)
    return solve_polynomial(plain, lo, hi, name, least)


def _pull_remainder(found: Remainder, lo: int | None, hi: int | None, name: str, least: int) -> IntSet:
    """The preimage of the remainder of a chain: an interval on the circle of residues, which every floor makes larger.

    Law: ``x//d % m`` is in ``lo..hi`` iff ``x % (d*m)`` is in ``d*lo..d*hi + d - 1``.
    """
    low, high = _under_affine(lo, hi, found.factor, found.offset)
    modulus = found.modulus
    first = 0 if low is None or low < 0 else low
    last = modulus - 1 if high is None or high >= modulus else high
    first, last, atom = first - found.shift, last - found.shift, found.atom
    while inside := divided(atom):
        inner, d = inside
        first, last, modulus = first * d, last * d + d - 1, modulus * d
        link = outer_link(inner)
        assert link is not None, "a chain"
        atom, sign, offset = link
        if abs(sign) > 1:
            return _pull_set(inner, IntSet.arc(first, last, modulus), name, least)
        first, last = (first - offset, last - offset) if sign > 0 else (offset - last, offset - first)
    return IntSet.arc(first, last, modulus)


def _by_bisection(formula: Formula, lo: int | None, hi: int | None, name: str, least: int) -> IntSet | None:
    """The preimage of a formula that is monotone from ``least`` on; ``None`` for any other.

    Law: a rising ``f`` has ``f(n) >= lo`` from one place on.
    """
    way = direction(formula)
    if way is None:
        return None
    if way < 0:
        formula, lo, hi = -formula, None if hi is None else -hi, None if lo is None else -lo
    low, high = bounds(formula)
    found = IntSet.interval(least, None)
    for bound, keep_above in ((lo, True), (None if hi is None else hi + 1, False)):
        if bound is None or (low is not None and bound <= low):
            # Every value is at least the bound.
            found = found if bound is None or keep_above else IntSet.nothing()
            continue
        if high is not None and high < bound:
            place = None
        else:
            try:
                place = first_true(lambda n, b=bound: substitute(formula, {name: n}) >= b, least, None)  # type: ignore[misc]
            except Undecided:
                return None
        above = IntSet.nothing() if place is None else IntSet.interval(place, None)
        found &= above if keep_above else ~above
    return found


@lru_cache(maxsize=2**14)
def direction(formula: Dim) -> int | None:
    """1 for a formula that never falls as its symbols grow, -1 for one that never rises, 0 for a number.

    ``None`` says that this cannot be seen from its form.
    """
    if isinstance(formula, int):
        return 0
    ways = {_monomial_direction(monomial, coefficient) for monomial, coefficient in formula.terms}
    return ways.pop() if len(ways) == 1 else None


def _monomial_direction(monomial: tuple[Atom, ...], coefficient: int) -> int | None:
    ways = {_atom_direction(atom) for atom in monomial}
    # Law: a product of factors that are 0 or more and go one way goes that way.
    if len(ways) > 1 or (len(monomial) > 1 and not all(_at_least_zero(atom) for atom in monomial)):
        return None
    way = ways.pop()
    return None if way is None else way if coefficient > 0 else -way


def _at_least_zero(atom: Atom) -> bool:
    low = bounds(Formula.of(atom))[0]
    return low is not None and low >= 0


def _atom_direction(atom: Atom) -> int | None:
    match atom:
        case Symbol():
            return 1
        case Floor(numerator=numerator, denominator=int()):
            return direction(numerator)
        case Group(inner=inner):
            return direction(inner)
        case Scaled(size=size, factor=factor):
            way = direction(size)
            return way if way is None or factor >= 0 else -way
        case Extreme(items=items):
            ways = {direction(item) for item in items} - {0}
            return ways.pop() if len(ways) == 1 else None
    return None


def _innermost_extreme(formula: Formula) -> Extreme | None:
    """An extreme none of whose items holds another."""
    for atom in atoms(formula):
        if isinstance(atom, Extreme):
            inside = (inner for item in atom.items for inner in atoms(item))
            if not any(isinstance(inner, Extreme) for inner in inside):
                return atom
    return None


def _by_cases(formula: Formula, choice: Extreme, lo: int | None, hi: int | None, name: str, least: int) -> IntSet:
    """The union over the items: where each is the extreme, the formula has that item in its place."""
    found = IntSet.nothing()
    left = IntSet.interval(least, None)
    for item in choice.items:
        others = [other for other in choice.items if other is not item]
        gaps = [other - item if choice.least else item - other for other in others]
        where = reduce(IntSet.__and__, (_pull(gap, 0, None, name, least) for gap in gaps), left)
        if where:
            found |= where & _pull(replaced(formula, choice, item), lo, hi, name, least)
        left -= where
    return found


def replaced(formula: Dim, atom: Atom, by: Dim) -> Dim:
    """The formula with a dimension in place of an atom, wherever it stands."""
    if isinstance(formula, int):
        return formula
    result: Dim = formula.constant
    for monomial, coefficient in formula.terms:
        product: Dim = coefficient
        for factor in monomial:
            product = product * (by if factor == atom else _replaced_inside(factor, atom, by))
        result = result + product
    return result


def _replaced_inside(factor: Atom, atom: Atom, by: Dim) -> Dim:
    match factor:
        case Floor(numerator=numerator, denominator=denominator):
            return replaced(numerator, atom, by) // replaced(denominator, atom, by)
        case Group(inner=inner):
            return replaced(inner, atom, by)
        case Scaled(size=size, factor=scale):
            return scaled(replaced(size, atom, by), scale)  # type: ignore[no-any-return]
        case Extreme(least=least, items=items):
            return extreme(tuple(replaced(item, atom, by) for item in items), least)
    return Formula.of(factor)


def _pull_set(formula: Dim, wanted: IntSet, name: str, least: int) -> IntSet:
    """The preimage of any set: link by link, and where the chain ends segment by segment."""
    while link := outer_link(formula):
        atom, factor, offset = link
        wanted = wanted.under_affine(factor, offset)
        if isinstance(atom, Symbol):
            return wanted
        inside = divided(atom)
        if inside is None:
            formula = Formula.of(atom)
            break
        formula, d = inside
        wanted = wanted.under_floor(d)
    if isinstance(formula, int):
        return IntSet.everything() if formula in wanted else IntSet.nothing()
    found = IntSet.nothing()
    for lo, hi, mask in wanted.segments():
        for start, stop in mask.runs():
            stretch = _pull(formula, lo, None if hi is None else hi - 1, name, least)
            if mask.modulus > 1 and stretch:
                stretch &= _pull(formula % mask.modulus, start, stop - 1, name, least)
            found |= stretch
    return found


def pull_back_interval(formula: Dim, lo: Dim, hi: Dim, symbol: str | Symbol | Formula) -> tuple[Dim, Dim]:
    """The rule for a wanted size that is itself a formula: ``lo <= f(x) <= hi`` iff ``x`` is in between.

    ``pull_back_interval((H - 7)//6 - 1, n, n, H)`` is ``6*n + 13, 6*n + 18``. Raises ``ValueError`` for a
    formula that is not a chain of ``+``, constant ``*`` and ``//`` around the one symbol.
    """
    name, _ = _named(formula, symbol)
    current = formula
    while link := outer_link(current):
        atom, factor, offset = link
        low, high = (lo, hi) if factor > 0 else (hi, lo)
        if factor > 0:
            lo, hi = ceil_div(low - offset, factor), (high - offset) // factor
        else:
            lo, hi = ceil_div(offset - low, -factor), (offset - high) // -factor
        if isinstance(atom, Symbol):
            return lo, hi
        inside = divided(atom)
        if inside is None:
            break
        current, d = inside
        lo, hi = lo * d, hi * d + (d - 1)
    raise ValueError(f"{formula} is not a chain of sizes around {name}")
