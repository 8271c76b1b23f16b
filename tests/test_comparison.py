"""Two networks side by side, by example and by law."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shapesolver import load, parse
from shapesolver.cli import main
from shapesolver.layers.dialects import NAMES
from shapesolver.measure.comparison import Match
from shapesolver.rewrite.dialects import in_dialect
from shapesolver.solve.agreement import Comparison
from shapesolver.solve.answers import Status

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
EXAMPLE_NAMES = sorted(path.stem for path in EXAMPLES.glob("*.net"))


def beside(one: str, two: str) -> Comparison:
    return parse(one).compare(parse(two))


def shown(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["compare", *arguments])


CONV = "dialect torch\nx = input(3, H=32, W=32)\nconv(8, kernel=3)\n"


def test_a_network_is_like_itself() -> None:
    found = beside(CONV, CONV)
    assert found.alike
    assert [(pair.left.path, pair.right.path) for pair in found.pairs if pair.left and pair.right] == [
        ("x", "x"),
        ("conv1", "conv1"),
    ]
    assert found.agreement.answer.status is Status.PROVED
    assert found.agreement.apart is None


def test_a_layer_that_one_lacks_stands_alone() -> None:
    found = beside(CONV + "relu\nconv(4, kernel=1)", CONV + "batch_norm\nrelu\nconv(4, kernel=1)")
    assert [(pair.left and pair.left.op, pair.right and pair.right.op) for pair in found.pairs] == [
        ("input", "input"),
        ("conv", "conv"),
        (None, "batch_norm"),
        ("relu", "relu"),
        ("conv", "conv"),
    ]
    assert not found.alike
    assert [pair.alike for pair in found.pairs] == [True, True, False, True, True]


def test_layers_of_one_kind_are_paired_and_differ() -> None:
    found = beside(CONV, CONV.replace("kernel=3", "kernel=5"))
    pair = found.pairs[1]
    assert (pair.sizes, pair.weights) == (Match.DIFFERENT, Match.DIFFERENT)
    assert (pair.params, pair.macs) == ((224, 608), (194_400, 470_400))
    assert not found.agreement.answer
    assert found.agreement.answer.reason == "conv1 never has the same size"


def test_layouts_are_told_from_differences() -> None:
    net = load(EXAMPLES / "mnist.net")
    found = net.compare(net.in_dialect("torch"))
    assert found.alike
    by_path = {pair.left.path: pair for pair in found.pairs if pair.left}
    assert (by_path["conv1"].sizes, by_path["conv1"].weights) == (Match.LAYOUT, Match.LAYOUT)
    assert (by_path["dense1"].sizes, by_path["dense1"].weights) == (Match.EQUAL, Match.LAYOUT)
    assert [path for path, pair in by_path.items() if pair.reorders] == ["flatten1"]


def test_sizes_that_agree_for_some_inputs_alone() -> None:
    """A pool that rounds up and one that rounds down agree where nothing is left over."""
    head = "dialect torch\ninput(3, H=32, W=32)\n"
    found = beside(head + "max_pool(2)", head + "max_pool(2, ceil_mode=true)")
    answer = found.agreement.answer
    assert (answer.status, answer.unknowns) == (Status.PROVED, ("H", "W"))
    for height in range(1, 40):
        assert answer.holds(H=height, W=8) == (height % 2 == 0)
    assert found.agreement.apart == "H = 3, W = 2: max_pool1 has different sizes"


def test_a_network_that_only_one_framework_takes() -> None:
    head = "dialect torch\ninput(3, H=32, W=32)\n"
    found = beside(head + "conv(3, kernel=5, padding=2)", head + "conv(3, kernel=5, padding=2) -> crop(3)")
    assert found.agreement.apart == "H = 1, W = 1: cannot be built in torch"


def test_what_cannot_be_built_in_another_framework_says_why() -> None:
    net = load(EXAMPLES / "mobilenet_v1.net")
    found = net.compare(net.in_dialect("torch"))
    assert found.agreement.answer.reason == (
        "stem cannot be built in torch: PyTorch has no padding=same for a stride above 1"
    )
    assert found.pairs[1].sizes is Match.UNBUILT


def test_what_is_left_to_a_framework_is_kept_in_another() -> None:
    keras = parse("input(8, 8, 3)\nglobal_avg_pool\ndense(4)").in_dialect("torch")
    assert [layer.shape for layer in keras] == [(3, 8, 8), (3,), (4,)]
    torch = parse("dialect torch\ninput(L=5, 8)\nlstm(4)\nattention(2)").in_dialect("keras")
    assert [layer.shape for layer in torch.usual()] == [(5, 8), (5, 4), (5, 4)]
    axes = parse(
        "dialect torch\ninput(3, 8, 8)\nconcat(conv(2, kernel=1), conv(3, kernel=1), axis=1) -> softmax(axis=1)"
    )
    turned = axes.in_dialect("keras")
    assert [layer.shape for layer in turned] == [(8, 8, 3), (8, 8, 2), (8, 8, 3), (8, 8, 5), (8, 8, 5)]
    assert turned["softmax1"].kind.describe() == "softmax(axis=C)"


@pytest.mark.parametrize("name", EXAMPLE_NAMES)
def test_an_example_there_and_back_is_itself(name: str) -> None:
    net = load(EXAMPLES / f"{name}.net").usual()
    for dialect in NAMES:
        other = net.in_dialect(dialect)
        if next(other.derivation.broken(), None) is None:
            home = in_dialect(other, net.dialect.name)
            assert [layer.weights for layer in home] == [layer.weights for layer in net]
            assert [layer.shape for layer in home] == [layer.shape for layer in net]


HEAD = "dialect torch\ninput(3, H=32, W=32)\n"
CHAINS = [
    "max_pool(3, stride=2)",
    "max_pool(3, stride=2, ceil_mode=true)",
    "conv(3, kernel=3, stride=2, padding=1)",
    "conv(3, kernel=5, stride=2, padding=1)",
    "upsample(0.7)",
    "avg_pool(2) -> conv_transpose(3, kernel=2, stride=2)",
]


@pytest.mark.parametrize("one", CHAINS)
@pytest.mark.parametrize("two", CHAINS)
def test_they_agree_for_exactly_the_sizes_that_say_so(one: str, two: str) -> None:
    """Against deriving both at every size: built, and paired layers equal."""
    left, right = parse(HEAD + one), parse(HEAD + two)
    found = left.compare(right)
    answer = found.agreement.answer
    if answer.status is Status.UNDECIDED:
        return
    for height in range(1, 40):
        nets = [net.at(H=height, W=40) for net in (left, right)]
        built = all(next(net.derivation.broken(), None) is None for net in nets)
        agree = built and all(
            nets[0][pair.left.path].shape == nets[1][pair.right.path].shape
            for pair in found.pairs
            if pair.left and pair.right
        )
        said = bool(answer.boxes) and answer.holds(H=height, W=40)
        assert said == agree, height


def test_differences_are_findings() -> None:
    done = shown(str(EXAMPLES / "mnist.net"), str(EXAMPLES / "mnist_nobias.net"))
    assert done.exit_code == 1
    assert "135,924 / 135,468" in done.stdout
    assert "5 of 10 layers are alike" in done.stdout


def test_a_comparison_as_json() -> None:
    done = shown(str(EXAMPLES / "lstm_classifier.net"), "--dialect", "torch", "--format", "json")
    found = json.loads(done.stdout)
    assert found["first"] == {"name": "lstm_classifier", "dialect": "keras", "at": found["first"]["at"]}
    assert not found["alike"]
    lstm = next(layer for layer in found["layers"] if layer["first"]["path"] == "lstm1")
    assert lstm["first"]["weights"]["forward.kernel"] == [128, 256]
    assert lstm["second"]["weights"]["weight_ih_l0"] == [256, 128]
    assert (lstm["sizes"], lstm["weights"], lstm["alike"]) == ("equal", "different", False)


def test_a_large_network_is_summed_up() -> None:
    done = shown(str(EXAMPLES / "resnet50_keras.net"), "--dialect", "torch")
    lines = done.stdout.splitlines()
    assert any(line.startswith("and 13 more") for line in lines)
    assert "125 of 178 layers are alike, but for the layout" in lines


def test_two_files_or_a_dialect_are_needed() -> None:
    done = shown(str(EXAMPLES / "mnist.net"))
    assert done.exit_code == 2
    assert "give a second file, or --dialect" in done.stderr


def test_what_a_file_claims_is_claimed_of_the_same_axes_in_another_dialect() -> None:
    net = parse("input(28, 28, 3)\nc = conv(8, kernel=5)\nexpect c == (24, 24, 8)\nexpect c[2] == 8 and c.W == 24")
    for dialect in ("keras", "torch", "onnx"):
        moved = net.in_dialect(dialect)
        assert [moved.derivation.truth(claim) for claim in moved.graph.expectations] == [True, True]
