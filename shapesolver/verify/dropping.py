"""Which findings about unread cells there are: at sizes that are numbers, or for the sizes that have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapesolver.arithmetic import Truth
from shapesolver.diagnostics import Diagnostic
from shapesolver.verify.case import Case
from shapesolver.verify.lost_here import gap_here, local_losses, lost_here, once, unread_inputs
from shapesolver.verify.lost_somewhere import locally_somewhere, lost_somewhere, padding_left
from shapesolver.verify.unread import Trace


def lost_pixels(case: Case) -> Iterator[Diagnostic]:
    """SS201."""
    if case.net.symbols:
        yield from lost_somewhere(case)
    elif case.trace is not None:
        trace = case.trace
        yield from once(lost_here(trace, passed) for passed in trace.passed if passed.behind)


def lost_padding(case: Case) -> Iterator[Diagnostic]:
    """SS202."""
    yield from padding_left(case)


def local_loss(case: Case) -> Iterator[Diagnostic]:
    """SS203."""
    if case.net.symbols:
        yield from locally_somewhere(case)
    elif case.trace is not None:
        yield from local_losses(case.trace)


def gaps(case: Case) -> Iterator[Diagnostic]:
    """SS204."""
    trace, where = _at_numbers(case)
    if trace is not None:
        found = once(gap_here(trace, passed) for passed in trace.passed if passed.between)
        yield from (replace(finding, where=where) for finding in found)


def unread_input(case: Case) -> Iterator[Diagnostic]:
    """SS207."""
    trace, where = _at_numbers(case)
    if trace is None or any(trace.guilty(p, p.behind) or trace.guilty(p, p.between) for p in trace.passed):
        return
    yield from unread_inputs(trace, where)


def _at_numbers(case: Case) -> tuple[Trace | None, Truth]:
    """The cells followed at the sizes asked about, or at the usual ones, and that the sizes are these."""
    if not case.net.symbols:
        return case.trace, True
    return (None if case.at_usual is None else case.at_usual.trace), case.only_usual
