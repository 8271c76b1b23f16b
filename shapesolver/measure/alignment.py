"""Alignment: where the units of one layer lie among the units of another, and the crop that lays them on each other.

Unit ``i`` of a layer sees around ``stride*i + c`` of the input. So unit ``j`` of a second one lies at
``scale*j + shift`` of the first, with the scale the quotient of their strides. Source: Long, Shelhamer and Darrell,
*Fully Convolutional Networks for Semantic Segmentation* (2015), whose crops (5, 9, 31) are such shifts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from shapesolver.arithmetic import Dim, both, compare
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.strips import Lay, Strip, lays
from shapesolver.network import Network
from shapesolver.placed import public

CHANNELS = "C"


class AlignmentError(ShapeSolverError):
    """Two layers have no grids that could be compared."""


@dataclass(frozen=True, slots=True)
class AxisAlignment:
    """Where unit ``j`` of ``other`` lies in ``layer`` along one axis: at ``scale*j + shift``."""

    layer: str
    other: str
    axis: str
    source: str
    """The input axis through which they are compared: ``image.H``."""
    lay: Lay
    n: Dim
    """The size of the layer along the axis."""
    target: Dim
    """The size of the other layer."""
    stride: Fraction
    """How many cells of the input lie between two units of the layer."""
    joined: bool
    """Whether paths that are not aligned themselves lead to one of the two, whose centre is that of their union."""

    @property
    def scale(self) -> Fraction:
        """How many units of the layer lie between two units of the other."""
        return self.lay.scale

    @property
    def shift(self) -> Any:
        """Where unit 0 of the other lies in the layer: a fraction, or an expression where it depends on sizes."""
        return self.lay.shift if self.lay.shift is not None else public(self.lay.apart) / self.lay.per

    @property
    def aligned(self) -> bool:
        """Whether every unit of the other lies on a unit of the layer."""
        return self.lay.fits is True

    @property
    def offset(self) -> int | None:
        """The offset of the crop that lays the other's unit 0 on a unit; ``None`` where none does.

        Negative where the other layer begins before this one: then it is the other that must be cropped.
        """
        offset = self.lay.offset
        return offset if self.aligned and isinstance(offset, int) else None

    @property
    def fits(self) -> bool:
        """Whether the layer has a unit under every unit of the other, so that the crop can be made."""
        inside = both(compare(">=", self.lay.offset, 0), compare("<=", self.lay.offset + self.target, self.n))
        return self.aligned and inside is True

    @property
    def fits_other(self) -> bool:
        """Whether it is the other layer that can be cropped to this one, from ``-offset`` on."""
        offset = self.offset
        inside = offset is not None and compare("<=", self.n - offset, self.target) is True
        return inside and offset is not None and offset <= 0

    @property
    def remainder(self) -> Fraction | None:
        """How far unit 0 of the other lies beyond the unit before it, in units of the layer; 0 where aligned."""
        return None if self.lay.shift is None else self.lay.shift % 1


@dataclass(frozen=True, slots=True, eq=False)
class Alignment(Mapping[str, AxisAlignment]):
    """How a layer lies in another, axis by axis: ``net.align("score_pool4", "upscore2")["H"].offset``."""

    layer: str
    other: str
    axes: tuple[AxisAlignment, ...]

    def __getitem__(self, axis: str) -> AxisAlignment:
        for found in self.axes:
            if found.axis == axis:
                return found
        raise KeyError(f"{self.layer} and {self.other} are not compared along {axis}; they are along {', '.join(self)}")

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(found.axis for found in self.axes))

    def __len__(self) -> int:
        return len({found.axis for found in self.axes})

    @property
    def offsets(self) -> tuple[int, ...] | None:
        """The crop's offsets, one an axis; ``None`` where the two cannot be aligned."""
        offsets = tuple(found.offset for found in self.axes)
        return None if None in offsets else offsets  # type: ignore[return-value]


def align(net: Network, layer: str, other: str) -> Alignment:
    """How the grid of ``other`` lies in that of ``layer``, along each axis that both have.

    Raises :class:`AlignmentError` where there is no axis to compare, ``KeyError`` for a layer that is not there.
    """
    one, two = net[layer], net[other]
    tensor, against = one.tensor, two.tensor
    found = []
    for index, name in enumerate(tensor.axes):
        if name == CHANNELS or name not in against.axes:
            continue
        position = against.axes.index(name)
        for source, between in lays(net.views[two.wire], position, net.views[one.wire], index).items():
            node = net.derivation.tensor(source.node)
            assert node is not None
            strips: tuple[Strip, ...] = (net.views[one.wire][source], net.views[two.wire][source])
            found.append(
                AxisAlignment(
                    layer,
                    other,
                    name,
                    f"{net.graph.nodes[source.node].path}.{node.axes[source.axis]}",
                    between,
                    tensor.sizes[index],
                    against.sizes[position],
                    strips[0].stride,
                    any(strip.joints for strip in strips),
                )
            )
    if not found:
        raise AlignmentError(
            f"{layer} and {other} have no grids to compare: no axis of an input lies under both of them"
        )
    return Alignment(layer, other, tuple(found))
