"""The shapes of results: those that the file states, or that ``onnx`` infers."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shapesolver.arithmetic import Dim
from shapesolver.exchange import needs
from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.arrays import EXTERNAL
from shapesolver.exchange.onnx.layout import Axes
from shapesolver.exchange.onnx.proto import sizes_of

if TYPE_CHECKING:
    import onnx

    from shapesolver.exchange.onnx.proto import Model

MAX_VALUES = 1024
"""The most numbers of an initializer that inference may want to know; larger ones are handed to it as inputs."""

Shape = tuple[int | str | None, ...]
"""Numbers, names, or ``None`` for what is left open."""


class Observed:
    """The shapes of a model's results; ``onnx`` is asked once, and only where the file does not state one."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def shape(self, name: str) -> Shape | None:
        """The shape of a result, batch included; ``None`` where nothing says it."""
        stated = self._model.observed.get(name)
        return self._inferred.get(name) if stated is None else stated

    @cached_property
    def _inferred(self) -> Mapping[str, Shape]:
        onnx = needs("onnx")
        try:
            graph = onnx.shape_inference.infer_shapes(_without_weights(self._model.source), data_prop=True).graph
        except Exception:  # onnx raises errors of several kinds for models that it cannot make sense of
            return {}
        return {value.name: sizes for value in graph.value_info if (sizes := sizes_of(value)) is not None}


def _without_weights(source: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its larger initializers as inputs, which are not copied number by number."""
    light: onnx.ModelProto = needs("onnx").ModelProto(
        ir_version=source.ir_version, opset_import=source.opset_import, functions=source.functions
    )
    light.graph.name = source.graph.name
    light.graph.node.extend(source.graph.node)
    light.graph.input.extend(source.graph.input)
    light.graph.output.extend(source.graph.output)
    for tensor in source.graph.initializer:
        if math.prod(tensor.dims) <= MAX_VALUES and tensor.data_location != EXTERNAL:
            light.graph.initializer.append(tensor)
        else:
            value = needs("onnx").helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            light.graph.input.append(value)
    return light


def placed(shape: Shape, batch: Collection[Any], named: Mapping[str, Dim]) -> tuple[Axes, tuple[Dim, ...]] | None:
    """An observed shape as a layout and sizes; ``None`` where one of them is no size of the inputs.

    ``batch`` is what the batch's size may be called, ``named`` the symbols of the file's names for sizes.
    """
    batched = bool(shape) and (shape[0] in batch or not isinstance(shape[0], int))
    inner = [named.get(size) if isinstance(size, str) else size for size in (shape[1:] if batched else shape)]
    sizes = tuple(size for size in inner if size is not None)
    if len(sizes) < len(inner) or any(isinstance(size, int) and size < 1 for size in sizes):
        return None
    return (layout.batched(len(sizes)) if batched else layout.unbatched(len(sizes))), sizes
