"""Which cells of the inputs reach a result, as formulas in the input sizes.

Read backwards from the results, each axis on its own: a run of cells, of one distance, with symbolic ends. Where
paths join, their runs are united. Runs that do not unite into one run, or cells left out in no even pattern, leave
only the hull known; another path that reads all of the hull makes up for that. Where none does, the answer is
``None``: not known, which is never taken for a no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shapesolver.arithmetic import Dim, Truth, both, compare, maximum, minimum, symbols
from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.reading import Reading
from shapesolver.model.graph import Wire


class Run(NamedTuple):
    """The cells ``first``, ``first + step``, ... ``last``; with ``step`` ``None`` some of those from first to last."""

    first: Dim
    last: Dim
    step: int | None = 1

    def covers(self, other: Run) -> bool:
        """Whether it surely holds every cell of the other."""
        return (
            self.step == 1
            and compare("<=", self.first, other.first) is True
            and compare(">=", self.last, other.last) is True
        )


class Needed(NamedTuple):
    """What is read of one tensor: a run for each axis."""

    runs: tuple[Run, ...]
    box: bool
    """Whether every cell is read whose place on each axis is in that axis' run."""

    def is_whole(self, tensor: Tensor) -> bool:
        """Whether surely every cell is read."""
        return self.box and all(_is_full(run, size) for run, size in zip(self.runs, tensor.sizes, strict=True))


Read = Mapping[int, Needed]
"""What is read of each input layer."""


def whole(tensor: Tensor) -> Needed:
    """Every cell of a tensor."""
    return Needed(tuple(Run(0, size - 1) for size in tensor.sizes), True)


def reading(derivation: Derivation, wires: Iterable[Wire]) -> Read | None:
    """What the results depend on of each input layer; ``None`` where one of them cannot be built."""
    needed: dict[Wire, Needed] = {}
    for wire in wires:
        tensor = derivation.tensor(*wire)
        if tensor is None:
            return None
        needed[wire] = whole(tensor)
    found: dict[int, Needed] = {}
    for index in range(max((wire.node for wire in needed), default=-1), -1, -1):
        outputs = {wire.output: needed.pop(wire) for wire in [w for w in needed if w.node == index]}
        node, inputs = derivation.graph.nodes[index], derivation.inputs(index)
        if not outputs or inputs is None:
            continue
        if not node.inputs:
            found[index] = outputs[0]
            continue
        for output, wanted in outputs.items():
            made = derivation.tensor(index, output)
            assert made is not None
            readings = derivation.layers[index].readings(*inputs, output=output)
            for wire, source, axes in zip(node.inputs, inputs, readings, strict=True):
                if axes is not None:
                    read = _read(derivation.layers[index], source, axes, wanted, made)
                    needed[wire] = _united(needed[wire], read) if wire in needed else read
    return found


def nothing_lost(derivation: Derivation, found: Read | None, sizes: Iterable[str] | None = None) -> Truth | None:
    """That every input cell along the axes of these sizes, or of all, is read; ``None`` where that is not known."""
    if found is None:
        return None
    asked = None if sizes is None else set(sizes)
    known: Truth = True
    unknown = False
    for node, needed in found.items():
        tensor = derivation.tensor(node)
        assert tensor is not None
        for size, run in zip(tensor.sizes, needed.runs, strict=True):
            if asked is None or not asked.isdisjoint(symbol.text for symbol in symbols(size)):
                covered = both(compare("<=", run.first, 0), compare(">=", run.last, size - 1))
                # Cells apart are all there are only where there is one.
                known = both(known, covered, run.step in (1, None) or compare("==", size, 1))
                unknown = unknown or run.step is None
    return None if unknown and known is not False else known


def _read(layer: Layer, source: Tensor, axes: tuple[Reading, ...], needed: Needed, made: Tensor) -> Needed:
    """What a layer reads of one input for what is needed of one result."""
    all_of_it = needed.is_whole(made)
    runs = tuple(_along(layer, place, source, reading, needed, made, all_of_it) for place, reading in enumerate(axes))
    # Axes that are read together, as when some become one, are a box only for all of the result.
    apart = all(reading.exact for reading in axes) and not layer.mixes
    return Needed(runs, (needed.box and apart) or (all_of_it and not apart))


def _along(
    layer: Layer, place: int, source: Tensor, reading: Reading, needed: Needed, made: Tensor, all_of_it: bool
) -> Run:
    """The cells read along one axis of an input."""
    size = source.sizes[place]
    if reading.follows is None:
        return Run(0, size - 1, 1 if (reading.exact and not layer.mixes) or all_of_it else None)
    wanted = needed.runs[reading.follows]
    if not reading.exact:
        return Run(0, size - 1, 1 if all_of_it else None)
    first, last = reading.run(wanted.first, wanted.last)
    if reading.taps is None and (first, last) == (wanted.first, wanted.last) and made.sizes[reading.follows] == size:
        return wanted
    run = _clamped(Run(first, last, _spacing(layer, place, source, reading, wanted)), size)
    if reading.uniform or _is_full(run, size):
        return run
    # What comes from several places, as in a concat, may come from none of this one's.
    return Run(0, size - 1, None)


def _spacing(layer: Layer, place: int, source: Tensor, reading: Reading, wanted: Run) -> int | None:
    """How far apart the cells lie that a run of results reads."""
    if wanted.step is None:
        return None
    if isinstance(layer, AxisWise):
        channel = source.rank - 1 if layer.dialect.channels_last else 0
        if place == channel:
            return 1
        return layer.spacing(wanted.step, wanted.last - wanted.first + 1, place - (place > channel))
    if reading.taps is None:
        return wanted.step
    # A slice: one result reads one cell, and the next reads the one a step further.
    (here, end), (there, _) = reading.run(0, 0), reading.run(1, 1)
    apart = there - here
    return wanted.step * apart if here == end and isinstance(apart, int) else None


def _is_full(run: Run, size: Dim) -> bool:
    return (run.first == 0 and run.last == size - 1 and run.step == 1) or run.covers(Run(0, size - 1))


def _clamped(run: Run, size: Dim) -> Run:
    """The part of a run that lies in the tensor; an uneven end of cells apart is not told."""
    if size == 1:
        return Run(0, 0, run.step and 1)
    first, last = maximum(run.first, 0), minimum(run.last, size - 1)
    inside = (first, last) == (run.first, run.last)
    return Run(first, last, run.step if run.step == 1 or inside else None)


def _united(one: Needed, other: Needed) -> Needed:
    """What both read: a box still where one covers the other, or where they differ along one axis alone."""
    runs = tuple(_join(a, b) for a, b in zip(one.runs, other.runs, strict=True))
    alike = sum(a == b for a, b in zip(one.runs, other.runs, strict=True)) >= len(runs) - 1
    covered = any(side.box and side.runs == runs for side in (one, other))
    return Needed(runs, covered or (alike and one.box and other.box))


def _join(one: Run, other: Run) -> Run:
    """The cells of both runs."""
    if one == other or one.covers(other):
        return one
    if other.covers(one):
        return other
    first, last = minimum(one.first, other.first), maximum(one.last, other.last)
    alike = one.step == other.step and (one.step == 1 or one.first == other.first)
    return Run(first, last, one.step if alike and _meet(one, other) else None)


def _meet(one: Run, other: Run) -> bool:
    """Whether there is surely no gap between two runs, neither of which is empty."""
    ends = one.first == other.first or one.last == other.last
    return ends or compare("<=", maximum(one.first, other.first), minimum(one.last, other.last) + 1) is True
