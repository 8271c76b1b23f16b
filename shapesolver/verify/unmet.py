"""Needs that some sizes meet and others do not, as findings that say which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shapesolver.arithmetic import Condition, Either, Truth, both, either, negate
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.membership import Within, within
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation
from shapesolver.diagnostics import Advice, Diagnostic, Label, Severity
from shapesolver.layers.base import RULES, Need
from shapesolver.model.graph import Node
from shapesolver.solve.regions import region
from shapesolver.verify.case import Case
from shapesolver.verify.sizes import Sizes, at_usual
from shapesolver.verify.wording import listed


@dataclass(slots=True)
class Unmet:
    """The needs of one line of the file that some sizes do not meet."""

    node: Node
    index: int
    need: Need
    where: list[Truth] = field(default_factory=list)
    """That this is the first need that fails, with everything before it built."""
    parts: list[Truth] = field(default_factory=list)
    """That it fails, whatever else does."""
    needed: list[Truth] = field(default_factory=list)


def unmet(case: Case, name: str) -> Iterator[Diagnostic]:
    """What cannot be built at some sizes because of this rule; what is only too small an input is left out."""
    if case.net.symbols and not case.net.graph.holes:
        for found in _by_line(case, name):
            diagnostic = _diagnostic(case, found)
            if diagnostic is not None:
                yield diagnostic


def _by_line(case: Case, name: str) -> list[Unmet]:
    lines: dict[object, Unmet] = {}
    before: dict[int, list[Truth]] = {}
    indices = {node.path: index for index, node in enumerate(case.net.graph.nodes)}
    for node, need in case.derivation.conditions():
        index = indices[node.path]
        earlier = before.setdefault(index, [])
        if need.rule == name:
            line = lines.setdefault(node.span, Unmet(node, index, need))
            prior = [truth for ancestor in ancestors(case.derivation, index, before) for truth in before[ancestor]]
            line.where.append(both(case.assumed, *prior, *earlier, negate(need.truth)))
            line.parts.append(_own_part(prior, earlier, need.truth))
            line.needed.append(need.truth)
        earlier.append(need.truth)
    return [*lines.values()]


def _own_part(prior: list[Truth], earlier: list[Truth], truth: Truth) -> Truth:
    """That the need fails where those before it in the same symbols are met."""
    names = {s.text for s in truth.symbols()} if isinstance(truth, Condition) else set()
    alike = [
        other
        for other in (*prior, *earlier)
        if isinstance(other, Condition) and {s.text for s in other.symbols()} <= names
    ]
    return both(*alike, negate(truth))


def ancestors(derivation: Derivation, index: int, among: Mapping[int, object]) -> list[int]:
    """The layers that this one depends on, of those with conditions."""
    seen, waiting = set(), [index]
    while waiting:
        for wire in derivation.graph.nodes[waiting.pop()].inputs:
            if wire.node not in seen:
                seen.add(wire.node)
                waiting.append(wire.node)
    return sorted(seen & among.keys())


def _diagnostic(case: Case, found: Unmet) -> Diagnostic | None:
    sizes = Sizes((), case.assumed)
    shown = sizes.where(found.parts)
    where = either(*found.where)
    here = at_usual(where, case.usual)
    if shown is False or (not here and _only_too_small(case, shown)):
        return None
    node, trouble = found.node, found.need.trouble()
    when = _failing(case, shown) if _solved(shown) else _fitting(found, case)
    return Diagnostic(
        RULES[found.need.rule],
        found.need.rule,
        f"{node.path}: {trouble.message} ({when})",
        node.span,
        Severity.WARNING if here is None else Severity.ERROR if here else Severity.NOTE,
        label=trouble.label,
        related=tuple(_inputs(case.derivation, node)),
        advice=tuple(_advice(case, here)),
        layer=node.path,
        where=where,
    )


def _only_too_small(case: Case, shown: Truth) -> bool:
    """Whether it fails for small sizes alone: every network has a smallest input."""
    for item in shown.items if isinstance(shown, Either) else (shown,):
        if not isinstance(item, Within):
            return False
        least = case.sizes.values(item.symbol).min
        if least is None or item.members & IntSet.interval(least, None):
            return False
    return True


def _solved(shown: Truth) -> bool:
    return all(isinstance(item, Within) for item in (shown.items if isinstance(shown, Either) else (shown,)))


MAX_BOXES = 4
"""The most combinations of sizes that a finding lists."""


def _fitting(found: Unmet, case: Case) -> str:
    """``fits only H in 224..255 and W in 224..255``: the sizes that fit, several inputs' sizes together."""
    needed = both(*found.needed)
    names = needed.symbols() if isinstance(needed, Condition) else ()
    needed = both(case.sizes.about(names), needed)
    try:
        good = region(needed, names)
    except (Undecided, ValueError):
        return f"fits only {needed}"
    if good.rest is not True or good.ties or not good.boxes:
        return f"fits only {needed}"
    boxes = [listed([f"{name} in {members}" for name, members in box.items()]) for box in good.boxes[:MAX_BOXES]]
    more = len(good.boxes) - MAX_BOXES
    return f"fits only {'; or '.join(boxes)}{f'; or {more} more' if more > 0 else ''}"


def _failing(case: Case, shown: Truth) -> str:
    """``fails unless H % 16 == 0``, sizes left out that are too small for the network anyhow."""
    large, limits = [], []
    for item in shown.items if isinstance(shown, Either) else (shown,):
        assert isinstance(item, Within)
        enough = IntSet.interval(case.sizes.values(item.symbol).min or item.symbol.least, None)
        large.append(within(item.symbol, item.members & enough))
        limits.append(within(item.symbol, enough))
    text = Sizes((), both(*limits)).unless(either(*large))
    return f"fails {text}" if text else "fails for all sizes"


def _advice(case: Case, here: bool | None) -> Iterator[Advice]:
    if here is not None and case.usual:
        yield Advice("note", f"{'so it is' if here else 'not so'} at the usual {case.usual_text}")
    fitting = case.sizes.fitting()
    if fitting and not here:
        yield Advice("try", f"`assume {fitting}`, where no other sizes are meant")


def _inputs(derivation: Derivation, node: Node) -> Iterator[Label]:
    """Both histories: the inputs' sizes as formulas, each at the line that made it."""
    for wire in dict.fromkeys(node.inputs):
        source, tensor = derivation.graph.nodes[wire.node], derivation.tensor(*wire)
        if tensor is not None and source.span != node.span:
            yield Label(source.span, f"{source.path}: {tensor}")
