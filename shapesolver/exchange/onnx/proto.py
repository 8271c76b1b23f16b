"""An ONNX file as plain values: nodes, stored arrays' shapes, inputs; nothing of it trusted, nothing executed.

Weights are never read: an array's dimensions say all that a shape needs. External data is never opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shapesolver.exchange import needs
from shapesolver.exchange.errors import ExchangeError

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2**31
"""The largest file read: protobuf's own limit."""

MAX_NODES = 250_000
"""The most nodes of a graph."""

MAX_RANK = 16
"""The most axes of a tensor."""

DEFAULT_DOMAINS = ("", "ai.onnx")

DOMAIN = "shapesolver"
"""The domain of functions that stand in an exported model for what ONNX has no operator for."""


class Operation(NamedTuple):
    """One node. ``op`` has its domain in front, ``com.microsoft.Gelu``, unless it is ONNX' own."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.op} {self.name or '-> ' + ', '.join(self.outputs)}"

    def input(self, index: int) -> str:
        """The name of an input, empty where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else ""


class Slot(NamedTuple):
    """A graph input: its sizes as numbers, names, or ``None`` where nothing is said."""

    name: str
    sizes: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A graph whose names have all been checked: operations in order, each after what it reads."""

    operations: tuple[Operation, ...]
    stored: Mapping[str, onnx.TensorProto]
    inputs: tuple[Slot, ...]
    outputs: tuple[str, ...]
    opset: int
    source: onnx.ModelProto
    observed: Mapping[str, tuple[int | str | None, ...]] = field(default_factory=dict)
    """The shapes that the file states of results."""


def load(path: Path) -> Model:
    """Read a file; raises :class:`ExchangeError`."""
    onnx = needs("onnx")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ExchangeError(f"{path} has {size:,} bytes; {MAX_BYTES:,} is the most that is read")
        data = path.read_bytes()
    except OSError as error:
        raise ExchangeError(f"{path} cannot be read: {error.strerror}") from None
    if not data:
        raise ExchangeError(f"{path} is empty")
    try:
        model = onnx.ModelProto.FromString(data)
    except Exception:  # protobuf's own error class depends on its implementation
        raise ExchangeError(f"{path} is no ONNX model, or is cut short: protobuf cannot parse it") from None
    return read(model, str(path))


def read(model: onnx.ModelProto, name: str) -> Model:
    """A parsed model with its names checked; raises :class:`ExchangeError`."""
    graph = model.graph
    if not graph.node and not graph.input:
        raise ExchangeError(f"{name} is no ONNX model: it has no graph")
    if len(graph.node) > MAX_NODES:
        raise ExchangeError(f"{name} has {len(graph.node):,} nodes; {MAX_NODES:,} is the most")
    stored = {tensor.name: tensor for tensor in graph.initializer}
    if len(stored) != len(graph.initializer):
        raise ExchangeError(f"{name} has two initializers of one name")
    for sparse in graph.sparse_initializer:
        stored[sparse.values.name] = _dense_header(sparse)
    for tensor in stored.values():
        _check_dims(tensor.dims, f"{name}: initializer {tensor.name!r}")
    inputs = tuple(_slots(graph.input, stored, name))
    operations = _ordered([_operation(node) for node in graph.node], {*stored, *(i.name for i in inputs)}, name)
    made = {output for operation in operations for output in operation.outputs} | {*stored, *(i.name for i in inputs)}
    for output in graph.output:
        if output.name not in made:
            raise ExchangeError(f"{name}: the output {output.name!r} is made by no node")
    return Model(
        operations=operations,
        stored=stored,
        inputs=inputs,
        outputs=tuple(output.name for output in graph.output),
        opset=_opset(model, name),
        source=model,
        observed=_observed(graph),
    )


def _dense_header(sparse: onnx.SparseTensorProto) -> onnx.TensorProto:
    """The name and sizes of a sparse initializer."""
    header: onnx.TensorProto = needs("onnx").TensorProto(
        name=sparse.values.name, dims=sparse.dims, data_type=sparse.values.data_type
    )
    return header


def _opset(model: onnx.ModelProto, name: str) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in DEFAULT_DOMAINS]
    if not versions or not 1 <= max(versions) <= 10_000:
        raise ExchangeError(f"{name} names no version of ONNX' operators (opset_import)")
    return int(max(versions))


def _check_dims(dims: Any, what: str) -> None:
    if len(dims) > MAX_RANK:
        raise ExchangeError(f"{what} has {len(dims)} axes; {MAX_RANK} is the most")
    if any(dim < 0 for dim in dims):
        raise ExchangeError(f"{what} has a negative size: {' x '.join(map(str, dims))}")


def sizes_of(value: onnx.ValueInfoProto) -> tuple[int | str | None, ...] | None:
    """The shape that a file states of a value: numbers, names, or ``None`` for what it leaves open."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
        for dim in value.type.tensor_type.shape.dim
    )


