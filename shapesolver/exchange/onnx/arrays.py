"""Arrays that an ONNX file stores or an import works out: a shape and, where they are few, numbers.

The numbers are Python's, or sizes in symbols. Larger arrays are weights, and only their shapes matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx.proto import Operation

if TYPE_CHECKING:
    import numpy
    import onnx

MAX_NUMBERS = 4096
"""The most numbers of an array that are read and computed with."""

MAX_FLOATS = 64
"""The most numbers with fractions that are read of a stored array: shapes and scales are short, weights are not."""

FLOATS = frozenset({1, 10, 11, 16, 17, 18, 19, 20})
"""The data types of numbers with fractions, as ONNX numbers them."""

EXTERNAL = 1


class Unfolded(Exception):
    """A computation whose numbers are not known."""


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


def constant(operation: Operation) -> Array:
    """The array of a Constant node, in whichever attribute it stands."""
    for name, value in operation.attributes.items():
        match name, value:
            case "value", tensor if hasattr(tensor, "dims"):
                return replace(stored(tensor, learned=False), name="")
            case (("value_int" | "value_float"), number):
                return Array((), vector([number]).numbers.reshape(()), floating=name == "value_float")  # type: ignore[union-attr]
            case (("value_ints" | "value_floats"), numbers):
                return computed(vector(numbers).numbers, floating=name == "value_floats")  # type: ignore[arg-type]
            case "sparse_value", sparse if hasattr(sparse, "dims"):
                return Array(tuple(sparse.dims), None, floating=True)
    return Array((), None)
