"""What moves cells between axes, cuts them apart and puts them together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from shapesolver.arithmetic import Dim, Formula, compare
from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.arrays import Array, Unfolded, known
from shapesolver.exchange.onnx.folding import axes_of, expanded, slices
from shapesolver.exchange.onnx.layout import BATCH, Axes
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.exchange.onnx.scalars import INT64
from shapesolver.exchange.onnx.translating import Live, Reading, Unknown, Value, attribute, operator
from shapesolver.layers.patches import product
from shapesolver.model.graph import Wire


def axis_of(reading: Reading, wire: Wire, index: int) -> int | None:
    """An axis as a layer's parameter; ``None`` for the channels, the default."""
    return None if reading.plan.tensor(wire).axes[index] == "C" else index + 1


def own_axis(reading: Reading, value: Live, axis: int) -> int:
    """The result's axis that an ONNX axis is; raises :class:`Unknown`."""
    index = layout.pure(value.axes, axis % len(value.axes))
    if index is None:
        raise Unknown("it works along the batch")
    return index


def to_shape(reading: Reading, operation: Operation, value: Live, target: tuple[Dim, ...]) -> Live:
    """A live value under another ONNX shape."""
    found = layout.reshaped(value.axes, reading.plan.sizes(value.wire), target, reading.batch)
    if found is None:
        given = reading.shape(value)
        if product(given) != product(target):
            made = f"it makes {reading.spelt(target)} of {reading.spelt(given)}"
            raise Unknown(f"{made}: a size may have been fixed by the exporter")
        raise Unknown("it mixes the batch with other axes")
    return Live(reading.plan.reshape(value.wire, found.sizes, reading.name(operation)), found.axes)


@operator("Reshape")
def reshape(reading: Reading, operation: Operation) -> Live:
    """A reshape; 0 keeps a size, -1 takes what is left."""
    value = reading.loose(operation, 0)
    target = attribute(operation, "shape") or reading.numbers(operation, 1)
    if target is None or any(isinstance(size, float) for size in target):
        raise Unknown("its target is not known")
    sizes = layout.resolved(target, reading.shape(value), bool(attribute(operation, "allowzero", 0)))
    if sizes is None or any(compare("<", size, 1) is True for size in sizes):
        raise Unknown("its target does not fit its input")
    return to_shape(reading, operation, value, sizes)


@operator("Flatten")
def flatten(reading: Reading, operation: Operation) -> Live:
    """Two axes: the product of those before ``axis``, and of the rest."""
    value = reading.loose(operation, 0)
    shape = reading.shape(value)
    axis = attribute(operation, "axis", 1)
    axis = axis % len(shape) if axis < 0 else axis
    return to_shape(reading, operation, value, (product(shape[:axis]), product(shape[axis:])))


@operator("Transpose")
def transpose(reading: Reading, operation: Operation) -> Live:
    """The axes in another order; where only the batch moves, nothing."""
    value = reading.loose(operation, 0)
    order = attribute(operation, "perm", tuple(range(len(value.axes)))[::-1])
    if sorted(order) != list(range(len(value.axes))):
        raise Unknown("its order is none of the input's axes")
    axes, permutation = layout.transposed(value.axes, order)
    return Live(reading.plan.permute(value.wire, permutation, reading.name(operation)), axes)


def _stated_axes(reading: Reading, operation: Operation) -> list[int] | None:
    try:
        return axes_of(operation, [None, reading.array(operation, 1)])
    except Unfolded:
        raise Unknown("its axes are not known") from None


