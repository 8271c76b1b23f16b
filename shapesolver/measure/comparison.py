"""Two networks layer by layer: which layers answer to each other, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cached_property

from shapesolver.arithmetic import Dim
from shapesolver.layers.base import Tensor
from shapesolver.layers.reshaping import Rearranging
from shapesolver.network import Network
from shapesolver.placed import PlacedLayer, count

MAX_ALIGNED = 5_000
"""Networks with more layers are paired by path alone; finding the best alignment would take too long."""


class Match(StrEnum):
    """How two layers' sizes or weights compare."""

    EQUAL = "equal"
    LAYOUT = "layout"
    """The same, with the axes in another order."""
    DIFFERENT = "different"
    UNBUILT = "unbuilt"
    """One of the two cannot be built."""


@dataclass(frozen=True)
class Pair:
    """Two layers that answer to each other, or one that nothing answers to."""

    left: PlacedLayer | None
    right: PlacedLayer | None

    @property
    def tensors(self) -> tuple[Tensor | None, Tensor | None]:
        """Their results; ``None`` where one is missing or cannot be built."""
        return _tensor(self.left), _tensor(self.right)

    @cached_property
    def sizes(self) -> Match:
        """How their results' sizes compare."""
        one, two = self.tensors
        if one is None or two is None:
            return Match.UNBUILT if self.left and self.right else Match.DIFFERENT
        if one.sizes == two.sizes:
            return Match.EQUAL
        return Match.LAYOUT if sorted(_by_axis(one)) == sorted(_by_axis(two)) else Match.DIFFERENT

    @cached_property
    def weights(self) -> Match:
        """How the shapes of their weights compare."""
        if self.left is None or self.right is None or Match.UNBUILT is self.sizes:
            return self.sizes
        one, two = ([w.shape for w in layer.weight_arrays] for layer in (self.left, self.right))
        if one == two:
            return Match.EQUAL
        alike = [sorted(map(str, shape)) for shape in one] == [sorted(map(str, shape)) for shape in two]
        return Match.LAYOUT if alike else Match.DIFFERENT

    @property
    def params(self) -> tuple[Dim | None, Dim | None]:
        """How many parameters each has of its own."""
        one, two = self.tensors
        left = count(self.left.own_arrays) if self.left and one else None
        right = count(self.right.own_arrays) if self.right and two else None
        return left, right

    @property
    def trained_alike(self) -> bool:
        """Whether the two have the same number of parameters that training changes."""
        if self.left is None or self.right is None:
            return False
        left, right = (count(layer.own_arrays, trainable=True) for layer in (self.left, self.right))
        return left == right

    @property
    def macs(self) -> tuple[Dim | None, Dim | None]:
        """The multiply-accumulates of each."""
        one, two = self.tensors
        left = self.left.work.macs if self.left and one else None
        right = self.right.work.macs if self.right and two else None
        return left, right

    @property
    def reorders(self) -> bool:
        """Whether the two lay out their cells in different orders, so that weights after them are not to be swapped."""
        if self.left is None or self.right is None or not isinstance(self.left.kind, Rearranging):
            return False
        one, two = self.left.input_tensors, self.right.input_tensors
        return bool(one and two) and one[0].rank > 1 and one[0].axes != two[0].axes

    @property
    def alike(self) -> bool:
        """Whether sizes, weights, parameters and costs are the same but for the layout."""
        close = (Match.EQUAL, Match.LAYOUT)
        same = self.params[0] == self.params[1] and self.macs[0] == self.macs[1]
        return self.sizes in close and self.weights in close and same


def _tensor(layer: PlacedLayer | None) -> Tensor | None:
    return None if layer is None else layer.derivation.tensor(*layer.wire)


def _by_axis(tensor: Tensor) -> list[tuple[str, str]]:
    return [(axis, str(size)) for axis, size in zip(tensor.axes, tensor.sizes, strict=True)]


def pairs(one: Network, two: Network) -> tuple[Pair, ...]:
    """The layers of two networks paired in order: by path where both have the same paths, and else by likeness."""
    left, right = one.layers, two.layers
    if [layer.path for layer in left] == [layer.path for layer in right]:
        return tuple(map(Pair, left, right))
    if len(left) > MAX_ALIGNED or len(right) > MAX_ALIGNED:
        return tuple(_by_path(left, right))
    return tuple(_aligned(left, right, ("describe", "op")))


def _by_path(left: tuple[PlacedLayer, ...], right: tuple[PlacedLayer, ...]) -> Iterator[Pair]:
    others = {layer.path: layer for layer in right}
    for layer in left:
        yield Pair(layer, others.pop(layer.path, None))
    for layer in others.values():
        yield Pair(None, layer)


def _aligned(left: tuple[PlacedLayer, ...], right: tuple[PlacedLayer, ...], keys: tuple[str, ...]) -> Iterator[Pair]:
    """Runs of layers that are the same pair up; what lies between is paired by kind, and then stands alone."""
    if not keys:
        yield from (Pair(layer, None) for layer in left)
        yield from (Pair(None, layer) for layer in right)
        return
    one, two = ([_name(layer, keys[0]) for layer in side] for side in (left, right))
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield from map(Pair, left[i:j], right[k:m])
        else:
            yield from _aligned(left[i:j], right[k:m], keys[1:])


def _name(layer: PlacedLayer, key: str) -> str:
    return layer.kind.describe() if key == "describe" else layer.op
