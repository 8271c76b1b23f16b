"""What an action costs, counted in calls of functions: a count is the same on a busy machine, where seconds are not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["HANG", "steps", "steps_at_most"]

HANG = 5_000_000
"""Calls that take this machine some seconds: beyond them, whatever runs would keep a person waiting."""


@contextmanager
def steps_at_most(limit: int) -> Iterator[Callable[[], int]]:
    """Stops what runs in the block at its ``limit``-th call; gives how many there were.

    Raises:
        AssertionError: there are more.
    """
    made = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")
        if made > limit:
            raise AssertionError(f"this takes more than {limit} calls")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield lambda: made
    finally:
        sys.setprofile(before)
    assert made <= limit, f"this takes more than {limit} calls"


def steps(action: Callable[[], object]) -> int:
    """How many calls of functions, Python's and C's, an action makes."""
    with steps_at_most(sys.maxsize) as made:
        action()
    return made()
