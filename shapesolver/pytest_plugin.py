"""Collects ``.net`` files as tests: one for whether the network can be built, and one for each claim.

``pytest nets/`` runs them beside the project's own tests; a failure shows the excerpt that ``shapesolver check``
would. ``-p no:shapesolver`` leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shapesolver.diagnostics import Diagnostic, Span


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Every ``.net`` file is one of ours."""
    if file_path.suffix == ".net":
        return NetFile.from_parent(parent, path=file_path)
    return None


class NetFile(pytest.File):
    """One network and its claims."""

    def collect(self) -> Iterable[pytest.Item]:
        from shapesolver.diagnostics import ShapeSolverError
        from shapesolver.language import read
        from shapesolver.net import examine

        try:
            text = read(self.path)
        except ShapeSolverError as error:
            raise self.CollectError(str(error)) from None
        net, found = examine(text, str(self.path))
        claims = () if net is None else net.graph.expectations
        about_claims = {claim.span for claim in claims}
        found = found if net is None else net.usual().check()
        errors = [d for d in found if d.severity == "error" and d.span not in about_claims]
        yield NetItem.from_parent(self, name="builds", line=1, text=text, found=errors)
        for claim in claims:
            about = [d for d in found if d.span == claim.span]
            name, line = _source(text, claim.span), claim.span.line
            yield NetItem.from_parent(self, name=name, line=line, text=text, found=about, skipped=bool(errors))


class ClaimFailed(Exception):
    """A claim that does not hold, or a network that cannot be built."""


class NetItem(pytest.Item):
    """One claim: it passes when nothing was found against it."""

    def __init__(self, *, line: int, text: str, found: list[Diagnostic], skipped: bool = False, **rest: Any) -> None:
        super().__init__(**rest)
        self._skipped = skipped
        self._line = line
        self._text = text
        self._found = found

    def runtest(self) -> None:
        """Raises :class:`ClaimFailed` with the excerpts."""
        if self._skipped and not self._found:
            pytest.skip("the network cannot be built, so this is neither so nor not")
        if self._found:
            from shapesolver.render.excerpt import plain

            raise ClaimFailed("\n".join(plain(d, self._text, self.path.name) for d in self._found))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        """The excerpt alone: where in this package it was found is of no use."""
        if isinstance(excinfo.value, ClaimFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The place in the file."""
        return self.path, self._line - 1, f"{self.path.name}: {self.name}"


def _source(text: str, span: Span) -> str:
    """The claim as it is written, on one line."""
    lines = text.split("\n")[span.line - 1 : span.end_line]
    return " ".join(" ".join(lines).partition("#")[0].split())
