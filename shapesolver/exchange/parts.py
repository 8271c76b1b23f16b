"""A network as a tree of modules: one for each block and repeat that can be one, around the layers' own modules."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import groupby
from typing import Any

from shapesolver.exchange.code import Batch, Expression, Size, Value, Written
from shapesolver.model.graph import Graph, Wire

RESERVED = frozenset(
    [
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
        "self",
        "torch",
        "nn",
        "F",
    ]
)
"""Names that ``nn.Module`` or the file itself has use for."""


@dataclass(slots=True)
class Leaf:
    """A layer in the tree."""

    name: str
    index: int
    written: Written
    results: int = 1
    shared: Leaf | None = None
    """The layer whose module it uses once more, instead of one of its own. Both are members of one part."""
    tied: Leaf | None = None
    """The layer whose weight is its own, too. Both are members of the whole network."""
    automatic: bool = True
    """Whether its name is only its kind and a number."""

    @property
    def inputs(self) -> tuple[Wire, ...]:
        """The tensors that it uses."""
        return tuple(dict.fromkeys(part.wire for part in walk(self.written.result) if isinstance(part, Value)))

    @property
    def outputs(self) -> tuple[Wire, ...]:
        """Its results."""
        return tuple(Wire(self.index, k) for k in range(self.results))


@dataclass(slots=True)
class Part:
    """A block, a repeat, a round of one, or the whole network."""

    name: str
    title: str
    members: list[Leaf | Part]
    rounds: bool = False
    """Whether it is a repeat, its members numbered."""
    automatic: bool = True
    inputs: tuple[Wire, ...] = ()
    outputs: tuple[Wire, ...] = ()
    chain: bool = False
    """Whether its members are modules one after another."""
    leaves: tuple[Leaf, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The numbers that its block was given, by the block's names for them."""


def walk(expression: Expression) -> Iterator[Any]:
    """An expression and everything in it."""
    yield expression
    if isinstance(expression, (tuple, list)):
        for item in expression:
            yield from walk(item)
    elif is_dataclass(expression):
        for entry in fields(expression):
            yield from walk(getattr(expression, entry.name))


def segments(path: str) -> tuple[str, ...]:
    """A dotted path cut up: ``layer1.repeat1[0].conv1`` is ``layer1, repeat1, 0, conv1``."""
    return tuple(re.findall(r"[^.\[\]]+", path))


def safe(name: str) -> str:
    """The name as an attribute of a module."""
    if name[:1].isdigit() and not name.isdigit():
        name = f"round{name}"
    return f"{name}_" if name in RESERVED or keyword.iskeyword(name) else name


