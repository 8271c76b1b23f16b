"""Exactly which cells of every tensor some cells of one result depend on, at sizes that are numbers.

Read backwards from the result, an axis at a time. The cells of an axis are runs: ``((0, 2), (6, 9))``.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from shapesolver.derive import Derivation
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.reading import Reading
from shapesolver.model.graph import Wire

Cells = tuple[tuple[int, int], ...]
"""Disjoint runs of neighbouring cells, ascending, with cells left out between any two."""

Box = tuple[Cells, ...]
"""The cells along each axis of a tensor."""

MAX_RESULTS = 2**22
"""How many results of one axis may be read one by one."""


def cells_of(numbers: Iterable[int]) -> Cells:
    """These cells as runs."""
    return joined((number, number) for number in numbers)


def joined(runs: Iterable[tuple[int, int]]) -> Cells:
    """Runs in any order, overlapping or not, as disjoint ones; empty ones drop out."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(run for run in runs if run[0] <= run[1]):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return tuple(found)


def count(cells: Cells) -> int:
    """How many cells there are."""
    return sum(last - first + 1 for first, last in cells)


def gaps(cells: Cells, n: int) -> Cells:
    """The cells of ``0..n - 1`` that are left out."""
    ends = ((-1, -1), *cells, (n, n))
    return tuple((one[1] + 1, other[0] - 1) for one, other in pairwise(ends) if one[1] + 1 < other[0])


def read(reading: Reading, wanted: Cells, n: int) -> Cells:
    """The cells of an axis of size ``n`` that results read; padding is left out.

    Raises :class:`ShapeSolverError` where more than :data:`MAX_RESULTS` results have to be read one by one.
    """
    found: Iterable[Any]
    if reading.taps is None:
        found = (reading.run(first, last) for first, last in wanted)
    elif count(wanted) > MAX_RESULTS:
        raise ShapeSolverError(f"{count(wanted)} results of one axis are too many to tell cell by cell")
    else:
        taps = reading.taps
        found = ((c, c) for first, last in wanted for result in range(first, last + 1) for c in taps(result))
    return joined((max(first, 0), min(last, n - 1)) for first, last in found)


def needed(derivation: Derivation, target: Wire, wanted: Box) -> dict[Wire, Box]:
    """The cells of every tensor upstream that the wanted cells of one result depend on, itself included.

    Sizes must be numbers. Where paths join, the cells along each axis are united. Raises :class:`ShapeSolverError`
    as :func:`read` does.
    """
    found: dict[Wire, Box] = {target: wanted}
    for index in range(target.node, -1, -1):
        inputs = derivation.inputs(index)
        outcome = derivation.outcomes[index]
        if inputs is None or outcome is None:
            continue
        for output in range(len(outcome.outputs)):
            box = found.get(Wire(index, output))
            if box is None:
                continue
            readings = derivation.layers[index].readings(*inputs, output=output)
            for wire, axes, tensor in zip(derivation.graph.nodes[index].inputs, readings, inputs, strict=True):
                if axes is None:
                    continue
                sizes: Any = tensor.sizes
                cells = tuple(
                    ((0, n - 1),) if reading.follows is None else read(reading, box[reading.follows], n)
                    for reading, n in zip(axes, sizes, strict=True)
                )
                if all(cells):
                    found[wire] = _united(found.get(wire), cells)
    return found


def _united(one: Box | None, other: Box) -> Box:
    if one is None or one == other:
        return other
    return tuple(a if a == b else joined((*a, *b)) for a, b in zip(one, other, strict=True))
