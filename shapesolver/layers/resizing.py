"""Layers that make an image larger or smaller by a factor, or to a stated size."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, as_float32, both, ceil_div, divides, scaled
from shapesolver.layers.adaptive import stated_interval
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Inputs, Need, Tensor, Trouble
from shapesolver.layers.cells import Box, Cells, every, gathered, spread
from shapesolver.layers.interpolation import cells_resized, everything_of, parts_resized
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Progression, Progressions, Reading, Run, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Work

MODES = (
    "nearest",
    "bilinear",
    "linear",
    "bicubic",
    "cubic",
    "trilinear",
    "area",
    "nearest-exact",
    "lanczos3",
    "lanczos5",
)


REACH = {
    "nearest": 0,
    "nearest-exact": 0,
    "area": 0,
    "linear": 1,
    "bilinear": 1,
    "trilinear": 1,
    "cubic": 2,
    "bicubic": 2,
}
"""How many cells on either side of a result's place each mode reads; a cubic one reads none where it is a cell."""

MAX_STEP_DENOMINATOR = 64
"""Factors whose inverse is a fraction beyond this are told apart from their neighbours only in floating point."""


def neighbours(mode: str, first: Dim, last: Dim, step: tuple[Dim, Dim]) -> Run:
    """The cells that the results ``first`` to ``last`` read, ``step`` apart in the input.

    Half-cell centres: result ``i`` lies at ``(i + 1/2)*step - 1/2``. Linear interpolation reads the cells on
    either side, or the one that it lies on; cubic one more on either side.
    """
    p, q = step
    if mode == "area":
        return first * p // q, ceil_div((last + 1) * p, q) - 1
    reach = REACH.get(mode, 0)
    if reach == 0:
        return first * p // q, last * p // q
    low, high = ((first * 2 + 1) * p - q) // (q * 2), -((q - (last * 2 + 1) * p) // (q * 2))
    return low - (reach - 1), high + (reach - 1)


TAPS = {"linear": 2, "bilinear": 2, "trilinear": 2, "cubic": 4, "bicubic": 4, "lanczos3": 6, "lanczos5": 10}
"""How many cells a result is made of along each axis, where it is not one cell's copy."""


class Interpolating(AxisWise):
    """A layer whose results are copies or weighted sums of cells."""

    omits: ClassVar = True

    mode: str

    def work(self, *inputs: Tensor) -> Work:
        """``2*t - 1`` operations a result of ``t`` cells (2 an axis if linear, 4 cubic, 6 or 10 lanczos); nearest 0"""
        if self.mode == "area":
            return Work(other=inputs[0].cells)
        taps = TAPS.get(self.mode, 1) ** (inputs[0].rank - 1)
        return Work() if taps == 1 else Work(other=self.outputs(*inputs)[0].cells * (2 * taps - 1))


