"""Answers questions about one network, by pulling sizes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shapesolver.arithmetic import Both, Comparison, Dim, Truth, both
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import Undecided
from shapesolver.derive import Derivation, derive
from shapesolver.language import tree
from shapesolver.language.questions import Inverse, Valid
from shapesolver.layers.source import Input
from shapesolver.measure.extents import Reads, nothing_lost, read_for
from shapesolver.model.graph import Graph, Wire
from shapesolver.network import MAX_SIZE, Network
from shapesolver.solve.answers import Answer, Check, Status
from shapesolver.solve.conditions import all_nodes, assumed, limits, needs, unbuildable
from shapesolver.solve.errors import QuestionError
from shapesolver.solve.every_size import for_every_size
from shapesolver.solve.general import general_answer
from shapesolver.solve.later import Later
from shapesolver.solve.losses import UNTOLD
from shapesolver.solve.names import Reader
from shapesolver.solve.parameter_working import answered
from shapesolver.solve.parameters import ParameterQuestion
from shapesolver.solve.progress import Progress, unwatched
from shapesolver.solve.reasons import Asked, instead, why_not
from shapesolver.solve.regions import Region, region
from shapesolver.solve.repeats import repeat_asked, rounds_that_give
from shapesolver.solve.targets import Target, limits_text, normal, read_target
from shapesolver.solve.unknowns import ParameterUnknown, bare_unknown, hole_unknown, parameter_unknown
from shapesolver.solve.working import law_of, rule_for, unread_cells, worked


class Solver:
    """One network with its input sizes free."""

    def __init__(self, net: Network, progress: Progress = unwatched) -> None:
        self.net = net
        self.progress = progress
        self.graph: Graph = net.free().graph
        self.usual: dict[str, Dim] = {n: u for n, u in {**self.graph.symbols, **net.values}.items() if u is not None}

    def inverse(self, question: Inverse) -> Answer:
        """Every value of the unknowns that gives the target."""
        derivation = derive(self.graph)
        repeat = repeat_asked(self.graph, question.unknowns)
        if repeat is not None:
            return rounds_that_give(self.net, question, repeat, self.progress)
        question = normal(question, derivation)
        asked = [self._size_name(name) for name in question.unknowns]
        sizes = [name for name in asked if name in self.graph.symbols] if asked else [*self.graph.symbols]
        parameters = self._parameters([name for name in asked if name not in self.graph.symbols])
        owned = [f"{self.graph.nodes[u.node].path}.{u.parameter}" for u in parameters]
        question = replace(question, unknowns=(*owned, *sizes) if asked else ())
        stated = _stated_sizes(derivation, question.where)
        fixed = {n: v for n, v in {**(self.usual if asked else {}), **stated}.items() if n not in sizes}
        if question.for_all:
            return for_every_size(self.graph, question, parameters, self.usual, self.progress)
        if not parameters:
            return self._sizes(question, sizes, derive(self.graph, fixed) if fixed else derivation)
        asking = ParameterQuestion(self.graph, question, parameters, sizes, fixed, self.usual, self.progress)
        return answered(asking)

    def valid(self, question: Valid) -> Answer:
        """The input sizes that every layer can be built with."""
        self._no_holes()
        if question.sizes is not None:
            return self._works(question, question.sizes)
        derivation = derive(self.graph)
        words = "find every input size that the network can be built with"
        sizes = [*self.graph.symbols]
        reason = unbuildable(derivation)
        if reason:
            return Answer(words, Status.PROVED, tuple(sizes), reason=reason)
        read = Later(lambda: read_for(derivation, self.graph.outputs))
        condition = needs(derivation, all_nodes(derivation))
        if question.lossless:
            words += " and that leaves no input cell unread"
            lossless = nothing_lost(derivation, read.now(), every_input=True)
            if lossless is None:
                return Answer(words, Status.UNDECIDED, tuple(sizes), reason=UNTOLD)
            condition = both(condition, lossless)
        where = limits(derivation, question.where)
        asked = Asked(derivation, None, True, (), condition, assumed(derivation), where, self._symbols(sizes))
        words += limits_text(question.where)
        return self._solve(words, asked, read, whole=True, lossy=not question.lossless)

    def _works(self, question: Valid, asked: tree.Expression) -> Answer:
        """Whether the network can be built at the sizes asked about, and which nearby can."""
        at = self._stated(asked)
        words = f"is the network valid at {', '.join(f'{name} = {value}' for name, value in at.items())}"
        solver = Solver(self.net.at(**at), self.progress)
        full = {**solver.usual, **at}
        missing = [name for name in solver.graph.symbols if name not in full]
        if missing:
            raise QuestionError(f"say the size of {', '.join(missing)} too")
        derivation = derive(solver.graph, full)
        valid = solver.valid(replace(question, sizes=None))
        reason = unbuildable(derivation)
        if reason:
            return Answer(words, Status.PROVED, (), (), beside=valid.beside, reason=reason)
        if both(assumed(derivation), limits(derivation, question.where)) is False:
            reason = "every layer can be built, and the file or the question excludes it"
            return Answer(words, Status.PROVED, (), (), beside=valid.beside, reason=reason)
        return Answer(words, Status.PROVED, (), ({},), reason="every layer can be built")

    def _stated(self, asked: tree.Expression) -> dict[str, int]:
        """The sizes that a question states: ``(100, 100)``, ``100`` for all, or ``H == 100``."""
        reader = Reader(derive(self.graph))
        if isinstance(asked, (tree.Compare, tree.Logic)):
            truth = reader.truth(asked)
            items = truth.items if isinstance(truth, Both) else (truth,)
            at = {
                str(item.left): item.right
                for item in items
                if isinstance(item, Comparison) and item.op == "==" and isinstance(item.right, int)
            }
        else:
            value = reader.value(asked)
            names = [*self.graph.symbols]
            values = value if isinstance(value, tuple) else (value,) * len(names)
            if len(values) != len(names):
                return self._whole_shape(values)
            at = dict(zip(names, values, strict=True))
        return self._checked(at)

    def _whole_shape(self, values: tuple[Any, ...]) -> dict[str, int]:
        """The sizes of a shape that names the channels too."""
        inputs = [node.layer.outputs()[0] for node in self.graph.nodes if isinstance(node.layer, Input)]
        known = ", ".join(self.graph.symbols) or "none"
        if len(inputs) != 1 or inputs[0].rank != len(values):
            raise QuestionError(f"the sizes of this network are {known}, and {len(values)} are stated")
        at = {}
        for size, value in zip(inputs[0].sizes, values, strict=True):
            if isinstance(size, int) and size != value:
                raise QuestionError(f"the input is {inputs[0]}, and {value} stands for {size}")
            if not isinstance(size, int):
                at[str(size)] = value
        return self._checked(at)

    def _checked(self, at: dict[str, Any]) -> dict[str, int]:
        if not at or not at.keys() <= self.graph.symbols.keys():
            raise QuestionError(f"state sizes of this network: {', '.join(self.graph.symbols) or 'it has none'}")
        if any(not isinstance(value, int) or not 1 <= value <= MAX_SIZE for value in at.values()):
            raise QuestionError("a size is a whole number, 1 or more")
        return at

    def _sizes(self, question: Inverse, sizes: Sequence[str], derivation: Derivation) -> Answer:
        if not sizes:
            raise QuestionError(
                "the network has no input size to ask for; ask for a parameter, as in `what padding of conv1 gives 3x3`"
            )
        target = read_target(derivation, question)
        whose = "" if any("." in name for name in sizes) else f" of {self._inputs_text()}"
        words = f"find {', '.join(sizes)}{whose} {target.words}{limits_text(question.where)}"
        asked = self._asked(derivation, target, question, sizes)
        if target.letters:
            found = general_answer(words, asked, sizes, target.letters)
            return replace(found, rule=law_of(derivation, target.wire)) if target.wire else found
        wires = [target.wire] if target.wire else [Wire(node) for node in sorted(target.mentioned)]
        return self._solve(words, asked, Later(lambda: read_for(derivation, wires)), whole=False, lossy=True)

    def _asked(self, derivation: Derivation, target: Target, question: Inverse, sizes: Sequence[str]) -> Asked:
        return Asked(
            derivation,
            target.wire,
            target.truth,
            target.wanted,
            needs(derivation, target.mentioned),
            assumed(derivation),
            limits(derivation, question.where),
            self._symbols(sizes),
        )

    def _solve(self, words: str, asked: Asked, read: Later[Reads | None], whole: bool, lossy: bool) -> Answer:
        """The region of a condition, and, when it is looked at, what lets a person check it."""
        names = tuple(symbol.text for symbol in asked.unknowns)
        try:
            found = region(asked.condition, asked.unknowns)
        except Undecided as undecided:
            return Answer(words, Status.UNDECIDED, names, condition=asked.condition, reason=str(undecided))
        bare = _answer(words, found, names)
        if not bare.boxes:
            return replace(bare, reason=why_not(asked))

        def lossless() -> Answer:
            return _lossless(asked, nothing_lost(asked.derivation, read.now(), names), bare)

        def checks() -> tuple[Check, ...]:
            return worked(asked, self.graph, asked.wire or self.graph.outputs[0], answer, self.usual)

        def rule() -> str:
            return rule_for(asked.derivation, asked.wire) if asked.wire and not whole else ""

        answer = replace(
            bare,
            lossless=Later(lossless) if lossy else None,
            unread=Later(lambda: unread_cells(asked, bare, self.usual, read.now())) if lossy else (),
            checks=Later(checks),
            beside=Later(lambda: instead(answer, self.usual)) if whole else (),
            rule=Later(rule),
        )
        return answer

    # Unknowns.

    def _size_name(self, name: str) -> str:
        """``image.H`` as the symbol that it is."""
        owner, _, axis = name.rpartition(".")
        for node in self.graph.nodes:
            if node.path == owner and not node.inputs and name not in self.graph.symbols:
                (tensor,) = node.layer.outputs()
                if axis in tensor.axes:
                    size = str(tensor.sizes[tensor.axes.index(axis)])
                    return size if size in self.graph.symbols else name
        return name

    def _parameters(self, names: Sequence[str]) -> list[ParameterUnknown]:
        self._no_holes(set(names))
        if not names:
            return []
        derivation = derive(self.graph, self.usual)
        asked = [name for name in names if name not in self.graph.holes]
        found = [
            parameter_unknown(derivation, name) if "." in name else bare_unknown(derivation, name) for name in asked
        ]
        if len({unknown.node for unknown in found}) > 1:
            found = [replace(u, name=f"{self.graph.nodes[u.node].path}.{u.name}") for u in found]
        holes = [hole_unknown(self.graph, name) for name in names if name in self.graph.holes]
        by_name = dict(zip((*asked, *(h.name for h in holes)), (*found, *holes), strict=True))
        return [by_name[name] for name in dict.fromkeys(names)]

    def _no_holes(self, asked: set[str] | None = None) -> None:
        """That every hole of the file is asked for; raises :class:`QuestionError`."""
        left = sorted(self.graph.holes.keys() - (asked or set()))
        if left:
            holes = ", ".join(f"?{name}" for name in left)
            raise QuestionError(f"the file leaves {holes} open; ask for it too, as in `what {left[0]} gives ...`")

    def _inputs_text(self) -> str:
        return ", ".join(node.path for node in self.graph.nodes if node.layer.op == "input")

    def _symbols(self, sizes: Sequence[str]) -> tuple[Symbol, ...]:
        return tuple(Symbol(name, 1) for name in sizes)


def _stated_sizes(derivation: Derivation, where: tree.Expression | None) -> dict[str, Dim]:
    """The sizes that ``where H == 30`` states, which count in place of the usual ones."""
    truth = limits(derivation, where)
    items = truth.items if isinstance(truth, Both) else (truth,)
    return {
        str(item.left): item.right
        for item in items
        if isinstance(item, Comparison) and item.op == "==" and isinstance(item.right, int)
        if str(item.left) in derivation.graph.symbols
    }


def _answer(words: str, found: Region, names: tuple[str, ...]) -> Answer:
    return Answer(words, Status.PROVED, names, found.boxes, found.ties, condition=found.rest)


def _lossless(asked: Asked, lossless: Truth | None, answer: Answer) -> Answer:
    """The part of an answer that leaves nothing unread."""
    names, words = answer.unknowns, "of these, those that lose nothing"
    if lossless is True:
        return replace(answer, reading=words)
    if lossless is None:
        return Answer(words, Status.UNDECIDED, names, reason=UNTOLD)
    try:
        return _answer(words, region(both(asked.condition, lossless), asked.unknowns), names)
    except Undecided as undecided:
        return Answer(words, Status.UNDECIDED, names, reason=str(undecided))
