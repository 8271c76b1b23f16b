"""Where the batch stands among an ONNX tensor's axes, and how reshapes and transposes move it.

The language leaves the batch out: an ONNX tensor of shape ``(N, 64, H, W)`` is a result of sizes ``64 x H x W``.
Exporters move the batch and merge it with other axes, ``(L, N*heads, d)``. A *layout* lists, for each ONNX axis, the
pieces that it is made of, most significant first: :data:`BATCH`, or the number of an axis of the result. An axis
without pieces has size 1. The result's axes appear in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shapesolver.arithmetic import Dim, compare, divide_exactly
from shapesolver.layers.patches import product

BATCH = -1
"""The piece that is the batch."""

Axes = tuple[tuple[int, ...], ...]


class Reshaped(NamedTuple):
    """A layout after a reshape, and the sizes that the result takes."""

    axes: Axes
    sizes: tuple[Dim, ...]


def batched(rank: int, batch: int = 0) -> Axes:
    """The layout of a tensor of this rank, batch left out, with the batch at a place of its own."""
    inner: list[tuple[int, ...]] = [(index,) for index in range(rank)]
    inner.insert(batch, (BATCH,))
    return tuple(inner)


def unbatched(rank: int) -> Axes:
    """The layout of a tensor that has no batch."""
    return tuple((index,) for index in range(rank))


def has_batch(axes: Axes) -> bool:
    """Whether a batch is among the axes."""
    return any(BATCH in pieces for pieces in axes)


def pure(axes: Axes, axis: int) -> int | None:
    """The result's axis that an ONNX axis is, if it is exactly one."""
    pieces = axes[axis]
    return pieces[0] if len(pieces) == 1 and pieces[0] != BATCH else None


def shape(axes: Axes, sizes: tuple[Dim, ...], batch: Dim) -> tuple[Dim, ...]:
    """The ONNX shape of a result."""
    return tuple(product(tuple(batch if piece == BATCH else sizes[piece] for piece in pieces)) for pieces in axes)


def renumbered(axes: Sequence[tuple[int, ...]]) -> tuple[Axes, tuple[int, ...]]:
    """The axes with the result's axes counted in order, and the order in which they stood before."""
    order = tuple(piece for pieces in axes for piece in pieces if piece != BATCH)
    place = {old: new for new, old in enumerate(order)}
    return tuple(tuple(piece if piece == BATCH else place[piece] for piece in pieces) for pieces in axes), order


def transposed(axes: Axes, order: Sequence[int]) -> tuple[Axes, tuple[int, ...]]:
    """The layout after a transpose, and the order of the result's axes that makes it."""
    return renumbered([axes[index] for index in order])


def reshaped(axes: Axes, sizes: tuple[Dim, ...], target: tuple[Dim, ...], batch: Dim) -> Reshaped | None:
    """The layout after a reshape to the target, all of whose sizes are given; ``None`` where it cannot be told.

    Cells stay in order, so the batch stays where it is in that order: after as many cells as before.
    """
    if not has_batch(axes):
        return Reshaped(unbatched(len(target)), target)
    flat = [piece for pieces in axes for piece in pieces]
    before = product(tuple(sizes[piece] for piece in flat[: flat.index(BATCH)]))
    prefix: Dim = 1
    found: tuple[int, Dim, Dim] | None = None
    for index, size in enumerate(target):
        own = divide_exactly(size, batch)
        ahead = divide_exactly(before, prefix)
        if own is not None and ahead is not None:
            behind = divide_exactly(own, ahead)
            # A batch of 1 fits into every axis: one that is nothing else is meant before any other.
            if behind is not None and (found is None or (ahead == behind == 1 and found[1:] != (1, 1))):
                found = index, ahead, behind
        prefix = prefix * size
    if found is None:
        return None
    index, ahead, behind = found
    inner: list[Dim] = []
    layout: list[tuple[int, ...]] = []
    for number, size in enumerate(target):
        pieces: list[int] = []
        parts = ((ahead, False), (1, True), (behind, False)) if number == index else ((size, False),)
        for part, is_batch in parts:
            if is_batch:
                pieces.append(BATCH)
            elif number != index or part != 1:
                pieces.append(len(inner))
                inner.append(part)
        layout.append(tuple(pieces))
    return Reshaped(tuple(layout), tuple(inner))


def resolved(target: Sequence[Dim], shape: tuple[Dim, ...], keep_zero: bool) -> tuple[Dim, ...] | None:
    """A reshape's target with 0 (as before) and -1 (what is left) worked out; ``None`` where that cannot be."""
    sizes: list[Dim] = []
    for index, size in enumerate(target):
        if size == 0 and not keep_zero:
            if index >= len(shape):
                return None
            size = shape[index]
        sizes.append(size)
    if -1 in sizes:
        known = product(tuple(size for size in sizes if size != -1))
        total = product(shape)
        left = divide_exactly(total, known)
        if left is None:
            left = total // known if known != 0 else None
        if left is None or sizes.count(-1) > 1:
            return None
        sizes[sizes.index(-1)] = left
    return tuple(sizes)


def aligned(one: Axes, two: Axes, shape_one: tuple[Dim, ...], shape_two: tuple[Dim, ...]) -> bool:
    """Whether two layouts broadcast axis by axis, from the right, with the batch at the same place."""
    for back in range(1, min(len(one), len(two)) + 1):
        a, b = one[-back], two[-back]
        if (BATCH in a) != (BATCH in b) and shape_one[-back] != 1 and shape_two[-back] != 1:
            return False
        if BATCH in a and BATCH in b and _around(a) != _around(b):
            return False
    return True


def _around(pieces: tuple[int, ...]) -> tuple[int, int]:
    place = pieces.index(BATCH)
    return place, len(pieces) - place - 1


def same(one: Dim, two: Dim) -> bool:
    """Whether two sizes are equal whatever the symbols."""
    return compare("==", one, two) is True
