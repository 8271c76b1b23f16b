"""For which input sizes two networks agree: both can be built, and layers that answer to each other are equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shapesolver.arithmetic import Dim, Truth, both, compare, negate
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.decide import example
from shapesolver.arithmetic.masks import Undecided
from shapesolver.derive import Derivation, derive
from shapesolver.layers.base import Tensor
from shapesolver.layers.source import Input
from shapesolver.measure.comparison import Pair, pairs
from shapesolver.network import Network
from shapesolver.solve.answers import Answer, Status
from shapesolver.solve.regions import Region, region

MAX_TRIED = 20
"""So many layers are searched for sizes at which they differ."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The sizes for which two networks agree, and sizes for which they do not."""

    answer: Answer
    apart: str | None = None
    """An example of sizes that do not: which sizes, and what happens there; ``None`` where there is none known."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two networks side by side, at their usual sizes or at those that were set."""

    one: Network
    two: Network
    pairs: tuple[Pair, ...]
    """Layers that answer to each other, and those that nothing answers to."""
    agreement: Agreement
    """The sizes for which the two agree, whatever sizes they were compared at."""

    @property
    def alike(self) -> bool:
        """Whether every layer has its counterpart, with equal sizes, weights and costs but for the layout."""
        return all(pair.alike for pair in self.pairs)


def compare_networks(one: Network, two: Network) -> Comparison:
    """Two networks layer by layer, and for which input sizes they agree."""
    left, right = one.usual(), two.usual()
    paired = pairs(left, right)
    return Comparison(left, right, paired, agreement(one, two, paired))


def agreement(one: Network, two: Network, paired: tuple[Pair, ...]) -> Agreement:
    """Where two networks agree, for all sizes of their inputs, which are paired in their order."""
    reading = f"find the input sizes for which {label(one, two)} and {label(two, one)} can both be built and agree"
    left, right = one.free(), two.free()
    names = tuple(left.graph.symbols)
    sides = derive(left.graph), derive(right.graph, dict(_renamed(left, right)))
    for side in sides:
        for node, broken in side.broken():
            reason = f"{node.path} cannot be built in {side.graph.dialect.name}: {broken.trouble().message}"
            return Agreement(Answer(reading, Status.PROVED, names, reason=reason))
    equal: list[tuple[str, Truth]] = []
    for pair in paired:
        if pair.left is None or pair.right is None:
            continue
        truth = _equal(sides[0].tensor(*pair.left.wire), sides[1].tensor(*pair.right.wire))
        if truth is False:
            reason = f"{pair.left.path} never has the same size"
            return Agreement(Answer(reading, Status.PROVED, names, reason=reason))
        if truth is not True:
            equal.append((pair.left.path, truth))
    valid = both(*map(_needs, sides))
    unknowns = [Symbol(name, 1) for name in names]
    try:
        found = region(both(valid, *(truth for _, truth in equal)), unknowns)
        regions = region(_needs(sides[0]), unknowns), region(_needs(sides[1]), unknowns)
    except Undecided as undecided:
        answer = Answer(reading, Status.UNDECIDED, names, reason=str(undecided))
        return Agreement(answer, _differing(valid, equal))
    answer = Answer(reading, Status.PROVED, names, found.boxes, found.ties, found.rest)
    return Agreement(answer, _differing(valid, equal) or _only_one(regions, sides))


def label(net: Network, other: Network) -> str:
    """What a network is called beside another: its name, or its dialect where the names are the same."""
    return net.name if net.name != other.name else f"{net.name} ({net.dialect.name})"


def _renamed(left: Network, right: Network) -> Iterator[tuple[str, Dim]]:
    """The symbols of the second network's inputs as those of the first's, input by input and axis by axis."""
    for one, two in zip(_inputs(left), _inputs(right), strict=False):
        sizes = dict(zip(one.axes, one.sizes, strict=True))
        for axis, size in zip(two.axes, two.sizes, strict=True):
            other = sizes.get(axis)
            if not isinstance(size, int) and other is not None and size != other:
                yield str(size), other


def _inputs(net: Network) -> list[Tensor]:
    return [node.layer.outputs()[0] for node in net.graph.nodes if isinstance(node.layer, Input)]


def _equal(one: Tensor | None, two: Tensor | None) -> Truth:
    """That two tensors have the same sizes, axis by axis where they name the same axes."""
    if one is None or two is None or one.rank != two.rank:
        return False
    sizes = two.sizes
    if one.sizes != sizes and sorted(one.axes) == sorted(two.axes) and len(set(two.axes)) == two.rank:
        by_axis: Mapping[str, Dim] = dict(zip(two.axes, two.sizes, strict=True))
        sizes = tuple(by_axis[axis] for axis in one.axes)
    return both(*(compare("==", a, b) for a, b in zip(one.sizes, sizes, strict=True)))


def _differing(valid: Truth, equal: list[tuple[str, Truth]]) -> str | None:
    """Sizes at which both networks can be built, and a layer differs."""
    for path, truth in equal[:MAX_TRIED]:
        try:
            sizes = example(both(valid, negate(truth)))
        except Undecided:
            continue
        if sizes is not None:
            return f"{_written(sizes)}: {path} has different sizes"
    return None


def _only_one(regions: tuple[Region, Region], sides: tuple[Derivation, Derivation]) -> str | None:
    """Sizes with which only one of the networks can be built."""
    for builds, fails, side in ((*regions, sides[1]), (*regions[::-1], sides[0])):
        if len(builds.boxes) != 1 or len(fails.boxes) != 1 or builds.ties or fails.ties:
            continue
        mine, other = builds.boxes[0], fails.boxes[0]
        for name, members in mine.items():
            beyond = members - other.get(name, members)
            if beyond:
                sizes = {each: next(iter(beyond if each == name else mine[each])) for each in mine}
                return f"{_written(sizes)}: cannot be built in {side.graph.dialect.name}"
    return None


def _needs(side: Derivation) -> Truth:
    return both(*(need.truth for _, need in side.conditions()))


def _written(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sizes.items())
