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
    """Layout and sizes of each result; raises :class:`ExchangeError` where one is not known."""
    stated: Mapping[str, Any] = reading.model.observed
    if any(name not in stated for name in names):
        stated = {**inferred(reading), **stated}
    found = []
    for name in names:
        placed = _placed(reading, stated[name]) if name in stated else None
        if placed is None:
            raise ExchangeError(
                f"{reading.sketch.source}: {operation} is not known here, and neither the file nor onnx' inference "
                f"says what sizes {name!r} has; add them to the graph's value_info"
            )
        found.append(placed)
    return found


def _placed(reading: Reading, shape: Sequence[int | str | None]) -> tuple[Axes, tuple[Dim, ...]] | None:
    """An observed shape as a layout with the batch, and sizes; ``None`` where one is no size of the inputs."""
    batched = bool(shape) and (shape[0] in (reading.batch_name, reading.batch) or not isinstance(shape[0], int))
    inner = [reading.named.get(size) if isinstance(size, str) else size for size in (shape[1:] if batched else shape)]
    sizes = tuple(size for size in inner if size is not None)
    if len(sizes) < len(inner) or any(isinstance(size, int) and size < 1 for size in sizes):
        return None
    return (layout.batched(len(sizes)) if batched else layout.unbatched(len(sizes))), sizes


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
