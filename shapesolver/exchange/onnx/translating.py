"""An ONNX graph, operation by operation: sizes folded, layers laid out, what is not known kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim, symbol
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.arrays import Array, Unfolded, constant, known, stored, vector
from shapesolver.exchange.onnx.folding import fold
from shapesolver.exchange.onnx.layout import BATCH, Axes
from shapesolver.exchange.onnx.naming import Namer
from shapesolver.exchange.onnx.observing import Observed, placed
from shapesolver.exchange.onnx.plan import Plan
from shapesolver.exchange.onnx.proto import Model, Operation
from shapesolver.exchange.sketch import Sketch
from shapesolver.model.graph import Wire

BATCH_SIZE = " batch"
"""The name of the batch's size while shapes are folded; no name in a file has a space."""


class Live(NamedTuple):
    """A result of the network: a wire, and where the batch stands among the ONNX tensor's axes."""

    wire: Wire
    axes: Axes


Value = Live | Array
Results = Live | Array | Sequence[Value | None]


class Unknown(Exception):
    """An operation that has no counterpart here: why, and its results' layouts and sizes where a rule gives them."""

    def __init__(self, why: str, *results: tuple[Axes, tuple[Dim, ...]]) -> None:
        super().__init__(why)
        self.results = results


Translation = Callable[["Reading", Operation], Results]

OPERATORS: dict[str, Translation] = {}
"""What each operator comes to, filled by the modules of ``operators``."""


def operator(*names: str) -> Callable[[Translation], Translation]:
    """Register what these operators come to."""

    def register(function: Translation) -> Translation:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return register


