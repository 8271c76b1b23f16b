"""Which input cells reach a result: the first and last one read, as formulas in the input sizes.

Read backwards from the result, layer by layer, an axis at a time; where paths join, their intervals are united.
A stride beyond its window or a dilated window leaves cells out in between: there the interval says nothing, and
:func:`reading` answers ``None``.
"""

from __future__ import annotations

from shapesolver.arithmetic import Dim, Truth, both, compare, maximum, minimum
from shapesolver.derive import Derivation
from shapesolver.layers.base import AxisWise, Layer, Tensor
from shapesolver.layers.merging import Arithmetic, Concat
from shapesolver.model.graph import Wire

Interval = tuple[Dim, Dim]


def reading(derivation: Derivation, target: Wire, axis: str) -> dict[int, Interval] | None:
    """For each input layer, the first and last cell along an axis that the target depends on.

    ``None`` where the interval alone does not tell which cells are read.
    """
    tensor = derivation.tensor(*target)
    if tensor is None:
        return None
    size = tensor.sizes[tensor.axes.index(axis)] if axis in tensor.axes else 1
    needed: dict[int, Interval] = {target.node: (0, size - 1)}
    for index in range(target.node, -1, -1):
        if index not in needed:
            continue
        node = derivation.graph.nodes[index]
        inputs = derivation.inputs(index)
        if inputs is None:
            return None
        layer = derivation.layers[index]
        for number, (wire, source) in enumerate(zip(node.inputs, inputs, strict=True)):
            found = _reads(layer, number, inputs, source, needed[index], axis)
            if found is None:
                return None
            needed[wire.node] = _united(needed.get(wire.node), found)
    return {i: interval for i, interval in needed.items() if not derivation.graph.nodes[i].inputs}


def nothing_lost(derivation: Derivation, target: Wire, axis: str) -> Truth | None:
    """That every cell of every input along an axis reaches the target; ``None`` where intervals cannot tell."""
    found = reading(derivation, target, axis)
    if found is None:
        return None
    truths = []
    for index, (first, last) in found.items():
        tensor = derivation.tensor(index)
        if tensor is not None and axis in tensor.axes:
            n = tensor.sizes[tensor.axes.index(axis)]
            truths += [compare("<=", first, 0), compare(">=", last, n - 1)]
    return both(*truths)


def _reads(
    layer: Layer, number: int, inputs: tuple[Tensor, ...], source: Tensor, interval: Interval, axis: str
) -> Interval | None:
    """What one input must provide for an interval of a layer's result."""
    if axis not in source.axes:
        return 0, 0
    n = source.sizes[source.axes.index(axis)]
    if layer.elementwise or isinstance(layer, Arithmetic):
        return _clamped(interval, n)
    if isinstance(layer, Concat):
        joined = layer.axis if isinstance(layer.axis, str) else source.axes[layer.axis - (layer.axis > 0)]
        return _clamped(interval, n) if joined != axis else (0, n - 1)
    if isinstance(layer, AxisWise) and number == 0 and axis != "C":
        position = layer.split(Tensor(tuple(range(source.rank)), source.axes))[1].index(source.axes.index(axis))
        if layer.skips(position):
            return None
        return _clamped(layer.reads(*interval, n, position), n)
    return 0, n - 1


def _clamped(interval: Interval, n: Dim) -> Interval:
    return maximum(interval[0], 0), minimum(interval[1], n - 1)


def _united(one: Interval | None, other: Interval) -> Interval:
    if one is None:
        return other
    return minimum(one[0], other[0]), maximum(one[1], other[1])
