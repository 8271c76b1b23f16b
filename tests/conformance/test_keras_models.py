"""Whole models against Keras: every architecture of keras.applications, read without running it.

Models are made on PyTorch's ``meta`` device, which has shapes and no numbers, so that the largest take no longer than
the others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import shapesolver
from shapesolver import Net
from shapesolver.derive import derive
from shapesolver.exchange import load
from shapesolver.exchange.keras.writing import keras_code
from shapesolver.exchange.naming import valid_name
from tests.exchange.graphs import fingerprint

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

from tests.conformance.keras_narrow import nasnet_on_torch  # noqa: E402, F401

pytestmark = pytest.mark.conformance

ARCHITECTURES = sorted(name for name in dir(keras.applications) if name[0].isupper())
SIZES = ((160, 160), (101, 133))
"""Heights and widths; the second leave remainders everywhere."""

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def model(name: str, shape: tuple[int | None, ...], **options: Any) -> Any:
    with keras.device("meta"):
        return getattr(keras.applications, name)(weights=None, input_shape=shape, **options)


def named_layers(made: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The layers of a model and of those within it, which ConvNeXt has, by dotted name."""
    for layer in made.layers:
        if hasattr(layer, "layers"):
            yield from named_layers(layer, f"{prefix}{layer.name}.")
        else:
            yield prefix + layer.name, layer


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_layer_of_every_architecture(name: str) -> None:
    """Each layer's size, each weight's shape and the parameters, at two sizes; the text is the same network."""
    for height, width in SIZES:
        made = model(name, (height, width, 3))
        imported = load(made)
        assert imported.warnings == ()
        graph, sizes = imported.graph, derive(imported.graph)
        places = {node.path: index for index, node in enumerate(graph.nodes)}
        compared = 0
        for path, layer in named_layers(made):
            index = places[imported.names.get(path, valid_name(path))]
            tensor = sizes.tensor(index)
            assert tensor is not None and tensor.sizes == tuple(layer.output.shape)[1:], layer.name
            if layer.weights and type(layer).__name__ != "LayerScale":
                weights = graph.nodes[index].layer.weights(*(sizes.inputs(index) or ()))
                assert [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights], layer.name
                compared += len(weights)
        net = shapesolver.parse(imported.text)
        assert net.params == made.count_params()
        assert fingerprint(net.graph) == fingerprint(graph)
        assert compared > 10


# There and back.

FAMILIES = [
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "InceptionV3",
    "MobileNetV2",
    "MobileNetV3Small",
    "ResNet50",
    "VGG16",
    "Xception",
]
"""One architecture of each kind: the others repeat its layers."""


@pytest.mark.parametrize("name", FAMILIES)
def test_architectures_there_and_back(name: str) -> None:
    """Read and built again, a model has the same sizes and as many parameters."""
    made = model(name, (101, 133, 3))
    net = shapesolver.from_keras(made)
    with keras.device("meta"):
        again = net.to_keras()
    assert again.count_params() == made.count_params()
    assert [tuple(t.shape) for t in again.outputs] == [tuple(t.shape) for t in made.outputs]
    back = shapesolver.from_keras(again)
    assert fingerprint(back.graph)[0] == fingerprint(net.graph)[0]


def exported(net: Net) -> Iterator[Any]:
    """The network as a model object, and as what its code makes."""
    yield net.to_keras()
    space: dict[str, Any] = {}
    exec(compile(keras_code(net), "exported.py", "exec"), space)
    *_, last = re.findall(r"^def (\w+)\(\):", keras_code(net), re.MULTILINE)
    yield space[last]()


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.net")))
def test_examples_there_and_back(name: str) -> None:
    """Sizes and trained parameters stay, and a Keras network comes back as it was."""
    net = shapesolver.load(EXAMPLES / f"{name}.net")
    with keras.device("meta"):
        models = list(exported(net))
    for made in models:
        trained = sum(weight.numel() for weight in (v.value for v in made.trainable_variables))
        assert trained == net.usual().trainable_params
        shapes = [tuple(tensor.shape)[1:] for tensor in made.outputs]
        for shape, expected in zip(shapes, net.usual().output_shapes, strict=True):
            assert all(ours == n for n, ours in zip(shape, expected, strict=True) if n is not None)
        back = shapesolver.from_keras(made)
        assert back.usual().params in (net.usual().params, made.count_params())
        if net.dialect.keras and name != "keras1":  # which states its pool's stride
            assert fingerprint(back.graph)[0] == fingerprint(net.graph)[0]
        with keras.device("meta"):
            again = back.to_keras()
        assert again.count_params() == made.count_params()
        assert [tuple(t.shape) for t in again.outputs] == [tuple(t.shape) for t in made.outputs]


def test_a_pool_that_rounds_up_is_the_same_in_keras() -> None:
    """A maximum over windows that reach beyond the end, number by number."""
    for size, kernel, stride, padding in ((12, 3, 2, 0), (13, 3, 2, 1), (10, 2, 3, 0), (11, 4, 3, 2)):
        text = f"dialect torch\ninput(2, {size}, {size + 1})\nmax_pool({kernel}, stride={stride}, padding={padding}"
        net = shapesolver.parse(f"{text}, ceil_mode=true)")
        x = torch.randn(3, 2, size, size + 1)
        expected = torch.nn.functional.max_pool2d(x, kernel, stride, padding, ceil_mode=True)
        assert torch.equal(net.to_keras()(x), expected), (size, kernel, stride, padding)


def test_a_table_that_is_tied_is_one_weight_in_keras() -> None:
    net = shapesolver.parse("tokens = input(L)\nwte = embedding(10, 4)\ndense(10, bias=false, tied=wte)")
    made = net.to_keras()
    (table,) = made.weights
    assert torch.allclose(made(torch.tensor([[3, 7]]))[0], table.value[[3, 7]] @ table.value.T)
