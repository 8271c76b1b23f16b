"""From which size on, and with which period, what is read of a network's axes stays as it is.

Law: let every layer along a symbol's axes read by one formula, result ``i`` the cells ``a + s*i`` to ``b + s*i``, with
``a``, ``b`` and what is left at the end periodic in the size, and let sizes grow by ``T`` with every period ``P``.
Then the cells that are read at size ``n + P``, counted from the start, are those at ``n`` up to a margin before the
end, and counted from the end those at ``n`` up to a margin from the start. Where an axis is longer than both margins
and ``T`` together, every cell lies in one of the two parts: so something is read, or is not, at ``n + P`` as at ``n``.
The margins add up backwards through the layers, each times the stride.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import lcm
from typing import NamedTuple

from shapesolver.arithmetic import Dim, Formula, canonical, substitute, symbol, symbols
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.quasi import is_quasi_affine, period
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation, readings_of
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.reading import Reading
from shapesolver.model.graph import Wire
from shapesolver.verify.grid import Tail

MAX_START = 512
"""The greatest size from which on sizes are taken to be alike; where it would be greater, that is not known."""

RESULT = symbol("a result", least=0)


Axis = tuple[Wire, int]
"""One axis of a result, by its place."""


class Law(NamedTuple):
    """How results that read alike do."""

    stride: int
    formulas: tuple[Dim, ...]
    """The first window's first and last cell, and what is left behind all strides: periodic, without a rise."""


class Step(NamedTuple):
    """An axis of a layer's input, and the axis of its results that it is read along."""

    source: Axis
    result: Axis
    law: Law


def tail(derivation: Derivation, along: Symbol, valid: IntSet) -> Tail | None:
    """The law's start and period for one symbol and its valid sizes; ``None`` where the law does not say."""
    pieces = valid.pieces()
    if not pieces:
        return None
    last = pieces[-1]
    if last.hi is not None:
        return Tail(last.hi + 1, 1) if last.hi < MAX_START else None
    try:
        steps = [*_steps(derivation, along)]
        sizes = {axis: _size(derivation, axis) for step in steps for axis in (step.source, step.result)}
        # A result in the middle moves by whole cells once its axis grows by an even number of them.
        length = 2 * lcm(*map(_period, sizes.values()), *map(_period, {f for step in steps for f in step.law.formulas}))
        length = lcm(length, last.mask.modulus)
        if length > MAX_START:
            return None
        start = _start(sizes, _margins(steps, along.text, length), along.text, length)
    except Undecided:
        return None
    return None if start is None else Tail(max(start, last.lo or 1), length)


def _size(derivation: Derivation, axis: Axis) -> Dim:
    wire, place = axis
    tensor = derivation.tensor(*wire)
    assert tensor is not None
    return tensor.sizes[place]


def _period(formula: Dim) -> int:
    formula = canonical(formula)
    if not is_quasi_affine(formula):
        raise Undecided(f"{formula} is not made of floors alone")
    return period(formula)[0]


def _steps(derivation: Derivation, along: Symbol) -> Iterator[Step]:
    """How the axes along a symbol are read. Raises :class:`Undecided` where the law says nothing of a layer."""
    last = _last_passing(derivation)
    laws: dict[tuple[Reading, Dim, Dim], Law] = {}
    for index, layer in enumerate(derivation.layers):
        inputs, outcome = derivation.inputs(index), derivation.outcomes[index]
        if inputs is None or outcome is None or outcome.broken is not None:
            raise Undecided("a layer cannot be built")
        if index > last and _reads_all(layer, inputs):
            # What lies behind the last windows that pass over cells is wanted whole, and read whole.
            continue
        for output, made in enumerate(outcome.outputs):
            readings = readings_of(layer, inputs, output)
            for source, axes, tensor in zip(derivation.graph.nodes[index].inputs, readings, inputs, strict=True):
                for place, reading in enumerate(axes or ()):
                    results = 1 if reading.follows is None else made.sizes[reading.follows]
                    n = tensor.sizes[place]
                    if reading.follows is not None and along in (*symbols(n), *symbols(results)):
                        key = reading, n, results
                        law = laws[key] = laws.get(key) or _law(*key)
                        yield Step((source, place), (Wire(index, output), reading.follows), law)


def _last_passing(derivation: Derivation) -> int:
    """The last layer that may leave cells of its input out: before it, cells may be wanted in part."""
    for index in range(len(derivation.layers) - 1, -1, -1):
        layer, inputs = derivation.layers[index], derivation.inputs(index)
        if inputs and not _reads_all(layer, inputs):
            return index
    return -1


def _reads_all(layer: Layer, inputs: tuple[Tensor, ...]) -> bool:
    """Whether all of its results surely read all of its inputs."""
    if layer.omits:
        return False
    if not isinstance(layer, AxisWise):
        return True
    sizes = layer.split(inputs[0])[1]
    return not any(layer.skips(axis) or layer.left_over(n, axis)[0] != 0 for axis, n in enumerate(sizes))


def _law(reading: Reading, n: Dim, results: Dim) -> Law:
    """Raises :class:`Undecided` where not all results read alike."""
    first, last = reading.run(0, 0)
    start, end = reading.run(RESULT, RESULT)
    stride = canonical(reading.run(1, 1)[0] - first)
    if not isinstance(stride, int) or stride < 1 or not reading.uniform:
        raise Undecided("results do not read alike")
    if any(canonical(moved - origin - stride * RESULT) != 0 for moved, origin in ((start, first), (end, last))):
        raise Undecided("results do not read alike")
    formulas = tuple(map(canonical, (first, last, n - first - stride * results)))
    if any(isinstance(formula, Formula) and _rise(formula) for formula in formulas):
        raise Undecided("windows do not start at a fixed place")
    return Law(stride, formulas)


def _rise(formula: Formula) -> int:
    if not is_quasi_affine(formula):
        raise Undecided(f"{formula} is not made of floors alone")
    return period(formula)[1]


def _margins(steps: list[Step], name: str, length: int) -> dict[Axis, int]:
    """For each axis, how far from its ends cells may be read otherwise at another size of the same kind."""
    margins: dict[Axis, int] = {}
    # Layers repeat themselves, so their formulas do.
    formulas = {formula for step in steps for formula in step.law.formulas}
    most = {formula: max(abs(_at(formula, name, n)) for n in range(1, length + 1)) for formula in formulas}
    for source, result, law in reversed(steps):
        apart = sum(most[formula] for formula in law.formulas)
        within = law.stride * (margins.setdefault(result, 0) + 1) + apart
        margins[source] = max(margins.get(source, 0), within)
    return margins


def _at(formula: Dim, name: str, n: int) -> int:
    value = substitute(formula, {name: n})
    if not isinstance(value, int):
        raise Undecided("windows depend on several sizes")
    return value


def _start(sizes: Mapping[Axis, Dim], margins: Mapping[Axis, int], name: str, length: int) -> int | None:
    """The least size at which every axis is longer than its margins and what it grows by."""
    start = 1
    for axis, size in sizes.items():
        step, rise = period(canonical(size))
        need = 2 * margins[axis] + 2 + rise * (length // step)
        while isinstance(size, Formula) and (now := _at(size, name, start)) < need:
            # An axis is hardly ever longer than the input: so many cells are missing at least.
            start += max(need - now, 1)
            if start > MAX_START:
                return None
    return start
