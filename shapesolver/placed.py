"""A layer in its network, as users see it: sizes, weights, and what its units see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Union

from shapesolver.arithmetic import Dim, Formula
from shapesolver.derive import Derivation, work_of
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.base import Layer, Tensor, Weight
from shapesolver.layers.patches import product
from shapesolver.layers.work import Work
from shapesolver.model.graph import Node, Wire

if TYPE_CHECKING:
    import sympy

Size = Union[int, "sympy.Expr"]
"""A size as users see it."""


class ShapeError(ShapeSolverError):
    """A size was asked of a layer that cannot be built."""


class PlacedLayer:
    """A layer in its network, or a named result: ``net["conv2"]``.

    Axes are attributes: ``net["conv2"].H``.
    """

    __slots__ = ("derivation", "path", "wire")

    def __init__(self, derivation: Derivation, path: str, wire: Wire) -> None:
        self.derivation = derivation
        self.path = path
        self.wire = wire

    def __repr__(self) -> str:
        return f"<{self.path}: {self.kind.describe()}>"

    @property
    def node(self) -> Node:
        """The layer's place in the graph."""
        return self.derivation.graph.nodes[self.wire.node]

    @property
    def kind(self) -> Layer:
        """The layer itself, with its parameters."""
        return self.derivation.layers[self.wire.node]

    @property
    def op(self) -> str:
        """What kind of layer it is: ``conv``, ``dense`` ..."""
        return self.kind.op

    @property
    def line(self) -> int:
        """The line of the file that made it."""
        return self.node.span.line

    @property
    def inputs(self) -> tuple[str, ...]:
        """The paths of the layers that it consumes."""
        return tuple(self.derivation.graph.nodes[wire.node].path for wire in self.node.inputs)

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        """What it consumes, in the package's own form; nothing where that cannot be built."""
        return self.derivation.inputs(self.wire.node) or ()

    @property
    def tensor(self) -> Tensor:
        """Its result's sizes in the package's own form; raises :class:`ShapeError` where it cannot be built."""
        tensor = self.derivation.tensor(*self.wire)
        if tensor is None:
            raise ShapeError(self._why_not())
        return tensor

    def _why_not(self) -> str:
        for node, broken in self.derivation.broken():
            return f"{self.path} has no size: {node.path} (line {node.span.line}): {broken.trouble().message}"
        return f"{self.path} has no size"

    @property
    def shape(self) -> tuple[Size, ...]:
        """Its result's shape without the batch axis, in the file's layout."""
        return tuple(public(size) for size in self.tensor.sizes)

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the shape's axes."""
        return self.tensor.axes

    def __getattr__(self, name: str) -> Size:
        if len(name) <= 2 and name.isupper():
            tensor = self.tensor
            if name in tensor.axes:
                return public(tensor.sizes[tensor.axes.index(name)])
            raise AttributeError(f"{self.path} has no axis {name}; it has {', '.join(tensor.axes)}")
        raise AttributeError(f"a layer has no attribute {name!r}")

    @property
    def weight_arrays(self) -> tuple[Weight, ...]:
        """Its weights in the package's own form; none where it cannot be built."""
        inputs = self.derivation.inputs(self.wire.node)
        broken = self.derivation.tensor(*self.wire) is None
        return () if inputs is None or broken else self.kind.weights(*inputs)

    @property
    def weights(self) -> dict[str, tuple[Size, ...]]:
        """The shapes of its weights by name, in the dialect's names and order."""
        return {w.name: tuple(public(size) for size in w.shape) for w in self.weight_arrays}

    @property
    def work(self) -> Work:
        """What one example costs it, in the package's own form; raises :class:`ShapeError` where it cannot be built."""
        assert self.tensor is not None
        inputs = self.derivation.inputs(self.wire.node)
        assert inputs is not None
        return work_of(self.kind, inputs)

    @property
    def macs(self) -> Size:
        """The multiply-accumulates of one example."""
        return public(self.work.macs)

    @property
    def flops(self) -> Size:
        """The operations of one example; a multiply-accumulate is two."""
        return public(self.work.flops)

    @property
    def shared(self) -> str | None:
        """The path of the earlier layer whose weights it uses, all of them or the first alone; ``None`` mostly."""
        index = self.node.tied if self.node.shared is None else self.node.shared
        return None if index is None else self.derivation.graph.nodes[index].path

    @property
    def own_arrays(self) -> tuple[Weight, ...]:
        """Those of its weights that no earlier layer has."""
        if self.node.shared is not None:
            return ()
        return self.weight_arrays if self.node.tied is None else self.weight_arrays[1:]

    @property
    def params(self) -> Size:
        """How many parameters it has of its own, trainable or not: weights that it shares count where they are."""
        return public(count(self.own_arrays))

    @property
    def trainable_params(self) -> Size:
        """How many of its own parameters training changes."""
        return public(count(self.own_arrays, trainable=True))


def public(size: Dim) -> Any:
    """A size as users see it: an ``int``, or a sympy expression."""
    if isinstance(size, Formula):
        from shapesolver.arithmetic.to_sympy import to_sympy

        return to_sympy(size)
    return size


def count(arrays: tuple[Weight, ...], trainable: bool = False) -> Dim:
    """How many numbers the arrays hold; with ``trainable``, those that training changes."""
    return sum_of(product(w.shape) for w in arrays if w.trainable or not trainable)


def sum_of(sizes: Iterator[Dim]) -> Dim:
    """The sizes added."""
    total: Dim = 0
    for size in sizes:
        total = size + total
    return total
