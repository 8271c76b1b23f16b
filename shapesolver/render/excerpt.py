"""A diagnostic as people read it: the message, the lines it is about with carets, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapesolver.diagnostics import Advice, Diagnostic, Label, Severity, Span

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
MAX_WIDTH = 200
"""Source lines are cut here."""
MAX_TRIES = 2
"""How many things to try are shown; JSON, SARIF and Python have them all."""

Piece = tuple[str, str]
"""Text and its style; a diagnostic is a list of pieces, so that plain text and colour share one layout."""


def plain(diagnostic: Diagnostic, source: str, filename: str) -> str:
    """The diagnostic without colour."""
    return "".join(text for text, _ in pieces(diagnostic, source, filename))


def pieces(diagnostic: Diagnostic, source: str, filename: str) -> Iterator[Piece]:
    """The diagnostic as styled pieces, ending in a newline."""
    style = STYLES[diagnostic.severity]
    yield f"{diagnostic.severity}[{diagnostic.code}]", style
    yield f" {diagnostic.name}: ", "bold"
    yield f"{diagnostic.message}\n", "bold"
    lines = source.split("\n")
    shown = {span.line for span, _ in _labels(diagnostic) if 1 <= span.line <= len(lines)}
    gutter = " " * len(str(max(shown, default=diagnostic.span.line)))
    yield f"{gutter}--> ", "blue"
    yield f"{filename}:{diagnostic.span.line}:{diagnostic.span.column}\n", ""
    if shown:
        yield f"{gutter} |\n", "blue"
        yield from _source(diagnostic, lines, gutter, style)
        yield f"{gutter} |\n", "blue"
    counsel = [*_counsel(diagnostic)]
    width = max((len(kind) for kind, _ in counsel), default=0)
    for kind, text in counsel:
        yield f"{gutter} = ", "blue"
        yield f"{kind}:{' ' * (width - len(kind))} ", "bold"
        yield f"{text}\n", ""


def _counsel(diagnostic: Diagnostic) -> Iterator[Advice]:
    """What to do about it; of many things to try, the first."""
    tried = 0
    for advice in diagnostic.counsel():
        tried += advice.kind == "try"
        if advice.kind != "try" or tried <= MAX_TRIES:
            yield advice


def _labels(diagnostic: Diagnostic) -> Iterator[Label]:
    yield from diagnostic.related
    yield Label(diagnostic.span, diagnostic.label)


def _source(diagnostic: Diagnostic, lines: list[str], gutter: str, style: str) -> Iterator[Piece]:
    """The lines that are mentioned, in order, with a mark under each."""
    previous = None
    for line in sorted({label.span.line for label in _labels(diagnostic)}):
        if not 1 <= line <= len(lines):
            continue
        if previous is not None and line > previous + 1:
            yield f"{gutter}...\n", "blue"
        previous = line
        text = lines[line - 1].replace("\t", " ")
        yield f"{line:>{len(gutter)}} | ", "blue"
        yield f"{text if len(text) <= MAX_WIDTH else text[:MAX_WIDTH] + ' ...'}\n", ""
        yield from _marks(
            diagnostic, [lab for lab in _labels(diagnostic) if lab.span.line == line], text, gutter, style
        )


def _marks(diagnostic: Diagnostic, labels: Iterable[Label], text: str, gutter: str, style: str) -> Iterator[Piece]:
    for span, words in labels:
        own = span == diagnostic.span and words == diagnostic.label
        column, width = _extent(span, text)
        yield f"{gutter} | ", "blue"
        mark = ("^" if own else "-") * width
        yield f"{' ' * (column - 1)}{mark}{' ' + words if words else ''}\n", style if own else "blue"


def _extent(span: Span, text: str) -> tuple[int, int]:
    """The column and width of the mark under one line; a span over several lines is marked on its first."""
    column = min(span.column, MAX_WIDTH)
    end = span.end_column if span.end_line == span.line else len(text) + 1
    return column, max(min(end, MAX_WIDTH) - column, 1)
