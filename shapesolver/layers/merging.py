"""Layers that make one tensor of several."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, Truth, compare, either
from shapesolver.layers.axes import axis_index, axis_need, with_size
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Trouble, need
from shapesolver.layers.cells import Box
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Reading, Readings, same, shifted, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work


def axis_parameter(doc: str, **more: Any) -> Any:
    """The axis along which tensors are joined."""
    return declare(Kind.AXIS, doc, names=("dim", "concat_axis"), **more)


@layer("concat")
class Concat(Layer):
    """Tensors joined along one axis; their other sizes must be equal."""

    written_by_position: ClassVar = 0
    other_names: ClassVar = {"Concatenate concatenate cat Concat": "axis"}
    inputs: ClassVar[tuple[int, int | None]] = (2, None)

    axis: Any = axis_parameter("the axis along which they are joined", default="C")

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        first = inputs[0]
        yield axis_need(self, first, self.axis)
        joined = axis_index(first, self.axis)
        for number, other in enumerate(inputs[1:], start=2):
            yield need(
                other.rank == first.rank,
                "wrong-rank",
                f"concat's inputs have different ranks: {first} and {other}",
            )
            for index, (one, two) in enumerate(zip(first.sizes, other.sizes, strict=True)):
                if index != joined:
                    yield self._equal(one, two, first.axes[index], number)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Along the axis each input reads from where the one before ends; the cell itself along the others."""
        index = axis_index(inputs[0], self.axis)
        start: Dim = 0
        found = []
        for tensor in inputs:
            along = shifted(index, -start)._replace(uniform=False, hollow=True)
            found.append(tuple(along if axis == index else same(axis) for axis in range(tensor.rank)))
            start = tensor.sizes[index] + start
        return tuple(found)

    def over_maps(self, places: int) -> Layer | None:
        """Along the channels."""
        return self.with_(axis="C") if places == 1 else None

    def _equal(self, one: Dim, two: Dim, axis: str, number: int) -> Need:
        return Need(
            compare("==", one, two),
            "size-mismatch",
            lambda: Trouble(
                f"concat along {self.axis} needs equal sizes elsewhere, and along {axis} they are {one} and {two}",
                f"{axis}: {one} is not {two}",
                {
                    "torch": f"Sizes of tensors must match except in dimension {self.axis}. Expected size {one} "
                    f"but got size {two} for tensor number {number - 1} in the list.",
                    "keras": "A `Concatenate` layer requires inputs with matching shapes except for the "
                    "concatenation axis.",
                }.get(self.dialect.name, ""),
            ),
        )

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        index = axis_index(inputs[0], self.axis)
        total: Dim = 0
        for tensor in inputs:
            total = tensor.sizes[index] + total
        return (with_size(inputs[0], index, total),)


@layer("stack")
class Stack(Layer):
    """Equal tensors laid side by side along a new axis."""

    written_by_position: ClassVar = 0
    other_names: ClassVar = {"Stack": "axis"}
    inputs: ClassVar[tuple[int, int | None]] = (1, None)

    axis: int = axis_parameter("the new axis' number", default=1)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        first = inputs[0]
        yield need(isinstance(self.axis, int), "axis-out-of-range", "stack takes the new axis' number")
        yield axis_need(self, first, self.axis, extra=1)
        for other in inputs[1:]:
            yield need(other.rank == first.rank, "wrong-rank", f"stack needs equal tensors: {first} and {other}")
            for one, two in zip(first.sizes, other.sizes, strict=True):
                message = f"stack needs equal sizes, and they are {one} and {two}"
                yield need(compare("==", one, two), "size-mismatch", message)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """A result at its own place, the new axis left out."""
        index = axis_index(inputs[0], self.axis, extra=1)
        places = (axis + (axis >= index) for axis in range(inputs[0].rank))
        return (tuple(same(place)._replace(together=(index,)) for place in places),) * len(inputs)

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        index = axis_index(inputs[0], self.axis, extra=1)
        for number, box in super().read_cells(wanted, inputs, output):
            if wanted[index] >> number & 1:
                yield number, box

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        index = axis_index(inputs[0], self.axis, extra=1)
        sizes = inputs[0].sizes
        return (self.tensor((*sizes[:index], len(inputs), *sizes[index:])),)


def broadcast(one: Dim, two: Dim) -> tuple[Truth, Dim]:
    """Whether two sizes broadcast, and to what: equal, or one of them 1."""
    equal = compare("==", one, two)
    if one == 1 or equal is True:
        return True, two
    if two == 1:
        return True, one
    return either(equal, compare("==", one, 1), compare("==", two, 1)), one if isinstance(two, int) else two


