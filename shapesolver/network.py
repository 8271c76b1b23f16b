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
from typing import TYPE_CHECKING, Self

from shapesolver.derive import Derivation, derive
from shapesolver.diagnostics import Advice, Diagnostic, Severity, Span
from shapesolver.language import parse as parse_text
from shapesolver.language import tree
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.source import Input
from shapesolver.model.builder import build
from shapesolver.model.free import free_inputs
from shapesolver.model.graph import Graph, Wire
from shapesolver.placed import PlacedLayer, Size, count, public, sum_of

if TYPE_CHECKING:
    from shapesolver.layers.strips import View

MAX_SIZE = 10**18
"""The greatest input size that may be asked about."""


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
        self.__dict__.update(_text=text, _filename=filename, _graph=graph, _values=dict(values or {}))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a network is immutable: {name} cannot be set; at() makes another at other sizes")

    _text: str
    _filename: str
    _graph: Graph
    _values: dict[str, int]

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
        """What every tensor that can be built sees of the inputs."""
        from shapesolver.grids import Grids

        derived, grids = self.derivation, Grids()
        for index, node in enumerate(self._graph.nodes):
            outcome, inputs = derived.outcomes[index], derived.inputs(index)
            if outcome is not None and inputs is not None:
                grids.add(index, node, derived.layers[index], inputs, outcome.outputs)
        return grids.views

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

    def repeated(self, rounds: Mapping[str, int]) -> Self | None:
        """The network with repeats laid out another number of times, by path; ``None`` where that cannot be.

        Its claims are left out: they may name rounds that are no more.
        """
        file = parse_text(self._text, self._filename).tree
        unclaimed = tuple(s for s in file.statements if not isinstance(s, tree.Expect))
        graph, found = build(replace(file, statements=unclaimed), rounds)
        wrong = any(d.severity is Severity.ERROR for d in found)
        return None if wrong or not graph.nodes else type(self)(self._text, self._filename, graph, self._values)

    def without_assumptions(self) -> Self:
        """The network with nothing taken for granted of its input sizes."""
        return type(self)(self._text, self._filename, replace(self._graph, assumptions=()), self._values)

    # Layers.

    @cached_property
    def layers(self) -> tuple[PlacedLayer, ...]:
        """The layers in order."""
        return tuple(self._placed(node.path, Wire(index)) for index, node in enumerate(self._graph.nodes))

    def _placed(self, path: str, wire: Wire) -> PlacedLayer:
        return PlacedLayer(self.derivation, path, wire)

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
            return self._placed(path, self._graph.names[path])
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
        return tuple(self._placed(self._graph.nodes[w.node].path, w) for w in self._graph.outputs)

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