class Reading:
    """The state of an import."""

    def __init__(self, model: Model, sketch: Sketch, batch: int | None) -> None:
        self.model = model
        self.sketch = sketch
        self.plan = Plan(sketch.dialect, sketch.source)
        self.batch: Dim = symbol(BATCH_SIZE) if batch is None else batch
        self.batch_name = ""
        """What the file calls the batch's size."""
        self.named: dict[str, Dim] = {}
        """The file's names for sizes, and the symbols that they became."""
        self.observed = Observed(model)
        self.values: dict[str, Value] = {}
        self.namer = Namer(model.operations)
        self.absorbed: set[str] = set()
        """The first outputs of operations that others have taken in."""
        self.readers: dict[str, list[Operation]] = defaultdict(list)
        for operation in model.operations:
            for name in operation.inputs:
                self.readers[name].append(operation)
        self.uses = Counter(name for operation in model.operations for name in operation.inputs)
        self.uses.update(model.outputs)
        self._shared: dict[tuple[Any, ...], Wire] = {}
        self._owners: dict[str, Wire] = {}
        self._materialised: dict[str, Live] = {}

    # Values.

    def value(self, name: str) -> Value | None:
        """What a name stands for; ``None`` for an input left out."""
        if not name:
            return None
        found = self.values.get(name)
        if found is None:
            tensor = self.model.stored.get(name)
            if tensor is None:
                raise ExchangeError(f"{self.sketch.source}: nothing makes {name!r}")
            found = self.values[name] = stored(tensor, learned=True)
        return found

    def stored_array(self, name: str) -> Array | None:
        """The stored array that a name is, if it is one by now."""
        found = self.value(name) if name in self.values or name in self.model.stored else None
        return found if isinstance(found, Array) else None

    def array(self, operation: Operation, index: int) -> Array | None:
        """A stored or folded input; ``None`` where it is left out. Raises :class:`Unknown` for a live one."""
        value = self.value(operation.input(index))
        if isinstance(value, Live):
            raise Unknown(f"its input {operation.input(index)!r} is not a stored array")
        return value

    def weight(self, operation: Operation, index: int, rank: int | None = None) -> Array:
        """A stored input whose sizes are numbers, of this rank if one is named."""
        array = self.array(operation, index)
        if array is None or not all(isinstance(size, int) for size in array.shape):
            raise Unknown("its weights have no stated shape")
        if rank is not None and len(array.shape) != rank:
            raise Unknown(f"its weights have {len(array.shape)} axes")
        return array

    def numbers(self, operation: Operation, index: int) -> list[Any] | None:
        """The numbers of a small input; ``None`` where it is left out. Raises :class:`Unknown`."""
        array = self.array(operation, index)
        if array is None:
            return None
        try:
            return list(known(array).reshape(-1))
        except Unfolded:
            raise Unknown(f"the values of {operation.input(index)!r} are not known") from None

    def loose(self, operation: Operation, index: int) -> Live:
        """A live input, whatever its layout; stored arrays become layers."""
        value = self.value(operation.input(index))
        if value is None:
            raise ExchangeError(f"{self.sketch.source}: {operation} lacks its input {index + 1}")
        return value if isinstance(value, Live) else self.materialise(value)

    def live(self, operation: Operation, index: int) -> Live:
        """A live input, each of whose ONNX axes but the batch is an axis of the result."""
        return self.solid(self.loose(operation, index))

    def solid(self, value: Live) -> Live:
        """The value with its axes without pieces, of size 1, made real."""
        if () not in value.axes:
            return value
        sizes = self.plan.sizes(value.wire)
        axes: list[tuple[int, ...]] = []
        inner: list[Dim] = []
        for pieces in value.axes:
            if not pieces:
                axes.append((len(inner),))
                inner.append(1)
                continue
            kept = []
            for piece in pieces:
                kept.append(piece if piece == BATCH else len(inner))
                if piece != BATCH:
                    inner.append(sizes[piece])
            axes.append(tuple(kept))
        return Live(self.plan.reshape(value.wire, tuple(inner)), tuple(axes))

    def image(self, operation: Operation, index: int = 0) -> Live:
        """A live input of batch, channels and spatial axes, in this order."""
        value = self.live(operation, index)
        if value.axes != layout.batched(len(value.axes) - 1):
            raise Unknown("its input's first axis is not the batch")
        return value

    def shape(self, value: Live) -> tuple[Dim, ...]:
        """The ONNX shape of a value, batch included."""
        return layout.shape(value.axes, self.plan.sizes(value.wire), self.batch)

    def spelt(self, sizes: Sequence[Dim]) -> str:
        """Sizes for a message."""
        return " x ".join(str(size).replace(BATCH_SIZE, BATCH_SIZE.strip()) for size in sizes)

    def materialise(self, array: Array, name: str = "") -> Live:
        """A stored array as a layer: learned, or constant."""
        if array.name in self._materialised and not name:
            return self._materialised[array.name]
        axes: list[tuple[int, ...]] = []
        sizes: list[Dim] = []
        batches = [i for i, size in enumerate(array.shape) if not isinstance(self.batch, int) and size == self.batch]
        for index, size in enumerate(array.shape):
            if batches[:1] == [index]:
                axes.append((BATCH,))
            else:
                axes.append((len(sizes),))
                sizes.append(size)
        if not sizes:
            raise Unknown("it computes with numbers that are not known")
        op = "parameter" if array.learned else "constant"
        wire = self.plan.add(op, [], name or array.name, sizes=tuple(sizes))
        made = Live(wire, tuple(axes))
        if array.name:
            self._materialised[array.name] = made
        return made

    # Layers.

    def name(self, operation: Operation, *arrays: Array | None) -> str:
        """What the layer of an operation is called."""
        return self.namer.name(operation, [array.name for array in arrays if array is not None])

    def weighted(
        self, operation: Operation, op: str, wires: Sequence[Wire], weights: Sequence[Array | None], **parameters: Any
    ) -> Wire:
        """Lay out a layer with these weights; one whose weights are an earlier layer's is that layer again."""
        name = self.name(operation, *weights)
        names = tuple(array.name for array in weights if array is not None)
        if not names or not all(names):
            return self.plan.add(op, wires, name, **parameters)
        key = (op, names, tuple(sorted((k, v) for k, v in parameters.items() if v is not None)))
        if key in self._shared:
            return self.plan.reuse(self._shared[key], wires, self.name(operation))
        self._shared[key] = wire = self.plan.add(op, wires, name, **parameters)
        owner = self._owners.setdefault(names[0], wire)
        if owner != wire:
            self._tie(wire, owner, names[0])
        return wire

    def _tie(self, wire: Wire, owner: Wire, name: str) -> None:
        """Let a layer have its first weight in common with another, where the language can say so."""
        if {self.plan.steps[w.node].op for w in (wire, owner)} <= {"dense", "embedding"}:
            self.plan.tie(wire, owner)
        else:
            self.sketch.warn(f"{self.sketch.source}: the weight {name!r} is used by two layers, and counted for both")

    def follower(self, name: str, *ops: str) -> Operation | None:
        """The operation of one of these kinds that alone reads a value."""
        if self.uses[name] != 1 or not self.readers[name]:
            return None
        (reader,) = self.readers[name]
        return reader if reader.op in ops else None

    def absorb(self, operation: Operation, by: Operation) -> Operation:
        """Take an operation into the one before it: the result goes by its name."""
        self.absorbed.add(operation.outputs[0])
        return by._replace(outputs=(operation.outputs[0], *by.outputs[1:]))

    # Operations.

    def run(self, operations: Sequence[Operation]) -> None:
        """Read the operations in order."""
        for operation in operations:
            if operation.outputs and operation.outputs[0] in self.absorbed:
                continue
            self.bind(operation, self.results(operation))

    def bind(self, operation: Operation, results: Results) -> None:
        """Give the results their names."""
        values = [results] if isinstance(results, (Live, Array)) else results
        for name, value in zip(operation.outputs, values, strict=False):
            if name and value is not None:
                self.values.setdefault(name, value)

    def results(self, operation: Operation) -> Results:
        """What an operation comes to."""
        values = [self.value(name) for name in operation.inputs]
        if operation.op in ("Shape", "Size") and values:
            return self._sizes(operation, values[0])
        if operation.op == "Constant":
            return constant(operation)
        if not any(isinstance(value, Live) for value in values):
            folded = fold(operation, values, self.model.opset)  # type: ignore[arg-type]  # none is live
            if folded is not None:
                renamed = folded.learned and operation.op == "Identity"
                return replace(folded, name=operation.outputs[0]) if renamed else folded
        translate = OPERATORS.get(operation.op)
        try:
            if translate is None:
                raise Unknown(self._why(operation))
            return translate(self, operation)
        except Unknown as unknown:
            return self._opaque(operation, unknown)

    def _why(self, operation: Operation) -> str:
        if any(hasattr(value, "g") for value in operation.attributes.values()):
            return "it holds a graph of its own"
        if any(f.name == operation.op.rpartition(".")[2] for f in self.model.source.functions):
            return "it is a function of the model's own"
        return "no layer of the language does this"

    def _sizes(self, operation: Operation, value: Value | None) -> Array:
        if value is None:
            raise ExchangeError(f"{self.sketch.source}: {operation} lacks its input")
        sizes = self.shape(value) if isinstance(value, Live) else value.shape
        if operation.op == "Size":
            total: Dim = 1
            for size in sizes:
                total = size * total
            return Array((), vector([total]).numbers.reshape(()))  # type: ignore[union-attr]
        start, end = operation.attributes.get("start", 0), operation.attributes.get("end", len(sizes))
        return vector(sizes[start:end])

    def _opaque(self, operation: Operation, unknown: Unknown) -> Results:
        wanted = [name for name in operation.outputs if name]
        results = list(unknown.results) or [self._observed(operation, name, unknown) for name in wanted]
        wires = [value.wire for name in operation.inputs if isinstance(value := self.value(name), Live)]
        sizes = [sizes for _, sizes in results]
        made = self.plan.opaque(operation.op, wires, sizes, self.name(operation), str(unknown))
        by_name = dict(zip(wanted, (Live(w, axes) for w, (axes, _) in zip(made, results, strict=True)), strict=False))
        return [by_name.get(name) for name in operation.outputs]

    def _observed(self, operation: Operation, name: str, unknown: Unknown) -> tuple[Axes, tuple[Dim, ...]]:
        """Layout and sizes of a result that no rule gives."""
        shape = self.observed.shape(name)
        found = None if shape is None else placed(shape, (self.batch_name, self.batch), self.named)
        if found is None:
            raise ExchangeError(
                f"{self.sketch.source}: {operation} is not known here, as {unknown}; neither the file nor onnx' "
                f"inference says what sizes {name!r} has; add them to the graph's value_info"
            )
        return found


def attribute(operation: Operation, name: str, default: Any = None) -> Any:
    """An attribute's value, or the default."""
    return operation.attributes.get(name, default)