def broadcast_sizes(left: tuple[Dim, ...], right: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """Two shapes broadcast from the right."""
    pairs = zip_longest(reversed(left), reversed(right), fillvalue=1)
    return tuple(broadcast(one, two)[1] for one, two in pairs)[::-1]


def broadcast_readings(sizes: tuple[Dim, ...], made: tuple[Dim, ...]) -> tuple[Reading, ...]:
    """A cell at its own place, counted from the right; the only cell of an axis that is repeated."""
    missing = len(made) - len(sizes)
    return tuple(
        whole(n) if n == 1 and made[missing + axis] != 1 else same(missing + axis) for axis, n in enumerate(sizes)
    )


class Arithmetic(Layer):
    """Cell by cell over tensors whose sizes are equal, or 1, from the right."""

    inputs: ClassVar[tuple[int, int | None]] = (2, None)
    saved: ClassVar[Saved] = Saved()

    def work(self, *inputs: Tensor) -> Work:
        """for each output cell one operation fewer than there are inputs"""
        return Work(other=self.outputs(*inputs)[0].cells * (len(inputs) - 1))

    def saves(self, *inputs: Tensor) -> Saved:
        """The inputs where the derivative depends on them."""
        return self.saved

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        sizes = inputs[0].sizes
        for tensor in inputs[1:]:
            axes = max(inputs[0].axes, tensor.axes, key=len)
            pairs = zip_longest(reversed(sizes), reversed(tensor.sizes), fillvalue=1)
            for index, (one, two) in enumerate(pairs):
                yield self._broadcasts(one, two, axes[len(axes) - 1 - index])
            sizes = broadcast_sizes(sizes, tensor.sizes)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """A cell at its own place in each input."""
        made = self.outputs(*inputs)[0].sizes
        return tuple(broadcast_readings(tensor.sizes, made) for tensor in inputs)

    def over_maps(self, places: int) -> Layer | None:
        """Itself, cell by cell."""
        return self

    def _broadcasts(self, one: Dim, two: Dim, axis: str) -> Need:
        # A symbolic size is the author's own: where 1 would broadcast too, equality is what is meant.
        truth = compare("==", one, two) if 1 not in (one, two) else True
        return Need(
            truth,
            "size-mismatch",
            lambda: Trouble(
                f"{self.op} needs equal sizes, and along {axis} they are {one} and {two}",
                f"{axis}: {one} is not {two}",
                f"The size of tensor a ({one}) must match the size of tensor b ({two}) at non-singleton dimension"
                if self.dialect.torch
                else "",
            ),
        )

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        sizes = inputs[0].sizes
        for tensor in inputs[1:]:
            sizes = broadcast_sizes(sizes, tensor.sizes)
        axes = next((t.axes for t in inputs if t.rank == len(sizes)), self.dialect.axes(len(sizes)))
        return (Tensor(sizes, axes),)


@layer("add")
class Add(Arithmetic):
    """The sum of its inputs."""

    other_names: ClassVar = {"Add": ""}


@layer("sub")
class Sub(Arithmetic):
    """The first input less the second."""

    other_names: ClassVar = {"Subtract subtract Sub": ""}
    inputs: ClassVar[tuple[int, int | None]] = (2, 2)


@layer("mul")
class Mul(Arithmetic):
    """The product of its inputs."""

    other_names: ClassVar = {"Multiply multiply Mul": ""}
    saved: ClassVar = Saved(inputs=True)


@layer("max")
class Max(Arithmetic):
    """The greatest of its inputs."""

    other_names: ClassVar = {"Maximum maximum Max": ""}
    saved: ClassVar = Saved(inputs=True)


@layer("min")
class Min(Arithmetic):
    """The least of its inputs."""

    other_names: ClassVar = {"Minimum minimum Min": ""}
    saved: ClassVar = Saved(inputs=True)


@layer("average")
class Average(Arithmetic):
    """The mean of its inputs."""

    other_names: ClassVar = {"Average Mean": ""}

    def work(self, *inputs: Tensor) -> Work:
        """for each output cell as many operations as there are inputs"""
        return Work(other=self.outputs(*inputs)[0].cells * len(inputs))


@layer("div")
class Div(Arithmetic):
    """The first input divided by the second."""

    other_names: ClassVar = {"Divide divide Div": ""}
    saved: ClassVar = Saved(inputs=True)
    inputs: ClassVar[tuple[int, int | None]] = (2, 2)


@layer("power")
class Power(Arithmetic):
    """The first input to the power of the second."""

    other_names: ClassVar = {"Power Pow": ""}
    saved: ClassVar = Saved(inputs=True, outputs=True)
    inputs: ClassVar[tuple[int, int | None]] = (2, 2)


@layer("matmul")
class MatMul(Layer):
    """The matrix product over the last two axes: ``(..., M, K)`` by ``(..., K, N)``."""

    other_names: ClassVar = {"MatMul bmm": ""}
    inputs: ClassVar[tuple[int, int | None]] = (2, 2)

    def work(self, *inputs: Tensor) -> Work:
        """for each output cell as many multiply-accumulates as the left has columns"""
        return Work(self.outputs(*inputs)[0].cells * inputs[0].sizes[-1])

    def saves(self, *inputs: Tensor) -> Saved:
        return Saved(inputs=True)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        left, right = inputs
        yield need(
            left.rank >= 1 and right.rank >= 2,
            "wrong-rank",
            f"matmul needs rows and columns, and its inputs are {left} and {right}",
        )
        inner, rows = left.sizes[-1], right.sizes[-2]
        yield Need(
            compare("==", inner, rows),
            "size-mismatch",
            lambda: Trouble(
                f"matmul needs the left's columns to be the right's rows, and they are {inner} and {rows}",
                f"{inner} is not {rows}",
                f"mat1 and mat2 shapes cannot be multiplied ({left} and {right})" if self.dialect.torch else "",
            ),
        )
        pairs = zip_longest(reversed(left.sizes[:-2]), reversed(right.sizes[:-2]), fillvalue=1)
        for one, two in pairs:
            message = f"matmul's leading sizes {one} and {two} differ"
            yield need(broadcast(one, two)[0], "size-mismatch", message)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """A row of the left, a column of the right, the place along leading axes."""
        left, right = (tensor.sizes for tensor in inputs)
        made = self.outputs(*inputs)[0].sizes
        leading = made[:-2] if len(left) > 1 else made[:-1]
        rows = (same(len(made) - 2),) if len(left) > 1 else ()
        return (
            (*broadcast_readings(left[:-2], leading), *rows, whole(left[-1])),
            (*broadcast_readings(right[:-2], leading), whole(right[-2]), same(len(made) - 1)),
        )

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        left, right = (tensor.sizes for tensor in inputs)
        leading = broadcast_sizes(left[:-2], right[:-2])
        return (self.tensor((*leading, *left[-2:-1], right[-1])),)
