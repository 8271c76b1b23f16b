"""Receptive fields: what the units of a layer see of the network's inputs.

*Size*, *stride* and *padding* describe all units at once: unit ``i`` sees ``size`` cells from ``stride*i - padding``
on, as if the input went on beyond its ends. Where one unit's field really lies, padding left out, is
:func:`unit_field`. Source of the terms: Araujo, Norris and Sim (2019); see :mod:`shapesolver.layers.strips`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from shapesolver.arithmetic import Dim, Formula, compare, maximum, minimum
from shapesolver.derive import Derivation
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.base import Tensor
from shapesolver.layers.cells import every, runs
from shapesolver.layers.source import Input
from shapesolver.layers.strips import Source, Strip, View
from shapesolver.measure.lost import Boxes, trace
from shapesolver.model.graph import Wire
from shapesolver.network import Network
from shapesolver.placed import public

CHANNELS = "C"


class FieldError(ShapeSolverError):
    """A field was asked of a unit that does not exist, or of sizes that are not known."""


@dataclass(frozen=True, slots=True)
class AxisField:
    """What all units of a layer see along one axis of one input."""

    input: str
    axis: str
    n: Dim
    """The size of the input along the axis."""
    strip: Strip

    @property
    def least(self) -> Dim:
        """The size of the smallest field of a unit: fields differ where the stride is a fraction."""
        return minimum(*(last - first + 1 for first, last in self.strip.phases()))

    @property
    def most(self) -> Dim:
        """The size of the largest field of a unit, as a number or the package's own formula."""
        return maximum(*(last - first + 1 for first, last in self.strip.phases()))

    @property
    def start(self) -> Dim:
        """The padding as a number or the package's own formula."""
        return -self.strip.at(0)[0]

    @property
    def size(self) -> Any:
        """How many cells a unit sees, padding counted."""
        return public(self.most)

    @property
    def padding(self) -> Any:
        """How many cells before the input unit 0's field starts; negative where it starts inside."""
        return public(self.start)

    @property
    def stride(self) -> int | Fraction:
        """How many cells further the next unit's field lies: a fraction where units are finer than cells, and 0
        where all units see the same."""
        stride = self.strip.stride
        return stride.numerator if stride.denominator == 1 else stride

    @property
    def whole(self) -> bool:
        """Whether every unit sees the whole axis."""
        first, last = self.strip.first, self.strip.last
        covers = compare("<=", first, 0) is True and compare(">=", last, self.n - 1) is True
        return self.strip.follows is None and covers

    @property
    def exact(self) -> bool:
        """Whether size and padding are exact; otherwise a field is at most so large."""
        return not self.strip.bounds

    def centre(self, unit: int | Fraction) -> Any:
        """The place in the input, counted from 0, around which a unit's field lies."""
        double = self.strip.centre()
        stride = self.strip.stride
        if isinstance(double, int):
            return stride * unit + Fraction(double, 2 * self.strip.period)
        return public(double) / (2 * self.strip.period) + stride * unit

    def __str__(self) -> str:
        return f"{self.most} / {self.stride} / {self.start}"


@dataclass(frozen=True, slots=True, eq=False)
class ReceptiveField(Mapping[str, AxisField]):
    """What a layer's units see, by axis of the input: ``field["H"]``, or ``field["left.H"]`` of several inputs."""

    layer: str
    axes: tuple[AxisField, ...]

    def __getitem__(self, key: str) -> AxisField:
        found = [axis for axis in self.axes if key in (axis.axis, f"{axis.input}.{axis.axis}")]
        if len(found) == 1:
            return found[0]
        if found:
            names = " or ".join(f"{axis.input}.{axis.axis}" for axis in found)
            raise KeyError(f"{self.layer} sees several inputs: {names}")
        raise KeyError(f"{self.layer} sees no axis {key} of an input; it sees {', '.join(self) or 'none'}")

    def __iter__(self) -> Iterator[str]:
        several = len({axis.input for axis in self.axes}) > 1
        return (f"{axis.input}.{axis.axis}" if several else axis.axis for axis in self.axes)

    def __len__(self) -> int:
        return len(self.axes)


def receptive_field(net: Network, wire: Wire, path: str) -> ReceptiveField:
    """What the units of a result see of every input, at the network's sizes: numbers or formulas."""
    view: View = net.views.get(wire, {})
    axes = []
    for source, strip in sorted(view.items()):
        tensor = net.derivation.tensor(source.node)
        assert tensor is not None
        name = tensor.axes[source.axis]
        axes.append(AxisField(net.graph.nodes[source.node].path, name, tensor.sizes[source.axis], strip))
    return ReceptiveField(path, tuple(axes))


# One unit.


