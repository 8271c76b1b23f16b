"""The safe fixes applied to a text, until none is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shapesolver.diagnostics import Diagnostic, Edit, Severity
from shapesolver.verify.fixing.edits import Text, compatible

MAX_ROUNDS = 100
"""How often a text is checked again after a round of fixes."""

Check = Callable[[str], Sequence[Diagnostic]]


def apply_safe(text: str, check: Check) -> str:
    """The text after the safe fixes of its findings, those of what is found then, and so on.

    Every round leaves fewer errors, or as many and fewer warnings, or as many of both and fewer notes: so it ends.
    """
    found = check(text)
    for _ in range(MAX_ROUNDS):
        groups = [group for group in map(_safe_edits, found) if group]
        if not groups:
            break
        text, found = _round(Text(text), groups, found, check)
    return text


def _safe_edits(finding: Diagnostic) -> tuple[Edit, ...]:
    return next((fix.edits for fix in finding.fixes if fix.safe), ())


def _round(
    text: Text, groups: Sequence[tuple[Edit, ...]], found: Sequence[Diagnostic], check: Check
) -> tuple[str, Sequence[Diagnostic]]:
    """All fixes that do not touch each other, or the first alone where together they do not help.

    Each was derived again by itself, and not beside the others.
    """
    together = text.after(compatible(text, groups))
    left = check(together)
    if _count(left) < _count(found):
        return together, left
    alone = text.after(groups[0])
    return alone, check(alone)


def _count(found: Sequence[Diagnostic]) -> tuple[int, ...]:
    """How many errors, warnings and notes there are."""
    return tuple(sum(d.severity is severity for d in found) for severity in Severity)
