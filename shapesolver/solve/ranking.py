"""Which of the solutions of a question about parameters come first: what loses nothing, and changes the least."""

from __future__ import annotations

from collections.abc import Sequence

from shapesolver.derive import Derivation
from shapesolver.solve.answers import Box
from shapesolver.solve.unknowns import ParameterUnknown


def ordered(base: Derivation, parameters: Sequence[ParameterUnknown], boxes: Sequence[Box]) -> tuple[Box, ...]:
    """The smallest padding first, split as evenly as can be; then nearest to what the file has."""
    padding = {u.name for u in parameters if u.parameter in ("padding", "amount", "output_padding")}
    usual = {u.name: _usual(base, u) for u in parameters}

    def rank(box: Box) -> tuple[int, int, int, list[int]]:
        least = {name: (members.nearest(0) or (0,))[0] for name, members in box.items()}
        total = sum(abs(least[name]) for name in padding)
        uneven = max((abs(least[name]) for name in padding), default=0)
        near = [
            abs((members.nearest(own) or (0,))[0] - own)
            for name, members in box.items()
            if (own := usual.get(name)) is not None and name not in padding
        ]
        return total, uneven, sum(near), list(least.values())

    return tuple(sorted(boxes, key=rank))


def _usual(base: Derivation, unknown: ParameterUnknown) -> int | None:
    """The value that the file has, if it is a number."""
    value = getattr(base.layers[unknown.node], unknown.parameter)
    if unknown.axis is not None and isinstance(value, tuple):
        value = value[unknown.axis]
    if unknown.end is not None and isinstance(value, tuple):
        value = value[unknown.end]
    return value if isinstance(value, int) else None


def lossless_first(boxes: tuple[Box, ...], kept: tuple[Box, ...]) -> tuple[Box, ...]:
    """The boxes with those that hold lossless solutions before the others, their order kept otherwise."""

    def loses(box: Box) -> bool:
        return not any(all(not box[name].isdisjoint(other[name]) for name in box) for other in kept)

    return tuple(sorted(boxes, key=loses))
