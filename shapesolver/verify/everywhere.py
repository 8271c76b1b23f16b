"""For which input sizes windows leave gaps or holes, or part of an input is unread: for all sizes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import Undecided
from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Tensor
from shapesolver.layers.cells import Cells, full, span
from shapesolver.layers.source import Input
from shapesolver.measure.extents import Reads, nothing_lost
from shapesolver.measure.laid import laid
from shapesolver.model.graph import Wire
from shapesolver.verify.grid import MAX_COMBINATIONS, Bits, Grid
from shapesolver.verify.lanes import Field, Lanes
from shapesolver.verify.settling import tail
from shapesolver.verify.sizes import Sizes
from shapesolver.verify.unread import gaps, has_holes

MAX_TRIED = 256
"""The greatest size of a symbol that is looked at where no law says what holds for all; its usual size is, too."""


def grid_of(derivation: Derivation, sizes: Sizes, usual: Mapping[str, int]) -> Grid:
    """The sizes to look at, which are all that matter where a law says so. Raises :class:`Undecided`."""
    if derivation.graph.holes:
        raise Undecided("a hole is left open")
    names = [Symbol(name, 1) for name in derivation.graph.symbols if name not in derivation.known]
    valid = {name.text: sizes.values(name) for name in names}
    tails = {s.text: law for s in names if (law := tail(derivation, s, valid[s.text])) is not None}
    most = min(int(MAX_COMBINATIONS ** (1 / len(names))), MAX_TRIED) if names else 1
    looked: list[list[int]] = []
    for name in names:
        law = tails.get(name.text)
        if law is not None and len(names) > 1 and law.start + law.period > 8 * most:
            del tails[name.text]
            law = None
        beyond = usual.get(name.text, 0) if law is None else 0
        small = range(1, most + 1 if law is None else law.start + law.period)
        found = [n for n in (*small, *[beyond] * (beyond > most)) if n in valid[name.text]]
        if not found:
            raise Undecided(f"no size of {name.text} is small enough to look at")
        looked.append(found)
    return Grid(names, looked, tails)


MAX_FEW = 64
"""The most combinations of small sizes that are tried one by one, and the layers that they come to at most."""
MAX_FEW_LAYERS = 2000


def few_of(derivation: Derivation, sizes: Sizes, usual: Mapping[str, int]) -> Grid:
    """The least valid sizes of every symbol, and the usual ones."""
    names = [Symbol(name, 1) for name in derivation.graph.symbols if name not in derivation.known]
    most = max(min(MAX_FEW, MAX_FEW_LAYERS // len(derivation.layers)), 1)
    each = max(int(most ** (1 / len(names)) + 1e-9), 1)
    looked = []
    for name in names:
        small = [*islice(sizes.values(name), each)]
        beyond = usual.get(name.text)
        looked.append(small if beyond is None or beyond in small else [*small, beyond])
    return Grid(names, looked, {})


class Left(NamedTuple):
    """What the windows of one layer pass over along one axis of its input, at each number of the sizes."""

    node: int
    """The layer's node."""
    axis: str
    behind: list[Cells]
    between: list[Cells]

    @property
    def cells(self) -> list[Cells]:
        """All of it."""
        return [behind | between for behind, between in zip(self.behind, self.between, strict=True)]


