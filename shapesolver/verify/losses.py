"""What windows leave over at the ends of their axes, and for which sizes that is lost to the whole network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from shapesolver.arithmetic import Dim, Truth, both, compare, either, substitute, symbol, symbols
from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.source import Input
from shapesolver.measure.extents import Extent, Extents, extents, wholly
from shapesolver.model.graph import Wire
from shapesolver.verify.sizes import Sizes

FIRST, LAST = "first left over", "last left over"
"""The marks of :func:`_lines`: no name of a file has spaces."""


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


def losses(derivation: Derivation, sizes: Sizes) -> Iterator[Loss]:
    """The axes of layers whose windows end before their padded input does, for some sizes or all."""
    read = everything_read(derivation, sizes)
    # Where every cell of every input is read, or it is not known, no layer needs to be looked at by itself.
    known = None if read is None else _all_read(derivation, read)
    omitting = any(layer.omits for layer in derivation.layers)

    def attributed(index: int, name: str, real: Dim) -> tuple[tuple[Line, Truth], ...] | None:
        assert read is not None
        find = _lines if omitting else _lines_by_name
        return find(derivation, sizes, read, index, name, real)

    for index, layer in enumerate(derivation.layers):
        inputs, made = derivation.inputs(index), derivation.tensor(index)
        if not isinstance(layer, AxisWise) or not inputs or made is None or made.rank != inputs[0].rank:
            continue
        names = layer.spatial_names(inputs[0])
        for axis, (name, n) in enumerate(zip(names, layer.split(inputs[0])[1], strict=True)):
            real, padding = layer.left_over(n, axis)
            if (real, padding) == (0, 0):
                continue
            lines: tuple[tuple[Line, Truth], ...] | None = None
            if read is not None and known is not None:
                lines = () if known else attributed(index, name, real)
            yield Loss(index, name, real, padding, lines)


def everything_read(derivation: Derivation, sizes: Sizes) -> dict[Wire, Extents] | None:
    """What the outputs read of every result; ``None`` where a layer cannot be built."""
    tensors = {wire: derivation.tensor(*wire) for wire in derivation.graph.outputs}
    wanted = {wire: wholly(tensor) for wire, tensor in tensors.items() if tensor is not None}
    if len(wanted) < len(tensors):
        return None
    return extents(derivation, wanted, sizes.proves)


def _all_read(derivation: Derivation, read: dict[Wire, Extents]) -> bool | None:
    """Whether every cell of the inputs is read; ``None`` where that is not known of some axis."""
    found = True
    for index, node in enumerate(derivation.graph.nodes):
        tensor, used = derivation.tensor(index), read.get(Wire(index))
        if isinstance(node.layer, Input) and tensor is not None:
            if used is None:
                return False
            if not all(extent.exact for extent in used):
                return None
            found = found and used == wholly(tensor)
    return found


def unread_lines(derivation: Derivation, sizes: Sizes) -> Iterator[tuple[Line, Dim, Extent]]:
    """The spatial axes of the inputs, each with its size and what is read of it."""
    read = everything_read(derivation, sizes)
    for index, node in enumerate(derivation.graph.nodes):
        tensor = derivation.tensor(index)
        found = (read or {}).get(Wire(index))
        if isinstance(node.layer, Input) and tensor is not None and found is not None:
            for axis, n, extent in zip(tensor.axes, tensor.sizes, found, strict=True):
                yield Line(index, axis), n, extent


def _lines_by_name(
    derivation: Derivation, sizes: Sizes, read: dict[Wire, Extents], index: int, axis: str, real: Dim
) -> tuple[tuple[Line, Truth], ...] | None:
    """Where no layer leaves cells out by design, whatever is lost of an axis is lost by uneven windows along it."""
    leaves, found = compare(">", real, 0), []
    for number, node in enumerate(derivation.graph.nodes):
        own, used = derivation.tensor(number), read.get(Wire(number))
        if isinstance(node.layer, Input) and own is not None and used is not None and axis in own.axes:
            at = own.axes.index(axis)
            first, last = used[at].within
            lost = either(compare(">", first, 0), compare("<", last, own.sizes[at] - 1))
            found.append((Line(number, axis), both(leaves, lost)))
    return tuple((line, truth) for line, truth in found if truth is not False) if found else None


def _lines(
    derivation: Derivation, sizes: Sizes, read: dict[Wire, Extents], index: int, axis: str, real: Dim
) -> tuple[tuple[Line, Truth], ...] | None:
    """Of which axes of inputs cells are lost by what a layer leaves over, and when."""
    leaves = compare(">", real, 0)
    if leaves is False:
        return ()
    source = derivation.graph.nodes[index].inputs[0]
    tensor = derivation.tensor(*source)
    assert tensor is not None
    place = tensor.axes.index(axis)
    # Marks stand for what is left over, so that the axes that it leads to can be told from the others.
    over = symbol(FIRST, least=0), symbol(LAST, least=0)
    marks = {FIRST: tensor.sizes[place] - real, LAST: tensor.sizes[place] - 1}
    wanted = tuple(Extent(over, over) if at == place else extent for at, extent in enumerate(wholly(tensor)))
    behind = extents(derivation, {source: wanted}, sizes.proves)
    found: list[tuple[Line, Truth]] = []
    for number, node in enumerate(derivation.graph.nodes):
        if not isinstance(node.layer, Input) or behind is None or Wire(number) not in behind:
            continue
        own = derivation.tensor(number)
        assert own is not None
        used = read.get(Wire(number))
        for at, (name, reached) in enumerate(zip(own.axes, behind[Wire(number)], strict=True)):
            if used is None or not reached.exact or not used[at].exact:
                return None
            if not {FIRST, LAST} & {s.text for end in reached.within for s in symbols(end)}:
                continue
            low, high = (substitute(end, marks) for end in reached.within)
            first, last = used[at].within
            truth = both(leaves, either(compare("<", low, first), compare(">", high, last)))
            if truth is not False:
                found.append((Line(number, name), truth))
    return tuple(found)
