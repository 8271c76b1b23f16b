"""Inputs of another size: the sizes at which a finding is gone, as one set, and the nearest of them below and above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shapesolver.arithmetic import Both, Either, Truth, both, negate
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import FULL, Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation
from shapesolver.diagnostics import Diagnostic, Edit, Fix
from shapesolver.language import tree
from shapesolver.layers.source import Input, symbol_name
from shapesolver.model.graph import Node
from shapesolver.network import Network
from shapesolver.solve.answers import Answer, Status
from shapesolver.solve.regions import region
from shapesolver.verify.fixing.attempts import Attempts
from shapesolver.verify.fixing.calls import call_at, spelling_of

Sizes = dict[str, int]

SOLVING = 5
"""How often finding all good sizes is reckoned to go through the network."""

LEAST_PART = 2
"""An input of less than this part of the present one is another network's, and no mend."""


def input_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """The fix that asks for inputs of another size; with edits where the file states the sizes itself."""
    inputs = _Inputs.of(attempts)
    if inputs is None:
        return
    good = _good_sizes(finding, inputs)
    if good is None:
        return
    choices: list[tuple[Sizes, tuple[Edit, ...]]] = []
    for sizes in _beside(good, inputs.now):
        if any(LEAST_PART * size < inputs.now[name] for name, size in sizes.items()):
            continue
        edits = inputs.edits(sizes)
        at = inputs.sizes_beside(sizes, edits)
        if sizes not in (c for c, _ in choices) and attempts.mended(finding, edits, at) is not None:
            choices.append((sizes, edits))
    # The nearest first; of two as near, the larger keeps more.
    choices.sort(key=lambda choice: inputs.distance(choice[0]))
    if choices:
        named = " or ".join(inputs.text(sizes) for sizes, _ in sorted(choices, key=lambda c: [*c[0].values()]))
        sizes, edits = choices[0]
        yield Fix(f"input {named}{_any(good, inputs, sizes)}", edits, {} if edits else sizes)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The input sizes of a network: their values now, and where in the file they stand."""

    attempts: Attempts
    free: Network
    now: Mapping[str, int]

    @classmethod
    def of(cls, attempts: Attempts) -> _Inputs | None:
        """The inputs of the network under repair; ``None`` where a size has no value."""
        free = attempts.free
        if free is None or not attempts.afford(SOLVING):
            return None
        now = {**free.symbols, **attempts.sizes}
        known = {name: size for name, size in now.items() if size is not None}
        return cls(attempts, free, known) if len(known) == len(now) and known else None

    def edits(self, sizes: Sizes) -> tuple[Edit, ...]:
        """The edits that state these sizes in the file; none where any of them is not stated there."""
        found = []
        for name, size in sizes.items():
            if size == self.now[name]:
                continue
            number = self._stated(name)
            if number is None or name in self.attempts.asked_sizes:
                return ()
            found.append(Edit(number.span, str(size)))
        return tuple(dict.fromkeys(found))

    def sizes_beside(self, sizes: Sizes, edits: tuple[Edit, ...]) -> Sizes:
        """The sizes to ask about: the new ones, those left out that the edited file states itself."""
        return {name: size for name, size in {**self.attempts.sizes, **sizes}.items() if self._said(name, edits)}

    def _said(self, name: str, edits: tuple[Edit, ...]) -> bool:
        return not edits or name in self.attempts.sizes

    def distance(self, sizes: Sizes) -> tuple[int, int]:
        """How far from the sizes now, growth before shrinking."""
        return sum(abs(size - self.now[n]) for n, size in sizes.items()), -sum(sizes.values())

    def text(self, sizes: Sizes) -> str:
        """``25 x 25``; with the input's name where there are several."""
        inputs = [*self._inputs()]
        texts = []
        for node, own in inputs:
            names = [name for name in own if name in sizes]
            label = f"{node.path} " if len(inputs) > 1 else ""
            if any(sizes[name] != self.now[name] for name in names):
                texts.append(label + " x ".join(str(sizes[name]) for name in names))
        return ", ".join(texts)

    def _stated(self, name: str) -> tree.Number | None:
        """The number in the file that states a size."""
        places = ((node, own.index(name)) for node, own in self._inputs() if name in own)
        return next(filter(None, (self._number(*place) for place in places)), None)

    def _inputs(self) -> Iterator[tuple[Node, list[str]]]:
        """The inputs, each with the names of its sizes; a size that is no symbol has none."""
        for node in self.free.graph.nodes:
            if isinstance(node.layer, Input):
                yield node, [symbol_name(size) for size in node.layer.sizes]

    def _number(self, node: Node, index: int) -> tree.Number | None:
        call = call_at(self.attempts.file, node.span)
        if not isinstance(call, tree.Call) or spelling_of(call) is None:
            return None
        values = [argument.value for argument in call.arguments]
        if len(values) == 1 and isinstance(values[0], tree.Tuple):
            values = [*values[0].items]
        value = values[index] if index < len(values) else None
        return value if isinstance(value, tree.Number) else None


