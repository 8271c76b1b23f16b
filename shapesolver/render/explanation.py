"""One layer explained in plain sentences: its windows, its filters, its weights, its units, and what they see."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from shapesolver.layers.patches import product
from shapesolver.layers.source import Input
from shapesolver.measure.field import receptive_field
from shapesolver.measure.windows import NoWindowsError, strips
from shapesolver.network import Network
from shapesolver.placed import PlacedLayer, count
from shapesolver.render.reference import doc
from shapesolver.render.summary import number_text, weight_lines
from shapesolver.render.windows import window_notes
from shapesolver.render.words import listed
from shapesolver.verify.unread import Share, Trace, share_of
from shapesolver.verify.wording import amount

WIDTH, LABEL = 96, 9


def explanation(net: Network, path: str) -> str:
    """A headline, then sections with their names before them. Raises ``ShapeError`` where it has no size."""
    shown = net.usual()
    placed = shown[path]
    sections = ((name, " ".join(sentences)) for name, sentences in _sections(shown, placed))
    head = textwrap.fill(_headline(placed), WIDTH, subsequent_indent="    ")
    return "\n".join([head, *(_section(name, text) for name, text in sections if text)])


def _section(name: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"  {name:<{LABEL}}", subsequent_indent=" " * (LABEL + 2))


def _sections(net: Network, placed: PlacedLayer) -> Iterator[tuple[str, list[str]]]:
    yield "windows", list(_windows(placed))
    yield "lost", list(_lost(net, placed))
    yield "inside", list(_inside(placed))
    yield "weights", list(_weights(placed))
    yield "units", list(_units(net, placed))
    yield "sees", list(_field(net, placed))


def _inside(placed: PlacedLayer) -> Iterator[str]:
    sentences = [*placed.kind.sentences(*placed.input_tensors)]
    if sentences or placed.inputs:
        yield from sentences or [doc(type(placed.kind)).partition("\n")[0]]


def _headline(placed: PlacedLayer) -> str:
    sources = [f"{path}'s {tensor}" for path, tensor in zip(placed.inputs, placed.input_tensors, strict=True)]
    takes = f": {listed(sources)} in, {placed.tensor} out" if sources else f": {placed.tensor}"
    return f"{placed.path} is {placed.kind.describe()}, line {placed.line}{takes}."


def _windows(placed: PlacedLayer) -> Iterator[str]:
    try:
        found = strips(placed)
    except NoWindowsError:
        return
    yield from window_notes(found)


def _lost(net: Network, placed: PlacedLayer) -> Iterator[str]:
    """What of the inputs never reaches an output: all of it at an input, and at another layer what it passes over."""
    trace = Trace(net.derivation)
    if net.symbols or not trace.possible:
        return
    index = placed.wire.node
    if isinstance(placed.kind, Input):
        if index in trace.lost:
            yield f"{_share(share_of(placed.path, placed.tensor, trace.lost[index]))} never reach an output."
        return
    passed = next((passed for passed in trace.passed if passed.index == index), None)
    if passed is None:
        return
    which = {axis: passed.behind.get(axis, 0) | passed.between.get(axis, 0) for axis in passed.tensor.axes}
    guilty = trace.guilty(passed, which)
    shares = [_share(share) for share in trace.shares(index, passed.boxes(guilty))] if guilty else []
    if shares:
        yield f"So {listed(shares)} never reach an output."
    else:
        yield "No cell of the input is lost by it: other windows read what these pass over."


def _share(share: Share) -> str:
    return f"{amount(share.part, share.of, share.spatial)} of {share.path}"


def _weights(placed: PlacedLayer) -> Iterator[str]:
    arrays = placed.weight_arrays
    if not arrays:
        return
    numbers = f"the same as {placed.shared}'s" if placed.shared else f"{number_text(count(arrays))} numbers"
    yield f"{', '.join(weight_lines(arrays))}: {numbers}."


def _units(net: Network, placed: PlacedLayer) -> Iterator[str]:
    sizes = placed.tensor.sizes
    total = product(sizes)
    numbers = f"{placed.tensor} = {number_text(total)}" if len(sizes) > 1 else number_text(total)
    users = [node.path for node in net.graph.nodes if any(wire.node == placed.wire.node for wire in node.inputs)]
    yield f"{numbers} numbers come out{', which go to ' + listed(users) if users else ''}."


def _field(net: Network, placed: PlacedLayer) -> Iterator[str]:
    """How much of each input a unit depends on."""
    field = receptive_field(net, placed.wire, placed.path)
    spatial = {axis: field[axis] for axis in field if axis != "C"}
    if not placed.inputs or placed.tensor.rank < 2 or not spatial or any(one.whole for one in spatial.values()):
        return
    sizes = " x ".join(str(one.most) for one in spatial.values())
    steps = listed(dict.fromkeys(str(one.stride) for one in spatial.values()))
    cells = "cell" if steps == "1" else "cells"
    yield f"Each unit depends on {sizes} cells of the input, its neighbour on those {steps} {cells} further on."
