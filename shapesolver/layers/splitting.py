"""Layers that make several tensors of one: ``a, b = split(64, 64)``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, ceil_div, compare
from shapesolver.layers.axes import axis_index, axis_need, with_size
from shapesolver.layers.base import Layer, Need, Tensor, Trouble, need
from shapesolver.layers.merging import axis_parameter
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Readings, same, shifted
from shapesolver.layers.registry import layer

MAX_PIECES = 1024
"""The greatest number of tensors that one layer may make."""


@layer("split")
class Split(Layer):
    """One axis cut into pieces of the sizes given, or into equal pieces of one size given (the last may be less)."""

    omits: ClassVar = True
    other_names: ClassVar = {"Split": "sizes"}

    sizes: tuple[Dim, ...] = declare(
        Kind.SIZES,
        "the pieces' sizes, or one size for all",
        names=("split_size", "split_sizes"),
        least=1,
        variadic=True,
    )
    axis: Any = axis_parameter("the axis cut", default="C")

    def shares_memory(self) -> bool:
        """PyTorch's is a view."""
        return self.dialect.torch

    def pieces(self, n: Dim) -> tuple[Dim, ...]:
        """The sizes of the pieces of an axis of size ``n``."""
        if len(self.sizes) > 1:
            return self.sizes
        (size,) = self.sizes
        count = ceil_div(n, size)
        if not isinstance(count, int):
            return ()
        return tuple(size if index < count - 1 else n - size * (count - 1) for index in range(count))

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield axis_need(self, inputs[0], self.axis)
        n = inputs[0].sizes[axis_index(inputs[0], self.axis)]
        if len(self.sizes) > 1:
            total = sum(self.sizes[1:], self.sizes[0])
            yield Need(
                compare("==", total, n),
                "size-mismatch",
                lambda: Trouble(
                    f"split's sizes add up to {total}, and the axis has {n}",
                    f"{total} is not {n}",
                    f"split_with_sizes expects split_sizes to sum exactly to {n}" if self.dialect.torch else "",
                ),
            )
            return
        count = ceil_div(n, self.sizes[0])
        yield from countable(self, count)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The piece's own cells."""
        index = axis_index(inputs[0], self.axis)
        return piece_readings(inputs[0], index, self.pieces(inputs[0].sizes[index]), output)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        index = axis_index(inputs[0], self.axis)
        return tuple(with_size(inputs[0], index, size) for size in self.pieces(inputs[0].sizes[index]))


def piece_readings(tensor: Tensor, index: int, pieces: tuple[Dim, ...], output: int) -> Readings:
    """One piece of a tensor cut along the axis with this index."""
    start: Dim = 0
    for size in pieces[:output]:
        start = size + start
    return (tuple(shifted(axis, start) if axis == index else same(axis) for axis in range(tensor.rank)),)


def countable(layer: Layer, count: Dim) -> Iterator[Need]:
    """That the number of pieces is a number, and not beyond reason."""
    yield need(
        isinstance(count, int),
        "framework-limit",
        f"{layer.op} makes {count} pieces, which depends on the input; state the sizes of all",
    )
    yield need(
        isinstance(count, int) and count <= MAX_PIECES,
        "framework-limit",
        f"{layer.op} makes {count} pieces; {MAX_PIECES} is the most",
    )


@layer("chunk")
class Chunk(Layer):
    """One axis cut into ``parts`` pieces of ``ceil(n/parts)``, the last smaller, and fewer when that is enough."""

    omits: ClassVar = True
    other_names: ClassVar = {"Chunk": "parts"}

    parts: int = declare(Kind.SIZE, "how many pieces at the most", names=("chunks", "num_outputs"), least=1)
    axis: Any = axis_parameter("the axis cut", default="C")

    def shares_memory(self) -> bool:
        """PyTorch's is a view."""
        return self.dialect.torch

    def pieces(self, n: Dim) -> tuple[Dim, ...]:
        """The sizes of the pieces of an axis of size ``n``."""
        size = ceil_div(n, self.parts)
        if not isinstance(n, int) or not isinstance(size, int):
            return (n // self.parts,) * self.parts
        count = -(-n // size)
        return tuple(min(size, n - size * index) for index in range(count))

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield axis_need(self, inputs[0], self.axis)
        yield from countable(self, self.parts)
        n = inputs[0].sizes[axis_index(inputs[0], self.axis)]
        if not isinstance(n, int):
            # How many pieces an uneven size makes depends on the size; equal pieces are what is meant.
            yield self.divisible(n, self.parts, "a symbolic axis", "the number of pieces")

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The piece's own cells."""
        index = axis_index(inputs[0], self.axis)
        return piece_readings(inputs[0], index, self.pieces(inputs[0].sizes[index]), output)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        index = axis_index(inputs[0], self.axis)
        return tuple(with_size(inputs[0], index, size) for size in self.pieces(inputs[0].sizes[index]))
