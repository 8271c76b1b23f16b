"""Conditions to boxes: each independent symbol solved apart, products by divisors, ties substituted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shapesolver.arithmetic import (
    Both,
    Comparison,
    Condition,
    Dim,
    Formula,
    Group,
    Truth,
    both,
    compare,
    resolve,
    symbols,
)
from shapesolver.arithmetic.atoms import Atom, Symbol
from shapesolver.arithmetic.products import product_solutions
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
    ties = dict(_ties(items))
    if ties:
        inner = both(*(resolve(item, ties) for item in items), *(_least(s, ties) for s in unknowns if s.text in ties))
        found = region(inner, [s for s in unknowns if s.text not in ties])
        return Region(found.boxes, {**ties, **found.ties}, found.rest)
    alone = {s.text: both(*(i for i in items if names(i) == {s.text})) for s in unknowns}
    box = {s.text: solutions(alone[s.text], s) for s in unknowns}
    coupled = [item for item in items if len(names(item)) > 1]
    boxes: list[Box] = [box] if all(box.values()) else []
    rest: list[Condition] = []
    for item in coupled:
        split = _product_boxes(item, unknowns)
        if split is None:
            rest.append(item)
        else:
            boxes = [met for one in boxes for other in split if (met := _met(one, other)) is not None]
    return Region(tuple(boxes), {}, both(*rest))


def names(condition: Condition) -> set[str]:
    """The symbols of a condition."""
    return {symbol.text for symbol in condition.symbols()}


def _least(symbol: Symbol, ties: dict[str, Dim]) -> Truth:
    """That a tied symbol stays what it can be."""
    return compare(">=", ties[symbol.text], symbol.least)


def _ties(items: Iterable[Condition]) -> Iterable[tuple[str, Dim]]:
    """The first equality of two plain symbols: ``W == H``."""
    for item in items:
        if isinstance(item, Comparison) and item.op == "==":
            left, right = _plain(item.left), _plain(item.right)
            if left is not None and right is not None and left != right:
                later, earlier = max(left, right), min(left, right)
                yield later.text, Formula.of(earlier)
                return


def _plain(dim: Dim) -> Symbol | None:
    """The symbol that a dimension is, if it is nothing else."""
    if isinstance(dim, Formula) and not dim.constant and len(dim.terms) == 1:
        ((monomial, coefficient),) = dim.terms
        if coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Symbol):
            return monomial[0]
    return None


def _product_boxes(item: Condition, unknowns: Sequence[Symbol]) -> list[Box] | None:
    """``512*(H//32)*(W//32) == 25088`` as boxes; ``None`` for a relation of another form."""
    if not isinstance(item, Comparison) or item.op != "==":
        return None
    left, right = (item.left, item.right) if isinstance(item.right, int) else (item.right, item.left)
    if not isinstance(left, Formula) or not isinstance(right, int) or left.constant or len(left.terms) != 1:
        return None
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


def _opened(atom: Atom) -> Dim:
    return atom.inner if isinstance(atom, Group) else Formula.of(atom)


def _met(one: Box, other: Box) -> Box | None:
    """The intersection of two boxes, ``None`` where it is empty."""
    met = {name: members & other[name] if name in other else members for name, members in one.items()}
    return met if all(met.values()) else None
