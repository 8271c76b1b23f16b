"""Networks turned fully convolutional, and weights converted: by example, and against numpy."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from shapesolver import Net, ShapeSolverError, convert_weights, load, parse
from shapesolver.cli import main
from shapesolver.diagnostics import Severity
from shapesolver.language import parse as parse_text
from shapesolver.language.formatter import format_tree
from shapesolver.model.canonical import canonical_file

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
VGG = EXAMPLES / "vgg16.net"
rng = numpy.random.default_rng(7)

CONVERTIBLE = [
    *("alexnet", "c3d", "conv1d_stack", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "keras1"),
    *("lenet5", "mnist", "mnist_nobias", "mobilenet_v1", "mobilenet_v2", "parallel_filters", "resnet101", "resnet18"),
    *("resnet50", "siamese", "vgg16"),
]

ONE_SIZE = {"parallel_filters"}
"""Its lanes pool over all that their different kernels leave, which makes equal sizes of one input only."""


def errors(net: Net) -> list[str]:
    return [finding.message for finding in net.check() if finding.severity is Severity.ERROR]


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["convert", *arguments])
    assert result.exit_code == code, result.output
    return result.output


# Networks.


def test_vgg_16_becomes_convolutional_and_its_names_stay() -> None:
    made = load(VGG).fully_convolutional()
    assert made.text == VGG.read_text().replace(
        """flatten
fc6 = dense(4096, in_features=25088) -> relu -> dropout(0.5)
fc7 = dense(4096) -> relu -> dropout(0.5)
fc8 = dense(1000)
""",
        """fc6 = conv(4096, kernel=7) -> relu -> dropout(0.5)
