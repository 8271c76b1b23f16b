"""Which cells of every result a network reads, as formulas in the input sizes.

Read backwards from wanted results, every axis by itself: what is surely read is a union of progressions, runs or
cells some steps apart, with symbolic ends. Where paths join, their cells are united. Where a layer does not tell
which cells it reads, only bounds are left; another path that reads them all makes up for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from shapesolver.arithmetic import Dim, Truth, both, compare, maximum, minimum, substitute, symbols
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation, readings_of
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.reading import Progression, Reading, Run
from shapesolver.layers.source import Input
from shapesolver.measure.proofs import Valid, upstream
from shapesolver.measure.unions import Proves, Union, Unions, held
from shapesolver.model.graph import Wire


class Extent(NamedTuple):
    """What is read along one axis: the indices at which some cell is read."""

    parts: Union
    """Everything in them is read."""
    bound: Run | None = None
    """What else is read lies in this run; ``None`` where the parts are all that is read."""
    some: bool = True
    """Whether surely something is read."""

    @property
    def exact(self) -> bool:
        """Whether it is known what is read."""
        return self.bound is None

    @property
    def hull(self) -> Run | None:
        """The run that everything read lies in; where it is known what is read, its ends are read. None for nothing."""
        runs = [(part.first, part.last) for part in self.parts] + ([] if self.bound is None else [self.bound])
        return (minimum(*(r[0] for r in runs)), maximum(*(r[1] for r in runs))) if runs else None

    def whole(self, n: Dim) -> Truth | None:
        """That something is read at every index of an axis of size ``n``; ``None`` where that is not known."""
        found = held(self.parts, Progression(0, n - 1))
        hull = self.hull
        if self.exact or found is True or hull is None:
            return found
        # Bounds can still tell that something is left out.
        return False if both(compare("<=", hull[0], 0), compare(">=", hull[1], n - 1)) is False else None

    def left_out(self, n: int, at: Mapping[str, int]) -> int:
        """How many indices of an axis of size ``n`` are not read at these sizes; 0 where that is not known."""
        if not self.exact:
            return 0
        unread = IntSet.interval(0, n - 1)
        for part in self.parts:
            first, last = substitute(part.first, at), substitute(part.last, at)
            if not (isinstance(first, int) and isinstance(last, int)):
                return 0
            unread -= IntSet.interval(first, last) & IntSet.residue_class(first, part.step)
        return len(unread)


class Extents(NamedTuple):
    """What is read of one result."""

    axes: tuple[Extent, ...]
    box: bool = True
    """Whether every cell is read whose index along each axis is in that axis' parts."""

    def whole(self, tensor: Tensor) -> Truth | None:
        """That every cell is read; ``None`` where that is not known."""
        return self.whole_along(tensor, range(tensor.rank))

    def whole_along(self, tensor: Tensor, axes: Iterable[int]) -> Truth | None:
        """That no cell is left out along these axes; ``None`` where that is not known."""
        found = [self.axes[axis].whole(tensor.sizes[axis]) for axis in axes]
        told = both(*(truth for truth in found if truth is not None))
        if told is False:
            return False
        return told if self.box and None not in found else None


Reads = Mapping[Wire, Extents]
"""What is read of each result."""


def wholly(tensor: Tensor) -> Extents:
    """Every cell of a tensor."""
    return Extents(tuple(Extent((Progression(0, n - 1),)) for n in tensor.sizes))


def read_for(derivation: Derivation, wires: Iterable[Wire], proves: Proves | None = None) -> Reads | None:
    """What these results depend on; ``None`` where one of them cannot be built.

    At every size for which they can be computed, unless ``proves`` knows more of the sizes in question.
    """
    wires = tuple(wires)
    if proves is None:
        proves = Valid.up_to(derivation, wires).proves
    tensors = {wire: derivation.tensor(*wire) for wire in wires}
    wanted = {wire: wholly(tensor) for wire, tensor in tensors.items() if tensor is not None}
    return extents(derivation, wanted, proves) if len(wanted) == len(tensors) else None


