"""Layers that add or remove cells at the ends of an axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, ClassVar, Self

from shapesolver.arithmetic import Dim, ceil_div, compare, maximum, minimum
from shapesolver.layers.axes import axis_index, axis_need, with_size
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Trouble, need
from shapesolver.layers.cells import Box
from shapesolver.layers.parameters import ALIGNED, Kind, Padding, declare
from shapesolver.layers.reading import Progression, Progressions, Reading, Readings, same, shifted
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved

MODES = ("constant", "zeros", "reflect", "replicate", "circular", "edge", "symmetric", "wrap")


class Bordered(AxisWise):
    """A layer with an amount before and after each spatial axis."""

    omits: ClassVar = True
    per_axis: ClassVar[tuple[str, ...]] = ("amount",)

    amount: Padding | None

    def ends(self, axis: int) -> tuple[Dim, Dim]:
        """The cells (before, after) on an axis."""
        value = self.at("amount", axis)
        return value if isinstance(value, tuple) else (value, value)

    @classmethod
    def spelled(cls, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """In a one-dimensional spelling, as ``ZeroPadding1D((1, 2))``, two numbers are before and after."""
        amount = arguments.get("amount")
        if name.lower().endswith("1d") and isinstance(amount, tuple) and not isinstance(amount[0], tuple):
            return {**arguments, "amount": (amount,)}
        return arguments


@layer("pad")
class Pad(Bordered):
    """Cells added at both ends of each spatial axis; negative amounts crop.

    ``n + a + b``. Needs: constant at least 1 cell left; reflect ``a, b < n``; circular ``a, b <= n``, except in ONNX,
    whose runtime wraps around as often as it takes.
    """

    other_names: ClassVar = {
        "ZeroPadding1D ZeroPadding2D ZeroPadding3D ZeroPad1d ZeroPad2d ZeroPad3d ConstantPad1d ConstantPad2d": "amount",
        "Pad": "amount mode",
    }

    amount: Padding = declare(Kind.AMOUNTS, "cells added at the ends", names=("padding", "pads"))
    mode: str = declare(Kind.WORD, "what the new cells hold", default="constant", choices=MODES)

    def size(self, n: Dim, axis: int) -> Dim:
        """``n + a + b``."""
        before, after = self.ends(axis)
        return n + before + after

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """``low - a - b <= n <= high - a - b``."""
        before, after = self.ends(axis)
        return low - before - after, high - before - after

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``first - before`` to ``last - before``; mirrored cells lie inside."""
        before, _ = self.ends(axis)
        return first - before, last - before

    def reading(self, n: Dim, axis: int, follows: int) -> Reading:
        """Added cells are padding, or copies of the cells that the mode mirrors, repeats or wraps around to."""
        plain = super().reading(n, axis, follows)
        return plain if self.mode in ("constant", "zeros") else plain._replace(taps=partial(self.cells, n=n, axis=axis))

    def hollow(self, n: Dim, axis: int) -> bool:
        return self.mode in ("constant", "zeros")

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions | None:
        """The cells themselves, and those that the added ones are copies of."""
        before, _ = self.ends(axis)
        kept = wanted.moved(-before)
        ahead, behind = kept.until(-1), kept.since(n)
        match self.mode:
            case "replicate" | "edge":
                copies = [ahead.all_to(0), behind.all_to(n - 1)]
            case "reflect":
                copies = [ahead.moved(0, -1), behind.moved(n * 2 - 2, -1)]
            case "symmetric":
                copies = [ahead.moved(-1, -1), behind.moved(n * 2 - 1, -1)]
            case "circular" | "wrap":
                if any(compare("<=", amount, n) is not True for amount in self.ends(axis)) and self.dialect.onnx:
                    return None
                copies = [ahead.moved(n), behind.moved(-n)]
            case _:
                copies = []
        return (kept, *copies)

    def cells(self, result: int, n: Any, axis: int) -> Iterable[int]:
        cell: Any = result - self.ends(axis)[0]
        match self.mode:
            case "replicate" | "edge":
                cell = min(max(cell, 0), n - 1)
            case "circular" | "wrap":
                cell %= n
            case "reflect":
                cell = n - 1 - abs(n - 1 - abs(cell))
            case "symmetric":
                cell = cell if 0 <= cell < n else (-1 - cell if cell < 0 else 2 * n - 1 - cell)
        return (cell,)

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        before, after = self.ends(axis)
        size = self.size(n, axis)
        if self.mode in ("reflect", "symmetric"):
            yield self._within(n - 1 if self.mode == "reflect" else n, n, axis, "less than the size")
        if self.mode in ("circular", "wrap") and not self.dialect.onnx:
            yield self._within(n, n, axis, "at most the size")
        # What is cropped must be there: cells added at the other end cannot stand in for it.
        cropped = minimum(before, 0) + minimum(after, 0)
        yield Need(
            compare(">=", n + cropped, 0),
            "empty-size",
            lambda: Trouble(f"pad removes {-cropped} cells, and there are {n}", f"{n} - {-cropped} is negative"),
        )
        yield self.positive(size, lambda: f"{n} + {before} + {after} = {size}")

    def saves(self, *inputs: Tensor) -> Saved:
        """The input where its own cells fill the border, except wrapped around."""
        return Saved(inputs=self.mode in ("reflect", "replicate", "edge", "symmetric"))

    def _within(self, limit: Dim, n: Dim, axis: int, how: str) -> Need:
        before, after = self.ends(axis)
        says = {
            "reflect": "Padding size should be less than the corresponding input dimension, "
            f"but got: padding ({before}, {after}) at an input of size {n}",
            "circular": "Padding value causes wrapping around more than once.",
        }
        return Need(
            compare("<=", maximum(before, after), limit),
            "framework-limit",
            lambda: Trouble(
                f"{self.mode} padding must be {how} {n}, and it is ({before}, {after})",
                f"padding {maximum(before, after)}, size {n}",
                says.get(self.mode, "") if self.dialect.torch else "",
            ),
        )