@dataclass(frozen=True, slots=True)
class Place:
    """Where one unit's field lies along one axis of an input."""

    axis: str
    n: int
    cells: tuple[tuple[int, int], ...]
    """The cells that the unit depends on, as the first and last of each run: exact, padding left out."""
    reach: tuple[int, int]
    """The first and last cell of the field as if the input went on beyond its ends."""

    @property
    def first(self) -> int | None:
        """The first cell seen, from 0 on; ``None`` where the unit sees nothing."""
        return self.cells[0][0] if self.cells else None

    @property
    def last(self) -> int | None:
        """The last cell seen."""
        return self.cells[-1][1] if self.cells else None

    @property
    def inside(self) -> Fraction:
        """The share of the reach that is input."""
        first, last = self.reach
        within = max(min(last, self.n - 1) - max(first, 0) + 1, 0)
        return Fraction(within, max(last - first + 1, 1))


@dataclass(frozen=True, slots=True)
class UnitField:
    """What one unit of a layer sees of one input."""

    layer: str
    unit: tuple[int, ...]
    input: str
    places: tuple[Place, ...]

    def __getitem__(self, axis: str) -> Place:
        for place in self.places:
            if place.axis == axis:
                return place
        raise KeyError(f"{self.input} has no axis {axis}; it has {', '.join(p.axis for p in self.places)}")

    @property
    def empty(self) -> bool:
        """Whether the unit sees nothing of the input."""
        return not all(place.cells for place in self.places)

    @property
    def padding(self) -> Fraction:
        """The share of the field that lies in padding."""
        return 1 - prod((place.inside for place in self.places), start=Fraction(1))


def unit_field(
    net: Network, wire: Wire, path: str, unit: int | Sequence[int], of: str | None = None
) -> Mapping[str, UnitField]:
    """What one unit sees of each input, by the input's path; ``of`` names one input.

    ``unit`` is its place along the axes of the result without the channels, counted from 0. The network is taken at
    its usual sizes where it has symbols. Raises :class:`FieldError` for a unit that does not exist, an unknown
    input, or sizes that are not known.
    """
    net = net.usual() if net.symbols else net
    tensor = net[path].tensor
    place = _checked(tensor, (unit,) if isinstance(unit, int) else tuple(unit), path, net.symbols)
    inputs = [index for index, node in enumerate(net.graph.nodes) if isinstance(node.layer, Input)]
    names = {net.graph.nodes[index].path: index for index in inputs}
    if of is not None and of not in names:
        raise FieldError(f"no input is called {of!r}; there are {', '.join(names)}")
    at = dict(zip((i for i, axis in enumerate(tensor.axes) if axis != CHANNELS), place, strict=True))
    wanted = tuple(1 << at[index] if index in at else every(n) for index, n in enumerate(_numbers(tensor)))
    boxes = trace(net.derivation, {wire: (wanted,)})
    view: View = net.views.get(wire, {})
    return {
        name: UnitField(path, place, name, _places(net.derivation, index, boxes.get(Wire(index), ()), view, at))
        for name, index in names.items()
        if of in (None, name)
    }


def _checked(tensor: Tensor, unit: tuple[int, ...], path: str, symbols: Mapping[str, Any]) -> tuple[int, ...]:
    """The unit, or a :class:`FieldError` that says which units there are."""
    axes = [axis for axis in tensor.axes if axis != CHANNELS]
    if any(isinstance(size, Formula) for size in tensor.sizes):
        raise FieldError(f"a unit's field depends on the sizes of the inputs; state {', '.join(symbols)}")
    sizes = [n for n, axis in zip(_numbers(tensor), tensor.axes, strict=True) if axis != CHANNELS]
    if len(unit) != len(axes):
        takes = f"a place along {', '.join(axes)}" if axes else "no place: every unit sees the same"
        raise FieldError(f"{path} is {tensor}; its units have {takes}, and {len(unit)} numbers are given")
    for number, n, axis in zip(unit, sizes, axes, strict=True):
        if not 0 <= number < n:
            raise FieldError(f"{path} has no unit {number} along {axis}: they are 0 to {n - 1}")
    return unit


def _numbers(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.sizes


def _places(derivation: Derivation, index: int, boxes: Boxes, view: View, at: Mapping[int, int]) -> tuple[Place, ...]:
    tensor = derivation.tensor(index)
    assert tensor is not None
    found = []
    for axis, (name, n) in enumerate(zip(tensor.axes, _numbers(tensor), strict=True)):
        if name == CHANNELS:
            continue
        strip = view.get(Source(index, axis))
        read = 0
        for box in boxes:
            read |= box[axis]
        reach: Any = (0, -1) if strip is None else strip.at(0 if strip.follows is None else at[strip.follows])
        found.append(Place(name, n, tuple((first, stop - 1) for first, stop in runs(read)), reach))
    return tuple(found)
