"""The network that rules look at, with what several of them need worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property

from shapesolver.arithmetic import Truth, both
from shapesolver.derive import Derivation
from shapesolver.language import parse, tree
from shapesolver.measure.extents import Reads
from shapesolver.measure.losses import Loss, everything_read, losses
from shapesolver.model.graph import Graph
from shapesolver.network import Network
from shapesolver.verify.everywhere import Everywhere, few_of
from shapesolver.verify.grid import Grid
from shapesolver.verify.sizes import Sizes
from shapesolver.verify.unread import Trace


class Case:
    """One network at the sizes it is asked about."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self._at: dict[tuple[tuple[str, int], ...], Case] = {}

    def reread(self, net: Network) -> Case:
        """The case of a network that may be this one with other comments: then all that is worked out is kept."""
        if net.values != self.net.values or _unallowed(net.graph) != _unallowed(self.net.graph):
            return Case(net)
        case = copy(self)
        case.net = net
        case.__dict__.pop("file", None)
        return case

    @property
    def derivation(self) -> Derivation:
        """Every layer's sizes."""
        return self.net.derivation

    @cached_property
    def assumed(self) -> Truth:
        """All that the file assumes about its sizes."""
        return both(*(self.derivation.truth(claim) for claim in self.net.graph.assumptions))

    @cached_property
    def usual(self) -> dict[str, int]:
        """The usual values of the sizes that are still symbolic, as far as the file states them."""
        return {name: usual for name, usual in self.net.symbols.items() if usual is not None}

    @cached_property
    def sizes(self) -> Sizes:
        """The input sizes that the network can be built with, as the file assumes them."""
        return Sizes((need.truth for _, need in self.derivation.conditions()), self.assumed)

    @cached_property
    def trace(self) -> Trace | None:
        """Every cell followed back from the outputs; ``None`` at symbolic sizes and where cells cannot be followed."""
        if self.net.symbols:
            return None
        trace = Trace(self.derivation)
        return trace if trace.possible else None

    @property
    def usual_text(self) -> str:
        """``H = 224, W = 224``."""
        return ", ".join(f"{name} = {size}" for name, size in self.usual.items())

    @cached_property
    def everywhere(self) -> Everywhere:
        """What windows pass over, for all sizes at once."""
        return Everywhere(self.derivation, self.sizes, self.usual, lambda: self.reads)

    @cached_property
    def few(self) -> Grid:
        """The least valid sizes and the usual ones, for what can only be tried one by one."""
        return few_of(self.derivation, self.sizes, self.usual)

    def at(self, sizes: Mapping[str, int]) -> Case | None:
        """The same network at sizes that are numbers; ``None`` where it cannot be built with them."""
        key = tuple(sorted(sizes.items()))
        if key not in self._at:
            self._at[key] = Case(self.net.at(**sizes))
        found = self._at[key]
        return None if any(True for _ in found.derivation.broken()) or found.assumed is False else found

    @cached_property
    def losses(self) -> tuple[Loss, ...]:
        """What windows leave over at their ends, as conditions on the sizes."""
        return tuple(losses(self.derivation, self.sizes, self.reads))

    @cached_property
    def reads(self) -> Reads | None:
        """What the outputs read of every result; ``None`` where a layer cannot be built."""
        return everything_read(self.derivation, self.sizes)

    @cached_property
    def file(self) -> tree.File:
        """The file's statements as they are written."""
        return parse(self.net.text, self.net.filename).tree


def _unallowed(graph: Graph) -> Graph:
    """The graph without what comments allow."""
    return replace(graph, nodes=tuple([node._replace(allow=()) for node in graph.nodes]))
