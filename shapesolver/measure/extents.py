"""From which cell to which a network reads its inputs, as formulas in their sizes.

Read backwards from wanted results, every axis by itself. Each axis of each result has two intervals: one that
holds all that is read, and one of which every cell is read. Where the two agree the answer is exact for all sizes;
a stride beyond its window, a dilated window or a rearrangement in between can leave them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shapesolver.arithmetic import Dim, Truth, compare, maximum, minimum
from shapesolver.derive import Derivation
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.reading import Reading
from shapesolver.layers.reshaping import Rearranging
from shapesolver.model.graph import Wire

Interval = tuple[Dim, Dim]
"""The first and the last cell; none where the first lies after the last."""

Proves = Callable[[Truth], bool]
"""Whether a condition holds for every size in question."""


class Extent(NamedTuple):
    """What is read of one axis."""

    within: Interval
    """Nothing outside is read."""
    solid: Interval | None
    """Everything inside is read; ``None`` where that is not known of any cell."""

    @property
    def exact(self) -> bool:
        """Whether it is known which cells are read."""
        return self.within == self.solid


Extents = tuple[Extent, ...]
"""One for each axis of a result."""


def wholly(tensor: Tensor) -> Extents:
    """Every cell of a tensor."""
    return tuple(Extent((0, n - 1), (0, n - 1)) for n in tensor.sizes)


def extents(derivation: Derivation, wanted: Mapping[Wire, Extents], proves: Proves) -> dict[Wire, Extents] | None:
    """What the wanted results read of every result before them; ``None`` where a layer cannot be built."""
    found = dict(wanted)
    for index in range(max((wire.node for wire in wanted), default=-1), -1, -1):
        inputs = derivation.inputs(index)
        outputs = [wire for wire in found if wire.node == index]
        if outputs and inputs is None:
            return None
        for output in outputs:
            for wire, read in _through(derivation, index, found[output], inputs or (), output.output):
                known = found.get(wire)
                found[wire] = read if known is None else _joined(known, read, proves)
    return found


def _through(
    derivation: Derivation, index: int, wanted: Extents, inputs: tuple[Tensor, ...], output: int
) -> list[tuple[Wire, Extents]]:
    layer, found = derivation.layers[index], []
    readings = layer.readings(*inputs, output=output)
    for axes, tensor, wire in zip(readings, inputs, derivation.graph.nodes[index].inputs, strict=True):
        if axes is not None:
            sure = not isinstance(layer, Rearranging) or _everything(layer, inputs, wanted)
            pairs = zip(axes, tensor.sizes, strict=True)
            found.append((wire, tuple(_read(reading, n, wanted, sure) for reading, n in pairs)))
    return found


def _everything(layer: Layer, inputs: tuple[Tensor, ...], wanted: Extents) -> bool:
    (made,) = layer.outputs(*inputs)
    return all(extent.solid == (0, n - 1) for extent, n in zip(wanted, made.sizes, strict=True))


def _read(reading: Reading, n: Dim, wanted: Extents, sure: bool) -> Extent:
    """What one axis of an input provides for the wanted results."""
    if reading.follows is None:
        everything = 0, n - 1
        return Extent(everything, everything if reading.exact and sure else None)
    extent = wanted[reading.follows]
    within = _clamped(reading.run(*extent.within), n)
    if extent.solid is None or reading.taps is not None or not reading.exact or not sure:
        return Extent(within, None)
    return Extent(within, within if extent.exact else _clamped(reading.run(*extent.solid), n))


def _clamped(interval: Interval, n: Dim) -> Interval:
    return maximum(interval[0], 0), minimum(interval[1], n - 1)


def _joined(one: Extents, other: Extents, proves: Proves) -> Extents:
    return tuple(_both(*pair, proves) for pair in zip(one, other, strict=True))


def _both(one: Extent, other: Extent, proves: Proves) -> Extent:
    within = _hull(one.within, other.within)
    return Extent(within, _solid(one.solid, other.solid, proves))


def _hull(one: Interval, other: Interval) -> Interval:
    return minimum(one[0], other[0]), maximum(one[1], other[1])


def _solid(one: Interval | None, other: Interval | None, proves: Proves) -> Interval | None:
    """The union where the two meet, else the one that is known."""
    if one is None or other is None or one == other:
        return one if other is None else other
    meeting = compare("<=", maximum(one[0], other[0]), minimum(one[1], other[1]) + 1)
    return _hull(one, other) if proves(meeting) else one
