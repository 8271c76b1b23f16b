"""SS04x: what the file expects, proved or refuted, and what it assumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shapesolver.arithmetic import Condition, Truth, negate, resolve
from shapesolver.diagnostics import Advice, Diagnostic, Severity
from shapesolver.model.graph import Claim
from shapesolver.network import Network
from shapesolver.provenance import explain
from shapesolver.verify.case import Case
from shapesolver.verify.rule import rule


@rule("SS040", "refuted-claim", Severity.ERROR, of_built=True)
def refuted_claim(case: Case) -> Iterator[Diagnostic]:
    """Something that the file expects and that is not so, for these sizes or for some size.

    ## Why it matters

    An `expect` is a test of the network. It is proved for all sizes that the file assumes, or there is a
    counterexample.

    ## Example

    ```net
    image = input(H=224, 224, 3)
    conv1 = conv(32, kernel=3, stride=2)
    expect conv1.H == image.H//2
    ```

    ## Write instead

    ```net
    image = input(H=224, 224, 3)
    conv1 = conv(32, kernel=3, stride=2)
    expect conv1.H == (image.H - 1)//2
    ```
    """
    from shapesolver.arithmetic.decide import Refuted, decide

    for claim, truth in _expectations(case):
        if truth is False:
            yield Diagnostic("SS040", "refuted-claim", "this is not so", claim.span, advice=_sizes(case.net, claim))
        elif isinstance(truth, Condition):
            verdict = decide(truth, case.sizes.about(truth.symbols()))
            if isinstance(verdict, Refuted):
                counter = verdict.counterexample
                sizes = ", ".join(f"{name} = {value}" for name, value in counter.items())
                advice = (
                    Advice("counterexample", f"{sizes}: {truth} is false"),
                    *dict.fromkeys(_derived(case.net, claim, counter)),
                )
                message = "this is not so for every size"
                yield Diagnostic("SS040", "refuted-claim", message, claim.span, advice=advice, where=negate(truth))


@rule("SS041", "broken-assumption", Severity.ERROR)
def broken_assumption(case: Case) -> Iterator[Diagnostic]:
    """Something that the file assumes of its input sizes, and that these sizes are not.

    ## Why it matters

    What is proved about the network is proved for the sizes that it assumes, and for no others.

    ## Example

    ```net
    image = input(H=100, 96, 3)
    conv(32, kernel=3)
    assume H % 16 == 0
    ```

    ## Write instead

    ```net
    image = input(H=96, 96, 3)
    conv(32, kernel=3)
    assume H % 16 == 0
    ```
    """
    for claim in case.net.graph.assumptions:
        truth = case.derivation.truth(claim)
        if truth is False:
            message = "the file assumes something that these sizes are not"
            yield Diagnostic("SS041", "broken-assumption", message, claim.span, advice=_sizes(case.net, claim))
        elif resolve(truth, case.usual) is False:
            message = "the file assumes something that its usual sizes are not"
            advice = (Advice("usual", case.usual_text),)
            yield Diagnostic("SS041", "broken-assumption", message, claim.span, advice=advice, where=negate(truth))


@rule("SS042", "undecided-claim", Severity.WARNING)
def undecided_claim(case: Case) -> Iterator[Diagnostic]:
    """Something that the file expects, and that is neither proved nor refuted.

    ## Why it matters

    It may be true. What is not proved is not reported as proved.

    ## Example

    ```net
    image = input(H, W, 3)
    expect image.H**2 != 2*image.W**2
    ```

    ## Write instead

    ```net
    image = input(H, W, 3)
    assume H == W
    expect image.H**2 != 2*image.W**2
    ```
    """
    from shapesolver.arithmetic.decide import Undecided, decide

    for claim, truth in _expectations(case):
        if isinstance(truth, Condition):
            verdict = decide(truth, case.sizes.about(truth.symbols()))
            if isinstance(verdict, Undecided):
                message = "this is neither proved nor refuted"
                advice = Advice("note", f"{truth}")
                yield Diagnostic(
                    "SS042", "undecided-claim", message, claim.span, Severity.WARNING, advice=(advice,), known=False
                )


def _expectations(case: Case) -> Iterator[tuple[Claim, Truth]]:
    """What is expected of sizes that are to be had; those that are not have been reported where they fail."""
    for claim in case.net.graph.expectations:
        if all(name in case.derivation.known for name in mentioned(case.net, claim)):
            yield claim, case.derivation.truth(claim)


def mentioned(net: Network, claim: Claim) -> Iterator[str]:
    """The sizes of layers that a claim is about."""
    if isinstance(claim.condition, Condition):
        for symbol in claim.condition.symbols():
            if symbol.text in net.graph.references:
                yield symbol.text


MAX_STEPS = 4
"""The most layers of the way to a size that a counterexample shows."""


def _derived(net: Network, claim: Claim, counterexample: Mapping[str, int]) -> Iterator[Advice]:
    """How the mentioned sizes come about at the counterexample: ``conv1.H = (image.H - 3)//2 + 1 = 1``."""
    at = net.at(**{name: size for name, size in counterexample.items() if name in net.graph.symbols})
    for name in mentioned(net, claim):
        path, _, axis = name.rpartition(".")
        if path not in at:
            continue
        for chain in explain(at, path):
            if chain.axis == axis:
                for step in chain.steps[-MAX_STEPS:]:
                    value = "" if str(step.local) == str(step.value) else f" = {step.value}"
                    yield Advice("derived", f"{step.path}.{step.axis} = {step.local}{value}")


def _sizes(net: Network, claim: Claim) -> tuple[Advice, ...]:
    """What the mentioned sizes really are."""
    found = []
    for name in dict.fromkeys(
        n.partition("[")[0].rpartition(".")[0] or n.partition("[")[0] for n in mentioned(net, claim)
    ):
        if name in net:
            found.append(Advice("note", f"{name} is {net[name].tensor}"))
    return tuple(found)
