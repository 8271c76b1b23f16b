"""What networks cost: by example, against published figures, and by law."""

from __future__ import annotations

import random
from math import prod
from pathlib import Path
from typing import Any

import pytest
import sympy
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import shapesolver
from shapesolver import Net, ShapeError, load, parse
from shapesolver.arithmetic import Dim, substitute, symbol
from shapesolver.cli import main
from shapesolver.derive import apply
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.registry import kinds
from shapesolver.measure.cost import LayerCost, NetworkCost
from shapesolver.model.graph import Wire
from tests.steps import steps
from tests.strategies import ALL_KINDS, placed_layers

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.net"))
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])

MNIST = """\
image = input(28, 28, 1)
conv1 = conv(32, kernel=7, stride=3)
conv2 = conv(64, kernel=5, stride=2)
flatten
dense(200) -> relu
"""


def example(name: str) -> Net:
    return load(EXAMPLES / f"{name}.net")


def test_every_layer_has_its_costs() -> None:
    cost = parse(MNIST).cost()
    assert cost.layers == (
        LayerCost("image", "input", 0, 0, 0, 0, 3_136),
        LayerCost("conv1", "conv", 100_352, 202_752, 1_600, 6_400, 8_192),
        LayerCost("conv2", "conv", 204_800, 409_856, 51_264, 205_056, 1_024),
        LayerCost("flatten1", "flatten", 0, 0, 0, 0, 0),
        LayerCost("dense1", "dense", 51_200, 102_600, 51_400, 205_600, 800),
        LayerCost("relu1", "relu", 0, 200, 0, 0, 800),
    )
    assert (cost.macs, cost.flops, cost.params) == (356_352, 715_408, 104_264)
    assert (cost.weight_bytes, cost.activation_bytes) == (417_056, 13_952)
    assert cost.peak == (3_136 + 8_192, "conv1")
    # Kept for the backward pass: what the convolutions and the dense layer consumed, and what relu made.
    assert cost.saved_bytes == 3_136 + 8_192 + 1_024 + 800
    assert cost.training_peak == (3_136 + 8_192 + 1_024 + 800 + 800, "relu1")
    assert repr(cost) == "<cost of net: 356,352 MACs, 104,264 parameters>"


def test_a_layer_knows_its_own() -> None:
    net = parse(MNIST)
    assert (net["conv2"].macs, net["conv2"].flops) == (204_800, 409_856)
    assert (net.macs, net.flops) == (356_352, 715_408)
    assert net.cost()["conv2"].macs == 204_800
    with pytest.raises(KeyError, match="no layer is called 'conv3'; did you mean conv2 or conv1"):
        net.cost()["conv3"]


def test_a_block_costs_what_its_layers_cost() -> None:
    cost = example("resnet50").usual().cost()
    block = cost["layer4"]
    layers = [layer for layer in cost if layer.path.startswith("layer4.")]
    assert (block.op, block.params, block.macs) == ("block", 14_964_736, sum(layer.macs for layer in layers))
    assert cost["layer4.repeat1"].params == sum(layer.params for layer in layers if "repeat1" in layer.path)


def test_costs_are_formulas_where_sizes_are() -> None:
    H, W, N = (sympy.Symbol(name, integer=True, positive=True) for name in "HWN")  # noqa: N806 - the axes' own names
    net = parse("dialect torch\ninput(3, H=224, W=224)\nconv(64, kernel=3, padding=1)\nflatten\ndense(10)")
    cost = net.cost(batch=None)
    assert cost["conv1"].macs == 1_728 * N * H * W
    assert cost.macs == 1_728 * N * H * W + 640 * N * H * W
    assert cost.params == 640 * H * W + 10 + 1_792
    assert cost.weight_bytes == 4 * cost.params
    assert cost.peak.bytes == sympy.Max(268 * H * N * W, 256 * H * N * W + 40 * N)
    assert cost.peak.at is None
    assert net.at(H=8, W=8).cost(batch=None).peak == (268 * 64 * N, "conv1")


def test_batches_and_types_of_numbers() -> None:
    net = parse(MNIST)
    one, eight = net.cost(), net.cost(batch=8)
    assert (eight.macs, eight.activation_bytes, eight.peak.bytes) == tuple(
        8 * figure for figure in (one.macs, one.activation_bytes, one.peak.bytes)
    )
    assert eight.weight_bytes == one.weight_bytes
    assert net.cost("float16").weight_bytes == net.cost("bfloat16").weight_bytes == one.weight_bytes // 2
    assert net.cost("int8")["dense1"].weight_bytes == 51_400
    assert net.cost("int4")["dense1"].weight_bytes == 25_700
    with pytest.raises(shapesolver.ShapeSolverError, match="no type of numbers is called 'float31'; did you mean flo"):
        net.cost("float31")
    with pytest.raises(shapesolver.ShapeSolverError, match="a batch is a whole number, 1 or more"):
        net.cost(batch=0)


