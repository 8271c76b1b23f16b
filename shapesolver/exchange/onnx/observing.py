"""The sizes of what is not known: those that the file states, or that ``onnx`` infers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange import needs
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.layout import Axes
from shapesolver.exchange.onnx.proto import Operation, sizes_of

if TYPE_CHECKING:
    from shapesolver.exchange.onnx.translating import Reading

MAX_VALUES = 1024
"""The most numbers of an initializer that inference may want to know; larger ones are handed to it as inputs."""


def observe(reading: Reading, operation: Operation, names: Sequence[str]) -> list[tuple[Axes, tuple[Dim, ...]]]:
    """Layout and sizes of each result; raises :class:`ExchangeError` where nothing is known of one."""
    stated: Mapping[str, Any] = reading.model.observed
    if any(name not in stated for name in names):
        stated = {**inferred(reading), **stated}
    found = []
    for name in names:
        if name not in stated:
            raise ExchangeError(
                f"{reading.sketch.source}: {operation} is not known here, and the file does not state the shape of "
                f"{name!r}; run onnx.shape_inference.infer_shapes over it, or add the shape to its value_info"
            )
        found.append(_placed(reading, name, stated[name]))
    return found


def _placed(reading: Reading, name: str, shape: Sequence[int | str | None]) -> tuple[Axes, tuple[Dim, ...]]:
    """An observed shape as a layout with the batch, and sizes in symbols."""
    batched = bool(shape) and (shape[0] in (reading.batch_name, reading.batch) or not isinstance(shape[0], int))
    inner = shape[1:] if batched else shape
    sizes = tuple(_size(reading, name, index, size) for index, size in enumerate(inner))
    return (layout.batched(len(sizes)) if batched else layout.unbatched(len(sizes))), sizes


def _size(reading: Reading, name: str, index: int, size: int | str | None) -> Dim:
    if isinstance(size, int):
        if size < 1:
            raise ExchangeError(f"{reading.sketch.source}: {name!r} is said to have a size of {size}")
        return size
    if size in reading.named:
        return reading.named[size]
    reading.sketch.warn(f"{reading.sketch.source}: a size of {name!r} is not known, and stands as one of its own")
    return reading.sketch.symbol(size or f"{name}_{index + 1}")


def inferred(reading: Reading) -> Mapping[str, tuple[int | str | None, ...]]:
    """The shapes that ``onnx`` infers, weights' values left out. Worked out once."""
    if reading.inferred is None:
        reading.inferred = _infer(reading)
    return reading.inferred


def _infer(reading: Reading) -> dict[str, tuple[int | str | None, ...]]:
    onnx = needs("onnx")
    source = reading.model.source
    light = onnx.ModelProto(ir_version=source.ir_version, opset_import=source.opset_import, functions=source.functions)
    light.graph.name = source.graph.name
    light.graph.node.extend(source.graph.node)
    light.graph.input.extend(source.graph.input)
    light.graph.output.extend(source.graph.output)
    for tensor in source.graph.initializer:
        total = 1
        for dim in tensor.dims:
            total *= dim
        if total <= MAX_VALUES and tensor.data_location != 1:
            light.graph.initializer.append(tensor)
        else:
            value = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            light.graph.input.append(value)
    try:
        graph = onnx.shape_inference.infer_shapes(light, data_prop=True).graph
    except Exception:  # onnx raises errors of several kinds for models that it cannot make sense of
        return {}
    return {value.name: sizes for value in graph.value_info if (sizes := sizes_of(value)) is not None}
