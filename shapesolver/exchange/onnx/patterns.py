"""Functions that exporters spell out in several operations: GELU by Erf, SiLU by Sigmoid, norms by means and roots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from shapesolver.exchange.onnx.arrays import Array, constant, stored
from shapesolver.exchange.onnx.proto import Model, Operation

MAX_SPELT = 16
"""The most operations that a pattern spans."""


class Graph:
    """Who makes and who reads what, for matching."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.maker = {output: operation for operation in model.operations for output in operation.outputs}
        self.readers: dict[str, list[Operation]] = {}
        for operation in model.operations:
            for name in operation.inputs:
                self.readers.setdefault(name, []).append(operation)
        self._outputs = set(model.outputs)

    def array(self, name: str) -> Array | None:
        """The stored array that a name is, through Constant and Identity."""
        tensor = self.model.stored.get(name)
        if tensor is not None:
            return stored(tensor, learned=True)
        maker = self.maker.get(name)
        if maker is not None and maker.op == "Identity":
            return self.array(maker.inputs[0])
        if maker is not None and maker.op == "Constant":
            return constant(maker)
        return None

    def number(self, name: str) -> float | None:
        """The number that a name is, if it is a stored one."""
        array = self.array(name)
        if array is None or array.numbers is None or array.numbers.size != 1:
            return None
        value = array.numbers.reshape(-1)[0]
        return float(value) if isinstance(value, (int, float)) else None

    def reader(self, name: str, *ops: str) -> Operation | None:
        """The one operation that reads a value, if it is of one of these kinds."""
        readers = self.readers.get(name, [])
        if len(readers) != 1 or name in self._outputs or readers[0].op not in ops:
            return None
        return readers[0]

    def made_by(self, name: str, *ops: str) -> Operation | None:
        """The operation that makes a value, if it is of one of these kinds."""
        maker = self.maker.get(name)
        return maker if maker is not None and maker.op in ops else None

    def other(self, operation: Operation, name: str) -> str:
        """The other of two inputs."""
        one, two = operation.inputs[:2]
        return two if one == name else one

    def region(self, last: Operation, start: str) -> list[Operation] | None:
        """The operations between a value and the last one; ``None`` where anything else comes in or leaves."""
        inside: dict[str, Operation] = {}
        stack = [last]
        while stack:
            operation = stack.pop()
            if operation.outputs[0] in inside:
                continue
            inside[operation.outputs[0]] = operation
            if len(inside) > MAX_SPELT:
                return None
            for name in operation.inputs:
                if name == start or self.array(name) is not None:
                    continue
                maker = self.maker.get(name)
                if maker is None:
                    return None
                stack.append(maker)
        for output, operation in inside.items():
            readers = self.readers.get(output, [])
            if operation is not last and (output in self._outputs or any(r.outputs[0] not in inside for r in readers)):
                return None
        return list(inside.values())


Match = tuple[Operation, list[Operation]]
"""What a pattern is replaced by, and the operations that it spells out."""


def simplified(model: Model) -> tuple[Operation, ...]:
    """The operations, with what is spelt out written as one."""
    if not any(operation.op in MATCHERS for operation in model.operations):
        return model.operations
    graph = Graph(model)
    replaced: dict[str, Operation] = {}
    gone: set[str] = set()
    for operation in model.operations:
        matcher = MATCHERS.get(operation.op)
        match = matcher(graph, operation) if matcher else None
        if match is None or any(o.outputs[0] in gone for o in match[1]):
            continue
        new, inside = match
        gone.update(o.outputs[0] for o in inside)
        replaced[new.outputs[0]] = new
    return tuple(_written(model.operations, replaced, gone))


def _written(
    operations: tuple[Operation, ...], replaced: Mapping[str, Operation], gone: set[str]
) -> Iterator[Operation]:
    for operation in operations:
        first = operation.outputs[0] if operation.outputs else ""
        if first in replaced:
            yield replaced[first]
        elif first not in gone:
            yield operation


def _spelt(graph: Graph, op: str, last: Operation | None, start: str) -> Match | None:
    inside = graph.region(last, start) if last is not None else None
    if last is None or inside is None:
        return None
    return Operation(f"pattern.{op}", last.name, (start,), (last.outputs[0],), {}), inside


def _near(value: float | None, wanted: float) -> bool:
    return value is not None and abs(value - wanted) < 1e-3


def _gelu(graph: Graph, operation: Operation) -> Match | None:
    """``0.5 * x * (1 + erf(x/sqrt(2)))``, or with tanh, the factors in any order."""
    add = graph.reader(operation.outputs[0], "Add")
    if add is None or not _near(graph.number(graph.other(add, operation.outputs[0])), 1):
        return None
    mul = graph.reader(add.outputs[0], "Mul")
    if mul is None:
        return None
    factor = graph.other(mul, add.outputs[0])
    if _near(graph.number(factor), 0.5):
        last = graph.reader(mul.outputs[0], "Mul")
        return None if last is None else _spelt(graph, "gelu", last, graph.other(last, mul.outputs[0]))
    half = graph.made_by(factor, "Mul")
    if half is not None and any(_near(graph.number(name), 0.5) for name in half.inputs):
        start = next(name for name in half.inputs if not _near(graph.number(name), 0.5))
        return _spelt(graph, "gelu", mul, start)
    last = graph.reader(mul.outputs[0], "Mul")
    if last is None or not _near(graph.number(graph.other(last, mul.outputs[0])), 0.5):
        return None
    return _spelt(graph, "gelu", last, factor)


