"""How far a long question has come. Whoever asks may watch; nobody has to."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how many steps are done, and how many there are."""


def unwatched(done: int, total: int) -> None:
    """Nobody watches."""
