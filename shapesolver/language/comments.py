"""Comments put back beside the statements they belong to, so that formatting keeps them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from shapesolver.diagnostics import Span
from shapesolver.language import tree


class Comment(NamedTuple):
    """A comment's place and text, its ``#`` included."""

    line: int
    column: int
    text: str


S = TypeVar("S", bound=tree.Statement)


def attach(file: tree.File, comments: Sequence[Comment], lines: Sequence[str]) -> tree.File:
    """The file with every comment at the statement it stands by; ``lines`` are the text's."""
    attacher = _Attacher(comments, lines)
    statements = attacher.statements(file.statements)
    return tree.File(statements, attacher.rest())


class _Attacher:
    def __init__(self, comments: Sequence[Comment], lines: Sequence[str]) -> None:
        self._comments = comments
        self._next = 0
        self._lines = lines
        self._end: tuple[int, int] | None = None

    def statements(self, statements: tuple[tree.Statement, ...]) -> tuple[tree.Statement, ...]:
        return tuple(map(self._statement, statements))

    def rest(self) -> tuple[str, ...]:
        """The comments that nothing has taken."""
        return self._until(None)

    def _statement(self, statement: tree.Statement) -> tree.Statement:
        span = statement.span
        top = span.line
        if self._next < len(self._comments) and self._comments[self._next].line < top:
            top = self._comments[self._next].line
        blank = 1 < top <= len(self._lines) + 1 and not self._lines[top - 2].strip()
        before = self._until((span.line, span.column))
        if isinstance(statement, (tree.Block, tree.Repeat)):
            return self._braced(statement, before, blank)
        end = span.end_line, span.end_column
        inside = self._within(end)
        after = self._on_line(span.end_line)
        if not (before or inside or after or blank):
            return statement
        notes = tree.Notes(before=before, after=after, inside=inside, blank=blank)
        texts = (after, *(text for _, _, text in inside))
        return replace(statement, notes=notes, allow=allowed(texts))

    def _braced(
        self, statement: tree.Block | tree.Repeat, before: tuple[str, ...], blank: bool
    ) -> tree.Block | tree.Repeat:
        span = statement.span
        body_start = statement.body[0].span if statement.body else Span(span.end_line, span.end_column, 0, 0)
        header_line = self._header_line(statement)
        header = ""
        if body_start.line > header_line:
            header = self._on_line(header_line)
        outer, self._end = self._end, (span.end_line, span.end_column)
        body = self.statements(statement.body)
        self._end = outer
        closing = self._until((span.end_line, span.end_column))
        after = self._on_line(span.end_line)
        notes = tree.Notes(before=before, after=after, header=header, closing=closing, blank=blank)
        return replace(statement, body=body, notes=notes, allow=allowed((header, after)))

    def _header_line(self, statement: tree.Block | tree.Repeat) -> int:
        """The line of the opening brace: where the last thing before it ends."""
        if isinstance(statement, tree.Block):
            ends = [statement.name.span, *(p.span for p in statement.parameters)]
        else:
            ends = [statement.count.span, *([statement.index.span] if statement.index else [])]
        return max(span.end_line for span in ends)

    def _until(self, place: tuple[int, int] | None) -> tuple[str, ...]:
        return tuple(text for _, _, text in self._within(place))

    def _within(self, place: tuple[int, int] | None) -> tuple[Comment, ...]:
        start = self._next
        while self._next < len(self._comments) and (place is None or self._comments[self._next][:2] < place):
            self._next += 1
        return tuple(self._comments[start : self._next])

    def _on_line(self, line: int) -> str:
        """The comment on a line, if it lies within the braces that are open."""
        if self._next == len(self._comments):
            return ""
        comment = self._comments[self._next]
        if comment.line != line or (self._end is not None and comment[:2] > self._end):
            return ""
        self._next += 1
        return comment.text


def allowed(comments: Sequence[str]) -> tuple[str, ...]:
    """The rules that ``# allow: lost-pixels, SS202`` comments name."""
    found: list[str] = []
    for comment in comments:
        words = comment.lstrip("# \t")
        if words.startswith("allow:"):
            found.extend(word.strip() for word in words.removeprefix("allow:").split(",") if word.strip())
    return tuple(found)
