"""What a question may ask for: input sizes, and parameters of layers.

A parameter that enters its size law linearly (padding, output padding, a kernel of known dilation) becomes a
symbol and is pulled back like a size. The others are enumerated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shapesolver.arithmetic import Dim, Formula, symbols
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.base import Layer
from shapesolver.layers.parameters import Kind
from shapesolver.layers.registry import parameter_names
from shapesolver.model.calls import flat
from shapesolver.model.graph import Graph

LINEAR = (
    "padding",
    "output_padding",
    "amount",
    "offset",
    "kernel",
    "channels",
    "units",
    "dilation",
    "in_channels",
    "in_features",
)
"""Parameters that their size laws are linear in, those that are solved first before those that are better tried."""

SOLVABLE = (Kind.SIZE, Kind.PER_AXIS, Kind.PADDING, Kind.AMOUNTS, Kind.OFFSETS)

DEFAULT_MOST = {"kernel": 16, "stride": 16, "dilation": 16, "padding": 16, "output_padding": 16, "groups": 64}
"""The greatest value tried of a parameter that has to be enumerated, where the question sets no limit."""
USUAL_MOST = 32
"""The same for any other parameter."""


class QuestionError(ShapeSolverError):
    """A question about something that the network does not have."""


class UnbuildableError(QuestionError):
    """A question about a layer that cannot be built, perhaps only with the values being tried."""


@dataclass(frozen=True, slots=True)
class ParameterUnknown:
    """A layer's parameter that is asked for."""

    name: str
    """Its name in the answer: ``padding``, or ``conv2.padding`` where several layers are asked about."""
    node: int
    """The first layer that has it; a hole may stand in several."""
    parameter: str
    least: int
    linear: bool
    """Whether its size law is linear in it."""
    hole: bool = False
    """Whether the file itself leaves it open, as ``?p``."""

    @property
    def symbol(self) -> Symbol:
        """The symbol that stands for it."""
        return Symbol(self.name, self.least)

    @property
    def most(self) -> int:
        """The greatest value tried when it has to be enumerated."""
        return DEFAULT_MOST.get(self.parameter, USUAL_MOST)


def parameter_unknown(graph: Graph, path: str, name: str, qualified: bool = False) -> ParameterUnknown:
    """The unknown for a layer's parameter; raises :class:`QuestionError` for names that mean nothing."""
    for index, node in enumerate(graph.nodes):
        if node.path == path:
            known = parameter_names(node.layer.op)
            parameter = known.get(name)
            if parameter is None or node.layer.parameters[parameter].kind not in SOLVABLE:
                takes = ", ".join(p for p, q in node.layer.parameters.items() if q.kind in SOLVABLE)
                raise QuestionError(f"{path} is a {node.layer.op}, which has no {name} to ask for; it has {takes}")
            label = f"{path}.{parameter}" if qualified else parameter
            return _unknown(label, index, node.layer, parameter, hole=False)
    raise QuestionError(f"no layer is called {path}")


def hole_unknown(graph: Graph, name: str) -> ParameterUnknown:
    """The unknown for a hole of the file, by the first parameter that it stands for."""
    for index, node in enumerate(graph.nodes):
        for parameter, value in node.layer.values() if node.symbolic else ():
            if any(s.text == name for dim in flat(value) for s in symbols(dim) if not isinstance(dim, (str, float))):
                return _unknown(name, index, node.layer, parameter, hole=True)
    raise QuestionError(f"no parameter depends on ?{name}")


def _unknown(label: str, index: int, layer: Layer, parameter: str, hole: bool) -> ParameterUnknown:
    least = layer.parameters[parameter].least
    # A pool's stride is its kernel when left out, and a size law is not linear in a stride.
    doubles = parameter == "kernel" and getattr(layer, "stride", 1) is None
    linear = parameter in LINEAR and not doubles
    return ParameterUnknown(label, index, parameter, 0 if least is None else least, linear, hole)


def with_unknowns(graph: Graph, unknowns: Iterable[ParameterUnknown], values: Mapping[str, Dim]) -> Graph:
    """The graph with a value, or else a symbol, in the place of each parameter asked for."""
    nodes = list(graph.nodes)
    for unknown in unknowns:
        if unknown.hole:
            continue
        node = nodes[unknown.node]
        value = values.get(unknown.name, Formula.of(unknown.symbol))
        layer = node.layer.with_(**{unknown.parameter: value})
        nodes[unknown.node] = node._replace(layer=layer)
    return replace(graph, nodes=tuple(nodes))


def tried_and_solved(
    unknowns: Sequence[ParameterUnknown],
) -> tuple[list[ParameterUnknown], list[ParameterUnknown]]:
    """The parameters to enumerate, and those to solve for: one that is linear, for each layer asked about."""
    tried: list[ParameterUnknown] = []
    solved: list[ParameterUnknown] = []
    for unknown in sorted(unknowns, key=lambda u: LINEAR.index(u.parameter) if u.linear else len(LINEAR)):
        alone = all(other.node != unknown.node for other in solved)
        (solved if unknown.linear and alone else tried).append(unknown)
    return tried, solved
