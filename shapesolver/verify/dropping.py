"""Findings about cells that windows leave behind or pass over, and what of the inputs is lost by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

from shapesolver.arithmetic import Dim, Truth, both, compare, negate, substitute, symbols
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.solutions import solutions
from shapesolver.derive import Derivation
from shapesolver.diagnostics import Advice, Diagnostic, Label, Severity, Span
from shapesolver.layers.cells import Cells, every, met
from shapesolver.layers.windows import Windowed
from shapesolver.measure.lost import Boxes, unread
from shapesolver.model.graph import Node
from shapesolver.verify.case import Case
from shapesolver.verify.losses import Line, Loss, unread_lines
from shapesolver.verify.sizes import at_usual
from shapesolver.verify.unread import Passed, Share, Trace, share_of
from shapesolver.verify.wording import amount, last_lines, lines, listed, number

Found = tuple[Node, Diagnostic]


def lost_pixels(case: Case) -> Iterator[Diagnostic]:
    """SS201."""
    if case.net.symbols:
        yield from _lost_somewhere(case)
        return
    trace = case.trace
    if trace is not None:
        yield from _once(_lost_here(trace, passed) for passed in trace.passed if passed.behind)


def lost_padding(case: Case) -> Iterator[Diagnostic]:
    """SS202."""
    for index, axes in _by_layer(case.losses):
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
            yield _finding(case, "SS202", "lost-padding", message, node, meant, where, Severity.NOTE)


def local_loss(case: Case) -> Iterator[Diagnostic]:
    """SS203."""
    if case.net.symbols:
        yield from _locally_somewhere(case)
        return
    trace = case.trace
    if trace is None:
        return
    for passed in trace.passed:
        which = {axis: passed.behind.get(axis, 0) | passed.between.get(axis, 0) for axis in _axes(passed)}
        guilty = trace.guilty(passed, which)
        which = {axis: cells for axis, cells in which.items() if axis not in guilty}
        if not which:
            continue
        node, source = _places(trace.derivation, passed.index)
        unread = _unread_elsewhere(trace, passed, which)
        rest = "which nothing else reads" if unread else "which other layers read"
        message = f"{node.path} passes over {_lines_of(which)} of {source.path}, {rest}"
        yield Diagnostic(
            "SS203",
            "local-loss",
            message,
            node.span,
            Severity.NOTE,
            advice=(Advice("note", "no input loses a cell by it"),),
            layer=node.path,
            axis=", ".join(which),
        )


def gaps(case: Case) -> Iterator[Diagnostic]:
    """SS204."""
    where: Truth = True
    if case.net.symbols:
        where = case.only_usual
        if case.at_usual is None:
            return
    trace = (case.at_usual or case).trace
    if trace is not None:
        found = (_gap(trace, passed) for passed in trace.passed if passed.between)
        yield from (replace(finding, where=where) for finding in _once(found))


def unread_input(case: Case) -> Iterator[Diagnostic]:
    """SS207."""
    where: Truth = True
    if case.net.symbols:
        where = case.only_usual
        if case.at_usual is None:
            return
    trace = (case.at_usual or case).trace
    if trace is None or any(trace.guilty(p, p.behind) or trace.guilty(p, p.between) for p in trace.passed):
        return
    for index, node, tensor in trace.inputs:
        gone = trace.lost.get(index)
        if gone:
            share = share_of(node.path, tensor, gone)
            what = "nothing" if share.part == share.of else f"only part of {node.path}"
            message = f"no output depends on {_amount(share)} of {node.path}"
            if what == "nothing":
                message = f"no output depends on {node.path}"
            yield Diagnostic(
                "SS207",
                "unread-input",
                message,
                node.span,
                Severity.WARNING,
                advice=tuple(_lost_lines(tensor.axes, gone, tensor.sizes)),
                layer=node.path,
                where=where,
            )


# At sizes that are numbers.


def _lost_here(trace: Trace, passed: Passed) -> Diagnostic | None:
    behind = trace.guilty(passed, passed.behind)
    if not behind:
        return None
    shares = trace.shares(passed.index, passed.boxes(behind))
    derivation = trace.derivation
    node, source = _places(derivation, passed.index)
    layer, made = derivation.layers[passed.index], derivation.tensor(passed.index)
    assert isinstance(layer, Windowed) and made is not None
    fits = {axis: _fitting(layer, passed, made.sizes, axis) for axis in behind}
    counts = [(axis, cells.bit_count()) for axis, cells in behind.items()]
    lost = f"{last_lines(counts)} of {source.path}, so {_amounts(shares)}"
    if len(shares) == 1 and shares[0].path == source.path:
        lost = f"{last_lines(counts)} of {source.path}, {amount(*_numbers(shares[0]))}"
    return Diagnostic(
        "SS201",
        "lost-pixels",
        f"{node.path} {_fits_and_makes(fits)}",
        node.span,
        Severity.WARNING,
        label=_sum(fits),
        related=_consumed(derivation, node, source, passed),
        advice=(Advice("lost", lost),),
        layer=node.path,
        axis=", ".join(behind),
    )


Fit = tuple[Fraction, int, str]
"""How many windows fit, how many are made, and the sum in figures."""


def _fitting(layer: Windowed, passed: Passed, made: tuple[Any, ...], axis: str) -> Fit:
    spatial = [name for name in passed.tensor.axes if name != "C"]
    place = spatial.index(axis)
    n: Any = passed.tensor.sizes[passed.tensor.axes.index(axis)]
    padding: Any = sum(layer.pads(n, place))
    kernel: Any = layer.extent(place)
    stride: Any = layer.at("stride", place)
    fits = Fraction(n + padding - kernel, stride) + 1
    results = made[passed.tensor.axes.index(axis)]
    return fits, results, f"({n} + {padding} - {kernel})/{stride} + 1 = {number(fits)}"


def _fits_and_makes(fits: Mapping[str, Fit]) -> str:
    """``fits 2.5 windows along H and W, and makes 2``."""
    alike: dict[tuple[Fraction, int], list[str]] = {}
    for axis, (fit, made, _) in fits.items():
        alike.setdefault((fit, made), []).append(axis)
    parts = [
        f"fits {number(fit)} windows along {listed(axes)}, and makes {made}" for (fit, made), axes in alike.items()
    ]
    return "; ".join(parts)


def _sum(fits: Mapping[str, Fit]) -> str:
    texts = {text for _, _, text in fits.values()}
    return texts.pop() if len(texts) == 1 else "; ".join(f"{axis}: {text}" for axis, (_, _, text) in fits.items())


def _consumed(derivation: Derivation, node: Node, source: Node, passed: Passed) -> tuple[Label, ...]:
    return () if source.span == node.span else (Label(source.span, str(passed.tensor)),)


def _gap(trace: Trace, passed: Passed) -> Diagnostic | None:
    between = trace.guilty(passed, passed.between)
    if not between:
        return None
    shares = trace.shares(passed.index, passed.boxes(between))
    derivation = trace.derivation
    node, source = _places(derivation, passed.index)
    layer: Any = derivation.layers[passed.index]
    axes = [*between]
    places = [[name for name in passed.tensor.axes if name != "C"].index(axis) for axis in axes]
    steps = {(layer.at("stride", place), layer.extent(place)) for place in places}
    stride, kernel = max(steps)
    message = f"{node.path} moves its window of {kernel} by {stride} along {listed(axes)}, and leaves gaps"
    if kernel >= stride:
        message = f"{node.path}'s dilated windows leave gaps along {listed(axes)}"
    return Diagnostic(
        "SS204",
        "gaps",
        message,
        node.span,
        Severity.WARNING,
        label=f"stride {stride}, kernel {kernel}",
        related=_consumed(derivation, node, source, passed),
        advice=(Advice("lost", f"{_lines_of(between)} of {source.path}, so {_amounts(shares)}"),),
        layer=node.path,
        axis=", ".join(axes),
    )


def _lines_of(which: Mapping[str, Cells]) -> str:
    counts = [(axis, cells.bit_count()) for axis, cells in which.items() if cells]
    return listed([lines(axis, count) if count > 1 else f"1 {lines(axis, 1)}" for axis, count in counts])


def _axes(passed: Passed) -> tuple[str, ...]:
    return tuple(axis for axis in passed.tensor.axes if passed.behind.get(axis) or passed.between.get(axis))


def _unread_elsewhere(trace: Trace, passed: Passed, which: Mapping[str, Cells]) -> bool:
    source = trace.derivation.graph.nodes[passed.index].inputs[0]
    return bool(met(passed.boxes(which), unread(trace.read, source, passed.tensor)))


def _lost_lines(axes: tuple[str, ...], gone: Boxes, sizes: tuple[Any, ...]) -> Iterator[Advice]:
    """The indices of each axis at which nothing is read."""
    for place, (axis, n) in enumerate(zip(axes, sizes, strict=True)):
        others = [every(size) for size in (*sizes[:place], *sizes[place + 1 :])]
        whole = 0
        for box in gone:
            if [*box[:place], *box[place + 1 :]] == others:
                whole |= box[place]
        if 0 < whole.bit_count() < n:
            yield Advice(
                "lost", f"{lines(axis, whole.bit_count()) if whole.bit_count() > 1 else '1 ' + lines(axis, 1)}"
            )


def _amounts(shares: Iterable[Share]) -> str:
    return listed([f"{amount(*_numbers(share))} of {share.path}" for share in shares])


def _amount(share: Share) -> str:
    return amount(*_numbers(share))


def _numbers(share: Share) -> tuple[int, int, int]:
    return share.part, share.of, share.spatial


def _places(derivation: Derivation, index: int) -> tuple[Node, Node]:
    """The layer's node and its source's."""
    node = derivation.graph.nodes[index]
    return node, derivation.graph.nodes[node.inputs[0].node]


def _once(found: Iterable[Diagnostic | None]) -> Iterator[Diagnostic]:
    """The findings, those about one line of the file joined: a block fails once for the reader."""
    by_span: dict[Span, list[Diagnostic]] = {}
    for diagnostic in found:
        if diagnostic is not None:
            by_span.setdefault(diagnostic.span, []).append(diagnostic)
    for first, *others in by_span.values():
        more = tuple(Advice("also", text) for text in _others([d.layer for d in others]))
        yield replace(first, advice=(*first.advice, *more))


MAX_NAMED = 4
"""The most further layers of a line that a finding names."""


def _others(paths: list[str]) -> Iterator[str]:
    if paths:
        named = ", ".join(paths[:MAX_NAMED])
        yield named if len(paths) <= MAX_NAMED else f"{named} and {len(paths) - MAX_NAMED} more"


# For all sizes.


def _lost_somewhere(case: Case) -> Iterator[Diagnostic]:
    """What is lost at some sizes, as one finding: at the last layer by which cells are lost."""
    guilty = [loss for loss in case.losses if loss.loses is not False and loss.leaves is not False]
    if any(loss.loses is None for loss in guilty):
        yield from _lost_at_usual(case)
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


def _labels(case: Case, guilty: list[Loss], node: Node) -> Iterator[Label]:
    """The other layers by which cells are lost, each line of the file once."""
    seen = {node.span}
    for index, axes in _by_layer(guilty):
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
    for other, n, extent in unread_lines(case.derivation, case.sizes):
        if other == line:
            first, last = extent.within
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


def _lost_at_usual(case: Case) -> Iterator[Diagnostic]:
    """Where formulas do not tell which cells are read: the usual sizes alone, cell by cell."""
    if case.at_usual is not None:
        where = case.only_usual
        for finding in lost_pixels(case.at_usual):
            yield replace(finding, where=where, advice=(*finding.advice, *_usual_note(case, True)))


def _locally_somewhere(case: Case) -> Iterator[Diagnostic]:
    for index, axes in _by_layer(case.losses):
        parts = [loss.leaves if loss.loses is None else both(loss.leaves, negate(loss.loses)) for loss in axes]
        where = case.sizes.where(parts)
        if where is not False:
            node, source = _places(case.derivation, index)
            named = listed([loss.axis for loss, part in zip(axes, parts, strict=True) if part is not False])
            message = f"{node.path} leaves cells of {source.path} unread along {named}, and no input loses any by it"
            yield _finding(case, "SS203", "local-loss", message, node, axes, where, Severity.NOTE)


def _finding(
    case: Case,
    code: str,
    name: str,
    message: str,
    node: Node,
    axes: list[Loss],
    where: Truth,
    severity: Severity,
) -> Diagnostic:
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


def _by_layer(losses: Iterable[Loss]) -> list[tuple[int, list[Loss]]]:
    found: dict[int, list[Loss]] = {}
    for loss in losses:
        found.setdefault(loss.index, []).append(loss)
    return [*found.items()]


def _usual_note(case: Case, here: bool | None) -> tuple[Advice, ...]:
    usual = ", ".join(f"{name} = {size}" for name, size in case.usual.items())
    if here is None or not usual:
        return ()
    return (Advice("note", f"{'so it is' if here else 'not so'} at the usual {usual}"),)
