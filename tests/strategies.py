"""What the law tests draw from: any registered layer with any parameters, and inputs for it.

A new layer is tested by being registered: its parameters are drawn from their declarations.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from shapesolver.arithmetic import floor_div, maximum, minimum, symbol
from shapesolver.layers.base import AxisWise, Layer, Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.parameters import REQUIRED, Kind, Parameter
from shapesolver.layers.registry import kinds

MAX_DRAWN = 6

ALL_KINDS = sorted(kinds())
AXIS_WISE = [op for op in ALL_KINDS if issubclass(kinds()[op], AxisWise)]

dialects = st.sampled_from(
    [Dialect.named("keras"), Dialect.named("torch"), Dialect.named("onnx"), Dialect.named("onnx", 21)]
)


class Placed(NamedTuple):
    """A layer and tensors to feed it, which it may refuse."""

    layer: Layer
    inputs: tuple[Tensor, ...]


def whole(parameter: Parameter) -> st.SearchStrategy[int]:
    least = 0 if parameter.least is None else parameter.least
    return st.integers(least, least + MAX_DRAWN).filter(lambda n: n != 0 or least == 0)


def per_axis(values: st.SearchStrategy[Any], rank: int) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.tuples(*[values] * max(rank, 1)))


def parameter_values(parameter: Parameter, rank: int, axes: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Values that a parameter takes, for an input with ``rank`` spatial axes."""
    match parameter.kind:
        case Kind.SIZE:
            drawn: st.SearchStrategy[Any] = whole(parameter)
        case Kind.PER_AXIS:
            drawn = per_axis(whole(parameter), rank)
        case Kind.FACTORS:
            drawn = st.sampled_from([1, 2, 3, 0.5, 0.7, 1.5, 2.3])
        case Kind.PADDING | Kind.AMOUNTS:
            pair = st.tuples(st.integers(0, 3), st.integers(0, 3))
            drawn = st.one_of(per_axis(st.integers(0, 3), rank), st.tuples(*[pair] * max(rank, 1)))
            if parameter.kind is Kind.PADDING:
                drawn = st.one_of(drawn, st.sampled_from(["valid", "same", "causal"]))
        case Kind.SIZES:
            drawn = st.lists(whole(parameter), min_size=1, max_size=3).map(tuple)
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
        case Kind.TENSOR:
            drawn = st.none()
    return st.one_of(st.none(), drawn) if parameter.optional else drawn


@st.composite
def placed_layers(draw: st.DrawFn, ops: Any = None) -> Placed:
    """A layer of any registered kind, and inputs of a rank that suits it."""
    kind = kinds()[draw(st.sampled_from(ops or ALL_KINDS))]
    dialect = draw(dialects)
    low, high = kind.spatial_ranks if issubclass(kind, AxisWise) else (0, 3)
    rank = draw(st.integers(low, high))
    axes = dialect.axes(rank + 1)
    values = {
        name: parameter.read(draw(parameter_values(parameter, rank, axes)))
        for name, parameter in kind.parameters.items()
        if parameter.default is REQUIRED or draw(st.booleans())
    }
    least, most = kind.inputs
    count = draw(st.integers(least, least + 1 if most is None else most))
    sizes = draw(st.tuples(*[st.integers(1, 12)] * (rank + 1)))
    return Placed(kind(dialect=dialect, **values), (Tensor(sizes, axes),) * count)


H, W = symbol("H"), symbol("W")


@st.composite
def formulas(draw: st.DrawFn, names: str = "HW", depth: int = 4) -> Any:
    """Dimensions built as size laws build them: from symbols by + - * // min max."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.one_of(st.integers(-9, 9), st.sampled_from(names).map(symbol)))
    left = draw(formulas(names, depth - 1))
    number = draw(st.integers(1, 6))
    match draw(st.sampled_from(["add", "sub", "times", "floor", "mod", "min", "max", "plus", "product"])):
        case "add":
            return left + draw(formulas(names, depth - 1))
        case "sub":
            return left - draw(formulas(names, depth - 1))
        case "times":
            return left * number
        case "floor":
            return floor_div(left, number)
        case "mod":
            return left % number
        case "min":
            return minimum(left, draw(formulas(names, depth - 1)))
        case "max":
            return maximum(left, draw(formulas(names, depth - 1)))
        case "product":
            return left * draw(formulas(names, depth - 1))
    return left + number