def extents(derivation: Derivation, wanted: Reads, proves: Proves) -> Reads | None:
    """What the wanted results read of every result before them; ``None`` where a layer cannot be built."""
    return _Reader(derivation, Unions(proves)).read(wanted)


def inputs_read(derivation: Derivation, reads: Reads) -> Iterator[tuple[int, Extents]]:
    """The inputs of which anything is read, by their nodes' numbers, with what is read of each."""
    for index, node in enumerate(derivation.graph.nodes):
        if isinstance(node.layer, Input) and Wire(index) in reads:
            yield index, reads[Wire(index)]


def nothing_lost(
    derivation: Derivation, reads: Reads | None, sizes: Iterable[str] | None = None, every_input: bool = False
) -> Truth | None:
    """That every cell is read of the inputs before the results, or of every input; ``None`` where it is not known.

    With ``sizes`` along the axes of these sizes alone, whatever is lost along the others.
    """
    if reads is None:
        return None
    nodes = derivation.graph.nodes
    known: list[Truth | None] = []
    for index in range(len(nodes)) if every_input else upstream(derivation, {wire.node for wire in reads}):
        tensor, read = derivation.tensor(index), reads.get(Wire(index))
        if isinstance(nodes[index].layer, Input) and tensor is not None:
            axes = [axis for axis, n in enumerate(tensor.sizes) if sizes is None or _mentions(n, sizes)]
            known.append(not axes if read is None else read.whole_along(tensor, axes))
    told = both(*(truth for truth in known if truth is not None))
    return None if None in known and told is not False else told


def followed(derivation: Derivation, wire: Wire, axis: int) -> Mapping[Wire, set[int]]:
    """The axes of results before it along which one axis of a result moves."""
    found: dict[Wire, set[int]] = {wire: {axis}}
    for index in range(wire.node, -1, -1):
        inputs = derivation.inputs(index)
        for output in [w for w in found if w.node == index] if inputs else ():
            assert inputs is not None
            readings = readings_of(derivation.layers[index], inputs, output.output)
            for axes, source in zip(readings, derivation.graph.nodes[index].inputs, strict=True):
                moved = {at for at, reading in enumerate(axes or ()) if reading.follows in found[output]}
                if moved:
                    found.setdefault(source, set()).update(moved)
    return found


def _mentions(size: Dim, names: Iterable[str]) -> bool:
    return not {symbol.text for symbol in symbols(size)}.isdisjoint(names)


