"""A bar on the terminal for a question that takes long; nothing for one that does not, nor for a pipe."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 1.0
"""Seconds that pass before anything is shown."""


class Watch:
    """Shows how far a question has come, on standard error: ``with Watch() as watch: ask(net, text, watch)``."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._timer = threading.Timer(patience, self._show)
        self._timer.daemon = True
        self._bar: Progress | None = None
        self._steps: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """What the solver tells: so many steps done of so many."""
        self._steps = done, total
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def _show(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        from shapesolver.render.terminal import console

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        bar = Progress(*columns, console=console(stderr=True), transient=True)
        done, total = self._steps or (0, None)
        bar.add_task("solving; Ctrl-C ends it", total=total, completed=done)
        bar.start()
        self._bar = bar
