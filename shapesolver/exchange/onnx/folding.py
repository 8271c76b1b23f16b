"""Exporters' arithmetic on shapes, done once: ``Shape -> Gather -> Mul -> Concat`` comes to numbers and formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shapesolver.arithmetic import Dim, Formula, divide_exactly
from shapesolver.exchange.onnx.arrays import FLOATS, MAX_NUMBERS, Array, Unfolded, computed, known, stored, vector
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.exchange.onnx.scalars import BINARY, INT64, UNARY, checked, division, to_float, to_integer
from shapesolver.layers.patches import product


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
        numbers[index] = checked(function(value))
    return replace(array, numbers=numbers)


def _binary(operation: Operation, arrays: Sequence[Array]) -> Array:
    import numpy

    result = arrays[0]
    for other in arrays[1:]:
        floating = result.floating or other.floating
        function = division(floating) if operation.op == "Div" else BINARY[operation.op]
        if result.numbers is None or other.numbers is None:
            shape = numpy.broadcast_shapes(_plain(result.shape), _plain(other.shape))
            result = Array(shape, None, result.name or other.name, result.learned or other.learned, floating)
            continue
        left, right = numpy.broadcast_arrays(result.numbers, other.numbers)
        numbers = numpy.empty(left.shape, dtype=object)
        if numbers.size > MAX_NUMBERS:
            raise Unfolded
        for index in numpy.ndindex(left.shape):
            numbers[index] = checked(function(left[index], right[index]))
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
    return replace(_each(to_float if floating else to_integer, array), floating=floating)


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

    total = checked(product(tuple(_sizes(arrays[0]))))
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
