"""Answers questions about one network, by pulling sizes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from shapesolver.arithmetic import Dim, Truth, both, compare, resolve
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.decide import Proved, Refuted, decide
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.derive import Derivation, derive
from shapesolver.language import formatter, tree
from shapesolver.language.questions import Inverse, Proof, Valid
from shapesolver.layers.parameters import ParameterError
from shapesolver.layers.windows import Windowed
from shapesolver.model.graph import Graph, Wire
from shapesolver.network import Network
from shapesolver.solve.answers import Answer, Box, Status
from shapesolver.solve.coverage import nothing_lost
from shapesolver.solve.names import Reader
from shapesolver.solve.regions import Region, region
from shapesolver.solve.unknowns import (
    ParameterUnknown,
    QuestionError,
    UnbuildableError,
    hole_unknown,
    parameter_unknown,
    tried_and_solved,
    with_unknowns,
)
from shapesolver.solve.working import instead, rule_for, unread_cells, why_not, worked

MAX_NATURAL = 5_000
"""The greatest natural limit of a parameter up to which every value is tried, so that the answer is proved."""
MAX_TRIALS = 200_000
"""The most combinations of enumerated parameters that one question may try."""


class Solver:
    """One network with its input sizes free."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.graph: Graph = net.free().graph
        self.usual: dict[str, Dim] = {n: u for n, u in {**self.graph.symbols, **net.values}.items() if u is not None}

    # Questions.

    def inverse(self, question: Inverse) -> Answer:
        """Every value of the unknowns that gives the target."""
        sizes = [name for name in question.unknowns if name in self.graph.symbols]
        parameters = self._parameters([name for name in question.unknowns if name not in self.graph.symbols])
        if not question.unknowns:
            sizes = [*self.graph.symbols]
        if question.for_all:
            return self._for_all(question, parameters)
        fixed = {} if not parameters and not question.unknowns else self._fixed(sizes)
        if not parameters:
            return self._sizes(question, sizes, fixed)
        return self._with_parameters(question, parameters, sizes, fixed)

    def valid(self, question: Valid) -> Answer:
        """The input sizes that every layer can be built with."""
        derivation = derive(self.graph)
        condition = both(self._needs(derivation, None), self._where(derivation, question.where))
        for _, broken in derivation.broken():
            trouble = broken.trouble()
            return self._answer("find the valid input sizes", Region(()), [], reason=trouble.message)
        lossless = self._nothing_lost(derivation, list(self.graph.outputs), self.graph.symbols)
        reading = "find every input size that the network can be built with"
        if question.lossless:
            reading += " and that leaves no input cell unread"
            if lossless is None:
                reason = "a stride beyond its window leaves gaps, and intervals do not tell which cells are read"
                return Answer(reading, Status.UNDECIDED, tuple(self.graph.symbols), reason=reason)
            condition, lossless = both(condition, lossless), None
        return self._solve(reading, condition, self._symbols(self.graph.symbols), lossless, None, derivation)

    def proof(self, question: Proof) -> Answer:
        """Whether a condition holds for every valid size that the file's assumptions allow."""
        derivation = derive(self.graph)
        reader = Reader(derivation)
        condition = reader.truth(question.condition)
        assumed = both(self._needs(derivation, reader.mentioned), self._assumed(derivation))
        verdict = decide(condition, assumed)
        reading = f"prove or refute {_text(question.condition)} for every valid size"
        if isinstance(verdict, Proved):
            reason = "no size is valid" if verdict.vacuous else "it holds for every valid size"
            return Answer(reading, Status.PROVED, (), ({},), reason=reason)
        if isinstance(verdict, Refuted):
            sizes = ", ".join(f"{name} = {value}" for name, value in verdict.counterexample.items())
            return Answer(reading, Status.PROVED, (), (), reason=f"false at {sizes or 'every size'}")
        return Answer(reading, Status.UNDECIDED, (), reason=str(verdict))

    # Sizes alone.

    def _sizes(self, question: Inverse, sizes: Sequence[str], fixed: Mapping[str, Dim]) -> Answer:
        derivation = derive(self.graph, fixed)
        wanted, wire, reading, mentioned = self._target(derivation, question)
        condition = both(wanted, self._needs(derivation, mentioned), self._where(derivation, question.where))
        wires = [wire] if wire else [Wire(node) for node in mentioned]
        lossless = self._nothing_lost(derivation, wires, sizes)
        reading = f"find {', '.join(sizes)} of {self._inputs_text()} {reading}"
        return self._solve(reading, condition, self._symbols(sizes), lossless, wire, derivation)

    def _solve(
        self,
        reading: str,
        condition: Truth,
        unknowns: list[Symbol],
        lossless: Truth | None,
        wire: Wire | None,
        derivation: Derivation,
    ) -> Answer:
        try:
            found = region(condition, unknowns)
        except Undecided as undecided:
            return Answer(reading, Status.UNDECIDED, _names(unknowns), condition=condition, reason=str(undecided))
        answer = self._answer(reading, found, unknowns)
        if not answer.boxes:
            return replace(answer, reason=why_not(derivation, wire, condition, unknowns))
        if lossless is not None:
            unread = unread_cells(derivation, wire, answer, self.usual) if wire else ()
            answer = replace(answer, lossless=self._lossless(condition, lossless, unknowns), unread=unread)
        checks = worked(self.graph, wire or self.graph.outputs[0], answer, self.usual)
        answer = replace(answer, checks=checks, beside=instead(answer, self.usual) if wire is None else ())
        return replace(answer, rule=rule_for(derivation, wire)) if wire else answer

    def _lossless(self, condition: Truth, lossless: Truth, unknowns: list[Symbol]) -> Answer | None:
        try:
            return self._answer(
                "of these, those that lose nothing", region(both(condition, lossless), unknowns), unknowns
            )
        except Undecided:
            return None

    def _answer(self, reading: str, found: Region, unknowns: Sequence[Symbol], reason: str = "") -> Answer:
        return Answer(
            reading,
            Status.PROVED,
            _names(unknowns),
            found.boxes,
            found.ties,
            condition=found.rest,
            reason=reason,
        )

    # Parameters.

    def _parameters(self, names: Sequence[str]) -> list[ParameterUnknown]:
        left = self.graph.holes.keys() - set(names)
        if left:
            holes = ", ".join(f"?{name}" for name in sorted(left))
            raise QuestionError(f"the file leaves {holes} open; ask for it too, as in `what {min(left)} gives ...`")
        asked = [name for name in names if name not in self.graph.holes]
        for name in asked:
            if "." not in name:
                known = ", ".join(self.graph.symbols) or "none"
                hint = f"a parameter is asked for as `{name} of conv1`"
                raise QuestionError(f"{name} is no size of this network ({known}); {hint}")
        qualified = len({name.rpartition(".")[0] for name in asked}) > 1
        return [self._parameter(name, qualified) for name in names]

    def _parameter(self, name: str, qualified: bool) -> ParameterUnknown:
        if name in self.graph.holes:
            return hole_unknown(self.graph, name)
        owner, _, parameter = name.rpartition(".")
        return parameter_unknown(self.graph, owner, parameter, qualified)

    def _with_parameters(
        self,
        question: Inverse,
        parameters: list[ParameterUnknown],
        sizes: list[str],
        fixed: Mapping[str, Dim],
    ) -> Answer:
        tried, solved = tried_and_solved(parameters)
        names = tuple(u.name for u in parameters) + tuple(sizes)
        base = derive(self.graph, fixed)
        reading, mentioned = self._about(base, question)
        ranges = {u.name: self._range(u, question.where, parameters, fixed) for u in tried}
        natural = self._natural_most(base, tried)
        if natural is not None:
            (only,) = tried
            allowed = self._allowed(only, question.where, parameters, fixed)
            ranges = {only.name: allowed & IntSet.interval(None, natural)}
        graph = _cut(self.graph, max((*mentioned, *(u.node for u in parameters))))
        unknowns = [*(u.symbol for u in solved), *self._symbols(sizes)]
        boxes: list[Box] = []
        for values in self._trials(tried, ranges):
            found = self._trial(graph, question, parameters, values, unknowns, fixed)
            if found.rest is not True:
                reason = "the unknowns are joined in a way that does not come apart"
                return Answer(reading, Status.UNDECIDED, names, reason=reason)
            chosen = {name: IntSet.finite([value]) for name, value in values.items()}
            boxes += [{**chosen, **box} for box in found.boxes]
        if natural is not None:
            boxes = _beyond(boxes, tried[0].name, natural, allowed)
        boxes.sort(key=lambda box: [members.min or 0 for _, members in sorted(box.items(), key=_padding_first)])
        ordered = tuple({name: box[name] for name in names} for box in boxes)
        status = Status.BOUNDED if tried and natural is None else Status.PROVED
        searched = ranges if status is Status.BOUNDED else {}
        return Answer(reading, status, names, ordered, searched=searched, reason="" if ordered else "no value does")

    def _natural_most(self, derivation: Derivation, tried: list[ParameterUnknown]) -> int | None:
        """Where a single enumerated parameter can change nothing more: its padded input's size, or its channels.

        A kernel beyond the padded input does not fit, a stride beyond it makes one window whatever it is, and
        groups beyond the channels do not divide them.
        """
        if len(tried) != 1 or tried[0].parameter not in ("stride", "kernel", "groups"):
            return None
        layer, inputs = derivation.layers[tried[0].node], derivation.inputs(tried[0].node)
        if inputs is None or not isinstance(layer, Windowed) or not all(isinstance(n, int) for n in inputs[0].sizes):
            return None
        channels, spatial = layer.split(inputs[0])
        if tried[0].parameter == "groups":
            return channels if isinstance(channels, int) else None
        padded = [n + sum(layer.pads(n, axis)) for axis, n in enumerate(spatial)]
        most = max((n for n in padded if isinstance(n, int)), default=0)
        return most if 0 < most <= MAX_NATURAL else None

    def _trial(
        self,
        graph: Graph,
        question: Inverse,
        parameters: list[ParameterUnknown],
        values: Mapping[str, int],
        unknowns: list[Symbol],
        fixed: Mapping[str, Dim],
    ) -> Region:
        """The solutions for one choice of the parameters that are tried."""
        try:
            derivation = derive(with_unknowns(graph, parameters, values), {**fixed, **values})
            wanted, _, _, mentioned = self._target(derivation, question)
        except (ParameterError, UnbuildableError):
            return Region(())
        condition = both(wanted, self._needs(derivation, mentioned), self._where(derivation, question.where))
        return region(resolve(condition, values), unknowns)

    def _trials(self, tried: list[ParameterUnknown], ranges: Mapping[str, IntSet]) -> Iterator[dict[str, int]]:
        total = 1
        for unknown in tried:
            total *= ranges[unknown.name].count  # type: ignore[assignment]
        if total > MAX_TRIALS:
            raise QuestionError(f"that is {total:,} combinations; narrow them with `where` to {MAX_TRIALS:,}")
        for values in product(*(ranges[u.name] for u in tried)):
            yield dict(zip((u.name for u in tried), values, strict=True))

    def _range(
        self,
        unknown: ParameterUnknown,
        where: tree.Expression | None,
        parameters: list[ParameterUnknown],
        fixed: Any,
    ) -> IntSet:
        """The values tried of a parameter: what `where` leaves of it, or a usual range where that is endless."""
        allowed = self._allowed(unknown, where, parameters, fixed)
        return allowed if allowed.is_finite else allowed & IntSet.interval(None, unknown.most)

    def _allowed(
        self,
        unknown: ParameterUnknown,
        where: tree.Expression | None,
        parameters: list[ParameterUnknown],
        fixed: Any,
    ) -> IntSet:
        """What `where` leaves of a parameter."""
        allowed = IntSet.interval(unknown.least, None)
        if where is not None:
            derivation = derive(with_unknowns(self.graph, parameters, {}), fixed)
            truth = Reader(derivation).truth(where)
            items = truth.items if hasattr(truth, "items") else (truth,)
            for item in items:
                if not isinstance(item, bool) and [s.text for s in item.symbols()] == [unknown.name]:
                    allowed = allowed & solutions(item, unknown.symbol)
        return allowed

    def _for_all(self, question: Inverse, parameters: list[ParameterUnknown]) -> Answer:
        """The values of parameters for which the target holds at every size; and which sizes suit the others."""
        ranges = {u.name: self._range(u, question.where, parameters, {}) for u in parameters}
        names = tuple(u.name for u in parameters)
        always: list[Box] = []
        cases: list[str] = []
        for values in self._trials(parameters, ranges):
            try:
                derivation = derive(with_unknowns(self.graph, parameters, values), values)
                wanted, _, _, mentioned = self._target(derivation, question)
            except (ParameterError, UnbuildableError):
                continue
            needs = both(self._needs(derivation, mentioned), self._assumed(derivation))
            if needs is False:
                continue
            if isinstance(decide(wanted, needs), Proved):
                always.append({name: IntSet.finite([value]) for name, value in values.items()})
            else:
                cases += self._suits(values, both(wanted, needs), question.for_all)
        reading = f"find {', '.join(names)} so that {_text(question.target)} for all {', '.join(question.for_all)}"
        rule = "; ".join(cases)
        reason = "" if always else "no value does for every size"
        return Answer(reading, Status.BOUNDED, names, tuple(always), rule=rule, searched=ranges, reason=reason)

    def _suits(self, values: Mapping[str, int], condition: Truth, sizes: tuple[str, ...]) -> Iterator[str]:
        """For one choice of parameters, the sizes at which the target holds, in words."""
        if isinstance(condition, bool):
            return
        for size in sizes:
            mine = [s for s in condition.symbols() if s.text == size]
            if len(condition.symbols()) == len(mine) == 1:
                found = solutions(condition, mine[0])
                if found:
                    given = ", ".join(f"{name} {value}" for name, value in values.items())
                    yield f"{given} when {found.describe(size)}"

    # Conditions.

    def _target(self, derivation: Derivation, question: Inverse) -> tuple[Truth, Wire | None, str, set[int]]:
        """What is wanted, of which result, in words, and the nodes that it is about."""
        reader = Reader(derivation)
        if isinstance(question.target, (tree.Tuple, tree.Number)):
            wire = reader.wire(question.at) if question.at else self._last_image(derivation, question)
            sizes = reader.value(question.target)
            owned = any(name.startswith(derivation.graph.nodes[wire.node].path) for name in question.unknowns)
            label = question.at or derivation.graph.nodes[wire.node].path
            return *self._shape_target(derivation, wire, sizes, label, question.at is None and not owned), {wire.node}
        wanted = reader.truth(question.target)
        if not reader.mentioned:
            raise QuestionError("the condition mentions no layer; name one, as in `conv2.H == 2`")
        only = Wire(next(iter(reader.mentioned))) if len(reader.mentioned) == 1 else None
        return wanted, only, f"so that {_text(question.target)}", reader.mentioned

    def _about(self, derivation: Derivation, question: Inverse) -> tuple[str, set[int]]:
        """The question about parameters in words, and the nodes it is about; these need not be buildable yet."""
        find = f"find {', '.join(name.rpartition('.')[2] for name in question.unknowns)}"
        if isinstance(question.target, (tree.Tuple, tree.Number)):
            wire = Reader(derivation).wire(question.at) if question.at else self._last_image(derivation, question)
            sizes = Reader(derivation).value(question.target)
            text = " x ".join(map(str, sizes if isinstance(sizes, tuple) else (sizes,)))
            return f"{find} so that {derivation.graph.nodes[wire.node].path} is {text}", {wire.node}
        return f"{find} so that {_text(question.target)}", Reader(derivation).about(question.target)

    def _shape_target(
        self, derivation: Derivation, wire: Wire, sizes: Any, path: str, guessed: bool
    ) -> tuple[Truth, Wire, str]:
        tensor = derivation.tensor(*wire)
        if tensor is None:
            raise UnbuildableError(f"{path} cannot be built")
        spatial = [i for i, axis in enumerate(tensor.axes) if axis != "C"]
        if isinstance(sizes, int):
            sizes = (sizes,) * len(spatial)
        if len(sizes) == tensor.rank:
            spatial = [*range(tensor.rank)]
        if len(sizes) != len(spatial):
            raise QuestionError(f"{path} is {tensor}, and {' x '.join(map(str, sizes))} names {len(sizes)} axes")
        wanted = both(*(compare("==", tensor.sizes[i], size) for i, size in zip(spatial, sizes, strict=True)))
        note = f" (the last layer with {_axes_text([tensor.axes[i] for i in spatial])})" if guessed else ""
        return wanted, wire, f"so that {path}{note} is {' x '.join(map(str, sizes))}"

    def _inputs_text(self) -> str:
        return ", ".join(node.path for node in self.graph.nodes if node.layer.op == "input")

    def _last_image(self, derivation: Derivation, question: Inverse) -> Wire:
        """The last layer that has spatial axes for the sizes asked, elementwise ones passed over."""
        wanted = len(question.target.items) if isinstance(question.target, tree.Tuple) else 1
        asked = [name.rpartition(".")[0] for name in question.unknowns if "." in name]
        for path in asked:
            if path in derivation.graph.names:
                return derivation.graph.names[path]
        for index in range(len(derivation.graph.nodes) - 1, -1, -1):
            tensor = derivation.tensor(index)
            if tensor is None or derivation.layers[index].elementwise:
                continue
            spatial = [axis for axis in tensor.axes if axis != "C"]
            if len(spatial) == wanted or (spatial and isinstance(question.target, tree.Number)):
                return Wire(index)
        raise QuestionError(f"no layer has {wanted} spatial axes; name one with `at LAYER`")

    def _needs(self, derivation: Derivation, targets: set[int] | None) -> Truth:
        """What the layers up to the targets need; of the whole network for ``None``."""
        if targets is None:
            return both(*(need.truth for _, need in derivation.conditions()))
        wanted = set(targets)
        truths: list[Truth] = []
        for index in range(max(wanted, default=-1), -1, -1):
            if index not in wanted:
                continue
            wanted.update(wire.node for wire in derivation.graph.nodes[index].inputs)
            outcome = derivation.outcomes[index]
            if outcome is None or outcome.broken is not None:
                return False
            truths.extend(condition.truth for condition in outcome.conditions)
        return both(*truths)

    def _where(self, derivation: Derivation, where: tree.Expression | None) -> Truth:
        return both(self._assumed(derivation), True if where is None else Reader(derivation).truth(where))

    def _assumed(self, derivation: Derivation) -> Truth:
        """The file's assumptions, as far as they are about what is derived."""
        truths = (derivation.truth(claim) for claim in derivation.graph.assumptions)
        pending = derivation.graph.references.keys() - derivation.known.keys()
        return both(*(t for t in truths if isinstance(t, bool) or not any(s.text in pending for s in t.symbols())))

    def _nothing_lost(self, derivation: Derivation, wires: list[Wire], sizes: Iterable[str]) -> Truth | None:
        axes = {name.rpartition(".")[2] for name in sizes}
        truths: list[Truth] = []
        for axis in sorted(axes):
            lost = [nothing_lost(derivation, wire, axis) for wire in wires]
            if None in lost:
                return None
            truths += [truth for truth in lost if truth is not None]
        return both(*truths)

    def _fixed(self, unknown_sizes: Sequence[str]) -> dict[str, Dim]:
        return {name: value for name, value in self.usual.items() if name not in unknown_sizes}

    def _symbols(self, sizes: Any) -> list[Symbol]:
        return [Symbol(name, 1) for name in sizes]


