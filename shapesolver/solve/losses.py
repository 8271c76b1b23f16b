"""Which layers lose cells of the inputs, for which sizes, and how much that is at the usual ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shapesolver.arithmetic import Condition, Truth, both
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.measure.extents import nothing_lost
from shapesolver.measure.losses import Line, everything_read, losses
from shapesolver.measure.lost import CannotTrace, Lost, lost
from shapesolver.measure.proofs import Valid
from shapesolver.network import Network
from shapesolver.solve.answers import Answer, LosingLayer, Status
from shapesolver.solve.conditions import assumed, unbuildable

WORDS = "find the layers behind whose last windows cells of the input are lost, and for which sizes"
UNTOLD = "some layers do not tell which cells they read at every size, and no other path is sure to read them all"
EVERY = "every size in question"
NONE = "no layer does, at any size that the network can be built with"
OTHERWISE = "no layer does; cells are lost between windows or left out by design, as `check` tells (SS204, SS207)"


def losing_layers(net: Network) -> Answer:
    """The layers by which cells of the inputs reach no output, as far as their windows come out uneven.

    What another path reads is not lost, and neither is padding. That there are none is an answer, too.
    """
    # Sizes that are asked about are meant; otherwise all are, whatever number the file states.
    asked = net if net.values else net.free()
    derivation = asked.derivation
    reason = unbuildable(derivation)
    if reason:
        return Answer(WORDS, Status.PROVED, (), reason=reason)
    valid = Valid((need.truth for _, need in derivation.conditions()), assumed(derivation))
    reads = everything_read(derivation, valid)
    found = losses(derivation, valid, reads, apart=True)
    by_layer: dict[int, list[tuple[Line, Truth]]] = {}
    for loss in found:
        if loss.leaves is not False:
            if loss.lines is None:
                return replace(Answer(WORDS, Status.UNDECIDED, (), reason=UNTOLD), beside=_at_usual(net))
            by_layer.setdefault(loss.index, []).extend(loss.lines)
    losing = [
        layer
        for index, lines in by_layer.items()
        for layer in _losing(asked, valid, asked.graph.nodes[index].path, lines)
        if layer.lines
    ]
    if losing:
        return Answer(WORDS, Status.PROVED, (), ({},), losing=tuple(losing), beside=_at_usual(net))
    kept = nothing_lost(derivation, reads, every_input=True)
    everything = kept is not None and valid.proves(kept)
    return Answer(WORDS, Status.PROVED, (), ({},), reason=NONE if everything else OTHERWISE, beside=_at_usual(net))


def _losing(net: Network, valid: Valid, path: str, lines: Iterable[tuple[Line, Truth]]) -> Iterable[LosingLayer]:
    """What one layer loses of each input."""
    by_input: dict[int, dict[str, IntSet | str]] = {}
    for line, truth in lines:
        where = _where(valid, truth)
        if where is not None:
            by_input.setdefault(line.input, {})[line.axis] = where
    for number, axes in by_input.items():
        yield LosingLayer(path, net.graph.nodes[number].path, axes, _names(net, number))


def _names(net: Network, number: int) -> Mapping[str, str]:
    """The names of an input's sizes, by axis."""
    tensor = net.derivation.tensor(number)
    assert tensor is not None
    return {axis: str(size) for axis, size in zip(tensor.axes, tensor.sizes, strict=True)}


def _where(valid: Valid, truth: Truth) -> IntSet | str | None:
    """The sizes at which something is so: a set of one symbol's, or in words; ``None`` for none at all."""
    if not isinstance(truth, Condition):
        return EVERY if truth else None
    names = truth.symbols()
    if len(names) == 1:
        try:
            members = solutions(both(valid.about(names), truth), names[0])
        except Undecided:
            return str(truth)
        return members if members else None
    return str(truth)


def _at_usual(net: Network) -> tuple[str, ...]:
    """What is lost at the sizes that are asked about, or at the usual ones, of each input."""
    shown = net.usual()
    try:
        found = lost(shown.derivation)
    except CannotTrace:
        return ()
    at = ", ".join(f"{name} = {size}" for name, size in shown.values.items())
    where = f"at {at}: " if at else ""
    return tuple(f"{where}{_amount(input)}" for input in found if input)


def _amount(input: Lost) -> str:
    """``159 of 784 cells of image are lost, those at H 25..27 and W 25..27``."""
    lines = " and ".join(f"{axis} {', '.join(runs)}" for axis, runs in input.runs().items())
    places = f", those at {lines}" if lines and input.cells < input.size else ""
    return f"{input.cells:,} of {input.size:,} cells of {input.path} are lost{places}"
