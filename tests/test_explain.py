"""Layers explained in plain sentences."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from shapesolver import Net, load, parse
from shapesolver.render.explanation import explanation
from tests.strategies import nets
from tests.test_cli import shapesolver

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


def test_the_answer_to_the_question() -> None:
    assert explanation(load(EXAMPLES / "mnist.net"), "conv2") == (
        "conv2 is conv(64, kernel=5, stride=2), line 8: conv1's 8 x 8 x 32 in, 2 x 2 x 64 out.\n"
        "  windows  Along H and W: 8 rows and columns in, 2 out; (8 - 5)/2 + 1 = 2.5. Only whole windows\n"
        "           are made, so 2.5 is 2. Window 3 would need row and column 9: dropped, row and column\n"
        "           8 are never read.\n"
        "  lost     So 159 of 784 pixels (20.3 %) of image never reach an output.\n"
        "  inside   There are 64 filters. Each spans 5 x 5 cells of all 32 input channels and sums over\n"
        "           them all: 5*5*32 = 800 products and a bias make one number. So 64 maps come out, one\n"
        "           for each filter, not 64 x 32.\n"
        "  weights  kernel (5, 5, 32, 64), bias (64,): 51,264 numbers.\n"
        "  units    2 x 2 x 64 = 256 numbers come out, which go to flatten1.\n"
        "  sees     Each unit depends on 19 x 19 cells of the input, its neighbour on those 6 cells\n"
        "           further on."
    )


def test_what_is_lost_is_said_where_it_is_lost() -> None:
    lost = [line for line in explanation(load(EXAMPLES / "mnist.net"), "image").splitlines() if "lost" in line]
    assert lost == ["  lost     159 of 784 pixels (20.3 %) of image never reach an output."]
    assert "  lost" not in explanation(load(EXAMPLES / "mnist.net"), "conv1")
    shortcut = explanation(load(EXAMPLES / "resnet18.net"), "down1.conv_bn1.conv1")
    assert "  lost     No cell of the input is lost by it: other windows read what these pass over." in shortcut


def inside(text: str, path: str = "y") -> str:
    """The section on what the layer does, on one line."""
    lines = explanation(parse(f"dialect torch\nx = input(6, 9, 9)\ny = {text}"), path).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  inside"))
    more = takewhile(lambda line: line.startswith(" " * 11), lines[start + 1 :])
    return " ".join(line[11:] for line in [lines[start], *more])


@pytest.mark.parametrize(
    ("layer", "sentences"),
    [
        (
            "conv(4, kernel=3, groups=2, bias=false)",
            "There are 4 filters. Each spans 3 x 3 cells of the 3 input channels of its group and sums over them all: "
            "3*3*3 = 27 products make one number. So 4 maps come out, one for each filter, not 4 x 6.",
        ),
        (
            "depthwise_conv(kernel=3, multiplier=2)",
            "Each of the 6 channels has 2 filters of its own, over 3 x 3 cells of that channel alone: 3*3*1 = 9 "
            "products and a bias make one number. Channels are not mixed, and 12 maps come out.",
        ),
        (
            "separable_conv(4, kernel=(3, 1))",
            "First each of the 6 channels is filtered alone, over 3 x 1 cells, which makes 6 maps; then each of 4 "
            "filters of a single cell sums over all 6 of them.",
        ),
        (
            "conv_transpose(4, kernel=2, stride=2)",
            "Every input cell writes a window of 2 x 2 cells into each of the 4 maps that come out, summed over all 6 "
            "input channels; where windows overlap, they add up.",
        ),
        ("max_pool(3)", "Each of the 6 channels by itself keeps the greatest value of every window of 3 x 3 cells."),
        (
            "flatten",
            "The cells are laid in one row in the order C, H, W, the last axis fastest; none is lost or mixed.",
        ),
        (
            "dense(5)",
            "Each of the 5 outputs is a weighted sum of all 9 features at its place, with the same weights at every "
            "place, and a bias.",
        ),
    ],
)
def test_what_layers_do_inside(layer: str, sentences: str) -> None:
    assert inside(layer) == sentences


def test_shared_weights_are_said_to_be_shared() -> None:
    net = parse("dialect torch\na = input(3, 8)\nb = input(3, 6)\nc = a -> conv(4, kernel=3)\nd = b -> reuse(c)")
    assert "weight (4, 3, 3), bias (4,): the same as c's." in explanation(net, "d")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nets())
def test_every_layer_can_be_explained(net: Net) -> None:
    for layer in net.usual():
        assert explanation(net, layer.path).startswith(f"{layer.path} is {layer.op}")


def test_the_command() -> None:
    done = shapesolver("explain", str(EXAMPLES / "mnist.net"), "conv2")
    assert done.stdout.startswith("conv2 is conv(64, kernel=5, stride=2), line 8")
    done = shapesolver("explain", str(EXAMPLES / "mnist.net"), "conv9")
    assert (done.returncode, "no layer is called 'conv9'" in done.stderr) == (2, True)