class Everywhere:
    """A network at all its input sizes: what is said of single sizes by :class:`Trace`, for many combinations at once.

    Everything raises :class:`Undecided` where axes mix, or sizes of several symbols along one axis.
    """

    def __init__(
        self, derivation: Derivation, sizes: Sizes, usual: Mapping[str, int], reads: Callable[[], Reads | None]
    ) -> None:
        self._derivation = derivation
        self._sizes = sizes
        self._usual = usual
        self._reads = reads
        self._guilty: dict[tuple[int, str, tuple[Cells, ...]], Bits] = {}

    @cached_property
    def grid(self) -> Grid:
        """The sizes that are looked at."""
        return grid_of(self._derivation, self._sizes, self._usual)

    @cached_property
    def _field(self) -> Field:
        return Field(self._derivation, self.grid)

    @cached_property
    def all_read(self) -> bool:
        """Whether outputs are proved to depend on every cell of every input, at all valid sizes."""
        truth = nothing_lost(self._derivation, self._reads(), every_input=True)
        return truth is not None and self._sizes.proves(truth)

    @cached_property
    def only_by_windows(self) -> bool:
        """Whether cells can be lost by uneven windows alone: every input leads to an output, and no layer omits any."""
        graph = self._derivation.graph
        used = {wire.node for wire in graph.outputs}
        for index in range(len(graph.nodes) - 1, -1, -1):
            if index in used:
                used.update(wire.node for wire in graph.nodes[index].inputs)
        inputs = {index for index, node in enumerate(graph.nodes) if isinstance(node.layer, Input)}
        omitting = any(layer.omits for layer in self._derivation.layers)
        return inputs <= used and not omitting and not any(map(self._skips, range(len(graph.nodes))))

    def _skips(self, index: int) -> bool:
        """Whether a layer's windows may leave cells out between them."""
        layer, inputs = self._derivation.layers[index], self._derivation.inputs(index)
        if not isinstance(layer, AxisWise) or not inputs:
            return False
        return any(layer.skips(axis) for axis in range(inputs[0].rank - 1))

    @cached_property
    def _read(self) -> Mapping[Wire, Lanes]:
        return self._field.trace(self._field.outputs())

    @cached_property
    def left(self) -> tuple[Left, ...]:
        """What windows pass over."""
        return tuple(self._left())

    def _left(self) -> Iterator[Left]:
        for one in laid(self._derivation):
            for axis, name, n, results in one.along():
                real, _ = one.layer.left_over(n, axis)
                if real == 0 and not one.layer.skips(axis):
                    continue
                sizes, left = self._field.at_sizes(n), self._field.at_sizes(real)
                behind = [span(size - over, size) for size, over in zip(sizes, left, strict=True)]
                pairs = zip(sizes, self._field.at_sizes(results), strict=True)
                between = [gaps(one.layer, *pair, axis) for pair in pairs]
                if any(behind) or any(between):
                    yield Left(one.node, name, behind, between)

    def passed(self, left: Left, cells: Sequence[Cells]) -> Bits:
        """The combinations at which a layer's windows pass over any of these cells."""
        tensor = self._tensor(left.node)
        return self._field.where(self._field.owner(tensor.sizes[tensor.axes.index(left.axis)]), cells)

    def guilty(self, left: Left, cells: Sequence[Cells]) -> Bits:
        """The combinations at which cells of an input are lost behind these ones of a layer's input."""
        key = left.node, left.axis, tuple(cells)
        if key not in self._guilty:
            passed = self.passed(left, cells)
            self._guilty[key] = passed & self._lost_behind(left, cells) if passed and not self.all_read else 0
        return self._guilty[key]

    def _lost_behind(self, left: Left, cells: Sequence[Cells]) -> Bits:
        tensor, layer = self._tensor(left.node), self._derivation.layers[left.node]
        assert isinstance(layer, AxisWise)
        made = self._derivation.tensor(left.node)
        assert made is not None
        seen = [
            layer.box_read(full(result.sizes), source)  # type: ignore[arg-type]
            for result, source in zip(self._field.tensors(made), self._field.tensors(tensor), strict=True)
        ]
        along = {place: [box[place] for box in seen] for place in range(tensor.rank)}
        along[tensor.axes.index(left.axis)] = [*cells]
        wanted = {self._derivation.graph.nodes[left.node].inputs[0]: (self._field.lane(tensor, along),)}
        behind = self._field.trace(wanted)
        found = 0
        for number, node in enumerate(self._derivation.graph.nodes):
            if isinstance(node.layer, Input):
                wire = Wire(number)
                for lane in behind.get(wire, ()):
                    found |= self._field.outside(lane, self._read.get(wire, ()))
        return found

    def _tensor(self, index: int) -> Tensor:
        inputs = self._derivation.inputs(index)
        assert inputs
        return inputs[0]

    def lost(self, index: int) -> Bits:
        """The combinations at which some cell of an input reaches no output."""
        tensor = self._derivation.tensor(index)
        assert tensor is not None
        return 0 if self.all_read else self._field.outside(self._field.lane(tensor), self._read.get(Wire(index), ()))

    def holes(self, index: int) -> Bits:
        """The combinations at which a result in the middle of a layer reads an input with holes between its cells."""
        made = self._derivation.tensor(index)
        assert made is not None
        middle = {p: [1 << n // 2 for n in self._field.at_sizes(size)] for p, size in enumerate(made.sizes)}
        read = self._field.trace({Wire(index): (self._field.lane(made, middle),)})
        found = 0
        for number, node in enumerate(self._derivation.graph.nodes):
            tensor = self._derivation.tensor(number)
            if isinstance(node.layer, Input) and tensor is not None:
                for place, axis in enumerate(tensor.axes):
                    if axis != "C":
                        found |= self._field.united(read.get(Wire(number), ()), place, has_holes)
        return found
