"""Findings about names, calls and values: what a file says that no network can mean."""

from __future__ import annotations

from collections.abc import Iterable

from shapesolver.diagnostics import Advice, Diagnostic, Fix, Label, Span
from shapesolver.language import tree

CODES = {
    "unknown-layer": "SS020",
    "unknown-argument": "SS021",
    "bad-value": "SS022",
    "unknown-name": "SS023",
    "repeated-name": "SS024",
    "missing-argument": "SS025",
    "no-input": "SS026",
    "cyclic-block": "SS027",
    "limit": "SS028",
    "bad-statement": "SS029",
    "too-many-arguments": "SS030",
    "wrong-kind": "SS031",
}


class BuildError(Exception):
    """One finding, raised where it is seen and caught at the end of its line.

    ``meant`` are the words that were probably meant, and ``word`` is what they are instead of: the whole span,
    unless it is said.
    """

    def __init__(
        self,
        name: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        advice: Iterable[tuple[str, str]] = (),
        related: Iterable[Label] = (),
        meant: Iterable[str] = (),
        word: Span | None = None,
    ) -> None:
        super().__init__(message)
        words = [*meant]
        self.diagnostic = Diagnostic(
            CODES[name],
            name,
            message,
            span,
            label=label,
            related=tuple(related),
            advice=tuple(Advice(kind, text) for kind, text in (*advice, *did_you_mean(words))),
            fixes=tuple(Fix.of_word(word or span, text) for text in words),
        )


class LimitError(BuildError):
    """A network beyond the limits: nothing more of the file is laid out."""

    def __init__(self, message: str, span: Span) -> None:
        super().__init__("limit", message, span)


class AlreadySaid(BuildError):
    """A line that relies on one in error."""

    def __init__(self, span: Span) -> None:
        super().__init__("no-input", "this relies on a line in error", span)


def did_you_mean(candidates: Iterable[str]) -> list[tuple[str, str]]:
    """The advice that names what was probably meant."""
    names = list(candidates)
    return [("try", f"did you mean {' or '.join(f'`{name}`' for name in names)}?")] if names else []


def name_span(argument: tree.Argument) -> Span:
    """Where the name of a keyword argument stands."""
    line, column, *_ = argument.span
    return Span(line, column, line, column + len(argument.name or ""))
