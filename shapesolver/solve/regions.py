"""Conditions to boxes: each independent symbol solved apart, products by divisors, ties substituted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shapesolver.arithmetic import (
    Both,
    Comparison,
    Condition,
    Dim,
    Either,
    Formula,
    Group,
    Truth,
    both,
    canonical,
    compare,
    negate,
    resolve,
    substitute,
    symbols,
)
from shapesolver.arithmetic.atoms import Atom, Symbol
from shapesolver.arithmetic.decide import equalities, example
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.products import product_solutions
from shapesolver.arithmetic.pullback import preimage
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.solve.answers import Box


@dataclass(frozen=True, slots=True)
class Region:
    """A union of boxes, symbols that follow from others, and what no box can say."""

    boxes: tuple[Box, ...]
    ties: dict[str, Dim] = field(default_factory=dict)
    rest: Truth = True


def region(condition: Truth, unknowns: Sequence[Symbol]) -> Region:
    """All values of the unknowns that satisfy the condition; raises ``Undecided`` where they are not to be had."""
    if condition is False:
        return Region(())
    items = condition.items if isinstance(condition, Both) else () if condition is True else (condition,)
    asked = {symbol.text: symbol for symbol in unknowns}
    rows = _rows(items)
    if any(asked.get(symbol.text, symbol) != symbol for row in rows for symbol in row):
        # A namesake that may be less or more is another symbol to all that follows.
        return region(resolve(condition, {name: Formula.of(symbol) for name, symbol in asked.items()}), unknowns)
    strange = [item for row in rows if asked.keys().isdisjoint(_texts(row)) for item in rows[row]]
    if strange:
        # What is about other sizes alone leaves the unknowns free, unless nothing satisfies it.
        if example(both(*strange)) is None:
            return Region(())
        rows = _rows(items := tuple(item for item in items if item not in strange))
    joined = sorted({name for row in rows for name in _texts(row)} - asked.keys())
    if joined:
        raise Undecided(f"it depends on {', '.join(joined)}, which has no value here")
    coupled = [item for item in items if len(item.symbols()) > 1] if any(len(row) > 1 for row in rows) else []
    choice = next((item for item in coupled if isinstance(item, Either)), None)
    if choice is not None and len(choice.items) <= MOST_CASES:
        return _cases(choice, [item for item in items if item is not choice], unknowns)
    ties = dict(_ties(coupled, unknowns))
    if ties:
        inner = both(*(resolve(item, ties) for item in items), *(_least(s, ties) for s in unknowns if s.text in ties))
        found = region(inner, [s for s in unknowns if s.text not in ties])
        return Region(found.boxes, {**ties, **found.ties}, found.rest)
    box = {s.text: solutions(both(*rows.get((s,), ())), s) for s in unknowns}
    boxes: list[Box] = [box] if all(box.values()) else []
    rest: list[Condition] = []
    for item in coupled:
        split = _product_boxes(item, unknowns) or _sum_boxes(item, unknowns, box)
        if split is None:
            rest.append(item)
        else:
            boxes = [met for one in boxes for other in split if (met := _met(one, other)) is not None]
    if rest and example(condition) is None:
        return Region(())
    return Region(tuple(boxes), {}, both(*rest))


MOST_CASES = 8
"""The most alternatives that are told apart."""


def _cases(choice: Either, others: Sequence[Condition], unknowns: Sequence[Symbol]) -> Region:
    """The union over the alternatives, each without those before it, so that no solution counts twice."""
    found: list[Region] = []
    for index, item in enumerate(choice.items):
        before = (negate(earlier) for earlier in choice.items[:index])
        found.append(region(both(*others, *before, item), unknowns))
    if any(part.ties or part.rest is not True for part in found):
        # Parts of different form are no union of boxes: the condition itself says it.
        wide = region(both(*others), unknowns)
        return Region(wide.boxes, wide.ties, both(wide.rest, resolve(choice, wide.ties)))
    return Region(tuple(box for part in found for box in part.boxes))


def _rows(items: Iterable[Condition]) -> dict[tuple[Symbol, ...], list[Condition]]:
    """The conditions by the symbols that they are about: a network has many conditions and few sizes."""
    rows: dict[tuple[Symbol, ...], list[Condition]] = {}
    for item in items:
        rows.setdefault(item.symbols(), []).append(item)
    return rows


def _texts(row: tuple[Symbol, ...]) -> set[str]:
    return {symbol.text for symbol in row}


def names(condition: Condition) -> set[str]:
    """The symbols of a condition."""
    return _texts(condition.symbols())


def _least(symbol: Symbol, ties: dict[str, Dim]) -> Truth:
    """That a tied symbol stays what it can be."""
    return compare(">=", ties[symbol.text], symbol.least)


def _ties(items: Iterable[Condition], unknowns: Sequence[Symbol]) -> Iterable[tuple[str, Dim]]:
    """The first equality that gives one unknown in terms of others: ``W == H``, ``H == 2*W - 2``."""
    order = [symbol.text for symbol in unknowns]
    for item in items:
        found = [(symbol.text, value) for symbol, value in equalities(item) if symbols(value)]
        if found:
            # The later unknown follows from the earlier.
            yield max(found, key=lambda tie: order.index(tie[0]))
            return


def _product_boxes(item: Condition, unknowns: Sequence[Symbol]) -> list[Box] | None:
    """``512*(H//32)*(W//32) == 25088`` as boxes; ``None`` for a relation of another form."""
    if not isinstance(item, Comparison) or item.op != "==":
        return None
    left, right = (item.left, item.right) if isinstance(item.right, int) else (item.right, item.left)
    if not isinstance(left, Formula) or not isinstance(right, int) or len(left.terms) != 1:
        return None
    right -= left.constant
    ((monomial, coefficient),) = left.terms
    factors: dict[str, Dim] = {}
    for atom in monomial:
        owners = symbols(Formula.of(atom))
        if len(owners) != 1:
            return None
        factors[owners[0].text] = factors.get(owners[0].text, 1) * _opened(atom)
    by_name = {s.text: s for s in unknowns}
    found = product_solutions([(factor, by_name[name]) for name, factor in factors.items()], coefficient, right)
    return [dict(zip(factors, box, strict=True)) for box in found]


MOST_MEMBERS = 4096
"""The most values of one unknown that a sum of two is told apart by."""
MOST_VALUES = 256
"""The most values that they may have there."""


def _sum_boxes(item: Condition, unknowns: Sequence[Symbol], box: Box) -> list[Box] | None:
    """``f(x) + g(y) == 0`` as boxes where one of the two has few values: for each of them, what gives it and its rest.

    ``None`` for a relation of another form, or with too many values.
    """
    by_name = {symbol.text: symbol for symbol in unknowns}
    if not isinstance(item, Comparison) or item.op != "==" or len(names(item)) != 2:
        return None
    gap = canonical(item.left - item.right)
    parts: dict[str, Dim] = dict.fromkeys(names(item), 0)
    for monomial, coefficient in gap.terms if isinstance(gap, Formula) else ():
        owners = {symbol.text for atom in monomial for symbol in symbols(Formula.of(atom))}
        if len(owners) != 1:
            return None
        (owner,) = owners
        parts[owner] += Formula(((monomial, coefficient),), 0)
    few = min(parts, key=lambda name: box[name].count)
    (other,) = parts.keys() - {few}
    if box[few].count > MOST_MEMBERS or not isinstance(gap, Formula):
        return None
    values: dict[int, list[int]] = {}
    for n in box[few]:
        values.setdefault(substitute(parts[few], {few: n}), []).append(n)
    if len(values) > MOST_VALUES:
        return None
    return [
        {few: IntSet.finite(members), other: preimage(parts[other], wanted, wanted, by_name[other])}
        for value, members in values.items()
        if (wanted := -value - gap.constant) is not None
    ]


def _opened(atom: Atom) -> Dim:
    return atom.inner if isinstance(atom, Group) else Formula.of(atom)


def _met(one: Box, other: Box) -> Box | None:
    """The intersection of two boxes, ``None`` where it is empty."""
    met = {name: members & other[name] if name in other else members for name, members in one.items()}
    return met if all(met.values()) else None
