"""Windows that slide along an axis: what convolutions, pools and patches have in common.

With ``k`` the effective kernel ``dilation*(kernel - 1) + 1``, ``s`` the stride and ``p`` the padding of both ends
together, ``(n + p - k)//s + 1`` windows fit. Source: Dumoulin and Visin, *A guide to convolution arithmetic for
deep learning* (2016), relationships 6 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, compare, maximum, minimum
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Need, Trouble
from shapesolver.layers.cells import Cells, every, shifted, spread
from shapesolver.layers.parameters import Kind, Padding, PerAxis, declare
from shapesolver.layers.reading import Progression, Progressions

KERNEL_NAMES = ("kernel_size", "kernel_shape", "filter_size", "filter_length", "filter_shape")
STRIDE_NAMES = ("strides", "subsample", "subsample_length", "stride_length")
PADDING_NAMES = ("pads", "border_mode", "auto_pad")
DILATION_NAMES = ("dilations", "dilation_rate", "atrous_rate")


def kernel_parameter(names: tuple[str, ...] = ("nb_row:0", "nb_col:1"), **more: Any) -> Any:
    """The window's size."""
    return declare(Kind.PER_AXIS, "window size", names=(*KERNEL_NAMES, *names), least=1, **more)


def stride_parameter(default: int | None = 1) -> Any:
    """The step from one window to the next; ``None`` means the kernel."""
    doc = "step from one window to the next" + ("" if default else "; the kernel when left out")
    return declare(Kind.PER_AXIS, doc, default=default, names=STRIDE_NAMES, least=1)


def padding_parameter() -> Any:
    """Cells added at the ends of each axis."""
    return declare(Kind.PADDING, "cells added at both ends", default=0, names=PADDING_NAMES, least=0)


def dilation_parameter() -> Any:
    """The distance between a window's taps."""
    return declare(Kind.PER_AXIS, "distance between a window's taps", default=1, names=DILATION_NAMES, least=1)


