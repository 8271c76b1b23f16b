"""Needs that are not met, as findings: each with its inputs' sizes and the framework's own words."""

from __future__ import annotations

from collections.abc import Iterator

from shapesolver.arithmetic import Truth, both
from shapesolver.derive import Derivation
from shapesolver.diagnostics import Advice, Diagnostic, Label
from shapesolver.layers.base import RULES, Need
from shapesolver.model.graph import Node
from shapesolver.verify.case import Case
from shapesolver.verify.unmet import ancestors, unmet

FRAMEWORKS = {"keras": "Keras", "torch": "PyTorch", "onnx": "ONNX Runtime"}


def breaking(case: Case, name: str) -> Iterator[Diagnostic]:
    """The layers that no framework would build because of this rule.

    A layer that only lacks an input is not reported: its input is.
    """
    seen = set()
    for node, broken in case.derivation.broken():
        if broken.rule == name:
            diagnostic = _diagnostic(case, node, broken)
            # A line inside a block or repeat fails once for the reader, however often it is laid out.
            if (diagnostic.span, diagnostic.message) not in seen:
                seen.add((diagnostic.span, diagnostic.message))
                yield diagnostic
    if name == "axis-out-of-range":
        yield from _unresolved(case.derivation)
    yield from unmet(case, name)


def _unresolved(derivation: Derivation) -> Iterator[Diagnostic]:
    """Mentions of axes that a layer does not have."""
    for text, reference in derivation.unresolved:
        node = derivation.graph.nodes[reference.wire.node]
        tensor = derivation.tensor(*reference.wire)
        axes = ", ".join(tensor.axes) if tensor else ""
        message = f"{node.path} has no axis {text.rpartition('.')[2]}; it has {axes}"
        yield Diagnostic(RULES["axis-out-of-range"], "axis-out-of-range", message, reference.span)


def _diagnostic(case: Case, node: Node, broken: Need) -> Diagnostic:
    trouble, derivation = broken.trouble(), case.derivation
    own = _conditions(case)[case.net.graph.nodes.index(node)]
    advice = []
    if trouble.says:
        advice.append(Advice("note", f"{FRAMEWORKS[derivation.graph.dialect.name]} says: {trouble.says}"))
    return Diagnostic(
        RULES[broken.rule],
        broken.rule,
        f"{node.path}: {trouble.message}",
        node.span,
        label=trouble.label,
        related=tuple(_inputs(derivation, node)),
        advice=tuple(advice),
        layer=node.path,
        among=both(reached(case, node), *own),
    )


def reached(case: Case, node: Node) -> Truth:
    """That the layers before one can be built, as the file assumes."""
    if not case.net.symbols:
        return True
    conditions = _conditions(case)
    before = ancestors(case.derivation, case.net.graph.nodes.index(node), conditions)
    return both(case.assumed, *(truth for index in before for truth in conditions[index]))


def _conditions(case: Case) -> dict[int, list[Truth]]:
    """Of each layer, what must be so of the sizes before it, or one of its needs, fails."""
    outcomes = enumerate(case.derivation.outcomes)
    return {index: [need.truth for need in outcome.conditions] for index, outcome in outcomes if outcome is not None}


def _inputs(derivation: Derivation, node: Node) -> Iterator[Label]:
    for wire in dict.fromkeys(node.inputs):
        source = derivation.graph.nodes[wire.node]
        tensor = derivation.tensor(*wire)
        if tensor is not None and source.span != node.span:
            yield Label(source.span, f"{source.path}: {tensor}")