def _slots(values: Any, stored: Mapping[str, Any], name: str) -> Iterator[Slot]:
    seen: set[str] = set()
    for value in values:
        if value.name in seen:
            raise ExchangeError(f"{name} has two inputs called {value.name!r}")
        seen.add(value.name)
        if value.name in stored:  # before IR version 4 every initializer was an input, too
            continue
        sizes = sizes_of(value)
        if sizes is None:
            raise ExchangeError(f"{name}: nothing is said of the shape of the input {value.name!r}")
        _check_dims([size for size in sizes if isinstance(size, int)], f"{name}: input {value.name!r}")
        if len(sizes) > MAX_RANK:
            raise ExchangeError(f"{name}: input {value.name!r} has {len(sizes)} axes; {MAX_RANK} is the most")
        if 0 in sizes:
            raise ExchangeError(f"{name}: the input {value.name!r} has a size of 0")
        yield Slot(value.name, sizes)


def _observed(graph: onnx.GraphProto) -> dict[str, tuple[int | str | None, ...]]:
    found = {}
    for value in (*graph.value_info, *graph.output):
        sizes = sizes_of(value)
        if sizes is not None and not any(isinstance(size, int) and size < 0 for size in sizes):
            found[value.name] = sizes
    return found


def _operation(node: onnx.NodeProto) -> Operation:
    domain = "" if node.domain in DEFAULT_DOMAINS else f"{node.domain}."
    return Operation(
        domain + node.op_type,
        node.name,
        tuple(node.input),
        tuple(node.output),
        {attribute.name: _attribute(attribute) for attribute in node.attribute},
    )


def _attribute(attribute: onnx.AttributeProto) -> Any:
    """The value of an attribute; subgraphs and references to a function's attributes stay as they are."""
    kinds = attribute.AttributeType
    match attribute.type:
        case kinds.INT:
            return attribute.i
        case kinds.FLOAT:
            return attribute.f
        case kinds.STRING:
            return attribute.s.decode("utf-8", "replace")
        case kinds.INTS:
            return tuple(attribute.ints)
        case kinds.FLOATS:
            return tuple(attribute.floats)
        case kinds.STRINGS:
            return tuple(text.decode("utf-8", "replace") for text in attribute.strings)
        case kinds.TENSOR:
            return attribute.t
    return attribute


def _ordered(operations: list[Operation], given: set[str], name: str) -> tuple[Operation, ...]:
    """The operations sorted so that each follows what it reads; they nearly always are."""
    made: dict[str, int] = {}
    for index, operation in enumerate(operations):
        for output in filter(None, operation.outputs):
            if output in made or output in given:
                raise ExchangeError(f"{name}: {operation} makes {output!r}, which something else makes, too")
            made[output] = index
    for operation in operations:
        for read_name in filter(None, operation.inputs):
            if read_name not in made and read_name not in given:
                raise ExchangeError(f"{name}: {operation} reads {read_name!r}, which nothing makes")
    ready = [all(made.get(i, -1) < index for i in o.inputs) for index, o in enumerate(operations)]
    return tuple(operations) if all(ready) else _sorted(operations, made, name)


def _sorted(operations: list[Operation], made: Mapping[str, int], name: str) -> tuple[Operation, ...]:
    from graphlib import CycleError, TopologicalSorter

    reads = {index: {made[i] for i in operation.inputs if i in made} for index, operation in enumerate(operations)}
    try:
        return tuple(operations[index] for index in TopologicalSorter(reads).static_order())
    except CycleError as error:
        circle = " -> ".join(str(operations[index]) for index in error.args[1][:6])
        raise ExchangeError(f"{name}: the graph runs in a circle: {circle}") from None
