"""A graph drawn layer by layer, as importers draw it."""

from __future__ import annotations

import pytest

from shapesolver import parse
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.sketch import Sketch
from shapesolver.layers.dialects import Dialect
from shapesolver.model.graph import Wire


def sketch() -> Sketch:
    return Sketch(Dialect.named("torch"), "m.onnx")


def test_a_sketch_derives_as_it_goes_and_ends_as_a_file() -> None:
    drawn = sketch()
    height, width = drawn.symbol("H", 224), drawn.symbol("W", 224)
    image = drawn.layer("input", name="image", sizes=(3, height, width))
    stem = drawn.layer(
        "conv", [image], name="stem", channels=64, kernel=[7, 7], stride=[2, 2], padding=[[3, 3], [3, 3]]
    )
    assert str(drawn.tensor(stem)) == "64 x (H - 1)//2 + 1 x (W - 1)//2 + 1"
    halves = drawn.layer("chunk", [stem], parts=2)
    left, right = halves, Wire(halves.node, 1)
    assert str(drawn.tensor(right)) == "32 x (H - 1)//2 + 1 x (W - 1)//2 + 1"
    drawn.output(drawn.layer("add", [left, right], name="sum"))
    imported = drawn.finish()
    net = parse(imported.text)
    assert net.at(H=32, W=32).output_shapes == ((32, 16, 16),)
    assert net["stem"].kind.describe() == "conv(64, kernel=7, stride=2, padding=3)"


def test_what_is_not_known_stays_as_opaque_with_a_warning() -> None:
    drawn = sketch()
    image = drawn.layer("input", name="image", sizes=(3, 8, 8))
    boxes, scores = drawn.opaque("my.Detect", [image], [(4, 10), (10,)], name="detect", why="it is not a known layer")
    drawn.output(boxes)
    drawn.output(scores)
    imported = drawn.finish()
    assert imported.warnings == ("m.onnx: my.Detect `detect` is kept as opaque: it is not a known layer",)
    assert "opaque(" in imported.text and '"my.Detect", (4, 10), (10,)' in imported.text
    assert parse(imported.text).output_shapes == ((4, 10), (10,))


def test_names_are_made_valid_and_unique() -> None:
    drawn = sketch()
    image = drawn.layer("input", name="x:0", sizes=(3, 8, 8))
    drawn.layer("relu", [image], name="layer1/relu")
    drawn.layer("relu", [image], name="layer1.relu")
    imported = drawn.finish()
    assert [node.path for node in imported.graph.nodes] == ["x_0", "layer1_relu", "layer1_relu_2"]
    assert imported.names == {"x:0": "x_0", "layer1/relu": "layer1_relu", "layer1.relu": "layer1_relu_2"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"channels": "many", "kernel": 3},
            "m.onnx: conv `c`: conv's channels takes a whole number, 1 or more, not many",
        ),
        ({"channels": 4}, "m.onnx: conv `c`: conv lacks kernel"),
    ],
)
def test_a_value_that_a_layer_does_not_take_is_an_error(parameters: dict[str, object], message: str) -> None:
    drawn = sketch()
    image = drawn.layer("input", name="image", sizes=(3, 8, 8))
    with pytest.raises(ExchangeError) as error:
        drawn.layer("conv", [image], name="c", **parameters)
    assert str(error.value) == message


def residual(drawn: Sketch, source: Wire, name: str) -> Wire:
    conv = drawn.layer("conv", [source], name=f"{name}_conv1", channels=8, kernel=3, padding=1, bias=False)
    norm = drawn.layer("batch_norm", [conv], name=f"{name}_bn1")
    conv = drawn.layer("conv", [drawn.layer("relu", [norm])], name=f"{name}_conv2", channels=8, kernel=3, padding=1)
    return drawn.layer("relu", [drawn.layer("add", [source, conv])])


def test_names_of_what_repeats() -> None:
    """A repeat is called what its rounds have in common, and no block takes the name of a layer."""
    drawn = sketch()
    wire = drawn.layer("input", name="image", sizes=(8, 16, 16))
    for stage, rounds in enumerate((3, 3, 1), start=1):
        for number in range(rounds):
            wire = residual(drawn, wire, f"layer{stage}_{number}")
        wire = drawn.layer("max_pool", [wire], name=f"pool{stage}", kernel=2)
    assert drawn.finish().text == RESIDUALS


RESIDUALS = """\
dialect torch

image = input(8, 16, 16)

block residual() {
    x = _
    conv(8, kernel=3, padding=1, bias=false) -> batch_norm -> relu
    conv(8, kernel=3, padding=1)
    add(x, _) -> relu
}

repeat 3 { layer1 = residual }
pool1 = max_pool(2)
repeat 3 { layer2 = residual }
pool2 = max_pool(2)
layer3_0 = residual
pool3 = max_pool(2)
"""


def test_a_long_line_of_a_block_is_two() -> None:
    drawn = sketch()
    image = drawn.layer("input", name="image", sizes=(8, 64, 64))
    for kernel, stride, padding, channels in ((3, 1, 1, 8), (5, 2, 0, 16), (7, 3, 2, 24), (1, 1, 0, 32)):
        image = drawn.layer(
            "conv", [image], channels=channels, kernel=kernel, stride=stride, padding=padding, bias=False
        )
        image = drawn.layer("relu6", [drawn.layer("batch_norm", [image])])
        image = drawn.layer("dropout", [image], rate=0.3 - 0.1)
    text = drawn.finish().text
    assert "    conv(c, kernel=kernel, stride=stride, padding=padding, bias=false)\n    batch_norm -> relu6" in text
    assert "dropout(0.2)" in text
