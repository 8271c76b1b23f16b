"""What windows leave behind or pass over at sizes that are numbers, and what of the inputs is lost by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from shapesolver.derive import Derivation
from shapesolver.diagnostics import Advice, Diagnostic, Label, Severity, Span
from shapesolver.layers.cells import Cells, every, met
from shapesolver.layers.windows import Windowed
from shapesolver.measure.lost import Boxes, unread
from shapesolver.model.graph import Node
from shapesolver.verify.unread import Passed, Share, Trace, share_of
from shapesolver.verify.wording import amount, last_lines, lines, listed, number


def lost_here(trace: Trace, passed: Passed) -> Diagnostic | None:
    """The pixels that are lost behind the last windows of a layer."""
    behind = trace.guilty(passed, passed.behind)
    if not behind:
        return None
    shares = trace.shares(passed.index, passed.boxes(behind))
    derivation = trace.derivation
    node, source = source_of(derivation, passed.index)
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
    spatial = layer.spatial_names(passed.tensor)
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


def gap_here(trace: Trace, passed: Passed) -> Diagnostic | None:
    """The pixels that are lost between the windows of a layer."""
    between = trace.guilty(passed, passed.between)
    if not between:
        return None
    shares = trace.shares(passed.index, passed.boxes(between))
    derivation = trace.derivation
    node, source = source_of(derivation, passed.index)
    layer: Any = derivation.layers[passed.index]
    axes = [*between]
    places = [layer.spatial_names(passed.tensor).index(axis) for axis in axes]
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


def _numbers(share: Share) -> tuple[int, int, int]:
    return share.part, share.of, share.spatial


def source_of(derivation: Derivation, index: int) -> tuple[Node, Node]:
    """The layer's node and its source's."""
    node = derivation.graph.nodes[index]
    return node, derivation.graph.nodes[node.inputs[0].node]


def once(found: Iterable[Diagnostic | None]) -> Iterator[Diagnostic]:
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


def local_losses(trace: Trace) -> Iterator[Diagnostic]:
    """What layers leave unread of their own input while no input of the network loses a cell by it."""
    for passed in trace.passed:
        which = {axis: passed.behind.get(axis, 0) | passed.between.get(axis, 0) for axis in _axes(passed)}
        guilty = trace.guilty(passed, which)
        which = {axis: cells for axis, cells in which.items() if axis not in guilty}
        if not which:
            continue
        node, source = source_of(trace.derivation, passed.index)
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


def unread_inputs(trace: Trace) -> Iterator[Diagnostic]:
    """The parts of inputs that no output depends on."""
    for index, node, tensor in trace.inputs:
        gone = trace.lost.get(index)
        if gone:
            share = share_of(node.path, tensor, gone)
            much = "" if share.part == share.of else f"{amount(*_numbers(share))} of "
            message = f"no output depends on {much}{node.path}"
            yield Diagnostic(
                "SS207",
                "unread-input",
                message,
                node.span,
                Severity.WARNING,
                advice=tuple(_lost_lines(tensor.axes, gone, tensor.sizes)),
                layer=node.path,
            )
