"""Exporters' arithmetic on shapes, done once: ``Shape -> Gather -> Mul -> Concat`` comes to numbers and formulas.

A stored array is its shape and, where it is small, its numbers: Python numbers, or sizes in symbols. Larger arrays
are weights, and only their shapes matter.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from shapesolver.arithmetic import Dim, Formula, compare, divide_exactly, maximum, minimum, scaled
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.layers.patches import product

if TYPE_CHECKING:
    import numpy
    import onnx

MAX_NUMBERS = 4096
"""The most numbers of an array that are read and computed with."""

MAX_FLOATS = 64
"""The most numbers with fractions that are read of a stored array: shapes and scales are short, weights are not."""

MAX_TEXT = 2000
"""The longest formula that is computed with; a longer one counts as not known."""

MAX_FACTORS = 32
"""The most factors of a product that is computed with."""

INT64 = 2**63

FLOATS = frozenset({1, 10, 11, 16, 17, 18, 19, 20})
"""The data types of numbers with fractions, as ONNX numbers them."""

EXTERNAL = 1


class Unfolded(Exception):
    """A computation whose numbers are not known."""


class Real(NamedTuple):
    """``factor * numerator/denominator``: a size that an exporter scales in floating point."""

    numerator: Dim
    denominator: Dim = 1
    factor: float = 1.0

    def floor(self) -> Dim:
        """The greatest whole number below it."""
        if self.factor == 1:
            exact = divide_exactly(self.numerator, self.denominator)
            return self.numerator // self.denominator if exact is None else exact
        if self.denominator != 1:
            raise Unfolded
        floor: Dim = scaled(self.numerator, self.factor)
        return floor


@dataclass(frozen=True, slots=True)
class Array:
    """A stored or computed array. ``name`` is the initializer's; ``learned`` that it is a weight."""

    shape: tuple[Dim, ...]
    numbers: numpy.ndarray | None = None
    name: str = ""
    learned: bool = False
    floating: bool = False

    @property
    def scalar(self) -> bool:
        """Whether it is a single number."""
        return all(size == 1 for size in self.shape)


def stored(tensor: onnx.TensorProto, learned: bool) -> Array:
    """An array of the file."""
    floating = tensor.data_type in FLOATS
    shape = tuple(tensor.dims)
    numbers = None
    if math.prod(shape) <= (MAX_FLOATS if floating else MAX_NUMBERS) and tensor.data_location != EXTERNAL:
        numbers = _numbers(tensor)
    return Array(shape, numbers, tensor.name, learned and floating, floating)


def _numbers(tensor: onnx.TensorProto) -> numpy.ndarray | None:
    from onnx import numpy_helper

    try:
        values = numpy_helper.to_array(tensor)
    except Exception:  # data that do not fit the sizes, or are missing: the sizes are all that is known
        return None
    return values.astype(object) if values.dtype.kind in "iufb" else None


def computed(numbers: numpy.ndarray, floating: bool = False) -> Array:
    """An array that was worked out."""
    return Array(numbers.shape, numbers, floating=floating)


def vector(sizes: Sequence[Any]) -> Array:
    """A shape as an array."""
    import numpy

    numbers = numpy.empty(len(sizes), dtype=object)
    numbers[:] = sizes
    return computed(numbers)


def known(array: Array) -> numpy.ndarray:
    """The numbers of an array; raises :class:`Unfolded`."""
    if array.numbers is None:
        raise Unfolded
    return array.numbers


# One number at a time.


