"""Sizes, shares and axes in people's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

LINES = {"H": ("row", "rows"), "W": ("column", "columns"), "D": ("plane", "planes"), "C": ("channel", "channels")}
"""What the cells at one index of an axis are called."""

UNITS = {1: "cells", 2: "pixels", 3: "voxels"}
"""What the places of an input are called, by the number of its spatial axes."""


def listed(words: Sequence[str]) -> str:
    """``H``, ``H and W``, ``D, H and W``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def lines(axis: str, count: object) -> str:
    """``row`` for one, ``2 rows`` for more."""
    one, many = LINES.get(axis, ("cell", "cells"))
    return one if count == 1 else f"{count} {many}"


def last_lines(counts: Iterable[tuple[str, int]]) -> str:
    """``the last row and column``, ``the last 2 rows and the last column``."""
    found = list(counts)
    if len(found) > 1 and len({count for _, count in found}) == 1:
        (first, count), *rest = found
        named = [lines(first, count), *(LINES.get(axis, ("cell", "cells"))[count > 1] for axis, _ in rest)]
        return f"the last {listed(named)}"
    return listed([f"the last {lines(axis, count)}" for axis, count in found])


def number(value: Fraction) -> str:
    """``2.5``, and ``2 1/3`` where decimals do not end."""
    if (100 * value).denominator == 1:
        return f"{float(value):g}"
    whole, rest = divmod(value.numerator, value.denominator)
    return f"{whole} {rest}/{value.denominator}" if whole else f"{rest}/{value.denominator}"


def share(part: int, of: int) -> str:
    """``20.3 %``; never 0 or 100 for what is not."""
    percent = 100 * part / of
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    if 99.9 < percent < 100:
        return "more than 99.9 %"
    return f"{percent:.1f} %"


def amount(part: int, of: int, spatial: int) -> str:
    """``159 of 784 pixels (20.3 %)``."""
    return f"{part:,} of {of:,} {UNITS.get(spatial, 'cells')} ({share(part, of)})"
