"""What is worth saying of a receptive field: paths that are not aligned, bounds, padding that depends on sizes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from shapesolver.arithmetic import Formula, substitute, symbols
from shapesolver.layers.strips import Joint
from shapesolver.measure.field import AxisField, ReceptiveField, receptive_field
from shapesolver.network import Network

MAX_CASES = 4
"""So many residues are listed one by one."""
MAX_RESIDUES = 1024
"""So many residues are looked at."""
MAX_NAMED = 3
"""So many layers are named before the rest are counted."""


class Note(NamedTuple):
    """A remark, and the axes that it is about."""

    text: str
    axes: tuple[str, ...]

    def __str__(self) -> str:
        return f"along {' and '.join(self.axes)}: {self.text}"


def notes(net: Network, field: ReceptiveField, at: int | None = None) -> tuple[Note, ...]:
    """Remarks about a layer's field. With ``at``, the layer's node, only of paths that join in the layer itself."""
    found: dict[str, list[str]] = defaultdict(list)
    for axis in field.axes:
        name = f"{axis.input}.{axis.axis}"
        for text in (*_joints(net, axis, at), *_bounds(net, axis, at)):
            found[text].append(name)
    return tuple(Note(text, tuple(axes)) for text, axes in found.items())


def _path(net: Network, node: int) -> str:
    return net.graph.nodes[node].path


def _joints(net: Network, axis: AxisField, at: int | None) -> Iterator[str]:
    joints = [j for j in axis.strip.joints if at in (None, j.node)]
    joints.sort(key=lambda joint: joint.node)
    for joint in joints[:MAX_NAMED]:
        yield f"the paths into {_path(net, joint.node)} are not aligned: {apart(joint)}"
    if len(joints) > MAX_NAMED:
        yield f"{len(joints) - MAX_NAMED} more layers join paths that are not aligned"


def apart(joint: Joint) -> str:
    """How two paths differ, in cells of the source: ``centres 1/2 cell apart``."""
    one, other = joint.one, joint.other
    if one.stride != other.stride:
        return f"strides {one.stride} and {other.stride}"
    difference = other.centre() * one.period - one.centre() * other.period
    if not isinstance(difference, int):
        return "centres apart by what depends on the size"
    cells = abs(Fraction(difference, 2 * one.period * other.period))
    return f"centres {cells} {'cell' if cells <= 1 else 'cells'} apart"


def _bounds(net: Network, axis: AxisField, at: int | None) -> Iterator[str]:
    nodes = sorted(axis.strip.bounds)
    if nodes and at in (None, *nodes):
        names = ", ".join(_path(net, node) for node in nodes[:MAX_NAMED])
        more = f" and {len(nodes) - MAX_NAMED} more" if len(nodes) > MAX_NAMED else ""
        yield f"at most; units of {names}{more} differ in what they read, and one unit's field is told exactly"


def size_notes(net: Network, path: str) -> tuple[Note, ...]:
    """How a layer's padding depends on the sizes, where it does: ``same`` pads an even size by less than an odd one."""
    general = net.free()
    if general.derivation.tensor(*general[path].wire) is None:
        return ()
    found: dict[str, list[str]] = defaultdict(list)
    for axis in receptive_field(general, general[path].wire, path).axes:
        if axis.strip.follows is not None and isinstance(axis.start, Formula):
            found[_dependence(axis, general.symbols)].append(f"{axis.input}.{axis.axis}")
    return tuple(Note(text, tuple(axes)) for text, axes in found.items())


def _dependence(axis: AxisField, usual: Mapping[str, int | None]) -> str:
    """By residue where one size decides alone, else as a formula."""
    start = axis.start
    names = {symbol.text for symbol in symbols(start)}
    period = axis.strip.stride.numerator
    if names != {str(axis.n)} or period > MAX_RESIDUES or usual.get(*names) is None:
        return f"the padding depends on the size: {start}"
    (name,) = names
    size: Any = usual[name]
    least = -(-size // period) * period
    values = [substitute(start, {name: least + residue}) for residue in range(period)]
    return _by_residue(period, values)


def _by_residue(period: int, values: Iterable[int]) -> str:
    first, *others = values
    if period <= MAX_CASES:
        cases = [f"{first} for multiples of {period}"]
        cases += [f"{value} for {more} more" for more, value in enumerate(others, start=1)]
        return f"the padding depends on the size: {', '.join(cases)}"
    return (
        f"the padding depends on the size: {first} for multiples of {period}, "
        f"and {min(others)} to {max(others)} for others"
    )
