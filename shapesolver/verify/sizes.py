"""For which input sizes something is so: conditions solved into sets, one size at a time, and put in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shapesolver.arithmetic import Condition, Either, Truth, both, either, holds
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import EMPTY, FULL, Undecided
from shapesolver.arithmetic.membership import Within, within
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.measure.proofs import Valid


class Sizes(Valid):
    """The input sizes that a symbolic network can be built with, as the file assumes them, in words."""

    def where(self, parts: Iterable[Truth]) -> Truth:
        """That some part is so, at valid sizes: solved for each symbol by itself where that can be done."""
        alone: dict[Symbol, list[Truth]] = {}
        rest: list[Truth] = []
        for part in parts:
            if part is True:
                return self.valid
            if isinstance(part, Condition) and len(part.symbols()) == 1:
                alone.setdefault(part.symbols()[0], []).append(part)
            elif part is not False:
                rest.append(both(self.valid, part))
        return either(*(self._within(symbol, either(*items)) for symbol, items in alone.items()), *rest)

    def _within(self, symbol: Symbol, part: Truth) -> Truth:
        truth = both(self.about([symbol]), part)
        try:
            return within(symbol, solutions(truth, symbol))
        except Undecided:
            return truth

    def unless(self, where: Truth, known: Mapping[str, IntSet] | None = None) -> str:
        """When it is not so: ``unless H % 6 == 1 and W % 6 == 1``; or when it is, where that is the plainer set.

        ``known`` are the values of a symbol that anything is known of, where that is not all of them.
        """
        items = where.items if isinstance(where, Either) else (where,)
        if not all(isinstance(item, Within) for item in items):
            return "" if where is True else f"for {where}"
        good, bad = [], []
        for item in items:
            assert isinstance(item, Within)
            valid = self.values(item.symbol)
            if known and item.symbol.text in known:
                valid &= known[item.symbol.text]
            good.append(_plain(valid - item.members, valid, item.symbol.text))
            bad.append(_plain(item.members, valid, item.symbol.text))
        if "none" in good:
            return ""
        turned = any("not in" in text or "!=" in text for text in good) or (
            any(" more" in text for text in good) and sum(map(len, bad)) < sum(map(len, good))
        )
        return f"for {' or '.join(bad)}" if turned else f"unless {' and '.join(good)}"

    def fitting(self) -> str:
        """What sizes must be multiples of and the like: ``H % 16 == 0 and W % 16 == 0``; nothing for other sets."""
        texts = []
        for symbol in dict.fromkeys(s for need in self.needs if isinstance(need, Condition) for s in need.symbols()):
            members = self.values(symbol)
            text = _plain(members, IntSet.interval(members.min, None), symbol.text)
            if "," not in text and "{" not in text and "%" in text and " or " not in text:
                texts.append(text)
            elif not members >= IntSet.interval(members.min, None):
                return ""
        return " and ".join(texts)

    def values(self, symbol: Symbol) -> IntSet:
        """The values of a symbol that its own conditions allow."""
        values = IntSet.interval(symbol.least, None)
        try:
            return solutions(self.about([symbol]), symbol, values)
        except Undecided:
            return values


def _plain(members: IntSet, valid: IntSet, name: str) -> str:
    """The set in words, without the limits that every valid size has."""
    pieces = members.pieces()
    if len(pieces) == 1 and pieces[0].mask not in (EMPTY, FULL):
        periodic = IntSet([(None, None, pieces[0].mask)])
        if periodic & valid == members:
            return periodic.describe(name)
    text = members.describe(name, limit=6).removeprefix("all ")
    return text if name in text.partition(" or ")[0] or text == "none" else f"{name} in {text}"


def at_usual(where: Truth, usual: dict[str, int]) -> bool | None:
    """Whether it is so at the usual sizes; ``None`` where the file does not state all that it depends on."""
    if isinstance(where, bool):
        return where
    if any(symbol.text not in usual for symbol in where.symbols()):
        return None
    return holds(where, usual)