def _names(unknowns: Sequence[Symbol]) -> tuple[str, ...]:
    return tuple(symbol.text for symbol in unknowns)


def _cut(graph: Graph, last: int) -> Graph:
    """The graph up to a node: what lies after it has no part in the answer."""
    references = {text: ref for text, ref in graph.references.items() if ref.wire.node <= last}
    return replace(graph, nodes=graph.nodes[: last + 1], references=references)


def _padding_first(item: tuple[str, IntSet]) -> tuple[bool, str]:
    """Solutions are listed by their padding, the smallest first, and then by the other parameters."""
    return not item[0].endswith("padding"), item[0]


def _beyond(boxes: list[Box], name: str, most: int, allowed: IntSet) -> list[Box]:
    """Strides from ``most`` on all do what ``most`` does: its box stands for them all."""
    if not name.endswith("stride"):
        return boxes
    endless = IntSet.interval(most, None) & allowed
    return [{**box, name: endless} if most in box[name] else box for box in boxes]


def _text(expression: tree.Expression) -> str:
    return formatter.expression(expression)


def _axes_text(axes: Sequence[str]) -> str:
    words = {"H": "height", "W": "width", "L": "length", "D": "depth", "C": "channels"}
    return " and ".join(words.get(axis, axis) for axis in axes)
