"""What a network demands of its sizes: the layers' needs, the file's assumptions, a question's limits."""

from __future__ import annotations

from collections.abc import Iterable

from shapesolver.arithmetic import Truth, both, resolve
from shapesolver.derive import Derivation
from shapesolver.language import tree
from shapesolver.measure.proofs import upstream
from shapesolver.solve.names import Reader


def needs(derivation: Derivation, targets: Iterable[int]) -> Truth:
    """What the layers up to the targets need."""
    truths: list[Truth] = []
    for index in upstream(derivation, targets):
        outcome = derivation.outcomes[index]
        if outcome is None or outcome.broken is not None:
            return False
        truths.extend(condition.truth for condition in outcome.conditions)
    return both(*truths)


def unbuildable(derivation: Derivation) -> str:
    """Why the network cannot be built, by its first layer that cannot be; empty where all can."""
    broken = next(derivation.broken(), None)
    return "" if broken is None else f"{broken[0].path} (line {broken[0].span.line}): {broken[1].trouble().message}"


def assumed(derivation: Derivation) -> Truth:
    """The file's assumptions, as far as they are about what is derived."""
    truths = (derivation.truth(claim) for claim in derivation.graph.assumptions)
    pending = derivation.graph.references.keys() - derivation.known.keys()
    return both(*(t for t in truths if isinstance(t, bool) or not any(s.text in pending for s in t.symbols())))


def limits(derivation: Derivation, where: tree.Expression | None) -> Truth:
    """What a question's ``where`` leaves."""
    return True if where is None else resolve(Reader(derivation).truth(where), derivation.known)


def all_nodes(derivation: Derivation) -> range:
    """Every node: for questions about the whole network."""
    return range(len(derivation.graph.nodes))
