"""Tensors that do not fit each other: the larger cropped to the other, or a layer on the way changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, permutations
from typing import NamedTuple

from shapesolver.diagnostics import Diagnostic, Edit, Fix, Span
from shapesolver.language import tree
from shapesolver.layers.axiswise import AxisWise
from shapesolver.model.graph import Node, Wire
from shapesolver.model.values import dotted_text
from shapesolver.network import Network
from shapesolver.verify.fixing.attempts import Attempts
from shapesolver.verify.fixing.calls import call_at, is_tensor, tuple_text, with_argument
from shapesolver.verify.fixing.parameters import fixes_at, which_makes

MISMATCH = "size-mismatch"
MAX_UPSTREAM = 4
"""How many layers above a merge are changed in turn, the nearest first."""
ON_THE_WAY = ("padding", "ceil_mode", "output_padding")
"""The parameters of those layers that may change: those that leave every weight as it is."""


class Joined(NamedTuple):
    """One tensor of a merge: where it comes from, how the merge names it, and what it is called there."""

    wire: Wire
    value: tree.Expression | None
    """The argument; nothing for the result of the line above, which comes first where it is not named."""
    name: str


def merge_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """The fixes of a merge whose tensors differ in size."""
    net = attempts.net
    if net is None or finding.name != MISMATCH or finding.layer not in net:
        return
    node = net[finding.layer].node
    if len(node.inputs) > 1:
        tensors = _joined(net, attempts, node)
        yield from _first(_stated(finding, attempts, tensors))
        yield from _first(_cropped(finding, attempts, tensors))
        for index in _upstream(net, node):
            usable = [name for name in ON_THE_WAY if name in net.graph.nodes[index].layer.parameters]
            yield from fixes_at(finding, attempts, index, usable)


def places_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """The fix of an unpool whose places count another map: it is told to make the size of the one that was pooled."""
    net = attempts.net
    if net is not None and finding.name == "misplaced" and finding.layer in net:
        node = net[finding.layer].node
        pooled = net.graph.nodes[node.inputs[1].node].inputs[0]
        name = _local_name(net, pooled, node)
        yield from _sized(finding, attempts, Wire(net[finding.layer].wire.node), Joined(pooled, None, name))


def _first(fixes: Iterator[Fix]) -> Iterator[Fix]:
    return islice(fixes, 1)


def _joined(net: Network, attempts: Attempts, node: Node) -> list[Joined]:
    """The tensors that a merge consumes, in order."""
    call = call_at(attempts.file, node.span)
    arguments = call.arguments if isinstance(call, tree.Call) else ()
    given = [a.value for a in arguments if a.name is None and is_tensor(a.value, certainly=False)]
    values = [*[None] * (len(node.inputs) - len(given)), *given]
    found = []
    for wire, value in zip(node.inputs, values, strict=False):
        named = isinstance(value, (tree.Name, tree.Attribute, tree.Index))
        found.append(Joined(wire, value, dotted_text(value) if named and value else _local_name(net, wire, node)))
    return found


def _upstream(net: Network, node: Node) -> list[int]:
    """The layers with windows above a node, the nearest first."""
    found: list[int] = []
    pending = sorted({wire.node for wire in node.inputs})
    seen = {*pending}
    while pending and len(found) < MAX_UPSTREAM:
        index = pending.pop()
        layer = net.graph.nodes[index].layer
        if isinstance(layer, AxisWise) and any(name in layer.parameters for name in ON_THE_WAY):
            found.append(index)
        new = {wire.node for wire in net.graph.nodes[index].inputs} - seen
        seen |= new
        pending = sorted({*pending, *new})
    return found


def _cropped(finding: Diagnostic, attempts: Attempts, tensors: Sequence[Joined]) -> Iterator[Fix]:
    """One tensor of the merge cropped to another: in its middle, whatever the sizes."""
    net = attempts.net
    assert net is not None
    for tensor, other in permutations(tensors, 2):
        if tensor.value is None or not _larger(net, tensor.wire, other.wire):
            continue
        _, _, line, column = tensor.value.span
        edits = (Edit(Span(line, column, line, column), f" -> crop(to={other.name})"),)
        after = attempts.mended(finding, edits)
        if after is not None and after.net is not None:
            what = attempts.text.text[slice(*attempts.text.reach(tensor.value.span))]
            yield Fix(f"{what} -> crop(to={other.name}){which_makes(after.net, finding.layer)}", edits)


def _stated(finding: Diagnostic, attempts: Attempts, tensors: Sequence[Joined]) -> Iterator[Fix]:
    """A transposed layer told to make the size of the tensor that it is merged with."""
    net = attempts.net
    assert net is not None
    for tensor, other in permutations(tensors, 2):
        if "output_size" in net.graph.nodes[tensor.wire.node].layer.parameters:
            yield from _sized(finding, attempts, tensor.wire, other)


def _sized(finding: Diagnostic, attempts: Attempts, wire: Wire, like: Joined) -> Iterator[Fix]:
    """A layer told to make the size of another tensor."""
    net = attempts.net
    assert net is not None
    node, shape = net.graph.nodes[wire.node], net.derivation.tensor(*like.wire)
    call = call_at(attempts.file, node.span)
    if call is None or shape is None:
        return
    sizes = tuple_text([f"{like.name}.{axis}" for axis in shape.axes if axis != "C"])
    edit = with_argument(attempts.text, call, "output_size", sizes)
    after = None if edit is None else attempts.mended(finding, (edit,))
    if edit is not None and after is not None and after.net is not None:
        owner = "" if node.path == finding.layer else f" of {node.path}"
        yield Fix(f"output_size={sizes}{owner}{which_makes(after.net, finding.layer)}", (edit,))


def _larger(net: Network, wire: Wire, other: Wire) -> bool:
    """Whether a result is at least as large as another along every spatial axis."""
    one, two = net.derivation.tensor(*wire), net.derivation.tensor(*other)
    if one is None or two is None or one.axes != two.axes:
        return False
    pairs = [(a, b) for a, b, axis in zip(one.sizes, two.sizes, one.axes, strict=True) if axis != "C"]
    return all(isinstance(a, int) and isinstance(b, int) and a >= b for a, b in pairs)


def _local_name(net: Network, wire: Wire, node: Node) -> str:
    """What a result may be called at a node: its path, without the block or repeat that they share."""
    path = net.graph.nodes[wire.node].path
    shared = node.path.rpartition(".")[0]
    return path.removeprefix(f"{shared}.") if shared else path
