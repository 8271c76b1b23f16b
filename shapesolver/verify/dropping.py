"""Which findings about unread cells there are: at sizes that are numbers, or for the sizes that have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapesolver.diagnostics import Diagnostic, Span
from shapesolver.layers.source import Input
from shapesolver.verify.case import Case
from shapesolver.verify.everywhere import Left
from shapesolver.verify.grid import Bits
from shapesolver.verify.lost_here import gap_here, local_losses, once, unread_inputs
from shapesolver.verify.lost_somewhere import losing_here, lost_somewhere, padding_left
from shapesolver.verify.throughout import throughout


def lost_pixels(case: Case) -> Iterator[Diagnostic]:
    """SS201."""
    yield from lost_somewhere(case) if case.net.symbols else losing_here(case)


def lost_padding(case: Case) -> Iterator[Diagnostic]:
    """SS202."""
    yield from padding_left(case)


def local_loss(case: Case) -> Iterator[Diagnostic]:
    """SS203."""
    yield from throughout(case, _local_here, _locally)


def _local_here(case: Case) -> Iterable[Diagnostic]:
    return () if case.trace is None else local_losses(case.trace)


def _locally(case: Case) -> Iterator[tuple[Span, Bits]]:
    everywhere = case.everywhere
    for left in everywhere.left:
        yield _span(case, left), everywhere.passed(left, left.cells) & ~everywhere.guilty(left, left.cells)


def gaps(case: Case) -> Iterator[Diagnostic]:
    """SS204."""
    yield from throughout(case, _gaps_here, _gaps)


def _gaps_here(case: Case) -> Iterable[Diagnostic]:
    trace = case.trace
    return () if trace is None else once(gap_here(trace, passed) for passed in trace.passed if passed.between)


def _gaps(case: Case) -> Iterator[tuple[Span, Bits]]:
    for left in case.everywhere.left:
        yield _span(case, left), case.everywhere.guilty(left, left.between)


def unread_input(case: Case) -> Iterator[Diagnostic]:
    """SS207."""
    yield from throughout(case, _unread_here, _unread)


def _unread_here(case: Case) -> Iterable[Diagnostic]:
    trace = case.trace
    if trace is None or any(trace.guilty(p, p.behind) or trace.guilty(p, p.between) for p in trace.passed):
        return ()
    return unread_inputs(trace)


def _unread(case: Case) -> Iterator[tuple[Span, Bits]]:
    everywhere = case.everywhere
    if everywhere.all_read or everywhere.only_by_windows:
        return
    by_windows = 0
    for left in everywhere.left:
        by_windows |= everywhere.guilty(left, left.behind) | everywhere.guilty(left, left.between)
    for index, node in enumerate(case.net.graph.nodes):
        if isinstance(node.layer, Input):
            yield node.span, everywhere.lost(index) & ~by_windows


def _span(case: Case, left: Left) -> Span:
    return case.net.graph.nodes[left.node].span
