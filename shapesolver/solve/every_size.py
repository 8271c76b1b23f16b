"""Which parameters do for every input size: ``what output_padding of up gives up.H = image.H for all H``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from shapesolver.arithmetic import Dim, Truth, both, negate, resolve
from shapesolver.arithmetic.decide import Proved, Refuted, decide
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.language.questions import Inverse
from shapesolver.layers.parameters import ParameterError
from shapesolver.model.graph import Graph
from shapesolver.solve.answers import Answer, Box, Status
from shapesolver.solve.conditions import assumed, limits, needs
from shapesolver.solve.errors import QuestionError, UnbuildableError
from shapesolver.solve.parameters import ParameterQuestion
from shapesolver.solve.progress import Progress
from shapesolver.solve.targets import limits_text, read_target
from shapesolver.solve.unknowns import ParameterUnknown

MOST_APART = 1_000
"""The most combinations tried of values for each axis or end, where no one value does."""


def for_every_size(
    graph: Graph,
    question: Inverse,
    parameters: list[ParameterUnknown],
    usual: Mapping[str, Dim],
    progress: Progress,
) -> Answer:
    """The values with which the target holds at every valid size; and which sizes suit each of the others."""
    unknown = [name for name in question.for_all if name not in graph.symbols]
    if unknown:
        known = ", ".join(graph.symbols) or "none"
        raise QuestionError(f"{unknown[0]} is no size of this network; its sizes are {known}")
    if not parameters:
        raise QuestionError("`for all` is for questions about parameters, as in `what padding of conv1 gives ...`")
    asking = ParameterQuestion(graph, question, parameters, [], {}, usual, progress)
    answer = _every_size(asking)
    if answer.boxes or answer.cases or answer.status is Status.UNDECIDED:
        return answer
    for apart, whom in asking.taken_apart():
        ranges, _ = apart.ranges(apart.parameters, apart.general())
        if math.prod(members.count for members in ranges.values()) > MOST_APART:
            continue
        found = _every_size(apart)
        if found.boxes:
            return replace(answer, reason=f"no one {' and '.join(answer.unknowns)} serves {whom}", apart=found)
    return answer


def _every_size(asking: ParameterQuestion) -> Answer:
    question, parameters = asking.question, asking.parameters
    ranges, complete = asking.ranges(parameters, asking.general())
    if not complete:
        # What does for every size does for the usual one, which may leave only so many.
        at_usual = replace(asking, fixed=asking.usual)
        closed, complete = at_usual.ranges(parameters, at_usual.general())
        ranges = {name: members | closed[name] for name, members in ranges.items()} if complete else ranges
    always: list[Box] = []
    cases: list[Box] = []
    undecided = ""
    for values in asking.trials(parameters, ranges):
        try:
            derivation = asking.derived(values)
            wanted = read_target(derivation, question)
        except (ParameterError, UnbuildableError):
            continue
        required = both(needs(derivation, wanted.mentioned), assumed(derivation), limits(derivation, question.where))
        if required is False:
            continue
        usual = resolve(both(negate(wanted.truth), required), asking.usual)
        # Where the usual sizes refute it there is nothing to prove.
        verdict = Refuted({}) if usual is True else decide(wanted.truth, required)
        chosen = {name: IntSet.finite([value]) for name, value in values.items()}
        if isinstance(verdict, Proved):
            if not verdict.vacuous:
                always.append(chosen)
        elif isinstance(verdict, Refuted):
            cases += _suited(chosen, both(wanted.truth, required), question.for_all)
        else:
            undecided = verdict.reason
    names = asking.names
    whom = f"for all {', '.join(question.for_all)}{limits_text(question.where)}"
    reading = f"find {', '.join(names)} {asking.words} {whom}"
    if undecided and not always:
        return Answer(reading, Status.UNDECIDED, names, cases=tuple(cases), searched=ranges, reason=undecided)
    reason = "" if always else "no one value does for every size" if cases else "no value does for every size"
    status = Status.PROVED if complete and not undecided else Status.BOUNDED
    return Answer(
        reading,
        status,
        names,
        tuple(always),
        cases=() if always else tuple(cases),
        searched={} if status is Status.PROVED else ranges,
        reason=reason,
    )


def _suited(chosen: Mapping[str, IntSet], condition: Truth, sizes: tuple[str, ...]) -> Iterator[Box]:
    """For one choice of parameters, the sizes at which the target holds."""
    if isinstance(condition, bool):
        return
    for size in sizes:
        mine = [symbol for symbol in condition.symbols() if symbol.text == size]
        if len(condition.symbols()) == len(mine) == 1:
            try:
                found = solutions(condition, mine[0])
            except Undecided:
                continue
            if found:
                yield {**chosen, size: found}
