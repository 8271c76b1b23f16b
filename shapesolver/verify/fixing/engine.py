"""Findings to findings with fixes: each derived again before it is offered, the smallest change first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from shapesolver.arithmetic import Dim
from shapesolver.diagnostics import Diagnostic, Fix, Severity
from shapesolver.network import Network
from shapesolver.verify.fixing.attempts import Attempts
from shapesolver.verify.fixing.chaining import chained_fixes
from shapesolver.verify.fixing.inputs import input_fixes
from shapesolver.verify.fixing.merging import merge_fixes, places_fixes
from shapesolver.verify.fixing.parameters import parameter_fixes
from shapesolver.verify.fixing.spelling import allow_fixes, assume_fixes, rule_name_fixes, spelling_fixes
from shapesolver.verify.fixing.structure import structure_fixes

MAX_OFFERED = 5
"""How many fixes a finding has, the way to allow it not counted."""

SOURCES: tuple[Callable[[Diagnostic, Attempts], Iterator[Fix]], ...] = (
    spelling_fixes,
    rule_name_fixes,
    input_fixes,
    structure_fixes,
    places_fixes,
    parameter_fixes,
    merge_fixes,
)
"""Where fixes come from, the smallest changes first."""


def with_fixes(found: Iterable[Diagnostic], attempts: Attempts) -> tuple[Diagnostic, ...]:
    """The findings about one text, each with the fixes that remove it and bring nothing as bad."""
    findings = [*found]
    mended = []
    for number, finding in enumerate(findings, start=1):
        attempts.allot(number, len(findings))
        mended.append(replace(finding, fixes=_offered(finding, attempts)))
    return tuple(mended)


def _offered(finding: Diagnostic, attempts: Attempts) -> tuple[Fix, ...]:
    fixes: list[Fix] = []
    # Cheap and always of use, so it is looked into first; it stands last.
    silent = (*assume_fixes(finding, attempts), *allow_fixes(finding, attempts))
    # A note says what is so at other sizes, or meant: there is nothing to mend.
    for fix in () if finding.severity is Severity.NOTE else _found(finding, attempts):
        fixes.append(replace(fix, safe=fix.safe or changes_nothing(fix, attempts)))
        if len(fixes) == MAX_OFFERED:
            break
    return (*fixes, *silent)


def _found(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    for source in SOURCES:
        yield from source(finding, attempts)
    yield from chained_fixes(finding, attempts, (structure_fixes, parameter_fixes, merge_fixes))


def changes_nothing(fix: Fix, attempts: Attempts) -> bool:
    """Whether an edit leaves the inputs, every weight and every output with the shape that it has."""
    outcome = attempts.after(fix.edits) if fix.edits else None
    if outcome is None or outcome.net is None or attempts.net is None:
        return False
    return _shapes(attempts.net) == _shapes(outcome.net) is not None


def _shapes(net: Network) -> list[tuple[Dim, ...]] | None:
    """The shapes of the inputs, the outputs and the weights; nothing where a layer cannot be built."""
    if any(True for _ in net.derivation.broken()):
        return None
    ends = [place.tensor.sizes for place in (*net.inputs, *net.outputs)]
    return ends + [weight.shape for layer in net for weight in layer.weight_arrays]