@layer("crop")
class Crop(Bordered):
    """Cells removed at the ends of each spatial axis, by numbers or down to another tensor's size.

    ``crop(amount)``: ``n - a - b``. ``crop(to=other)``: the spatial sizes of ``other``, starting at ``offset``
    (half the difference when left out).
    """

    other_names: ClassVar = {"Cropping1D Cropping2D Cropping3D": "amount", "CenterCrop": "amount"}
    inputs: ClassVar[tuple[int, int | None]] = (1, 2)
    tensor_parameters: ClassVar = ("to",)
    per_axis: ClassVar[tuple[str, ...]] = ("amount", "offset")

    amount: Padding | None = declare(
        Kind.AMOUNTS, "cells removed at the ends", default=None, names=("cropping",), least=0
    )
    to: Any = declare(Kind.TENSOR, "the tensor whose spatial sizes to take", default=None)
    offset: Any = declare(
        Kind.OFFSETS,
        "where to start, with `to`: numbers, or `aligned` to lay unit on unit; the middle when left out",
        default=None,
        least=0,
    )

    @property
    def aligns(self) -> bool:
        return bool(self.offset == ALIGNED)

    def aligned(self, offsets: tuple[Dim, ...]) -> Self:
        return self.with_(offset=offsets)

    def shares_memory(self) -> bool:
        """PyTorch's is a view."""
        return self.dialect.torch

    def size(self, n: Dim, axis: int) -> Dim:
        """``n - a - b``."""
        before, after = self.ends(axis)
        return n - before - after

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """``low + a + b <= n <= high + a + b``."""
        before, after = self.ends(axis)
        return low + before + after, high + before + after

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``first + before`` to ``last + before``; cropping to another tensor starts at its offset."""
        if self.amount is not None:
            before: Dim | None = self.ends(axis)[0]
        else:
            before = None if self.aligns else self.at("offset", axis)
        # In the middle, by default: half of what is cropped, which only the other tensor's size tells.
        return (0, n - 1) if before is None else (first + before, last + before)

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions:
        """The cells themselves; what a crop to another tensor reads :meth:`readings` tells."""
        return (wanted.moved(self.ends(axis)[0]),)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """As :meth:`reads`, starting in the middle of what another tensor's size leaves over where no offset is given;
        of that tensor nothing is read."""
        if len(inputs) == 1:
            return super().readings(*inputs)
        (_, spatial), (_, targets) = map(self.split, inputs)
        start = 0 if self.dialect.channels_last else 1
        axes = tuple(
            shifted(start + axis, self.start(n, target, axis))
            for axis, (n, target) in enumerate(zip(spatial, targets, strict=True))
        )
        return ((*axes, same(len(axes))) if self.dialect.channels_last else (same(0), *axes)), None

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        if len(inputs) == 1:
            yield 0, self.box_read(wanted, inputs[0])
            return
        yield from super(AxisWise, self).read_cells(wanted, inputs, output)

    def start(self, n: Dim, target: Dim, axis: int) -> Dim:
        """Where a crop of ``n`` cells to another tensor's ``target`` starts."""
        offset: Any = None if self.aligns else self.at("offset", axis)
        return (n - target) // 2 if offset is None else offset

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        before, after = self.ends(axis)
        size = self.size(n, axis)
        yield self.positive(size, lambda: f"{n} - {before} - {after} = {size}")

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield need(
            (len(inputs) == 2) != (self.amount is not None),
            "wrong-arity",
            "crop takes either amounts, as in crop(2), or a tensor to match, as in crop(to=skip)",
        )
        if len(inputs) == 1:
            yield from super().needs(*inputs)
            return
        tensor, other = inputs
        yield self._rank_need(tensor)
        yield need(
            tensor.rank == other.rank,
            "wrong-rank",
            f"crop cannot match {tensor} to {other}: their ranks differ",
        )
        for axis, (n, target) in enumerate(zip(self.split(tensor)[1], self.split(other)[1], strict=True)):
            offset = 0 if self.offset is None or self.aligns else self.at("offset", axis)
            start = f" from {offset} on" if offset else ""
            yield need(
                compare("<=", target + offset, n),
                "size-mismatch",
                f"crop cannot make {n} into {target}{start}",
                f"{n} is less than {target + offset}",
            )

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if len(inputs) == 1:
            return super().outputs(*inputs)
        channels, _ = self.split(inputs[0])
        return (self.join(channels, self.split(inputs[1])[1]),)


