"""Graphs as texts: parsed, they are the same graphs; read, they are short."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shapesolver import load, parse
from shapesolver.exchange.sketch import Sketch
from shapesolver.exchange.writing import write
from shapesolver.language import parse as parse_tree
from shapesolver.language.formatter import format_tree
from shapesolver.layers.dialects import Dialect
from shapesolver.model.canonical import canonical_file
from shapesolver.model.graph import Wire
from shapesolver.testing import nets
from tests.exchange.graphs import fingerprint, network
from tests.steps import steps

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.net"))


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_the_same_network_after_writing(name: str) -> None:
    graph = load(EXAMPLES / f"{name}.net").graph
    assert fingerprint(parse(write(graph)).graph) == fingerprint(graph)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_canonical_and_stays(name: str) -> None:
    text = write(load(EXAMPLES / f"{name}.net").graph)
    assert format_tree(canonical_file(parse_tree(text).tree)) == text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9))
@example(seed=299)  # a repeat in a lane beside another
@example(seed=3381)  # a repeat before several ends
def test_a_random_graph_is_the_same_network_after_writing(seed: int) -> None:
    graph = network(seed)
    text = write(graph)
    assert fingerprint(parse(text).graph) == fingerprint(graph), text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(net=nets())
def test_a_random_network_of_any_layers_is_the_same_after_writing(net) -> None:  # type: ignore[no-untyped-def]
    assert fingerprint(parse(write(net.graph)).graph) == fingerprint(net.graph)


def test_stages_with_repeats_are_found_again() -> None:
    net = load(EXAMPLES / "resnet50_keras.net")
    assert write(net.graph) == RESNET50


@pytest.mark.parametrize("name", NAMES)
def test_what_a_file_assumes_and_expects_is_written_too(name: str) -> None:
    """Each claim mentions the same sizes by the names that they have now, and holds as it did."""
    net = load(EXAMPLES / f"{name}.net")
    again = parse(write(net.graph))
    for one, two in (
        (net.graph.assumptions, again.graph.assumptions),
        (net.graph.expectations, again.graph.expectations),
    ):
        assert [net.derivation.truth(claim) for claim in one] == [again.derivation.truth(claim) for claim in two]


def test_a_graph_nested_beyond_reason_is_written_a_layer_a_line() -> None:
    sketch = Sketch(Dialect.named("torch"), "nested")
    wires = [sketch.layer("input", sizes=(4, 8))]
    for _ in range(200):
        wires.append(sketch.layer("conv", [wires[-1]], channels=4, kernel=1))
    wire = wires[-1]
    for skip in reversed(wires[:-1]):
        wire = sketch.layer("add", [skip, wire])
    imported = sketch.finish()
    assert fingerprint(parse(imported.text).graph) == fingerprint(imported.graph)


def test_writing_takes_linear_time() -> None:
    def written(layers: int) -> int:
        sketch = Sketch(Dialect.named("torch"), "long")
        wire = sketch.layer("input", sizes=(4, 8))
        for number in range(layers // 3):
            inner = sketch.layer("conv", [wire], channels=4, kernel=1 + 2 * (number % 7 > 3), padding="same")
            wire = sketch.layer("relu", [sketch.layer("add", [wire, inner])])
        return steps(sketch.finish)

    assert written(6_000) < 11 * written(600)


SIAMESE = """\
dialect keras

left = input(105, 105, 1)
right = input(105, 105, 1)

block tower() {
    conv(64, kernel=10) -> relu
    max_pool(2)
    conv(128, kernel=7) -> relu
    max_pool(2)
    conv(128, kernel=4) -> relu
    max_pool(2)
    conv(256, kernel=4) -> relu
    flatten
    dense(4096) -> sigmoid
}

one = left -> tower
two = right -> reuse(one)
sub(one, _)
dense(1) -> sigmoid
"""


def test_layers_that_run_twice_with_the_same_weights_are_a_block() -> None:
    assert write(load(EXAMPLES / "siamese.net").graph) == SIAMESE


def tower(drawn: Sketch, plan: list[str], source: Wire, first: list[Wire]) -> list[Wire]:
    """The layers of a plan one after another; those with weights use the weights of a first run."""
    made = [source]
    for place, op in enumerate(plan):
        if op == "add":
            made.append(drawn.layer("add", [made[-1], source]))
        elif op == "conv" and first:
            made.append(drawn.reuse(first[place + 1], [made[-1]]))
        elif op == "conv":
            made.append(drawn.layer("conv", [made[-1]], channels=4, kernel=3, padding=1))
        else:
            made.append(drawn.layer(op, [made[-1]]))
    return made


@settings(max_examples=200, deadline=None)
@given(
    plan=st.lists(st.sampled_from(["conv", "relu", "tanh", "add"]), min_size=3, max_size=8),
    runs=st.integers(2, 3),
    leaks=st.integers(0, 3),
)
def test_towers_are_written_and_read_as_they_are(plan: list[str], runs: int, leaks: int) -> None:
    """Whatever else consumes what lies within a tower; where nothing does, each later run is one `reuse`."""
    drawn = Sketch(Dialect.named("torch"), "towers")
    inputs = [drawn.layer("input", sizes=(4, 8, 8), name=f"image{k}") for k in range(runs)]
    made: list[list[Wire]] = []
    for image in inputs:
        made.append(tower(drawn, ["conv", *plan, "conv"], image, made[0] if made else []))
    ends = [run[-1] for run in made]
    if leaks:
        ends.append(made[leaks % runs][leaks])
    drawn.output(drawn.layer("concat", ends, axis="C"))
    imported = drawn.finish()
    assert fingerprint(parse(imported.text).graph) == fingerprint(imported.graph), imported.text
    if not leaks:
        assert imported.text.count("reuse(") == runs - 1, imported.text


RESNET50 = """\
dialect keras

image = input(H=224, W=224, 3)

block conv_bn_relu(c, kernel, stride=1, padding=0) {
    conv(c, kernel=kernel, stride=stride, padding=padding) -> batch_norm -> relu
}

block stage(c, n, stride=2) {
    add(
        conv(4*c, kernel=1, stride=stride) -> batch_norm,
        conv_bn_relu(c, kernel=1, stride=stride)
            -> conv_bn_relu(c, kernel=3, padding=same) -> conv(4*c, kernel=1)
            -> batch_norm,
    ) -> relu
    repeat n {
        x = _
        conv_bn_relu(c, kernel=1)
        conv_bn_relu(c, kernel=3, padding=same)
        conv(4*c, kernel=1) -> batch_norm
        add(x, _) -> relu
    }
}

pad(3)
stem = conv_bn_relu(64, kernel=7, stride=2)
pad(1)
max_pool(3, stride=2)
conv2 = stage(64, n=2, stride=1)
conv3 = stage(128, n=3)
conv4 = stage(256, n=5)
x = stage(512, n=1)
conv_bn_relu(512, kernel=1)
conv_bn_relu(512, kernel=3, padding=same)
conv(2048, kernel=1) -> batch_norm
add(x, _)
conv5 = relu
global_avg_pool
predictions = dense(1000) -> softmax
expect conv5.H == (H - 1)//32 + 1
"""
