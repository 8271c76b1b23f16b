"""Sets of cells along an axis, as the bits of an integer, and boxes of them: what is read, cell by cell.

Bit ``i`` stands for cell ``i``. A box is one such set for each axis of a tensor, and holds their product. What a
layer reads of a box is again boxes, because windows along different axes do not mix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod

from shapesolver.layers.reading import Reading

Cells = int
"""A set of cells along one axis: bit ``i`` for cell ``i``."""

Box = tuple[Cells, ...]
"""The product of one set of cells for each axis of a tensor, in the order of its sizes."""

MAX_FLAT = 2**26
"""The most cells that are followed one by one through a reshape."""


class TooManyCells(ValueError):
    """A tensor is too large for its cells to be followed one by one."""


def every(n: int) -> Cells:
    """All cells of an axis of size ``n``. Raises :class:`TooManyCells`."""
    if n > MAX_FLAT:
        raise TooManyCells(f"an axis has {n} cells; {MAX_FLAT} is the most that are followed one by one")
    return (1 << n) - 1


def span(first: int, stop: int) -> Cells:
    """The cells ``first`` to ``stop - 1``, negative ones left out."""
    first = max(first, 0)
    return every(stop) & ~every(first) if stop > first else 0


def full(sizes: Iterable[int]) -> Box:
    """All cells of a tensor."""
    return tuple(map(every, sizes))


def shifted(cells: Cells, by: int) -> Cells:
    """``{i + by}``; what falls below 0 is left out."""
    return cells << by if by >= 0 else cells >> -by


def spread(cells: Cells, step: int) -> Cells:
    """``{step*i}``."""
    if step == 1 or not cells:
        return cells
    # The bits as text, zeros put between them: as long as the result, and no loop.
    return int(("0" * (step - 1)).join(f"{cells:b}"), 2)


def gathered(cells: Cells, step: int, start: int = 0) -> Cells:
    """``{i : step*i + start in cells, i >= 0}``; ``start`` may be negative."""
    if start < 0:
        skipped = -(start // step)
        return gathered(cells, step, start + skipped * step) << skipped
    cells >>= start
    if step == 1 or not cells:
        return cells
    return int(f"{cells:b}"[::-1][::step][::-1], 2)


def members(cells: Cells) -> Iterator[int]:
    """The cells in rising order."""
    for first, stop in runs(cells):
        yield from range(first, stop)


def runs(cells: Cells) -> Iterator[tuple[int, int]]:
    """The runs ``(first, past the last)`` in rising order."""
    offset = 0
    while cells:
        zeros = (cells & -cells).bit_length() - 1
        cells >>= zeros
        ones = (~cells & (cells + 1)).bit_length() - 1
        yield offset + zeros, offset + zeros + ones
        cells >>= ones
        offset += zeros + ones


def mapped(cells: Iterable[int]) -> Cells:
    """The set of these cells."""
    found = 0
    for cell in cells:
        found |= 1 << cell
    return found


def tiled(cells: Cells, length: int, count: Cells) -> Cells:
    """``{length*j + i}`` for every ``i`` in the cells, all below ``length``, and ``j`` in ``count``."""
    # No two of the pieces overlap, so that the product is their union.
    return cells * spread(count, length)


def folded(cells: Cells, n: int) -> Cells:
    """``{i % n}``."""
    read = 0
    while cells:
        read, cells = read | cells & every(n), cells >> n
    return read


def grouped(wanted: Cells, results: int, channels: int, groups: int) -> Cells:
    """The channels that these results depend on, where both are dealt out in equal groups that do not mix."""
    made, read = results // groups, channels // groups
    touched = (group for group in range(groups) if wanted & span(group * made, (group + 1) * made))
    return tiled(every(read), read, mapped(touched))


def followed(reading: Reading, wanted: Box, n: int) -> Cells:
    """The cells of an input's axis of size ``n`` that a box of results reads."""
    if reading.follows is None:
        return every(n)
    cells, read = wanted[reading.follows], 0
    if reading.taps is not None:
        return mapped(cell for result in members(cells) for cell in reading.taps(result) if 0 <= cell < n)
    for first, stop in runs(cells):
        low, high = reading.run(first, stop - 1)
        read |= span(low, high + 1)  # type: ignore[arg-type]
    return read & every(n)


# Boxes.


def flat(box: Sequence[Cells], sizes: Sequence[int]) -> Cells:
    """The box as cells of its tensor flattened row by row."""
    cells, length = 1, 1
    for axis in range(len(sizes) - 1, -1, -1):
        cells = tiled(cells, length, box[axis])
        length *= sizes[axis]
    return cells


