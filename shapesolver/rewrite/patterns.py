"""Arrays under other orders of their axes, by patterns: ``(k c) o`` to ``o c k``.

A pattern names the axes in order. ``k`` stands for all spatial axes, ``1`` for an axis of size 1, parentheses for
axes joined into one, row by row. Only ``reshape`` and ``transpose`` of the array are used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any

Axes = tuple[tuple[str, ...], ...]
"""For each axis of an array, the names of the axes that are joined in it; none for an axis of size 1."""


class PatternError(ValueError):
    """An array does not have the axes that a pattern says; the message gives both."""


def axes_of(pattern: str, rank: int) -> Axes:
    """The axes of a pattern with ``rank`` spatial ones."""
    found: list[tuple[str, ...]] = []
    for token in re.findall(r"\([^)]*\)|\S+", pattern):
        names = [name for word in token.strip("()").split() for name in _expanded(word, rank)]
        found += [tuple(names)] if token.startswith("(") else [() if name == "1" else (name,) for name in names]
    return tuple(found)


def _expanded(word: str, rank: int) -> list[str]:
    return [f"k{axis}" for axis in range(rank)] if word == "k" else [word]


def rank_of(pattern: str, axes: int) -> int:
    """How many spatial axes an array with so many axes has: those that the rest of the pattern leaves."""
    return axes - (len(axes_of(pattern, 0)) if " k" in f" {pattern}".replace("(", " ") else axes)


def sizes_of(shape: tuple[int, ...], axes: Axes, known: Mapping[str, int]) -> dict[str, int]:
    """The size of every named axis; raises :class:`PatternError` where they do not multiply to the shape."""
    if len(shape) != len(axes):
        raise PatternError(f"the array has the shape {shape}, and {written(axes)} has {len(axes)} axes")
    sizes = dict(known)
    for size, names in zip(shape, axes, strict=True):
        unknown = [name for name in names if name not in sizes]
        rest = prod(sizes[name] for name in names if name in sizes)
        if len(unknown) > 1:
            raise PatternError(f"the sizes of {', '.join(unknown[1:])} are needed to take {written((names,))} apart")
        if unknown and size % rest == 0:
            sizes[unknown[0]] = size // rest
        elif unknown or size != rest:
            raise PatternError(f"the array has the shape {shape}, and {size} is not {written((names,)) or 1} = {rest}")
    return sizes


def written(axes: Axes) -> str:
    """The axes as a product: ``k0*k1*c x o``."""
    return " x ".join("*".join(names) or "1" for names in axes)


def steps(
    source: Axes, target: Axes, sizes: Mapping[str, int]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The reshape, the transposition and the reshape that take one pattern to the other."""
    flat = [name for names in source for name in names]
    wanted = [name for names in target for name in names]
    order = tuple(flat.index(name) for name in wanted)
    last = tuple(prod(sizes[name] for name in names) for names in target)
    return tuple(sizes[name] for name in flat), order, last


def rearranged(array: Any, source: str, target: str, known: Mapping[str, int], rank: int) -> Any:
    """The array, whose axes are as in ``source``, with axes as in ``target``. Raises :class:`PatternError`."""
    before, after = axes_of(source, rank), axes_of(target, rank)
    sizes = sizes_of(tuple(array.shape), before, known)
    first, order, last = steps(before, after, sizes)
    return array.reshape(first).transpose(order).reshape(last)
