"""Questions about parameters: those that laws are linear in are solved for, the others tried."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from shapesolver.arithmetic import Both, Comparison, Condition, Dim, Formula, Truth, both, compare, either, resolve
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.pullback import direction
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.derive import Derivation, derive
from shapesolver.language.questions import Inverse
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.parameters import ParameterError
from shapesolver.measure.extents import nothing_lost, read_for
from shapesolver.measure.proofs import upstream
from shapesolver.measure.unions import by_bounds
from shapesolver.model.graph import Graph, Wire
from shapesolver.solve.answers import Answer, Box, Status
from shapesolver.solve.conditions import assumed, limits, needs
from shapesolver.solve.errors import QuestionError, UnbuildableError
from shapesolver.solve.names import Reader
from shapesolver.solve.progress import Progress
from shapesolver.solve.ranking import lossless_first, ordered
from shapesolver.solve.regions import Region, region
from shapesolver.solve.targets import Target, about, limits_text, read_target
from shapesolver.solve.unknowns import WINDOW, ParameterUnknown, by_axis, by_end, tried_and_solved, with_unknowns

MAX_NATURAL = 5_000
"""The most combinations up to which every value within natural limits is tried, so that the answer is proved."""
MAX_TRIALS = 200_000
"""The most combinations of enumerated parameters that one question may try."""


FEW = 64
"""As many solutions of one trial are looked at one by one for what they leave unread."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One choice of the parameters that are tried, and what solves the rest."""

    values: Mapping[str, int]
    found: Region
    lossless: Region | None
    """What of it leaves no input cell unread; ``None`` where that is not known."""


