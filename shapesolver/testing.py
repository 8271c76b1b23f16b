"""Hypothesis strategies: shapes for a user's own model, and layers and networks for tools that read them.

>>> from hypothesis import given
>>> from shapesolver import load
>>> from shapesolver.testing import input_shapes
>>> @given(input_shapes(load("unet.net")))
... def test_the_model_takes_what_the_file_says(shapes): model(torch.zeros(shapes["image"]))

What is drawn is drawn from complete answers: a valid size is a solution of ``net.valid()``, an invalid one is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError("shapesolver.testing needs hypothesis: pip install 'shapesolver[testing]'") from None

from shapesolver.arithmetic import substitute
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import apply
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.parameters import REQUIRED, Kind, Parameter
from shapesolver.layers.registry import kinds
from shapesolver.net import parse

if TYPE_CHECKING:
    from shapesolver.net import Net
    from shapesolver.solve.answers import Answer

__all__ = ["Placed", "input_shapes", "layers", "nets", "sizes"]

MOST = 512
"""The greatest input size drawn, unless the caller says otherwise."""
MAX_DRAWN = 6
"""How far above its least value a parameter is drawn."""
MAX_CHANNELS, MAX_EXTENT = 8, 24
"""The greatest sizes of a random network's input."""

Sizes = dict[str, int]


# Sizes and shapes of one network.


def sizes(net: Net, *, valid: bool = True, most: int = MOST) -> st.SearchStrategy[Sizes]:
    """Input sizes by name, ``{"H": 224, "W": 224}``, with which every layer can be built, or with which some cannot.

    They are between 1 and ``most``; valid ones keep the file's assumptions. Raises
    :class:`~shapesolver.ShapeSolverError` where there are none, or where the solver does not know.
    """
    # What breaks an assumption alone is no size that the model refuses.
    answer = net.valid() if valid else net.without_assumptions().valid()
    if answer.status != "proved":
        raise ShapeSolverError(f"the valid sizes of {net.name} are not known: {answer.reason}")
    return _valid(net, answer, most) if valid else _invalid(net, answer, most)


def input_shapes(
    net: Net, *, valid: bool = True, batch: int = 1, most: int = MOST
) -> st.SearchStrategy[dict[str, tuple[int, ...]]]:
    """The shape of every input by name, batch first and in the file's layout: ``{"image": (1, 3, 224, 224)}``.

    Raises :class:`~shapesolver.ShapeSolverError` as :func:`sizes` does.
    """
    return sizes(net, valid=valid, most=most).map(lambda values: net.input_shapes(batch, **values))


def _valid(net: Net, answer: Answer, most: int) -> st.SearchStrategy[Sizes]:
    within = IntSet.interval(1, most)
    boxes = [{name: members & within for name, members in box.items()} for box in answer.boxes]
    boxes = [box for box in boxes if all(box.values())]
    if not boxes:
        raise ShapeSolverError(f"{net.name} has no valid input size up to {most}; raise `most`")
    drawn = st.one_of(*(st.fixed_dictionaries({n: _members(m) for n, m in box.items()}) for box in boxes))

    def tied(values: Sizes) -> Sizes:
        return {**values, **{name: substitute(value, values) for name, value in answer.ties.items()}}

    return drawn.map(tied).filter(lambda values: answer.holds(**values) and max(values.values(), default=1) <= most)


def _invalid(net: Net, answer: Answer, most: int) -> st.SearchStrategy[Sizes]:
    within = IntSet.interval(1, most)
    anything: dict[str, st.SearchStrategy[int]] = dict.fromkeys(answer.unknowns, st.integers(1, most))
    directed = []
    for name in answer.unknowns:
        if name not in answer.ties:
            wrong = within - _union(box[name] for box in answer.boxes)
            if wrong:
                directed.append(st.fixed_dictionaries({**anything, name: _members(wrong)}))
    coupled = bool(answer.ties) or answer.condition is not True or len(answer.boxes) > 1
    if not directed and not coupled:
        raise ShapeSolverError(f"every input size of {net.name} up to {most} is valid")
    anywhere = [st.fixed_dictionaries(anything)] if coupled else []
    return st.one_of(*directed, *anywhere).filter(lambda values: not answer.holds(**values))


