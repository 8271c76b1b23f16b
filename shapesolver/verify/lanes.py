"""Which cells outputs depend on, for many combinations of input sizes at once.

Axes do not mix: what is read along an axis depends on the size of one symbol at most. So the cells of a result that
something depends on are a union of *lanes*, products of one set of cells an axis, each set for each size of its
symbol. A lane is followed back through a layer at a few hundred sizes, and stands for all their combinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import combinations
from operator import or_
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim, Formula, substitute, symbols
from shapesolver.arithmetic.masks import Undecided
from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.cells import Box, Cells, full
from shapesolver.model.graph import Wire
from shapesolver.verify.grid import Bits, Grid

MAX_LANES = 6
"""The most lanes into one result that are told apart: each doubles the work, and most lie inside another."""

MAX_STEPS = 20_000
"""How many boxes may be followed through a layer: some half a second of work."""


class Lane(NamedTuple):
    """A product of sets of cells, one an axis, for each number of the sizes."""

    boxes: tuple[Box, ...]
    """The box at the first size of every symbol, at the second, and so on; short lists of sizes start over."""
    owners: tuple[str | None, ...]
    """The symbol that the set along each axis depends on."""
    alive: Bits
    """The combinations for which no layer on the way was left without cells."""
    whole: bool = False
    """Whether it is all of a tensor of which an axis depends on several symbols, and has no boxes."""

    def along(self, axis: int) -> list[Cells]:
        """The sets along one axis."""
        return [box[axis] for box in self.boxes]

    def inside(self, other: Lane) -> bool:
        """Whether it surely lies inside another."""
        if other.whole or self.whole:
            return other.whole and not self.alive & ~other.alive
        return not self.alive & ~other.alive and all(
            not mine & ~theirs
            for box, wide in zip(self.boxes, other.boxes, strict=True)
            for mine, theirs in zip(box, wide, strict=True)
        )


Lanes = tuple[Lane, ...]


class Field:
    """A network at many combinations of input sizes."""

    def __init__(self, derivation: Derivation, grid: Grid) -> None:
        self.derivation = derivation
        self.grid = grid
        self._count = max((len(sizes) for sizes in grid.sizes), default=1)
        self._values = [
            {s.text: sizes[number % len(sizes)] for s, sizes in zip(grid.symbols, grid.sizes, strict=True)}
            for number in range(self._count)
        ]
        self._steps = 0
        self._sizes: dict[Dim, tuple[int, ...]] = {}
        self._tensors: dict[Tensor, list[Tensor]] = {}

    # Sizes.

    def tensors(self, tensor: Tensor) -> list[Tensor]:
        """A tensor at each number of the sizes."""
        if tensor not in self._tensors:
            columns = [self.at_sizes(size) for size in tensor.sizes]
            rows = zip(*columns, strict=True) if columns else [()] * self._count
            self._tensors[tensor] = [Tensor(sizes, tensor.axes) for sizes in rows]
        return self._tensors[tensor]

    def at_sizes(self, size: Dim) -> tuple[int, ...]:
        """A size at each number of the sizes."""
        if size not in self._sizes:
            constant = isinstance(size, int)
            found = [size if constant else substitute(size, values) for values in self._values]
            self._sizes[size] = tuple(found)  # type: ignore[arg-type]
        return self._sizes[size]

    @staticmethod
    def owner(*sizes: Dim | str | None) -> str | None:
        """The one symbol that sizes depend on. Raises :class:`Undecided` where there are several."""
        names = {s.text for size in sizes if isinstance(size, Formula) for s in symbols(size)}
        names |= {size for size in sizes if isinstance(size, str)}
        if len(names) > 1:
            raise Undecided(f"an axis depends on {' and '.join(sorted(names))}")
        return names.pop() if names else None

    # Lanes.

    def lane(self, tensor: Tensor, cells: Mapping[int, Sequence[Cells]] | None = None) -> Lane:
        """All of a tensor, or along some axes these cells of it. Raises :class:`Undecided`."""
        if in_several(tensor):
            if cells:
                raise Undecided("an axis depends on several sizes")
            return Lane((), (), self.grid.all, whole=True)
        boxes = [full(at.sizes) for at in self.tensors(tensor)]  # type: ignore[arg-type]
        for axis, found in (cells or {}).items():
            boxes = [(*box[:axis], own, *box[axis + 1 :]) for box, own in zip(boxes, found, strict=True)]
        owners = tuple(self.owner(size) for size in tensor.sizes)
        return self.living(Lane(tuple(boxes), owners, self.grid.all))

    def living(self, lane: Lane) -> Lane:
        """The lane, alive only where it has cells along every axis."""
        alive = lane.alive
        for axis, owner in enumerate(lane.owners):
            alive &= self.where(owner, lane.along(axis))
        return lane._replace(alive=alive)

    def where(self, owner: str | None, values: Iterable[object]) -> Bits:
        """The combinations at which something is so that depends on one symbol."""
        return self.grid.band(owner, [bool(value) for value in values])

    def outputs(self) -> dict[Wire, Lanes]:
        """The outputs, whole. Raises :class:`Undecided` where one cannot be built."""
        found: dict[Wire, Lanes] = {}
        for wire in self.derivation.graph.outputs:
            tensor = self.derivation.tensor(*wire)
            if tensor is None:
                raise Undecided("an output cannot be built")
            found[wire] = (self.lane(tensor),)
        return found

    def trace(self, wanted: Mapping[Wire, Lanes]) -> dict[Wire, Lanes]:
        """All that the wanted cells depend on. Raises :class:`Undecided`."""
        found = dict(wanted)
        for index in range(max((wire.node for wire in wanted), default=-1), -1, -1):
            for wire in [wire for wire in found if wire.node == index]:
                for source, lanes in self._through(wire, found[wire]):
                    found[source] = merged((*found.get(source, ()), *lanes))
        return {wire: lanes for wire, lanes in found.items() if lanes}

    def _through(self, wire: Wire, lanes: Lanes) -> Iterable[tuple[Wire, Lanes]]:
        node, layer = self.derivation.graph.nodes[wire.node], self.derivation.layers[wire.node]
        inputs = self.derivation.inputs(wire.node) or ()
        if not node.inputs:
            return
        if any(isinstance(part, Formula) for _, value in layer.values() for part in _parts(value)):
            raise Undecided(f"{node.path} has a parameter that depends on the sizes")
        if self._at_once(wire, lanes):
            alive = reduce(or_, (lane.alive for lane in lanes))
            for source, axes, tensor in zip(
                node.inputs, layer.readings(*inputs, output=wire.output), inputs, strict=True
            ):
                if axes is not None:
                    found = self.lane(tensor)
                    yield source, (found._replace(alive=found.alive & alive),)
            return
        at_sizes = [*zip(*map(self.tensors, inputs), strict=True)]
        for lane in lanes:
            self._steps += len(lane.boxes)
            if self._steps > MAX_STEPS:
                raise Undecided("the network is too large to be followed at all sizes")
            owners = self._owners(layer, inputs, lane, wire.output)
            for number, read in self._read(layer, at_sizes, lane, wire.output):
                if read is not None:
                    yield node.inputs[number], (self.living(Lane(read, owners[number], lane.alive)),)

    def _at_once(self, wire: Wire, lanes: Lanes) -> bool:
        """Whether all of the inputs is read, as can be told without boxes. Raises :class:`Undecided`."""
        layer, inputs = self.derivation.layers[wire.node], self.derivation.inputs(wire.node) or ()
        tensor = self.derivation.tensor(*wire)
        assert tensor is not None
        all_wanted = all(lane.whole for lane in lanes) or any(lane == self.lane(tensor) for lane in lanes)
        keeps_all = all_wanted and not layer.omits and not isinstance(layer, AxisWise)
        if any(lane.whole for lane in lanes) or any(map(in_several, inputs)):
            readings = layer.readings(*inputs, output=wire.output)
            everything = all(one.follows is None and one.exact for axes in readings if axes is not None for one in axes)
            if not keeps_all and not everything:
                raise Undecided(f"{layer.op} reads an axis that depends on several sizes")
            return True
        if layer.mixes and not all_wanted:
            raise Undecided(f"{layer.op} mixes axes")
        return layer.mixes and keeps_all

    @staticmethod
    def _read(
        layer: Layer, at_sizes: Sequence[tuple[Tensor, ...]], lane: Lane, output: int
    ) -> Iterable[tuple[int, tuple[Box, ...] | None]]:
        """For each input, the box that is read of it at each size; ``None`` for an input that is not read."""
        read: list[list[Box]] = [[] for _ in at_sizes[0]]
        for box, inputs in zip(lane.boxes, at_sizes, strict=True):
            found: dict[int, Box] = {}
            for number, part in layer.read_cells(box, inputs, output) if any(box) else ():
                if number in found:
                    raise Undecided(f"{layer.op} reads in several pieces")
                found[number] = part
            for number, tensor in enumerate(inputs):
                read[number].append(found.get(number, (0,) * tensor.rank))
        return [(n, tuple(boxes) if any(map(any, boxes)) else None) for n, boxes in enumerate(read)]

    def _owners(
        self, layer: Layer, inputs: tuple[Tensor, ...], lane: Lane, output: int
    ) -> list[tuple[str | None, ...]]:
        """For each axis of each input, the symbol that what is read along it depends on."""
        found = []
        for axes, tensor in zip(layer.readings(*inputs, output=output), inputs, strict=True):
            alike = [other for other in inputs if other.axes == tensor.axes]
            owners = []
            for place in range(tensor.rank):
                follows = None if axes is None else axes[place].follows
                sizes = [other.sizes[place] for other in alike]
                owners.append(self.owner(*sizes, None if follows is None else lane.owners[follows]))
            found.append(tuple(owners))
        return found

    # What is left.

    def outside(self, lane: Lane, others: Lanes) -> Bits:
        """The combinations at which some cell of a lane is in none of the others."""
        return lane.alive & self._outside([lane.along(axis) for axis in range(len(lane.owners))], lane.owners, others)

    def _outside(self, cells: list[list[Cells]], owners: Sequence[str | None], others: Lanes) -> Bits:
        # Law: a cell is not in a product of sets iff it is beyond one of the sets, or the product is empty.
        left = self.grid.all
        for owner, along in zip(owners, cells, strict=True):
            left &= self.where(owner, along)
        if not left or not others:
            return left
        other, rest = others[0], others[1:]
        found = 0
        if other.alive != self.grid.all:
            found |= ~other.alive & self._outside(cells, owners, rest)
        for axis, along in enumerate(cells):
            beyond = [mine & ~theirs for mine, theirs in zip(along, other.along(axis), strict=True)]
            if any(beyond):
                both = (*owners[:axis], self.owner(owners[axis], other.owners[axis]), *owners[axis + 1 :])
                found |= self._outside([*cells[:axis], beyond, *cells[axis + 1 :]], both, rest)
        return found & left

    def united(self, lanes: Lanes, axis: int, so: Callable[[Cells], bool]) -> Bits:
        """The combinations at which something is so of all cells that lanes have along an axis."""
        return self._united(lanes, axis, so, [0] * self._count, None)

    def _united(
        self, lanes: Lanes, axis: int, so: Callable[[Cells], bool], cells: list[Cells], owner: str | None
    ) -> Bits:
        if not lanes:
            return self.where(owner, map(so, cells))
        lane, rest = lanes[0], lanes[1:]
        more = [a | b for a, b in zip(cells, lane.along(axis), strict=True)]
        found = lane.alive & self._united(rest, axis, so, more, self.owner(owner, lane.owners[axis]))
        if lane.alive != self.grid.all:
            found |= ~lane.alive & self._united(rest, axis, so, cells, owner)
        return found


def in_several(tensor: Tensor) -> bool:
    """Whether an axis of it depends on several symbols, as that of a flattened image does."""
    return any(isinstance(size, Formula) and len(symbols(size)) > 1 for size in tensor.sizes)


def merged(lanes: Iterable[Lane]) -> Lanes:
    """The same cells in fewer lanes. Raises :class:`Undecided` where too many are left."""
    kept: list[Lane] = []
    for lane in lanes:
        if lane.alive and not any(lane.inside(other) for other in kept):
            kept = [other for other in kept if not other.inside(lane)] + [lane]
    for one, other in combinations(kept, 2):
        together = _joined(one, other)
        if together is not None:
            return merged([together, *(lane for lane in kept if lane is not one and lane is not other)])
    if len(kept) > MAX_LANES:
        raise Undecided(f"more than {MAX_LANES} ways lead to a result")
    return tuple(kept)


def _joined(one: Lane, other: Lane) -> Lane | None:
    """The union of two lanes that differ along one axis at most."""
    if one.whole or other.whole:
        return None
    different = [axis for axis in range(len(one.owners)) if one.along(axis) != other.along(axis)]
    if len(different) > 1 or one.alive != other.alive or one.owners != other.owners:
        return None
    boxes = (tuple(a | b for a, b in zip(*pair, strict=True)) for pair in zip(one.boxes, other.boxes, strict=True))
    return one._replace(boxes=tuple(boxes))


def _parts(value: Any) -> Iterable[Any]:
    return [part for item in value for part in _parts(item)] if isinstance(value, tuple) else [value]
