"""What no output depends on: every layer and whole graphs against one-hot inputs pushed through plain numpy."""

from __future__ import annotations

from math import prod
from pathlib import Path
from random import Random
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shapesolver import ShapeSolverError, load, parse
from shapesolver.derive import apply
from shapesolver.layers.base import Tensor
from shapesolver.layers.cells import Box, members
from shapesolver.layers.registry import kinds
from shapesolver.net import Net, examine
from tests.dependence import reaching, run, tried
from tests.random_nets import RandomNet
from tests.strategies import ALL_KINDS, placed_layers

EXAMPLES = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
CONSUMING = [op for op in ALL_KINDS if kinds()[op].inputs != (0, 0)]
MAX_CELLS = 160
EXAMPLES_FOLDER = Path(__file__).parents[1] / "docs" / "examples"


def smaller(tensor: Tensor) -> Tensor:
    """The tensor with its longest axes cut down to what one-hot inputs can cover."""
    sizes: list[Any] = [*tensor.sizes]
    while prod(sizes) > MAX_CELLS:
        longest = sizes.index(max(sizes))
        sizes[longest] -= 1
    return Tensor(tuple(sizes), tensor.axes)


def filled(boxes: list[Box], sizes: tuple[Any, ...]) -> numpy.ndarray:
    """The boxes as an array of truths."""
    found = numpy.zeros(sizes, dtype=bool)
    for box in boxes:
        found[numpy.ix_(*(list(members(cells)) for cells in box))] = True
    return found


