"""Layers that use another layer's weights: what must be the same."""

from __future__ import annotations

from shapesolver.arithmetic import Dim, Truth, both, compare, either
from shapesolver.layers.base import Need, Trouble, Weight, need

RULE = "features-mismatch"


def same_weights(path: str, ours: tuple[Weight, ...], theirs: tuple[Weight, ...]) -> Need:
    """That all weights of a layer have the shapes of those of the earlier layer ``path``."""
    truths = [_same(mine.shape, other.shape) for mine, other in zip(ours, theirs, strict=False)]

    def trouble() -> Trouble:
        for mine, other, truth in zip(ours, theirs, truths, strict=False):
            if truth is not True:
                return _misfit(path, mine, other)
        return Trouble(f"{path} has {len(theirs)} weights, and {len(ours)} are needed here")

    return Need(both(len(ours) == len(theirs), *truths), RULE, trouble)


def tied_weights(path: str, ours: tuple[Weight, ...], theirs: tuple[Weight, ...]) -> Need:
    """That the first weights of two layers have the same shape, one of them perhaps transposed."""
    if not ours or not theirs:
        return need(False, RULE, f"{path} cannot be tied here: one of the two layers has no weights")
    mine, other = ours[0], theirs[0]
    truth = either(_same(mine.shape, other.shape), _same(mine.shape, other.shape[::-1]))
    return Need(truth, RULE, lambda: _misfit(path, mine, other, ", transposed or not"))


def _misfit(path: str, mine: Weight, other: Weight, how: str = "") -> Trouble:
    return Trouble(
        f"the weights of {path} do not fit{how}: its {other.name} is {other}, and {mine} is needed here",
        f"{mine.name} {mine}",
    )


def _same(one: tuple[Dim, ...], two: tuple[Dim, ...]) -> Truth:
    return both(len(one) == len(two), *(compare("==", a, b) for a, b in zip(one, two, strict=False)))
