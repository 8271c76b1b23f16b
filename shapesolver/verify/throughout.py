"""Findings for the sizes that have them: what is said at one size, and for which sizes it is so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice

from shapesolver.arithmetic import holds
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.diagnostics import Advice, Diagnostic, Severity, Span
from shapesolver.verify.case import Case
from shapesolver.verify.grid import Bits, Grid
from shapesolver.verify.sizes import at_usual

Find = Callable[[Case], Iterable[Diagnostic]]
"""What a rule says of a network at sizes that are numbers."""

Where = Callable[[Case], Iterable[tuple[Span, Bits]]]
"""The combinations of sizes at which it says something, by the line that it is about; may raise :class:`Undecided`."""


def throughout(case: Case, find: Find, where: Where) -> Iterator[Diagnostic]:
    """What a rule finds, once for all sizes; for a few sizes, tried one by one, where the others are undecided."""
    if not case.net.symbols:
        yield from find(case)
        return
    try:
        found = _joined(where(case))
        grid, reason = case.everywhere.grid, ""
    except Undecided as undecided:
        grid, reason = case.few, undecided.reason
        found = _one_by_one(case, grid, find)
    for span, bits in found.items():
        if bits:
            yield from _at_some(case, find, grid, span, bits, reason)


def _joined(parts: Iterable[tuple[Span, Bits]]) -> dict[Span, Bits]:
    found: dict[Span, Bits] = {}
    for span, bits in parts:
        found[span] = found.get(span, 0) | bits
    return found


def _one_by_one(case: Case, grid: Grid, find: Find) -> dict[Span, Bits]:
    """The combinations at which a rule finds something, by its line."""
    return _joined(
        (finding.span, 1 << number)
        for number, sizes in enumerate(grid.combinations())
        if (at := case.at(sizes)) is not None
        for finding in find(at)
    )


def _at_some(case: Case, find: Find, grid: Grid, span: Span, bits: Bits, reason: str) -> Iterator[Diagnostic]:
    """The finding of one line: in the figures of the usual sizes, or else of the first that have it."""
    where = grid.truth(bits)
    here = at_usual(where, case.usual) if len(case.usual) == len(case.net.symbols) else None
    sizes = case.usual if here else _first(case, grid, bits)
    at = None if sizes is None else case.at(sizes)
    if at is None or sizes is None:
        return
    limits = grid.limits()
    notes = [*_notes(case, sizes, here), *_limits(limits, reason)]
    for finding in find(at):
        if finding.span == span:
            yield replace(
                finding,
                message=f"{finding.message} {case.sizes.unless(where, limits)}".rstrip(),
                severity=Severity.NOTE if here is False else finding.severity,
                advice=(*finding.advice, *notes),
                where=where,
                known=grid.known(),
            )


MAX_PASSED = 300
"""How many combinations are passed over that cannot be built together, though each size can."""


def _first(case: Case, grid: Grid, bits: Bits) -> dict[str, int] | None:
    """The sizes of a combination that can be built, all but one of them usual if that can be; ``None`` for none met."""
    near = grid.beside(case.usual)
    candidates = chain(grid.chosen(bits & near), grid.chosen(bits & ~near))
    return next((sizes for sizes in islice(candidates, MAX_PASSED) if holds(case.sizes.valid, sizes)), None)


def _limits(limits: Mapping[str, IntSet], reason: str) -> Iterator[Advice]:
    """That other sizes are undecided, and why."""
    if limits:
        looked = " and ".join(f"{name} in {members}" for name, members in limits.items())
        yield Advice("note", f"looked at is {looked}; for other sizes it is undecided{': ' * bool(reason)}{reason}")


def _notes(case: Case, sizes: Mapping[str, int], here: bool | None) -> Iterator[Advice]:
    named = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    if here:
        yield Advice("note", f"the figures are those of the usual {named}")
        return
    usual = f"; at the usual {case.usual_text} it is not so" if here is False else ""
    yield Advice("note", f"the figures are those of {named}{usual}")
