"""An ONNX graph in the making: nodes, weights, sizes as arithmetic on shapes, and which way a tensor lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from shapesolver.arithmetic import Dim, Extreme, Floor, Formula, Group, Scaled, Symbol
from shapesolver.exchange import needs
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.naming import numbered
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.model.graph import Wire

if TYPE_CHECKING:
    import onnx

END = 2**63 - 1
"""Where a slice without an end stops."""

FEWEST_OPSET = 18
"""The least version of the operators that is written: since it, reductions, pads and resizes take their axes."""

MAX_INLINE = 2**31 - 2**20
"""The most bytes of weights that a model in memory may hold: protobuf's limit, less room for the graph."""


class Place(NamedTuple):
    """A layer to be written."""

    path: str
    layer: Layer
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    wires: tuple[Wire, ...]
    shared: str = ""
    """The path of the layer whose weights it uses."""
    tied: str = ""
    """The path of the layer whose first weight it uses."""


class Result(NamedTuple):
    """A written tensor: its name, whether its channels lie first where the file's lie last, and its batch."""

    name: str
    turned: bool = False
    batched: bool = True


class Writer:
    """Nodes and weights, in order."""

    def __init__(self, dialect: Dialect, opset: int, batch: str, weights: str, seed: int) -> None:
        """``weights`` is ``random`` or ``zeros``."""
        import numpy

        self.onnx = needs("onnx")
        self.dialect = dialect
        self.opset = opset
        self.batch = batch
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.functions: dict[str, onnx.FunctionProto] = {}
        self.results: dict[Wire, Result] = {}
        self.sources: dict[str, tuple[str, int]] = {}
        """For each symbol, an input and the axis that has its size."""
        self.first_input = ""
        self.bytes = 0
        self.turns = 0
        """How many transposes between layouts were needed."""
        self._random = numpy.random.default_rng(seed) if weights == "random" else None
        self._weights: dict[str, str] = {}
        self._turned: dict[tuple[str, bool], str] = {}
        self._scalars: dict[str, str] = {}
        self._constants: dict[tuple[Any, ...], str] = {}
        self._names: set[str] = set()

    # Names and nodes.

    def free(self, wanted: str) -> str:
        """A name that nothing has yet."""
        return numbered(wanted, self._names)

    def node(
        self, op: str, inputs: Sequence[str], path: str, part: str = "", *, outputs: int = 1, **attributes: Any
    ) -> list[str]:
        """Add a node; the names of its results. The last node of a layer bears the layer's path alone."""
        name = self.free(f"{path}/{part}" if part else path)
        made = [name, *(self.free(f"{name}:{index}") for index in range(1, outputs))]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(self.onnx.helper.make_node(op, list(inputs), made, name=name, **given))
        return made

    def one(self, op: str, inputs: Sequence[str], path: str, part: str = "", **attributes: Any) -> str:
        """Add a node with one result; its name."""
        return self.node(op, inputs, path, part, **attributes)[0]

    def function(self, text: str) -> str:
        """Add a function, in ONNX' textual form, to the model; its name."""
        made = self.onnx.parser.parse_function(text.replace("{opset}", str(self.opset)))
        name: str = made.name
        self.functions.setdefault(name, made)
        return name

    # Stored numbers.

    def weight(self, place: Place, name: str, shape: Sequence[Dim], kind: str = "normal") -> str:
        """A weight of a layer: ``normal`` with a spread to keep values of the same order, ``ones`` or ``zeros``."""
        import numpy

        owner = place.shared or place.path
        full = f"{owner}.{name}"
        if full in self._weights:
            return self._weights[full]
        sizes = self.numbers(place, shape, f"the shape of its weight {name}")
        self.bytes += 4 * math.prod(sizes)
        if self.bytes > MAX_INLINE:
            raise ExchangeError(f"{place.path}: the weights come to over {MAX_INLINE:,} bytes, all that a model holds")
        if kind == "normal" and self._random is not None:
            fan = max(math.prod(sizes[1:]), 1)
            array = self._random.standard_normal(sizes, dtype=numpy.float32)
            array *= numpy.float32(1 / math.sqrt(fan))
        else:
            array = (numpy.ones if kind == "ones" else numpy.zeros)(sizes, numpy.float32)
        stored = self.free(full)
        self.initializers.append(self.onnx.numpy_helper.from_array(array, stored))
        self._weights[full] = stored
        return stored

    def alias(self, path: str, name: str, stored: str) -> None:
        """Let a weight be one that is stored already."""
        self._weights[f"{path}.{name}"] = stored

    def stored_weight(self, path: str, name: str) -> str | None:
        """The stored name of a layer's weight, if it is written."""
        return self._weights.get(f"{path}.{name}")

    def constant(self, values: Any, dtype: str = "int64") -> str:
        """Fixed numbers, as a Constant node; equal ones are written once."""
        import numpy

        array = numpy.asarray(values, dtype=dtype)
        key = (dtype, array.shape, array.tobytes())
        if key not in self._constants:
            name = self.free("constant")
            tensor = self.onnx.numpy_helper.from_array(array, name)
            self.nodes.append(self.onnx.helper.make_node("Constant", [], [name], name=name, value=tensor))
            self._constants[key] = name
        return self._constants[key]

    def numbers(self, place: Place, sizes: Sequence[Dim], what: str) -> tuple[int, ...]:
        """Sizes that must be numbers; raises :class:`ExchangeError`."""
        for size in sizes:
            if not isinstance(size, int):
                raise ExchangeError(f"{place.path}: {what} is {size}; ONNX needs a number: give the sizes with --at")
        return tuple(sizes)  # type: ignore[arg-type]

    # Sizes as arithmetic on the inputs' shapes.

    def vector(self, sizes: Sequence[Dim]) -> str:
        """Sizes as a tensor of one axis."""
        if all(isinstance(size, int) for size in sizes):
            return self.constant(list(sizes))
        parts = [self.scalar(size) for size in sizes]
        return parts[0] if len(parts) == 1 else self.one("Concat", parts, "sizes", axis=0)

    def scalar(self, size: Dim) -> str:
        """A size as a tensor of one number."""
        if isinstance(size, int):
            return self.constant([size])
        text = str(size)
        if text not in self._scalars:
            self._scalars[text] = self._sum(size)
        return self._scalars[text]

    def _sum(self, formula: Formula) -> str:
        total = ""
        for monomial, coefficient in formula.terms:
            product = self.constant([coefficient]) if coefficient != 1 else ""
            for atom in monomial:
                factor = self._atom(atom)
                product = self.one("Mul", [product, factor], "size") if product else factor
            total = self.one("Add", [total, product], "size") if total else product
        if formula.constant:
            total = self.one("Add", [total, self.constant([formula.constant])], "size")
        return total

    def _atom(self, atom: Any) -> str:
        match atom:
            case Symbol(text=text):
                if text not in self._scalars:
                    source, axis = self.sources[text]
                    self._scalars[text] = self.one("Shape", [source], text, "size", start=axis, end=axis + 1)
                return self._scalars[text]
            case Floor(numerator=numerator, denominator=denominator):
                # ONNX divides towards zero; less its remainder, which has the divisor's sign, a size divides exactly.
                above, below = self.scalar(numerator), self.scalar(denominator)
                rest = self.one("Mod", [above, below], "size")
                return self.one("Div", [self.one("Sub", [above, rest], "size"), below], "size")
            case Extreme(least=least, items=items):
                return self.one("Min" if least else "Max", [self.scalar(item) for item in items], "size")
            case Group(inner=inner):
                return self.scalar(inner)
            case Scaled(size=size, factor=factor):
                real = self.one("Cast", [self.scalar(size)], "size", to=self.onnx.TensorProto.DOUBLE)
                product = self.one("Mul", [real, self.constant([factor], "float64")], "size")
                floor = self.one("Floor", [product], "size")
                return self.one("Cast", [floor], "size", to=self.onnx.TensorProto.INT64)
        raise AssertionError(f"no arithmetic for {atom}")

    # Which way tensors lie.

    def bind(self, place: Place, node: int, names: Sequence[str], turned: bool = False, batched: bool = True) -> None:
        """Say what the results of a layer are called, and how they lie."""
        for output, name in enumerate(names):
            rank = place.outputs[output].rank
            self.results[Wire(node, output)] = Result(name, turned and self.turnable(rank), batched)

    def turnable(self, rank: int) -> bool:
        """Whether a tensor of this rank lies differently in ONNX: channels last, and more axes than channels."""
        return self.dialect.channels_last and rank > 1

    def as_in_file(self, place: Place, index: int = 0) -> str:
        """An input with its axes in the file's order, and with a batch."""
        wire, rank = place.wires[index], place.inputs[index].rank
        result = self.results[wire]
        if not result.batched:
            return self._batched(result.name, rank)
        return self._turn(result, rank) if result.turned else result.name

    def as_image(self, place: Place, index: int = 0) -> str:
        """An input with its channels first, as ONNX' operators want it, and with a batch."""
        wire, rank = place.wires[index], place.inputs[index].rank
        result = self.results[wire]
        if not self.turnable(rank):
            return self.as_in_file(place, index)
        if result.turned:
            return result.name
        name = result.name if result.batched else self._batched(result.name, rank)
        return self._turn(Result(name), rank)

    def all_turned(self, place: Place) -> bool:
        """Whether all inputs are images of one rank, and the channels of one of them lie first already."""
        results = [self.results[wire] for wire in place.wires]
        ranks = {tensor.rank for tensor in place.inputs}
        alike = len(ranks) == 1 and all(map(self.turnable, ranks)) and all(result.batched for result in results)
        return alike and any(result.turned for result in results)

    def _turn(self, result: Result, rank: int) -> str:
        key = (result.name, result.turned)
        if key not in self._turned:
            order = [0, *range(2, rank + 1), 1] if result.turned else [0, rank, *range(1, rank)]
            part = "channels_last" if result.turned else "channels_first"
            self.turns += 1
            self._turned[key] = self.one("Transpose", [result.name], result.name, part, perm=order)
        return self._turned[key]

    def _batched(self, name: str, rank: int) -> str:
        """A tensor without a batch, repeated for every example."""
        key = (name, False)
        if key not in self._turned:
            batch = self.one("Shape", [self.first_input], name, "batch", start=0, end=1)
            target = self.one("Concat", [batch, self.constant([1] * rank)], name, "shape", axis=0)
            self._turned[key] = self.one("Expand", [name, target], name, "batched")
        return self._turned[key]

    def value_info(self, name: str, sizes: Sequence[Dim], type_: int) -> onnx.ValueInfoProto:
        """What is said of an input or output: numbers, and names or formulas for the other sizes."""
        shape = [self.batch, *(size if isinstance(size, int) else str(size) for size in sizes)]
        info: onnx.ValueInfoProto = self.onnx.helper.make_tensor_value_info(name, type_, shape)
        return info


Translation = Callable[[Writer, Place], Sequence[str]]


class Turned(list[str]):
    """Results whose channels lie first, of a layer that takes tensors as they lie."""


class Written(NamedTuple):
    """How a kind of layer is written: by what, and whether its results have their channels first."""

    translate: Translation
    turned: bool


LAYERS: dict[str, Written] = {}
"""How each kind of layer is written, filled by the modules of ``layers``."""


def writes(*ops: str, turned: bool = False) -> Callable[[Translation], Translation]:
    """Register how these kinds are written; ``turned``: on images, channels first."""

    def register(function: Translation) -> Translation:
        LAYERS.update(dict.fromkeys(ops, Written(function, turned)))
        return function

    return register


def cannot(place: Place, why: str) -> ExchangeError:
    """The error for a layer that ONNX cannot express."""
    return ExchangeError(f"{place.path}: ONNX cannot express {place.layer.describe()}: {why}")


def each(layer: Any, name: str, count: int) -> list[Any]:
    """A per-axis parameter as a list."""
    return [layer.at(name, axis) for axis in range(count)]
