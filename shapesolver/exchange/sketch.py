"""A graph that an importer draws layer by layer, sizes derived as it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim, symbol
from shapesolver.derive import apply
from shapesolver.diagnostics import Span
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.naming import Names, valid_name
from shapesolver.language import parse_expression, tree
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.parameters import Kind, Parameter, ParameterError
from shapesolver.layers.registry import kinds
from shapesolver.model.calls import is_symbolic, required
from shapesolver.model.graph import Graph, Node, Wire
from shapesolver.model.limits import MAX_LAYERS

RATE_DIGITS = 12
"""The digits of a rate or slope that are kept: those that it was computed to."""
NOWHERE = Span(1, 1, 1, 1)
"""The span of what stands in no file."""


class Imported(NamedTuple):
    """A model from elsewhere as a network of ours."""

    graph: Graph
    """Its layers; paths are the original names, made valid and unique."""
    text: str
    """The network as a ``.net`` file in the framework's dialect."""
    warnings: tuple[str, ...]
    """What was not known, or is kept only in part."""
    names: Mapping[str, str]
    """The original names that are no names here, and what they became."""


class Sketch:
    """A network in the making. Layers are added in order, each after those that it consumes."""

    def __init__(self, dialect: Dialect, source: str) -> None:
        """``source`` names the model in messages: a file's name or a Python path."""
        self.dialect = dialect
        self.source = source
        self._nodes: list[Node] = []
        self._results: list[tuple[Tensor, ...]] = []
        self._outputs: list[Wire] = []
        self._symbols: dict[str, int | None] = {}
        self._warnings: dict[str, None] = {}
        self._layers: dict[Layer, Layer] = {}
        self._names = Names()
        self._given: dict[str, Span] = {}

    def symbol(self, name: str, usual: int | None = None) -> Dim:
        """A free size. Asked for again by the same name, it is the same size."""
        valid = name if name in self._symbols else self._names.give(name, "N")
        self._symbols.setdefault(valid, usual)
        return symbol(valid)

    @property
    def symbols(self) -> Mapping[str, int | None]:
        """The free sizes so far, and their usual values."""
        return self._symbols

    def layer(self, op: str, inputs: Sequence[Wire] = (), *, name: str = "", **parameters: Any) -> Wire:
        """Add a layer by its canonical name, its parameters by theirs; ``None`` stands for a default.

        The wire is of its first result; ``Wire(wire.node, k)`` is another, of as many as its size law makes. Raises
        :class:`ExchangeError` for a value that the layer does not take.
        """
        kind = kinds()[op]
        read: dict[str, Any] = {}
        for parameter, value in parameters.items():
            if value is None:
                continue
            try:
                read[parameter] = _plain(kind.parameters[parameter], _tuples(value))
            except ParameterError as error:
                raise ExchangeError(f"{self._place(name, op)}: {op}'s {parameter} {error}") from None
        missing = [parameter for parameter in required(kind) if parameter not in read]
        if missing:
            raise ExchangeError(f"{self._place(name, op)}: {op} lacks {' and '.join(missing)}")
        least, most = kind.inputs
        if len(inputs) < least or (most is not None and len(inputs) > most):
            raise ExchangeError(f"{self._place(name, op)}: {op} cannot consume {len(inputs)} tensors")
        return self._add(kind(dialect=self.dialect, **read), inputs, name)

    def reuse(self, earlier: Wire, inputs: Sequence[Wire], *, name: str = "") -> Wire:
        """Add an earlier layer again: the same parameters and the same weights, other inputs."""
        node = self._nodes[earlier.node]
        origin = earlier.node if node.shared is None else node.shared
        return self._add(node.layer, inputs, name, shared=origin)

    def tie(self, wire: Wire, earlier: Wire) -> None:
        """Let a layer's first weight be that of an earlier layer, as a language model's last layer often does."""
        self._nodes[wire.node] = self._nodes[wire.node]._replace(tied=earlier.node)

    def inputs(self, texts: Sequence[str]) -> list[Wire]:
        """Inputs as the language states them, batch left out: ``"3, H=224, W=224"``."""
        return [self.layer("input", sizes=self._stated(text)) for text in texts]

    def opaque(
        self,
        what: str,
        inputs: Sequence[Wire],
        sizes: Sequence[tuple[Dim, ...]],
        *,
        name: str = "",
        why: str,
        params: Dim = 0,
    ) -> tuple[Wire, ...]:
        """Keep what has no counterpart here: its observed sizes (batch left out), and a warning that says why."""
        shapes = tuple(map(tuple, sizes))
        self.warn(f"{self._place(name, what)} is kept as opaque: {why}")
        if not inputs:
            return tuple(self.layer("constant", name=name if k == 0 else "", sizes=s) for k, s in enumerate(shapes))
        text = "".join(c for c in what if c.isprintable() and c != '"')
        first = self.layer("opaque", inputs, name=name, what=text, sizes=shapes, params=params)
        return tuple(Wire(first.node, k) for k in range(len(shapes)))

    def tensor(self, wire: Wire) -> Tensor | None:
        """The sizes of a result, as far as they are derived; ``None`` where its layer cannot be built."""
        results = self._results[wire.node]
        return results[wire.output] if wire.output < len(results) else None

    def kind(self, wire: Wire) -> Layer:
        """The layer that makes a result."""
        return self._nodes[wire.node].layer

    def warn(self, message: str) -> None:
        """Say something about the import, once."""
        self._warnings[message] = None

    def output(self, wire: Wire) -> None:
        """Let a result leave the network; by default the last layer's does."""
        self._outputs.append(wire)

    def finish(self) -> Imported:
        """The network drawn; raises :class:`ExchangeError` where it has no layers."""
        from shapesolver.exchange.writing import write

        if not self._nodes:
            raise ExchangeError(f"{self.source} has no layers")
        graph = Graph(
            dialect=self.dialect,
            nodes=tuple(self._nodes),
            names={node.path: Wire(index) for index, node in enumerate(self._nodes)},
            outputs=tuple(self._outputs) or (Wire(len(self._nodes) - 1),),
            symbols=self._symbols,
            spans=self._given,
        )
        return Imported(graph, write(graph), tuple(self._warnings), dict(self._names.changed))

    def _stated(self, text: str) -> tuple[Dim, ...]:
        call, _ = parse_expression(f"input({text})")
        sizes: list[Dim] = []
        for argument in call.arguments if isinstance(call, tree.Call) else ():
            match argument:
                case tree.Argument(name=None, value=tree.Number(value=int(number))):
                    sizes.append(number)
                case tree.Argument(name=None, value=tree.Name(text=free)):
                    sizes.append(self.symbol(free))
                case tree.Argument(name=str(free), value=tree.Number(value=int(usual))):
                    sizes.append(self.symbol(free, usual))
                case _:
                    raise ExchangeError(f"`{text}` are no sizes of an input; write them as in 3, H=224, W=224")
        if not sizes:
            raise ExchangeError(f"`{text}` are no sizes of an input; write them as in 3, H=224, W=224")
        return tuple(sizes)

    def _add(self, layer: Layer, inputs: Sequence[Wire], name: str, shared: int | None = None) -> Wire:
        if len(self._nodes) >= MAX_LAYERS:
            raise ExchangeError(f"{self.source} has more than {MAX_LAYERS} layers")
        layer = self._layers.setdefault(layer, layer)
        tensors = tuple(self.tensor(wire) for wire in inputs)
        results = () if None in tensors else apply(layer, tensors).outputs
        path = self._names.give(name, layer.op)
        if valid_name(name) and name != layer.op:
            self._given[path] = NOWHERE
        self._nodes.append(
            Node(path, layer, tuple(inputs), NOWHERE, max(len(results), 1), symbolic=is_symbolic(layer), shared=shared)
        )
        self._results.append(results)
        return Wire(len(self._nodes) - 1)

    def _place(self, name: str, what: str) -> str:
        return f"{self.source}: {what} `{name}`" if name and name != what else f"{self.source}: {what}"


def _plain(parameter: Parameter, value: Any) -> Any:
    """A value as people write it: ``(3, 3)`` as ``3``, ``((1, 1), (1, 1))`` as ``1``, ``0.07500000000000001`` as
    ``0.075`` where no size depends on it."""
    read = parameter.read(value)
    if parameter.kind is Kind.NUMBER and isinstance(read, float):
        return float(f"{read:.{RATE_DIGITS}g}")
    if parameter.kind in (Kind.PADDING, Kind.AMOUNTS) and isinstance(read, tuple):
        if all(isinstance(pair, tuple) and pair[0] == pair[1] for pair in read):
            read = tuple(pair[0] for pair in read)
    elif parameter.kind not in (Kind.PER_AXIS, Kind.FACTORS):
        return read
    return read[0] if isinstance(read, tuple) and read.count(read[0]) == len(read) and _number(read[0]) else read


def _number(value: Any) -> bool:
    return not isinstance(value, tuple) and value is not None


def _tuples(value: Any) -> Any:
    """Lists as tuples, as JSON and frameworks have them."""
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value
