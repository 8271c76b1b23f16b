"""Products of several sizes with a wanted value: divisors, each factor pulled back on its own.

This is what ``flatten -> dense`` asks: ``64*((h - 4)//2)*((w - 4)//2) == 9216`` means that the two factors
multiply to 144, so each is a divisor of 144 and the other is what remains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.factors import divisors
from shapesolver.arithmetic.formula import Dim, Formula
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.pullback import preimage
from shapesolver.arithmetic.sets import IntSet

BOX_LIMIT = 2**16
"""The most boxes that are listed."""

Box = tuple[IntSet, ...]
"""One set for each factor's symbol: every choice of members is a solution."""


def product_solutions(factors: Sequence[tuple[Dim, str | Symbol | Formula]], constant: int, target: int) -> list[Box]:
    """All sizes with ``constant * f1(x1) * f2(x2) * ... == target``, as boxes that do not overlap.

    Each factor has its own symbol, and each box has a set for each factor, in their order. Factors may be
    negative: ask for positive sizes where that matters. Law: a product is ``t`` iff the first factor is a
    divisor ``d`` of ``t`` and the others multiply to ``t/d``; it is 0 iff a factor is 0.

    Raises ``ValueError`` when two factors share a symbol, and :class:`Undecided` when the target is too large
    to factor or there are more than :data:`BOX_LIMIT` boxes.
    """
    names = [str(symbol.text if isinstance(symbol, Symbol) else symbol) for _, symbol in factors]
    if len(set(names)) < len(names):
        raise ValueError(f"the factors share a symbol: {', '.join(names)}")
    if constant == 0:
        return [tuple(_everything(*factor) for factor in factors)] if target == 0 else []
    if target % constant:
        return []
    rest = target // constant
    boxes: list[Box] = []
    for box in _zero_boxes(factors) if rest == 0 else _boxes(factors, rest, {}):
        if len(boxes) == BOX_LIMIT:
            raise Undecided(f"{target} is such a product in more than {BOX_LIMIT:,} ways")
        boxes.append(box)
    return boxes


def _boxes(
    factors: Sequence[tuple[Dim, str | Symbol | Formula]], rest: int, seen: dict[tuple[int, int], IntSet]
) -> Iterator[Box]:
    if not factors:
        if rest == 1:
            yield ()
        return
    (formula, symbol), *others = factors
    # The last factor has no choice left.
    values = _signed_divisors(rest) if others else [rest]
    for value in values:
        key = len(factors), value
        if key not in seen:
            seen[key] = preimage(formula, value, value, symbol)
        if seen[key]:
            yield from ((seen[key], *box) for box in _boxes(others, rest // value, seen))


def _signed_divisors(n: int) -> list[int]:
    positive = divisors(n)
    return [-d for d in reversed(positive)] + positive


def _zero_boxes(factors: Sequence[tuple[Dim, str | Symbol | Formula]]) -> Iterator[Box]:
    """The first factor that is 0 is the first, or the second, ..."""
    for place, (formula, symbol) in enumerate(factors):
        before = [_everything(*factor) - preimage(factor[0], 0, 0, factor[1]) for factor in factors[:place]]
        after = [_everything(*factor) for factor in factors[place + 1 :]]
        box = (*before, preimage(formula, 0, 0, symbol), *after)
        if all(box):
            yield box


def _everything(formula: Dim, symbol: str | Symbol | Formula) -> IntSet:
    return preimage(formula, None, None, symbol)


def count_solutions(boxes: Sequence[Box]) -> int | float:
    """How many solutions the boxes hold: an ``int``, or ``math.inf``."""
    total: int | float = 0
    for box in boxes:
        ways: int | float = 1
        for members in box:
            ways *= members.count
        total += ways
    return total
