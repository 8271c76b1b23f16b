"""A question about parameters answered, with what lets a person check it: the law, and solutions worked through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shapesolver.arithmetic import symbols
from shapesolver.layers.parameters import ParameterError
from shapesolver.model.graph import Wire
from shapesolver.solve.answers import Answer, Box, Check, Status
from shapesolver.solve.errors import QuestionError
from shapesolver.solve.parameters import ParameterQuestion
from shapesolver.solve.reasons import jump_past
from shapesolver.solve.targets import read_target
from shapesolver.solve.working import along, next_door


def answered(asking: ParameterQuestion) -> Answer:
    """Every solution, worked through; where no one value does, with a value for each axis or each end."""
    found = _worked(asking, asking.solved())
    if found.boxes or found.status is Status.UNDECIDED:
        return found
    for apart, whom in asking.taken_apart():
        try:
            solved = apart.solved()
        except QuestionError:
            continue
        if solved.boxes:
            reason = f"no one {' and '.join(u.name for u in asking.parameters)} serves {whom}"
            return replace(found, reason=reason, apart=_worked(apart, solved))
    return found


def _worked(asking: ParameterQuestion, answer: Answer) -> Answer:
    """The answer with its best solution worked through, the rule behind it, and the values next door."""
    rule = _rule(asking)
    if not answer.boxes:
        notes = (*answer.beside, *_fractions(asking))
        return replace(answer, rule=rule, reason=answer.reason or _why_not(asking, answer), beside=notes)
    values = _best(asking, answer)
    if values is None:
        return replace(answer, rule=rule)
    checks = [Check(values, _sizes(asking, values))]
    if len(answer.unknowns) == 1 and answer.condition is True:
        (name,) = answer.unknowns
        least = next((u.least for u in asking.parameters if u.name == name), 1)
        for beyond in next_door(answer.set, values[name], least):
            checks.append(Check({name: beyond}, _sizes(asking, {name: beyond})))
    return replace(answer, rule=rule, checks=tuple(checks))


def _best(asking: ParameterQuestion, answer: Answer) -> dict[str, int] | None:
    """The first solution of the ranking, with sizes nearest to the usual ones."""
    part = answer.lossless if answer.lossless is not None and answer.lossless.boxes else answer
    if part.condition is not True:
        return None
    box: Box = part.boxes[0]
    values: dict[str, int] = {}
    for name, members in box.items():
        own = asking.usual.get(name)
        near = members.nearest(own if isinstance(own, int) else max(members.min or 0, 0))
        if not near:
            return None
        values[name] = near[0]
    return values


def _sizes(asking: ParameterQuestion, values: Mapping[str, int]) -> tuple[int, ...]:
    """The sizes on the way to the target with these values; empty where it cannot be built."""
    try:
        derivation = asking.derived(values)
        target = read_target(derivation, asking.question)
    except (ParameterError, QuestionError, ZeroDivisionError):
        return ()
    wire = target.wire or Wire(max(target.mentioned))
    tensor = derivation.tensor(*wire)
    if tensor is None:
        return ()
    return along(derivation, wire, next((a for a in tensor.axes if a != "C"), tensor.axes[0]))


def _rule(asking: ParameterQuestion) -> str:
    """The target layer's size with the unknowns in it: ``conv2.H = (2*padding + 3)//2 + 1``."""
    general = asking.general()
    for index in sorted(asking.mentioned):
        tensor = None if general is None else general.tensor(index)
        if general is None or tensor is None:
            continue
        for size, axis in zip(tensor.sizes, tensor.axes, strict=True):
            if {s.text for s in symbols(size)} & set(asking.names):
                return f"{general.graph.nodes[index].path}.{axis} = {size}"
    return ""


def _fractions(asking: ParameterQuestion) -> tuple[str, ...]:
    """``scale=2.5 does``, where no whole factor gives a size and one of few digits does."""
    if len(asking.names) != 1 or not asking.parameters or asking.parameters[0].parameter != "scale":
        return ()
    (name,) = asking.names
    try:
        wanted = read_target(asking.derived({name: 1}), asking.question).wanted
    except QuestionError:
        return ()
    near = {wish.number / wish.size for wish in wanted if isinstance(wish.size, int)}
    for digits in range(1, 5):
        for factor in (round(ratio + nudge * 10**-digits, digits) for ratio in near for nudge in (0, 1)):
            try:
                found = read_target(asking.derived({name: factor}), asking.question)
            except QuestionError:
                continue
            if found.truth is True:
                return (f"{name}={factor} does",)
    return ()


def _why_not(asking: ParameterQuestion, answer: Answer) -> str:
    """The jump past the wanted size; or just that nothing does."""
    general = asking.general()
    if general is not None and len(asking.names) == 1:
        try:
            target = read_target(general, asking.question)
        except QuestionError:
            target = None
        if target is not None and target.wire is not None:
            (name,) = asking.names
            tried = answer.searched.get(name)
            least = asking.parameters[0].least if asking.parameters else 1
            jump = jump_past(target, name, least, tried)
            if jump:
                return jump
    if asking.question.where is not None:
        free = replace(asking, question=replace(asking.question, where=None)).solved()
        if free.boxes:
            return f"`where` leaves out what does: {free}"
    for unknown in asking.parameters:
        if not asking.allowed(unknown, general):
            return f"`where` and the layer's own limits leave no {unknown.name}"
    names = f"no {' and '.join(answer.unknowns)}"
    if answer.status is Status.BOUNDED:
        return f"{names} among those tried does"
    return f"{names} {'does' if len(answer.unknowns) == 1 else 'do'}"
