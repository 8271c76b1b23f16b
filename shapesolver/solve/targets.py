"""What a question wants: a condition, or sizes for the axes of a layer, in words and as a truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim, Formula, Truth, both, compare, symbols
from shapesolver.derive import Derivation
from shapesolver.language import formatter, tree
from shapesolver.language.questions import Inverse
from shapesolver.layers.base import Tensor
from shapesolver.model.graph import Wire
from shapesolver.model.values import dotted_text
from shapesolver.solve.errors import QuestionError, UnbuildableError
from shapesolver.solve.names import Reader

AXIS_WORDS = {"H": "height", "W": "width", "L": "length", "D": "depth", "C": "channels"}


class Wanted(NamedTuple):
    """One size that is to be a number."""

    label: str
    """``conv2.H``."""
    size: Dim
    number: int


class Target(NamedTuple):
    """What is wanted, read over one derivation."""

    truth: Truth
    wire: Wire | None
    """The result that it is about, where it is one."""
    words: str
    mentioned: frozenset[int]
    """The nodes that it is about."""
    wanted: tuple[Wanted, ...] = ()
    """The sizes that are to be numbers."""
    letters: frozenset[str] = frozenset()
    """What stands for any size in it: the ``n`` of n x n."""


def normal(question: Inverse, derivation: Derivation) -> Inverse:
    """``conv2 == 2 x 2`` as the sizes 2 x 2 at conv2; any other question as it is."""
    match question.target:
        case tree.Compare(first=first, rest=(("==", tree.Tuple() | tree.Number() as sizes),)):
            path = dotted_text(first)
            if path in derivation.graph.names:
                return replace(question, target=sizes, at=path)
    return question


def read_target(derivation: Derivation, question: Inverse) -> Target:
    """The target; raises :class:`QuestionError` for one that means nothing here."""
    reader = Reader(derivation)
    if wants_sizes(question):
        wire = _wire(derivation, question)
        sizes = reader.value(question.target)
        pairs, places = _sizes_wanted(derivation, wire, sizes, question)
        truth = both(*(compare("==", size, number) for _, size, number in pairs))
        words = _sizes_words(derivation, wire, sizes, places, question)
        numbers = tuple(Wanted(label, size, number) for label, size, number in pairs if isinstance(number, int))
        return Target(truth, wire, words, frozenset([wire.node]), numbers, frozenset(reader.free))
    wanted = reader.truth(question.target)
    if not reader.mentioned:
        raise QuestionError("the condition mentions no layer; name one, as in `conv2.H == 2`")
    only = Wire(next(iter(reader.mentioned))) if len(reader.mentioned) == 1 else None
    numbers = tuple(_numbers(reader, question.target))
    mentioned, letters = frozenset(reader.mentioned), frozenset(reader.free)
    return Target(wanted, only, f"so that {text_of(question.target)}", mentioned, numbers, letters)


def _numbers(reader: Reader, target: tree.Expression) -> Iterator[Wanted]:
    """The equalities of a condition that all hold: ``conv2.H == 2 and conv2.W == 3``."""
    match target:
        case tree.Logic(op="and", operands=operands):
            for operand in operands:
                yield from _numbers(reader, operand)
        case tree.Compare(first=first, rest=(("==", second),)):
            sides = reader.value(first), reader.value(second)
            if isinstance(sides[0], (int, Formula)) and isinstance(sides[1], int):
                yield Wanted(text_of(first), sides[0], sides[1])
            elif isinstance(sides[1], Formula) and isinstance(sides[0], int):
                yield Wanted(text_of(second), sides[1], sides[0])


def about(derivation: Derivation, question: Inverse) -> tuple[str, frozenset[int]]:
    """The target in words and the nodes it is about, which need not be buildable yet."""
    if wants_sizes(question):
        wire = _wire(derivation, question)
        sizes = Reader(derivation).value(question.target)
        return f"so that {derivation.graph.nodes[wire.node].path} is {_by(sizes)}", frozenset([wire.node])
    return f"so that {text_of(question.target)}", frozenset(Reader(derivation).about(question.target))


def text_of(expression: tree.Expression) -> str:
    """An expression as people write it."""
    return formatter.expression(expression)


def limits_text(where: tree.Expression | None) -> str:
    """``, where kernel of conv1 <= 11``, or nothing."""
    return "" if where is None else f", where {text_of(where)}"


def wants_sizes(question: Inverse) -> bool:
    """Whether the target is sizes, and no condition."""
    return not isinstance(question.target, (tree.Compare, tree.Logic)) and not (
        isinstance(question.target, tree.Unary) and question.target.op == "not"
    )


def _wire(derivation: Derivation, question: Inverse) -> Wire:
    return Reader(derivation).wire(question.at) if question.at else _guessed(derivation, question)


def _guessed(derivation: Derivation, question: Inverse) -> Wire:
    """The last layer asked about; or else the last whose sizes depend on the input, elementwise ones passed over."""
    wanted = len(question.target.items) if isinstance(question.target, tree.Tuple) else 1
    asked = [_owner(derivation, name) for name in question.unknowns if "." in name]
    owners = [node for node in asked if node is not None]
    if owners:
        return Wire(max(owners))
    fitting: list[int] = []
    for index in range(len(derivation.graph.nodes) - 1, -1, -1):
        tensor = derivation.tensor(index)
        if tensor is None or derivation.layers[index].elementwise:
            continue
        places = spatial(tensor)
        number = isinstance(question.target, tree.Number) and bool(places)
        if len(places) == wanted or (places and tensor.rank == wanted) or number:
            if any(symbols(tensor.sizes[place]) for place in places):
                return Wire(index)
            fitting.append(index)
    if fitting:
        return Wire(fitting[0])
    raise QuestionError(f"no layer has {wanted} spatial axes; name one with `at LAYER`")


def _owner(derivation: Derivation, name: str) -> int | None:
    """The layer that a parameter belongs to: the longest path before a dot."""
    path = name
    while path:
        path = path.rpartition(".")[0]
        for index, node in enumerate(derivation.graph.nodes):
            if node.path == path:
                return index
    return None


def spatial(tensor: Tensor) -> list[int]:
    """The places of the axes that are not channels."""
    return [place for place, axis in enumerate(tensor.axes) if axis != "C"]


def _sizes_wanted(
    derivation: Derivation, wire: Wire, sizes: Any, question: Inverse
) -> tuple[list[tuple[str, Dim, Dim]], list[int]]:
    """Each wanted size with its label, and the places of the axes meant."""
    tensor = derivation.tensor(*wire)
    path = question.at or derivation.graph.nodes[wire.node].path
    if tensor is None:
        raise UnbuildableError(f"{path} cannot be built")
    if isinstance(sizes, float) or (isinstance(sizes, tuple) and any(isinstance(s, float) for s in sizes)):
        raise QuestionError(f"sizes are whole numbers, and {_by(sizes)} is not")
    # A layer without spatial axes has its features alone to ask about.
    places = spatial(tensor) or [*range(tensor.rank)]
    if not isinstance(sizes, tuple):
        sizes = (sizes,) * len(places)
    if len(sizes) == tensor.rank:
        places = [*range(tensor.rank)]
    if len(sizes) != len(places):
        axes = f"{len(sizes)} {'axis' if len(sizes) == 1 else 'axes'}"
        raise QuestionError(f"{path} is {tensor}, and {_by(sizes)} names {axes}")
    wanted = [(f"{path}.{tensor.axes[i]}", tensor.sizes[i], size) for i, size in zip(places, sizes, strict=True)]
    return wanted, places


def _sizes_words(derivation: Derivation, wire: Wire, sizes: Any, places: list[int], question: Inverse) -> str:
    node = derivation.graph.nodes[wire.node]
    owned = any("." in name for name in question.unknowns)
    note = ""
    tensor = derivation.tensor(*wire)
    if question.at is None and not owned and tensor is not None:
        note = f" (the last layer with {axes_text([tensor.axes[i] for i in places])})"
    return f"so that {question.at or node.path}{note} is {_by(sizes)}"


def _by(sizes: Any) -> str:
    return " x ".join(map(str, sizes if isinstance(sizes, tuple) else (sizes,)))


def axes_text(axes: Sequence[str]) -> str:
    """``height and width``."""
    words = [AXIS_WORDS.get(axis, axis) for axis in axes]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
