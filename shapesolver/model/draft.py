"""A graph while it is laid out: the layers so far, what they are called, and what mentions them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shapesolver.arithmetic import Dim, symbol
from shapesolver.diagnostics import Span
from shapesolver.language import tree
from shapesolver.layers.base import Layer
from shapesolver.layers.dialects import Dialect
from shapesolver.model.calls import is_symbolic
from shapesolver.model.errors import AlreadySaid, BuildError, LimitError
from shapesolver.model.graph import BlockUse, Claim, Graph, Node, Reference, Wire
from shapesolver.model.limits import MAX_LAYERS
from shapesolver.model.scope import Scope, TensorValue


@dataclass(frozen=True, slots=True)
class Instance:
    """A block as it was laid out: its definition, what its parameters were, and its layers."""

    block: tree.Block
    arguments: dict[str, Any]
    nodes: range

    def use(self) -> BlockUse:
        """What the graph keeps of it."""
        values = {n: value for n, value in self.arguments.items() if not isinstance(value, TensorValue)}
        return BlockUse(self.block.name.text, values)


@dataclass(slots=True)
class Draft:
    """The parts of a :class:`Graph`, growing."""

    dialect: Dialect = field(default_factory=Dialect)
    nodes: list[Node] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    names: dict[str, Wire] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    symbols: dict[str, int | None] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    holes: dict[str, Span] = field(default_factory=dict)
    assumptions: list[Claim] = field(default_factory=list)
    expectations: list[Claim] = field(default_factory=list)
    outputs: list[Wire] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """The index of each layer by its path."""
    instances: dict[str, Instance] = field(default_factory=dict)
    """The blocks laid out, by path."""
    _layers: dict[Layer, Layer] = field(default_factory=dict)

    def graph(self, last: tuple[Wire, ...]) -> Graph:
        """The finished graph; ``last`` is its output where the file names none."""
        return Graph(
            dialect=self.dialect,
            nodes=tuple(self.nodes),
            names=self.names,
            outputs=tuple(self.outputs) or last,
            symbols=self.symbols,
            references=self.references,
            holes=self.holes,
            assumptions=tuple(self.assumptions),
            expectations=tuple(self.expectations),
            spans=self.spans,
            blocks={path: instance.use() for path, instance in self.instances.items()},
        )

    def add(
        self,
        path: str,
        layer: Layer,
        inputs: tuple[Wire, ...],
        span: Span,
        results: int,
        allow: tuple[str, ...],
        shared: int | None = None,
        tied: int | None = None,
    ) -> Wire:
        """Place a layer; raises :class:`LimitError` beyond :data:`MAX_LAYERS`."""
        if len(self.nodes) >= MAX_LAYERS:
            raise LimitError(f"the file lays out more than {MAX_LAYERS} layers", span)
        # Equal layers are one object, so that what is derived of one serves all.
        layer = self._layers.setdefault(layer, layer)
        self.paths.add(path)
        self.nodes.append(Node(path, layer, inputs, span, results, allow, is_symbolic(layer), shared, tied))
        wire = Wire(len(self.nodes) - 1)
        self.places[path] = wire.node
        self.names.setdefault(path, wire)
        return wire

    def origin(self, node: int) -> int:
        """The node whose weights a node uses: itself, unless it shares another's."""
        shared = self.nodes[node].shared
        return node if shared is None else shared

    def origin_of_first(self, node: int) -> int:
        """The node that first had a node's first weight."""
        node = self.origin(node)
        tied = self.nodes[node].tied
        return node if tied is None else tied

    def share(self, node: int, earlier: int) -> None:
        """Let a node use the weights that an earlier one uses."""
        self.nodes[node] = self.nodes[node]._replace(shared=self.origin(earlier), tied=None)

    def free_path(self, op: str, scope: Scope) -> str:
        """The next free path of something unnamed: its kind and a number."""
        while True:
            scope.ordinals[op] = scope.ordinals.get(op, 0) + 1
            name = f"{op}{scope.ordinals[op]}"
            path = scope.full(name)
            if name not in scope.given and path not in self.paths and path not in self.names:
                return path

    # What values ask for.

    def size_of(self, tensor: TensorValue, name: str, axis: str | int, span: Span) -> Dim:
        """The symbol that stands for a size until it is derived."""
        if tensor.wire is None:
            raise AlreadySaid(span)
        path = self.nodes[tensor.wire.node].path
        text = f"{path}[{axis}]" if isinstance(axis, int) else f"{path}.{axis}"
        if tensor.wire.output:
            text = f"{path}:{tensor.wire.output}.{axis}"
        self.references.setdefault(text, Reference(tensor.wire, axis, span))
        return symbol(text, 0 if axis == "rank" else 1)

    def attribute_of(self, path: str, name: str, span: Span) -> Any:
        """A layer's parameter, or a result inside a block, by dotted path."""
        owner, _, attribute = path.rpartition(".")
        place = self.places.get(owner)
        if place is not None and attribute in self.nodes[place].layer.parameters:
            return getattr(self.nodes[place].layer, attribute)
        if path in self.names:
            return TensorValue(self.names[path], span)
        return None

    def hole(self, name: str, span: Span) -> Dim:
        """The symbol for an unknown parameter; several places may share one."""
        if name in self.symbols:
            raise BuildError("repeated-name", f"`?{name}` is also the name of a size", span)
        self.holes.setdefault(name, span)
        return symbol(name, least=0)
