"""ONNX models run: what onnxruntime makes of them, layer by layer."""

from __future__ import annotations

import faulthandler
import math
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import onnx
import onnxruntime

from shapesolver.net import Net

MANY = 50_000
"""A weight of more numbers than this is left unfilled."""


@contextmanager
def unfilled() -> Iterator[None]:
    """Models written without the numbers of large weights, which take longer than anything else."""
    kept = onnx.numpy_helper.from_array

    def header(array: Any, name: str | None = None) -> onnx.TensorProto:
        if array.size <= MANY:
            return kept(array, name)
        return onnx.TensorProto(name=name, dims=array.shape, data_type=onnx.TensorProto.FLOAT)

    onnx.numpy_helper.from_array = header
    try:
        yield
    finally:
        onnx.numpy_helper.from_array = kept


def runnable(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its unfilled weights as inputs."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    del made.graph.initializer[:]
    for tensor in model.graph.initializer:
        if tensor.raw_data or math.prod(tensor.dims) <= MANY:
            made.graph.initializer.append(tensor)
        else:
            value = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, [*tensor.dims])
            made.graph.input.append(value)
    return made


def session(model: onnx.ModelProto, everything: bool = False) -> onnxruntime.InferenceSession:
    """A session; with ``everything`` each node's results are outputs."""
    if everything:
        whole = onnx.ModelProto()
        whole.CopyFrom(model)
        stated = {output.name for output in whole.graph.output}
        for node in whole.graph.node:
            for name in node.output:
                if name and name not in stated and node.op_type != "Constant":
                    whole.graph.output.append(onnx.ValueInfoProto(name=name))
        model = whole
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if everything:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def inferred(model: onnx.ModelProto, shapes: list[tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes that onnx infers for inputs of these shapes, batch included."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value, shape in zip(fixed.graph.input, shapes, strict=False):
        for dim, size in zip(value.type.tensor_type.shape.dim, shape, strict=True):
            dim.dim_value = size
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    graph = onnx.shape_inference.infer_shapes(fixed, strict_mode=True, data_prop=True).graph
    found = {}
    for value in (*graph.value_info, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if all(dim.HasField("dim_value") for dim in dims):
            found[value.name] = tuple(dim.dim_value for dim in dims)
    return found


def run(made: onnxruntime.InferenceSession, shapes: list[tuple[int, ...]]) -> dict[str, tuple[int, ...]] | None:
    """The shape of every output, batch included; ``None`` where onnxruntime refuses or makes an empty tensor."""
    feeds = {
        value.name: numpy.zeros(shape, numpy.int64 if "int64" in value.type else numpy.float32)
        for value, shape in zip(made.get_inputs(), shapes, strict=False)
    }
    for value in made.get_inputs()[len(shapes) :]:  # the weights that are not filled
        feeds[value.name] = numpy.zeros(value.shape, numpy.float32)
    try:
        results = made.run(None, feeds)
    except Exception:
        return None
    found = {value.name: result.shape for value, result in zip(made.get_outputs(), results, strict=True)}
    return None if any(0 in shape for shape in found.values()) else found


def run_each(model: onnx.ModelProto, cases: list[list[tuple[int, ...]]]) -> list[dict[str, tuple[int, ...]] | None]:
    """:func:`run` for many shapes, each in a process that may die: an empty tensor makes onnxruntime divide by 0."""
    found: list[dict[str, tuple[int, ...]] | None] = []
    context = multiprocessing.get_context("fork")
    while len(found) < len(cases):
        here, there = context.Pipe(duplex=False)
        child = context.Process(target=_answer, args=(there, model, cases[len(found) :]))
        child.start()
        there.close()
        try:
            while True:
                found.append(here.recv())
        except EOFError:
            child.join()
        if len(found) < len(cases):
            found.append(None)
    return found


def _answer(there: Any, model: onnx.ModelProto, cases: list[list[tuple[int, ...]]]) -> None:
    faulthandler.disable()
    made = session(model)
    for shapes in cases:
        there.send(run(made, shapes))


def inputs_of(net: Net, batch: int = 2) -> list[tuple[int, ...]]:
    """The shapes to feed, batch in front."""
    return [(batch, *layer.shape) for layer in net.inputs]


def first(net: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape with its channels first, as an exported model may hold it inside."""
    return (shape[-1], *shape[:-1]) if net.dialect.channels_last else shape
