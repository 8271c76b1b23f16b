"""Layers that take axes away by a sum, a mean or the like, and layers that repeat cells along axes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, compare, either
from shapesolver.layers.axes import axis_index, axis_need
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Trouble, need
from shapesolver.layers.cells import Box, folded
from shapesolver.layers.merging import broadcast_readings
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Readings, same, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work

REDUCTIONS = (
    "mean",
    "sum",
    "max",
    "min",
    "prod",
    "var",
    "std",
    "l1",
    "l2",
    "logsumexp",
    "any",
    "all",
    "argmax",
    "argmin",
)


OPERATIONS = {"var": 4, "std": 4, "l1": 2, "l2": 2, "logsumexp": 2}
"""The operations a cell of those that take more than one."""

LINEAR = ("mean", "sum", "any", "all", "argmax", "argmin")
"""Those whose derivative, if they have one, depends on no value."""


@layer("reduce")
class Reduce(Layer):
    """One value for all cells along the axes given, or along every axis: ``reduce(how=mean, axes=(H, W))``."""

    written_by_position: ClassVar = 0

    how: str = declare(Kind.WORD, "what becomes of the cells", default="mean", choices=REDUCTIONS)
    axes: Any = declare(Kind.AXES, "the axes taken away; all when left out", default=None, names=("axis", "dim"))
    keepdims: bool = declare(Kind.FLAG, "whether they stay, at size 1", default=False, names=("keepdim",))

    def indices(self, tensor: Tensor) -> frozenset[int]:
        """The indices of the axes taken away."""
        if self.axes is None:
            return frozenset(range(tensor.rank))
        return frozenset(axis_index(tensor, axis) for axis in self.axes)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        for axis in self.axes or ():
            yield axis_need(self, inputs[0], axis)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (tensor,) = inputs
        gone = self.indices(tensor)
        if self.keepdims:
            return (Tensor(tuple(1 if i in gone else n for i, n in enumerate(tensor.sizes)), tensor.axes),)
        kept = [i for i in range(tensor.rank) if i not in gone]
        return (Tensor(tuple(tensor.sizes[i] for i in kept), tuple(tensor.axes[i] for i in kept)),)

    def work(self, *inputs: Tensor) -> Work:
        """for each input cell 1 operation; 2 for l1, l2 and logsumexp, 4 for var and std"""
        return Work(other=inputs[0].cells * OPERATIONS.get(self.how, 1))

    def saves(self, *inputs: Tensor) -> Saved:
        """The input and the result, unless they are added alone."""
        return Saved(inputs=self.how not in LINEAR, outputs=self.how not in LINEAR)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """All of the axes taken away, the cell's own place along the others."""
        (tensor,) = inputs
        gone, found, made = self.indices(tensor), [], 0
        for index, n in enumerate(tensor.sizes):
            found.append(whole(n) if index in gone else same(made))
            made += self.keepdims or index not in gone
        return (tuple(found),)


@layer("expand")
class Expand(Layer):
    """Axes of size 1 repeated to the sizes given, from the right; -1 keeps an axis, and new axes come first."""

    other_names: ClassVar = {"Expand broadcast_to": "sizes"}

    sizes: tuple[Dim, ...] = declare(
        Kind.SIZES, "the sizes, -1 for those that stay", names=("shape",), least=-1, variadic=True
    )

    def shares_memory(self) -> bool:
        """PyTorch's is a view."""
        return self.dialect.torch

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        (tensor,) = inputs
        new = len(self.sizes) - tensor.rank
        yield need(new >= 0, "wrong-rank", f"expand to {len(self.sizes)} axes, and its input is {tensor}")
        for index, size in enumerate(self.sizes):
            if index < new:
                yield self.positive(size, lambda size=size: f"{size}")  # type: ignore[misc]
                continue
            n = tensor.sizes[index - new]
            yield Need(
                size == -1 or either(compare("==", n, 1), compare("==", n, size)),
                "size-mismatch",
                lambda n=n, size=size: Trouble(  # type: ignore[misc]
                    f"expand repeats axes of size 1, and this one has size {n}, not {size}", f"{n} is not {size}"
                ),
            )
            if size != -1:
                yield self.positive(size, lambda size=size: f"{size}")  # type: ignore[misc]

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (tensor,) = inputs
        new = len(self.sizes) - tensor.rank
        kept = (*self.sizes[:new], *tensor.sizes)
        sizes = tuple(own if size == -1 else size for own, size in zip(kept, self.sizes, strict=True))
        return (Tensor(sizes, tensor.axes) if new == 0 else self.tensor(sizes),)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell at its own place, or the only one."""
        return (broadcast_readings(inputs[0].sizes, self.outputs(*inputs)[0].sizes),)


@layer("tile")
class Tile(Layer):
    """Every axis laid out as often as its number says."""

    other_names: ClassVar = {"Tile": "times"}

    times: tuple[Dim, ...] = declare(
        Kind.SIZES, "how often, one number for each axis", names=("repeats",), least=1, variadic=True
    )

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        (tensor,) = inputs
        yield need(
            len(self.times) == tensor.rank,
            "wrong-rank",
            f"tile has {len(self.times)} numbers, and its input {tensor} has {tensor.rank} axes",
        )
        for times in self.times:
            yield self.positive(times, lambda times=times: f"{times}")  # type: ignore[misc]

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (tensor,) = inputs
        return (Tensor(tuple(n * times for n, times in zip(tensor.sizes, self.times, strict=True)), tensor.axes),)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Some cell of each axis; together the results read every one."""
        return (tuple(whole(n, axis)._replace(exact=False) for axis, n in enumerate(inputs[0].sizes)),)

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        yield 0, tuple(folded(cells, n) for cells, n in zip(wanted, inputs[0].sizes, strict=True))  # type: ignore[arg-type]