def _tanh(graph: Graph, operation: Operation) -> Match | None:
    softplus = graph.made_by(operation.inputs[0], "Softplus")
    if softplus is None:
        return _gelu(graph, operation)
    mul = graph.reader(operation.outputs[0], "Mul")
    if mul is None or graph.other(mul, operation.outputs[0]) != softplus.inputs[0]:
        return None
    return _spelt(graph, "mish", mul, softplus.inputs[0])


def _gate(op: str) -> Callable[[Graph, Operation], Match | None]:
    """``x * gate(x)``."""

    def match(graph: Graph, operation: Operation) -> Match | None:
        (start,) = operation.inputs[:1]
        mul = graph.reader(operation.outputs[0], "Mul")
        if mul is None or graph.other(mul, operation.outputs[0]) != start:
            return _log_sigmoid(graph, operation)
        return _spelt(graph, op, mul, start)

    return match


def _log_sigmoid(graph: Graph, operation: Operation) -> Match | None:
    log = graph.reader(operation.outputs[0], "Log") if operation.op == "Sigmoid" else None
    return _spelt(graph, "log_sigmoid", log, operation.inputs[0])


def _hard_swish(graph: Graph, operation: Operation) -> Match | None:
    """``x * clip(x + 3, 0, 6)/6``, the division before or after the product."""
    add = graph.made_by(operation.inputs[0], "Add")
    if add is None or not any(_near(graph.number(name), 3) for name in add.inputs):
        return None
    start = next(name for name in add.inputs if not _near(graph.number(name), 3))
    following = graph.reader(operation.outputs[0], "Mul", "Div")
    if following is None:
        return None
    if graph.other(following, operation.outputs[0]) == start:
        last = graph.reader(following.outputs[0], "Div", "Mul")
        scaled = last is not None and graph.number(graph.other(last, following.outputs[0])) is not None
        return _spelt(graph, "hard_swish", last, start) if scaled else None
    if graph.number(graph.other(following, operation.outputs[0])) is None:
        return None
    last = graph.reader(following.outputs[0], "Mul")
    if last is None or graph.other(last, following.outputs[0]) != start:
        return None
    return _spelt(graph, "hard_swish", last, start)


def _layer_norm(graph: Graph, operation: Operation) -> Match | None:
    """``(x - mean)/sqrt(mean((x - mean)**2) + eps)`` over the last axis, then scale and shift."""
    root = graph.made_by(operation.inputs[1], "Sqrt")
    less = graph.made_by(operation.inputs[0], "Sub")
    mean = graph.made_by(less.inputs[1], "ReduceMean") if less is not None else None
    if root is None or less is None or mean is None or mean.inputs[0] != less.inputs[0]:
        return None
    axes = mean.attributes.get("axes") or _whole_numbers(graph, mean.input(1))
    if axes != (-1,) or graph.made_by(root.inputs[0], "Add") is None:
        return None
    start, last, weights = less.inputs[0], operation, ["", ""]
    for place, op in enumerate(("Mul", "Add")):
        following = graph.reader(last.outputs[0], op)
        array = graph.array(graph.other(following, last.outputs[0])) if following is not None else None
        if following is None or array is None or len(array.shape) != 1 or not array.learned:
            break
        weights[place] = graph.other(following, last.outputs[0])
        last = following
    match = _spelt(graph, "layer_norm", last, start)
    return None if match is None else (match[0]._replace(inputs=(start, *weights)), match[1])


def _whole_numbers(graph: Graph, name: str) -> tuple[int, ...]:
    array = graph.array(name)
    return () if array is None or array.numbers is None else tuple(map(int, array.numbers.reshape(-1)))


def _group_norm(graph: Graph, operation: Operation) -> Match | None:
    """A reshape to groups, an instance normalisation by ones, a reshape back, then scale and shift by channel."""
    into = graph.made_by(operation.inputs[0], "Reshape")
    back = graph.reader(operation.outputs[0], "Reshape")
    scale = graph.array(operation.input(1))
    if into is None or back is None or scale is None or graph.reader(into.outputs[0], operation.op) is None:
        return None
    start, last, weights = into.inputs[0], back, ["", ""]
    inside = [into, operation, back]
    for place, op in enumerate(("Mul", "Add")):
        following = graph.reader(last.outputs[0], op)
        array = graph.array(graph.other(following, last.outputs[0])) if following is not None else None
        if following is None or array is None or not array.learned or not _by_channel(array):
            break
        weights[place] = graph.other(following, last.outputs[0])
        last = following
        inside.append(following)
    attributes = {"groups": scale.shape[0]}
    return Operation("pattern.group_norm", last.name, (start, *weights), (last.outputs[0],), attributes), inside


def _by_channel(array: Array) -> bool:
    return len(array.shape) > 1 and all(size == 1 for size in array.shape[1:])


MATCHERS: Mapping[str, Callable[[Graph, Operation], Match | None]] = {
    "Erf": _gelu,
    "Tanh": _tanh,
    "Sigmoid": _gate("silu"),
    "HardSigmoid": _gate("hard_swish"),
    "Clip": _hard_swish,
    "Div": _layer_norm,
    "InstanceNormalization": _group_norm,
}
"""By the operation that gives a pattern away."""