@dataclass(slots=True)
class ParameterQuestion:
    """One question about parameters, and perhaps input sizes as well."""

    graph: Graph
    question: Inverse
    parameters: list[ParameterUnknown]
    sizes: list[str]
    fixed: Mapping[str, Dim]
    usual: Mapping[str, Dim]
    progress: Progress
    base: Derivation = field(init=False)
    """The network as it stands, at the sizes that are not asked for."""
    mentioned: frozenset[int] = field(init=False)
    words: str = field(init=False)

    def __post_init__(self) -> None:
        self.base = derive(self.graph, self.fixed)
        self.words, self.mentioned = about(self.base, self.question)
        last = max((*self.mentioned, *(u.node for u in self.parameters)))
        self.graph = self.graph.up_to(last)

    @property
    def names(self) -> tuple[str, ...]:
        """The unknowns, in the order asked."""
        return (*(u.name for u in self.parameters), *self.sizes)

    @property
    def reading(self) -> str:
        """The question as it is understood."""
        return f"find {', '.join(self.names)} {self.words}{limits_text(self.question.where)}"

    def taken_apart(self) -> Iterator[tuple[ParameterQuestion, str]]:
        """The same question with a value for each end, for each axis, for each end of each axis."""
        seen = [self.parameters]
        for splits, whom in (
            ((by_end,), "both ends of an axis"),
            ((by_axis,), "every axis"),
            ((by_axis, by_end), "every end of every axis"),
        ):
            pieces = self.parameters
            for split in splits:
                pieces = [piece for u in pieces for piece in (split(self.base, u) or [u])]
            asking = replace(self, parameters=pieces)
            if pieces not in seen and asking._are_few():
                seen.append(pieces)
                yield asking, whom

    def _are_few(self) -> bool:
        """Whether the question would try no more combinations than are tried unasked."""
        tried, _ = tried_and_solved(self.parameters)
        try:
            ranges, _ = self.ranges(tried, self.general())
        except QuestionError:
            # `where` is about the parameter as a whole.
            return False
        return math.prod(int(members.count) for members in ranges.values()) <= MAX_NATURAL

    def solved(self) -> Answer:
        """The answer for these unknowns; what couples unknowns or cannot be solved is tried instead."""
        tried, solved = tried_and_solved(self.parameters)
        while True:
            try:
                return self._with(tried, solved)
            except Undecided as undecided:
                if not solved:
                    return Answer(self.reading, Status.UNDECIDED, self.names, reason=undecided.reason)
                tried, solved = [*tried, solved[-1]], solved[:-1]

    def _with(self, tried: list[ParameterUnknown], solved: list[ParameterUnknown]) -> Answer:
        general = self.general()
        ranges, complete = self.ranges(tried, general)
        unknowns = [*(u.symbol for u in solved), *(Symbol(name, 1) for name in self.sizes)]
        trials = [self._trial(values, unknowns) for values in self.trials(tried, ranges)]
        if solved and any(trial.found.rest is not True for trial in trials):
            raise Undecided("the unknowns are joined in a way that does not come apart")
        boxes = [(trial, box) for trial in trials for box in trial.found.boxes]
        lossless = [(trial, box) for trial in trials for box in (trial.lossless.boxes if trial.lossless else ())]
        answer = Answer(
            self.reading,
            Status.PROVED if complete else Status.BOUNDED,
            self.names,
            ordered(self.base, self.parameters, self._extended(boxes, general, ranges)),
            condition=_rest(trials),
            searched={} if complete else ranges,
        )
        told = all(trial.lossless is not None for trial in trials if trial.found.boxes)
        if not told or not any(u.parameter in WINDOW for u in self.parameters):
            return answer
        kept = ordered(self.base, self.parameters, self._extended(lossless, general, ranges))
        part = replace(answer, reading="of these, those that lose nothing", boxes=kept, searched={})
        return replace(answer, boxes=lossless_first(answer.boxes, kept), lossless=part)

    # One trial.

    def derived(self, values: Mapping[str, Dim | float]) -> Derivation:
        holes = {u.name: Formula.of(u.symbol) for u in self.parameters if u.hole}
        graph = with_unknowns(self.base, self.graph, self.parameters, values)
        return derive(graph, {**self.fixed, **holes, **_whole(values)})

    def general(self) -> Derivation | None:
        """The network with every unknown a symbol; ``None`` where its laws do not allow that."""
        try:
            return self.derived({})
        except (ParameterError, TypeError, ZeroDivisionError):
            return None

    def _trial(self, values: Mapping[str, int], unknowns: list[Symbol]) -> Trial:
        """The solutions for one choice of the parameters that are tried."""
        nothing = Region(())
        try:
            derivation = self.derived(values)
            target = read_target(derivation, self.question)
        except (ParameterError, UnbuildableError):
            return Trial(values, nothing, nothing)
        condition = resolve(self._condition(derivation, target), values)
        found = region(condition, unknowns)
        if not found.boxes:
            return Trial(values, nothing, nothing)
        kept = nothing_lost(derivation, read_for(derivation, map(Wire, target.mentioned), by_bounds))
        try:
            lossless = self._read_whole(values, found) if kept is None else region(both(condition, kept), unknowns)
        except Undecided:
            lossless = None
        return Trial(values, found, lossless)

    def _read_whole(self, values: Mapping[str, int], found: Region) -> Region | None:
        """The solutions that lose nothing, one by one where they are few; ``None`` where they are many or untold."""
        if found.rest is not True or found.ties or sum(_count(box) for box in found.boxes) > FEW:
            return None
        kept: list[Box] = []
        for box in found.boxes:
            for members in product(*box.values()):
                chosen = dict(zip(box, members, strict=True))
                derivation = self.derived({**values, **chosen})
                truth = nothing_lost(derivation, read_for(derivation, map(Wire, self.mentioned), by_bounds))
                if truth is None:
                    return None
                if truth is True:
                    kept.append({name: IntSet.finite([value]) for name, value in chosen.items()})
        return Region(tuple(kept))

    def _condition(self, derivation: Derivation, target: Target) -> Truth:
        return both(
            target.truth,
            needs(derivation, target.mentioned),
            assumed(derivation),
            limits(derivation, self.question.where),
        )

    # What is tried.

    def trials(self, tried: list[ParameterUnknown], ranges: Mapping[str, IntSet]) -> Iterator[dict[str, int]]:
        total = 1
        for unknown in tried:
            total *= int(ranges[unknown.name].count)
        if total > MAX_TRIALS:
            raise QuestionError(f"that is {total:,} combinations; narrow them with `where` to {MAX_TRIALS:,}")
        for done, values in enumerate(product(*(ranges[u.name] for u in tried))):
            self.progress(done, total)
            yield dict(zip((u.name for u in tried), values, strict=True))

    def ranges(self, tried: list[ParameterUnknown], general: Derivation | None) -> tuple[dict[str, IntSet], bool]:
        """The values to try of each parameter, and whether there can be no others."""
        allowed = {u.name: self.allowed(u, general) for u in tried}
        if all(members.is_finite for members in allowed.values()) and _count(allowed) <= MAX_TRIALS:
            # The conditions give the box themselves.
            return allowed, True
        ends = {u.name: self._most(u, general) for u in tried}
        closed = {
            name: members if members.is_finite else members & IntSet.interval(None, ends[name])
            for name, members in allowed.items()
        }
        total = 1
        for members in closed.values():
            total *= members.count if members.is_finite else MAX_NATURAL + 1  # type: ignore[assignment]
        limited = self.question.where is not None and any(self._is_limited(u) for u in tried)
        if total <= MAX_NATURAL and not (limited and len(tried) > 1):
            return closed, True
        return {u.name: self._usual_range(u, allowed[u.name]) for u in tried}, False

    def _usual_range(self, unknown: ParameterUnknown, allowed: IntSet) -> IntSet:
        """The usual values of a parameter, where too many are allowed to try them all."""
        few = allowed.is_finite and allowed.count <= MAX_TRIALS
        return allowed if few else allowed & IntSet.interval(-unknown.most, unknown.most)

    def _is_limited(self, unknown: ParameterUnknown) -> bool:
        """Whether the question itself limits a parameter."""
        truth = self._where_truth()
        items = truth.items if isinstance(truth, Both) else (truth,)
        return any(not isinstance(i, bool) and [s.text for s in i.symbols()] == [unknown.name] for i in items)

    def _where_truth(self) -> Truth:
        if self.question.where is None:
            return True
        derivation = derive(with_unknowns(self.base, self.graph, self.parameters, {}), self.fixed)
        return Reader(derivation).truth(self.question.where)

    def allowed(self, unknown: ParameterUnknown, general: Derivation | None) -> IntSet:
        """What `where`, and the layers' needs of this parameter alone, leave of it."""
        truths = [self._where_truth()]
        if general is not None:
            truths.append(needs(general, self.mentioned | {unknown.node}))
        allowed = IntSet.interval(unknown.least, None)
        for truth in truths:
            if truth is False:
                continue
            for item in truth.items if isinstance(truth, Both) else (truth,):
                if not isinstance(item, bool) and (room := _room(item, unknown)) is not None:
                    allowed = allowed & room
        return allowed

    def _most(self, unknown: ParameterUnknown, general: Derivation | None) -> int | None:
        """Beyond which value a parameter can make no difference, or no solution."""
        layer, inputs = self.base.layers[unknown.node], self.base.inputs(unknown.node)
        others_before = any(
            u.node in upstream(self.base, [unknown.node]) and (u.node != unknown.node or u.parameter == "padding")
            for u in self.parameters
            if u is not unknown
        )
        if inputs is None or unknown.hole or self.sizes or others_before:
            return self._monotone_most(unknown, general)
        if unknown.parameter == "groups":
            channels = layer.split(inputs[0])[0] if isinstance(layer, AxisWise) else None
            return channels if isinstance(channels, int) else None
        if isinstance(layer, AxisWise):
            axes = range(inputs[0].rank - 1) if unknown.axis is None else [unknown.axis]
            ends = [layer.natural_most(unknown.parameter, layer.split(inputs[0])[1][axis], axis) for axis in axes]
            if ends and all(isinstance(end, int) and end > 0 for end in ends):
                return max(end for end in ends if isinstance(end, int))
        return self._monotone_most(unknown, general)

    def _monotone_most(self, unknown: ParameterUnknown, general: Derivation | None) -> int | None:
        """The greatest value with a solution, where the wanted size only grows, or only shrinks, with every unknown.

        Then the other unknowns leave the most room at their least.
        """
        if general is None:
            return None
        try:
            target = read_target(general, self.question)
        except (QuestionError, ParameterError):
            return None
        items = target.truth.items if isinstance(target.truth, Both) else (target.truth,)
        rooms = [_room(item, unknown) for item in items if not isinstance(item, bool)]
        return min((room.max for room in rooms if room is not None and room.max is not None), default=None)

    # The whole set.

    def _extended(
        self,
        found: list[tuple[Trial, Box]],
        general: Derivation | None,
        ranges: Mapping[str, IntSet],
    ) -> list[Box]:
        """The boxes of every trial; the greatest stride of all stands for those beyond it, which do the same."""
        endless = {
            u.name: self.allowed(u, general) & IntSet.interval(most, None)
            for u in self.parameters
            if u.parameter == "stride"
            and u.name in ranges
            and (most := ranges[u.name].max) is not None
            and most == self._most(u, general)
            and not u.linear
        }
        boxes: list[Box] = []
        for trial, box in found:
            chosen = {name: IntSet.finite([value]) for name, value in trial.values.items()}
            for name, beyond in endless.items():
                if trial.values.get(name) == beyond.min:
                    chosen[name] = beyond
            whole = {**chosen, **box}
            boxes.append({name: whole[name] for name in self.names})
        return boxes


