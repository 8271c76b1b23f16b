"""What a question may ask for besides input sizes: parameters of layers, one axis or one end of them, and holes.

A parameter that enters its size law linearly (padding, output padding, a kernel of known dilation) becomes a
symbol and is pulled back like a size. The others are enumerated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shapesolver.arithmetic import Dim, Formula, symbols
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer
from shapesolver.layers.parameters import MAX_SIZE, Kind
from shapesolver.layers.registry import parameter_names
from shapesolver.model.calls import flat
from shapesolver.model.graph import Graph
from shapesolver.solve.errors import QuestionError, unknown_layer

LINEAR = (
    "padding",
    "output_padding",
    "amount",
    "offset",
    "kernel",
    "channels",
    "units",
    "scale",
    "dilation",
    "in_channels",
    "in_features",
)
"""Parameters that their size laws are linear in, those that are solved first before those that are better tried."""

SOLVABLE = (Kind.SIZE, Kind.PER_AXIS, Kind.PADDING, Kind.AMOUNTS, Kind.OFFSETS, Kind.FACTORS)
DIVISIBLE = (Kind.PER_AXIS, Kind.PADDING, Kind.AMOUNTS, Kind.OFFSETS, Kind.FACTORS)
"""Kinds that may have a value for each axis."""
TWO_ENDED = (Kind.PADDING, Kind.AMOUNTS)
"""Kinds that may have a value for each end of an axis."""

DEFAULT_MOST = {"kernel": 16, "stride": 16, "dilation": 16, "padding": 16, "output_padding": 16, "groups": 64}
"""The greatest value tried of a parameter that has to be enumerated, where the question sets no limit."""
USUAL_MOST = 32
"""The same for any other parameter."""

WINDOW = ("kernel", "stride", "padding", "dilation", "output_padding", "amount", "offset", "scale")
"""Parameters that decide which cells are read."""

ENDS = ("before", "after")


@dataclass(frozen=True, slots=True)
class ParameterUnknown:
    """A layer's parameter that is asked for, or the part of it that belongs to one axis or one end."""

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
    axis: int | None = None
    """The spatial axis that it is for; ``None`` for all."""
    end: int | None = None
    """0 for the cells before, 1 for those after; ``None`` for both."""

    @property
    def symbol(self) -> Symbol:
        """The symbol that stands for it."""
        return Symbol(self.name, self.least)

    @property
    def most(self) -> int:
        """The greatest value tried when it has to be enumerated."""
        return DEFAULT_MOST.get(self.parameter, USUAL_MOST)


def parameter_unknown(derivation: Derivation, path: str, qualified: bool = False) -> ParameterUnknown:
    """The unknown for ``conv2.padding``, ``conv2.padding.H`` or ``conv2.padding.H.after``.

    Axes go by letter or number, ends by ``before`` and ``after`` or number. A block's name will do where one of its
    layers alone has the parameter. Raises :class:`QuestionError` for names that mean nothing.
    """
    graph = derivation.graph
    pieces = path.replace("[", ".[").split(".")
    for cut in range(len(pieces) - 1, 0, -1):
        owner = ".".join(pieces[:cut]).replace(".[", "[")
        found = list(_owners(graph, owner, pieces[cut]))
        if len(found) == 1 or (found and graph.nodes[found[0]].path == owner):
            return _of_layer(derivation, found[0], pieces[cut], pieces[cut + 1 :], qualified)
        if found:
            several = ", ".join(f"{graph.nodes[index].path}.{pieces[cut]}" for index in found[:4])
            more = f" and {len(found) - 4} more" if len(found) > 4 else ""
            raise QuestionError(f"`{owner}` has several layers with {_a(pieces[cut])}; name one: {several}{more}")
        for index, node in enumerate(graph.nodes):
            if node.path == owner:
                raise _no_parameter(node.path, derivation.layers[index], pieces[cut])
    raise unknown_layer(graph, path.rpartition(".")[0])


