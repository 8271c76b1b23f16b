"""Which cells of the inputs no output depends on, exactly, through any graph.

The outputs are wanted whole; read backwards, each layer says what its wanted results depend on
(:meth:`Layer.read_cells`), as boxes: products of one set of cells an axis. Where paths join, the boxes of both
are kept, so that what one path passes over and another reads is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from shapesolver.derive import Derivation
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.base import Tensor
from shapesolver.layers.cells import Box, Cells, TooManyCells, count, full, outside, runs, united
from shapesolver.layers.source import Input
from shapesolver.model.graph import Wire

MAX_EXTENT = 2**20
"""The longest axis whose cells are followed one by one."""

Boxes = tuple[Box, ...]


class CannotTrace(ShapeSolverError):
    """Cells cannot be followed one by one: a size is no number, is too large, or belongs to a broken layer."""


@dataclass(frozen=True, slots=True, repr=False)
class Lost:
    """The cells of one input that no output depends on.

    Axes leave out the batch. ``loss["H"]`` are the rows of which not one cell is read, as ranges; a cell may be
    lost though its row is not.
    """

    path: str
    """The input layer."""
    tensor: Tensor
    """Its sizes and axes."""
    boxes: Boxes
    """The cells that are read, as products of sets along the axes."""

    @property
    def axes(self) -> Mapping[str, tuple[range, ...]]:
        """For each axis, the indices at which nothing is read, as ranges."""
        return {axis: self[axis] for axis in self.tensor.axes}

    def __getitem__(self, axis: str) -> tuple[range, ...]:
        """The indices along an axis at which nothing is read; raises ``KeyError`` for an unknown axis."""
        if axis not in self.tensor.axes:
            raise KeyError(axis)
        index = self.tensor.axes.index(axis)
        return tuple(range(first, stop) for first, stop in runs(self._unread(index)))

    def runs(self) -> Mapping[str, tuple[str, ...]]:
        """For each axis of which some indices are not read at all, these as text: ``25..27``."""
        return {
            axis: tuple(f"{r.start}..{r.stop - 1}" if len(r) > 1 else f"{r.start}" for r in ranges)
            for axis, ranges in self.axes.items()
            if ranges
        }

    def _unread(self, index: int) -> Cells:
        size: Any = self.tensor.sizes[index]
        read = 0
        for box in self.boxes:
            read |= box[index]
        return full((size,))[0] & ~read

    @property
    def cells(self) -> int:
        """How many cells are lost."""
        return self.size - count(self.boxes)

    @property
    def size(self) -> int:
        """How many cells the input has."""
        return prod(self.tensor.sizes)  # type: ignore[arg-type]

    @property
    def share(self) -> float:
        """The lost cells' share of all, from 0 to 1."""
        return self.cells / self.size

    def __bool__(self) -> bool:
        return self.cells > 0

    def __repr__(self) -> str:
        """Indices from 0 on: ``<lost of image: 159 of 784 cells; H 25..27, W 25..27>``."""
        unread = ", ".join(f"{axis} {' and '.join(runs)}" for axis, runs in self.runs().items())
        return f"<lost of {self.path}: {self.cells} of {self.size} cells{'; ' if unread else ''}{unread}>"


def lost(derivation: Derivation) -> tuple[Lost, ...]:
    """What is lost of each input, in the order of the file. Raises :class:`CannotTrace`."""
    wanted = {wire: (_everything(derivation, wire),) for wire in derivation.graph.outputs}
    read = trace(derivation, wanted)
    found = []
    for index, node in enumerate(derivation.graph.nodes):
        if isinstance(node.layer, Input):
            tensor = _tensor(derivation, Wire(index))
            found.append(Lost(node.path, tensor, read.get(Wire(index), ())))
    return tuple(found)


def trace(derivation: Derivation, wanted: Mapping[Wire, Boxes]) -> dict[Wire, Boxes]:
    """Everything that the wanted cells depend on: boxes by the result that holds them, the wanted ones included.

    Raises :class:`CannotTrace`.
    """
    boxes: dict[Wire, Boxes] = {wire: united(parts) for wire, parts in wanted.items()}
    pending: dict[int, set[int]] = {}
    for wire in boxes:
        pending.setdefault(wire.node, set()).add(wire.output)
    for index in range(max(pending, default=-1), -1, -1):
        for output in sorted(pending.get(index, ())):
            for wire, box in _read(derivation, Wire(index, output), boxes[Wire(index, output)]):
                boxes[wire] = united((*boxes.get(wire, ()), box))
                pending.setdefault(wire.node, set()).add(wire.output)
    return boxes


def _read(derivation: Derivation, wire: Wire, boxes: Boxes) -> Iterator[tuple[Wire, Box]]:
    node, layer = derivation.graph.nodes[wire.node], derivation.layers[wire.node]
    inputs = tuple(_tensor(derivation, source) for source in node.inputs)
    try:
        for box in boxes:
            for number, read in layer.read_cells(box, inputs, wire.output):
                if all(read):
                    yield node.inputs[number], read
    except TooManyCells as error:
        raise CannotTrace(f"{node.path}: {error}") from None


def _everything(derivation: Derivation, wire: Wire) -> Box:
    return full(_tensor(derivation, wire).sizes)  # type: ignore[arg-type]


def _tensor(derivation: Derivation, wire: Wire) -> Tensor:
    tensor = derivation.tensor(*wire)
    path = derivation.graph.nodes[wire.node].path
    if tensor is None:
        raise CannotTrace(f"{path} cannot be built")
    _require_numbers(path, tensor.sizes)
    return tensor


def _require_numbers(path: str, sizes: Iterable[Any]) -> None:
    for size in sizes:
        if not isinstance(size, int):
            raise CannotTrace(f"{path} has the size {size}; cells are followed at sizes that are numbers")
        if size > MAX_EXTENT:
            raise CannotTrace(f"{path} has an axis of {size} cells; {MAX_EXTENT} is the most that are followed")


def unread(read: Mapping[Wire, Boxes], wire: Wire, tensor: Tensor) -> Boxes:
    """The cells of a result that nothing wanted depends on."""
    return outside(read.get(wire, ()), tensor.sizes)  # type: ignore[arg-type]
