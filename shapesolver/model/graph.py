"""A network as a graph of layers: what the language's names, blocks, repeats and lanes come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from shapesolver.arithmetic import Truth
from shapesolver.diagnostics import Span
from shapesolver.layers.base import Layer
from shapesolver.layers.dialects import Dialect


class Wire(NamedTuple):
    """One result of one node."""

    node: int
    output: int = 0


class Node(NamedTuple):
    """A layer in its place. ``path`` is unique; ``inputs`` are results of earlier nodes."""

    path: str
    layer: Layer
    inputs: tuple[Wire, ...]
    span: Span
    results: int = 1
    """How many results the file names; a layer that makes others is an error."""
    allow: tuple[str, ...] = ()
    symbolic: bool = False
    """Whether a parameter is a formula, so that the layer is complete only when its symbols are known."""
    shared: int | None = None
    """The index of the earlier node whose weights it uses, all of them: ``reuse(conv1)``."""
    tied: int | None = None
    """The index of the earlier node whose first weight is its first, too: ``dense(50257, tied=embedding1)``."""


class Reference(NamedTuple):
    """A size that the file mentions, ``conv2.H`` or ``conv2[0]``: ``axis`` is a name, an index, or ``rank``."""

    wire: Wire
    axis: str | int
    span: Span


class Claim(NamedTuple):
    """A condition that the file assumes or expects."""

    condition: Truth
    span: Span


class BlockUse(NamedTuple):
    """A block in its place: its name, and what was given to it, tensors left out."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole network. ``nodes`` are in order: each comes after its inputs."""

    dialect: Dialect
    nodes: tuple[Node, ...]
    names: Mapping[str, Wire]
    """The results that the file names, by dotted path."""
    outputs: tuple[Wire, ...]
    symbols: Mapping[str, int | None]
    """The symbolic sizes of the inputs, and their usual values."""
    references: Mapping[str, Reference] = field(default_factory=dict)
    """The symbols that stand for sizes of layers in parameters and claims."""
    holes: Mapping[str, Span] = field(default_factory=dict)
    """The unknown parameters, written ``?p``, and where."""
    assumptions: tuple[Claim, ...] = ()
    expectations: tuple[Claim, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict)
    """Where each name was given."""
    blocks: Mapping[str, BlockUse] = field(default_factory=dict)
    """The blocks used, by the path of each use."""

    def up_to(self, last: int) -> Graph:
        """The graph without the nodes after one: what lies behind it has no part in its size."""
        return replace(
            self,
            nodes=self.nodes[: last + 1],
            names={path: wire for path, wire in self.names.items() if wire.node <= last},
            outputs=tuple(wire for wire in self.outputs if wire.node <= last) or (Wire(last),),
            references={text: ref for text, ref in self.references.items() if ref.wire.node <= last},
        )