def _good_sizes(finding: Diagnostic, inputs: _Inputs) -> Answer | None:
    """Every size at which all can be built as the file assumes and expects, and the finding is not so."""
    derivation = inputs.free.derivation
    gone = _gone(finding, inputs)
    if gone is None or any(True for _ in derivation.broken()):
        return None
    needs = (condition.truth for _, condition in derivation.conditions())
    condition = both(gone, *needs, *_claims(derivation))
    names = [*inputs.now]
    try:
        found = region(condition, [Symbol(name, 1) for name in names])
    except (Undecided, ValueError):
        return None
    return Answer("", Status.PROVED, tuple(names), found.boxes, found.ties, condition=found.rest)


def _claims(derivation: Derivation) -> Iterator[Truth]:
    """What the file assumes and expects, as far as its sizes are to be had."""
    graph = derivation.graph
    pending = graph.references.keys() - derivation.known.keys()
    for claim in (*graph.assumptions, *graph.expectations):
        truth = derivation.truth(claim)
        if isinstance(truth, bool) or not any(symbol.text in pending for symbol in truth.symbols()):
            yield truth


def _gone(finding: Diagnostic, inputs: _Inputs) -> Truth | None:
    """That a finding is not so, as a condition on the sizes; for what cannot be built, the needs say it."""
    if finding.code.startswith("SS1") or not finding.layer:
        return True
    for other in inputs.attempts.found_at_all_sizes(finding.code):
        if (other.layer, other.axis) == (finding.layer, finding.axis):
            return None if other.where is True or _combined(other.where) else negate(other.where)
    return None


def _combined(where: Truth) -> bool:
    """Whether it is about combinations of sizes: too many cases to solve when it is turned around."""
    return isinstance(where, Either) and any(isinstance(item, Both) for item in where.items)


def _beside(good: Answer, now: Mapping[str, int]) -> Iterator[Sizes]:
    """The good sizes next below and next above those now; a size stays where it is good already."""
    for below in (True, False):
        boxes = tuple({name: _side(box[name], now[name], below) for name in box} for box in good.boxes)
        side = Answer("", good.status, good.unknowns, boxes, good.ties, condition=good.condition)
        nearest = side.nearest(**now)
        if nearest is not None and nearest != now:
            yield {name: nearest[name] for name in now}


def _side(members: IntSet, size: int, below: bool) -> IntSet:
    """The members on one side of a size, or on the other where that side has none; the size itself if it is one."""
    if size in members:
        return IntSet.finite([size])
    under, over = members & IntSet.interval(None, size), members & IntSet.interval(size, None)
    return (under or over) if below else (over or under)


def _any(good: Answer, inputs: _Inputs, sizes: Sizes) -> str:
    """`` (any 6m + 1)``, where that is all there is to say about each size that changes."""
    moved = [name for name in sizes if sizes[name] != inputs.now[name] and name not in good.ties]
    if good.condition is not True or len(good.boxes) != 1 or not moved:
        return ""
    sets = {good.boxes[0][name] for name in moved}
    return f" ({text})" if len(sets) == 1 and (text := _class_text(sets.pop())) else ""


def _class_text(members: IntSet) -> str:
    pieces = members.pieces()
    if len(pieces) != 1 or pieces[0].hi is not None:
        return ""
    mask = pieces[0].mask
    if mask == FULL:
        return f"{pieces[0].lo} or more"
    if mask.size() != 1:
        return ""
    residue = next(mask.members())
    return f"any {mask.modulus}m" + (f" + {residue}" if residue else "")
