"""Cell by cell over several tensors, and matrix products of two results."""

from __future__ import annotations

from collections.abc import Sequence

from shapesolver.arithmetic import Dim
from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.arrays import Array
from shapesolver.exchange.onnx.layout import BATCH, Axes
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.exchange.onnx.translating import Live, Reading, Unknown, attribute, operator
from shapesolver.layers.merging import broadcast_sizes
from shapesolver.model.graph import Wire

LAYERS = {
    "Add": "add", "Sum": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Max": "max", "Min": "min", "Pow": "power",
    "Mean": "average",
}  # fmt: skip

COMPARISONS = (
    "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Mod", "BitShift", "BitwiseAnd",
    "BitwiseOr", "BitwiseXor", "PRelu",
)  # fmt: skip


@operator(*LAYERS)
def arithmetic(reading: Reading, operation: Operation) -> Live:
    """A sum, product ... of results. With a single number it is a function of each cell."""
    values = [reading.value(name) for name in operation.inputs]
    lives = [reading.solid(value) for value in values if isinstance(value, Live)]
    arrays = [value for value in values if isinstance(value, Array) and not _plain(value, lives)]
    name = reading.name(operation)
    if len(lives) == 1 and not arrays:
        return Live(reading.plan.add("pointwise", [lives[0].wire], name, function=operation.op), lives[0].axes)
    operands = _operands(reading, operation, [value for value in values if value in lives or value in arrays])
    wires, axes = broadcast(reading, operands)
    return Live(reading.plan.add(LAYERS[operation.op], wires, name), axes)


def _plain(array: Array, lives: Sequence[Live]) -> bool:
    """Whether an array is one number, or fixed numbers that change no size and are not learned."""
    rank = max((len(live.axes) for live in lives), default=0)
    if not array.scalar or len(array.shape) > rank:
        return False
    return not (array.learned and array.name and array.shape)


def _operands(reading: Reading, operation: Operation, values: Sequence[Live | Array | None]) -> list[Live]:
    """The operands as live values. A stored array has no batch: its axis there is 1 and falls away."""
    rank = max(len(value.axes if isinstance(value, Live) else value.shape) for value in values if value is not None)
    model: Axes = max((reading.solid(v).axes for v in values if isinstance(v, Live)), key=len, default=())
    operands = []
    for value in values:
        if isinstance(value, Live):
            operands.append(reading.solid(value))
        elif value is not None:
            operands.append(_without_batch(reading, reading.materialise(value), model, rank))
    return operands


def _without_batch(reading: Reading, value: Live, model: Axes, rank: int) -> Live:
    """A value without a batch, with the axis of size 1 that stands where the model has the batch removed."""
    if (BATCH,) not in model or layout.has_batch(value.axes):
        return value
    place = model.index((BATCH,)) - len(model) + len(value.axes)
    sizes = reading.plan.sizes(value.wire)
    if place < 0:
        return value
    if sizes[place] not in (1, reading.batch):
        raise Unknown("it adds another array to every example of the batch")
    if len(sizes) == 1:
        return value
    wire = reading.plan.reshape(value.wire, (*sizes[:place], *sizes[place + 1 :]))
    axes = (*layout.unbatched(place), (BATCH,), *((i,) for i in range(place, len(sizes) - 1)))
    return Live(wire, axes)


def broadcast(reading: Reading, operands: Sequence[Live]) -> tuple[list[Wire], Axes]:
    """The wires of operands that broadcast, and the layout of what they make."""
    widest = max(operands, key=lambda value: (len(value.axes), layout.has_batch(value.axes)))
    wires = []
    for value in operands:
        if not layout.aligned(value.axes, widest.axes, reading.shape(value), reading.shape(widest)):
            raise Unknown("the batch stands at different places in its inputs")
        wires.append(value.wire)
    sizes: tuple[Dim, ...] = ()
    for wire in wires:
        sizes = broadcast_sizes(sizes, reading.plan.sizes(wire))
    if len(sizes) != len(reading.plan.sizes(widest.wire)):
        raise Unknown("its inputs' axes do not line up")
    return wires, widest.axes


@operator(*COMPARISONS)
def comparison(reading: Reading, operation: Operation) -> Live:
    """True or false for each cell, or a function of two: an operation of its own, with the sizes of both together."""
    if operation.op == "PRelu":
        return _prelu(reading, operation)
    values = [value for name in operation.inputs if (value := reading.value(name)) is not None]
    lives = [value for value in values if isinstance(value, Live)]
    if len(lives) == 1 and all(isinstance(v, Live) or v.scalar for v in values):
        live = reading.solid(lives[0])
        wire = reading.plan.add("pointwise", [live.wire], reading.name(operation), function=operation.op)
        return Live(wire, live.axes)
    wires, axes = broadcast(reading, _operands(reading, operation, values))
    sizes: tuple[Dim, ...] = ()
    for wire in wires:
        sizes = broadcast_sizes(sizes, reading.plan.sizes(wire))
    raise Unknown("no layer of the language does this", (axes, sizes))


