"""Whether a claim holds for every valid size, with an example where it does not."""

from __future__ import annotations

from collections.abc import Mapping

from shapesolver.arithmetic import Formula, both, substitute
from shapesolver.arithmetic.decide import Proved, Refuted, decide
from shapesolver.derive import derive
from shapesolver.language import tree
from shapesolver.language.questions import Proof
from shapesolver.network import Network
from shapesolver.solve.answers import Answer, Status
from shapesolver.solve.conditions import assumed, needs
from shapesolver.solve.names import Reader
from shapesolver.solve.targets import text_of


def proof(net: Network, question: Proof) -> Answer:
    """Whether a condition holds for every valid size that the file's assumptions allow."""
    derivation = derive(net.free().graph)
    reader = Reader(derivation)
    claim = reader.truth(question.condition)
    assumptions = both(needs(derivation, reader.mentioned), assumed(derivation))
    verdict = decide(claim, assumptions)
    reading = f"prove or refute {text_of(question.condition)} for every valid size"
    if isinstance(verdict, Proved):
        reason = "no size is valid" if verdict.vacuous else "it holds for every valid size"
        return Answer(reading, Status.PROVED, (), ({},), reason=reason)
    if isinstance(verdict, Refuted):
        reason = _refuted(reader, question.condition, verdict.counterexample)
        return Answer(reading, Status.PROVED, (), (), reason=reason)
    return Answer(reading, Status.UNDECIDED, (), reason=str(verdict))


def _refuted(reader: Reader, claim: tree.Expression, at: Mapping[str, int]) -> str:
    """``false at H = 19, W = 19, where conv2.H is 1 and (H - 7)//6 is 2``."""
    sizes = ", ".join(f"{name} = {value}" for name, value in at.items())
    text = f"false at {sizes}" if sizes else "false for every size"
    match claim:
        case tree.Compare(first=first, rest=((_, second),)):
            sides = [
                f"{text_of(side)} is {substitute(value, at)}"
                for side in (first, second)
                if not isinstance(side, tree.Number) and isinstance(value := reader.value(side), (int, Formula))
            ]
            return f"{text}, where {' and '.join(sides)}" if sides else text
    return text
