"""What a tensor's units see of the network's inputs, as formulas in a unit's place: readings, composed.

A chain of windows is one window, so composing two layers' readings is substituting one formula in another:
unit ``i`` of a convolution with stride ``s`` and padding ``p`` starts where unit ``s*i - p`` of its input starts.
Source of the terms: Araujo, Norris and Sim, *Computing Receptive Fields of Convolutional Neural Networks*, Distill
(2019), https://distill.pub/2019/computing-receptive-fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from shapesolver.arithmetic import Dim, Truth, both, compare, divides, maximum, minimum, substitute, symbol
from shapesolver.arithmetic.analysis import linear
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.reading import Reading

UNIT_NAME = "the unit"
UNIT = symbol(UNIT_NAME, least=0)
"""A unit's place along the axis that a strip follows; no size of a file can be called that."""

MAX_PERIOD = 4096
"""The longest period that is told exactly."""


class Source(NamedTuple):
    """One axis of one of the network's inputs, which go by number."""

    node: int
    axis: int


class Joint(NamedTuple):
    """Two paths that come together at a layer without being aligned, and what each sees."""

    node: int
    source: Source
    one: Strip
    other: Strip


@dataclass(frozen=True, slots=True)
class Strip:
    """The cells of a source that a unit sees: ``first`` to ``last``, in terms of :data:`UNIT`.

    Cells outside the source are padding, and count. Law: when the unit moves by the period, both ends move by
    ``stride*period`` cells.
    """

    first: Dim
    last: Dim
    follows: int | None
    """The axis of the result along which the unit moves; ``None`` where every unit sees the same."""
    stride: Fraction = Fraction(1)
    period: int = 1
    """After how many units the pattern repeats: 2 below an upsampling by 2."""
    hollow: bool = False
    """Whether some units see nothing, as between the windows of a transposed convolution."""
    joints: frozenset[Joint] = frozenset()
    """Where paths came together that are not aligned."""
    bounds: frozenset[int] = frozenset()
    """The layers for which the strip is only a bound."""
    wide: int | None = None
    """The layer that made every unit see the same."""

    def at(self, unit: Dim) -> tuple[Dim, Dim]:
        """The first and last cell that one unit sees."""
        values = {UNIT_NAME: unit}
        return substitute(self.first, values), substitute(self.last, values)

    def phases(self) -> Iterator[tuple[Dim, Dim]]:
        """What the units of one period see."""
        return map(self.at, range(self.period))

    def centre(self) -> Dim:
        """Twice the period times the centre ``c``: on average unit ``i`` sees around ``stride*i + c``."""
        total: Dim = -int(self.stride * self.period) * (self.period - 1)
        for first, last in self.phases():
            total = first + last + total
        return total


View = Mapping[Source, Strip]
"""What one tensor sees of each input axis."""


def input_view(node: int, tensor: Tensor) -> View:
    """What an input sees of itself. Channels are left out: a unit is a place with all its channels."""
    axes = (axis for axis, name in enumerate(tensor.axes) if name != "C")
    return {Source(node, axis): Strip(UNIT, UNIT, axis) for axis in axes}


def result_view(
    layer: Layer, node: int, inputs: Sequence[Tensor], seen: Sequence[View], made: Tensor, output: int = 0
) -> View:
    """What a layer's result, ``made``, sees, given what each of its inputs does. ``node`` is its number, for notes."""
    strips: dict[Source, list[Strip]] = {}
    for axes, tensor, view in zip(layer.readings(*inputs, output=output), inputs, seen, strict=True):
        if axes is not None:
            for source, strip in view.items():
                strips.setdefault(source, []).append(_through(strip, axes, tensor.sizes, node))
    return {source: _joined(found, Joining(node, source, made)) for source, found in strips.items()}


class Joining(NamedTuple):
    """Where several paths from a source come together, and the tensor that is made of them."""

    node: int
    source: Source
    made: Tensor

    def misaligned(self, one: Strip, other: Strip) -> frozenset[Joint]:
        """The two paths, as not aligned."""
        return frozenset({Joint(self.node, self.source, one, other)})

    def ends(self, strip: Strip) -> tuple[Dim, Dim]:
        """The first and last cell that any unit sees."""
        if strip.follows is None:
            return strip.first, strip.last
        return strip.at(0)[0], strip.at(self.made.sizes[strip.follows] - 1)[1]


class Lay(NamedTuple):
    """How one grid lies in another: unit ``i`` of the first at ``scale*i + apart/per`` of the second."""

    scale: Fraction
    apart: Dim
    per: int

    @property
    def shift(self) -> Fraction | None:
        """Where unit 0 of the first lies in the second; ``None`` where that depends on sizes."""
        return Fraction(self.apart, self.per) if isinstance(self.apart, int) else None

    @property
    def offset(self) -> Dim:
        """The unit of the second on which unit 0 of the first lies, or the last one before it."""
        return self.apart // self.per

    @property
    def fits(self) -> Truth:
        """Whether units lie on units: grids of one stride, a whole number of units apart."""
        return both(self.scale == 1, divides(self.per, self.apart))


