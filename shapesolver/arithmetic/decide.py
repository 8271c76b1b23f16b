"""Proof and refutation: whether a condition holds for all sizes, and the counterexample when it does not.

A condition is true of all sizes iff its opposite, with the assumptions, is true of none. So everything here
looks for sizes that satisfy a condition: exactly for one symbol, apart for symbols that do not meet, by
substitution where an equality gives one symbol in terms of others, and by search where nothing else applies.
A search can find an example; only one that tried everything can exclude one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from shapesolver.arithmetic.analysis import symbols
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.conditions import (
    Both,
    Comparison,
    Condition,
    Either,
    Negation,
    Truth,
    both,
    compare,
    holds,
    negate,
    resolve,
)
from shapesolver.arithmetic.formula import Dim, Formula, canonical
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions, solutions_within
from shapesolver.arithmetic.substitution import substitute

__all__ = ["Proved", "Refuted", "Undecided", "Verdict", "decide", "equalities", "example", "solutions"]

SEARCH_LIMIT = 400
"""The most values of the other symbols for which a relation between several is solved in the last one."""


@dataclass(frozen=True, slots=True)
class Proved:
    """True for all sizes."""

    vacuous: bool = False
    """Whether it is so because no sizes satisfy the assumptions."""


@dataclass(frozen=True, slots=True)
class Refuted:
    """False for these sizes."""

    counterexample: Mapping[str, int]


Verdict = Proved | Refuted | Undecided
"""What :func:`decide` answers."""


def decide(condition: Truth, assumptions: Truth = True) -> Verdict:
    """Whether the condition holds for all sizes that satisfy the assumptions.

    In one symbol, the counterexample is the smallest wherever all can be found. An :class:`Undecided` is
    returned with its reason, not raised.
    """
    over = set(_symbols(condition, assumptions))
    try:
        if len(over) == 1:
            return _decide_in_one(condition, assumptions, over.pop())
    except Undecided:
        # Its parts may still have an example.
        pass
    try:
        found = example(both(assumptions, negate(condition)), _symbols(condition, assumptions))
        if found is not None:
            return Refuted(found)
        return Proved(vacuous=assumptions is not True and example(assumptions) is None)
    except Undecided as undecided:
        return undecided


def _decide_in_one(condition: Truth, assumptions: Truth, symbol: Symbol) -> Verdict:
    """The verdict on one symbol, by all that it can be."""
    domain = solutions_within(assumptions, symbol, IntSet.interval(symbol.least, None))
    least = solutions_within(negate(condition), symbol, domain).min
    return Proved(vacuous=not domain) if least is None else Refuted({symbol.text: least})


def example(condition: Truth, over: Iterable[Symbol] = ()) -> dict[str, int] | None:
    """Sizes that satisfy the condition, in one symbol the smallest; ``None`` when there are provably none.

    The symbols in ``over`` get a value too. Raises :class:`Undecided` when nothing is found or excluded.
    """
    found = _example(condition)
    if found is None:
        return None
    free = {symbol.text: symbol.least for symbol in (*over, *_symbols(condition)) if symbol.text not in found}
    return dict(sorted({**free, **found}.items()))


def _symbols(*truths: Truth) -> tuple[Symbol, ...]:
    return sum([truth.symbols() for truth in truths if isinstance(truth, Condition)], ())


def _example(condition: Truth) -> dict[str, int] | None:
    condition = _pushed(condition)
    if isinstance(condition, bool):
        return {} if condition else None
    if len(condition.symbols()) == 1:
        try:
            return _in_one_symbol(condition, condition.symbols()[0])
        except Undecided:
            # A part of the condition may still have an example, if not the smallest.
            if not isinstance(condition, Either):
                raise
    if isinstance(condition, Either):
        return _any_example(condition.items)
    found: dict[str, int] = {}
    hard: Undecided | None = None
    # Conjuncts that share no symbol are independent: each group has an example, or nothing has.
    for group in _groups(condition.items if isinstance(condition, Both) else (condition,)):
        try:
            part = _group_example(group)
        except Undecided as undecided:
            hard = undecided
            continue
        if part is None:
            return None
        found.update(part)
    if hard is not None:
        raise hard
    return found


def _any_example(items: Iterable[Truth]) -> dict[str, int] | None:
    hard: Undecided | None = None
    for item in items:
        try:
            found = _example(item)
        except Undecided as undecided:
            hard = undecided
            continue
        if found is not None:
            return found
    if hard is not None:
        raise hard
    return None


def _pushed(condition: Truth) -> Truth:
    """The condition with negations pushed inwards and symbols that cancel dropped."""
    match condition:
        case Both(items):
            return both(*map(_pushed, items))
        case Negation(item) if isinstance(item, (Both, Either, Comparison, Negation)):
            return _pushed(negate(item))
        case Comparison(op) if len(condition.symbols()) > 1:
            # Symbols that cancel are not asked for.
            gap = canonical(condition.gap)
            return compare(op, gap, 0) if set(symbols(gap)) < set(condition.symbols()) else condition
    return condition


def _groups(items: Iterable[Condition]) -> list[list[Condition]]:
    """The conditions in groups that share no symbol."""
    groups: list[tuple[set[str], list[Condition]]] = []
    for item in items:
        names, members = {symbol.text for symbol in item.symbols()}, [item]
        for other in [group for group in groups if group[0] & names]:
            groups.remove(other)
            names, members = names | other[0], other[1] + members
        groups.append((names, members))
    return [members for _, members in groups]


def _group_example(items: list[Condition]) -> dict[str, int] | None:
    unknowns = {symbol.text: symbol for item in items for symbol in item.symbols()}
    if len(unknowns) <= 1:
        return _in_one_symbol(both(*items), next(iter(unknowns.values()), None))
    choice = next((item for item in items if isinstance(item, Either) and len(item.symbols()) > 1), None)
    if choice is not None:
        others = [item for item in items if item is not choice]
        return _any_example(both(*others, item) for item in choice.items)
    for item in items:
        for symbol, value in equalities(item):
            return _substituted(symbol, value, [other for other in items if other is not item])
    return _by_search(items, list(unknowns.values()))


def _in_one_symbol(condition: Truth, symbol: Symbol | None) -> dict[str, int] | None:
    if symbol is None:
        return {} if holds(condition, {}) else None
    least = solutions(condition, symbol).min
    return None if least is None else {symbol.text: least}


def equalities(condition: Condition) -> Iterator[tuple[Symbol, Dim]]:
    """Symbols that an equality gives in terms of the others: ``W == H``, ``W - 2*H == 3``."""
    if not isinstance(condition, Comparison) or condition.op != "==":
        return
    gap = canonical(condition.gap)
    if not isinstance(gap, Formula):
        return
    for monomial, coefficient in gap.terms:
        symbol = monomial[0]
        if len(monomial) == 1 and abs(coefficient) == 1 and isinstance(symbol, Symbol):
            value = Formula.of(symbol) - gap if coefficient == 1 else gap + Formula.of(symbol)
            if symbol not in symbols(value):
                yield symbol, value


def _substituted(symbol: Symbol, value: Dim, items: list[Condition]) -> dict[str, int] | None:
    """An example with the value in place of the symbol, which must stay what the symbol can be."""
    within = compare(">=", value, symbol.least)
    replaced = (resolve(item, {symbol.text: value}) for item in items)
    found = example(both(within, *replaced), symbols(value))
    return None if found is None else {**found, symbol.text: substitute(value, found)}


def _by_search(items: list[Condition], unknowns: list[Symbol]) -> dict[str, int] | None:
    """An example by trying values of all symbols but one, and solving for that one exactly."""
    domains = {symbol.text: _domain(items, symbol) for symbol in unknowns}
    if not all(domains.values()):
        return None
    ordered = sorted(unknowns, key=lambda symbol: (domains[symbol.text].count, symbol.text))
    *tried, last = (symbol.text for symbol in ordered)
    condition = both(*items)
    if _excluded(condition, domains):
        return None
    hard = False
    cases = list(islice(_tuples([domains[name] for name in tried]), SEARCH_LIMIT + 1))
    for case in cases[:SEARCH_LIMIT]:
        values: dict[str, Any] = dict(zip(tried, case, strict=True))
        try:
            found = solutions(resolve(condition, values), last, domains[last]).min
        except (Undecided, ZeroDivisionError):
            hard = True
            continue
        if found is not None:
            return {**values, last: found}
    if hard or len(cases) > SEARCH_LIMIT:
        raise Undecided(f"no example of {condition} was found, and none is excluded")
    return None


def _excluded(condition: Truth, domains: Mapping[str, IntSet]) -> bool:
    """Whether bounds exclude the condition once every symbol starts where its domain does."""
    starts = {name: Formula.of(Symbol(name, domain.min or 0)) for name, domain in domains.items()}
    narrowed = resolve(condition, starts)
    if isinstance(narrowed, Both):
        # Law: y >= x iff y == x + excess for some excess of 0 or more.
        above = (step for item in narrowed.items for step in _above(item))
        return any(resolve(narrowed, {symbol.text: value}) is False for symbol, value in above)
    return narrowed is False


def _above(condition: Condition) -> Iterator[tuple[Symbol, Dim]]:
    """Symbols that an inequality gives in terms of the others: ``W >= H`` is ``W == H + excess``."""
    if not isinstance(condition, Comparison) or condition.op in ("==", "!="):
        return
    gap = condition.gap if condition.op[0] == ">" else -condition.gap
    excess = Formula.of(Symbol("excess of an inequality", least=int("=" not in condition.op)))
    # gap >= 0 is gap == excess; the excess of a strict one is 1 or more.
    for symbol, value in equalities(Comparison("==", gap, excess)):
        if symbol not in symbols(excess):
            yield symbol, value


def _domain(items: list[Condition], symbol: Symbol) -> IntSet:
    """What the conditions on this symbol alone leave of it."""
    alone = [item for item in items if item.symbols() == (symbol,)]
    try:
        return solutions(both(*alone), symbol)
    except Undecided:
        return IntSet.interval(symbol.least, None)


def _tuples(domains: list[IntSet]) -> Iterator[tuple[int, ...]]:
    """Every tuple of members, by rising sum of their places: all small ones come before any large one."""
    rows = [list(islice(domain, SEARCH_LIMIT + 1)) for domain in domains]
    for total in range(sum(map(len, rows)) - len(rows) + 1):
        for places in _sums(total, [len(row) for row in rows]):
            yield tuple(row[place] for row, place in zip(rows, places, strict=True))


def _sums(total: int, sizes: list[int]) -> Iterator[tuple[int, ...]]:
    if len(sizes) == 1:
        if total < sizes[0]:
            yield (total,)
        return
    for first in range(min(total, sizes[0] - 1) + 1):
        for rest in _sums(total - first, sizes[1:]):
            yield (first, *rest)
