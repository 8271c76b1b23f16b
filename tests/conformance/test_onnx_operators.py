"""Operators alone, through the versions of their definitions: our sizes against onnxruntime's."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

numpy = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from shapesolver.exchange.onnx.reading import read_model  # noqa: E402
from shapesolver.net import Net  # noqa: E402
from tests.conformance.onnx_running import run, session  # noqa: E402

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]
helper, FLOAT, INT64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


class Case(NamedTuple):
    """One operator: its version, input shapes with the batch, stored inputs after them, what it becomes, and sizes."""

    op: str
    opset: int
    shapes: list[list[int | str]]
    stored: list[Any]
    becomes: str
    attributes: dict[str, Any]
    results: int = 1


def case(
    op: str, opset: int, *shapes: list[int | str], stored: Any = (), becomes: str, results: int = 1, **a: Any
) -> Case:
    return Case(op, opset, [*shapes], [*stored], becomes, a, results)


def floats(*shape: int) -> Any:
    return numpy.full(shape, 0.5, numpy.float32)


def whole(*values: int) -> Any:
    return numpy.array(values, numpy.int64)


IMAGE = [2, 4, "H", 9]
CASES = [
    case("Conv", 1, IMAGE, stored=[floats(6, 4, 3, 3)], becomes="conv", auto_pad="SAME_LOWER", strides=[2, 2]),
    case("Conv", 11, IMAGE, stored=[floats(8, 1, 3, 1), floats(8)],
         becomes="depthwise_conv", group=4, pads=[1, 0, 2, 0]),
    case("Conv", 22, [2, 3, "L"], stored=[floats(6, 3, 2)], becomes="conv", dilations=[3], pads=[4, 0]),
    case("Conv", 11, [1, 2, 5, "H", 6], stored=[floats(2, 2, 2, 2, 2)], becomes="conv"),
    case("ConvTranspose", 11, IMAGE, stored=[floats(4, 3, 3, 3)],
         becomes="conv_transpose", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 0]),
    case("ConvTranspose", 11, IMAGE, stored=[floats(4, 3, 3, 3)],
         becomes="conv_transpose", strides=[2, 2], auto_pad="SAME_UPPER"),
    case("ConvTranspose", 11, [2, 4, 5, 9], stored=[floats(4, 3, 3, 3)],
         becomes="conv_transpose", strides=[2, 2], output_shape=[10, 18]),
    case("MaxPool", 8, IMAGE, becomes="max_pool", kernel_shape=[3, 3], strides=[2, 2]),
    case("MaxPool", 12, IMAGE,
         becomes="max_pool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, dilations=[2, 1], pads=[1, 0, 1, 1]),
    case("AveragePool", 7, IMAGE, becomes="avg_pool", kernel_shape=[2, 2], auto_pad="SAME_UPPER", strides=[2, 2]),
    case("AveragePool", 22, IMAGE, becomes="avg_pool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    case("LpPool", 18, IMAGE, becomes="lp_pool", kernel_shape=[2, 2], strides=[2, 2]),
    case("GlobalAveragePool", 7, IMAGE, becomes="global_avg_pool"),
    case("GlobalMaxPool", 7, [2, 4, "L"], becomes="global_max_pool"),
    case("ReduceMean", 11, IMAGE, becomes="global_avg_pool", axes=[2, 3], keepdims=0),
    case("ReduceMean", 18, IMAGE, stored=[whole(-1, -2)], becomes="global_avg_pool"),
    case("ReduceMax", 11, IMAGE, becomes="reduce", axes=[1], keepdims=1),
    case("ReduceSum", 13, [2, "L", 5], stored=[whole(1)], becomes="reduce", keepdims=0),
    case("ArgMax", 13, [2, "L", 5], becomes="reduce", axis=2, keepdims=0),
    case("BatchNormalization", 9, IMAGE, stored=[floats(4)] * 4, becomes="batch_norm"),
    case("InstanceNormalization", 6, IMAGE, stored=[floats(4)] * 2, becomes="instance_norm"),
    case("LayerNormalization", 17, IMAGE, stored=[floats(9)], becomes="layer_norm"),
    case("GroupNormalization", 21, IMAGE, stored=[floats(4)] * 2, becomes="group_norm", num_groups=2),
    case("LRN", 13, IMAGE, becomes="opaque", size=3),
    case("Gemm", 7, [2, 6], stored=[floats(5, 6), floats(5)], becomes="dense", transB=1),
    case("Gemm", 13, [2, 6], stored=[floats(6, 5)], becomes="dense"),
    case("MatMul", 13, [2, "L", 6], stored=[floats(6, 5)], becomes="dense"),
    case("MatMul", 13, [2, "L", 6], [2, 6, 4], becomes="matmul"),
    case("Einsum", 12, [2, "L", 6], [2, 5, 6], becomes="matmul", equation="bik,bjk->bij"),
    case("Einsum", 12, [2, "L", 6], stored=[floats(6, 7)], becomes="dense", equation="bld,de->ble"),
    case("Softmax", 11, [2, 6], becomes="softmax"),
    case("Softmax", 13, IMAGE, becomes="softmax", axis=1),
    case("LogSoftmax", 13, IMAGE, becomes="log_softmax"),
    case("Relu", 14, IMAGE, becomes="relu"),
    case("LeakyRelu", 6, IMAGE, becomes="leaky_relu", alpha=0.2),
    case("PRelu", 9, IMAGE, stored=[floats(4, 1, 1)], becomes="prelu"),
    case("Clip", 6, IMAGE, becomes="relu6", min=0.0, max=6.0),
    case("Clip", 13, IMAGE, stored=[numpy.float32(-1), numpy.float32(1)], becomes="hard_tanh"),
    case("HardSwish", 14, IMAGE, becomes="hard_swish"),
    case("Mish", 18, IMAGE, becomes="mish"),
    case("Gelu", 20, IMAGE, becomes="gelu"),
    case("Sqrt", 13, IMAGE, becomes="pointwise"),
    case("Dropout", 7, IMAGE, becomes="dropout", ratio=0.3),
    case("Dropout", 13, IMAGE, stored=[numpy.float32(0.3)], becomes="dropout"),
    case("Flatten", 13, [2, 4, 5, 9], becomes="flatten"),
    case("Flatten", 13, [2, 6], becomes="input", axis=-1),
    case("Reshape", 5, [2, 4, "H", 9], stored=[whole(0, 4, -1)], becomes="flatten"),
    case("Reshape", 14, [2, 6, "L"], stored=[whole(0, 2, 3, -1)], becomes="unflatten"),
    case("Reshape", 14, [2, 6, "L"], stored=[whole(0, -1)], becomes="flatten"),
    case("Transpose", 13, IMAGE, becomes="permute", perm=[0, 2, 3, 1]),
    case("Squeeze", 11, [2, 4, 1, "L"], becomes="squeeze", axes=[2]),
    case("Squeeze", 13, [2, 4, 1, "L"], stored=[whole(-2)], becomes="squeeze"),
    case("Unsqueeze", 11, [2, 4, "L"], becomes="unsqueeze", axes=[1]),
    case("Unsqueeze", 13, [2, 4, "L"], stored=[whole(-1)], becomes="unsqueeze"),
    case("Concat", 13, IMAGE, IMAGE, becomes="concat", axis=1),
    case("Concat", 13, IMAGE, IMAGE, becomes="concat", axis=-1),
    case("Split", 11, IMAGE, becomes="split", axis=1, split=[1, 3], results=2),
    case("Split", 13, IMAGE, stored=[whole(2, 2)], becomes="split", axis=1, results=2),
    case("Split", 18, IMAGE, becomes="chunk", axis=3, num_outputs=2, results=2),
    case("Slice", 9, IMAGE, becomes="slice", axes=[1], starts=[1], ends=[3]),
    case("Slice", 13, IMAGE, stored=[whole(0), whole(2**63 - 1), whole(2), whole(2)], becomes="slice"),
    case("Slice", 13, IMAGE, stored=[whole(1, 2), whole(-1, -3), whole(2, 3)], becomes="crop"),
    case("Slice", 13, IMAGE, stored=[whole(-1), whole(-(2**63)), whole(3), whole(-1)], becomes="identity"),
    case("Pad", 2, IMAGE, becomes="pad", pads=[0, 0, 1, 2, 0, 0, 3, 4]),
    case("Pad", 11, IMAGE, stored=[whole(0, 0, 1, 2, 0, 0, 3, 4)], becomes="pad", mode="edge"),
    case("Pad", 18, IMAGE, stored=[whole(1, 2), numpy.float32(0), whole(2)], becomes="pad", mode="reflect"),
    case("Pad", 19, IMAGE, stored=[whole(0, 0, 1, 2, 0, 0, 3, 4)], becomes="pad", mode="wrap"),
    case("Upsample", 7, IMAGE, becomes="upsample", scales=[1.0, 1.0, 2.0, 3.0], mode="nearest"),
    case("Upsample", 9, IMAGE, stored=[numpy.array([1, 1, 2, 2], numpy.float32)], becomes="upsample", mode="linear"),
    case("Resize", 10, IMAGE, stored=[numpy.array([1, 1, 1.5, 0.5], numpy.float32)], becomes="upsample"),
    case("Resize", 13, IMAGE, stored=[floats(0), numpy.array([1, 1, 2, 2], numpy.float32)],
         becomes="upsample", mode="cubic"),
    case("Resize", 18, IMAGE, stored=[floats(0), floats(0), whole(7, 11)],
         becomes="resize", axes=[2, 3], mode="linear"),
    case("DepthToSpace", 13, IMAGE, becomes="pixel_shuffle", blocksize=2),
    case("SpaceToDepth", 13, [2, 4, "H", 8], becomes="pixel_unshuffle", blocksize=2),
    case("Col2Im", 18, [2, 8, 20], stored=[whole(5, 6), whole(2, 2)], becomes="fold"),
    case("Add", 14, IMAGE, IMAGE, becomes="add"),
    case("Sum", 13, IMAGE, IMAGE, IMAGE, becomes="add"),
    case("Sub", 14, IMAGE, [2, 4, 1, 1], becomes="sub"),
    case("Mul", 14, IMAGE, stored=[floats(1, 4, 1, 1)], becomes="mul"),
    case("Mul", 14, IMAGE, stored=[numpy.float32(0.5)], becomes="pointwise"),
    case("Div", 14, IMAGE, IMAGE, becomes="div"),
    case("Pow", 15, IMAGE, IMAGE, becomes="power"),
    case("Max", 13, IMAGE, IMAGE, becomes="max"),
    case("Min", 13, IMAGE, IMAGE, becomes="min"),
    case("Mean", 13, IMAGE, IMAGE, becomes="average"),
    case("Expand", 13, [2, 4, 1, "L"], stored=[whole(1, 4, 3, 1)], becomes="expand"),
    case("Tile", 13, [2, 4, "L"], stored=[whole(1, 2, 3)], becomes="tile"),
    case("Gather", 13, [2, 4, "L"], stored=[numpy.int64(1)], becomes="squeeze", axis=1),
    case("Gather", 13, [2, 4, "L"], stored=[whole(0, 2)], becomes="slice", axis=1),
    case("Gather", 13, [2, 4, "L"], stored=[whole(3, 0, 1)], becomes="opaque", axis=1),
    case("LSTM", 14, ["L", 2, 5], stored=[floats(1, 24, 5), floats(1, 24, 6)],
         becomes="lstm", hidden_size=6, results=3),
    case("GRU", 14, ["L", 2, 5], stored=[floats(2, 18, 5), floats(2, 18, 6)],
         becomes="gru", hidden_size=6, direction="bidirectional"),
    case("RNN", 14, ["L", 2, 5], stored=[floats(1, 6, 5), floats(1, 6, 6), floats(1, 12)],
         becomes="rnn", hidden_size=6),
    case("Identity", 13, IMAGE, becomes="identity"),
    case("Cast", 13, IMAGE, becomes="input", to=FLOAT),
    case("TopK", 11, [2, 9], stored=[whole(3)], becomes="opaque", results=2),
    case("CumSum", 14, IMAGE, stored=[numpy.int64(1)], becomes="opaque"),
    case("Hardmax", 13, IMAGE, becomes="opaque"),
]  # fmt: skip


def model_of(one: Case) -> Any:
    names = [f"x{index}" for index in range(len(one.shapes))]
    recurrent = one.op in ("LSTM", "GRU", "RNN")
    values = []
    for name, shape in zip(names, one.shapes, strict=True):
        named = ["L", "batch", *shape[2:]] if recurrent else ["batch", *shape[1:]]
        values.append(helper.make_tensor_value_info(name, FLOAT, named))
    stored = [onnx.numpy_helper.from_array(numpy.asarray(array), f"w{i}.x") for i, array in enumerate(one.stored)]
    results = [f"y{index}" for index in range(one.results)]
    inputs = [*names, *(tensor.name for tensor in stored)]
    if one.op == "Resize" and one.opset >= 11:
        inputs = [*names, "", *(t.name if t.dims != [0] else "" for t in stored[1:])]
    node = helper.make_node(one.op, inputs, results, **one.attributes)
    outputs = [onnx.ValueInfoProto(name=name) for name in results]
    graph = helper.make_graph([node], "case", values, outputs, [t for t in stored if 0 not in t.dims])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", one.opset)], ir_version=8)


@pytest.mark.parametrize("one", CASES, ids=lambda one: f"{one.op}-{one.opset}-{one.becomes}")
def test_an_operator_has_onnxruntimes_sizes(one: Case) -> None:
    model = model_of(one)
    imported = read_model(model)
    net = Net(imported.text, "case.net", imported.graph)
    assert one.becomes in {layer.op for layer in net}, imported.text
    assert bool(imported.warnings) == (one.becomes == "opaque" or one.results == 3)
    made = session(model)
    batch_at = 1 if one.op in ("LSTM", "GRU", "RNN") else 0
    free = any("H" in shape or "L" in shape for shape in one.shapes)
    for size in range(1, 13) if free else [0]:
        here = net.at(**dict.fromkeys(net.symbols, size))
        broken = any(True for _ in here.derivation.broken())
        shapes = [tuple(size if isinstance(n, str) else n for n in shape) for shape in one.shapes]
        found = run(made, shapes)
        if broken or found is None:
            assert broken == (found is None), (size, imported.text)
            continue
        if batch_at == 0:
            wanted = [shape[1:] for shape in found.values()]
            assert [*here.output_shapes] == wanted, (size, imported.text)
        else:
            axis = [2, 1, 1]
            wanted = [shape[: axis[i]] + shape[axis[i] + 1 :] for i, shape in enumerate(found.values())]
            assert [*here.output_shapes] == wanted, (size, imported.text)
