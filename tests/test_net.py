"""The Python API, by example."""

from __future__ import annotations

import pickle

import numpy
import pytest
import sympy

import shapesolver
from shapesolver import NetError, ShapeError, load, parse

MNIST = """\
image = input(28, 28, 1)
conv1 = conv(32, kernel=7, stride=3)
conv2 = conv(64, kernel=5, stride=2)
flatten
dense(200) -> relu
"""

SYMBOLIC = """\
dialect torch
image = input(3, H=224, W=224)
conv1 = conv(64, kernel=7, stride=2, padding=3)
max_pool(3, stride=2, padding=1)
"""


def test_sizes_weights_and_parameters() -> None:
    net = parse(MNIST)
    assert net["conv2"].shape == (2, 2, 64)
    assert net["conv2"].H == 2
    assert net["conv2"].C == 64
    assert net["conv2"].weights == {"kernel": (5, 5, 32, 64), "bias": (64,)}
    assert net["conv2"].params == 51_264
    assert net["flatten1"].shape == (256,)
    assert net.params == 1_600 + 51_264 + 51_400
    assert [layer.path for layer in net] == ["image", "conv1", "conv2", "flatten1", "dense1", "relu1"]
    assert net["conv2"].inputs == ("conv1",)
    assert net["conv2"].line == 3
    assert net.output_shapes == ((200,),)


def test_symbolic_sizes_are_sympy_expressions_with_floors() -> None:
    net = parse(SYMBOLIC)
    H = sympy.Symbol("H", integer=True, positive=True)  # noqa: N806 - the axis' own name
    assert sympy.floor(H / 2 - sympy.Rational(1, 2)) + 1 == net["conv1"].H
    assert net["max_pool1"].shape[0] == 64
    assert net["max_pool1"].H.subs(H, 224) == 56
    assert net.symbols == {"H": 224, "W": 224}


def test_at_sets_sizes_and_leaves_the_net_as_it_was() -> None:
    net = parse(SYMBOLIC)
    small = net.at(H=64)
    assert small["max_pool1"].H == 16
    assert small.symbols == {"W": 224}
    assert net.symbols == {"H": 224, "W": 224}
    assert net.at(H=64, W=32)["max_pool1"].shape == (64, 16, 8)


def test_stated_sizes_may_be_replaced() -> None:
    assert parse(MNIST).at(H=31)["conv2"].shape == (3, 2, 64)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown size Q; the sizes of this network are H, W"):
        parse(SYMBOLIC).at(Q=3)
    with pytest.raises(ValueError, match="a size is a whole number, 1 or more"):
        parse(SYMBOLIC).at(H=0)


def test_a_layer_that_cannot_be_built_says_why() -> None:
    net = parse("input(3, 3, 1)\nconv(8, kernel=5)\nx = relu")
    with pytest.raises(ShapeError, match=r"conv1 \(line 2\): conv's window spans 5 cells"):
        _ = net["x"].shape


def test_unknown_layers_are_key_errors_with_a_suggestion() -> None:
    with pytest.raises(KeyError, match="no layer is called 'conv3'; did you mean conv2 or conv1"):
        parse(MNIST)["conv3"]
    with pytest.raises(AttributeError, match="flatten1 has no axis H; it has C"):
        _ = parse(MNIST)["flatten1"].H


def test_a_net_is_a_value() -> None:
    net = parse(SYMBOLIC).at(H=64)
    again = pickle.loads(pickle.dumps(net))
    assert again == net
    assert hash(again) == hash(net)
    assert again["max_pool1"].shape == net["max_pool1"].shape
    assert repr(net) == "<Net net: 3 layers, H=64>"
    with pytest.raises(AttributeError, match="a network is immutable: values cannot be set"):
        net.values = {}  # type: ignore[misc]
    assert "<td style='text-align:left'>conv1</td>" in net._repr_html_()


def test_sizes_for_many_inputs_at_once() -> None:
    net = parse(MNIST)
    heights = numpy.arange(1, 40)
    swept = net.sizes(H=heights)
    for height, size in zip(heights, swept["conv2"][0], strict=True):
        try:
            expected = net.at(H=int(height))["conv2"].H
        except ShapeError:
            expected = 0
        assert size == expected


def test_errors_are_all_reported_at_once() -> None:
    with pytest.raises(NetError) as caught:
        parse("x = cov(3)\ny = conv(2, kernel=3, krenel=1)\n")
    assert str(caught.value) == (
        "<text>:1:5: error[SS020] unknown layer `cov`\n<text>:2:23: error[SS021] conv has no argument `krenel`"
    )


def test_loading_a_folder_or_nothing_is_a_clear_error(tmp_path: object) -> None:
    with pytest.raises(shapesolver.ShapeSolverError, match="is a folder"):
        load(str(tmp_path))
    with pytest.raises(shapesolver.ShapeSolverError, match="does not exist"):
        load("nothing.net")


def test_concrete_nets_never_import_sympy() -> None:
    import subprocess
    import sys

    code = f"import sys, shapesolver; shapesolver.parse({MNIST!r})['conv2'].shape; print('sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
