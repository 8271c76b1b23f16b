"""A network as boxes and arrows: blocks and repeats folded, cell-by-cell layers drawn with the layer before them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shapesolver.layers.base import Tensor
from shapesolver.network import Network

MAX_LINES = 4
"""Layers named in one box; the rest are counted."""


@dataclass(slots=True)
class Box:
    """One layer with what follows it cell by cell, or a folded block or repeat."""

    title: str
    kind: str = "box"
    """``source``, ``box``, ``group``, or ``broken`` where a layer of it cannot be built."""
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Arrow:
    """A tensor that one box makes and another consumes, and its size."""

    source: int
    target: int
    label: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes in the order of the file, each after those that it consumes."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def diagram(net: Network, unfold: bool = False) -> Diagram:
    """The picture of a network at its usual sizes, as far as it states them; ``unfold`` opens blocks and repeats."""
    shown = net.usual()
    graph, derivation = shown.graph, shown.derivation
    owners = _owners(shown, unfold)
    places = {owner: place for place, owner in enumerate(dict.fromkeys(owners))}
    boxes = [_box(shown, [i for i, owner in enumerate(owners) if owner == name], name) for name in places]
    arrows: dict[Arrow, None] = {}
    for index, node in enumerate(graph.nodes):
        for wire in node.inputs:
            source, target = places[owners[wire.node]], places[owners[index]]
            if source != target:
                arrows[Arrow(source, target, size_label(derivation.tensor(*wire)))] = None
    for wire in graph.outputs:
        boxes.append(Box("output", "source"))
        arrows[Arrow(places[owners[wire.node]], len(boxes) - 1, size_label(derivation.tensor(*wire)))] = None
    return Diagram(shown.name, tuple(boxes), tuple(arrows))


def size_label(tensor: Tensor | None) -> str:
    """What stands at an arrow."""
    return "cannot be built" if tensor is None else str(tensor)


def _owners(net: Network, unfold: bool) -> list[str]:
    """For each layer the name of its box: its own, its block's, or that of the layer that it follows."""
    users = Counter(wire.node for node in net.graph.nodes for wire in set(node.inputs))
    users.update(wire.node for wire in net.graph.outputs)
    owners: list[str] = []
    for node in net.graph.nodes:
        head, dot, _ = node.path.partition(".")
        before = node.inputs[0].node if len(node.inputs) == 1 else None
        follows = (
            node.layer.elementwise
            and before is not None
            and users[before] == 1
            and net.graph.nodes[before].inputs
            and (unfold or "." not in net.graph.nodes[before].path)
        )
        if dot and not unfold:
            owners.append(head.partition("[")[0])
        elif follows and before is not None:
            owners.append(owners[before])
        else:
            owners.append(node.path)
    return owners


def _box(net: Network, members: Sequence[int], name: str) -> Box:
    nodes = [net.graph.nodes[index] for index in members]
    broken = any(net.derivation.tensor(index) is None for index in members)
    if any(node.path == name for node in nodes):
        lines = [net.derivation.layers[index].describe() for index in members]
        kind = "box" if nodes[0].inputs else "source"
    else:
        lines = _contents([node.layer.op for node in nodes], {node.path.partition(".")[0] for node in nodes})
        kind = "group"
    more = [f"... {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
    return Box(name, "broken" if broken else kind, [*lines[:MAX_LINES], *more])


def _contents(ops: Sequence[str], rounds: set[str]) -> list[str]:
    """What a folded box holds: ``10 rounds``, ``20 conv, 20 relu``."""
    counts: Mapping[str, int] = Counter(ops)
    common = sorted(counts, key=lambda op: -counts[op])[:MAX_LINES]
    said = ", ".join(f"{counts[op]} {op}" for op in common) + (", ..." if len(counts) > len(common) else "")
    return [*([f"{len(rounds)} rounds"] if len(rounds) > 1 else []), f"{len(ops)} layers", said]