@operator("Squeeze")
def squeeze(reading: Reading, operation: Operation) -> Live:
    """Axes of size 1 removed, the batch among them where its size is a fixed 1."""
    value = reading.loose(operation, 0)
    shape = reading.shape(value)
    axes = _stated_axes(reading, operation)
    gone = (
        {index for index, size in enumerate(shape) if size == 1}
        if axes is None
        else {axis % len(shape) for axis in axes}
    )
    inner = [piece for index in gone for piece in value.axes[index] if piece != BATCH]
    if any(BATCH in value.axes[index] for index in gone) and reading.batch != 1:
        raise Unknown("it removes the batch")
    sizes = reading.plan.sizes(value.wire)
    kept = tuple(size for index, size in enumerate(sizes) if index not in inner)
    wire = reading.plan.reshape(value.wire, kept, reading.name(operation))
    return Live(wire, layout.renumbered([pieces for i, pieces in enumerate(value.axes) if i not in gone])[0])


@operator("Unsqueeze")
def unsqueeze(reading: Reading, operation: Operation) -> Live:
    """New axes of size 1."""
    value = reading.live(operation, 0)
    axes = _stated_axes(reading, operation)
    if axes is None:
        raise Unknown("its axes are not stated")
    rank = len(value.axes) + len(axes)
    old, sizes = list(value.axes), list(reading.plan.sizes(value.wire))
    new: list[tuple[int, ...]] = []
    inner: list[Dim] = []
    for index in range(rank):
        if index in {axis % rank for axis in axes}:
            new.append((len(inner),))
            inner.append(1)
            continue
        kept = []
        for piece in old.pop(0):
            kept.append(piece if piece == BATCH else len(inner))
            if piece != BATCH:
                inner.append(sizes[piece])
        new.append(tuple(kept))
    return Live(reading.plan.reshape(value.wire, tuple(inner), reading.name(operation)), tuple(new))


@operator("Concat")
def concat(reading: Reading, operation: Operation) -> Live:
    """Tensors joined; stored arrays among them become layers."""
    given = [reading.value(name) for name in operation.inputs]
    model = next((value for value in given if isinstance(value, Live)), None)
    lives = [like(reading, value, model) for value in given if value is not None]
    first = lives[0]
    axis = attribute(operation, "axis", 1)
    if any(live.axes != first.axes for live in lives):
        raise Unknown("the batch stands at different places in its inputs")
    if len(lives) == 1:
        return first
    index = own_axis(reading, first, axis)
    wires = [live.wire for live in lives]
    wire = reading.plan.add("concat", wires, reading.name(operation), axis=axis_of(reading, first.wire, index))
    return Live(wire, first.axes)


def like(reading: Reading, value: Value, model: Live | None) -> Live:
    """A value with the batch where the model has it: a stored array's axis there is 1, or the batch."""
    if isinstance(value, Live):
        return reading.solid(value)
    if model is None or any(size == reading.batch and isinstance(size, Formula) for size in value.shape):
        return reading.solid(reading.materialise(value))
    axes = reading.solid(model).axes
    if len(value.shape) != len(axes) or (BATCH,) not in axes:
        return reading.materialise(value)
    place = axes.index((BATCH,))
    if value.shape[place] not in (1, reading.batch):
        return reading.materialise(value)
    made = reading.materialise(value)
    sizes = reading.plan.sizes(made.wire)
    return Live(reading.plan.reshape(made.wire, (*sizes[:place], *sizes[place + 1 :])), axes)


@operator("Split", "SplitToSequence")
def split(reading: Reading, operation: Operation) -> Sequence[Value | None]:
    """One axis cut into stated sizes, or into as many equal parts as there are results."""
    value = reading.live(operation, 0)
    index = own_axis(reading, value, attribute(operation, "axis", 0))
    n = reading.plan.sizes(value.wire)[index]
    sizes: Any = attribute(operation, "split") or reading.numbers(operation, 1)
    parts = attribute(operation, "num_outputs", len(operation.outputs))
    axis = axis_of(reading, value.wire, index)
    name = reading.name(operation)
    if parts == 1:
        return (Live(reading.plan.add("identity", [value.wire], name), value.axes),)
    if sizes and len(set(sizes)) > 1:
        wire = reading.plan.add("split", [value.wire], name, sizes=tuple(sizes), axis=axis)
    elif sizes and isinstance(n, int):
        wire = reading.plan.add("split", [value.wire], name, sizes=(sizes[0],), axis=axis)
    else:
        wire = reading.plan.add("chunk", [value.wire], name, parts=parts, axis=axis)
    made = len(reading.plan.steps[wire.node].results)
    return [Live(Wire(wire.node, output), value.axes) for output in range(made)]


