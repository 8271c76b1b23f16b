"""All integers that satisfy a condition in one symbol."""

from __future__ import annotations

from shapesolver.arithmetic.analysis import symbols
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.conditions import (
    Both,
    Comparison,
    Condition,
    Divides,
    Either,
    Negation,
    Truth,
    holds,
)
from shapesolver.arithmetic.factors import divisors
from shapesolver.arithmetic.formula import Formula
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.membership import Within
from shapesolver.arithmetic.pullback import preimage_of_set, pulled
from shapesolver.arithmetic.sets import IntSet

_LIMITS: dict[str, tuple[int | None, int | None]] = {
    "==": (0, 0),
    "!=": (0, 0),
    "<=": (None, 0),
    "<": (None, -1),
    ">=": (0, None),
    ">": (1, None),
}

TRY_LIMIT = 10_000
"""A finite domain with no more members than this is tried one by one where no method applies."""


def solutions(condition: Truth, symbol: str | Symbol | Formula, domain: IntSet | None = None) -> IntSet:
    """Every value of the symbol, within the domain, that makes the condition true.

    The domain is all that the symbol can be unless it is given. Raises ``ValueError`` when the condition
    depends on another symbol, and :class:`Undecided` when the set cannot be found within the limits.
    """
    unknown = _symbol(condition, symbol)
    possible = IntSet.interval(unknown.least, None)
    return solutions_within(condition, unknown, possible if domain is None else possible & domain)


def _symbol(condition: Truth, symbol: str | Symbol | Formula) -> Symbol:
    found = () if isinstance(condition, bool) else condition.symbols()
    name = symbol if isinstance(symbol, str) else symbol.text if isinstance(symbol, Symbol) else str(symbol)
    others = [other.text for other in found if other.text != name]
    if others:
        raise ValueError(f"{condition} depends on {', '.join(others)}; it is solved for {name} alone")
    if isinstance(symbol, Formula):
        found = found or symbols(symbol)
    return found[0] if found else symbol if isinstance(symbol, Symbol) else Symbol(name)


def solutions_within(condition: Truth, symbol: Symbol, domain: IntSet) -> IntSet:
    """The same for a condition that is known to be about the symbol alone, and a domain of what it can be."""
    match condition:
        case bool():
            return domain if condition else IntSet.nothing()
        case Both(items):
            return _solve_all(items, symbol, domain)
        case Either(items):
            found = IntSet.nothing()
            for item in items:
                found |= solutions_within(item, symbol, domain - found)
            return found
        case Negation(item):
            return domain - solutions_within(item, symbol, domain)
    try:
        return domain & _solve_simple(condition, symbol)
    except Undecided:
        return _by_trial(condition, symbol, domain)


def _solve_all(items: tuple[Condition, ...], symbol: Symbol, domain: IntSet) -> IntSet:
    """The intersection; an item that is too hard waits until the others have narrowed the domain."""
    waiting = []
    found: IntSet | None = None
    for item in items:
        try:
            if isinstance(item, (Comparison, Divides)):
                # Sets without ends meet fast, so the domain comes last.
                one = _solve_simple(item, symbol)
                found = one if found is None else found & one
            else:
                domain = solutions_within(item, symbol, domain)
        except Undecided:
            waiting.append(item)
    domain = domain if found is None else domain & found
    for item in waiting:
        domain = solutions_within(item, symbol, domain)
    return domain


def _solve_simple(condition: Condition, symbol: Symbol) -> IntSet:
    match condition:
        case Comparison():
            return _solve_comparison(condition, symbol)
        case Within(_, members):
            return members
        case Divides(int(divisor), dividend):
            return preimage_of_set(dividend, _multiples(divisor), symbol)
        case Divides(divisor, int(dividend)) if dividend:
            # Law: d divides a number that is not 0 iff it is one of its divisors.
            signed = (sign * d for d in divisors(dividend) for sign in (1, -1))
            return preimage_of_set(divisor, IntSet.finite(signed), symbol)
        case Divides(divisor, int()):
            return preimage_of_set(divisor, ~IntSet.finite((0,)), symbol)
    raise Undecided(f"no method applies to {condition}")


def _multiples(divisor: int) -> IntSet:
    return IntSet.residue_class(0, abs(divisor)) if divisor else IntSet.nothing()


def _solve_comparison(condition: Comparison, symbol: Symbol) -> IntSet:
    """What satisfies it, right from the symbol's least value on."""
    lo, hi = _LIMITS[condition.op]
    found = pulled(condition.gap, lo, hi, symbol.name, symbol.least)
    return ~found if condition.op == "!=" else found


def _by_trial(condition: Condition, symbol: Symbol, domain: IntSet) -> IntSet:
    """Try every member of a finite domain; the condition is false where it divides by zero."""
    if domain.count > TRY_LIMIT:
        return domain & _solve_simple(condition, symbol)
    return IntSet.finite(n for n in domain if _holds(condition, {symbol.text: n}))


def _holds(condition: Condition, values: dict[str, int]) -> bool:
    try:
        return holds(condition, values)
    except ZeroDivisionError:
        return False