def _room(item: Condition, unknown: ParameterUnknown) -> IntSet | None:
    """What a condition leaves of one unknown whatever the others are; ``None`` where that is not seen.

    Law: if ``f`` only grows with every unknown, ``f(x, y) <= 0`` makes ``f(x, least y) <= 0``.
    """
    least = {s.text: s.least for s in item.symbols()}
    if least.pop(unknown.name, None) is None:
        return None
    bound: Truth = item
    if least:
        way = direction(item.gap) if isinstance(item, Comparison) else None
        if not isinstance(item, Comparison) or not way or item.op not in GROWING[way]:
            return None
        bound = resolve(compare(GROWING[way][item.op], item.gap, 0), least)
    try:
        return solutions(bound, unknown.symbol)
    except (Undecided, ZeroDivisionError):
        return None


GROWING = {1: {"==": "<=", "<=": "<=", "<": "<"}, -1: {"==": ">=", ">=": ">=", ">": ">"}}
"""The comparisons with 0 that what grows, or shrinks, can only leave, and what they are until then."""


def _rest(trials: Sequence[Trial]) -> Truth:
    """What solutions satisfy besides lying in a box, trial by trial."""
    if all(trial.found.rest is True for trial in trials):
        return True
    cases = []
    for trial in trials:
        chosen = (compare("==", Formula.of(Symbol(name, 0)), value) for name, value in trial.values.items())
        cases.append(both(*chosen, trial.found.rest))
    return either(*cases)


def _count(box: Box) -> float:
    """How many solutions a box holds."""
    return math.prod(members.count for members in box.values())


def _whole(values: Mapping[str, Dim | float]) -> dict[str, Dim]:
    """The values that a symbol can have."""
    return {name: value for name, value in values.items() if not isinstance(value, float)}