@operator("Slice")
def slice_(reading: Reading, operation: Operation) -> Live:
    """Parts of axes; cut at both ends of all spatial axes, a crop."""
    value = reading.live(operation, 0)
    arrays = [None, *(reading.array(operation, index) for index in range(1, 5))]
    try:
        cuts = [cut for cut in slices(operation, arrays, len(value.axes)) if not _whole(reading, value, cut)]
    except Unfolded:
        raise Unknown("where it cuts is not known") from None
    name = reading.name(operation)
    if not cuts:
        return Live(reading.plan.add("identity", [value.wire], name), value.axes)
    amounts = _cropped(value, cuts)
    if amounts:
        return Live(reading.plan.add("crop", [value.wire], name, amount=amounts), value.axes)
    wire = value.wire
    for start, stop, axis, step in cuts:
        index = own_axis(reading, value, axis)
        if compare("<", step, 0) is True:
            if step == -1 and start == -1 and compare("<", stop, -INT64 // 2) is True:
                wire = reading.plan.add("identity", [wire], name)  # the axis backwards
                continue
            raise Unknown("it steps backwards")
        wire = reading.plan.add(
            "slice",
            [wire],
            name if len(cuts) == 1 else "",
            start=None if start == 0 else start,
            stop=None if compare(">=", stop, INT64 // 2**33) is True else stop,
            step=None if step == 1 else step,
            axis=axis_of(reading, wire, index),
        )
    return Live(wire, value.axes)


def _whole(reading: Reading, value: Live, cut: tuple[Any, Any, int, Any]) -> bool:
    """Whether a slice takes the whole axis."""
    start, stop, axis, step = cut
    size = reading.shape(value)[axis]
    return start == 0 and step == 1 and compare(">=", stop, size) is True


def _cropped(value: Live, cuts: list[tuple[Any, Any, int, Any]]) -> tuple[tuple[int, int], ...] | None:
    """The amounts cut off all spatial axes of an image, where that is what the slices do."""
    rank = len(value.axes)
    spatial = sorted(axis for _, _, axis, _ in cuts) == [*range(2, rank)]
    if rank < 4 or value.axes != layout.batched(rank - 1) or not spatial:
        return None
    amounts = {}
    for start, stop, axis, step in cuts:
        ends = not isinstance(start, int) or not isinstance(stop, int)
        if step != 1 or ends or start < 0 or not (stop < 0 or stop > INT64 // 2**33):
            return None
        amounts[axis] = (start, -stop if stop < 0 else 0)
    return tuple(amounts[axis] for axis in range(2, rank))


@operator("Gather")
def gather(reading: Reading, operation: Operation) -> Live:
    """Rows of a learned table are an embedding; one index of an axis is a slice of it."""
    axis = attribute(operation, "axis", 0)
    table, places = reading.value(operation.input(0)), reading.value(operation.input(1))
    if isinstance(table, Array) and isinstance(places, Live):
        return _embedding(reading, operation, table, reading.solid(places), axis)
    value = reading.live(operation, 0)
    index = own_axis(reading, value, axis)
    if not isinstance(places, Array):
        raise Unknown("which indices it takes depends on the input")
    sizes = reading.plan.sizes(value.wire)
    try:
        wanted = [int(number) for number in known(places).reshape(-1)]
    except (Unfolded, TypeError):
        wanted = []
    step = _regular(wanted)
    if step is None:
        count = product(places.shape)
        if len(places.shape) != 1:
            raise Unknown("it takes indices that no slice takes")
        taken = (*sizes[:index], count, *sizes[index + 1 :])
        raise Unknown("it takes indices that no slice takes", (value.axes, taken))
    last = wanted[-1] + (1 if step > 0 else -1)
    wire = reading.plan.add(
        "slice",
        [value.wire],
        reading.name(operation),
        start=wanted[0] or None,
        stop=None if last == 0 and wanted[-1] < 0 else last,
        step=None if step == 1 else step,
        axis=axis_of(reading, value.wire, index),
    )
    if places.shape:
        return Live(wire, value.axes)
    left = reading.plan.sizes(wire)
    wire = reading.plan.reshape(wire, (*left[:index], *left[index + 1 :]))
    kept = [pieces for number, pieces in enumerate(value.axes) if number != axis % len(value.axes)]
    return Live(wire, layout.renumbered(kept)[0])


def _regular(places: list[int]) -> int | None:
    """The step between indices that a slice can take; ``None`` where none can."""
    if not places or (min(places) < 0 <= max(places)):
        return None
    steps = {b - a for a, b in pairwise(places)} or {1}
    step = steps.pop()
    return step if not steps and step > 0 else None


def _embedding(reading: Reading, operation: Operation, table: Array, places: Live, axis: int) -> Live:
    if len(table.shape) != 2 or axis % 2 != 0:
        rest = table.shape[1:] if axis == 0 else None
        if rest is None:
            raise Unknown("it gathers along an axis of a stored array")
        sizes = reading.plan.sizes(places.wire)
        axes = (*places.axes, *((len(sizes) + i,) for i in range(len(rest))))
        raise Unknown("it gathers from a stored array that is no table", (axes, (*sizes, *rest)))
    vocabulary, dim = table.shape
    wire = reading.weighted(operation, "embedding", [places.wire], [table], vocabulary=vocabulary, dim=dim)
    return Live(wire, (*places.axes, (len(reading.plan.sizes(places.wire)),)))


@operator("Expand", "Tile")
def expand(reading: Reading, operation: Operation) -> Live:
    """Sizes of 1 repeated, or every axis laid out several times; where nothing is repeated, an identity."""
    value = reading.live(operation, 0)
    shape = reading.shape(value)
    numbers = reading.numbers(operation, 1)
    if numbers is None:
        raise Unknown("its sizes are not stated")
    tile = operation.op == "Tile"
    new = tuple(n * k for n, k in zip(shape, numbers, strict=True)) if tile else expanded(shape, tuple(numbers))
    name = reading.name(operation)
    if len(new) == len(shape) and all(map(layout.same, new, shape)):
        return Live(reading.plan.add("identity", [value.wire], name), value.axes)
    axes, sizes = _batched_shape(reading, value.axes, new)
    old = reading.plan.sizes(value.wire)
    if tile and axes == value.axes:
        inner = tuple(numbers[axis] for axis, pieces in enumerate(axes) if pieces != (BATCH,))
        return Live(reading.plan.add("tile", [value.wire], name, times=inner), axes)
    pairs = zip(old[::-1], sizes[::-1], strict=False)
    if len(sizes) < len(old) or any(n != 1 and not layout.same(n, m) for n, m in pairs):
        raise Unknown("it repeats the batch")
    lead = len(sizes) - len(old)
    kept = tuple(-1 if i >= lead and layout.same(old[i - lead], size) else size for i, size in enumerate(sizes))
    return Live(reading.plan.add("expand", [value.wire], name, sizes=kept), axes)


def _batched_shape(reading: Reading, axes: Axes, shape: tuple[Dim, ...]) -> tuple[Axes, tuple[Dim, ...]]:
    """A shape as layout and sizes, with the batch where it was."""
    if (BATCH,) not in axes:
        place = next((i for i, n in enumerate(shape) if isinstance(n, Formula) and n == reading.batch), None)
    else:
        place = axes.index((BATCH,)) + len(shape) - len(axes)
    if place is None:
        return layout.unbatched(len(shape)), shape
    return layout.batched(len(shape) - 1, place), (*shape[:place], *shape[place + 1 :])
