"""Answers for a target that is itself a letter: which sizes give n x n, for every n."""

from __future__ import annotations

from collections.abc import Sequence

from shapesolver.arithmetic import Both, Comparison, Condition, Dim, Truth, both, compare
from shapesolver.arithmetic.pullback import pull_back_interval
from shapesolver.solve.answers import Answer, Ends, Status
from shapesolver.solve.reasons import Asked


def general_answer(reading: str, asked: Asked, sizes: Sequence[str], letters: frozenset[str]) -> Answer:
    """The ends between which each size lies, as formulas in the letters."""
    found: dict[str, Ends] = {}
    conditions: list[Truth] = [both(asked.needs, asked.assumed, asked.where)]
    for item in _items(asked.target):
        try:
            name, ends = _ends(item, sizes, letters)
        except ValueError:
            reason = f"{item} does not come apart for the letters {', '.join(sorted(letters))}"
            return Answer(reading, Status.UNDECIDED, tuple(sizes), reason=reason)
        if name in found and found[name] != ends:
            reason = f"{name} is wanted in two ways at once: {item} and others"
            return Answer(reading, Status.UNDECIDED, tuple(sizes), reason=reason)
        found[name] = ends
        conditions.append(item)
    return Answer(
        reading, Status.PROVED, tuple(sizes), ({},), condition=both(*conditions), general=found, letters=tuple(letters)
    )


def _items(truth: Truth) -> Sequence[Truth]:
    return truth.items if isinstance(truth, Both) else (truth,)


def _ends(item: Truth, sizes: Sequence[str], letters: frozenset[str]) -> tuple[str, Ends]:
    """The size that a wanted equality is about, and the ends of its interval; raises ``ValueError``."""
    if not isinstance(item, Comparison) or item.op != "==":
        raise ValueError(f"{item} is no equality")
    for formula, wanted in ((item.left, item.right), (item.right, item.left)):
        inside = _names(formula)
        if len(inside & set(sizes)) == 1 and not inside & letters and not _names(wanted) & set(sizes):
            (name,) = inside & set(sizes)
            low, high = pull_back_interval(formula, wanted, wanted, name)
            return name, (low, high)
    raise ValueError(f"{item} joins sizes")


def _names(dim: Dim) -> set[str]:
    truth = compare("==", dim, 0)
    return {symbol.text for symbol in truth.symbols()} if isinstance(truth, Condition) else set()