class _Reader:
    """One pass backwards over the layers."""

    def __init__(self, derivation: Derivation, unions: Unions) -> None:
        self._derivation = derivation
        self._unions = unions
        self._known: dict[tuple[Layer, tuple[Tensor, ...], int, Extents], tuple[Extents | None, ...]] = {}

    def read(self, wanted: Reads) -> Reads | None:
        found = dict(wanted)
        for index in range(max((wire.node for wire in wanted), default=-1), -1, -1):
            made = self._derivation.outcomes[index]
            for output in range(0 if made is None else len(made.outputs)):
                if Wire(index, output) in found:
                    if self._derivation.inputs(index) is None:
                        return None
                    self._through(Wire(index, output), found)
        return found

    def _through(self, output: Wire, found: dict[Wire, Extents]) -> None:
        """Add what one wanted result reads of its layer's inputs."""
        inputs, made, wanted = self._derivation.inputs(output.node), self._derivation.tensor(*output), found[output]
        assert inputs is not None and made is not None
        if any(axis.exact and not axis.parts for axis in wanted.axes):
            return
        layer = self._derivation.layers[output.node]
        key = layer, inputs, output.output, wanted
        if key not in self._known:
            # Equal layers of which the same is wanted read the same.
            self._known[key] = tuple(self._read_of(layer, inputs, output.output, made, wanted))
        sources = self._derivation.graph.nodes[output.node].inputs
        for read, wire in zip(self._known[key], sources, strict=True):
            if read is not None:
                found[wire] = self._joined(found[wire], read) if wire in found else read

    def _read_of(
        self, layer: Layer, inputs: tuple[Tensor, ...], output: int, made: Tensor, wanted: Extents
    ) -> Iterator[Extents | None]:
        """What a layer reads of each of its inputs, for what is wanted of one of its results."""
        for axes, tensor in zip(readings_of(layer, inputs, output), inputs, strict=True):
            if axes is None:
                yield None
                continue
            pairs = zip(axes, tensor.sizes, strict=True)
            yield _surely(tuple(self._along(reading, n, wanted, made) for reading, n in pairs), wanted)

    def _along(self, reading: Reading, n: Dim, wanted: Extents, made: Tensor) -> Extent:
        """What is read along one axis of an input of size ``n``."""
        mixed = reading.together
        # Of axes that mix it is known what is read only where all of them is wanted.
        sure = not mixed or (wanted.box and all(self._all(wanted.axes[axis], made.sizes[axis]) for axis in mixed))
        if reading.follows is None:
            everything = 0, n - 1
            told = sure and (reading.exact or bool(mixed))
            return Extent((Progression(*everything),)) if told else Extent((), everything)
        extent = wanted.axes[reading.follows]
        union, all_of_it = self._parts(reading, extent.parts, n, made.sizes[reading.follows]) if sure else ((), False)
        if all_of_it and extent.exact:
            return Extent(union)
        hull = extent.hull
        assert hull is not None
        first, last = reading.run(*hull)
        some = bool(union) or (extent.some and not reading.hollow)
        return Extent(union, (maximum(first, 0), minimum(last, n - 1)), some)

    def _all(self, extent: Extent, n: Dim) -> bool:
        """Whether surely something is read at every index."""
        truth = extent.whole(n)
        return truth is not None and self._unions.proves(truth)

    def _parts(self, reading: Reading, wanted: Union, n: Dim, made: Dim) -> tuple[Union, bool]:
        """What the wanted results surely read, and whether that is all that they read."""
        found: list[Progression] = []
        told = True
        for part in wanted:
            read = _read_by(reading, part)
            told = told and read is not None
            found.extend(read or ())
        if tuple(found) == wanted and made == n:
            return wanted, told
        union, rest = self._unions.within(found, n)
        return union, told and rest

    def _joined(self, one: Extents, other: Extents) -> Extents:
        """What both read: a box still where one holds the other, or where they differ along one axis alone."""
        axes = tuple(map(self._both, one.axes, other.axes))
        apart = sum(not _same(mine, theirs) for mine, theirs in zip(one.axes, other.axes, strict=True))
        covering = any(side.box and all(map(_same, side.axes, axes)) for side in (one, other))
        return Extents(axes, covering or (one.box and other.box and apart <= 1))

    def _both(self, one: Extent, other: Extent) -> Extent:
        if one == other:
            return one
        union = self._unions.united((*one.parts, *other.parts))
        rest = [side.bound for side in (one, other) if side.bound and not self._unions.holds(union, side.bound)]
        bound = (minimum(*(run[0] for run in rest)), maximum(*(run[1] for run in rest))) if rest else None
        return Extent(union, bound, one.some or other.some)


def _same(one: Extent, other: Extent) -> bool:
    """Whether the same cells are surely read."""
    return one.parts == other.parts or set(one.parts) == set(other.parts)


def _surely(axes: tuple[Extent, ...], wanted: Extents) -> Extents:
    """What is read, where along some axis it may be nothing at all: then nothing is sure along the others either."""
    if all(axis.some for axis in (*axes, *wanted.axes)):
        return Extents(axes, wanted.box)
    return Extents(tuple(Extent((), axis.hull, some=False) for axis in axes), wanted.box)


def _read_by(reading: Reading, wanted: Progression) -> Iterable[Progression] | None:
    """What a progression of results reads; ``None`` where the layer does not tell."""
    if reading.parts is not None:
        return reading.parts(wanted)
    if reading.exact and reading.taps is None and wanted.step == 1:
        return (Progression(*reading.run(wanted.first, wanted.last)),)
    return None
