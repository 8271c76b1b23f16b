"""The network that rules look at, with what several of them need worked out once."""

from __future__ import annotations

from functools import cached_property

from shapesolver.arithmetic import Truth, both
from shapesolver.derive import Derivation
from shapesolver.language import parse, tree
from shapesolver.network import Network


class Case:
    """One network at the sizes it is asked about. Not for use twice."""

    def __init__(self, net: Network) -> None:
        self.net = net

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
    def file(self) -> tree.File:
        """The file's statements as they are written."""
        return parse(self.net.text, self.net.filename).tree
