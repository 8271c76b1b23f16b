"""What windows leave behind, and for which sizes it is lost to the whole network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from shapesolver.arithmetic import Dim, Truth, both, compare, substitute, symbols
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.solutions import solutions
from shapesolver.diagnostics import Advice, Diagnostic, Label, Severity, Span
from shapesolver.measure.losses import Line, Loss, input_lines
from shapesolver.model.graph import Node
from shapesolver.verify.case import Case
from shapesolver.verify.grid import Bits
from shapesolver.verify.lost_here import MAX_NAMED, lost_here, once
from shapesolver.verify.sizes import at_usual
from shapesolver.verify.throughout import throughout
from shapesolver.verify.wording import lines, listed


def lost_somewhere(case: Case) -> Iterator[Diagnostic]:
    """What is lost at some sizes, as one finding: at the last layer by which cells are lost."""
    guilty = [loss for loss in case.losses if loss.loses is not False and loss.leaves is not False]
    if any(loss.loses is None for loss in guilty):
        # Formulas do not tell which cells are read: what is followed cell by cell does, for all sizes at once.
        yield from throughout(case, losing_here, _losing)
        return
    where = case.sizes.where(truth for loss in guilty for _, truth in loss.lines or ())
    if where is False or not guilty:
        return
    graph = case.net.graph
    node = graph.nodes[guilty[-1].index]
    inputs = dict.fromkeys(line for loss in guilty for line, _ in loss.lines or ())
    most = {line: _most_lost(case, line) for line in inputs}
    lost = {line: count for line, count in most.items() if count}
    by_input: dict[int, list[tuple[str, int]]] = {}
    for line, much in lost.items():
        by_input.setdefault(line.input, []).append((line.axis, much))
    what = listed([f"up to {_counted(graph.nodes[index].path, counts)}" for index, counts in by_input.items()])
    what = what or f"cells of {listed(list(dict.fromkeys(graph.nodes[line.input].path for line in inputs)))}"
    paths = list(dict.fromkeys(graph.nodes[loss.index].path for loss in guilty))
    named = paths if len(paths) <= MAX_NAMED else [*paths[: MAX_NAMED - 1], f"{len(paths) - MAX_NAMED + 1} more layers"]
    verb = "loses" if len(paths) == 1 else "lose"
    here = at_usual(where, case.usual)
    yield Diagnostic(
        "SS201",
        "lost-pixels",
        f"{listed(named)} {verb} {what} {case.sizes.unless(where)}".rstrip(),
        node.span,
        Severity.NOTE if here is False else Severity.WARNING,
        related=tuple(_labels(case, guilty, node)),
        advice=_usual_note(case, here),
        layer=node.path,
        axis=", ".join(dict.fromkeys(loss.axis for loss in guilty)),
        where=where,
    )


def losing_here(case: Case) -> Iterable[Diagnostic]:
    """What is lost at sizes that are numbers."""
    trace = case.trace
    return () if trace is None else once(lost_here(trace, passed) for passed in trace.passed if passed.behind)


def _losing(case: Case) -> Iterator[tuple[Span, Bits]]:
    for left in case.everywhere.left:
        yield case.net.graph.nodes[left.node].span, case.everywhere.guilty(left, left.behind)


def _labels(case: Case, guilty: list[Loss], node: Node) -> Iterator[Label]:
    """The other layers by which cells are lost, each line of the file once."""
    seen = {node.span}
    for index, axes in by_layer(guilty):
        other = case.net.graph.nodes[index]
        if other.span not in seen:
            seen.add(other.span)
            yield Label(other.span, f"{other.path}: {_leaves(case, axes)}")


def _leaves(case: Case, axes: list[Loss]) -> str:
    where = case.sizes.where(loss.leaves for loss in axes)
    return f"leaves cells over {case.sizes.unless(where)}".rstrip()


def _counted(path: str, counts: list[tuple[str, int]]) -> str:
    """``5 rows and columns of image``."""
    if len({count for _, count in counts}) == 1 and len(counts) > 1:
        count = counts[0][1]
        first = lines(counts[0][0], count) if count > 1 else f"1 {lines(counts[0][0], 1)}"
        rest = [lines(axis, count).rpartition(" ")[2] for axis, _ in counts[1:]]
        return f"{listed([first, *rest])} of {path}"
    return f"{listed([lines(axis, n) if n > 1 else f'1 {lines(axis, 1)}' for axis, n in counts])} of {path}"


def _most_lost(case: Case, line: Line) -> int:
    """The most cells of an input's axis that are lost at any size; 0 where no bound is found."""
    for other, n, extent in input_lines(case.derivation, case.reads or {}):
        if other == line:
            if extent.hull is None:
                return 0
            first, last = extent.hull
            return _greatest(case, n - 1 - last + first)
    return 0


SAMPLED = 512
"""How many sizes a bound on a loss is read off, before it is proved for all."""


def _greatest(case: Case, lost: Dim) -> int:
    """The greatest value of a formula over the valid sizes; 0 where none is proved to be."""
    if isinstance(lost, int):
        return lost
    names = symbols(lost)
    if len(names) != 1:
        return 0
    try:
        valid = solutions(case.sizes.about(names), names[0])
    except Undecided:
        return 0
    seen = max((substitute(lost, {names[0].text: n}) for n in islice(valid, SAMPLED)), default=0)
    return int(seen) if case.sizes.proves(compare("<=", lost, seen)) else 0


def finding(
    case: Case,
    code: str,
    name: str,
    message: str,
    node: Node,
    axes: list[Loss],
    where: Truth,
    severity: Severity,
) -> Diagnostic:
    """A finding about one layer, with the sizes for which it is so where there are symbols."""
    return Diagnostic(
        code,
        name,
        f"{message} {case.sizes.unless(where)}".rstrip() if case.net.symbols else message,
        node.span,
        severity,
        layer=node.path,
        axis=", ".join(loss.axis for loss in axes),
        where=where if case.net.symbols else True,
    )


def by_layer(losses: Iterable[Loss]) -> list[tuple[int, list[Loss]]]:
    """The losses of each layer together."""
    found: dict[int, list[Loss]] = {}
    for loss in losses:
        found.setdefault(loss.index, []).append(loss)
    return [*found.items()]


def _usual_note(case: Case, here: bool | None) -> tuple[Advice, ...]:
    if here is None or not case.usual:
        return ()
    return (Advice("note", f"{'so it is' if here else 'not so'} at the usual {case.usual_text}"),)


def padding_left(case: Case) -> Iterator[Diagnostic]:
    """Padding behind the last window, while every real cell is read."""
    for index, axes in by_layer(case.losses):
        parts = [both(compare(">", loss.padding, 0), compare("==", loss.real, 0)) for loss in axes]
        meant = [loss for loss, part in zip(axes, parts, strict=True) if part is not False]
        where = case.sizes.where(parts)
        if where is not False:
            node = case.net.graph.nodes[index]
            named = listed([loss.axis for loss in meant])
            padding = [loss.padding for loss in meant if isinstance(loss.padding, int)]
            much = f"{max(padding)}" if padding else "some"
            cells = "cell" if much == "1" else "cells"
            message = f"{node.path} leaves {much} {cells} of its padding unread along {named}, and reads every real one"
            yield finding(case, "SS202", "lost-padding", message, node, meant, where, Severity.NOTE)