class Windowed(AxisWise):
    """A layer that slides windows over each spatial axis."""

    per_axis: ClassVar[tuple[str, ...]] = ("kernel", "stride", "padding", "dilation")

    kernel: PerAxis
    stride: PerAxis | None
    padding: Padding
    dilation: PerAxis = 1

    def extent(self, axis: int) -> Dim:
        """The effective kernel: how many cells a window spans, gaps included."""
        dilation: Dim = self.at("dilation", axis)
        kernel: Dim = self.at("kernel", axis)
        return dilation * (kernel - 1) + 1

    def pads(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """The padding (before, after) of an axis of size ``n``.

        ``same`` pads what its ``(n - 1)//s + 1`` windows need, the odd cell at the end (``same_lower``: at the
        start); ``causal`` pads only before.
        """
        if self.padding == "causal":
            return self.extent(axis) - 1, 0
        if isinstance(self.padding, str):
            stride: Dim = self.at("stride", axis)
            total = pad_total_of_same(n, self.extent(axis), stride)
            half = total // 2
            return (half, total - half) if self.padding == "same" else (total - half, half)
        amount = self.at("padding", axis)
        return amount if isinstance(amount, tuple) else (amount, amount)

    @property
    def fills(self) -> bool:
        """Whether the padding is made to fit: one window for every ``stride`` cells, whatever the kernel."""
        return isinstance(self.padding, str)

    @property
    def pads_input(self) -> bool:
        """Whether its padding lies beside its input, and is more than a shift in time."""
        return self.padding != "causal"

    def size(self, n: Dim, axis: int) -> Dim:
        """``(n + p - k)//s + 1``; with ``same`` and ``causal`` ``(n - 1)//s + 1``."""
        stride: Dim = self.at("stride", axis)
        return (n - self.reach(n, axis)) // stride + 1

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """``s*(low - 1) + k - p <= n <= s*high + k - p - 1``."""
        stride: Dim = self.at("stride", axis)
        reach = self.reach(1, axis)
        return stride * (low - 1) + reach, stride * high + reach - 1

    def reach(self, n: Dim, axis: int) -> Dim:
        """The least size for one window: ``k - p``, and 1 where padding is made to fit."""
        if self.fills:
            return 1
        before, after = self.pads(n, axis)
        return self.extent(axis) - before - after

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``s*first - pad_before`` to ``s*last + k - 1 - pad_before``."""
        stride: Dim = self.at("stride", axis)
        before, _ = self.pads(n, axis)
        return stride * first - before, stride * last + self.extent(axis) - 1 - before

    def left_over(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``max(r - pad_after, 0)`` real cells and ``min(r, pad_after)`` of padding, ``r = (n + p - k) % s``."""
        _, after = self.pads(n, axis)
        _, last = self.reads(0, self.size(n, axis) - 1, n, axis)
        return maximum(n - 1 - last, 0), maximum(minimum(after, n + after - 1 - last), 0)

    def cells_read(self, wanted: Cells, n: int, axis: int) -> Cells:
        starts, before = spread(wanted, self.at("stride", axis)), self.pads(n, axis)[0]
        read = 0
        dilation = self.at("dilation", axis)
        # Taps that lie in the padding for every window, however many there are, read nothing.
        first = max(-((starts.bit_length() - 1 - before) // dilation), 0)
        for tap in range(first, min(self.at("kernel", axis), (n - 1 + before) // dilation + 1)):
            read |= shifted(starts, tap * dilation - before)
        return read & every(n)

    def skips(self, axis: int) -> bool:
        """Whether ``stride > kernel``, or the window is dilated."""
        beyond = compare("<=", self.at("stride", axis), self.at("kernel", axis))
        return beyond is not True or compare("==", self.at("dilation", axis), 1) is not True

    def hollow(self, n: Dim, axis: int) -> bool:
        """Whether there is padding, which windows may lie in whole."""
        return self.pads(n, axis) != (0, 0)

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions | None:
        """Windows ``stride*step`` apart: one run where they meet, else the cells under one tap after another."""
        apart: Dim = self.at("stride", axis) * wanted.step
        kernel: Dim = self.at("kernel", axis)
        dilation: Dim = self.at("dilation", axis) if kernel != 1 else 1
        first, last = self.reads(wanted.first, wanted.last, n, axis)
        if dilation == 1 and compare("<=", apart, kernel) is True:
            return (Progression(first, last),)
        if not (isinstance(apart, int) and isinstance(kernel, int) and isinstance(dilation, int)):
            return None
        starts = Progression(first, last - dilation * (kernel - 1), apart)
        return (starts.moved(dilation * tap) for tap in range(kernel))

    def natural_most(self, parameter: str, n: Dim, axis: int) -> Dim | None:
        """Where a parameter can change nothing more on an axis of size ``n``; ``None`` where there is no such end.

        A kernel beyond the padded input does not fit; a stride beyond it makes one window, whatever it is.
        """
        if parameter not in ("kernel", "stride") or self.fills:
            return n if parameter == "stride" else None
        return n + sum(self.pads(n, axis))

    def cells(self, result: int, n: Any, axis: int) -> Iterable[int]:
        """``s*result - pad_before + dilation*t`` for the window's taps ``t``."""
        first, last = self.reads(result, result, n, axis)
        return range(first, last + 1, self.at("dilation", axis))  # type: ignore[arg-type]

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        yield from self.padding_needs(axis)
        if not self.fills:
            yield self.fits(n, axis)

    def padding_needs(self, axis: int) -> Iterator[Need]:
        """The framework's own limits on words and padding."""
        yield from ()

    def fits(self, n: Dim, axis: int) -> Need:
        """That one window fits into the padded input."""
        before, after = self.pads(n, axis)
        kernel = self.extent(axis)

        def trouble() -> Trouble:
            padded = f"{n}" if before == after == 0 else f"{n} + {before} + {after}"
            return Trouble(
                f"{self.op}'s window spans {kernel} cells, and its input with padding has {padded}"
                + ("" if padded == f"{n}" else f" = {n + before + after}"),
                f"({n} + {before + after} - {kernel})/{self.at('stride', axis)} + 1 is less than 1",
                self.too_small(n, axis),
            )

        return Need(compare(">=", n + before + after, kernel), "kernel-too-large", trouble)

    def too_small(self, n: Dim, axis: int) -> str:
        """What the framework says when no window fits."""
        if self.dialect.keras:
            return "Computed output size would be zero or negative."
        return ""


def pad_total_of_same(n: Dim, kernel: Dim, stride: Dim) -> Dim:
    """``max((out - 1)*s + k - n, 0)`` cells that ``same`` adds to make ``out = (n - 1)//s + 1`` windows."""
    return maximum(((n - 1) // stride) * stride + kernel - n, 0)