def least_reaching(target: Dim, factor: float) -> Dim:
    """The least ``n >= 0`` whose rounded ``floor(n * factor)`` is the target or more."""
    numerator, denominator = factor.as_integer_ratio()
    if not isinstance(target, int):
        return ceil_div(target * denominator, numerator)
    # A double is within one part in 2**52 of the true product, so the answer is next to the exact one.
    guess = max(-(-target * denominator // numerator), 0)
    while guess > 0 and scaled(guess - 1, factor) >= target:
        guess -= 1
    while scaled(guess, factor) < target:
        guess += 1
    return guess


@layer("upsample")
class Upsample(Interpolating):
    """Resizing by a factor: ``floor(n * scale)`` as the framework computes it.

    PyTorch multiplies IEEE doubles, so 350 by 0.7 is 244; ONNX stores the factor in single precision. Keras takes
    whole factors only.
    """

    other_names: ClassVar = {
        "UpSampling1D UpSampling2D UpSampling3D": "scale",
        "Upsample UpsamplingNearest2d UpsamplingBilinear2d interpolate": "",
    }
    per_axis: ClassVar[tuple[str, ...]] = ("scale",)

    scale: Any = declare(
        Kind.FACTORS, "the factor(s)", names=("scale_factor", "size", "scales", "factor", "length"), least=0
    )
    mode: str = declare(
        Kind.WORD, "how values are interpolated", default="nearest", names=("interpolation",), choices=MODES
    )

    def factor(self, axis: int) -> Any:
        """The factor as the framework stores it."""
        value = self.at("scale", axis)
        return as_float32(value) if self.dialect.onnx and isinstance(value, float) else value

    def size(self, n: Dim, axis: int) -> Dim:
        """``floor(n * scale)``, the product rounded to a double."""
        factor = self.factor(axis)
        return scaled(n, factor) if isinstance(factor, float) else n * factor  # type: ignore[no-any-return]

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """The law never decreases, so the ends are found by bisection, rounding included."""
        factor = self.factor(axis)
        if isinstance(factor, float):
            return least_reaching(low, factor), least_reaching(high + 1, factor) - 1
        return ceil_div(low, factor), high // factor

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``floor(first*s)`` to ``floor(last*s)`` with the step ``s = 1/scale``; between cells, the neighbours too."""
        step = self.step(axis)
        return (0, n - 1) if step is None else neighbours(self.mode, first, last, step)

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions | None:
        """As :func:`parts_resized` tells."""
        step = self.step(axis)
        everything = everything_of(wanted, self.size(n, axis))
        return None if step is None else parts_resized(wanted, n, step, self.mode, self.dialect, everything)

    def step(self, axis: int) -> tuple[Dim, Dim] | None:
        """``1/scale`` as a fraction; ``None`` where its rounding hides which cell is nearest."""
        factor = self.factor(axis)
        if not isinstance(factor, float):
            return 1, factor
        step = Fraction(1 / factor).limit_denominator(MAX_STEP_DENOMINATOR)
        return step.as_integer_ratio() if Fraction(factor) * step == 1 else None

    def reading(self, n: Dim, axis: int, follows: int) -> Reading:
        """By the reading law where the mode's is known, else a bound: everything."""
        if self.step(axis) is None or self.mode not in REACH:
            return whole(n)._replace(exact=False)
        return super().reading(n, axis, follows)._replace(exact=REACH[self.mode] < 2)

    def cells_read(self, wanted: Cells, n: int, axis: int) -> Cells:
        return cells_resized(wanted, n, 1 / Fraction(self.factor(axis)), self.mode, self.dialect)

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        factor = self.at("scale", axis)
        yield Need(
            not (self.dialect.keras and isinstance(factor, float) and not factor.is_integer()),
            "framework-limit",
            lambda: Trouble(f"Keras upsamples by whole factors, and this is {factor}", f"scale={factor}"),
        )
        yield self.positive(self.size(n, axis), lambda: f"floor({n}*{factor}) = {self.size(n, axis)}")


@layer("resize")
class Resize(Interpolating):
    """Resizing to a stated size, whatever comes in."""

    other_names: ClassVar = {"Resizing Resize": "target"}
    per_axis: ClassVar[tuple[str, ...]] = ("target",)

    target: tuple[Dim, ...] = declare(
        Kind.SIZES,
        "the output size, one number for all axes or one for each",
        names=("size", "sizes"),
        least=1,
        variadic=True,
    )
    mode: str = declare(
        Kind.WORD, "how values are interpolated", default="bilinear", names=("interpolation",), choices=MODES
    )

    def at(self, name: str, axis: int) -> Any:
        """As for every layer; a single number serves every axis."""
        return self.target[axis if len(self.target) > 1 else 0] if name == "target" else super().at(name, axis)

    def _tuple_needs(self, spatial_rank: int) -> Iterator[Need]:
        if len(self.target) > 1:
            yield from super()._tuple_needs(spatial_rank)

    def size(self, n: Dim, axis: int) -> Dim:
        """The stated size."""
        return self.at("target", axis)  # type: ignore[no-any-return]

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """Every ``n`` or none."""
        return stated_interval(self.at("target", axis), low, high)

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """As for a factor, results ``n/target`` apart."""
        return neighbours(self.mode, first, last, (n, self.at("target", axis)))

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions | None:
        """As :func:`parts_resized` tells."""
        target = self.at("target", axis)
        return parts_resized(wanted, n, (n, target), self.mode, self.dialect, everything_of(wanted, target))

    def cells_read(self, wanted: Cells, n: int, axis: int) -> Cells:
        return cells_resized(wanted, n, Fraction(n, self.at("target", axis)), self.mode, self.dialect)

    def reading(self, n: Dim, axis: int, follows: int) -> Reading:
        """By the reading law where the mode's is known, else a bound: everything."""
        if self.mode not in REACH:
            return whole(n)._replace(exact=False)
        return super().reading(n, axis, follows)._replace(exact=REACH[self.mode] < 2)


class Shuffling(AxisWise):
    """A layer that trades channels for pixels in blocks of ``r`` by ``r``."""

    factor: Dim

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """The place of each pixel of a block, and its number row by row."""
        r: Any = self.factor
        return ((a, b, a * r + b) for a in range(r) for b in range(r))

    def channel_reading(self, channels: Dim, follows: int) -> Reading:
        """All of them, for all blocks of all channels."""
        return whole(channels, 0, 1, 2)

    def dealt(self, channels: Cells, of: int, place: int) -> Cells:
        """The channels, of ``of`` small ones, at one place of the blocks: PyTorch deals out each channel's own
        ``r*r`` neighbours, the others all channels of one place, then of the next."""
        r: Any = self.factor
        return spread(channels, r * r) << place if self.dialect.torch else channels << place * of

    def collected(self, channels: Cells, of: int, place: int) -> Cells:
        """The inverse of :meth:`dealt`."""
        r: Any = self.factor
        return gathered(channels, r * r, place) if self.dialect.torch else (channels >> place * of) & every(of)


@layer("pixel_shuffle")
class PixelShuffle(Shuffling):
    """Channels to pixels: ``(C, n, ...)`` becomes ``(C/r**axes, n*r, ...)``."""

    other_names: ClassVar = {"PixelShuffle DepthToSpace": "factor"}
    spatial_ranks: ClassVar = (2, 2)

    factor: Dim = declare(
        Kind.SIZE, "how much larger each axis becomes", names=("upscale_factor", "blocksize"), least=1
    )

    def size(self, n: Dim, axis: int) -> Dim:
        """``n*r``."""
        return n * self.factor

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """``ceil(low/r) <= n <= high//r``."""
        return -(-low // self.factor), high // self.factor

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``first//r`` to ``last//r``."""
        return first // self.factor, last // self.factor

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions | None:
        """Blocks that are wanted whole; of others only some channels are read."""
        blocks = both(divides(self.factor, wanted.first), divides(self.factor, wanted.last + 1))
        return super().parts(wanted, n, axis) if blocks is True else None

    def channel_needs(self, channels: Dim) -> Iterator[Need]:
        yield self.divisible(
            channels,
            self.factor**2,
            "its channels",
            f"factor**2 = {self.factor**2}",
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            "but input.size(-3)={dividend} is not divisible by {divisor}",
        )

    def out_channels(self, channels: Dim) -> Dim:
        return channels // self.factor**2

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        r: Any = self.factor
        of: Any = self.out_channels(self.split(inputs[0])[0])
        channels, (rows, columns) = self.split(Tensor(wanted, inputs[0].axes))
        for a, b, place in self.blocks():
            places = gathered(rows, r, a), gathered(columns, r, b)  # type: ignore[arg-type]
            yield 0, self.join(self.dealt(channels, of, place), places).sizes  # type: ignore[arg-type,misc]


@layer("pixel_unshuffle")
class PixelUnshuffle(Shuffling):
    """Pixels to channels: ``(C, n, ...)`` becomes ``(C*r**axes, n/r, ...)``."""

    other_names: ClassVar = {"PixelUnshuffle SpaceToDepth": "factor"}
    spatial_ranks: ClassVar = (2, 2)

    factor: Dim = declare(
        Kind.SIZE, "how much smaller each axis becomes", names=("downscale_factor", "blocksize"), least=1
    )

    def size(self, n: Dim, axis: int) -> Dim:
        """``n/r``, which must be whole."""
        return n // self.factor

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """``r*low <= n <= r*high``, of which the multiples of ``r`` are valid."""
        return self.factor * low, self.factor * high

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """``r*first`` to ``r*last + r - 1``."""
        return self.factor * first, self.factor * last + self.factor - 1

    def channel_reading(self, channels: Dim, follows: int) -> Reading:
        return whole(channels, follows)

    def reading(self, n: Dim, axis: int, follows: int) -> Reading:
        """Whole blocks, for all of the channels that they become."""
        return super().reading(n, axis, follows)._replace(together=(2 if self.dialect.channels_last else 0,))

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        yield self.divisible(
            n,
            self.factor,
            "each spatial size",
            f"factor = {self.factor}",
            "pixel_unshuffle expects height to be divisible by downscale_factor, but input.size(-2)={dividend} "
            "is not divisible by {divisor}",
        )

    def out_channels(self, channels: Dim) -> Dim:
        return channels * self.factor**2

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        r: Any = self.factor
        of: Any = self.split(inputs[0])[0]
        channels, (rows, columns) = self.split(Tensor(wanted, inputs[0].axes))
        for a, b, place in self.blocks():
            places = spread(rows, r) << a, spread(columns, r) << b  # type: ignore[arg-type]
            yield 0, self.join(self.collected(channels, of, place), places).sizes  # type: ignore[arg-type,misc]
