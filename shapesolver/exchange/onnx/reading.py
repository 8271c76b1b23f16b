"""An ONNX model in: its inputs' sizes, its operations, its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shapesolver.arithmetic import Dim
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.onnx import layout, operators, proto
from shapesolver.exchange.onnx.attention import with_attention
from shapesolver.exchange.onnx.patterns import simplified
from shapesolver.exchange.onnx.proto import Model, Slot
from shapesolver.exchange.onnx.translating import Live, Reading
from shapesolver.exchange.sketch import Imported, Sketch
from shapesolver.layers.dialects import LATEST_OPSET, Dialect
from shapesolver.model.graph import Wire

if TYPE_CHECKING:
    import onnx

BATCH_NAMES = ("n", "b", "bs", "batch", "batch_size", "batchsize", "num_batch", "n_batch", "none")
"""Names of the batch's size, in lower case."""

assert operators


def read_file(path: Path, inputs: Sequence[str] = ()) -> Imported:
    """The network of an ``.onnx`` file, which states its inputs itself; raises :class:`ExchangeError`."""
    if inputs:
        raise ExchangeError(f"{path} states the sizes of its inputs itself")
    return _imported(proto.load(path), path.name)


def read_model(model: onnx.ModelProto, source: str = "the model", inputs: Sequence[str] = ()) -> Imported:
    """The network of a model in memory, which states its inputs itself; raises :class:`ExchangeError`."""
    if inputs:
        raise ExchangeError(f"{source} states the sizes of its inputs itself")
    return _imported(proto.read(model, source), source)


def _imported(model: Model, source: str) -> Imported:
    dialect = Dialect.named("onnx", min(model.opset, LATEST_OPSET))
    sketch = Sketch(dialect, source)
    places = [_batch_place(slot) for slot in model.inputs]
    batch = _batch_size(model.inputs, places)
    reading = Reading(model, sketch, batch if isinstance(batch, int) else None)
    reading.batch_name = batch if isinstance(batch, str) else ""
    if isinstance(batch, int) and batch > 1:
        sketch.warn(f"{source}: the first axis of the inputs, {batch}, is taken for the batch")
    for slot, place in zip(model.inputs, places, strict=True):
        reading.values[slot.name] = _input(reading, slot, place)
    reading.run(simplified(model))
    outputs = [_output(reading, name) for name in model.outputs]
    plan, outputs = with_attention(reading.plan, outputs)
    plan.draw(sketch, outputs)
    return sketch.finish()


def _batch_place(slot: Slot) -> int:
    """Which axis of an input is the batch: the one called so, or the first."""
    for index, size in enumerate(slot.sizes):
        if isinstance(size, str) and size.lower() in BATCH_NAMES:
            return index
    return 0


def _batch_size(slots: Sequence[Slot], places: Sequence[int]) -> int | str | None:
    """The size of the batch: its name, its number, or ``None`` where nothing is said."""
    sizes = [slot.sizes[place] for slot, place in zip(slots, places, strict=True) if slot.sizes]
    for size in sizes:
        if not isinstance(size, int):
            return size
    return sizes[0] if sizes else None


def _input(reading: Reading, slot: Slot, place: int) -> Live:
    """An input without its batch; sizes that the file leaves open are symbols."""
    if not slot.sizes:
        raise ExchangeError(f"{reading.sketch.source}: the input {slot.name!r} is a single number, without a batch")
    inner = [*slot.sizes[:place], *slot.sizes[place + 1 :]]
    letters = reading.plan.dialect.axes(len(inner))
    sizes: list[Dim] = []
    for size, letter in zip(inner, letters, strict=True):
        if isinstance(size, int):
            sizes.append(size)
            continue
        key = size or f"{slot.name}.{letter}"
        if key not in reading.named:
            reading.named[key] = reading.sketch.symbol(size or letter)
        sizes.append(reading.named[key])
    if not sizes:
        raise ExchangeError(
            f"{reading.sketch.source}: the input {slot.name!r} has one axis, taken for the batch; nothing is left of it"
        )
    wire = reading.plan.add("input", [], slot.name, sizes=tuple(sizes))
    return Live(wire, layout.batched(len(sizes), place))


def _output(reading: Reading, name: str) -> Wire:
    value = reading.value(name)
    if not isinstance(value, Live):
        if value is None or not value.shape:
            raise ExchangeError(f"{reading.sketch.source}: the output {name!r} is a number that no layer makes")
        value = reading.materialise(value, name)
    return reading.solid(value).wire
