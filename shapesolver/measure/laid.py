"""Layers whose windows lie along the axes of their input, axis by axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from shapesolver.arithmetic import Dim
from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Tensor


class Along(NamedTuple):
    """One spatial axis."""

    axis: int
    """Its number, the channels left out."""
    name: str
    n: Dim
    """The size of the input."""
    results: Dim
    """The size of the result."""


class Laid(NamedTuple):
    """A layer whose results have the axes of its input."""

    node: int
    """The layer's place in the graph."""
    layer: AxisWise
    tensor: Tensor
    """What it consumes."""
    made: Tensor

    def along(self) -> Iterator[Along]:
        """Its spatial axes."""
        names = self.layer.spatial_names(self.tensor)
        sizes = zip(names, self.layer.split(self.tensor)[1], self.layer.split(self.made)[1], strict=True)
        for axis, (name, n, results) in enumerate(sizes):
            yield Along(axis, name, n, results)


def laid(derivation: Derivation) -> Iterator[Laid]:
    """Those that can be built, in order."""
    for index, layer in enumerate(derivation.layers):
        inputs, made = derivation.inputs(index), derivation.tensor(index)
        if isinstance(layer, AxisWise) and inputs and made is not None and made.rank == inputs[0].rank:
            yield Laid(index, layer, inputs[0], made)