def test_a_size_called_n_leaves_the_batch_another_name() -> None:
    net = parse("dialect torch\nN = input(L=5, 3)\n").cost(batch=None)
    assert str(net.activation_bytes) == "12*L*N"
    net = parse("dialect torch\ninput(N=5)\n").cost(batch=None)
    assert str(net.activation_bytes) == "4*N*batch"


def test_what_is_shared_is_computed_twice_and_kept_once() -> None:
    net = parse("x = input(8)\na = dense(8)\nb = reuse(a)")
    assert (net.cost().macs, net.cost().params, net.cost().weight_bytes) == (128, 72, 288)


def test_an_opaque_layer_is_named_and_not_counted() -> None:
    cost = parse('input(8)\na = opaque("Lambda", (4,))\ndense(2)').cost()
    assert (cost.macs, cost.unknown) == (8, ("a",))
    assert not cost["a"].known


def test_a_network_that_cannot_be_built_has_no_cost() -> None:
    with pytest.raises(ShapeError, match=r"conv1 has no size: conv1 \(line 2\)"):
        parse("input(3, 3, 1)\nconv(8, kernel=5)").cost()


GIGA_MACS = {
    "alexnet": 0.714,
    "densenet121": 2.834,
    "efficientnet_b0": 0.386,
    "googlenet": 1.498,
    "mobilenet_v2": 0.301,
    "resnet152": 11.514,
    "resnet18": 1.814,
    "resnet50": 4.089,
    "vgg16": 15.470,
    "vit_b16": 17.564,
    "inception_v3": 5.713,
    "mobilenet_v1": 0.569,
    "c3d": 38.5,
}
"""Published multiply-accumulates in thousand millions. Sources: the GFLOPS of torchvision's weights
(https://pytorch.org/vision/stable/models.html), Howard et al. 2017 (MobileNet), Tran et al. 2015 (C3D)."""


@pytest.mark.parametrize("name", GIGA_MACS)
def test_multiply_accumulates_are_the_published_ones(name: str) -> None:
    published = GIGA_MACS[name]
    assert round(example(name).usual().macs / 1e9, 3 if published != 38.5 else 1) == published


# Laws.


def symbolic(tensor: Tensor) -> tuple[Tensor, dict[str, Any]]:
    names = [f"n{index}" for index in range(tensor.rank)]
    return Tensor(tuple(map(symbol, names)), tensor.axes), dict(zip(names, tensor.sizes, strict=True))


WITH_COSTS = [
    op
    for op in ALL_KINDS
    if kinds()[op].inputs != (0, 0)
    and any(getattr(kinds()[op], name) is not getattr(Layer, name) for name in ("work", "saves", "weights"))
]


@pytest.mark.parametrize("op", WITH_COSTS)
@settings(MANY, max_examples=25)
@given(data=st.data())
def test_formulas_of_cost_say_what_numbers_say(op: str, data: st.DataObject) -> None:
    """Work, weights and what training saves: of symbols and then given numbers, or of the numbers."""
    layer, inputs = data.draw(placed_layers([op]))
    tensor, values = symbolic(inputs[0])
    general = (tensor,) * len(inputs)
    assume(apply(layer, inputs).broken is None and apply(layer, general).broken is None)

    def fill(value: Any) -> Any:
        return value if isinstance(value, bool) else substitute(value, values)

    assert tuple(map(fill, layer.work(*general))) == layer.work(*inputs)
    assert tuple(map(fill, layer.saves(*general))) == layer.saves(*inputs)
    arrays = [(w.name, tuple(map(fill, w.shape)), w.trainable) for w in layer.weights(*general)]
    assert arrays == [tuple(weight) for weight in layer.weights(*inputs)]


@MANY
@given(placed_layers())
def test_work_is_not_negative(placed: Any) -> None:
    layer, inputs = placed
    assume(apply(layer, inputs).broken is None)
    work, saved = layer.work(*inputs), layer.saves(*inputs)
    assert min(work.macs, work.other, work.flops, saved.cells, saved.indices, saved.fixed) >= 0


