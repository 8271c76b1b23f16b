"""What the windows of single layers leave unread, and how much of it is lost for the whole network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Tensor
from shapesolver.layers.cells import Box, Cells, TooManyCells, count, every, full, met, span
from shapesolver.layers.source import Input
from shapesolver.measure.laid import laid
from shapesolver.measure.lost import Boxes, CannotTrace, trace, unread
from shapesolver.model.graph import Node, Wire


@dataclass(frozen=True, slots=True)
class Passed:
    """The cells of a layer's input that its own windows pass over."""

    index: int
    """The layer's node."""
    tensor: Tensor
    """What it consumes."""
    behind: Mapping[str, Cells]
    """By axis, the cells behind the last window."""
    between: Mapping[str, Cells]
    """By axis, the cells between windows."""
    seen: Box
    """For each axis of the tensor, the cells that the layer's windows read."""

    def boxes(self, which: Mapping[str, Cells]) -> Boxes:
        """These lines: along each other axis what the windows read, and all where lines of it are meant too.

        What is lost by another layer along another axis is so left out.
        """
        whole: Box = full(self.tensor.sizes)  # type: ignore[arg-type]
        base = tuple(whole[place] if axis in which else self.seen[place] for place, axis in enumerate(self.tensor.axes))
        places = ((self.tensor.axes.index(axis), cells) for axis, cells in which.items())
        return tuple((*base[:place], cells, *base[place + 1 :]) for place, cells in places)


@dataclass(frozen=True, slots=True)
class Share:
    """How much of an input is lost."""

    path: str
    part: int
    of: int
    spatial: int
    """How many spatial axes the cells are counted over; 0 where single values are counted."""


class Trace:
    """A network at sizes that are numbers, every cell followed back from the outputs."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation

    @cached_property
    def read(self) -> Mapping[Wire, Boxes]:
        """What the outputs depend on. Raises :class:`CannotTrace`, also where an output cannot be built."""
        wanted = {}
        for wire in self.derivation.graph.outputs:
            tensor = self.derivation.tensor(*wire)
            if tensor is None:
                raise CannotTrace(f"{self.derivation.graph.nodes[wire.node].path} cannot be built")
            if not all(isinstance(size, int) for size in tensor.sizes):
                raise CannotTrace(f"{self.derivation.graph.nodes[wire.node].path} has no size in numbers")
            wanted[wire] = (full(tensor.sizes),)  # type: ignore[arg-type]
        return trace(self.derivation, wanted)

    @property
    def possible(self) -> bool:
        """Whether the cells can be followed."""
        try:
            return bool(self.read)
        except (CannotTrace, TooManyCells):
            return False

    @cached_property
    def inputs(self) -> tuple[tuple[int, Node, Tensor], ...]:
        """The inputs, each with its node's index."""
        nodes = enumerate(self.derivation.graph.nodes)
        found = ((i, node, self.derivation.tensor(i)) for i, node in nodes if isinstance(node.layer, Input))
        return tuple((i, node, tensor) for i, node, tensor in found if tensor is not None)

    @cached_property
    def lost(self) -> Mapping[int, Boxes]:
        """By input, the cells that no output depends on; inputs that lose nothing left out."""
        parts = {index: unread(self.read, Wire(index), tensor) for index, _, tensor in self.inputs}
        return {index: boxes for index, boxes in parts.items() if boxes}

    @cached_property
    def passed(self) -> tuple[Passed, ...]:
        """The layers whose windows pass over cells of their input."""
        return tuple(self._passed())

    def _passed(self) -> Iterator[Passed]:
        for one in laid(self.derivation):
            along: list[Any] = [*one.along()]
            behind = {name: cells for axis, name, n, _ in along if (cells := left_behind(one.layer, n, axis))}
            between = {name: cells for axis, name, n, made in along if (cells := gaps(one.layer, n, made, axis))}
            if behind or between:
                seen = one.layer.box_read(full(one.made.sizes), one.tensor)  # type: ignore[arg-type]
                yield Passed(one.node, one.tensor, behind, between, seen)

    def guilty(self, passed: Passed, which: Mapping[str, Cells]) -> dict[str, Cells]:
        """Those of the lines, axis by axis, behind which cells of an input are lost."""
        return {
            axis: cells
            for axis, cells in which.items()
            if cells and self.shares(passed.index, passed.boxes({axis: cells}))
        }

    def shares(self, index: int, boxes: Boxes) -> tuple[Share, ...]:
        """What is lost of each input among all that these cells of a layer's input depend on."""
        source = self.derivation.graph.nodes[index].inputs[0]
        behind = trace(self.derivation, {source: boxes})
        found = []
        for number, node, tensor in self.inputs:
            gone = met(behind.get(Wire(number), ()), self.lost.get(number, ()))
            if gone:
                found.append(share_of(node.path, tensor, gone))
        return tuple(found)


def left_behind(layer: AxisWise, n: int, axis: int) -> Cells:
    """The real cells of an axis of size ``n`` behind the last window."""
    real: Any = layer.left_over(n, axis)[0]
    return span(n - real, n)


def gaps(layer: AxisWise, n: int, results: int, axis: int) -> Cells:
    """The cells of an axis of size ``n`` that lie unread between the first one that is read and the last."""
    if not layer.skips(axis):
        return 0
    read = layer.cells_read(every(results), n, axis)
    return every(read.bit_length()) & ~read & ~every((read & -read).bit_length())


def has_holes(cells: Cells) -> bool:
    """Whether cells are missing between the first and the last."""
    return bool(cells) and (cells | cells - 1) & (cells | cells - 1) + 1 != 0


def share_of(path: str, tensor: Tensor, gone: Boxes) -> Share:
    """The lost part of an input: its places, where whole places are lost, and else its single values."""
    sizes: Any = tensor.sizes
    channel = tensor.axes.index("C") if "C" in tensor.axes and tensor.rank > 1 else None
    if channel is not None and all(box[channel] == every(sizes[channel]) for box in gone):
        places = tuple((*box[:channel], *box[channel + 1 :]) for box in gone)
        spatial = (*sizes[:channel], *sizes[channel + 1 :])
        return Share(path, count(places), prod(spatial), len(spatial))
    return Share(path, count(gone), prod(sizes), 0)
