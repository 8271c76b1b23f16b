"""Mends of how a line is put together: an axis that there is, as many names as results, a tensor of the right rank,
the number that a hole stands for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from shapesolver.diagnostics import Diagnostic, Edit, Fix, ShapeSolverError, Span
from shapesolver.language import tree
from shapesolver.layers.axiswise import AxisWise
from shapesolver.model.graph import Node
from shapesolver.network import Network
from shapesolver.solve import solve
from shapesolver.verify.fixing.attempts import Attempts
from shapesolver.verify.fixing.calls import argument_of, call_at, statements, tuple_text, with_argument
from shapesolver.verify.fixing.parameters import which_makes

BEFORE = ("flatten", "global_avg_pool")
"""Layers that lower a tensor's rank, tried before a layer that takes fewer axes."""


def structure_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """The fixes of a line that is put together wrongly."""
    if attempts.net is None:
        return
    if finding.name == "hole-left":
        yield from _filled(finding, attempts, attempts.net)
    elif finding.name == "axis-out-of-range" and not finding.layer:
        yield from _mentioned(finding, attempts, attempts.net)
    elif finding.layer in attempts.net:
        node = attempts.net[finding.layer].node
        match finding.name:
            case "axis-out-of-range":
                yield from _on_another_axis(finding, attempts, attempts.net, node)
            case "wrong-arity":
                yield from _named(finding, attempts, node)
            case "wrong-rank":
                yield from _of_rank(finding, attempts, attempts.net, node)


def _tried(finding: Diagnostic, attempts: Attempts, title: str, *edits: Edit) -> Iterator[Fix]:
    after = attempts.mended(finding, edits, title=title)
    if after is not None and after.net is not None:
        makes = which_makes(after.net, finding.layer) if finding.name == "wrong-rank" else ""
        yield Fix(f"{title}{makes}", edits)


# A hole.


def _filled(finding: Diagnostic, attempts: Attempts, net: Network) -> Iterator[Fix]:
    """The one number with which the file's expectations are met."""
    name = next((name for name, span in net.graph.holes.items() if span == finding.span), None)
    claims = [attempts.text.text[slice(*attempts.text.reach(c.span))] for c in net.graph.expectations]
    if name is None or not claims:
        return
    target = " and ".join(f"({claim.removeprefix('expect')})" for claim in claims)
    try:
        answer = solve(net, target, (name,), None, "")
    except (ShapeSolverError, ValueError):
        return
    if answer.status == "proved" and answer.condition is True and answer.set.count == 1:
        (value,) = answer.set
        yield from _tried(finding, attempts, f"{value} in place of ?{name}", Edit(finding.span, str(value)))


# An axis.


def _mentioned(finding: Diagnostic, attempts: Attempts, net: Network) -> Iterator[Fix]:
    """``conv2.Q``: an axis that the layer has, the nearest name first."""
    for text, reference in net.derivation.unresolved:
        tensor = net.derivation.tensor(*reference.wire)
        if reference.span == finding.span and tensor is not None:
            path, _, axis = text.rpartition(".")
            for other in _nearest(axis, tensor.axes):
                title = f"write `{path}.{other}`"
                yield from _tried(finding, attempts, title, Edit(finding.span, f"{path}.{other}"))


def _on_another_axis(finding: Diagnostic, attempts: Attempts, net: Network, node: Node) -> Iterator[Fix]:
    call, inputs = call_at(attempts.file, node.span), net.derivation.inputs(net[finding.layer].wire.node)
    given = None if call is None else argument_of(call, "axis")
    if call is None or given is None or not inputs:
        return
    axes = inputs[0].axes
    if isinstance(given.value, tree.Name):
        others = _nearest(given.value.text, axes)
    else:
        others = [str(number) for number in range(len(axes), 0, -1)]
    for other in others:
        edit = with_argument(attempts.text, call, "axis", other) or Edit(given.value.span, other)
        yield from _tried(finding, attempts, f"axis={other}", edit)


def _nearest(name: str, axes: tuple[str, ...]) -> list[str]:
    """The axes, those that are written most alike first."""
    return sorted(axes, key=lambda axis: -difflib.SequenceMatcher(None, name.upper(), axis).ratio())


# Names.


def _named(finding: Diagnostic, attempts: Attempts, node: Node) -> Iterator[Fix]:
    """As many names before the ``=`` as there are results: new ones added, or the last ones taken out."""
    makes = re.search(r"makes (\d+) results", finding.message)
    lines = [s for s in statements(attempts.file.statements) if isinstance(s, tree.Line) and _holds(s.span, node.span)]
    if makes is None or not lines or not lines[-1].names:
        return
    names = [name.text for name in lines[-1].names]
    wanted = [*names[: int(makes[1])], *_new_names(names, attempts.text.text, int(makes[1]) - len(names))]
    whole = lines[-1].names[0].span.to(lines[-1].names[-1].span)
    yield from _tried(finding, attempts, f"write `{', '.join(wanted)} = ...`", Edit(whole, ", ".join(wanted)))


def _new_names(names: list[str], text: str, count: int) -> Iterator[str]:
    """Names that the file does not have: ``c`` after ``b``, ``part3`` after ``part2``."""
    letters = len(names[-1]) == 1 and names[-1].isalpha()
    stem = re.sub(r"\d+$", "", names[-1])
    candidates = (
        map(chr, range(ord(names[-1]) + 1, ord("z") + 1))
        if letters
        else (f"{stem}{number}" for number in range(len(names) + 1, len(names) + 1000))
    )
    used = set(re.findall(r"\w+", text))
    fresh = (name for name in candidates if name not in used)
    for _, name in zip(range(count), fresh, strict=False):
        yield name


def _holds(outer: Span, inner: Span) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


# Ranks.


def _of_rank(finding: Diagnostic, attempts: Attempts, net: Network, node: Node) -> Iterator[Fix]:
    """Tuples as long as there are axes; a layer before it that lowers the rank, or the one that did taken out."""
    call, index = call_at(attempts.file, node.span), net[finding.layer].wire.node
    layer, inputs = net.derivation.layers[index], net.derivation.inputs(index)
    if call is None or not inputs:
        return
    if isinstance(layer, AxisWise):
        for name in layer.per_axis:
            value, count = getattr(layer, name), inputs[0].rank - 1
            if isinstance(value, tuple) and len(value) != count and all(isinstance(n, int) for n in value):
                entries = [str(value[min(place, len(value) - 1)]) for place in range(count)]
                text = entries[0] if len(set(entries)) == 1 else tuple_text(entries)
                edit = with_argument(attempts.text, call, name, text)
                if edit is not None:
                    yield from _tried(finding, attempts, f"{name}={text}", edit)
    start = Span(*node.span[:2], *node.span[:2])
    for before in BEFORE:
        yield from _tried(finding, attempts, f"{before} -> before it", Edit(start, f"{before} -> "))
    source = net.graph.nodes[node.inputs[0].node] if node.inputs else None
    if source is not None and source.inputs and net.derivation.layers[node.inputs[0].node].op in (*BEFORE, "squeeze"):
        yield from _without(finding, attempts, source)


def _without(finding: Diagnostic, attempts: Attempts, source: Node) -> Iterator[Fix]:
    """The line before taken out, where it holds this one layer and no name."""
    for statement in statements(attempts.file.statements):
        if isinstance(statement, tree.Line) and not statement.names and statement.value.span == source.span:
            yield from _tried(finding, attempts, f"without {source.path}", Edit(statement.span, ""))
