"""Networks as values: layers by name, with their sizes at some input sizes.

A network is immutable. Sizes are ``int`` where they are numbers and sympy expressions where they are not; the batch
axis is left out, and shapes are in the file's layout.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Union

from shapesolver.arithmetic import Dim, Formula
from shapesolver.derive import Derivation, derive, work_of
from shapesolver.diagnostics import Advice, Diagnostic, Severity, ShapeSolverError, Span
from shapesolver.language import parse as parse_text
from shapesolver.layers.base import Layer, Tensor, Weight
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.patches import product
from shapesolver.layers.source import Input
from shapesolver.layers.work import Work
from shapesolver.model.builder import build
from shapesolver.model.free import free_inputs
from shapesolver.model.graph import Graph, Node, Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sympy

    from shapesolver.layers.strips import View
    from shapesolver.measure.field import ReceptiveField, UnitField

Size = Union[int, "sympy.Expr"]
"""A size as users see it."""

MAX_SIZE = 10**18
"""The greatest input size that may be asked about."""


class ShapeError(ShapeSolverError):
    """A size was asked of a layer that cannot be built."""


EMPTY = Diagnostic(
    "SS026",
    "no-input",
    "the file has no layers",
    Span(1, 1, 1, 1),
    advice=(Advice("try", "`image = input(28, 28, 1)` to begin"),),
)


class Network:
    """A network: its layers by name, their sizes, weights and parameters."""

    def __init__(self, text: str, filename: str, graph: Graph, values: Mapping[str, int] | None = None) -> None:
        self._text = text
        self._filename = filename
        self._graph = graph
        self._values = dict(values or {})

    @classmethod
    def examine(cls, text: str, filename: str = "<text>") -> tuple[Self | None, tuple[Diagnostic, ...]]:
        """The network that a text describes, or ``None`` and every finding in the text."""
        parsed = parse_text(text, filename)
        graph, found = build(parsed.tree)
        diagnostics = tuple(sorted((*parsed.diagnostics, *found), key=lambda d: d.span))
        if not graph.nodes and not diagnostics:
            diagnostics = (EMPTY,)
        if any(d.severity is Severity.ERROR for d in diagnostics):
            return None, diagnostics
        return cls(text, filename, graph), diagnostics

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and (self._text, self._values) == (other._text, other._values)

    def __hash__(self) -> int:
        return hash((self._text, *sorted(self._values.items())))

    def __repr__(self) -> str:
        at = "".join(f", {name}={value}" for name, value in self._values.items())
        return f"<{type(self).__name__} {self.name}: {len(self._graph.nodes)} layers{at}>"

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self._filename).stem if self._filename != "<text>" else "net"

    @property
    def filename(self) -> str:
        """Where the text came from."""
        return self._filename

    @property
    def text(self) -> str:
        """The file's text."""
        return self._text

    @property
    def dialect(self) -> Dialect:
        """The framework that the file names."""
        return self._graph.dialect

    @property
    def graph(self) -> Graph:
        """The layers and how they are joined."""
        return self._graph

    @property
    def values(self) -> Mapping[str, int]:
        """The sizes that :meth:`at` has set."""
        return self._values

    @property
    def symbols(self) -> Mapping[str, int | None]:
        """The sizes that are still symbolic, and their usual values."""
        return {name: usual for name, usual in self._graph.symbols.items() if name not in self._values}

    @cached_property
    def derivation(self) -> Derivation:
        """Every layer's sizes."""
        return derive(self._graph, self._values)

    @cached_property
    def views(self) -> Mapping[Wire, View]:
        """What every tensor sees of the inputs."""
        from shapesolver.measure.views import views

        return views(self.derivation)

    # Other sizes.

    def at(self, **sizes: int) -> Self:
        """The network at these input sizes: ``net.at(H=224, W=224)``.

        A number that the file states for an input's spatial axis may be replaced too. Raises ``ValueError`` for
        an unknown name or a size that is not a whole number from 1 on.
        """
        for name, size in sizes.items():
            if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_SIZE:
                raise ValueError(f"{name}={size!r}: a size is a whole number, 1 or more")
        graph = self._graph
        if not sizes.keys() <= graph.symbols.keys():
            free = self.free()._graph
            unknown = sizes.keys() - free.symbols.keys() - graph.symbols.keys()
            if unknown:
                known = ", ".join({**graph.symbols, **free.symbols}) or "none"
                raise ValueError(f"unknown size {', '.join(sorted(unknown))}; the sizes of this network are {known}")
            stated = {n: u for n, u in free.symbols.items() if n not in graph.symbols and u is not None}
            return type(self)(self._text, self._filename, free, {**stated, **self._values, **sizes})
        return type(self)(self._text, self._filename, graph, {**self._values, **sizes})

    def usual(self) -> Self:
        """The network at its symbols' usual sizes, as far as the file states them."""
        return self.at(**{name: usual for name, usual in self.symbols.items() if usual is not None})

    def free(self) -> Self:
        """The network with every spatial size of its inputs symbolic, stated numbers becoming usual sizes."""
        return type(self)(self._text, self._filename, free_inputs(self._graph))

    def without_assumptions(self) -> Self:
        """The network with nothing taken for granted of its input sizes."""
        return type(self)(self._text, self._filename, replace(self._graph, assumptions=()), self._values)

    # Layers.

    @cached_property
    def layers(self) -> tuple[PlacedLayer, ...]:
        """The layers in order."""
        return tuple(PlacedLayer(self, node.path, Wire(index)) for index, node in enumerate(self._graph.nodes))

    def __iter__(self) -> Iterator[PlacedLayer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self._graph.nodes)

    def __contains__(self, path: object) -> bool:
        return path in self._places or path in self._graph.names

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {node.path: index for index, node in enumerate(self._graph.nodes)}

    def __getitem__(self, path: str) -> PlacedLayer:
        """The layer, or named result, with this dotted path; raises ``KeyError`` with close names."""
        index = self._places.get(path)
        if index is not None:
            return self.layers[index]
        if path in self._graph.names:
            return PlacedLayer(self, path, self._graph.names[path])
        close = difflib.get_close_matches(path, {**self._places, **self._graph.names}, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise KeyError(f"no layer is called {path!r}{hint}")

    @property
    def inputs(self) -> tuple[PlacedLayer, ...]:
        """The input layers."""
        return tuple(layer for layer in self.layers if isinstance(layer.kind, Input))

    @property
    def outputs(self) -> tuple[PlacedLayer, ...]:
        """The results that leave the network."""
        return tuple(PlacedLayer(self, self._graph.nodes[w.node].path, w) for w in self._graph.outputs)

    @property
    def output_shapes(self) -> tuple[tuple[Size, ...], ...]:
        """The shapes of the results."""
        return tuple(output.shape for output in self.outputs)

    # Totals.

    @property
    def params(self) -> Size:
        """How many parameters there are, trainable or not; shared ones count once."""
        return public(sum_of(count(layer.own_arrays) for layer in self.layers))

    @property
    def trainable_params(self) -> Size:
        """How many parameters training changes."""
        return public(sum_of(count(layer.own_arrays, trainable=True) for layer in self.layers))

    @property
    def macs(self) -> Size:
        """The multiply-accumulates of one example; raises :class:`ShapeError` where a layer cannot be built."""
        return public(sum_of(layer.work.macs for layer in self.layers))

    @property
    def flops(self) -> Size:
        """The operations of one example; a multiply-accumulate is two."""
        return public(sum_of(layer.work.flops for layer in self.layers))


class PlacedLayer:
    """A layer in its network, or a named result: ``net["conv2"]``.

    Axes are attributes: ``net["conv2"].H``.
    """

    __slots__ = ("_net", "path", "wire")

    def __init__(self, net: Network, path: str, wire: Wire) -> None:
        self._net = net
        self.path = path
        self.wire = wire

    def __repr__(self) -> str:
        return f"<{self.path}: {self.kind.describe()}>"

    @property
    def net(self) -> Network:
        """The network that it stands in."""
        return self._net

    @property
    def node(self) -> Node:
        """The layer's place in the graph."""
        return self._net.graph.nodes[self.wire.node]

    @property
    def kind(self) -> Layer:
        """The layer itself, with its parameters."""
        return self._net.derivation.layers[self.wire.node]

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
        return tuple(self._net.graph.nodes[wire.node].path for wire in self.node.inputs)

    @property
    def input_tensors(self) -> tuple[Tensor, ...]:
        """What it consumes, in the package's own form; nothing where that cannot be built."""
        return self._net.derivation.inputs(self.wire.node) or ()

    @property
    def tensor(self) -> Tensor:
        """Its result's sizes in the package's own form; raises :class:`ShapeError` where it cannot be built."""
        tensor = self._net.derivation.tensor(*self.wire)
        if tensor is None:
            raise ShapeError(self._why_not())
        return tensor

    def _why_not(self) -> str:
        for node, broken in self._net.derivation.broken():
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
    def receptive_field(self) -> ReceptiveField:
        """What its units see of the inputs, by axis: ``net["conv2"].receptive_field["H"].size``."""
        from shapesolver.measure.field import receptive_field

        _ = self.tensor
        return receptive_field(self._net, self.wire, self.path)

    def field(self, unit: int | Sequence[int]) -> UnitField | Mapping[str, UnitField]:
        """Where one unit's field lies: ``net["conv2"].field(unit=(3, 5))["H"].first``.

        By the input's path where the network has several inputs. The unit is its place along the axes without the
        channels, from 0 on; see :func:`shapesolver.measure.field.unit_field`.
        """
        from shapesolver.measure.field import unit_field

        found = unit_field(self._net, self.wire, self.path, unit)
        return next(iter(found.values())) if len(found) == 1 else found

    @property
    def weight_arrays(self) -> tuple[Weight, ...]:
        """Its weights in the package's own form; none where it cannot be built."""
        inputs = self._net.derivation.inputs(self.wire.node)
        broken = self._net.derivation.tensor(*self.wire) is None
        return () if inputs is None or broken else self.kind.weights(*inputs)

    @property
    def weights(self) -> dict[str, tuple[Size, ...]]:
        """The shapes of its weights by name, in the dialect's names and order."""
        return {w.name: tuple(public(size) for size in w.shape) for w in self.weight_arrays}

    @property
    def work(self) -> Work:
        """What one example costs it, in the package's own form; raises :class:`ShapeError` where it cannot be built."""
        assert self.tensor is not None
        inputs = self._net.derivation.inputs(self.wire.node)
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
        return None if index is None else self._net.graph.nodes[index].path

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
