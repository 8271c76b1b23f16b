"""Questions in words to question values."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import Any

import lark
from lark import Token, Transformer, v_args

from shapesolver.diagnostics import ShapeSolverError
from shapesolver.language import tree
from shapesolver.language.assembly import Assembly, BadNumber
from shapesolver.language.grammars import build_parser
from shapesolver.language.questions import Inverse, Losing, Proof, Question, Valid, Why
from shapesolver.language.tokens import MAX_DEPTH
from shapesolver.language.wording import plain

MAX_LENGTH = 1000
"""The longest question, in characters."""

EXAMPLES = (
    "what input size gives 2x2",
    "what input size gives 2x2 at conv2",
    "what H gives conv2.H == 2",
    "what padding of conv2 gives 3x3",
    "what stride of conv1 gives 8x8 where conv1.kernel == 7",
    "what kernel, stride, padding of conv1 gives 112x112 where conv1.kernel <= 11",
    "what output_padding of up gives up.H == image.H for all H",
    "which input sizes are valid",
    "which input sizes lose nothing",
    "which layers lose pixels",
    "is conv2.H == (H - 7)//6 - 1",
    "why conv2",
)
"""The questions that can be asked, by example."""


class UnreadQuestionError(ShapeSolverError):
    """A question in words that the grammar does not have; the message names the closest that it has."""


def read_question(text: str) -> Question:
    """The question that a text asks; raises :class:`UnreadQuestionError`."""
    if len(text) > MAX_LENGTH:
        raise UnreadQuestionError(f"the question is longer than {MAX_LENGTH} characters")
    if max(text.count("("), text.count("["), len(re.findall(r"[-+*/%]|not\b", text))) > MAX_DEPTH:
        raise UnreadQuestionError(f"the question nests more than {MAX_DEPTH} deep")
    try:
        return _parser().parse(plain(text))  # type: ignore[return-value]
    except (lark.exceptions.LarkError, BadNumber):
        close = difflib.get_close_matches(text, EXAMPLES, n=3, cutoff=0.3) or EXAMPLES[:3]
        shown = "\n".join(f"  {example}" for example in close)
        raise UnreadQuestionError(f"cannot read {text!r} as a question; the closest are\n{shown}") from None


@cache
def _parser() -> lark.Lark:
    return build_parser("query.lark", "expression.lark", transformer=QueryAssembly())


@v_args(inline=True)
class QueryAssembly(Assembly, Transformer[Token, Any]):
    """One method a rule of ``query.lark``; expressions as in files."""

    def start(self, question: Any) -> Any:
        return question

    def all_sizes(self) -> tuple[str, ...]:
        return ()

    def unknowns(self, *names: Any) -> tuple[str, ...]:
        return tuple(map(dotted, names))

    def at(self, path: Any) -> tuple[str, Any]:
        return "at", dotted(path)

    def where(self, condition: Any) -> tuple[str, Any]:
        return "where", condition

    def for_all(self, *names: Token) -> tuple[str, Any]:
        return "for_all", tuple(map(str, names))

    def inverse(self, wanted: tuple[str, ...], target: Any, *tails: tuple[str, Any]) -> Inverse:
        return Inverse(wanted, target, **dict(tails))

    def conditions(self, *items: Any) -> Any:
        return items[0] if len(items) == 1 else tree.Logic("and", items, span=items[0].span.to(items[-1].span))

    def works(self, sizes: Any, *tails: tuple[str, Any]) -> Valid:
        return Valid(sizes=sizes, **dict(tails))

    def valid(self, *tails: tuple[str, Any]) -> Valid:
        return Valid(**dict(tails))

    def lossless(self, *tails: tuple[str, Any]) -> Valid:
        return Valid(lossless=True, **dict(tails))

    def losing(self) -> Losing:
        return Losing()

    def proof(self, condition: Any, *_: Any) -> Proof:
        return Proof(condition)

    def why(self, path: Any) -> Why:
        return Why(dotted(path))


def dotted(expression: Any) -> str:
    """A name with its dots and indices, as written."""
    match expression:
        case tree.Name(text=text):
            return text
        case tree.Hole(name=name):
            return name
        case tree.Attribute(value=value, name=name):
            return f"{dotted(value)}.{name}"
        case tree.Index(value=value, index=tree.Number(value=number)):
            return f"{dotted(value)}[{number}]"
    raise UnreadQuestionError("a name is needed here, such as conv2 or conv2.padding")