class Tree:
    """Builds the tree of one network."""

    def __init__(self, graph: Graph, leaves: Iterable[Leaf], outputs: Iterable[Wire] | None = None) -> None:
        """``outputs`` are what leaves the network, where it is not what leaves the graph."""
        self._graph = graph
        self._outputs = frozenset(graph.outputs if outputs is None else outputs)
        self._leaves = tuple(leaves)
        self._consumers: dict[Wire, set[int]] = {}
        for leaf in self._leaves:
            for wire in leaf.inputs:
                self._consumers.setdefault(wire, set()).add(leaf.index)
        self._blocks = {segments(path): block for path, block in graph.blocks.items()}
        self._flat = self._not_modules()

    def root(self) -> Part:
        """The whole network."""
        placed = [(segments(self._graph.nodes[leaf.index].path), leaf) for leaf in self._leaves]
        return self._part((), "", placed)

    def _not_modules(self) -> set[tuple[str, ...]]:
        """The paths that cannot be modules: what they hold is used, or needs something, from beyond them."""
        flat: set[tuple[str, ...]] = set()
        for leaf in self._leaves:
            node = self._graph.nodes[leaf.index]
            path = segments(node.path)
            if any(isinstance(part, Size) for part in walk(leaf.written.result)):
                flat.update(path[:depth] for depth in range(1, len(path)))
            if leaf.tied is not None:
                for one in (path, segments(self._graph.nodes[leaf.tied.index].path)):
                    flat.update(one[:depth] for depth in range(1, len(one)))
            if leaf.shared is not None:
                other = segments(self._graph.nodes[leaf.shared.index].path)
                for one in (path, other):
                    flat.update(one[:depth] for depth in range(1, len(one)) if path[:depth] != other[:depth])
        return flat

    def _part(self, path: tuple[str, ...], name: str, placed: list[tuple[tuple[str, ...], Leaf]]) -> Part:
        members: list[Leaf | Part] = []
        depth = len(path)
        runs = [
            (head, list(run))
            for head, run in groupby(placed, lambda item: item[0][: depth + 1] if len(item[0]) > depth + 1 else item[1])
        ]
        times = Counter(head for head, _ in runs if isinstance(head, tuple))
        taken: set[str] = set()
        for head, run in runs:
            if isinstance(head, Leaf):
                members.append(head)
                head.name = unused(safe("_".join(run[0][0][depth:])), taken)
                continue
            if times[head] > 1 or head in self._flat or not self._closed(run):
                for full, leaf in run:
                    leaf.name = unused(safe("_".join(full[depth:])), taken)
                    members.append(leaf)
                continue
            child: Leaf | Part = self._part(head, head[-1], run)
            if isinstance(child, Part) and len(child.members) == 1:
                outer, child = child, child.members[0]
                if isinstance(child, Part) and not child.title:
                    child.title, child.arguments = outer.title, outer.arguments
            child.name = unused(safe(head[-1]), taken)
            child.automatic = self._automatic(head, child)
            members.append(child)
        block = self._blocks.get(path)
        title, arguments = (block.name, block.arguments) if block else ("", {})
        rounds = bool(path) and all(member.name.isdigit() for member in members)
        return self._joined(Part(name, title, members, rounds, arguments=arguments))

    def _closed(self, run: list[tuple[tuple[str, ...], Leaf]]) -> bool:
        """Whether a module of these layers is given a tensor: the batch is known by one."""
        inside = {leaf.index for _, leaf in run}
        given = any(wire.node not in inside for _, leaf in run for wire in leaf.inputs)
        return given or not any(isinstance(part, Batch) for _, leaf in run for part in walk(leaf.written.result))

    def _automatic(self, path: tuple[str, ...], member: Leaf | Part) -> bool:
        kind = self._blocks[path].name if path in self._blocks else "repeat"
        if isinstance(member, Leaf) and path not in self._blocks:
            kind = self._graph.nodes[member.index].layer.op
        return re.fullmatch(rf"({kind}|repeat)\d+|\d+", path[-1]) is not None

    def _joined(self, part: Part) -> Part:
        leaves = [leaf for member in part.members for leaf in ([member] if isinstance(member, Leaf) else member.leaves)]
        inside = {leaf.index for leaf in leaves}
        used = dict.fromkeys(wire for leaf in leaves for wire in leaf.inputs)
        part.leaves = tuple(leaves)
        part.inputs = tuple(wire for wire in used if wire.node not in inside)
        made = [wire for leaf in leaves for wire in leaf.outputs]
        out = [w for w in made if w in self._outputs or self._consumers.get(w, set()) - inside]
        part.outputs = tuple(out or [w for w in made if not self._consumers.get(w)])
        part.chain = self._is_chain(part)
        return part

    def _is_chain(self, part: Part) -> bool:
        """Whether each member is a module of the one before it, and of nothing else."""
        if len(part.inputs) != 1 or len(part.outputs) != 1:
            return False
        current: tuple[Wire, ...] = part.inputs
        for member in part.members:
            fits = member.written.stages is not None if isinstance(member, Leaf) else len(member.outputs) == 1
            if not fits or member.inputs != current or (isinstance(member, Leaf) and (member.shared or member.tied)):
                return False
            if isinstance(member, Part) and member.rounds and not member.chain:
                return False
            current = member.outputs
        inner = [wire for member in part.members[:-1] for wire in member.outputs]
        consumers = {leaf.index: n for n, m in enumerate(part.members) for leaf in leaves_of(m)}
        for place, wire in enumerate(inner):
            if {consumers.get(index) for index in self._consumers.get(wire, set())} != {place + 1}:
                return False
        return current == part.outputs


def leaves_of(member: Leaf | Part) -> tuple[Leaf, ...]:
    """The layers of a member."""
    return (member,) if isinstance(member, Leaf) else member.leaves


def unused(name: str, taken: set[str]) -> str:
    """The name, numbered where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}" if name[-1:].isdigit() else f"{name}{number}"
    taken.add(free)
    return free


def author_names(graph: Graph) -> Mapping[Wire, str]:
    """The names that the file gives to results, last segment only; kinds with a number left out."""
    found: dict[Wire, str] = {}
    for path, wire in graph.names.items():
        last = segments(path)[-1]
        kind = graph.blocks[path].name if path in graph.blocks else graph.nodes[wire.node].layer.op
        if not re.fullmatch(rf"{kind}\d+|\d+", last):
            found[wire] = safe(last)
    return found