SIZES_TRIED = 50


def sizes_of(net: Net) -> list[dict[str, int]]:
    """Up to 50 input sizes for which the network can be built, about its usual ones; it may have no more."""
    draw = random.Random(5)
    usual = {name: value or 64 for name, value in net.symbols.items()}
    found: list[dict[str, int]] = [usual]
    for attempt in range(4 * SIZES_TRIED):
        # Axes of one letter grow together: a siamese network's inputs are alike. Steps of 32 fit most networks.
        step = draw.choice([1, 8, 32]) if attempt < SIZES_TRIED else 32
        grown = {letter: step * draw.randint(0, 9) for letter in "DHLW"}
        sizes = {name: value + grown.get(name.rpartition(".")[2], 0) for name, value in usual.items()}
        if sizes not in found and next(net.at(**sizes).derivation.broken(), None) is None:
            found.append(sizes)
        if len(found) == SIZES_TRIED:
            break
    return found


def figures(cost: NetworkCost[Dim]) -> tuple[Dim, ...]:
    return (
        cost.macs, cost.flops, cost.params, cost.trainable_params, cost.weight_bytes, cost.activation_bytes,
        cost.saved_bytes, cost.peak.bytes,
    )  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_formulas_of_networks_say_what_numbers_say(name: str) -> None:
    net = example(name).free()
    formulas = figures(NetworkCost(net, "float32", None, lambda dim: dim))
    sizes = sizes_of(net)
    for number in range(SIZES_TRIED):
        # A network with fewer sizes is tried with other batches.
        at, batch = sizes[number % len(sizes)], 1 + number % 5
        numbers = figures(NetworkCost(net.at(**at), "float32", batch, lambda dim: dim))
        assert tuple(substitute(formula, {**at, "N": batch}) for formula in formulas) == numbers


def peak_by_sets(net: Net, training: bool) -> int:
    """The peak by another way: for every layer, the memory of all that exists and is needed then or later."""
    nodes = net.graph.nodes
    layers = [layer.kind for layer in net]
    inputs: list[Any] = [net.derivation.inputs(index) for index in range(len(nodes))]
    saves = [layer.saves(*given) if training else None for layer, given in zip(layers, inputs, strict=True)]

    def home(wire: Wire) -> Wire | None:
        layer, node = layers[wire.node], nodes[wire.node]
        saved = saves[wire.node]
        if layer.shares_memory() and not (saved and any(saved)):
            return home(node.inputs[0]) if node.inputs else None
        return wire

    def wires(index: int) -> list[Wire]:
        return [Wire(index, output) for output in range(len(net.derivation.outcomes[index].outputs))]  # type: ignore[union-attr]

    peak = 0
    for now in range(len(nodes)):
        present = {home(wire) for index in range(now + 1) for wire in wires(index)}
        needed = {home(wire) for later in range(now, len(nodes)) for wire in nodes[later].inputs}
        needed |= {home(wire) for wire in (*net.graph.outputs, *wires(now))}
        extra = 0
        for index, saved in enumerate(saves[: now + 1]):
            if saved is not None:
                needed |= {home(wire) for wire in nodes[index].inputs if saved.inputs}
                needed |= {home(wire) for wire in wires(index) if saved.outputs}
                extra += 4 * (saved.cells + saved.fixed) + 8 * saved.indices  # type: ignore[operator,assignment]
        held = present & needed - {None}
        cells = [net.derivation.tensor(*wire) for wire in held if wire]
        peak = max(peak, extra + sum(4 * prod(tensor.sizes) for tensor in cells if tensor))  # type: ignore[type-var]
    return peak


@pytest.mark.parametrize("name", [name for name in NAMES if len(example(name)) <= 130])
def test_peaks_are_those_of_another_count(name: str) -> None:
    net = example(name).usual()
    cost = net.cost()
    assert cost.peak.bytes == peak_by_sets(net, training=False)
    assert cost.training_peak.bytes == peak_by_sets(net, training=True)


def test_costs_take_linear_time() -> None:
    def measured(layers: int) -> int:
        net = parse(f"input(64)\nrepeat {layers} {{ dense(64) -> relu }}")
        taken = steps(net.cost)
        cost = net.cost()
        assert (cost.macs, cost.peak.bytes) == (layers * 4_096, 2 * 4 * 64)
        return taken

    assert measured(5_000) < 11 * measured(500)


# At the terminal.


def shown(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["cost", *arguments])