def bare_unknown(derivation: Derivation, name: str) -> ParameterUnknown:
    """The unknown for ``stride`` alone, where one layer has such a parameter; raises :class:`QuestionError`."""
    graph = derivation.graph
    found = [index for index, node in enumerate(graph.nodes) if _solvable(node.layer, name)]
    if len(found) == 1:
        return _of_layer(derivation, found[0], name, [], qualified=False)
    if found:
        several = ", ".join(graph.nodes[index].path for index in found[:4])
        more = f" and {len(found) - 4} more" if len(found) > 4 else ""
        which = f"say which, as in `{name} of {graph.nodes[found[0]].path}`"
        raise QuestionError(f"several layers have {_a(name)} ({several}{more}); {which}")
    known = ", ".join(graph.symbols) or "none"
    raise QuestionError(f"{name} is no size of this network ({known}); a parameter is asked for as `{name} of conv1`")


def _owners(graph: Graph, owner: str, name: str) -> Iterator[int]:
    """The layers that a path means: itself, or all in the block of this name, that have such a parameter."""
    for index, node in enumerate(graph.nodes):
        inside = node.path == owner or node.path.startswith((f"{owner}.", f"{owner}["))
        if inside and _solvable(node.layer, name):
            yield index
            if node.path == owner:
                return


def _solvable(layer: Layer, name: str) -> bool:
    parameter = layer.parameters.get(parameter_names(layer.op).get(name, ""))
    return parameter is not None and parameter.kind in SOLVABLE


def _no_parameter(path: str, layer: Layer, name: str) -> QuestionError:
    takes = ", ".join(p for p, q in layer.parameters.items() if q.kind in SOLVABLE)
    has = f"it has {takes}" if takes else "it has none that is a number"
    return QuestionError(f"{path} is {_a(layer.op)}, which has no {name} to ask for; {has}")


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _of_layer(derivation: Derivation, index: int, name: str, parts: list[str], qualified: bool) -> ParameterUnknown:
    node = derivation.graph.nodes[index]
    parameter = parameter_names(node.layer.op)[name]
    label = f"{node.path}.{parameter}" if qualified else parameter
    unknown = _unknown(label, index, node.layer, parameter, hole=False)
    if not parts:
        return unknown
    axes = axis_names(derivation, unknown)
    place = _place(parts[0], axes)
    kind = node.layer.parameters[parameter].kind
    ends = parts[1:]
    if parts[0] in ENDS and not ends and kind in TWO_ENDED:
        return by_end(derivation, unknown)[ENDS.index(parts[0])]
    if place is None or kind not in DIVISIBLE or len(ends) > 1 or (ends and kind not in TWO_ENDED):
        raise QuestionError(f"{node.path}.{parameter} has the axes {', '.join(axes) or 'none'}, not {'.'.join(parts)}")
    found = replace(unknown, name=f"{label}.{axes[place]}", axis=place)
    if not ends:
        return found
    end = _place(ends[0], ENDS)
    if end is None:
        raise QuestionError(f"an axis has the ends before and after, not {ends[0]}")
    return replace(found, name=f"{found.name}.{ENDS[end]}", end=end)


def _place(text: str, names: Sequence[str]) -> int | None:
    """The index of ``H`` or ``[0]`` among names."""
    if text in names:
        return names.index(text)
    number = text.strip("[]")
    return int(number) if number.isdecimal() and int(number) < len(names) else None


def axis_names(derivation: Derivation, unknown: ParameterUnknown) -> list[str]:
    """The spatial axes of the layer that an unknown belongs to."""
    layer, inputs = derivation.layers[unknown.node], derivation.inputs(unknown.node)
    if inputs is None or not isinstance(layer, AxisWise):
        return []
    channel = len(inputs[0].axes) - 1 if layer.dialect.channels_last else 0
    return [axis for place, axis in enumerate(inputs[0].axes) if place != channel]


def by_axis(derivation: Derivation, unknown: ParameterUnknown) -> list[ParameterUnknown]:
    """The unknown taken apart: one for each axis; empty where it is not for all axes."""
    kind = derivation.graph.nodes[unknown.node].layer.parameters[unknown.parameter].kind
    if unknown.hole or unknown.axis is not None or kind not in DIVISIBLE:
        return []
    axes = axis_names(derivation, unknown)
    return [replace(unknown, name=f"{unknown.name}.{axis}", axis=place) for place, axis in enumerate(axes)]


