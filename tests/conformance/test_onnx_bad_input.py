"""Broken and hostile ONNX files: a clear error within seconds, nothing opened, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import shapesolver
from shapesolver.cli import main
from shapesolver.exchange import ExchangeError, load
from shapesolver.exchange.errors import ExchangeWarning
from tests.steps import HANG, steps_at_most

numpy = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")

pytestmark = pytest.mark.conformance
helper, FLOAT, INT64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def node(op: str, inputs: list[str], outputs: list[str], **attributes: Any) -> Any:
    return helper.make_node(op, inputs, outputs, name=outputs[0], **attributes)


def model(nodes: list[Any], output: str = "y", stored: Any = (), sizes: Any = ("N", 3, 8, 8), **more: Any) -> Any:
    value = helper.make_tensor_value_info("x", FLOAT, list(sizes))
    graph = helper.make_graph(nodes, "bad", [value], [onnx.ValueInfoProto(name=output)], list(stored))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, **more)


def saved(tmp_path: Path, data: Any) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(data if isinstance(data, bytes) else data.SerializeToString())
    return path


def refused(tmp_path: Path, data: Any, says: str) -> None:
    """That reading fails with these words, soon, and the command line says so and writes nothing."""
    path = saved(tmp_path, data)
    with pytest.raises(ExchangeError, match=says), steps_at_most(HANG):
        load(path)
    result = CliRunner().invoke(main, ["import", str(path), "-o", str(tmp_path / "out.net")])
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


GOOD = model([node("Relu", ["x"], ["y"])])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\x00\xff\x13garbage" * 100, "no ONNX model|cut short"),
        (b"PK\x03\x04" + b"\0" * 64, "no ONNX model|cut short"),
        (GOOD.SerializeToString()[:-9], "no ONNX model|cut short|made by no node"),
        (onnx.ModelProto(ir_version=9), "no graph"),
    ],
    ids=["empty", "garbage", "zip", "truncated", "no-graph"],
)
def test_what_is_no_model(tmp_path: Path, data: Any, says: str) -> None:
    refused(tmp_path, data, says)


def test_graphs_that_do_not_hang_together(tmp_path: Path) -> None:
    circle = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])]
    refused(tmp_path, model(circle, "b"), "runs in a circle: .*Relu b")
    refused(tmp_path, model([node("Relu", ["z"], ["y"])]), "reads 'z', which nothing makes")
    refused(tmp_path, model([node("Relu", ["x"], ["y"])], "w"), "output 'w' is made by no node")
    refused(tmp_path, model([node("Relu", ["x"], ["y"]), node("Tanh", ["x"], ["y"])]), "which something else makes")


def test_an_unsorted_graph_is_sorted(tmp_path: Path) -> None:
    path = saved(tmp_path, model([node("Relu", ["a"], ["y"]), node("Tanh", ["x"], ["a"])]))
    assert [layer.op for layer in shapesolver.load(path)] == ["input", "tanh", "relu"]


def test_sizes_that_no_tensor_has(tmp_path: Path) -> None:
    refused(tmp_path, model([node("Relu", ["x"], ["y"])], sizes=("N", -3, 8)), "negative size")
    refused(tmp_path, model([node("Relu", ["x"], ["y"])], sizes=("N", 0, 8)), "a size of 0")
    weight = onnx.TensorProto(name="w", data_type=FLOAT, dims=[4, -3, 3, 3])
    refused(tmp_path, model([node("Conv", ["x", "w"], ["y"])], stored=[weight]), "negative size")
    deep = onnx.TensorProto(name="w", data_type=FLOAT, dims=[1] * 100)
    refused(tmp_path, model([node("Add", ["x", "w"], ["y"])], stored=[deep]), "100 axes")
    wide = onnx.numpy_helper.from_array(numpy.zeros((4, 3, 9, 9), numpy.float32), "w")
    refused(tmp_path, model([node("Conv", ["x", "w"], ["y"])], stored=[wide]), "cannot be built: conv's window spans 9")


@pytest.mark.parametrize("place", ["/etc/passwd", "../../secret", "weights.bin"])
def test_external_data_are_never_opened(tmp_path: Path, place: str) -> None:
    weight = onnx.TensorProto(name="w", data_type=FLOAT, dims=[4, 3, 3, 3], data_location=onnx.TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=place)
    net = shapesolver.load(saved(tmp_path, model([node("Conv", ["x", "w"], ["y"])], stored=[weight])))
    assert net["conv1" if "conv1" in net else "y"].weights == {"W": (4, 3, 3, 3)}


def test_claims_of_huge_arrays_cost_nothing(tmp_path: Path) -> None:
    big = onnx.TensorProto(name="w", data_type=FLOAT, dims=[2**40, 3, 3, 3])
    path = saved(tmp_path, model([node("Conv", ["x", "w"], ["y"])], stored=[big]))
    with steps_at_most(HANG):
        assert shapesolver.load(path).output_shapes == ((2**40, 6, 6),)
    sizes = onnx.numpy_helper.from_array(numpy.array([10**12, 10**6]), "s")
    fill = model([node("ConstantOfShape", ["s"], ["c"]), node("Relu", ["x"], ["y"])], stored=[sizes])
    with steps_at_most(HANG):
        assert len(shapesolver.load(saved(tmp_path, fill))) == 2


def test_recursive_functions_are_not_followed(tmp_path: Path) -> None:
    body = [helper.make_node("Again", ["a"], ["b"], domain="own")]
    again = helper.make_function("own", "Again", ["a"], ["b"], body, [helper.make_opsetid("own", 1)])
    call = helper.make_node("Again", ["x"], ["y"], domain="own", name="call")
    recursive = model([call], functions=[again])
    recursive.opset_import.append(helper.make_opsetid("own", 1))
    refused(tmp_path, recursive, "own.Again call is not known here")
    recursive.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", FLOAT, ["N", 7]))
    with pytest.warns(ExchangeWarning, match="own.Again `call` is kept as opaque: it is a function of the model's own"):
        net = shapesolver.load(saved(tmp_path, recursive))
    assert net.output_shapes == ((7,),) and net.outputs[0].op == "opaque"


def test_a_long_chain_of_shape_arithmetic_ends(tmp_path: Path) -> None:
    nodes = [node("Shape", ["x"], ["s0"])]
    for index in range(300):
        nodes.append(node("Mul", [f"s{index}", f"s{index}"], [f"s{index + 1}"]))
    nodes += [node("Reshape", ["x", "s300"], ["y"])]
    refused(tmp_path, model(nodes, sizes=("N", "C", "H", "W")), "Reshape y is not known here, .* what sizes 'y' has")


def test_too_large_a_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shapesolver.exchange.onnx.proto.MAX_BYTES", 10)
    refused(tmp_path, GOOD, "10 is the most that is read")


def test_what_cannot_be_written_is_named() -> None:
    """The layer's path, what it is, and why."""
    unpool = shapesolver.parse("dialect torch\nimage = input(3, 8, 8)\nmax_pool(2)\nup = unpool(2)\n")
    with pytest.raises(ExchangeError, match=r"up: ONNX cannot express unpool.*places that a max pool"):
        unpool.to_onnx()
    broken = shapesolver.parse("dialect torch\nimage = input(3, 4, 4)\nwide = conv(8, kernel=9)\n")
    with pytest.raises(ExchangeError, match="wide cannot be built: conv's window spans 9"):
        broken.to_onnx()
    vast = shapesolver.parse("dialect torch\nwords = input(10)\nembedding(1000000, 10000)\n")
    with pytest.raises(ExchangeError, match="embedding1: the weights come to over"):
        vast.to_onnx()