def _members(members: IntSet) -> st.SearchStrategy[int]:
    """Members of a finite set, shrinking to the least."""
    least, greatest = members.min, members.max
    assert least is not None and greatest is not None
    return st.integers(least, greatest).map(members.next_at_least).filter(lambda n: n is not None)  # type: ignore[return-value]


def _union(sets: Iterator[IntSet]) -> IntSet:
    found = IntSet.nothing()
    for members in sets:
        found |= members
    return found


# Layers of any registered kind.


class Placed(NamedTuple):
    """A layer and tensors to feed it, which it may refuse."""

    layer: Layer
    inputs: tuple[Tensor, ...]


def dialects() -> st.SearchStrategy[Dialect]:
    """Every dialect, ONNX on either side of its change of the pools."""
    return st.sampled_from(
        [Dialect.named("keras"), Dialect.named("torch"), Dialect.named("onnx"), Dialect.named("onnx", 21)]
    )


@st.composite
def layers(draw: st.DrawFn, ops: Sequence[str] | None = None) -> Placed:
    """A layer of any registered kind (or of ``ops``), and inputs of a rank that suits it."""
    kind = kinds()[draw(st.sampled_from(sorted(kinds()) if ops is None else ops))]
    dialect = draw(dialects())
    low, high = kind.spatial_ranks if issubclass(kind, AxisWise) else (0, 3)
    rank = draw(st.integers(low, high))
    layer = draw(_of_kind(kind, dialect, rank))
    least, most = kind.inputs
    count = draw(st.integers(least, least + 1 if most is None else most))
    drawn = draw(st.tuples(*[st.integers(1, 12)] * (rank + 1)))
    return Placed(layer, (Tensor(drawn, dialect.axes(rank + 1)),) * count)


@st.composite
def _of_kind(draw: st.DrawFn, kind: type[Layer], dialect: Dialect, rank: int) -> Layer:
    axes = dialect.axes(rank + 1)
    values = {
        name: parameter.read(draw(parameter_values(parameter, rank, axes)))
        for name, parameter in kind.parameters.items()
        if parameter.default is REQUIRED or draw(st.booleans())
    }
    return kind(dialect=dialect, **values)