def fitting(layer: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Inputs that the layer is likelier to take, few enough cells for one-hot inputs."""
    inputs = tuple(map(smaller, inputs))[:3]
    if layer.op != "fold" or any(isinstance(value, tuple) for _, value in layer.values() if value != layer.output_size):
        return inputs
    columns = layer.windows()
    return (layer.join(layer.taps(), (columns,)),) if 0 < columns * layer.taps() < MAX_CELLS else inputs


def tied(layer: Any) -> bool:
    """Whether a nearest cell may be a matter of rounding."""
    factors = layer.scale if isinstance(layer.scale, tuple) else (layer.scale,)
    return any(factor not in (1, 2, 3, 0.5) for factor in factors)


@pytest.mark.parametrize("op", CONSUMING)
@EXAMPLES
@given(data=st.data())
def test_a_layer_reads_the_cells_that_reach_the_wanted_results(op: str, data: st.DataObject) -> None:
    """For any box of a result: exactly the input cells that change something in it."""
    layer, inputs = data.draw(placed_layers([op]))
    inputs = fitting(layer, inputs)
    assume(op != "upsample" or not tied(layer))
    outcome = apply(layer, inputs)
    assume(outcome.broken is None and sum(prod(made.sizes) for made in outcome.outputs) < 3000)
    output = data.draw(st.integers(0, len(outcome.outputs) - 1))
    made: Any = outcome.outputs[output].sizes
    wanted = tuple(data.draw(st.integers(1, 2**n - 1)) for n in made)
    for number, tensor in enumerate(inputs):
        cells = prod(tensor.sizes)
        hot = [numpy.zeros((cells, *other.sizes)) for other in inputs]
        hot[number] = numpy.eye(cells).reshape(cells, *tensor.sizes)
        reached = run(layer, hot)[output][:, *numpy.ix_(*(list(members(w)) for w in wanted))]
        expected = reached.reshape(cells, -1).any(axis=1).reshape(tensor.sizes)
        boxes = [box for source, box in layer.read_cells(wanted, inputs, output) if source == number]
        assert (filled(boxes, tensor.sizes) == expected).all(), (number, boxes)


def test_mnist_leaves_159_of_784_pixels_unread() -> None:
    image = load(EXAMPLES_FOLDER / "mnist.net").lost(H=28, W=28)["image"]
    assert image.axes == {"H": (range(25, 28),), "W": (range(25, 28),), "C": ()}
    assert (image.cells, image.size) == (159, 784)
    assert f"{image.share:.1%}" == "20.3%"
    assert repr(image) == "<lost of image: 159 of 784 cells; H 25..27, W 25..27>"


def test_nothing_is_lost_of_25() -> None:
    assert not load(EXAMPLES_FOLDER / "mnist.net").lost(H=25, W=25)["image"]


def test_what_one_path_passes_over_and_another_reads_is_read() -> None:
    """ResNet's shortcuts skip every second row; the main path reads them."""
    text = """
    x = input(8, 8, 4)
    add(conv(4, kernel=1, stride=2), conv(4, kernel=3, stride=2, padding=same))
    """
    assert not parse(text).lost()["x"]
    alone = parse("x = input(8, 8, 4)\nconv(4, kernel=1, stride=2)").lost()["x"]
    assert alone["H"] == (range(1, 2), range(3, 4), range(5, 6), range(7, 8))
    assert alone.cells == (64 - 16) * 4


def test_an_input_that_nothing_uses_is_lost_whole() -> None:
    net = parse("x = input(4, 4, 1)\ny = input(4, 4, 1)\nz = conv(1, kernel=1)\noutput z")
    assert [found.share for found in net.lost().values()] == [1.0, 0.0]


def test_axes_of_size_1_at_the_end_of_a_reshape_are_followed() -> None:
    found = parse("x = input(6, 1, 1)\nreshape(2, 3)\nslice(0, 1, axis=1)").lost()["x"]
    assert found.axes == {"H": (range(3, 6),), "W": (), "C": ()}
    assert found.cells == 3


def test_what_cannot_be_followed_cell_by_cell_says_so() -> None:
    with pytest.raises(ShapeSolverError, match="conv1 cannot be built"):
        parse("x = input(4, 4, 1)\nconv1 = conv(1, kernel=5)").lost()
    with pytest.raises(ShapeSolverError, match="an axis of 9999996 cells; 1048576 is the most"):
        parse("x = input(L=100, 1)\nconv(1, kernel=5)").lost(L=10**7)
    with pytest.raises(ShapeSolverError, match="has the size H"):
        parse("x = input(H, 4, 1)\nconv(1, kernel=1)").lost()


GRAPHS = 5_000


def built(random: Random) -> Net:
    """A random network that can be built, small enough for one-hot inputs."""
    while True:
        net, _ = examine(RandomNet(random).text)
        if net is None or any(True for _ in net.derivation.broken()):
            continue
        sizes = [prod(made.sizes) for outcome in net.derivation.outcomes if outcome for made in outcome.outputs]
        if sum(prod(place.tensor.sizes) for place in net.inputs) <= MAX_CELLS and sum(sizes) < 4000:
            return net


@pytest.mark.parametrize("seed", range(20))
def test_what_is_lost_of_random_graphs_never_reaches_an_output(seed: int) -> None:
    """5,000 graphs: every cell of every input, against one-hot inputs pushed through plain numpy."""
    random, some = Random(seed), 0
    for _ in range(GRAPHS // 20):
        net = built(random)
        for path, reached in reaching(net).items():
            found = net.lost()[path]
            assert (filled(list(found.boxes), found.tensor.sizes) == reached).all(), net.text
            assert found.cells == found.size - reached.sum(), net.text
            for index, axis in enumerate(found.tensor.axes):
                others = tuple(other for other in range(reached.ndim) if other != index)
                unread = numpy.flatnonzero(~reached.any(axis=others))
                assert [i for run in found[axis] for i in run] == [*unread], net.text
            some += 0 < found.cells < found.size
    assert some > 50


SMALLER = {"unet": 64, "fcn8s": 64, "unet_572": 188}
"""Sizes at which numpy is quick."""


TOO_LARGE = {"gpt2", "c3d"}
"""Examples that numpy takes long for; PyTorch's gradients try every cell of theirs."""
FILES = [file for file in sorted(EXAMPLES_FOLDER.glob("*.net")) if file.stem not in TOO_LARGE]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_lost_of_an_example_never_reaches_an_output(file: Path) -> None:
    """The cells around the edge of what is read, the corners and some others, at the usual sizes."""
    random, sizes = Random(file.stem), dict.fromkeys("HW", SMALLER.get(file.stem, 0))
    net = load(file).at(**sizes) if all(sizes.values()) else load(file).usual()
    cells, expected = [], []
    for path, found in net.lost().items():
        whole: Any = found.tensor.sizes
        edges = [
            [0, n - 1, *(cell for run in found[axis] for cell in (run.start - 1, run.start))]
            for axis, n in zip(found.tensor.axes, whole, strict=True)
        ]
        chosen = [tuple(map(random.choice, edges)) for _ in range(2)] + [tuple(map(random.randrange, whole))]
        cells += [(path, cell) for cell in chosen]
        expected += [bool(filled(list(found.boxes), whole)[cell]) for cell in chosen]
    assert [*tried(net, cells)] == expected


@pytest.mark.parametrize("name", ["mnist", "lenet5", "parallel_filters"])
def test_every_cell_of_a_small_example_is_lost_or_reaches_an_output(name: str) -> None:
    """All cells; of the other examples with PyTorch's gradients, in the conformance tests."""
    net = load(EXAMPLES_FOLDER / f"{name}.net").usual()
    for path, reached in reaching(net).items():
        found = net.lost()[path]
        assert (filled(list(found.boxes), found.tensor.sizes) == reached).all()
        assert found.cells == found.size - reached.sum()