def _checked(value: Any) -> Any:
    """The number, if it is one that a size can be made of."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -INT64 <= value < INT64:
        raise Unfolded
    if isinstance(value, Formula) and len(str(value)) > MAX_TEXT:
        raise Unfolded
    return value


def _real(value: Any) -> Real:
    return value if isinstance(value, Real) else Real(value)


def _multiply(a: Any, b: Any) -> Any:
    if not isinstance(a, (Formula, Real)):
        a, b = b, a
    if isinstance(a, (Formula, Real)) and not (isinstance(a, Formula) and isinstance(b, (int, Formula))):
        left = _real(a)
        if isinstance(b, float):
            if b.is_integer():
                return left._replace(numerator=left.numerator * int(b))
            return left._replace(factor=left.factor * b)
        right = _real(b)
        return Real(left.numerator * right.numerator, left.denominator * right.denominator, left.factor * right.factor)
    if isinstance(a, Formula) and isinstance(b, Formula) and _factors(a) + _factors(b) > MAX_FACTORS:
        raise Unfolded
    return a * b


def _factors(formula: Formula) -> int:
    return max((len(monomial) for monomial, _ in formula.terms), default=0)


def _divide(floating: bool) -> Callable[[Any, Any], Any]:
    def divide(a: Any, b: Any) -> Any:
        if b == 0:
            raise Unfolded
        if not isinstance(a, (Formula, Real)) and not isinstance(b, (Formula, Real)):
            return a / b if floating else int(a / b) if abs(a) < 2**52 else a // b
        if not floating:
            exact = divide_exactly(a, b)
            return a // b if exact is None else exact
        left = _real(int(a) if isinstance(a, float) and a.is_integer() else a)
        if isinstance(b, float) and not b.is_integer():
            return left._replace(factor=left.factor / b)
        right = _real(int(b) if isinstance(b, float) else b)
        return Real(left.numerator * right.denominator, left.denominator * right.numerator, left.factor / right.factor)

    return divide


def _sum(sign: int) -> Callable[[Any, Any], Any]:
    def add(a: Any, b: Any) -> Any:
        if isinstance(a, Real) or isinstance(b, Real):
            a, b = (v.floor() if isinstance(v, Real) and v.factor == v.denominator == 1 else v for v in (a, b))
        if any(isinstance(v, Real) or (isinstance(v, float) and not v.is_integer()) for v in (a, b)) and (
            isinstance(a, (Formula, Real)) or isinstance(b, (Formula, Real))
        ):
            raise Unfolded
        if isinstance(a, Formula) or isinstance(b, Formula):
            return (
                int(a) + sign * b
                if not isinstance(a, Formula)
                else a + sign * (b if isinstance(b, Formula) else int(b))
            )
        return a + sign * b

    return add


def _floor(value: Any) -> Any:
    if isinstance(value, Real):
        return value.floor()
    return value if isinstance(value, Formula) else math.floor(value) if math.isfinite(value) else value


def _ceil(value: Any) -> Any:
    if isinstance(value, Real):
        return -Real(-value.numerator, value.denominator, value.factor).floor() if value.factor == 1 else _unknown()
    return value if isinstance(value, Formula) else math.ceil(value) if math.isfinite(value) else value


def _unknown() -> Any:
    raise Unfolded


def _to_integer(value: Any) -> Any:
    if isinstance(value, (Real, Formula)):
        return _floor(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Unfolded
    return int(value)


def _to_float(value: Any) -> Any:
    return value if isinstance(value, (Real, Formula)) else float(value)


def _negative(value: Any) -> Any:
    return Real(-value.numerator, value.denominator, value.factor) if isinstance(value, Real) else -value


def _compared(relation: str, plain: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def decide(a: Any, b: Any) -> bool:
        if isinstance(a, Real) or isinstance(b, Real):
            raise Unfolded
        if not isinstance(a, Formula) and not isinstance(b, Formula):
            return bool(plain(a, b))
        truth = compare(relation, a, b)
        if not isinstance(truth, bool):
            raise Unfolded
        return truth

    return decide


def _extreme(symbolic: Callable[[Any, Any], Any], plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def choose(a: Any, b: Any) -> Any:
        if isinstance(a, Real) or isinstance(b, Real):
            raise Unfolded
        return symbolic(a, b) if isinstance(a, Formula) or isinstance(b, Formula) else plain(a, b)

    return choose


def _remainder(a: Any, b: Any) -> Any:
    return _unknown() if b == 0 or isinstance(a, Real) or isinstance(b, Real) else a % b


def _sqrt(value: Any) -> Any:
    return math.sqrt(value) if isinstance(value, (int, float)) and value >= 0 else _unknown()


def _power(a: Any, b: Any) -> Any:
    small = isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(b) <= 64 and (a > 0 or b >= 0)
    return a**b if small else _unknown()


BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": _sum(1),
    "Sub": _sum(-1),
    "Mul": _multiply,
    "Mod": _remainder,
    "Pow": _power,
    "Max": _extreme(maximum, max),
    "Min": _extreme(minimum, min),
    "Equal": _compared("==", operator.eq),
    "Less": _compared("<", operator.lt),
    "Greater": _compared(">", operator.gt),
    "LessOrEqual": _compared("<=", operator.le),
    "GreaterOrEqual": _compared(">=", operator.ge),
    "And": lambda a, b: bool(a and b),
    "Or": lambda a, b: bool(a or b),
}

UNARY: Mapping[str, Callable[[Any], Any]] = {
    "Floor": _floor,
    "Ceil": _ceil,
    "Neg": _negative,
    "Not": operator.not_,
    "Sqrt": _sqrt,
    "Identity": lambda value: value,
    "Abs": lambda value: value if isinstance(value, Formula) else abs(value),
    "Reciprocal": lambda value: _divide(True)(1, value),
}


# Whole arrays.


def fold(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array | None:
    """What an operation on stored arrays comes to, or ``None`` where this is not known how to do.

    Where the numbers are unknown but their places are not, the result is an array without numbers.
    """
    given = [array for array in arrays if array is not None]
    try:
        if operation.op in BINARY or operation.op == "Div":
            return _binary(operation, given)
        if operation.op in UNARY and len(given) == 1:
            return _each(UNARY[operation.op], given[0])
        maker = MAKERS.get(operation.op)
        return None if maker is None else maker(operation, arrays, opset)
    except (Unfolded, ValueError, IndexError, TypeError, ArithmeticError, AttributeError):
        return None


def _each(function: Callable[[Any], Any], array: Array) -> Array:
    import numpy

    if array.numbers is None:
        return array
    numbers = numpy.empty(array.numbers.shape, dtype=object)
    for index, value in numpy.ndenumerate(array.numbers):
        numbers[index] = _checked(function(value))
    return replace(array, numbers=numbers)


def _binary(operation: Operation, arrays: Sequence[Array]) -> Array:
    import numpy

    result = arrays[0]
    for other in arrays[1:]:
        floating = result.floating or other.floating
        function = _divide(floating) if operation.op == "Div" else BINARY[operation.op]
        if result.numbers is None or other.numbers is None:
            shape = numpy.broadcast_shapes(_plain(result.shape), _plain(other.shape))
            result = Array(shape, None, result.name or other.name, result.learned or other.learned, floating)
            continue
        left, right = numpy.broadcast_arrays(result.numbers, other.numbers)
        numbers = numpy.empty(left.shape, dtype=object)
        if numbers.size > MAX_NUMBERS:
            raise Unfolded
        for index in numpy.ndindex(left.shape):
            numbers[index] = _checked(function(left[index], right[index]))
        name = result.name or other.name
        result = Array(numbers.shape, numbers, name, result.learned or other.learned, floating)
    return result


def _plain(shape: tuple[Dim, ...]) -> tuple[int, ...]:
    if not all(isinstance(size, int) for size in shape):
        raise Unfolded
    return shape  # type: ignore[return-value]


def _sizes(array: Array | None) -> list[Any]:
    if array is None:
        raise Unfolded
    return list(known(array).reshape(-1))


def axes_of(operation: Operation, arrays: Sequence[Array | None]) -> list[int] | None:
    """The ``axes`` of an operation: an attribute, or from opset 13 (18 for reductions) on its second input."""
    if "axes" in operation.attributes:
        return list(operation.attributes["axes"])
    if len(arrays) > 1 and arrays[1] is not None:
        return [int(axis) for axis in _sizes(arrays[1])]
    return None


def _constant_of_shape(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    import numpy

    shape = tuple(_sizes(arrays[0]))
    value = operation.attributes.get("value")
    filler = stored(value, False) if value is not None else None
    floating = filler is None or filler.floating
    total = product(shape)
    if not isinstance(total, int) or total > MAX_NUMBERS:
        return Array(shape, None, floating=floating)
    number = 0.0 if filler is None else known(filler).reshape(-1)[0]
    return computed(numpy.full(shape, number, dtype=object), floating)


def _cast(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    (array,) = arrays[:1]
    assert array is not None
    floating = operation.attributes["to"] in FLOATS
    return replace(_each(_to_float if floating else _to_integer, array), floating=floating)


def _gather(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    import numpy

    data, places = arrays[0], arrays[1]
    assert data is not None and places is not None
    axis = operation.attributes.get("axis", 0)
    if data.numbers is None and data.learned:
        raise Unfolded  # a part of a weight: the whole is what is stored
    indices = known(places).astype(int)
    taken = numpy.asarray(numpy.take(known(data), indices, axis=axis), dtype=object)
    return computed(taken, data.floating)


def _concat(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    import numpy

    parts = [known(array) for array in arrays if array is not None]
    if sum(part.size for part in parts) > MAX_NUMBERS:
        raise Unfolded
    return computed(numpy.concatenate(parts, axis=operation.attributes.get("axis", 1)), _floating(arrays))


def _floating(arrays: Sequence[Array | None]) -> bool:
    return any(array is not None and array.floating for array in arrays)


def _reshape(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    array = arrays[0]
    assert array is not None
    target = list(operation.attributes["shape"]) if "shape" in operation.attributes else _sizes(arrays[1])
    if not operation.attributes.get("allowzero", 0):
        target = [array.shape[i] if size == 0 else size for i, size in enumerate(target)]
    if -1 in target:
        rest = product(tuple(size for size in target if size != -1))
        left = divide_exactly(product(array.shape), rest)
        if left is None or target.count(-1) > 1:
            raise Unfolded
        target[target.index(-1)] = left
    numbers = None if array.numbers is None else array.numbers.reshape(_plain(tuple(target)))
    return replace(array, shape=tuple(target), numbers=numbers)


def _transpose(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    array = arrays[0]
    assert array is not None
    order = operation.attributes.get("perm", tuple(range(len(array.shape)))[::-1])
    numbers = None if array.numbers is None else array.numbers.transpose(order)
    return replace(array, shape=tuple(array.shape[index] for index in order), numbers=numbers)


def _squeeze(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    array = arrays[0]
    assert array is not None
    axes = axes_of(operation, arrays)
    rank = len(array.shape)
    gone = {i for i, size in enumerate(array.shape) if size == 1} if axes is None else {axis % rank for axis in axes}
    shape = tuple(size for index, size in enumerate(array.shape) if index not in gone)
    return _with_shape(array, shape)


def _unsqueeze(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    array = arrays[0]
    axes = axes_of(operation, arrays)
    assert array is not None and axes is not None
    rank = len(array.shape) + len(axes)
    shape = list(array.shape)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    return _with_shape(array, tuple(shape))


def _with_shape(array: Array, shape: tuple[Dim, ...]) -> Array:
    numbers = None if array.numbers is None else array.numbers.reshape(_plain(shape))
    return replace(array, shape=shape, numbers=numbers)


def _slice(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    array = arrays[0]
    assert array is not None
    rank = len(array.shape)
    if array.numbers is None and not array.learned:
        return _slice_of_shape(operation, array, arrays)
    places: list[slice] = [slice(None)] * rank
    for start, stop, axis, step in slices(operation, arrays, rank):
        places[axis] = slice(*(int(value) for value in (start, stop, step)))
        if places[axis].step < 0 and places[axis].stop <= -INT64 + 1:
            places[axis] = slice(places[axis].start, None, places[axis].step)
    return computed(known(array)[tuple(places)], array.floating)


def _slice_of_shape(operation: Operation, array: Array, arrays: Sequence[Array | None]) -> Array:
    """A part of an array whose numbers are not kept."""
    shape = list(array.shape)
    for start, stop, axis, step in slices(operation, arrays, len(shape)):
        size = shape[axis]
        if not all(isinstance(value, int) for value in (start, stop, step, size)):
            raise Unfolded
        shape[axis] = len(range(*slice(start, stop, step).indices(size)))  # type: ignore[arg-type]
    return replace(array, shape=tuple(shape))


def slices(operation: Operation, arrays: Sequence[Array | None], rank: int) -> list[tuple[Any, Any, int, Any]]:
    """What a Slice takes, an axis at a time: start, stop, axis, step. Attributes before opset 10, inputs since."""
    given = operation.attributes
    if "starts" in given:
        starts, stops = list(given["starts"]), list(given["ends"])
        axes, steps = list(given.get("axes", range(len(starts)))), [1] * len(starts)
    else:
        starts, stops = _sizes(arrays[1]), _sizes(arrays[2])
        axes = _sizes(arrays[3]) if len(arrays) > 3 and arrays[3] is not None else list(range(len(starts)))
        steps = _sizes(arrays[4]) if len(arrays) > 4 and arrays[4] is not None else [1] * len(starts)
    return [(a, b, int(axis) % rank, step) for a, b, axis, step in zip(starts, stops, axes, steps, strict=True)]


def _expand(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    import numpy

    array = arrays[0]
    assert array is not None
    target = tuple(_sizes(arrays[1]))
    shape = expanded(array.shape, target)
    total = product(shape)
    if array.numbers is None or not isinstance(total, int) or total > MAX_NUMBERS:
        return replace(array, shape=shape, numbers=None)
    return replace(array, shape=shape, numbers=numpy.broadcast_to(array.numbers, _plain(shape)).copy())


def expanded(shape: tuple[Dim, ...], target: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """A shape broadcast with another, from the right."""
    longest = max(len(shape), len(target))
    left = (1,) * (longest - len(shape)) + shape
    right = (1,) * (longest - len(target)) + target
    return tuple(b if a == 1 else a for a, b in zip(left, right, strict=True))


def _range(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    start, stop, step = (_sizes(array)[0] for array in arrays)
    if isinstance(stop, Formula) or isinstance(start, Formula):
        if step != 1:
            raise Unfolded
        return Array((stop - start,), None)
    count = max(math.ceil((stop - start) / step), 0)
    return vector([start + step * i for i in range(count)]) if count <= MAX_NUMBERS else Array((count,), None)


def _where(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    import numpy

    test, yes, no = (known(array) for array in arrays if array is not None)
    test, yes, no = numpy.broadcast_arrays(test, yes, no)
    return computed(numpy.where(test.astype(bool), yes, no), _floating(arrays[1:]))


def _product(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    import numpy

    total = _checked(product(tuple(_sizes(arrays[0]))))
    keep = operation.attributes.get("keepdims", 1)
    numbers = numpy.empty((1,) if keep else (), dtype=object)
    numbers[...] = total
    return computed(numbers, _floating(arrays))


def _same_places(operation: Operation, arrays: Sequence[Array | None], opset: int) -> Array:
    """Stored numbers in another form: as sizes go, the same array."""
    array = arrays[0]
    assert array is not None
    return replace(array, numbers=None, learned=True, floating=True)


MAKERS: Mapping[str, Callable[[Operation, Sequence[Array | None], int], Array]] = {
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "DequantizeLinear": _same_places,
    "Expand": _expand,
    "Gather": _gather,
    "Range": _range,
    "ReduceProd": _product,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
