"""SS040, SS041: what the file expects, proved or refuted, and what it assumes."""

from __future__ import annotations

from collections.abc import Iterator

from shapesolver.arithmetic import Condition, Truth, both
from shapesolver.diagnostics import Advice, Diagnostic, Severity
from shapesolver.model.graph import Claim
from shapesolver.network import Network


def failed_claims(net: Network) -> Iterator[Diagnostic]:
    """Expectations that are false, or that cannot be decided; and assumptions that these sizes break."""
    for claim in net.graph.assumptions:
        if net.derivation.truth(claim) is False:
            message = "the file assumes something that these sizes are not"
            yield Diagnostic("SS041", "broken-assumption", message, claim.span, advice=_sizes(net, claim))
    assumed = both(*(net.derivation.truth(claim) for claim in net.graph.assumptions))
    for claim in net.graph.expectations:
        if any(wire_broken(net, name) for name in mentioned(net, claim)):
            continue
        yield from _expectation(net, claim, net.derivation.truth(claim), assumed)


def _expectation(net: Network, claim: Claim, truth: Truth, assumed: Truth) -> Iterator[Diagnostic]:
    if truth is False:
        yield Diagnostic("SS040", "refuted-claim", "this is not so", claim.span, advice=_sizes(net, claim))
    elif isinstance(truth, Condition):
        yield from _undecided(claim, truth, assumed)


def _undecided(claim: Claim, truth: Condition, assumed: Truth) -> Iterator[Diagnostic]:
    from shapesolver.arithmetic.decide import Proved, Refuted, decide

    verdict = decide(truth, assumed)
    if isinstance(verdict, Proved):
        return
    if isinstance(verdict, Refuted):
        sizes = ", ".join(f"{name} = {value}" for name, value in verdict.counterexample.items())
        advice = Advice("counterexample", f"{sizes}: {truth} is false")
        yield Diagnostic("SS040", "refuted-claim", "this is not so for every size", claim.span, advice=(advice,))
        return
    message = "this is neither proved nor refuted"
    yield Diagnostic(
        "SS042",
        "undecided-claim",
        message,
        claim.span,
        Severity.WARNING,
        advice=(Advice("note", f"{truth}"),),
    )


def mentioned(net: Network, claim: Claim) -> Iterator[str]:
    """The sizes of layers that a claim is about."""
    if isinstance(claim.condition, Condition):
        for symbol in claim.condition.symbols():
            if symbol.text in net.graph.references:
                yield symbol.text


def wire_broken(net: Network, reference: str) -> bool:
    """Whether a mentioned size is not to be had, which has been reported where it happens."""
    return reference not in net.derivation.known


def _sizes(net: Network, claim: Claim) -> tuple[Advice, ...]:
    """What the mentioned sizes really are."""
    found = []
    for name in dict.fromkeys(
        n.partition("[")[0].rpartition(".")[0] or n.partition("[")[0] for n in mentioned(net, claim)
    ):
        if name in net:
            found.append(Advice("note", f"{name} is {net[name].tensor}"))
    return tuple(found)
