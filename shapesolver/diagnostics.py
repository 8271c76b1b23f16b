"""One value for every finding: what is wrong, where, why, and what to type instead.

Rendering is elsewhere (``render/``): a diagnostic is data that text, JSON, SARIF and an editor all read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shapesolver.arithmetic import Truth


class Span(NamedTuple):
    """A stretch of source text: 1-based lines and columns, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def to(self, other: Span) -> Span:
        """The stretch from the start of this span to the end of another."""
        return Span(self.line, self.column, other.end_line, other.end_column)


class Severity(StrEnum):
    """How bad a finding is: errors cannot be built, warnings run but surprise, notes explain."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Label(NamedTuple):
    """A piece of source with a few words beneath it, as in ``8 x 8 x 32``."""

    span: Span
    text: str


class Advice(NamedTuple):
    """One line under the excerpt: ``kind`` is ``try``, ``or``, ``lost``, ``note``, ``expected`` ..."""

    kind: str
    text: str


class Edit(NamedTuple):
    """A change to the source text: the span is replaced; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that mends a finding, derived again before it was offered."""

    title: str
    """What to do and what it brings: ``padding=((0, 1), (0, 1)), which makes 3``."""
    edits: tuple[Edit, ...] = ()
    """The change as text; none where the mend is not in the file."""
    sizes: Mapping[str, int] = field(default_factory=dict, hash=False)
    """The input sizes to use instead, where the file does not state them."""
    safe: bool = False
    """Whether ``check --fix`` may apply it unasked."""
    kind: str = "try"
    """``try``; ``or`` where it is the finding that goes and not its cause; ``meant`` where the advice says it."""

    @classmethod
    def of_word(cls, span: Span, word: str) -> Fix:
        """What was probably meant, in the place of what was written."""
        return cls(f"write `{word}`", (Edit(span, word),), kind="meant")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding.

    ``code`` and ``name`` are stable (``SS101``, ``empty-size``); ``label`` stands under the caret;
    ``related`` are the other places that explain it; ``advice`` says what to do.
    """

    code: str
    name: str
    message: str
    span: Span
    severity: Severity = Severity.ERROR
    label: str = ""
    related: tuple[Label, ...] = ()
    advice: tuple[Advice, ...] = ()
    layer: str = ""
    """The path of the layer that it is about, if it is about one."""
    axis: str = ""
    """The axis that it is about, if it is about one."""
    where: Truth = True
    """The input sizes for which it is so: ``True`` for all sizes, or for those that were asked about."""
    known: Truth = True
    """The input sizes about which ``where`` says something; for others it is undecided."""
    among: Truth = True
    """The input sizes that can be built as the file assumes them; at others there is nothing to find."""
    fixes: tuple[Fix, ...] = ()

    def holds(self, **sizes: int) -> bool | None:
        """Whether it is so at these input sizes, ``None`` where that is undecided: ``finding.holds(H=28, W=28)``."""
        from shapesolver.arithmetic import holds, resolve

        if resolve(self.among, sizes) is False:
            return False
        return holds(self.where, sizes) if resolve(self.known, sizes) is True else None

    def counsel(self) -> Iterator[Advice]:
        """What to say beneath it: the advice, then the fixes that the advice does not name."""
        yield from self.advice
        yield from (Advice(fix.kind, fix.title) for fix in self.fixes if fix.kind != "meant")


class Report(NamedTuple):
    """What checking one file came to."""

    filename: str
    text: str
    diagnostics: tuple[Diagnostic, ...] = ()
    unreadable: str = ""
    """Why the file could not be read, if it could not."""


class ShapeSolverError(Exception):
    """The base of every error this package raises on purpose."""


class NetError(ShapeSolverError):
    """A ``.net`` text that cannot be read or built; ``diagnostics`` says where and why."""

    def __init__(self, diagnostics: Iterable[Diagnostic], filename: str = "<text>") -> None:
        self.diagnostics = tuple(diagnostics)
        self.filename = filename
        super().__init__(self.diagnostics, filename)

    def __str__(self) -> str:
        return "\n".join(
            f"{self.filename}:{d.span.line}:{d.span.column}: {d.severity}[{d.code}] {d.message}"
            for d in self.diagnostics
        )
