"""Naming one axis of a tensor: by letter, or by a framework's number, which counts the batch axis as 0."""

from __future__ import annotations

from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.layers.base import Layer, Need, Tensor, Trouble
from shapesolver.layers.parameters import show


def axis_index(tensor: Tensor, axis: Any, extra: int = 0) -> int:
    """The index into ``tensor.sizes`` of an axis that :func:`axis_need` accepts.

    ``extra`` is 1 where the index may also be one past the end, as for a new axis.
    """
    if isinstance(axis, str):
        return tensor.axes.index(axis)
    return axis - 1 if axis > 0 else tensor.rank + extra + axis  # type: ignore[no-any-return]


def has_axis(tensor: Tensor, axis: Any, extra: int = 0) -> bool:
    """Whether the tensor has this axis; the batch axis (0) is nobody's to name."""
    if isinstance(axis, str):
        return axis in tensor.axes
    return bool(axis != 0 and -tensor.rank - extra <= axis <= tensor.rank + extra)


def axis_need(layer: Layer, tensor: Tensor, axis: Any, extra: int = 0) -> Need:
    """That the tensor has this axis."""

    def trouble() -> Trouble:
        names = ", ".join(tensor.axes) or "none"
        known = f"{tensor} has the axes {names} (numbers 1 to {tensor.rank + extra}; 0 is the batch)"
        return Trouble(f"{layer.op} is asked for axis {show(axis)}, and {known}", f"axis={show(axis)}")

    return Need(has_axis(tensor, axis, extra), "axis-out-of-range", trouble)


def with_size(tensor: Tensor, index: int, size: Dim) -> Tensor:
    """The tensor with one size replaced."""
    sizes = (*tensor.sizes[:index], size, *tensor.sizes[index + 1 :])
    return Tensor(sizes, tensor.axes)


def plain(sizes: tuple[Dim, ...]) -> Dim | tuple[Dim, ...]:
    """One number for each axis as people write it: a single one where all are equal."""
    return sizes[0] if len(set(sizes)) == 1 else sizes