def lay(one: Strip, other: Strip) -> Lay | None:
    """How the first strip's grid lies in the second's; ``None`` where one of them sees everything alike."""
    if one.follows is None or other.follows is None or not one.stride or not other.stride:
        return None
    step, per = other.stride, 2 * one.period * other.period
    apart = (one.centre() * other.period - other.centre() * one.period) * step.denominator
    return Lay(one.stride / step, apart, per * step.numerator)


def lays(one: View, axis: int, other: View, other_axis: int) -> dict[Source, Lay]:
    """How the first tensor's grid along an axis lies in the second's, by each input axis that both follow."""
    found = {}
    for source, strip in one.items():
        against = other.get(source)
        if against is not None and strip.follows == axis and against.follows == other_axis:
            between = lay(strip, against)
            if between is not None:
                found[source] = between
    return found


def _through(strip: Strip, axes: tuple[Reading, ...], sizes: tuple[Dim, ...], node: int) -> Strip:
    """What the results of a layer see of a source, through an input that sees a strip of it."""
    if strip.follows is None:
        return strip
    reading, n = axes[strip.follows], sizes[strip.follows]
    first, last = reading.run(UNIT, UNIT) if reading.follows is not None else (0, n - 1)
    step = _step(first) if reading.follows is not None and reading.uniform else None
    bounds = strip.bounds if reading.exact else strip.bounds | {node}
    period = 1 if step is None else _period(step, strip.period)
    if step is None or period > MAX_PERIOD:
        if reading.follows is not None:
            bounds |= {node}
        return _seen_by_all(strip, n, bounds, node)
    if reading.taps is not None and (strip.hollow or step < 1):
        bounds |= {node}
    hollow = strip.hollow or (step < 1 and _leaves_out(reading, step))
    ends = strip.at(first)[0], strip.at(last)[1]
    return replace(
        strip,
        first=ends[0],
        last=ends[1],
        follows=reading.follows,
        stride=strip.stride * step,
        period=period,
        hollow=hollow,
        bounds=bounds,
    )


def _seen_by_all(strip: Strip, n: Dim, bounds: frozenset[int], node: int) -> Strip:
    """What a layer sees all of whose results read the whole of an axis of size ``n``."""
    return Strip(strip.at(0)[0], strip.at(n - 1)[1], None, Fraction(0), joints=strip.joints, bounds=bounds, wide=node)


def _period(step: Fraction, inner: int) -> int:
    """After how many results a layer repeats that moves by ``step`` over units with a period of their own."""
    return step.denominator * (inner // gcd(inner, step.numerator))


def _step(first: Dim) -> Fraction | None:
    """How far a formula moves when the unit moves by one; ``None`` where that depends on other sizes."""
    shape = linear(first)
    moving = {m: c for m, c in shape.coefficients.items() if any(UNIT_NAME in str(atom) for atom in m)}
    (own,) = UNIT.terms[0][:1]
    return Fraction(moving.get(own, 0), shape.scale) if moving.keys() <= {own} else None


def _leaves_out(reading: Reading, step: Fraction) -> bool:
    """Whether some results read nothing."""
    runs = (reading.run(result, result) for result in range(step.denominator))
    return any(compare("<=", first, last) is not True for first, last in runs)


def _joined(strips: list[Strip], where: Joining) -> Strip:
    """What several paths see together."""
    result = strips[0]
    for strip in strips[1:]:
        if strip != result:
            same = strip.follows == result.follows and strip.stride == result.stride
            result = (_in_step if same else _out_of_step)(result, strip, where)
    return result


def _in_step(one: Strip, other: Strip, where: Joining) -> Strip:
    """Two strips that move alike: the least strip that holds both."""
    joints, bounds = one.joints | other.joints, one.bounds | other.bounds
    if one.hollow or other.hollow:
        # A unit that sees nothing along one path has no ends there to compare.
        bounds |= {where.node}
    if one.follows is not None and one.centre() * other.period != other.centre() * one.period:
        joints |= where.misaligned(one, other)
    return replace(
        one,
        first=minimum(one.first, other.first),
        last=maximum(one.last, other.last),
        period=lcm(one.period, other.period),
        # Where either path sees something, the unit does.
        hollow=one.hollow and other.hollow,
        joints=joints,
        bounds=bounds,
    )


def _out_of_step(one: Strip, other: Strip, where: Joining) -> Strip:
    """Two strips that move differently: all that any unit sees, a bound unless one path sees it all for every unit."""
    (first, last), (low, high) = where.ends(one), where.ends(other)
    first, last = minimum(first, low), maximum(last, high)
    joints, bounds = one.joints | other.joints, one.bounds | other.bounds
    if None not in (one.follows, other.follows):
        joints |= where.misaligned(one, other)
    if not any(strip.follows is None and (strip.first, strip.last) == (first, last) for strip in (one, other)):
        bounds |= {where.node}
    return Strip(first, last, None, Fraction(0), joints=joints, bounds=bounds, wide=where.node)
