"""Edits of a text: applied together, kept from overlapping, and positions followed back through them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from shapesolver.diagnostics import Edit, Span

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


class Text:
    """A text whose lines are counted as the parser counts them, whatever ends them."""

    def __init__(self, text: str) -> None:
        self.text = text
        start = len(text) - len(text.removeprefix("\ufeff"))
        self.lines = _LINE.findall(text, start)
        self._starts = [start, *(start + end for end in accumulate(map(len, self.lines)))]

    def offset(self, line: int, column: int) -> int:
        """The index of a place; the end of the text for places beyond it."""
        if line > len(self.lines):
            return len(self.text)
        return min(self._starts[line - 1] + column - 1, self._starts[line])

    def reach(self, span: Span) -> tuple[int, int]:
        """The first index of a span, and the one after its last."""
        return self.offset(span.line, span.column), self.offset(span.end_line, span.end_column)

    def span(self, start: int, end: int) -> Span:
        """The span from one index to another."""
        return Span(*self._place(start), *self._place(end))

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset, hi=len(self.lines))
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """A line without its end."""
        return self.lines[number - 1].rstrip("\r\n") if 1 <= number <= len(self.lines) else ""

    @property
    def newline(self) -> str:
        """What ends its first line."""
        return self.lines[0][len(self.line(1)) :] or "\n"

    def after(self, edits: Iterable[Edit]) -> str:
        """The text with the edits made; they must not overlap."""
        text = self.text
        for edit in sorted(edits, key=lambda edit: self.reach(edit.span), reverse=True):
            start, end = self.reach(edit.span)
            text = text[:start] + edit.text + text[end:]
        return text

    def origin(self, offset: int, edits: Iterable[Edit]) -> int:
        """Where an index into the edited text was before; the start of an edit for what lies inside it."""
        for edit in sorted(edits, key=lambda edit: self.reach(edit.span)):
            start, end = self.reach(edit.span)
            if offset < start or (start == end and offset == start):
                break
            longer = len(edit.text) - (end - start)
            offset = start if offset < end + longer else offset - longer
        return offset


def compatible(text: Text, groups: Iterable[Sequence[Edit]]) -> list[Edit]:
    """The edits of the groups that go together: first come, each group whole or not at all."""
    taken: list[Edit] = []
    for group in groups:
        new = [edit for edit in group if edit not in taken]
        if not any(_touch(text.reach(edit.span), text.reach(other.span)) for edit in new for other in taken):
            taken += new
    return taken


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two stretches have a place in common; two insertions at one place do."""
    return max(one[0], other[0]) <= min(one[1], other[1])
