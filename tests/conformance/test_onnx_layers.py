"""Random layers against ONNX: shapes as onnxruntime runs them, and as onnx infers them."""

from __future__ import annotations

from typing import Any

import pytest

from shapesolver.layers.dialects import Dialect
from tests.conformance.cases import Case, Draw, make

numpy = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.conformance

CASES_A_LAYER = 600
ONNX = Dialect.named("onnx")


def pairs(draw: Draw, rank: int, high: int) -> tuple[tuple[int, int], ...]:
    return tuple((draw.number(0, high), draw.number(0, high)) for _ in range(rank))


def flat(values: tuple[tuple[int, int], ...]) -> list[int]:
    """ONNX' order: all the starts, then all the ends."""
    return [before for before, _ in values] + [after for _, after in values]


def each(value: Any, rank: int) -> list[int]:
    return list(value) if isinstance(value, tuple) else [value] * rank


def conv(draw: Draw) -> tuple[Case, str, dict[str, Any]]:
    rank, groups = draw.number(1, 3), draw.pick(1, 1, 2)
    kernel, stride, dilation = (
        draw.each(rank, 1, 4),
        draw.each(rank, 1, 3),
        draw.pick(1, draw.each(rank, 1, 3)),
    )
    word = draw.pick(None, None, "same", "same_lower", "valid")
    padding: Any = word or pairs(draw, rank, 2)
    case = make(
        "conv",
        ONNX,
        draw.image(ONNX, rank, groups * draw.number(1, 2), 9),
        channels=groups * draw.number(1, 2),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=False,
    )
    return case, "Conv", {
        **words(word, padding), "kernel_shape": each(kernel, rank), "strides": each(stride, rank),
        "dilations": each(dilation, rank), "group": groups,
    }  # fmt: skip


def words(word: str | None, padding: Any) -> dict[str, Any]:
    names = {"same": "SAME_UPPER", "same_lower": "SAME_LOWER", "valid": "VALID"}
    return {"auto_pad": names[word]} if word else {"pads": flat(padding)}


def conv_transpose(draw: Draw) -> tuple[Case, str, dict[str, Any]]:
    rank = draw.number(1, 2)
    kernel, stride, dilation = (
        draw.each(rank, 1, 4),
        draw.each(rank, 1, 3),
        draw.pick(1, draw.each(rank, 1, 2)),
    )
    padding, added = pairs(draw, rank, 2), draw.each(rank, 0, 2)
    case = make(
        "conv_transpose",
        ONNX,
        draw.image(ONNX, rank, 2, 6),
        channels=draw.number(1, 3),
        kernel=kernel,
        stride=stride,
        padding=padding,
        output_padding=added,
        dilation=dilation,
        bias=False,
    )
    return case, "ConvTranspose", {
        "pads": flat(padding), "kernel_shape": each(kernel, rank), "strides": each(stride, rank),
        "dilations": each(dilation, rank), "output_padding": each(added, rank),
    }  # fmt: skip


def max_pool(draw: Draw) -> tuple[Case, str, dict[str, Any]]:
    rank = draw.number(1, 3)
    kernel, stride, dilation = draw.each(rank, 1, 4), draw.each(rank, 1, 3), draw.each(rank, 1, 2)
    ceil, padding = draw.chance(), pairs(draw, rank, 2)
    case = make(
        "max_pool",
        ONNX,
        draw.image(ONNX, rank, 2, 9),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil,
    )
    return case, "MaxPool", {
        "pads": flat(padding), "kernel_shape": each(kernel, rank), "strides": each(stride, rank),
        "dilations": each(dilation, rank), "ceil_mode": int(ceil),
    }  # fmt: skip


def avg_pool(draw: Draw) -> tuple[Case, str, dict[str, Any]]:
    rank = draw.number(1, 3)
    kernel, stride, ceil = draw.each(rank, 1, 4), draw.each(rank, 1, 3), draw.chance()
    padding = pairs(draw, rank, 2)
    case = make(
        "avg_pool",
        ONNX,
        draw.image(ONNX, rank, 2, 9),
        kernel=kernel,
        stride=stride,
        padding=padding,
        ceil_mode=ceil,
    )
    return case, "AveragePool", {
        "pads": flat(padding), "kernel_shape": each(kernel, rank), "strides": each(stride, rank),
        "ceil_mode": int(ceil),
    }  # fmt: skip


DRAWS = [conv, conv_transpose, max_pool, avg_pool]


def model(case: Case, op: str, attributes: dict[str, Any], opset: int) -> Any:
    weights = [(f"w{i}", shape) for i, shape in enumerate(case.weights.values())]
    node = onnx.helper.make_node(op, ["x", *(name for name, _ in weights)], ["y"], **attributes)
    sizes = [1, *case.sizes]
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, sizes)
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    arrays = [onnx.numpy_helper.from_array(numpy.zeros(shape, numpy.float32), name) for name, shape in weights]
    graph = onnx.helper.make_graph([node], "case", [value], [result], arrays)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=9)


def run(case: Case, op: str, attributes: dict[str, Any]) -> tuple[int, ...] | None:
    """The shape that onnxruntime makes, or ``None`` where it refuses."""
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        data = model(case, op, attributes, 22).SerializeToString()
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        (y,) = session.run(None, {"x": numpy.zeros((1, *case.sizes), numpy.float32)})
    except Exception:
        return None
    return None if 0 in y.shape else tuple(y.shape[1:])


def inferred(case: Case, op: str, attributes: dict[str, Any], opset: int) -> tuple[int, ...]:
    """The shape that onnx infers."""
    graph = onnx.shape_inference.infer_shapes(model(case, op, attributes, opset)).graph
    return tuple(d.dim_value for d in graph.output[0].type.tensor_type.shape.dim[1:])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("draw_case", DRAWS, ids=lambda f: f.__name__)
def test_onnxruntime_agrees_on_random_layers(draw_case: Any) -> None:
    draw = Draw(seed=20261124)
    for _ in range(CASES_A_LAYER):
        case, op, attributes = draw_case(draw)
        actual = run(case, op, attributes)
        assert case.expected == actual, f"{case}: {case.expected} here, {actual} in onnxruntime"


@pytest.mark.parametrize("opset", [21, 22])
@pytest.mark.parametrize("draw_case", DRAWS, ids=lambda f: f.__name__)
def test_onnx_infers_what_can_be_built(draw_case: Any, opset: int) -> None:
    """Where we say that a layer can be built, onnx infers our shape at that operator set."""
    draw = Draw(seed=20261125)
    for _ in range(CASES_A_LAYER):
        case, op, attributes = draw_case(draw)
        parameters = {name: getattr(case.layer, name) for name in case.layer.parameters}
        case = Case(type(case.layer)(dialect=Dialect.named("onnx", opset), **parameters), case.sizes)
        if case.expected is not None:
            assert case.expected == inferred(case, op, attributes, opset), str(case)
