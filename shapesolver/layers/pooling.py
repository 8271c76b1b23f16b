"""Pools: windows that keep a channel's greatest or average value."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, compare, maximum
from shapesolver.layers.base import Need, Tensor, need
from shapesolver.layers.parameters import Kind, Padding, PerAxis, declare
from shapesolver.layers.registry import layer
from shapesolver.layers.windows import (
    Windowed,
    dilation_parameter,
    kernel_parameter,
    padding_parameter,
    stride_parameter,
)
from shapesolver.layers.work import Saved, Work

CLAMPED_CEIL_OPSET = 22
"""From this ONNX operator set on, the last ceil_mode window must start inside the input."""


def pool_kernel() -> Any:
    """A pool's window; Keras' default is 2."""
    return kernel_parameter(("pool_size", "pool_length"))


def ceil_parameter() -> Any:
    """Whether a last, partial window counts."""
    return declare(Kind.FLAG, "whether a last, partial window counts", default=False, names=("ceil",))


class Pool(Windowed):
    """What all pools share. ``ceil_mode`` keeps the last window that starts inside the input or left padding."""

    per_axis: ClassVar[tuple[str, ...]] = ("kernel", "stride", "padding", "dilation")
    keeps: ClassVar[str]
    """What is kept of a window."""

    ceil_mode: bool

    def at(self, name: str, axis: int) -> Any:
        """As for every layer, and the stride is the kernel when left out."""
        return super().at("kernel" if name == "stride" and self.stride is None else name, axis)

    def reach(self, n: Dim, axis: int) -> Dim:
        """The least size for one window; with ceil_mode ``max(k - p - s + 1, 1 - pad_before)``.

        PyTorch's ``min(ceil((n + p - k)/s) + 1, (n + pad_before - 1)//s + 1)`` is ``(n - reach)//s + 1``. ONNX
        before opset 22 leaves the second bound out.
        """
        floor_reach = super().reach(n, axis)
        if not self.ceil_mode or self.fills:
            return floor_reach
        partial = floor_reach - self.at("stride", axis) + 1
        if self.dialect.onnx and self.dialect.opset < CLAMPED_CEIL_OPSET:
            return partial  # type: ignore[no-any-return]
        return maximum(partial, 1 - self.pads(n, axis)[0])

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        channels, spatial = self.split(inputs[0])
        window = " x ".join(str(self.at("kernel", axis)) for axis in range(len(spatial)))
        yield f"Each of the {channels} channels by itself keeps the {self.keeps} of every window of {window} cells."

    @property
    def truncates(self) -> bool:
        """Whether the framework divides as C does, towards zero: onnxruntime's pools make one window of an input
        up to ``s - 1`` cells too small."""
        return self.dialect.onnx and not self.fills and not self.ceil_mode

    def size(self, n: Dim, axis: int) -> Dim:
        """``(n + p - k)//s + 1``; with ceil_mode rounded up where the last window starts inside."""
        size = super().size(n, axis)
        return maximum(size, 1) if self.truncates else size

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """``s*(low - 1) + reach <= n <= s*high + reach - 1``."""
        least, most = super().inverse(low, high, axis)
        if self.truncates and compare("<=", low, 1) is True:
            least = least - self.at("stride", axis) + 1
        return least, most

    def fits(self, n: Dim, axis: int) -> Need:
        if self.truncates:
            room = n - self.reach(n, axis) + self.at("stride", axis)
            return self.positive(room, lambda: f"{n} cells", lambda: self.too_small(n, axis))
        if not self.ceil_mode:
            return super().fits(n, axis)
        size = self.size(n, axis)
        return self.positive(size, lambda: f"{size} windows", lambda: self.too_small(n, axis))

    def too_small(self, n: Dim, axis: int) -> str:
        if self.dialect.torch:
            size = self.size(n, axis)
            return f"Given input size: ({n}). Calculated output size: ({size}). Output size is too small"
        return super().too_small(n, axis)

    def padding_needs(self, axis: int) -> Iterator[Need]:
        if self.dialect.torch:
            yield from self._torch_padding_needs(axis)
        if self.dialect.onnx and not self.fills:
            kernel = self.at("kernel", axis)
            for amount in self.pads(1, axis):
                yield need(
                    compare("<", amount, kernel),
                    "framework-limit",
                    f"a pool's padding must be smaller than its kernel {kernel}, and it is {amount}",
                    f"padding {amount}",
                    "Pad should be smaller than kernel.",
                )
        yield need(
            not (self.ceil_mode and self.dialect.keras),
            "framework-limit",
            "Keras' pools have no ceil_mode; padding=same rounds up",
        )

    def _torch_padding_needs(self, axis: int) -> Iterator[Need]:
        yield need(
            not self.fills,
            "framework-limit",
            f"PyTorch's pools have no padding={self.padding}; padding=(kernel - 1)//2 keeps an odd kernel centred",
            f"padding={self.padding}",
        )
        kernel = self.at("kernel", axis)
        for amount in self.pads(1, axis):
            # The plain kernel, dilation or not: so it is in PyTorch 2.13.
            yield need(
                compare("<=", amount, kernel // 2),
                "framework-limit",
                f"a pool's padding may be at most half its kernel: {kernel}//2 = {kernel // 2}, and it is {amount}",
                f"padding {amount}",
                f"pad should be at most half of effective kernel size, but got pad={amount}, "
                f"kernel_size={kernel} and dilation={self.at('dilation', axis)}",
            )

    def windows(self, tensor: Tensor) -> tuple[Dim, Dim]:
        """How many windows there are in all channels, and how many cells each has."""
        taps = prod(self.at("kernel", axis) for axis in range(tensor.rank - 1))
        return self.outputs(tensor)[0].cells, taps


@layer("max_pool")
class MaxPool(Pool):
    """The greatest value in each window."""

    finds_places: ClassVar = True
    keeps: ClassVar = "greatest value"

    other_names: ClassVar = {
        "MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D MaxPool2D MaxPool3D": "kernel stride padding",
        "MaxPool1d MaxPool2d MaxPool3d max_pool1d max_pool2d max_pool3d MaxPool": "kernel stride padding dilation",
    }

    kernel: PerAxis = pool_kernel()
    stride: PerAxis | None = stride_parameter(default=None)
    padding: Padding = padding_parameter()
    dilation: PerAxis = dilation_parameter()
    ceil_mode: bool = ceil_parameter()

    def work(self, *inputs: Tensor) -> Work:
        """``prod(k) - 1`` comparisons a window"""
        windows, taps = self.windows(inputs[0])
        return Work(other=windows * (taps - 1))

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, and where the greatest values stood."""
        return Saved(inputs=True, indices=self.outputs(*inputs)[0].cells)


@layer("avg_pool")
class AvgPool(Pool):
    """The average of each window."""

    keeps: ClassVar = "average"

    other_names: ClassVar = {
        "AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D": "kernel stride padding",
        "AvgPool1d AvgPool2d AvgPool3d avg_pool1d avg_pool2d avg_pool3d AveragePool": (
            "kernel stride padding ceil_mode"
        ),
    }
    dilation = 1

    kernel: PerAxis = pool_kernel()
    stride: PerAxis | None = stride_parameter(default=None)
    padding: Padding = padding_parameter()
    ceil_mode: bool = ceil_parameter()

    def work(self, *inputs: Tensor) -> Work:
        """``prod(k)`` operations a window: the sum, and a division"""
        windows, taps = self.windows(inputs[0])
        return Work(other=windows * taps)

    def saves(self, *inputs: Tensor) -> Saved:
        return Saved(inputs=True)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        if self.dialect.torch and inputs[0].rank == 4:
            for axis, n in enumerate(self.split(inputs[0])[1]):
                kernel = self.at("kernel", axis)
                yield need(
                    compare(">=", n, kernel),
                    "kernel-too-large",
                    f"PyTorch's 3-D average pool compares its kernel {kernel} with the input before padding, {n}",
                    f"{n} is less than {kernel}",
                )


@layer("lp_pool")
class LpPool(Pool):
    """The p-norm of each window."""

    keeps: ClassVar = "p-norm"

    other_names: ClassVar = {
        "LPPool1d LPPool2d LPPool3d": "norm kernel stride ceil_mode",
        "LpPool": "kernel stride",
    }
    dilation = 1

    kernel: PerAxis = pool_kernel()
    stride: PerAxis | None = stride_parameter(default=None)
    padding: Padding = padding_parameter()
    ceil_mode: bool = ceil_parameter()
    norm: float = declare(Kind.NUMBER, "the p of the norm", default=2, names=("norm_type", "p"), least=0)

    def work(self, *inputs: Tensor) -> Work:
        """``2*prod(k)`` operations a window: powers, their sum, and a root"""
        windows, taps = self.windows(inputs[0])
        return Work(other=windows * taps * 2)

    def saves(self, *inputs: Tensor) -> Saved:
        """The input and its powers; the sums, their signs and sizes on the way to the root."""
        return Saved(inputs=True, cells=inputs[0].cells + 4 * self.outputs(*inputs)[0].cells)