fc7 = conv(4096, kernel=1) -> relu -> dropout(0.5)
fc8 = conv(1000, kernel=1)
""",
    )
    assert parse(made.text).params == load(VGG).usual().params


def test_the_size_for_a_larger_score_map_is_the_whole_interval() -> None:
    answer = parse(load(VGG).fully_convolutional().text).ask("what input size gives a 2x2 score map")
    assert [h for h in range(500) if answer.holds(H=h, W=256)] == list(range(256, 288))


@pytest.mark.parametrize("name", CONVERTIBLE)
def test_a_converted_example_makes_the_same_of_its_size_and_more_of_a_larger_one(name: str) -> None:
    """The same parameters and numbers of outputs at the usual size; nothing to report; canonical text."""
    net = load(EXAMPLES / f"{name}.net")
    made = parse(net.fully_convolutional().text)
    assert made.usual().params == net.usual().params and not errors(made.usual())
    assert [prod(shape) for shape in made.usual().output_shapes] == [prod(s) for s in net.usual().output_shapes]
    if name not in ONE_SIZE:
        larger = made.at(**{symbol: 2 * usual + 512 for symbol, usual in made.free().symbols.items() if usual})
        assert prod(larger.output_shapes[0]) > prod(made.usual().output_shapes[0])
    assert format_tree(canonical_file(parse_text(made.text).tree)) == made.text


def test_comments_and_lines_that_are_not_touched_stay() -> None:
    net = parse(
        "# What it is.\n"
        "dialect torch\n\n"
        "image = input(3, 8, 8)  # small\n"
        "block head(c) {\n"
        "    # to scores\n"
        "    dense(2*c) -> relu  # wide\n"
        "    dense(c, bias=false)\n"
        "}\n"
        "# all cells\n"
        "flat = flatten\n"
        "dropout\n"
        "out = head(5) -> softmax\n"
        "expect out == (5,)\n"
        "expect image.H == 8\n"
    )
    made = net.fully_convolutional()
    assert made.text == (
        "# What it is.\n"
        "dialect torch\n\n"
        "image = input(3, 8, 8)  # small\n"
        "block head(c) {\n"
        "    # to scores\n"
        "    conv(2*c, kernel=8) -> relu  # wide\n"
        "    conv(c, kernel=1, bias=false)\n"
        "}\n"
        "# all cells\n"
        "flat = identity\n"
        "dropout\n"
        "out = head(5) -> softmax(axis=C)\n"
        "expect image.H == 8\n"
    )
    assert made.notes == ("line 14: a claim about features is left out",)


def test_a_pool_to_a_stated_size_becomes_equal_windows() -> None:
    text = "dialect torch\nx = input(2, 12, 12)\nadaptive_avg_pool({}) -> flatten\ndense(3)\n"
    assert "avg_pool(4, stride=4)\nconv(3, kernel=3)\n" in parse(text.format(3)).fully_convolutional().text
    assert "avg_pool(12, stride=1)\nconv(3, kernel=1)\n" in parse(text.format(1)).fully_convolutional().text
    with pytest.raises(ShapeSolverError, match="pools to 5 x 5, which is no pool with equal windows"):
        parse(text.format(5)).fully_convolutional()


def test_a_pool_that_squeezes_and_excites_stays() -> None:
    made = parse(
        "image = input(9, 9, 4)\n"
        "x = conv(8, kernel=1)\n"
        "gate = global_avg_pool -> dense(8) -> sigmoid -> reshape(1, 1, 8)\n"
        "mul(x, gate)\n"
        "flatten\n"
        "dense(10)\n"
    ).fully_convolutional()
    assert "gate = global_avg_pool -> dense(8) -> sigmoid -> reshape(1, 1, 8)\n" in made.text
    assert made.text.endswith("conv(10, kernel=9)\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = input(8, 8, 1)\nconv(2, kernel=3)", "no dense layer follows a flattened map"),
        (
            "x = input(8, 8, 1)\nflatten\ndense(16)\nreshape(4, 4, 1)",
            r"reshape1 \(line 4\): reshape takes features apart",
        ),
        ("x = input(8, 8, 1)\nflatten\nsoftmax\ndense(4)", "softmax takes the flattened map apart"),
        ("x = input(8, 8, 1)\ny = flatten\nz = conv(2, kernel=1, source=x)", "no argument"),
        ("x = input(H, W, 1)\nflatten\ndense(4)", "a dense layer fits one size of input: state H, W"),
        (
            "x = input(8, 8, 1)\nblock f() { flatten\n dense(4) }\na = f()\nb = x -> max_pool(2) -> f()\nadd(a, b)",
            "line 3 is laid out several times",
        ),
        (
            "x = input(8, 8, 1)\nflatten\ndense(4)\nx -> conv(4, kernel=1) -> max_pool(8)\ndense1 -> relu",
            "give the layer a name first",
        ),
    ],
)
def test_what_cannot_be_turned_is_refused(text: str, message: str) -> None:
    with pytest.raises(ShapeSolverError, match=message):
        parse(text).fully_convolutional()


def test_converting_at_the_terminal(tmp_path: Path) -> None:
    out = tmp_path / "fcn.net"
    recipe = [
        "fc6: dense(4096) of a 7 x 7 map of 512 channels",
        "torch weight.reshape(4096, 512, 7, 7) (4096, 25088) -> (4096, 512, 7, 7)",
        "keras kernel.reshape(7, 7, 512, 4096) (25088, 4096) -> (7, 7, 512, 4096)",
        "torch -> keras weight.reshape(4096, 512, 7, 7).transpose(2, 3, 1, 0) (4096, 25088) -> (7, 7, 512, 4096)",
        "keras -> torch kernel.reshape(7, 7, 512, 4096).transpose(3, 2, 0, 1) (25088, 4096) -> (4096, 512, 7, 7)",
    ]
    lines = run(str(VGG), "--fully-convolutional", "-o", str(out)).splitlines()
    assert [" ".join(line.split()) for line in lines[:5]] == recipe
    assert out.read_text() == load(VGG).fully_convolutional().text
    printed = run(str(VGG), "--fully-convolutional")
    assert parse(printed).params == load(VGG).usual().params
    assert f"# {recipe[0]}\n" in printed
    assert "say into what" in run(str(VGG), code=2)


# Weights.


def test_the_kernel_of_the_issue() -> None:
    kernel = numpy.arange(25088 * 8, dtype=numpy.float32).reshape(25088, 8)
    made = convert_weights(kernel, "dense", to="conv", map=(7, 7))
    assert made.shape == (7, 7, 512, 8)
    assert made[2, 3, 5, 1] == kernel[(2 * 7 + 3) * 512 + 5, 1]
    assert (convert_weights(made, "conv", to="dense", map=(7, 7)) == kernel).all()


def numpy_conv(image: numpy.ndarray, kernel: numpy.ndarray, bias: numpy.ndarray, stride: int = 1) -> numpy.ndarray:
    """A valid convolution of (H, W, C) with Keras' kernel."""
    windows = sliding_window_view(image, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]
    return numpy.einsum("hwcyx,yxco->hwo", windows, kernel) + bias


