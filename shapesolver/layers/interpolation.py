"""Which cells a resized axis reads, mode by mode, as the frameworks place their samples.

Result ``i`` lies at ``(i + 1/2)*step - 1/2`` in the input, ``step`` being input cells a result. Linear modes read
the cells within 1 of it, cubic ones within 2, Lanczos within 3 or 5; a result that lies on a cell reads that cell
alone, because every kernel is 0 at the other whole distances. Beyond the ends the last cell is repeated. Positions
are computed without rounding, except the nearest cell's in PyTorch, which is single precision.

Sources: ATen/native/UpSample.h; TensorFlow's ``scale_and_translate_op`` and ``resize_nearest_neighbor_op`` with
half-pixel centres, without antialiasing; ONNX' Resize with ``half_pixel`` and ``round_prefer_floor``.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from shapesolver.arithmetic import Dim, as_float32, ceil_div, compare
from shapesolver.layers.cells import Cells, every, mapped, members, span
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.reading import Progression, Progressions

RADIUS = {
    "linear": 1,
    "bilinear": 1,
    "trilinear": 1,
    "cubic": 2,
    "bicubic": 2,
    "lanczos3": 3,
    "lanczos5": 5,
}
"""How far each mode's kernel reaches."""

HALF = Fraction(1, 2)


def cells_resized(wanted: Cells, n: int, step: Fraction, mode: str, dialect: Dialect) -> Cells:
    """The cells of ``n`` that these results read, ``step`` input cells apart."""
    if mode == "area":
        return _areas(wanted, n, step)
    if mode in RADIUS:
        return _kernels(wanted, n, step, RADIUS[mode])
    if step.numerator == 1 and step.denominator > 1 and not (dialect.torch and step.denominator > 2):
        return mapped(min(result // step.denominator, n - 1) for result in members(wanted))
    return mapped(min(max(_nearest(result, step, mode, dialect), 0), n - 1) for result in members(wanted))


def _areas(wanted: Cells, n: int, step: Fraction) -> Cells:
    read = 0
    for result in members(wanted):
        read |= span(floor(result * step), ceil((result + 1) * step))
    return read & every(n)


def _kernels(wanted: Cells, n: int, step: Fraction, radius: int) -> Cells:
    read = 0
    for result in members(wanted):
        place = (result + HALF) * step - HALF
        low, high = floor(place), floor(place)
        if place.denominator > 1:
            low, high = low - radius + 1, low + radius
        read |= span(min(max(low, 0), n - 1), min(max(high, 0), n - 1) + 1)
    return read


def _nearest(result: int, step: Fraction, mode: str, dialect: Dialect) -> int:
    if dialect.onnx:
        return ceil((result + HALF) * step - 1)
    if dialect.keras:
        return floor((result + HALF) * step)
    if step == 1:
        return result
    if step == HALF:
        return result >> 1
    place = result + 0.5 if mode == "nearest-exact" else result
    return floor(as_float32(place * as_float32(float(step))))


# The same of sizes that are formulas.


def everything_of(wanted: Progression, made: Dim) -> bool:
    """Whether a progression is surely every cell of an axis of size ``made``."""
    return wanted.step == 1 and wanted.first == 0 and wanted.last == made - 1


def parts_resized(
    wanted: Progression, n: Dim, step: tuple[Dim, Dim], mode: str, dialect: Dialect, everything: bool
) -> Progressions | None:
    """The cells of ``n`` that a progression of results reads, ``p/q`` input cells apart; ``None`` where not told.

    Areas lie side by side. The kernels of neighbouring results meet where these are less than two cells apart.
    Whole factors copy every cell ``q`` times, or pick cells ``p`` apart.
    """
    p, q = step
    if mode == "area" and wanted.step == 1:
        return (Progression(wanted.first * p // q, ceil_div((wanted.last + 1) * p, q) - 1),)
    if mode in RADIUS and RADIUS[mode] > 1:
        return (Progression(0, n - 1),) if everything and compare("<=", p, q) is True else None
    if mode in RADIUS and wanted.step == 1 and compare("<", p, q * 2) is True:
        low, high = ((wanted.first * 2 + 1) * p - q) // (q * 2), ceil_div((wanted.last * 2 + 1) * p - q, q * 2)
        return (Progression(low, high),)
    if not isinstance(p, int) or not isinstance(q, int):
        return None
    if q == 1:
        return [wanted.moved(offset, p) for offset in _offsets(p, mode, dialect)]
    if p == 1 and mode not in RADIUS and mode != "area":
        if wanted.step <= q:
            return (Progression(wanted.first // q, wanted.last // q),)
        if wanted.step % q == 0:
            return (Progression(wanted.first // q, wanted.last // q, wanted.step // q),)
    return None


def _offsets(p: int, mode: str, dialect: Dialect) -> range:
    """Where the cells lie that a result reads, from ``p`` times its own place on."""
    if mode == "area":
        return range(p)
    if mode in RADIUS:
        return range((p - 1) // 2, p // 2 + 1)
    if dialect.onnx:
        return range((p - 1) // 2, (p - 1) // 2 + 1)
    near = 0 if dialect.torch and mode == "nearest" else p // 2
    return range(near, near + 1)
