"""The windows of one layer, an axis at a time: which cells each result reads, and which no result reads."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from shapesolver.arithmetic import Dim
from shapesolver.arithmetic.sets import IntSet
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.adaptive import AdaptivePool
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.transposed import ConvTranspose, Spreading
from shapesolver.layers.windows import Windowed
from shapesolver.placed import PlacedLayer

WINDOWED = (Windowed, Spreading, AdaptivePool)

MAX_TAPS = 2_000_000
"""The most cells of windows with gaps that are looked at one by one."""


class NoWindowsError(ShapeSolverError):
    """A layer whose results read no windows of an axis."""


@dataclass(frozen=True)
class Strip:
    """One axis of a layer at a known size. Cells and results are counted from 0."""

    layer: AxisWise
    axis: str
    index: int
    """The number of the axis among the spatial ones."""
    size: int
    """The cells of the input."""
    made: int
    """The results."""

    @property
    def spreads(self) -> bool:
        """Whether each input cell writes a window of results, as in a transposed convolution."""
        return isinstance(self.layer, Spreading)

    @cached_property
    def pads(self) -> tuple[int, int]:
        """The padding (before, after) that windows may lie over; none for layers without windows."""
        layer = self.layer
        if isinstance(layer, Windowed) and not self.spreads:
            before, after = layer.pads(self.size, self.index)
            return known(before), known(after)
        return 0, 0

    def cells(self, result: int) -> tuple[int, ...]:
        """The cells that a result reads, ascending; those outside ``0..size - 1`` are padding, or missing."""
        return tuple(self.layer.cells(result, self.size, self.index))

    def writes(self, cell: int) -> tuple[int, ...]:
        """The results that an input cell writes into, of a layer that spreads."""
        layer = self.layer
        assert isinstance(layer, Spreading)
        near, reach = known(layer.at("stride", self.index)), known(layer.base(self.index))
        around = range(max((cell - 1) * near - reach, 0), min((cell + 2) * near + 2 * reach, self.made))
        return tuple(result for result in around if cell in self.cells(result))

    @cached_property
    def overlap(self) -> tuple[int, ...]:
        """How many cells write each of ``stride`` results in turn, away from the ends; nothing for other layers."""
        layer = self.layer
        if not isinstance(layer, ConvTranspose):
            return ()
        kernel, stride, dilation = (known(layer.at(name, self.index)) for name in ("kernel", "stride", "dilation"))
        start = known(layer.before(self.size, self.index))
        return tuple(
            sum((start + result - dilation * tap) % stride == 0 for tap in range(kernel)) for result in range(stride)
        )

    @cached_property
    def fitting(self) -> Fraction | None:
        """How many windows fit, as a fraction: ``(n + p - k)/s + 1``; ``None`` where the law is another."""
        layer = self.layer
        if not isinstance(layer, Windowed) or self.spreads or layer.fills:
            return None
        extent, stride = known(layer.extent(self.index)), known(layer.at("stride", self.index))
        return Fraction(self.size + sum(self.pads) - extent, stride) + 1

    @cached_property
    def dropped(self) -> tuple[int, ...]:
        """The cells of the window that begins inside and does not fit; empty where there is none."""
        if self.fitting is None or self.fitting.denominator == 1 or self.fitting > self.made + 1:
            return ()
        cells = self.cells(self.made)
        return cells if cells[0] < self.size + self.pads[1] <= cells[-1] else ()

    @cached_property
    def unread(self) -> IntSet:
        """The cells of the input that no result reads. Raises :class:`NoWindowsError` beyond :data:`MAX_TAPS`."""
        everything = IntSet.interval(0, self.size - 1)
        if not self.layer.skips(self.index):
            first, last = self.layer.reads(0, self.made - 1, self.size, self.index)
            return everything - IntSet.interval(known(first), known(last))
        if self.made * len(self.cells(0)) > MAX_TAPS:
            raise NoWindowsError(f"the windows along {self.axis} have more than {MAX_TAPS:,} cells")
        return everything - IntSet.finite({cell for result in range(self.made) for cell in self.cells(result)})


def strips(placed: PlacedLayer) -> tuple[Strip, ...]:
    """The spatial axes of a layer in order, sizes known.

    Raises :class:`NoWindowsError` for a layer of another kind, and where a size is symbolic.
    """
    layer = placed.kind
    result = placed.tensor
    inputs = placed.input_tensors
    if not isinstance(layer, WINDOWED) or not inputs or inputs[0].rank != result.rank:
        message = f"{placed.path} is {layer.describe()}, in which no windows slide; ask about a convolution or a pool"
        raise NoWindowsError(message)
    axes = [axis for axis in inputs[0].axes if axis != "C"]
    _, before = layer.split(inputs[0])
    _, after = layer.split(result)
    if not all(isinstance(size, int) for size in (*before, *after)):
        raise NoWindowsError(f"{placed.path}'s size depends on the input's; give it, as in --at H=224,W=224")
    rows = zip(axes, before, after, strict=True)
    return tuple(Strip(layer, axis, i, known(n), known(made)) for i, (axis, n, made) in enumerate(rows))


def known(size: Dim) -> int:
    """A size that is a number, as every size of a strip is."""
    assert isinstance(size, int)
    return size
