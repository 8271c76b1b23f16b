"""Words for axes and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

CELLS = {"H": "row", "W": "column", "D": "slice", "L": "step", "C": "channel"}
"""What a cell along an axis is called."""


def cell_word(axes: Sequence[str], count: int = 1) -> str:
    """``row``, ``rows and columns``: the cells along one axis, or along several that are alike."""
    words = [CELLS.get(axis, "cell") + ("" if count == 1 else "s") for axis in axes]
    return listed(words)


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    items = list(words)
    return f" {last} ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
