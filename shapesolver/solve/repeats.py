"""How often a repeat must be laid out: each number of rounds tried, the network laid out anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation, derive
from shapesolver.language.questions import Inverse
from shapesolver.model.graph import Graph, Wire
from shapesolver.network import Network
from shapesolver.solve.answers import Answer, Box, Check, Status
from shapesolver.solve.conditions import assumed, limits, needs
from shapesolver.solve.errors import QuestionError
from shapesolver.solve.progress import Progress
from shapesolver.solve.targets import limits_text, normal, read_target
from shapesolver.solve.working import along

WORDS = ("count", "rounds", "repeats", "times")
"""What the number of rounds may be called: ``count of repeat1``."""
MOST_ROUNDS = 64
"""The most rounds that are tried where no round is known to be the last that can be built."""

_ROUND = re.compile(r"(?:^|\.)(repeat\d+)\[")


def repeat_asked(graph: Graph, names: tuple[str, ...]) -> str | None:
    """The path of the repeat whose rounds are asked for, if that is the question; raises :class:`QuestionError`."""
    asked = [name.rpartition(".")[0] for name in names if name.rpartition(".")[2] in WORDS]
    bare = [name for name in names if name in WORDS]
    if not asked and not bare:
        return None
    known = sorted({node.path[: match.end(1)] for node in graph.nodes for match in _ROUND.finditer(node.path)})
    if len(names) > 1:
        raise QuestionError("the rounds of a repeat are asked for alone")
    if bare and len(known) == 1:
        return known[0]
    if not known or bare or asked[0] not in known:
        raise QuestionError(f"say which repeat, as in `count of repeat1`; the file has {', '.join(known) or 'none'}")
    return asked[0]


def rounds_that_give(net: Network, question: Inverse, path: str, progress: Progress) -> Answer:
    """The numbers of rounds for which the target holds at the usual sizes."""
    found: list[Box] = []
    checks: dict[int, Check] = {}
    complete, words, name = False, "", f"{path}.count"
    for count in range(MOST_ROUNDS + 1):
        progress(count, MOST_ROUNDS + 1)
        laid_out = net.repeated({path: count})
        if laid_out is None:
            continue
        free = laid_out.free()
        derivation = derive(free.graph, {**_usual(free), **laid_out.values})
        if _broken_inside(derivation, path):
            # Its first rounds are those of every longer one.
            complete = True
            break
        try:
            wanted = normal(replace(question, unknowns=()), derivation)
            target = read_target(derivation, wanted)
        except QuestionError:
            continue
        words = words or target.words
        checks[count] = Check({name: count}, _sizes(derivation, target.wire or Wire(max(target.mentioned))))
        met = (target.truth, needs(derivation, target.mentioned), assumed(derivation))
        if all(truth is True for truth in (*met, limits(derivation, question.where))):
            found.append({name: IntSet.finite([count])})
    if not checks:
        raise QuestionError("no number of rounds makes a network that has what is asked about")
    searched = {} if complete else {name: IntSet.interval(0, MOST_ROUNDS)}
    members = {box[name].min for box in found}
    return Answer(
        f"find {name} {words}{limits_text(question.where)}",
        Status.PROVED if complete else Status.BOUNDED,
        (name,),
        tuple(found),
        searched=searched,
        checks=tuple(_with_neighbours(checks, members)),
        reason="" if found else "no number of rounds does",
    )


def _usual(net: Network) -> dict[str, int]:
    return {name: usual for name, usual in net.graph.symbols.items() if usual is not None}


def _broken_inside(derivation: Derivation, path: str) -> bool:
    """Whether a layer of the repeat itself cannot be built."""
    return any(node.path.startswith(f"{path}[") for node, _ in derivation.broken())


def _sizes(derivation: Derivation, wire: Wire) -> tuple[int, ...]:
    tensor = derivation.tensor(*wire)
    if tensor is None:
        return ()
    return along(derivation, wire, next((axis for axis in tensor.axes if axis != "C"), tensor.axes[0]))


def _with_neighbours(checks: dict[int, Check], members: set[int | None]) -> Iterator[Check]:
    """The first solution, and the nearest numbers of rounds that are none."""
    first = min((count for count in checks if count in members), default=None)
    if first is None:
        return
    yield checks[first]
    others = [count for count in checks if count not in members]
    below, above = [c for c in others if c < first], [c for c in others if c > first]
    yield from (checks[count] for count in (*below[-1:], *above[:1]))
