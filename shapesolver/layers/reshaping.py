"""Layers that move cells between axes without changing a value.

Numbers of axes count the batch axis as 0; sizes leave it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, compare, divide_exactly
from shapesolver.layers.axes import axis_index, axis_need
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Trouble, need
from shapesolver.layers.cells import Box, reshaped
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.patches import product
from shapesolver.layers.reading import Reading, Readings, same, whole
from shapesolver.layers.registry import layer


def quotient(total: Dim, known: Dim) -> Dim:
    """``total/known`` where it is known to divide."""
    exact = divide_exactly(total, known)
    return total // known if exact is None else exact


def kept_readings(tensor: Tensor, before: int, after: int, made: Tensor) -> tuple[Reading, ...]:
    """The cell itself along the first and the last axes, which stay among those made; all of those between.

    That is a bound, except where the axes between become channels: these are seen together.
    """
    end, stays = tensor.rank - after, made.rank - after
    exact = all(axis == "C" for axis in made.axes[before:stays])
    between = (whole(n, *range(before, stays))._replace(exact=exact) for n in tensor.sizes[before:end])
    return (*map(same, range(before)), *between, *map(same, range(stays, made.rank)))


class Rearranging(Layer):
    """A layer that keeps the cells, in row order, and changes the sizes alone."""

    mixes: ClassVar = True

    def shares_memory(self) -> bool:
        return True

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        made: Any = self.outputs(*inputs)[0].sizes
        sizes: Any = inputs[0].sizes
        for box in reshaped(wanted, made, sizes):
            yield 0, box


@layer("flatten")
class Flatten(Rearranging):
    """Axes ``start`` to ``end`` multiplied into one, row by row."""

    written_by_position: ClassVar = 0
    other_names: ClassVar = {"Flatten": "start end"}

    start: int = declare(Kind.COUNT, "the first axis flattened", default=1, names=("start_dim", "axis"))
    end: int = declare(Kind.COUNT, "the last axis flattened", default=-1, names=("end_dim",))

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        (tensor,) = inputs
        if tensor.rank > 1:
            order = ", ".join(tensor.axes)
            yield f"The cells are laid in one row in the order {order}, the last axis fastest; none is lost or mixed."

    def _range(self, tensor: Tensor) -> tuple[int, int]:
        return axis_index(tensor, self.start), axis_index(tensor, self.end)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        if inputs[0].rank == 0:
            return
        yield axis_need(self, inputs[0], self.start)
        yield axis_need(self, inputs[0], self.end)
        start, end = self._range(inputs[0])
        yield need(start <= end, "axis-out-of-range", f"flatten's start {self.start} lies after its end {self.end}")

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell itself along the axes that stay; all of those that are joined."""
        if not inputs[0].sizes:
            return ((),)
        start, end = self._range(inputs[0])
        return (kept_readings(inputs[0], start, inputs[0].rank - 1 - end, self.outputs(*inputs)[0]),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        sizes = inputs[0].sizes
        if not sizes:
            return (self.tensor((1,)),)
        start, end = self._range(inputs[0])
        return (self.tensor((*sizes[:start], product(sizes[start : end + 1]), *sizes[end + 1 :])),)


@layer("reshape")
class Reshape(Rearranging):
    """The same cells under other sizes; one of them may be -1 and takes what is left."""

    other_names: ClassVar = {"Reshape view": "sizes"}

    sizes: tuple[Dim, ...] = declare(
        Kind.SIZES,
        "the new sizes, one of them perhaps -1",
        names=("target_shape", "shape"),
        least=-1,
        variadic=True,
    )

    def resolved(self, total: Dim) -> tuple[Dim, ...]:
        """The sizes with -1 replaced."""
        known = product(tuple(size for size in self.sizes if size != -1))
        return tuple(quotient(total, known) if size == -1 else size for size in self.sizes)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        total = product(inputs[0].sizes)
        yield need(
            self.sizes.count(-1) <= 1,
            "framework-limit",
            "reshape can work out one -1, and there are more",
            says="only one dimension can be inferred",
        )
        yield need(0 not in self.sizes, "empty-size", "reshape to a size of 0 leaves nothing")
        known = product(tuple(size for size in self.sizes if size != -1))
        says = f"shape '[-1, {', '.join(map(str, self.sizes))}]' is invalid for input of size {total}"
        if -1 in self.sizes:
            yield self.divisible(total, known, "the number of cells", "the sizes given", says)
            return
        yield Need(
            compare("==", total, known),
            "size-mismatch",
            lambda: Trouble(
                f"reshape to {' x '.join(map(str, self.sizes))} = {known} cells, and {inputs[0]} has {total}",
                f"{total} cells into {known}",
                says if self.dialect.torch else "",
            ),
        )

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell itself along the axes at either end whose sizes stay; all of those between."""
        old, new = inputs[0].sizes, self.resolved(product(inputs[0].sizes))
        before = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        rest = list(zip(old[before:][::-1], new[before:][::-1], strict=False))
        after = next((i for i, (a, b) in enumerate(rest) if a != b), len(rest))
        return (kept_readings(inputs[0], before, after, self.outputs(*inputs)[0]),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return (self.tensor(self.resolved(product(inputs[0].sizes))),)


@layer("permute")
class Permute(Layer):
    """The axes in another order, by name (``permute(H, W, C)``) or by number from 1."""

    other_names: ClassVar = {"Permute Transpose transpose": "order"}

    order: tuple[Any, ...] = declare(
        Kind.AXES, "the axes in their new order", names=("dims", "perm", "axes"), variadic=True
    )

    def shares_memory(self) -> bool:
        """PyTorch's is a view."""
        return self.dialect.torch

    def _indices(self, tensor: Tensor) -> list[int]:
        order = self.order[1:] if self.order[:1] == (0,) else self.order
        return [axis_index(tensor, axis) for axis in order]

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        order = self.order[1:] if self.order[:1] == (0,) else self.order
        for axis in order:
            yield axis_need(self, inputs[0], axis)
        yield need(
            sorted(self._indices(inputs[0])) == list(range(inputs[0].rank)),
            "wrong-rank",
            f"permute must name each of the {inputs[0].rank} axes of {inputs[0]} once",
        )

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell itself, along the axis' new place."""
        order = self._indices(inputs[0])
        return (tuple(same(order.index(axis)) for axis in range(inputs[0].rank)),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (tensor,) = inputs
        order = self._indices(tensor)
        return (Tensor(tuple(tensor.sizes[i] for i in order), tuple(tensor.axes[i] for i in order)),)


@layer("squeeze")
class Squeeze(Layer):
    """An axis of size 1 removed; without an axis every one whose size is the number 1."""

    other_names: ClassVar = {"Squeeze": "axis"}

    axis: Any = declare(Kind.AXIS, "the axis removed", default=None, names=("dim", "axes"))

    def shares_memory(self) -> bool:
        return True

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        if self.axis is None:
            return
        yield axis_need(self, inputs[0], self.axis)
        size = inputs[0].sizes[axis_index(inputs[0], self.axis)]
        yield Need(
            compare("==", size, 1),
            "size-mismatch",
            lambda: Trouble(f"squeeze removes axes of size 1, and this one has size {size}"),
        )

    def _kept(self, tensor: Tensor) -> list[int]:
        """The axes that stay."""
        gone = (
            {index for index, size in enumerate(tensor.sizes) if size == 1}
            if self.axis is None
            else {axis_index(tensor, self.axis)}
        )
        return [index for index in range(tensor.rank) if index not in gone]

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell itself along the axes that stay, the only cell of the others."""
        (tensor,) = inputs
        kept = self._kept(tensor)
        return (tuple(same(kept.index(a)) if a in kept else whole(1) for a in range(tensor.rank)),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (tensor,) = inputs
        kept = self._kept(tensor)
        return (Tensor(tuple(tensor.sizes[i] for i in kept), tuple(tensor.axes[i] for i in kept)),)


@layer("unsqueeze")
class Unsqueeze(Layer):
    """A new axis of size 1."""

    other_names: ClassVar = {"Unsqueeze expand_dims": "axis"}

    axis: int = declare(Kind.AXIS, "where the new axis stands", names=("dim", "axes"))

    def shares_memory(self) -> bool:
        return True

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield need(isinstance(self.axis, int), "axis-out-of-range", "unsqueeze takes the new axis' number")
        yield axis_need(self, inputs[0], self.axis, extra=1)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell itself, the new axis left out."""
        index = axis_index(inputs[0], self.axis, extra=1)
        return (tuple(same(axis + (axis >= index)) for axis in range(inputs[0].rank)),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        sizes = inputs[0].sizes
        index = axis_index(inputs[0], self.axis, extra=1)
        return (self.tensor((*sizes[:index], 1, *sizes[index:])),)


@layer("unflatten")
class Unflatten(Rearranging):
    """One axis split into several whose product it is; one of them may be -1."""

    other_names: ClassVar = {"Unflatten": "axis sizes"}

    axis: Any = declare(Kind.AXIS, "the axis split", names=("dim",))
    sizes: tuple[Dim, ...] = declare(
        Kind.SIZES, "the sizes it becomes", names=("unflattened_size",), least=-1, variadic=True
    )

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield axis_need(self, inputs[0], self.axis)
        total = inputs[0].sizes[axis_index(inputs[0], self.axis)]
        yield need(self.sizes.count(-1) <= 1, "framework-limit", "unflatten can work out one -1, and there are more")
        yield need(0 not in self.sizes, "empty-size", "unflatten to a size of 0 leaves nothing")
        known = product(tuple(size for size in self.sizes if size != -1))
        if -1 in self.sizes:
            yield self.divisible(total, known, "the axis", "the sizes given")
            return
        yield Need(
            compare("==", total, known),
            "size-mismatch",
            lambda: Trouble(f"unflatten makes {known} of an axis of {total}", f"{total} into {known}"),
        )

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell itself along the other axes; all of the axis that is split."""
        (tensor,) = inputs
        index = axis_index(tensor, self.axis)
        return (kept_readings(tensor, index, tensor.rank - 1 - index, self.outputs(*inputs)[0]),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        sizes = inputs[0].sizes
        index = axis_index(inputs[0], self.axis)
        known = product(tuple(size for size in self.sizes if size != -1))
        split = tuple(quotient(sizes[index], known) if size == -1 else size for size in self.sizes)
        return (self.tensor((*sizes[:index], *split, *sizes[index + 1 :])),)
