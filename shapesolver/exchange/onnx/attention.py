"""Attention found again among the dense layers, transposes and matrix products that exporters spell it out in.

Around a softmax stand two matrix products: of queries and keys before it, of its result and the values after it.
Each of the three comes from a dense layer, perhaps one for all, through reshapes and transposes alone; a dense
layer follows. Sizes decide: heads are the leading axis of the products.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from shapesolver.exchange.onnx.plan import RESHAPING, Plan, Step
from shapesolver.model.graph import Wire

MOVING = RESHAPING | {"permute", "pointwise", "slice", "split", "chunk", "identity"}
"""What may stand between a projection and a product."""


class Found(NamedTuple):
    """One attention: the steps it replaces, the last of them, and what it becomes."""

    inside: set[int]
    last: int
    inputs: tuple[Wire, ...]
    heads: int
    bias: bool


class Search:
    """A plan with who reads what."""

    def __init__(self, plan: Plan, outputs: Sequence[Wire]) -> None:
        self.plan = plan
        self.readers: dict[int, list[int]] = {}
        for index, step in enumerate(plan.steps):
            for wire in step.inputs:
                self.readers.setdefault(wire.node, []).append(index)
        self.kept = Counter(wire.node for wire in outputs)

    def found(self) -> list[Found]:
        """Every attention, in order."""
        steps = enumerate(self.plan.steps)
        return [match for index, step in steps if step.op == "softmax" and (match := self._around(index)) is not None]

    def _around(self, softmax: int) -> Found | None:
        inside = {softmax}
        scores = self._back(self.plan.steps[softmax].inputs[0], inside, {"matmul"})
        weighed = self._forward(softmax, inside, {"matmul"})
        if scores is None or weighed is None or self.plan.steps[weighed].inputs[0].node == scores:
            return None
        inside |= {scores, weighed}
        query, key = self.plan.steps[scores].inputs
        value = self.plan.steps[weighed].inputs[1]
        projections = [self._back(wire, inside, {"dense"}) for wire in (query, key, value)]
        last = self._forward(weighed, inside, {"dense"})
        if None in projections or last is None:
            return None
        inside |= {index for index in projections if index is not None} | {last}
        return self._checked(inside, [index for index in projections if index is not None], last, query)

    def _checked(self, inside: set[int], projections: list[int], last: int, query: Wire) -> Found | None:
        """The attention, if nothing else reads its inside and its sizes are those of the layer."""
        closed = all(
            index == last or (not self.kept[index] and set(self.readers.get(index, ())) <= inside) for index in inside
        )
        heads = self.plan.sizes(query)[0]
        steps = [self.plan.steps[index] for index in (*projections, last)]
        sources = [step.inputs[0] for step in steps[:3]]
        features = self.plan.sizes(sources[0])[-1]
        wide = {index: self.plan.steps[index].parameters["units"] for index in projections}
        bias = {step.parameters.get("bias", True) for step in steps}
        right = (
            closed
            and len(self.plan.sizes(query)) == 3
            and isinstance(heads, int)
            and isinstance(features, int)
            and features % heads == 0
            and sum(wide.values()) == 3 * features
            and steps[-1].parameters["units"] == features
            and len(bias) == 1
            and all(step.earlier is None and step.tied is None for step in steps)
            and all(self.plan.sizes(source)[-1] == features or len(wide) == 3 for source in sources)
        )
        if not right:
            return None
        inputs = tuple(sources) if sources[1] != sources[2] else tuple(sources[:2])
        inputs = inputs[:1] if sources[0] == sources[1] == sources[2] else inputs
        return Found(inside, last, inputs, heads, bias.pop())  # type: ignore[arg-type]  # heads is an int by `right`

    def _back(self, wire: Wire, inside: set[int], wanted: set[str]) -> int | None:
        """The step of a wanted kind that a wire comes from, what only moves its cells passed over."""
        while True:
            step = self.plan.steps[wire.node]
            if step.op in wanted:
                return wire.node
            masked = step.op == "add" and wanted == {"matmul"}
            if (step.op not in MOVING and not masked) or not step.inputs:
                return None
            inside.add(wire.node)
            wire = step.inputs[0]

    def _forward(self, index: int, inside: set[int], wanted: set[str]) -> int | None:
        """The step of a wanted kind that a result goes to, through what only moves its cells."""
        while True:
            readers = self.readers.get(index, [])
            if len(readers) != 1:
                return None
            (index,) = readers
            step = self.plan.steps[index]
            if step.op in wanted:
                return index
            if step.op not in MOVING | {"dropout"}:
                return None
            inside.add(index)


def with_attention(plan: Plan, outputs: Sequence[Wire]) -> tuple[Plan, list[Wire]]:
    """The plan with every spelt-out attention as one layer, and its outputs."""
    found = Search(plan, outputs).found() if any(step.op == "softmax" for step in plan.steps) else []
    if not found:
        return plan, list(outputs)
    by_last = {match.last: match for match in found}
    gone = set().union(*(match.inside for match in found))
    new = Plan(plan.dialect, plan.source)
    place: dict[int, int] = {}
    for index, step in enumerate(plan.steps):
        match = by_last.get(index)
        if match is not None:
            step = _attention(plan, match)
        elif index in gone:
            continue
        inputs = tuple(Wire(place[wire.node], wire.output) for wire in step.inputs)
        earlier = None if step.earlier is None else place[step.earlier]
        tied = None if step.tied is None else place[step.tied]
        new.steps.append(replace(step, inputs=inputs, earlier=earlier, tied=tied))
        place[index] = len(new.steps) - 1
    return new, [Wire(place[wire.node], wire.output) for wire in outputs]


def _attention(plan: Plan, match: Found) -> Step:
    name = plan.steps[match.last].name
    for ending in (".out_proj", ".output.dense", ".proj"):
        name = name.removesuffix(ending)
    parameters = {"heads": match.heads, **({} if match.bias else {"bias": False})}
    return Step("attention", match.inputs, name, parameters, plan.steps[match.last].results)
