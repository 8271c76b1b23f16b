"""What is so for every size that a network can be built with."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from shapesolver.arithmetic import Both, Condition, Formula, Truth, both, resolve
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.decide import Proved, decide
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.solutions import solutions
from shapesolver.derive import Derivation
from shapesolver.model.graph import Wire


def upstream(derivation: Derivation, targets: Iterable[int]) -> list[int]:
    """The nodes that the targets depend on, themselves included, in order."""
    wanted = set(targets)
    for index in range(max(wanted, default=-1), -1, -1):
        if index in wanted:
            wanted.update(wire.node for wire in derivation.graph.nodes[index].inputs)
    return sorted(wanted)


class Valid:
    """The sizes for which certain needs and assumptions hold."""

    def __init__(self, needs: Iterable[Truth], assumed: Truth = True) -> None:
        self.needs = list(needs)
        self._assumed = assumed
        self._proved: dict[Condition, bool] = {}
        self._least: dict[Symbol, Symbol] = {}

    @classmethod
    def up_to(cls, derivation: Derivation, wires: Iterable[Wire]) -> Valid:
        """The sizes for which these results can be computed."""
        outcomes = (derivation.outcomes[index] for index in upstream(derivation, {wire.node for wire in wires}))
        return cls(need.truth for outcome in outcomes if outcome is not None for need in outcome.conditions)

    def given(self, truth: Truth) -> Valid:
        """Those of the sizes for which something else holds, too."""
        return Valid(self.needs, both(self._assumed, truth))

    @cached_property
    def valid(self) -> Truth:
        """The needs and what is assumed."""
        return both(self._assumed, *self.needs)

    def proves(self, truth: Truth) -> bool:
        """Whether something is so for every valid size; false where that is not known."""
        if isinstance(truth, bool):
            return truth
        if truth not in self._proved:
            # Bounds tell most of it once the least sizes are known, and also where symbols are multiplied.
            plain = resolve(truth, {symbol.text: Formula.of(self._bounded(symbol)) for symbol in truth.symbols()})
            known = plain if isinstance(plain, bool) else None
            if known is None:
                known = isinstance(decide(truth, self.about(truth.symbols())), Proved)
            self._proved[truth] = known
        return self._proved[truth]

    def _bounded(self, name: Symbol) -> Symbol:
        """A symbol that knows its least valid value."""
        if name not in self._least:
            try:
                least = solutions(self.about([name]), name).min
            except Undecided:
                least = None
            self._least[name] = Symbol(name.text, name.least if least is None else max(name.least, least))
        return self._least[name]

    def about(self, symbols: Iterable[Symbol]) -> Truth:
        """The part of what is valid that concerns these symbols alone."""
        names = {symbol.text for symbol in symbols}
        items = self.valid.items if isinstance(self.valid, Both) else (self.valid,)
        return both(*(i for i in items if not isinstance(i, Condition) or {s.text for s in i.symbols()} <= names))
