"""Findings about how windows lie over each other: holes, uneven overlap, and padding."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from shapesolver.arithmetic import Dim, Truth, symbols
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.membership import within
from shapesolver.arithmetic.pullback import preimage_of_set
from shapesolver.arithmetic.sets import IntSet
from shapesolver.diagnostics import Advice, Diagnostic, Label, Severity, Span
from shapesolver.layers.cells import Cells
from shapesolver.layers.transposed import ConvTranspose
from shapesolver.layers.windows import Windowed
from shapesolver.measure.lost import trace as behind
from shapesolver.model.graph import Wire
from shapesolver.verify.case import Case
from shapesolver.verify.grid import Bits
from shapesolver.verify.sizes import at_usual
from shapesolver.verify.throughout import throughout
from shapesolver.verify.unread import Trace, has_holes
from shapesolver.verify.wording import listed


def checkerboard(case: Case) -> Iterator[Diagnostic]:
    """SS206."""
    seen = set()
    for index, layer in enumerate(case.derivation.layers):
        node, inputs = case.net.graph.nodes[index], case.derivation.inputs(index)
        if not isinstance(layer, ConvTranspose) or not inputs or node.span in seen:
            continue
        names = layer.spatial_names(inputs[0])
        uneven = {name: found for axis, name in enumerate(names) if (found := _overlap(layer, axis))}
        if uneven:
            seen.add(node.span)
            low, high = min(min(o) for o in uneven.values()), max(max(o) for o in uneven.values())
            kernels = {layer.extent(names.index(name)) for name in uneven}
            strides = {layer.at("stride", names.index(name)) for name in uneven}
            yield Diagnostic(
                "SS206",
                "checkerboard",
                f"{node.path}'s windows overlap unevenly along {listed([*uneven])}: "
                f"{low} and {high} of them over neighbouring results",
                node.span,
                Severity.WARNING,
                label=f"kernel {listed([*map(str, kernels)])} is no multiple of stride {listed([*map(str, strides)])}",
                advice=(Advice("try", "a kernel that is a multiple of the stride, or upsample and a convolution"),),
                layer=node.path,
                axis=", ".join(uneven),
            )


def _overlap(layer: ConvTranspose, axis: int) -> tuple[int, ...]:
    """How many windows cover each of ``stride`` results in turn, away from the ends; nothing where all are alike."""
    kernel, stride, dilation = (layer.at(name, axis) for name in ("kernel", "stride", "dilation"))
    if not all(isinstance(value, int) for value in (kernel, stride, dilation)) or stride == 1:
        return ()
    places = [tap * dilation % stride for tap in range(kernel)]
    found = tuple(places.count(place) for place in range(stride))
    return found if len({*found}) > 1 else ()


def gridding(case: Case) -> Iterator[Diagnostic]:
    """SS205."""
    yield from throughout(case, _gridding_here, _gridding)


def _gridding(case: Case) -> Iterator[tuple[Span, Bits]]:
    for index, dilated in _ends(case):
        yield case.net.graph.nodes[dilated[-1]].span, case.everywhere.holes(index)


def _gridding_here(case: Case) -> Iterator[Diagnostic]:
    trace, seen = case.trace, set()
    if trace is None:
        return
    for index, dilated in _ends(case):
        node, nodes = case.net.graph.nodes[index], case.net.graph.nodes
        holes = _holes(trace, index)
        if not holes or nodes[dilated[-1]].span in seen:
            continue
        last = nodes[dilated[-1]]
        seen.add(last.span)
        taps = max(holes.values())
        chain = listed([nodes[place].path for place in dilated[-MAX_NAMED:]])
        yield Diagnostic(
            "SS205",
            "gridding",
            f"{chain} {'leave' if len(dilated) > 1 else 'leaves'} holes: a result of {node.path} reads "
            f"{taps.bit_count()} of the {taps.bit_length()} cells that it spans along {listed([*holes])}",
            last.span,
            Severity.WARNING,
            label=_picture(taps),
            related=tuple(
                Label(nodes[place].span, f"dilation {_dilation(case, place)}")
                for place in dilated[-MAX_NAMED:-1]
                if nodes[place].span != last.span
            ),
            advice=(Advice("try", "dilations that start at 1 and grow: 1, 2, 5 or 1, 2, 4"),),
            layer=last.path,
            axis=", ".join(holes),
        )


MAX_PICTURE = 33
"""The widest pattern of taps that is drawn."""

MAX_NAMED = 4
"""The most layers of a chain that are named."""


def _picture(taps: Cells) -> str:
    width = taps.bit_length()
    return "".join("x" if taps >> place & 1 else "." for place in range(width)) if width <= MAX_PICTURE else ""


def _dilation(case: Case, index: int) -> str:
    value: Any = case.derivation.layers[index].dilation  # type: ignore[attr-defined]
    return str(value)


def _ends(case: Case) -> Iterator[tuple[int, list[int]]]:
    """Where a stretch of layers with spatial axes ends, and the dilated layers in it."""
    derivation, nodes = case.derivation, case.net.graph.nodes
    dilated: dict[int, frozenset[int]] = {}
    going_on: set[int] = set()
    for index, (node, layer) in enumerate(zip(nodes, derivation.layers, strict=True)):
        inputs, made = derivation.inputs(index), derivation.tensor(index)
        if inputs is None or made is None:
            continue
        found: frozenset[int] = frozenset()
        for wire, tensor in zip(node.inputs, inputs, strict=True):
            if tensor.axes == made.axes:
                found |= dilated.get(wire.node, frozenset())
                going_on.add(wire.node)
        if isinstance(layer, Windowed) and not isinstance(layer, ConvTranspose):
            axes = range(made.rank - 1)
            if any(layer.at("dilation", axis) != 1 != layer.at("kernel", axis) for axis in axes):
                found |= {index}
        dilated[index] = found
    return ((index, sorted(found)) for index, found in dilated.items() if found and index not in going_on)


def _holes(trace: Trace, index: int) -> dict[str, Cells]:
    """What one result in the middle of a layer reads of the inputs, for the axes with holes between its cells."""
    made = trace.derivation.tensor(index)
    assert made is not None
    sizes: Any = made.sizes
    middle = tuple(1 << n // 2 for n in sizes)
    read = behind(trace.derivation, {Wire(index): (middle,)})
    found: dict[str, Cells] = {}
    for number, _, tensor in trace.inputs:
        for place, axis in enumerate(tensor.axes):
            cells = 0
            for box in read.get(Wire(number), ()):
                cells |= box[place]
            if axis != "C" and has_holes(cells):
                found[axis] = cells >> (cells & -cells).bit_length() - 1
    return found


def mostly_padding(case: Case) -> Iterator[Diagnostic]:
    """SS208."""
    seen = set()
    for index, layer in enumerate(case.derivation.layers):
        node, inputs = case.net.graph.nodes[index], case.derivation.inputs(index)
        if not isinstance(layer, Windowed) or not inputs or node.span in seen or not layer.pads_input:
            continue
        names = layer.spatial_names(inputs[0])
        sizes = dict(zip(names, layer.split(inputs[0])[1], strict=True))
        found = {name: _padded(layer, axis, sizes[name]) for axis, name in enumerate(names)}
        axes = [name for name, truth in found.items() if truth is not False]
        where = case.sizes.where(found.values()) if axes else False
        if where is False or at_usual(where, case.usual) is False:
            continue
        seen.add(node.span)
        message = f"{node.path} has windows of which padding is more than half along {listed(axes)}"
        yield Diagnostic(
            "SS208",
            "mostly-padding",
            f"{message} {case.sizes.unless(where)}".rstrip() if case.net.symbols else message,
            node.span,
            Severity.WARNING,
            label=_worst(layer, names.index(axes[0]), sizes[axes[0]]),
            layer=node.path,
            axis=", ".join(axes),
            where=where if case.net.symbols else True,
        )


MAX_EXTENT = 1024
"""The widest window of which the taps in the padding are counted for every size."""


@lru_cache(maxsize=2**10)
def _padded(layer: Windowed, axis: int, n: Dim) -> Truth:
    """For which sizes some window has more than half of its taps in the padding. Remembered: layers repeat."""
    kernel, dilation, stride = (layer.at(name, axis) for name in ("kernel", "dilation", "stride"))
    if not all(isinstance(value, int) for value in (kernel, dilation, stride, *layer.pads(1, axis))):
        return False
    if isinstance(n, int):
        return bool(_outside(layer, axis, n) * 2 > kernel)
    if layer.extent(axis) + stride > MAX_EXTENT:
        return False
    found = symbols(n)
    if len(found) != 1:
        return False
    try:
        return within(found[0], preimage_of_set(n, _padded_sizes(layer, axis), found[0]))
    except Undecided:
        return False


def _padded_sizes(layer: Windowed, axis: int) -> IntSet:
    """The sizes of the axis at which it is so: one by one where a window may be wider than the input.

    Law: from there on the first window stays as it is, and the last depends on the size modulo the stride.
    """
    kernel, stride = layer.at("kernel", axis), layer.at("stride", axis)
    wide: Any = layer.extent(axis)
    bad = [n for n in range(1, wide + stride) if _outside(layer, axis, n) * 2 > kernel]
    small = IntSet.finite(n for n in bad if n < wide)
    periodic = IntSet.residues(stride, {n % stride for n in bad if n >= wide}) & IntSet.interval(wide, None)
    return small | periodic


def _outside(layer: Windowed, axis: int, n: int) -> int:
    """The most taps that a window has in the padding of an axis of this size; 0 where no window fits."""
    kernel, dilation, stride = (layer.at(name, axis) for name in ("kernel", "dilation", "stride"))
    results: Any = layer.size(n, axis)
    before: Any = layer.pads(n, axis)[0]
    # Windows further in lie over real cells alone, and of those at an end the outermost have most in the padding.
    edge = min(layer.extent(axis) // stride + 1, MAX_EXTENT)
    places = {*range(min(edge, results)), *range(max(results - edge, 0), results)}
    return max((kernel - _taps_inside(stride * place - before, kernel, dilation, n) for place in places), default=0)


def _taps_inside(start: int, kernel: int, dilation: int, n: int) -> int:
    """How many of a window's taps ``start + dilation*t`` lie in ``0..n - 1``."""
    first, last = max(-(start // dilation), 0), min((n - 1 - start) // dilation, kernel - 1)
    return max(last - first + 1, 0)


def _worst(layer: Windowed, axis: int, n: Any) -> str:
    kernel = layer.at("kernel", axis)
    if isinstance(n, int):
        return f"{_outside(layer, axis, n)} of {kernel} taps lie in the padding"
    return f"kernel {kernel}, dilation {layer.at('dilation', axis)}"