def test_a_large_network_is_shown_by_block() -> None:
    lines = shown(str(EXAMPLES / "resnet50.net")).stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[2:13]] == [
        "image",
        "stem (2 layers)",
        "relu1",
        "max_pool1",
        "layer1 (32 layers)",
        "layer2 (42 layers)",
        "layer3 (62 layers)",
        "layer4 (32 layers)",
        "adaptive_avg_pool1",
        "fc",
        "total",
    ]
    deeper = shown(str(EXAMPLES / "resnet50.net"), "--depth", "2").stdout
    assert "layer3.repeat1 (50 layers)" in deeper


def test_the_greatest_come_first() -> None:
    lines = shown(str(EXAMPLES / "vgg16.net"), "--sort", "params", "--batch", "2").stdout.splitlines()
    assert lines[0] == "vgg16 (torch, H = 224, W = 224): 2 examples in float32"
    assert [line.split()[0] for line in lines[2:5]] == ["fc6", "fc7", "fc8"]
    assert lines[22].split("  ")[0] == "and 17 more"


def test_costs_as_json_and_markdown() -> None:
    import json

    found = json.loads(shown(str(EXAMPLES / "vgg16.net"), "--format", "json", "--dtype", "int8").stdout)
    assert (found["macs"], found["parameters"], found["weight_bytes"]) == (15_470_264_320, 138_357_544, 138_357_544)
    assert found["peak"] == {"bytes": 6_422_528, "at": "pool1.repeat1[0].relu1"}
    assert found["formula"].startswith("2097152*(H//32)*(W//32) + ")
    assert len(found["layers"]) == len(example("vgg16"))
    markdown = shown(str(EXAMPLES / "mnist.net"), "--format", "markdown").stdout
    assert "| conv1 | 8 x 8 x 32 | 100,352 | 25.9 | 1,600 | 1.2 | 8 KiB | 53.8 |" in markdown


def test_costs_that_are_formulas(tmp_path: Path) -> None:
    file = tmp_path / "free.net"
    file.write_text("dialect torch\ninput(3, H, W)\nconv(8, kernel=3)\n")
    done = shown(str(file))
    assert "216*(H - 2)*(W - 2)" in done.stdout
    assert done.exit_code == 0
    assert "give sizes with --at" in shown(str(file), "--sort", "macs").stderr


def test_what_cannot_be_built_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "broken.net"
    file.write_text("input(3, 3, 1)\nconv(8, kernel=5)\n")
    done = shown(str(file))
    assert done.exit_code == 1
    assert "conv1" in done.stderr and done.stdout == ""


BY_HAND = {
    # Of 4 x 6 x 6 in PyTorch: multiply-accumulates, other operations.
    "conv(8, kernel=3, padding=1)": (8 * 36 * 4 * 9, 8 * 36),
    "conv(8, kernel=3, padding=1, groups=2, bias=false)": (8 * 36 * 2 * 9, 0),
    "depthwise_conv(kernel=3, multiplier=2)": (8 * 16 * 9, 8 * 16),
    "separable_conv(8, kernel=3)": (4 * 16 * 9 + 8 * 16 * 4, 8 * 16),
    "conv_transpose(8, kernel=2, stride=2, groups=2)": (36 * 4 * 4 * 4, 8 * 144),
    "dense(5)": (4 * 6 * 5 * 6, 4 * 6 * 5),
    "max_pool(2)": (0, 36 * 3),
    "avg_pool(2)": (0, 36 * 4),
    "batch_norm": (0, 2 * 144),
    "layer_norm": (0, 7 * 144),
    "group_norm(2, affine=false)": (0, 5 * 144),
    "softmax": (0, 5 * 144),
    "upsample(2, mode=bilinear)": (0, 4 * 144 * 7),
    "attention(2)": (24 * 6 * 6 * 4 + 2 * 4 * 36 * 6, 4 * (24 * 6 + 36 * 2 * 6)),
    "flatten": (0, 0),
}


@pytest.mark.parametrize("layer", BY_HAND)
def test_work_is_what_a_hand_count_gives(layer: str) -> None:
    placed = parse(f"dialect torch\ninput(4, 6, 6)\nx = {layer}")["x"]
    assert (placed.work.macs, placed.work.other) == BY_HAND[layer]


def test_recurrent_layers_by_hand() -> None:
    lstm = parse("input(L=7, 3)\nx = lstm(5)").usual()["x"]
    assert lstm.macs == 7 * 4 * 5 * (3 + 5)
    assert lstm.flops == 2 * lstm.macs + 7 * (4 * 5 + 9 * 5)