def parameter_values(parameter: Parameter, rank: int, axes: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Values that a parameter takes, for an input with ``rank`` spatial axes."""
    match parameter.kind:
        case Kind.SIZE | Kind.COUNT:
            drawn: st.SearchStrategy[Any] = _whole(parameter)
        case Kind.PER_AXIS:
            drawn = _per_axis(_whole(parameter), rank)
        case Kind.FACTORS:
            drawn = st.sampled_from([1, 2, 3, 0.5, 0.7, 1.5, 2.3])
        case Kind.OFFSETS:
            drawn = st.one_of(_per_axis(_whole(parameter), rank), st.just("aligned"))
        case Kind.PADDING | Kind.AMOUNTS:
            pair = st.tuples(st.integers(0, 3), st.integers(0, 3))
            drawn = st.one_of(_per_axis(st.integers(0, 3), rank), st.tuples(*[pair] * max(rank, 1)))
            if parameter.kind is Kind.PADDING:
                drawn = st.one_of(drawn, st.sampled_from(["valid", "same", "causal"]))
        case Kind.SIZES:
            drawn = st.lists(_whole(parameter), min_size=1, max_size=3).map(tuple)
        case Kind.FLAG:
            drawn = st.booleans()
        case Kind.NUMBER:
            drawn = st.sampled_from([0.1, 0.5, 2])
        case Kind.WORD:
            drawn = st.sampled_from(parameter.choices)
        case Kind.AXIS:
            drawn = st.one_of(st.sampled_from(axes), st.integers(1, len(axes)), st.just(-1))
        case Kind.AXES:
            drawn = st.permutations(range(1, len(axes) + 1)).map(tuple)
        case Kind.TEXT:
            drawn = st.sampled_from(parameter.examples or ("Lambda", "relu", "my.Layer(3)", ""))
        case Kind.SHAPES:
            shape = st.lists(_whole(parameter), max_size=3).map(tuple)
            drawn = st.lists(shape, min_size=1, max_size=3).map(tuple)
        case Kind.TENSOR:
            drawn = st.none()
    return st.one_of(st.none(), drawn) if parameter.optional else drawn


def _whole(parameter: Parameter) -> st.SearchStrategy[int]:
    least = 0 if parameter.least is None else parameter.least
    return st.integers(least, least + MAX_DRAWN).filter(lambda n: n != 0 or least == 0)


def _per_axis(values: st.SearchStrategy[Any], rank: int) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.tuples(*[values] * max(rank, 1)))


# Networks.


@st.composite
def nets(draw: st.DrawFn, *, ops: Sequence[str] | None = None, most: int = 8) -> Net:
    """A network of up to ``most`` layers of any registered kind, with skips and joins, that can be built.

    Its input's spatial sizes are symbols, and at their usual values every layer has a size.
    """
    dialect = draw(dialects())
    rank = draw(st.integers(1, 3))
    channels = draw(st.sampled_from([1, 2, 4, MAX_CHANNELS]))
    extents = [draw(st.integers(1, MAX_EXTENT)) for _ in range(rank)]
    sketch = _Lines(dialect, channels, extents)
    for _ in range(draw(st.integers(0, most))):
        draw(_next_line(sketch, ops))
    return parse(sketch.text())


class _Lines:
    """The text of a network as it grows, and the tensors that its names stand for."""

    def __init__(self, dialect: Dialect, channels: int, extents: list[int]) -> None:
        self.dialect = dialect
        axes = dialect.axes(len(extents) + 1)
        named = dict(zip((axis for axis in axes if axis != "C"), extents, strict=True))
        sizes = tuple(named.get(axis, channels) for axis in axes)
        self.tensors = {"x": Tensor(sizes, axes)}
        shown = ", ".join(f"{axis}={named[axis]}" if axis in named else str(channels) for axis in axes)
        opset = f" opset={dialect.opset}" if dialect.onnx else ""
        self.lines = [f"dialect {dialect.name}{opset}", f"x = input({shown})"]

    def add(self, layer: Layer, sources: Sequence[str]) -> None:
        """A line, where the layer can be built on these tensors."""
        outcome = apply(layer, tuple(self.tensors[name] for name in sources))
        if outcome.broken is not None:
            return
        names = [f"t{len(self.tensors) + index}" for index in range(len(outcome.outputs))]
        if len(sources) == 1:
            call = f"{sources[0]} -> {layer.describe()}"
        else:
            given = layer.describe().partition("(")[2].removesuffix(")")
            call = f"{layer.op}({', '.join([*sources, *filter(None, [given])])})"
        self.lines.append(f"{', '.join(names)} = {call}")
        self.tensors.update(zip(names, outcome.outputs, strict=True))

    def text(self) -> str:
        """The file."""
        return "\n".join(self.lines) + "\n"


@st.composite
def _next_line(draw: st.DrawFn, sketch: _Lines, ops: Sequence[str] | None) -> None:
    """One more layer: on one tensor, or on two that were made before."""
    known = [*sketch.tensors]
    first = draw(st.sampled_from(known[::-1]))
    rank = max(sketch.tensors[first].rank - 1, 0)
    suitable = [op for op in sorted(kinds()) if _suits(op, rank) and (ops is None or op in ops)]
    if not suitable:
        return
    kind = kinds()[draw(st.sampled_from(suitable))]
    count = max(kind.inputs[0], 1)
    others = [draw(st.sampled_from(known)) for _ in range(count - 1)]
    sketch.add(draw(_of_kind(kind, sketch.dialect, rank)), [first, *others])


def _suits(op: str, rank: int) -> bool:
    kind = kinds()[op]
    if kind.inputs == (0, 0):
        return False
    return not issubclass(kind, AxisWise) or kind.spatial_ranks[0] <= rank <= kind.spatial_ranks[1]
