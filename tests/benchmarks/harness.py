"""Measuring ours and each peer alternately in one run, so that a machine's moods fall on all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ROUNDS = 9
LEAST_SECONDS = 0.005
"""A call shorter than this is repeated until a round takes as long."""

SECONDS = "s"

Call = Callable[[], Any]


class Missing(Exception):
    """A peer that cannot be measured here, and why."""


@dataclass(frozen=True)
class Case:
    """One question, put to ours and to each peer in its own terms."""

    name: str
    ours: Call
    peers: Mapping[str, Callable[[], Call]] = field(default_factory=dict)
    """For each peer what prepares its call; it raises :class:`Missing` or ``ImportError`` where it is not to be had,
    and anything else where it fails at the question."""
    goals: Mapping[str, float] = field(default_factory=dict)
    """How many times as long as ours each peer should take at the least."""
    limit: float | None = None
    """The figure that ours should come to at the most."""
    rounds: int = ROUNDS
    unit: str = SECONDS
    """What is measured: the seconds that a call takes, or what it returns, in another unit."""


@dataclass(frozen=True)
class Figure:
    """The median of several rounds, in the case's unit; or why there is none."""

    value: float | None
    why: str = ""


@dataclass(frozen=True)
class Result:
    """What a case came to."""

    case: Case
    ours: Figure
    peers: Mapping[str, Figure]

    def ratio(self, peer: str) -> float | None:
        """How many times as long as ours the peer took."""
        theirs, ours = self.peers[peer].value, self.ours.value
        return None if theirs is None or ours is None else theirs / ours

    def verdicts(self) -> Iterator[tuple[str, bool]]:
        """Each goal that could be measured, and whether it was met."""
        for peer, least in self.case.goals.items():
            ratio = self.ratio(peer)
            if ratio is not None:
                yield f"{self.case.name}: {peer} takes at least {least:g} times as long", ratio >= least
        if self.case.limit is not None and self.ours.value is not None:
            most = readable(self.case.limit, self.case.unit)
            yield f"{self.case.name}: at most {most}", self.ours.value <= self.case.limit


def run(case: Case) -> Result:
    """Prepare every peer, warm all up once, then measure them in turn."""
    if case.unit != SECONDS:
        return Result(case, Figure(case.ours()), {})
    calls: dict[str, Call] = {"": case.ours}
    failed: dict[str, Figure] = {}
    for peer, prepare in case.peers.items():
        try:
            call = prepare()
            call()
        except (Missing, ImportError) as reason:
            failed[peer] = Figure(None, f"missing: {reason}")
        except Exception as error:  # a peer that cannot answer is a result
            failed[peer] = Figure(None, f"fails: {type(error).__name__}")
        else:
            calls[peer] = call
    repeats = {name: _repeats(call) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(case.rounds):
        for name, call in calls.items():
            times[name].append(_seconds(call, repeats[name]))
    found = {name: Figure(statistics.median(seconds)) for name, seconds in times.items()}
    return Result(case, found.pop(""), {peer: found.get(peer) or failed[peer] for peer in case.peers})


def _repeats(call: Call) -> int:
    call()
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    return max(1, round(LEAST_SECONDS / max(once, 1e-7)))


def _seconds(call: Call, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def readable(value: float | None, unit: str = SECONDS) -> str:
    """``1.2 ms``."""
    if value is None:
        return ""
    if unit != SECONDS:
        return f"{value:,.0f} {unit}"
    for prefix, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {prefix}"
    return f"{value / 1e-6:.3g} us"
