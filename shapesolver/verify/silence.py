"""``# allow: lost-pixels`` at a line's end: the author knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shapesolver.diagnostics import Diagnostic, Span
from shapesolver.language import tree
from shapesolver.verify.case import Case


class Allowance(NamedTuple):
    """What one statement allows: rules by code or name, for the lines that it covers."""

    span: Span
    entries: tuple[str, ...]

    def covers(self, diagnostic: Diagnostic) -> bool:
        """Whether a finding in these lines is allowed."""
        return self.span.line <= diagnostic.span.line <= self.span.end_line and any(
            entry.lower() in (diagnostic.code.lower(), diagnostic.name) for entry in self.entries
        )


def spoken(case: Case, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings that no line allows."""
    allowed = list(allowances(case.file.statements))
    return (d for d in diagnostics if not any(allowance.covers(d) for allowance in allowed))


def allowances(statements: Iterable[tree.Statement]) -> Iterator[Allowance]:
    """What the statements allow, those inside blocks and repeats too."""
    for statement in statements:
        if statement.allow:
            yield Allowance(statement.span, statement.allow)
        if isinstance(statement, (tree.Block, tree.Repeat)):
            yield from allowances(statement.body)