def by_end(derivation: Derivation, unknown: ParameterUnknown) -> list[ParameterUnknown]:
    """The unknown taken apart: the cells before and those after, of its axis or of all."""
    kind = derivation.graph.nodes[unknown.node].layer.parameters[unknown.parameter].kind
    if unknown.hole or unknown.end is not None or kind not in TWO_ENDED:
        return []
    least = max(unknown.least, 0)
    return [replace(unknown, name=f"{unknown.name}.{end}", least=least, end=place) for place, end in enumerate(ENDS)]


def hole_unknown(graph: Graph, name: str) -> ParameterUnknown:
    """The unknown for a hole of the file, by the first parameter that it stands for."""
    for index, node in enumerate(graph.nodes):
        for parameter, value in node.layer.values() if node.symbolic else ():
            if any(s.text == name for dim in flat(value) if isinstance(dim, Formula) for s in symbols(dim)):
                return _unknown(name, index, node.layer, parameter, hole=True)
    raise QuestionError(f"no parameter depends on ?{name}")


def _unknown(label: str, index: int, layer: Layer, parameter: str, hole: bool) -> ParameterUnknown:
    declared = layer.parameters[parameter]
    if declared.kind is Kind.FACTORS:
        least = 1
    elif declared.least is None:
        # Padding by less than nothing is cropping.
        least = -MAX_SIZE if declared.kind is Kind.AMOUNTS else 0
    else:
        least = declared.least
    # A pool's stride is its kernel when left out, and a size law is not linear in a stride.
    doubles = parameter == "kernel" and getattr(layer, "stride", 1) is None
    linear = parameter in (*LINEAR, *layer.linear) and not doubles
    return ParameterUnknown(label, index, parameter, least, linear, hole)


def with_unknowns(
    derivation: Derivation, graph: Graph, unknowns: Iterable[ParameterUnknown], values: Mapping[str, Any]
) -> Graph:
    """The graph with a value, or else a symbol, in the place of each parameter asked for."""
    nodes = list(graph.nodes)
    for unknown in unknowns:
        if unknown.hole:
            continue
        node = nodes[unknown.node]
        value: Any = values.get(unknown.name, Formula.of(unknown.symbol))
        if unknown.axis is not None or unknown.end is not None:
            value = _in_place(derivation, node.layer, unknown, value)
        layer = node.layer.with_(**{unknown.parameter: value})
        nodes[unknown.node] = node._replace(layer=layer)
    return replace(graph, nodes=tuple(nodes))


def _in_place(derivation: Derivation, layer: Layer, unknown: ParameterUnknown, value: Dim) -> tuple[Any, ...]:
    """The parameter's value for every axis, with the unknown's own in its place."""
    current = getattr(layer, unknown.parameter)
    if isinstance(current, str):
        raise QuestionError(f"padding={current} is for all axes; it has none of its own to ask for")
    count = len(axis_names(derivation, unknown))
    if current is None:
        # A stride that is left out is the kernel; anything else starts at nothing.
        assert isinstance(layer, AxisWise)
        current = tuple(layer.at(unknown.parameter, axis) or 0 for axis in range(count))
    entries: list[Any] = list(current) if isinstance(current, tuple) else [current] * count
    for axis in range(count) if unknown.axis is None else [unknown.axis]:
        if unknown.end is None:
            entries[axis] = value
        else:
            pair = list(entries[axis]) if isinstance(entries[axis], tuple) else [entries[axis]] * 2
            pair[unknown.end] = value
            entries[axis] = tuple(pair)
    if any(isinstance(entry, tuple) for entry in entries):
        entries = [entry if isinstance(entry, tuple) else (entry, entry) for entry in entries]
    return tuple(entries)


def tried_and_solved(
    unknowns: Sequence[ParameterUnknown],
) -> tuple[list[ParameterUnknown], list[ParameterUnknown]]:
    """The parameters to enumerate, and those to solve for: one that is linear, for each axis of each layer."""
    tried: list[ParameterUnknown] = []
    solved: list[ParameterUnknown] = []
    for unknown in sorted(unknowns, key=lambda u: LINEAR.index(u.parameter) if u.parameter in LINEAR else len(LINEAR)):
        alone = all(
            other.node != unknown.node or (None not in (other.axis, unknown.axis) and other.axis != unknown.axis)
            for other in solved
        )
        (solved if unknown.linear and alone else tried).append(unknown)
    return tried, solved
