"""What every layer sees of the network's inputs, as formulas in a unit's place: one pass forward over the graph.

A chain of windows is one window, so composing two layers' readings is substituting one formula in another:
unit ``i`` of a convolution with stride ``s`` and padding ``p`` starts where unit ``s*i - p`` of its input starts.
Source of the terms: Araujo, Norris and Sim, *Computing Receptive Fields of Convolutional Neural Networks*, Distill
(2019), https://distill.pub/2019/computing-receptive-fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from shapesolver.arithmetic import Dim, compare, maximum, minimum, substitute, symbol
from shapesolver.arithmetic.analysis import linear
from shapesolver.derive import Derivation
from shapesolver.layers.reading import Reading
from shapesolver.layers.source import Input
from shapesolver.model.graph import Wire

UNIT_NAME = "the unit"
UNIT = symbol(UNIT_NAME, least=0)
"""A unit's place along the axis that a strip follows; no size of a file can be called that."""

MAX_PERIOD = 4096
"""The longest period that is told exactly."""


class Source(NamedTuple):
    """One axis of one of the network's inputs."""

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


def views(derivation: Derivation) -> dict[Wire, View]:
    """What every tensor that can be built sees. Channels are left out: a unit is a place with all its channels."""
    found: dict[Wire, View] = {}
    for index, node in enumerate(derivation.graph.nodes):
        outcome = derivation.outcomes[index]
        inputs = derivation.inputs(index)
        if outcome is None or inputs is None:
            continue
        for output, made in enumerate(outcome.outputs):
            if isinstance(node.layer, Input):
                axes = (axis for axis, name in enumerate(made.axes) if name != "C")
                found[Wire(index)] = {Source(index, axis): Strip(UNIT, UNIT, axis) for axis in axes}
                continue
            readings = derivation.layers[index].readings(*inputs, output=output)
            seen: dict[Source, list[Strip]] = {}
            for wire, axes_read, tensor in zip(node.inputs, readings, inputs, strict=True):
                if axes_read is not None:
                    for source, strip in found[wire].items():
                        seen.setdefault(source, []).append(_through(strip, axes_read, tensor.sizes, index))
            found[Wire(index, output)] = {source: _joined(s, index, source) for source, s in seen.items()}
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


def _joined(strips: list[Strip], node: int, source: Source) -> Strip:
    """What several paths see together."""
    result = strips[0]
    for strip in strips[1:]:
        if strip != result:
            result = _pair(result, strip, node, source)
    return result


def _pair(one: Strip, other: Strip, node: int, source: Source) -> Strip:
    joints, bounds = one.joints | other.joints, one.bounds | other.bounds
    if one.follows != other.follows or one.stride != other.stride:
        if None not in (one.follows, other.follows):
            joints |= {Joint(node, source, one, other)}
        wide = next((s for s in (one, other) if s.follows is None), None)
        if wide is None:
            first, last = minimum(one.first, other.first), maximum(one.last, other.last)
            return replace(one, first=first, last=last, joints=joints, bounds=bounds | {node})
        return replace(wide, joints=joints, bounds=bounds)
    if one.hollow or other.hollow:
        # A unit that sees nothing along one path has no ends there to compare.
        bounds |= {node}
    if one.follows is not None and one.centre() * other.period != other.centre() * one.period:
        joints |= {Joint(node, source, one, other)}
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
