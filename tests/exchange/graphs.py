"""Random graphs as importers draw them, and whether two graphs are the same but for names and order."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from shapesolver.exchange.sketch import Sketch
from shapesolver.layers.base import Layer
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.source import Input
from shapesolver.model.graph import Graph, Wire


def fingerprint(graph: Graph) -> Any:
    """Equal for graphs with the same layers, wiring, sharing, inputs and outputs.

    Every node is coloured by what it is and consumes, then by what consumes it, and again.
    """
    nodes = graph.nodes
    colours = [hash((node.layer, node.results, node.allow)) for node in nodes]
    sharing: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        learns = node.shared is not None and type(node.layer).weights is not Layer.weights
        sharing.setdefault(node.shared if learns and node.shared is not None else index, []).append(index)
    groups = {index: members for members in sharing.values() for index in members}
    for _ in range(2):
        before = colours[:]
        for index, node in enumerate(nodes):
            shared = tuple(sorted(before[n] for n in groups[index]))
            tied = None if node.tied is None else before[node.tied]
            inputs = tuple((colours[wire.node], wire.output) for wire in node.inputs)
            colours[index] = hash((colours[index], inputs, shared, tied))
        uses: list[list[Any]] = [[] for _ in nodes]
        for index in reversed(range(len(nodes))):
            colours[index] = hash((colours[index], tuple(sorted(uses[index]))))
            for place, wire in enumerate(nodes[index].inputs):
                uses[wire.node].append((colours[index], place, wire.output))
    inputs = [colours[i] for i, node in enumerate(nodes) if isinstance(node.layer, Input)]
    outputs = [(colours[wire.node], wire.output) for wire in graph.outputs]
    return Counter(colours), inputs, outputs, dict(graph.symbols)


class Drawer:
    """Draws a random network of blocks that repeat with other parameters, skips, branches and shared weights."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sketch = Sketch(Dialect.named(self.random.choice(["torch", "keras", "onnx"])), "random")
        self.motifs = [self._motif(2) for _ in range(3)]
        self.names = self.random.random() < 0.5
        self.drawn = 0

    def draw(self) -> Any:
        r = self.random
        size = self.sketch.symbol("L", 64)
        last = self.sketch.dialect.channels_last
        inputs = [
            self.sketch.layer("input", sizes=(size, 4) if last else (4, size), name=self._name("in"))
            for _ in range(r.choice([1, 1, 1, 2]))
        ]
        made = list(inputs)
        weighted: list[Wire] = []
        for _ in range(r.randint(1, 12)):
            source = made[-1] if r.random() < 0.8 else r.choice(made)
            kind = r.random()
            if kind < 0.7:
                made.append(self._motif_at(r.choice(self.motifs), source, r.choice([1, 1, 2, 3])))
            elif kind < 0.8 and weighted:
                made.append(self.sketch.reuse(r.choice(weighted), [source], name=self._name("again")))
            elif kind < 0.9:
                weighted.append(self._conv(source, 1))
                made.append(weighted[-1])
            else:
                made.append(self.sketch.layer("add", [source, r.choice(made)], name=self._name("sum")))
        for wire in r.sample(made, k=min(len(made), r.choice([1, 1, 1, 2, 3]))):
            self.sketch.output(wire)
        return self.sketch.finish()

    def _name(self, stem: str) -> str:
        self.drawn += 1
        return f"{stem}_{self.drawn}" if self.names else ""

    def _conv(self, source: Wire, scale: int) -> Wire:
        return self.sketch.layer(
            "conv", [source], channels=4, kernel=2 * scale + 1, padding=scale, name=self._name("c")
        )

    def _motif(self, depth: int) -> Any:
        """A pattern: a list of steps, each a plain layer, a residual, lanes, a split or a learned scale."""
        r = self.random
        steps = []
        for _ in range(r.randint(1, 3)):
            kind = r.choice(
                ["conv", "conv", "relu", "norm", "scale", "split", *(["residual", "lanes"] if depth else [])]
            )
            inner = [self._motif(depth - 1) for _ in range(r.randint(1, 3))] if kind in ("residual", "lanes") else []
            steps.append((kind, r.randint(1, 3), inner))
        return steps

    def _motif_at(self, motif: Any, wire: Wire, scale: int) -> Wire:
        sketch = self.sketch
        for kind, number, inner in motif:
            if kind == "conv":
                wire = self._conv(wire, number * scale)
            elif kind == "relu":
                wire = sketch.layer("relu", [wire], name=self._name("act"))
            elif kind == "norm":
                wire = sketch.layer("batch_norm", [wire], scale=scale != 2)
            elif kind == "scale":
                wire = sketch.layer("mul", [wire, sketch.layer("parameter", sizes=(1, 1))])
            elif kind == "split":
                parts = sketch.layer("chunk", [wire], parts=2, name=self._name("halves"))
                order = [Wire(parts.node, 1), parts] if number == 1 else [parts, Wire(parts.node, 1)]
                wire = sketch.layer("concat", order)
            elif kind == "residual":
                wire = sketch.layer("add", [wire, self._motif_at(inner[0], wire, scale)], name=self._name("sum"))
            else:
                ends = [self._motif_at(lane, wire, scale) for lane in inner]
                wire = sketch.layer("add", ends) if len(ends) > 1 else ends[0]
        return wire


def network(seed: int) -> Graph:
    """A random network."""
    graph: Graph = Drawer(seed).draw().graph
    return graph
