"""Questions to answers: what goes in, if this comes out. The set is always complete, or the answer says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapesolver.language import parse_expression
from shapesolver.language.queries import read_question
from shapesolver.language.questions import Inverse, Losing, Proof, Valid, Why
from shapesolver.solve.answers import Answer, Status
from shapesolver.solve.errors import QuestionError, unknown_layer
from shapesolver.solve.losses import losing_layers
from shapesolver.solve.progress import Progress, unwatched
from shapesolver.solve.proofs import proof
from shapesolver.solve.solver import Solver

if TYPE_CHECKING:
    from shapesolver.language import tree
    from shapesolver.network import Network

__all__ = ["Answer", "QuestionError", "Status", "ask", "solve"]


def ask(net: Network, text: str, progress: Progress = unwatched) -> Answer:
    """The answer to a question in words; a long one tells its progress."""
    question = read_question(text)
    match question:
        case Inverse():
            return Solver(net, progress).inverse(question)
        case Valid():
            return Solver(net, progress).valid(question)
        case Proof():
            return proof(net, question)
        case Losing():
            return losing_layers(net)
        case Why(path=path):
            return _why(net, path)


def _why(net: Network, path: str) -> Answer:
    """The chain of formulas behind a layer's size, or behind one axis of it: ``why conv2.H``."""
    from shapesolver.provenance import explain
    from shapesolver.render.provenance import chain_text

    owner, _, axis = path.rpartition(".")
    whole = path in net or owner not in net
    if whole and path not in net:
        raise unknown_layer(net.graph, path)
    chains = [chain for chain in explain(net, path if whole else owner) if whole or chain.axis == axis]
    if not chains:
        raise QuestionError(f"{owner} has no axis {axis}; it has {', '.join(net[owner].axes)}")
    return Answer(f"why {path} has its size", Status.PROVED, (), ({},), reason=chain_text(tuple(chains)))


def solve(net: Network, target: str, unknowns: tuple[str, ...], at: str | None, where: str) -> Answer:
    """Every value of the unknowns that gives the target; see :meth:`shapesolver.net.Net.solve`."""
    limits = _condition(where) if where else None
    return Solver(net).inverse(Inverse(unknowns, _condition(target), at, limits))


def _condition(text: str) -> tree.Expression:
    expression, diagnostics = parse_expression(text)
    if expression is None:
        reason = "; ".join(d.message for d in diagnostics) or "it is no expression"
        raise QuestionError(f"cannot read {text!r}: {reason}")
    return expression
