"""What lets a person check an answer: the general rule, a case worked through, its neighbours, what goes unread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shapesolver.arithmetic import Dim, Formula, resolve, substitute, symbol, symbols
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.pullback import pull_back_interval
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation, derive
from shapesolver.layers.source import Input
from shapesolver.measure.extents import Reads, inputs_read
from shapesolver.model.graph import Graph, Wire
from shapesolver.solve.answers import Answer, Check, Unread

if TYPE_CHECKING:
    from shapesolver.solve.reasons import Asked


def rule_for(derivation: Derivation, wire: Wire) -> str:
    """``conv2.H = (H - 7)//6 - 1; n x n needs 6*n + 13 <= H <= 6*n + 18``, of the first axis that has one."""
    tensor = derivation.tensor(*wire)
    if tensor is None:
        return ""
    path = derivation.graph.nodes[wire.node].path
    for size, axis in zip(tensor.sizes, tensor.axes, strict=True):
        names = symbols(size) if isinstance(size, Formula) else ()
        if len(names) != 1:
            continue
        law = f"{path}.{axis} = {size}"
        n = symbol("n")
        try:
            low, high = pull_back_interval(size, n, n, names[0])
        except (Undecided, ValueError):
            return law
        alike = {_renamed(other, names[0].text) for other in tensor.sizes if symbols(other)}
        square = " x ".join(["n"] * sum(a != "C" for a in tensor.axes)) if len(alike) == 1 else f"{axis} of n"
        needs = f"{names[0].text} = {low}" if low == high else f"{low} <= {names[0].text} <= {high}"
        return f"{law}; {square or 'n'} needs {needs}"
    return ""


def law_of(derivation: Derivation, wire: Wire) -> str:
    """``conv2.H = (H - 7)//6 - 1``, of the first axis that depends on the input."""
    return rule_for(derivation, wire).partition(";")[0]


def _renamed(size: Dim, name: str) -> Dim:
    """A size with its own symbol under another's name, to compare laws of two axes."""
    names = symbols(size)
    return substitute(size, {names[0].text: symbol(name)}) if len(names) == 1 else size


def worked(asked: Asked, graph: Graph, wire: Wire, answer: Answer, usual: Mapping[str, Dim]) -> tuple[Check, ...]:
    """A solution worked through, lossless if there is one, then the sizes next door that are none."""
    best = answer.lossless if answer.lossless and answer.lossless.boxes else answer
    near = {name: value for name, value in usual.items() if isinstance(value, int) and name in answer.unknowns}
    values = best.nearest(**near)
    if values is None:
        return ()
    at = {**usual, **values}
    checks = [Check(values, _sizes(graph, wire, at, answer.unknowns))]
    if answer.condition is not True or answer.ties or not answer.boxes:
        return tuple(checks)
    box = next(box for box in answer.boxes if all(values[name] in box[name] for name in box))
    name = next(iter(box))
    for beyond in next_door(box[name], values[name]):
        moved = {n: beyond if box[n] == box[name] else value for n, value in values.items()}
        broken = "" if holds_or_true(asked, moved) else "excluded by what the file assumes"
        checks.append(Check(moved, _sizes(graph, wire, {**usual, **moved}, answer.unknowns), broken))
    return tuple(checks)


def holds_or_true(asked: Asked, values: Mapping[str, int]) -> bool:
    """Whether the file's assumptions hold at these sizes, as far as they are about these sizes alone."""
    left = resolve(asked.assumed, values)
    return left is not False


def next_door(members: IntSet, inside: int, least: int = 1) -> list[int]:
    """The nearest numbers below and above that are not members."""
    outside = ~members
    below, above = outside.last_at_most(inside), outside.next_at_least(inside)
    return [n for n in (below, above) if n is not None and n >= least]


def _sizes(graph: Graph, wire: Wire, values: Mapping[str, Dim], unknowns: Sequence[str]) -> tuple[int, ...]:
    """The sizes along the way from the input, of the axis that an unknown is; empty where a layer cannot be built."""
    derivation = derive(graph, values)
    target = derivation.tensor(*wire)
    if target is None:
        return ()
    for _, axis in _places(graph, unknowns):
        if axis in target.axes or len(target.sizes) == 1:
            return along(derivation, wire, axis)
    return along(derivation, wire, next((axis for axis in target.axes if axis != "C"), target.axes[0]))


def _places(graph: Graph, unknowns: Sequence[str]) -> list[tuple[int, str]]:
    """The inputs and axes whose sizes the unknowns are."""
    found: list[tuple[int, str]] = []
    for name in unknowns:
        for index, node in enumerate(graph.nodes):
            for tensor in node.layer.outputs() if not node.inputs else ():
                found += [
                    (index, axis) for size, axis in zip(tensor.sizes, tensor.axes, strict=True) if str(size) == name
                ]
    return found


def along(derivation: Derivation, wire: Wire, axis: str) -> tuple[int, ...]:
    """The different sizes of an axis on the way from an input to a result, by the first path that there is."""
    nodes = derivation.graph.nodes
    fed: list[bool] = []
    for node in nodes[: wire.node + 1]:
        fed.append(isinstance(node.layer, Input) or any(fed[source.node] for source in node.inputs))
    sizes: list[int] = []
    index: int | None = wire.node
    while index is not None:
        tensor = derivation.tensor(index)
        if tensor is not None and axis in tensor.axes:
            size = tensor.sizes[tensor.axes.index(axis)]
            if isinstance(size, int) and (not sizes or sizes[-1] != size):
                sizes.append(size)
        index = next((source.node for source in nodes[index].inputs if fed[source.node]), None)
    return tuple(reversed(sizes))


def unread_cells(asked: Asked, answer: Answer, usual: Mapping[str, Dim], reads: Reads | None) -> tuple[Unread, ...]:
    """What the usual size, and the greatest solution, leave unread, axes of one size together."""
    found: dict[tuple[int, int, str], list[str]] = {}
    if len(answer.boxes) != 1 or answer.ties or answer.condition is not True:
        return ()
    (box,) = answer.boxes
    if reads is None or (asked.wire is None and asked.target is not True):
        return ()
    for index, read in inputs_read(asked.derivation, reads):
        tensor = asked.derivation.tensor(index)
        assert tensor is not None
        for size, axis, extent in zip(tensor.sizes, tensor.axes, read.axes, strict=True):
            name = str(size)
            if name not in box:
                continue
            for n in sorted({m for m in (usual.get(name), box[name].max) if isinstance(m, int) and m in box[name]}):
                lost = extent.left_out(n, {name: n})
                if lost:
                    found.setdefault((n, lost, asked.derivation.graph.nodes[index].path), []).append(axis)
    return tuple(Unread(n, lost, tuple(axes), path) for (n, lost, path), axes in found.items())