def boxes_of(cells: Cells, sizes: Sequence[int]) -> Iterator[Box]:
    """Cells of a flattened tensor as boxes of it, which do not overlap."""
    if not cells:
        return
    if not sizes:
        yield ()
        return
    inner = prod(sizes[1:])
    if cells == every(inner * sizes[0]):
        yield full(sizes)
        return
    row = every(inner)
    rows: dict[Cells, Cells] = {}
    for index in range(sizes[0]):
        part = (cells >> (index * inner)) & row
        rows[part] = rows.get(part, 0) | 1 << index
    for part, indices in rows.items():
        for rest in boxes_of(part, sizes[1:]):
            yield (indices, *rest)


def reshaped(box: Box, made: Sequence[int], sizes: Sequence[int]) -> Iterator[Box]:
    """A box of a tensor of the sizes ``made`` as boxes of the same cells, in row order, under other sizes.

    Axes that stay, or whose products do, are taken apart. Raises :class:`TooManyCells`.
    """
    parts = [_regrouped(box[a:b], made[a:b], sizes[c:d]) for a, b, c, d in _aligned(made, sizes)]
    for chosen in product(*parts):
        yield tuple(cells for part in chosen for cells in part)


def _regrouped(box: Box, made: Sequence[int], sizes: Sequence[int]) -> tuple[Box, ...]:
    if tuple(made) == tuple(sizes):
        return (box,)
    if box == full(made):
        return (full(sizes),)
    if prod(sizes) > MAX_FLAT:
        raise TooManyCells(f"{prod(sizes)} cells are rearranged; {MAX_FLAT} is the most that are followed one by one")
    return united(boxes_of(flat(box, made), sizes))


def _aligned(made: Sequence[int], sizes: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """The shortest stretches of both shapes with equal products, as (start, end) of each."""
    i = j = 0
    while i < len(made) and j < len(sizes):
        start, other, left, right = i, j, made[i], sizes[j]
        i, j = i + 1, j + 1
        while left != right:
            if left < right:
                left, i = left * made[i], i + 1
            else:
                right, j = right * sizes[j], j + 1
        # Axes of size 1 at the end belong to the last stretch.
        if i == len(made) or j == len(sizes):
            i, j = len(made), len(sizes)
        yield start, i, other, j
    if not made or not sizes:
        yield 0, len(made), 0, len(sizes)


def united(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The same cells in fewer boxes: those that differ along one axis are joined, those inside others dropped."""
    found = dict.fromkeys(box for box in boxes if all(box))
    before = -1
    while len(found) not in (before, 1, 0):
        before = len(found)
        for axis in range(len(next(iter(found)))):
            joined: dict[tuple[Cells, ...], Cells] = {}
            for box in found:
                others = box[:axis] + box[axis + 1 :]
                joined[others] = joined.get(others, 0) | box[axis]
            found = dict.fromkeys((*others[:axis], cells, *others[axis:]) for others, cells in joined.items())
    return tuple(box for box in found if not any(other is not box and _inside(box, other) for other in found))


def _inside(box: Box, other: Box) -> bool:
    return all(mine & ~theirs == 0 for mine, theirs in zip(box, other, strict=True))


def count(boxes: Sequence[Box]) -> int:
    """How many cells the boxes hold together, each counted once."""
    if not boxes:
        return 0
    if len(boxes) == 1:
        return prod(cells.bit_count() for cells in boxes[0])
    return sum(
        cells.bit_count() * (count(united(boxes[number][1:] for number in inside)) if boxes[0][1:] else 1)
        for cells, inside in _atoms([box[0] for box in boxes])
    )


def _atoms(sets: Sequence[Cells]) -> Iterator[tuple[Cells, tuple[int, ...]]]:
    """The cells of the union, put together where the same sets hold them."""
    atoms: list[tuple[Cells, tuple[int, ...]]] = []
    covered = 0
    for number, cells in enumerate(sets):
        split: list[tuple[Cells, tuple[int, ...]]] = [(cells & ~covered, (number,))]
        for atom, inside in atoms:
            split += [(atom & cells, (*inside, number)), (atom & ~cells, inside)]
        covered |= cells
        atoms = [part for part in split if part[0]]
    return iter(atoms)


def outside(boxes: Iterable[Box], sizes: Sequence[int]) -> tuple[Box, ...]:
    """The cells of a tensor that are in none of the boxes."""
    left: tuple[Box, ...] = (full(sizes),)
    for box in boxes:
        left = united(part for one in left for part in _without(one, box))
    return left


def _without(box: Box, other: Box) -> Iterator[Box]:
    """A box less another, as boxes that do not overlap."""
    for axis, (mine, theirs) in enumerate(zip(box, other, strict=True)):
        yield (*box[:axis], mine & ~theirs, *box[axis + 1 :])
        box = (*box[:axis], mine & theirs, *box[axis + 1 :])


def met(boxes: Iterable[Box], others: Sequence[Box]) -> tuple[Box, ...]:
    """The cells that are both in some box and in some other."""
    return united(tuple(a & b for a, b in zip(one, two, strict=True)) for one in boxes for two in others)