def _prelu(reading: Reading, operation: Operation) -> Live:
    """ReLU with a learned slope."""
    value = reading.live(operation, 0)
    slope = reading.weight(operation, 1)
    count = 1
    for size in slope.shape:
        if isinstance(size, int):
            count *= size
    wire = reading.weighted(operation, "prelu", [value.wire], [slope], slopes=None if count == 1 else count)
    return Live(wire, value.axes)


@operator("Where")
def where(reading: Reading, operation: Operation) -> Live:
    """One of two values for each cell. With one live input and fixed masks, that input's sizes stay."""
    values = [value for name in operation.inputs if (value := reading.value(name)) is not None]
    lives = [reading.solid(value) for value in values if isinstance(value, Live)]
    operands = _operands(reading, operation, [v for v in values if isinstance(v, Live) or not _plain(v, lives)])
    wires, axes = broadcast(reading, operands)
    sizes: tuple[Dim, ...] = ()
    for wire in wires:
        sizes = broadcast_sizes(sizes, reading.plan.sizes(wire))
    if len(lives) == 1 and sizes == reading.plan.sizes(lives[0].wire):
        wire = reading.plan.add("pointwise", [lives[0].wire], reading.name(operation), function="Where")
        return Live(wire, lives[0].axes)
    raise Unknown("it chooses between values", (axes, sizes))


@operator("Einsum")
def einsum(reading: Reading, operation: Operation) -> Live:
    """The equations that are a dense layer or a matrix product; the sizes of the others."""
    equation = str(attribute(operation, "equation", "")).replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if not arrow or "." in equation or len(terms) != len(operation.inputs):
        raise Unknown(f"its equation is {equation}")
    given = [reading.value(name) for name in operation.inputs]
    values = [reading.solid(value) for value in given if isinstance(value, Live)]
    if len(values) == 2 == len(terms) and len(terms[0]) == len(terms[1]) == len(right) >= 3:
        product = _einsum_product(reading, operation, values, terms, right)
        if product is not None:
            return product
    sizes: dict[str, Dim] = {}
    batch = ""
    for term, value in zip(terms, given, strict=True):
        if value is None or len(term) != len(value.axes if isinstance(value, Live) else value.shape):
            raise Unknown(f"its equation is {equation}")
        shape = reading.shape(value) if isinstance(value, Live) else value.shape
        sizes.update({letter: size for letter, size in zip(term, shape, strict=True) if sizes.get(letter, 1) == 1})
        if isinstance(value, Live) and (BATCH,) in value.axes:
            batch = term[value.axes.index((BATCH,))]
    inner = tuple(sizes[letter] for letter in right if letter != batch)
    place = right.find(batch) if batch else -1
    axes = layout.batched(len(inner), place) if place >= 0 else layout.unbatched(len(inner))
    weight = next((value for value in given if isinstance(value, Array)), None)
    if weight is not None and len(terms) == 2 and isinstance(given[0], Live) and len(weight.shape) == 2:
        dense = terms[0][:-1] + terms[1][1] == right and terms[1][0] == terms[0][-1]
        if dense:
            wire = reading.weighted(operation, "dense", [values[0].wire], [weight], units=weight.shape[1], bias=False)
            return Live(wire, values[0].axes)
    raise Unknown(f"its equation is {equation}", (axes, inner))


def _einsum_product(
    reading: Reading, operation: Operation, values: Sequence[Live], terms: Sequence[str], right: str
) -> Live | None:
    """``bij,bjk->bik`` and ``bik,bjk->bij`` are matrix products, the second of a transpose."""
    (one, two), (first, second) = terms, values
    if one[:-2] != two[:-2] or one[:-2] != right[:-2] or first.axes[:-2] != second.axes[:-2]:
        return None
    if any(BATCH in pieces for value in values for pieces in value.axes[-2:]):
        return None
    rank = len(reading.plan.sizes(second.wire))
    wires = [first.wire, second.wire]
    if (one[-1], one[-2], two[-1]) == (two[-1], right[-2], one[-1]) and right[-1] == two[-2]:
        wires[1] = reading.plan.permute(second.wire, (*range(rank - 2), rank - 1, rank - 2))
    elif (one[-1], right[-2], right[-1]) != (two[-2], one[-2], two[-1]):
        return None
    return Live(reading.plan.add("matmul", wires, reading.name(operation)), first.axes)
