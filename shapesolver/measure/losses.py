"""What windows leave over at the ends of their axes, and for which sizes that is lost to the whole network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from shapesolver.arithmetic import Dim, Truth, both, compare, either, negate
from shapesolver.derive import Derivation
from shapesolver.layers.reading import Progression
from shapesolver.layers.source import Input
from shapesolver.measure.extents import Extent, Extents, Reads, extents, followed, inputs_read, read_for, wholly
from shapesolver.measure.laid import laid
from shapesolver.measure.proofs import Valid
from shapesolver.measure.unions import held
from shapesolver.model.graph import Wire


class Line(NamedTuple):
    """One axis of an input."""

    input: int
    """The input's node."""
    axis: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What one axis of one layer leaves over behind its last window."""

    index: int
    """The layer's node."""
    axis: str
    real: Dim
    """How many cells of its input."""
    padding: Dim
    """How many cells of its padding."""
    lines: tuple[tuple[Line, Truth], ...] | None
    """The axes of inputs of which cells are lost by it, and when; ``None`` where that is not known."""

    @property
    def leaves(self) -> Truth:
        """That it leaves real cells over."""
        return compare(">", self.real, 0)

    @property
    def loses(self) -> Truth | None:
        """That input cells are lost by it, for the whole network; ``None`` where that is not known."""
        return None if self.lines is None else either(*(truth for _, truth in self.lines))


def losses(derivation: Derivation, valid: Valid, reads: Reads | None, apart: bool = False) -> Iterator[Loss]:
    """The axes of layers whose windows end before their padded input does, for some sizes or all.

    ``reads`` is what the outputs read: :func:`everything_read`.

    Where no layer leaves cells out by design it is enough to know when cells are lost, as those that are left over are
    the only ones; with ``apart`` it is told of each layer by itself which it loses.
    """
    lines = None if reads is None else _Lines(derivation, valid, reads, apart)
    # Where every cell of every input is read, or it is not known, no layer needs to be looked at by itself.
    known = None if lines is None else lines.all_read()
    for one in laid(derivation):
        for axis, name, n, _ in one.along():
            real, padding = one.layer.left_over(n, axis)
            if (real, padding) == (0, 0):
                continue
            lost: tuple[tuple[Line, Truth], ...] | None = None
            if lines is not None and known is not None:
                lost = () if known else lines.lost_by(one.node, name, real)
            yield Loss(one.node, name, real, padding, lost)


def everything_read(derivation: Derivation, valid: Valid) -> Reads | None:
    """What the outputs read of every result; ``None`` where a layer cannot be built."""
    return read_for(derivation, derivation.graph.outputs, valid.proves)


def input_lines(derivation: Derivation, reads: Reads) -> Iterator[tuple[Line, Dim, Extent]]:
    """The axes of the inputs, each with its size and what is read of it."""
    for index, read in inputs_read(derivation, reads):
        tensor = derivation.tensor(index)
        assert tensor is not None
        for axis, n, extent in zip(tensor.axes, tensor.sizes, read.axes, strict=True):
            yield Line(index, axis), n, extent


class _Lines:
    """The axes of the inputs, and by which layers cells are lost of them."""

    def __init__(self, derivation: Derivation, valid: Valid, reads: Reads, apart: bool) -> None:
        self._derivation = derivation
        self._valid = valid
        self._reads = reads
        self._apart = apart or any(layer.omits for layer in derivation.layers)
        nodes = enumerate(derivation.graph.nodes)
        found = ((index, derivation.tensor(index)) for index, node in nodes if isinstance(node.layer, Input))
        self._inputs = [(index, tensor, reads.get(Wire(index))) for index, tensor in found if tensor is not None]

    def all_read(self) -> bool | None:
        """Whether every cell of the inputs is read; ``None`` where that is not known of some axis."""
        if any(not read.box or not all(e.exact for e in read.axes) for _, _, read in self._inputs if read is not None):
            return None
        whole = [False if read is None else read.whole(tensor) for _, tensor, read in self._inputs]
        return all(truth is not None and self._valid.proves(truth) for truth in whole)

    def lost_by(self, index: int, axis: str, real: Dim) -> tuple[tuple[Line, Truth], ...] | None:
        """The axes of inputs of which cells are lost by what a layer leaves over, and when; ``None`` if not known."""
        leaves = compare(">", real, 0)
        if leaves is False:
            return ()
        runs = all(len(e.parts) == 1 and e.parts[0].step == 1 for _, _, read in self._inputs if read for e in read.axes)
        found = self._by_position(index, axis, real) if self._apart or not runs else self._by_name(axis)
        if found is None:
            return None
        return tuple((line, both(leaves, truth)) for line, truth in found if truth is not False)

    def _by_name(self, axis: str) -> list[tuple[Line, Truth]] | None:
        """Where no layer leaves cells out by design, what is lost of an axis is lost by uneven windows along it."""
        found = []
        for number, tensor, read in self._inputs:
            if read is not None and axis in tensor.axes:
                at = tensor.axes.index(axis)
                lost = negate(held(read.axes[at].parts, Progression(0, tensor.sizes[at] - 1)) or False)
                found.append((Line(number, axis), lost))
        return found or None

    def _by_position(self, index: int, axis: str, real: Dim) -> list[tuple[Line, Truth]] | None:
        """Where what is left over leads to, and whether that is read in another way."""
        derivation = self._derivation
        source = derivation.graph.nodes[index].inputs[0]
        tensor = derivation.tensor(*source)
        assert tensor is not None
        place = tensor.axes.index(axis)
        over = Extent((Progression(tensor.sizes[place] - real, tensor.sizes[place] - 1),))
        axes = tuple(over if at == place else extent for at, extent in enumerate(wholly(tensor).axes))
        given = self._valid.given(compare(">", real, 0))
        behind = extents(derivation, {source: Extents(axes)}, given.proves)
        leading = followed(derivation, source, place)
        found: list[tuple[Line, Truth]] = []
        for number, own, read in self._inputs:
            reached = (behind or {}).get(Wire(number))
            for at in sorted(leading.get(Wire(number), ())) if reached is not None else ():
                assert reached is not None
                lost = _missing(reached.axes[at], None if read is None else read.axes[at])
                if lost is None:
                    return None
                found.append((Line(number, own.axes[at]), lost))
        return found


def _missing(reached: Extent, read: Extent | None) -> Truth | None:
    """That some of what is reached is not read; ``None`` where that is not known."""
    if read is None:
        return True
    if not reached.exact or not read.exact:
        return None
    whole = [held(read.parts, part) for part in reached.parts]
    return None if None in whole else either(*(negate(truth) for truth in whole if truth is not None))