def test_converted_weights_give_the_dense_networks_outputs() -> None:
    """The network of the question, forward in numpy: dense over the flattened map, and its convolutions."""
    recipes = {recipe.layer: recipe for recipe in load(EXAMPLES / "mnist.net").fully_convolutional().recipes}
    image = rng.normal(size=(28, 28, 1))
    x = numpy_conv(image, rng.normal(size=(7, 7, 1, 32)), rng.normal(size=32), 3)
    x = y = numpy_conv(x, rng.normal(size=(5, 5, 32, 64)), rng.normal(size=64), 2)
    x = x.reshape(-1)
    for name, shape in (("dense1", (256, 200)), ("dense2", (200, 150)), ("dense3", (150, 10))):
        weights = {"kernel": rng.normal(size=shape) / 16, "bias": rng.normal(size=shape[1])}
        x = numpy.maximum(x @ weights["kernel"] + weights["bias"], 0)
        conv = recipes[name].apply(weights)
        y = numpy.maximum(numpy_conv(y, conv["kernel"], conv["bias"]), 0)
    assert y.shape == (1, 1, 10)
    numpy.testing.assert_allclose(y[0, 0], x, rtol=1e-5)


sizes = st.integers(1, 4)


@settings(max_examples=80, deadline=None)
@given(st.lists(sizes, min_size=1, max_size=3), sizes, sizes, st.sampled_from(["keras", "torch", "onnx"]))
def test_a_convolution_of_the_whole_map_is_the_dense_layer(map_: list[int], c: int, o: int, target: str) -> None:
    """Whatever the framework: summing the map times the kernel is the product with the flattened map."""
    image = rng.normal(size=(*map_, c))
    kernel = rng.normal(size=(image.size, o))
    made = convert_weights(kernel, "dense", to="conv", map=map_, target=target)
    if target == "keras":
        summed = numpy.tensordot(image, made, image.ndim)
    else:
        summed = numpy.tensordot(made, numpy.moveaxis(image, -1, 0), image.ndim)
    numpy.testing.assert_allclose(summed, image.reshape(-1) @ kernel)
    back = convert_weights(made, "conv", to="dense", map=map_, source=target, target="keras")
    assert (back == kernel).all()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_weights_come_back_from_another_framework(data: st.DataObject) -> None:
    op = data.draw(
        st.sampled_from(["conv", "conv_transpose", "depthwise_conv", "dense", "batch_norm", "separable_conv"])
    )
    rank, i, o, m = data.draw(st.integers(1, 3)), data.draw(sizes), data.draw(sizes), data.draw(st.integers(1, 3))
    k = data.draw(st.lists(sizes, min_size=rank, max_size=rank))
    shapes = {
        "dense": {"kernel": (i, o), "bias": (o,)},
        "conv": {"kernel": (*k, i, o), "bias": (o,)},
        "conv_transpose": {"kernel": (*k, o, i), "bias": (o,)},
        "depthwise_conv": {"kernel": (*k, i, m), "bias": (i * m,)},
        "separable_conv": {"depthwise_kernel": (*k, i, m), "pointwise_kernel": (*(1,) * rank, i * m, o), "bias": (o,)},
        "batch_norm": dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (o,)),
    }[op]
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    target = data.draw(st.sampled_from(["torch", "onnx"]))
    made = convert_weights(weights, op, target=target, multiplier=m)
    back = convert_weights(made, op, source=target, target="keras", multiplier=m)
    assert all((back[name] == weights[name]).all() for name in weights)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dens", {}), "no order of weights is known for 'dens'"),
        (("dense", {"to": "conv"}), "needs map"),
        (("conv", {"map": (2, 2)}), "map is the size of the map before a dense layer"),
        (("dense", {"source": "jax"}), "unknown framework 'jax'"),
        (("dense", {"to": "lstm", "map": (2, 2)}), "dense cannot become lstm"),
        (("dense", {"to": "conv", "map": (3, 3)}), "dense's kernel: the array has the shape"),
        (("lstm", {}), "give all of them by name"),
    ],
)
def test_weights_that_cannot_be_converted_are_refused(arguments: tuple[str, dict], message: str) -> None:
    op, options = arguments
    with pytest.raises(ShapeSolverError, match=message):
        convert_weights(numpy.zeros((8, 5)), op, **options)


def test_arrays_that_a_layer_does_not_have_are_refused() -> None:
    with pytest.raises(ShapeSolverError, match="conv has no array weight; keras calls them kernel, bias"):
        convert_weights({"weight": numpy.zeros((1, 1, 3, 3))}, "conv", target="torch")