@layer("slice")
class Slice(Layer):
    """Part of one axis, as Python slices: ``start``, ``stop`` (negative from the end), ``step``.

    ``ceil((min(stop, n) - min(start, n))/step)``, negative ends counted from ``n``.
    """

    omits: ClassVar = True
    written_by_position: ClassVar = 2
    other_names: ClassVar = {"Slice": "start stop axis step"}

    start: Dim = declare(Kind.SIZE, "the first index", default=0, names=("starts",))
    stop: Dim | None = declare(
        Kind.SIZE, "the index to stop before; the end when left out", default=None, names=("ends",)
    )
    step: Dim = declare(Kind.SIZE, "the distance between indices", default=1, names=("steps",), least=1)
    axis: Any = declare(Kind.AXIS, "the axis sliced", default="C", names=("dim", "axes"))

    def shares_memory(self) -> bool:
        """PyTorch's is a view."""
        return self.dialect.torch

    def _end(self, position: Dim, n: Dim) -> Dim:
        if compare("<", position, 0) is True:
            return maximum(n + position, 0)
        return minimum(position, n)

    def size(self, n: Dim) -> Dim:
        """How many indices are taken from an axis of size ``n``."""
        start = self._end(self.start, n)
        stop = n if self.stop is None else self._end(self.stop, n)
        return maximum(ceil_div(stop - start, self.step), 0)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield axis_need(self, inputs[0], self.axis)
        n = inputs[0].sizes[axis_index(inputs[0], self.axis)]
        yield self.positive(self.size(n), lambda: f"indices {self.start} to {self.stop} of {n}")

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """``start + step*i`` along the axis, the cell itself along the others."""
        (tensor,) = inputs
        index = axis_index(tensor, self.axis)
        begin = self._end(self.start, tensor.sizes[index])
        return (tuple(shifted(a, begin, self.step) if a == index else same(a) for a in range(tensor.rank)),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        index = axis_index(inputs[0], self.axis)
        return (with_size(inputs[0], index, self.size(inputs[0].sizes[index])),)
