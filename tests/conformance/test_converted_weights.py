"""Converted weights in the real frameworks: the same outputs to 1e-5, within a framework and across them."""

from __future__ import annotations

import os
from typing import Any

import numpy
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.conformance

from shapesolver import convert_weights, parse  # noqa: E402

rng = numpy.random.default_rng(3)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def normal(*shape: int) -> numpy.ndarray:
    return rng.normal(size=shape).astype("float32") / 4


def channels_first(image: numpy.ndarray) -> Any:
    """A batch in Keras' layout as PyTorch's."""
    return torch.tensor(numpy.ascontiguousarray(numpy.moveaxis(image, -1, 1)))


def loaded(module: Any, weights: dict[str, numpy.ndarray]) -> Any:
    state = {name: torch.tensor(numpy.ascontiguousarray(array)) for name, array in weights.items()}
    module.load_state_dict(state, strict=False)
    return module.eval()


def weights_of(layer: Any) -> dict[str, numpy.ndarray]:
    return {weight.path.split("/")[-1]: out(weight.value) for weight in layer.weights}


def out(tensor: Any) -> numpy.ndarray:
    return tensor.detach().cpu().numpy()


# Networks turned convolutional.

SMALL_VGG = """
image = input({sizes})
conv(4, kernel=3, padding=same) -> relu
max_pool(2)
flatten
fc1 = dense(12) -> relu -> dropout(0.5)
fc2 = dense(7)
"""


def test_a_torch_network_and_its_convolutional_form_agree() -> None:
    recipes = parse("dialect torch" + SMALL_VGG.format(sizes="3, 8, 6")).fully_convolutional().recipes
    body = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
    head = [torch.nn.Linear(48, 12), torch.nn.Linear(12, 7)]
    convs = [torch.nn.Conv2d(4, 12, (4, 3)), torch.nn.Conv2d(12, 7, 1)]
    for recipe, linear, conv in zip(recipes, head, convs, strict=True):
        loaded(conv, recipe.apply({name: out(w) for name, w in linear.named_parameters()}))
    x = torch.tensor(normal(2, 3, 8, 6))
    features = body(x)
    dense = head[1](torch.relu(head[0](features.flatten(1))))
    numpy.testing.assert_allclose(out(convs[1](torch.relu(convs[0](features))))[:, :, 0, 0], out(dense), **CLOSE)
    wide = torch.tensor(normal(1, 3, 16, 12))
    assert convs[1](torch.relu(convs[0](body(wide)))).shape[2:] == (5, 4)


def test_a_keras_network_and_its_convolutional_form_agree() -> None:
    recipes = parse("dialect keras" + SMALL_VGG.format(sizes="8, 6, 3")).fully_convolutional().recipes
    layers = keras.layers
    image = keras.Input((8, 6, 3))
    features = layers.MaxPooling2D(2)(layers.Conv2D(4, 3, padding="same", activation="relu")(image))
    head = [layers.Dense(12, activation="relu"), layers.Dense(7)]
    dense = keras.Model(image, head[1](head[0](layers.Flatten()(features))))
    convs = [layers.Conv2D(12, (4, 3), activation="relu"), layers.Conv2D(7, 1)]
    scores = keras.Model(image, convs[1](convs[0](features)))
    for recipe, layer, conv in zip(recipes, head, convs, strict=True):
        made = recipe.apply(weights_of(layer))
        conv.set_weights([made["kernel"], made["bias"]])
    x = normal(2, 8, 6, 3)
    numpy.testing.assert_allclose(out(scores(x))[:, 0, 0], out(dense(x)), **CLOSE)


@pytest.mark.parametrize("map_", [(5,), (3, 4), (2, 3, 2)])
def test_dense_layers_of_keras_as_convolutions_of_torch_and_back(map_: tuple[int, ...]) -> None:
    rank, size = len(map_), int(numpy.prod(map_))
    image = normal(2, *map_, 3)
    dense = keras.layers.Dense(6)
    expected = out(dense(image.reshape(2, -1)))
    weights = weights_of(dense)
    as_conv = convert_weights(weights, "dense", to="conv", map=map_, target="torch")
    conv = loaded(getattr(torch.nn, f"Conv{rank}d")(3, 6, map_), as_conv)
    numpy.testing.assert_allclose(out(conv(channels_first(image))).reshape(2, 6), expected, **CLOSE)
    linear = loaded(torch.nn.Linear(size * 3, 6), convert_weights(weights, "dense", map=map_, target="torch"))
    numpy.testing.assert_allclose(out(linear(channels_first(image).flatten(1))), expected, **CLOSE)
    back = {name: out(w) for name, w in linear.named_parameters()}
    numpy.testing.assert_array_equal(
        convert_weights(back, "dense", map=map_, source="torch", target="keras")["kernel"], weights["kernel"]
    )


# Single layers across frameworks.


def cases() -> list[Any]:
    layers, nn = keras.layers, torch.nn
    return [
        ("conv", layers.Conv1D(6, 3), nn.Conv1d(4, 6, 3), (9, 4), {}),
        ("conv", layers.Conv2D(6, (3, 2), groups=2), nn.Conv2d(4, 6, (3, 2), groups=2), (9, 8, 4), {}),
        ("conv", layers.Conv3D(5, 2), nn.Conv3d(4, 5, 2), (4, 5, 6, 4), {}),
        ("conv_transpose", layers.Conv2DTranspose(5, 3, strides=2), nn.ConvTranspose2d(4, 5, 3, 2), (4, 5, 4), {}),
        ("conv_transpose", layers.Conv1DTranspose(5, 4), nn.ConvTranspose1d(4, 5, 4), (4, 4), {}),
        (
            "depthwise_conv",
            layers.DepthwiseConv2D((3, 2), depth_multiplier=2),
            nn.Conv2d(4, 8, (3, 2), groups=4),
            (6, 5, 4),
            {"multiplier": 2},
        ),
        ("dense", layers.Dense(5), nn.Linear(4, 5), (4,), {}),
    ]


@pytest.mark.parametrize("number", range(7))
def test_a_layer_of_keras_in_torch(number: int) -> None:
    op, layer, module, shape, options = cases()[number]
    x = normal(2, *shape)
    expected = out(layer(x))
    layer.set_weights([normal(*w.shape) for w in layer.weights])
    expected = out(layer(x))
    loaded(module, convert_weights(weights_of(layer), op, target="torch", **options))
    made = out(module(channels_first(x) if len(shape) > 1 else torch.tensor(x)))
    numpy.testing.assert_allclose(numpy.moveaxis(made, 1, -1), expected, **CLOSE)


def test_a_separable_convolution_of_keras_in_torch() -> None:
    layer = keras.layers.SeparableConv2D(5, 3, depth_multiplier=2)
    x = normal(2, 6, 6, 4)
    layer(x)
    layer.set_weights([normal(*w.shape) for w in layer.weights])
    module = torch.nn.Sequential()
    module.add_module("depthwise", torch.nn.Conv2d(4, 8, 3, groups=4, bias=False))
    module.add_module("pointwise", torch.nn.Conv2d(8, 5, 1))
    loaded(module, convert_weights(weights_of(layer), "separable_conv", target="torch", multiplier=2))
    numpy.testing.assert_allclose(numpy.moveaxis(out(module(channels_first(x))), 1, -1), out(layer(x)), **CLOSE)


def test_a_batch_norm_of_keras_in_torch() -> None:
    layer, module = keras.layers.BatchNormalization(epsilon=1e-5), torch.nn.BatchNorm2d(4)
    x = normal(2, 6, 6, 4)
    layer(x)
    layer.set_weights([abs(normal(*w.shape)) + 0.5 for w in layer.weights])
    loaded(module, convert_weights(weights_of(layer), "batch_norm", target="torch"))
    numpy.testing.assert_allclose(numpy.moveaxis(out(module(channels_first(x))), 1, -1), out(layer(x)), **CLOSE)


RECURRENT = {
    "lstm": (keras.layers.LSTM, torch.nn.LSTM),
    "gru": (keras.layers.GRU, torch.nn.GRU),
    "rnn": (keras.layers.SimpleRNN, torch.nn.RNN),
}


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("op", RECURRENT)
def test_a_recurrent_layer_of_keras_in_torch_and_back(op: str, bidirectional: bool) -> None:
    kind, module_kind = RECURRENT[op]
    layer = kind(5, return_sequences=True)
    layer = keras.layers.Bidirectional(layer) if bidirectional else layer
    x = normal(2, 7, 3)
    layer(x)
    layer.set_weights([normal(*w.shape) for w in layer.weights])
    names = ("kernel", "recurrent_kernel", "bias")
    prefixes = ("forward.", "backward.") if bidirectional else ("",)
    arrays = [out(w.value) for w in layer.weights]
    weights = dict(zip((p + n for p in prefixes for n in names), arrays, strict=True))
    made = convert_weights(weights, op, target="torch")
    module = loaded(module_kind(3, 5, batch_first=True, bidirectional=bidirectional), made)
    numpy.testing.assert_allclose(out(module(torch.tensor(x))[0]), out(layer(x)), **CLOSE)
    back = convert_weights(made, op, source="torch", target="keras")
    assert all(numpy.allclose(back[name], weights[name]) for name in weights)


@pytest.mark.parametrize("op", RECURRENT)
def test_a_recurrent_layer_of_torch_in_onnx(op: str) -> None:
    onnx, ort = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    module = RECURRENT[op][1](3, 5)
    arrays = {name: out(w) for name, w in module.named_parameters()}
    made = convert_weights(arrays, op, source="torch", target="onnx")
    options = {"linear_before_reset": 1} if op == "gru" else {}
    node = onnx.helper.make_node(op.upper(), ["X", "W", "R", "B"], ["Y"], hidden_size=5, **options)
    info = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node],
        "one",
        [info("X", onnx.TensorProto.FLOAT, (7, 2, 3))],
        [info("Y", onnx.TensorProto.FLOAT, (7, 1, 2, 5))],
        [onnx.numpy_helper.from_array(numpy.ascontiguousarray(made[name]), name) for name in "WRB"],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = normal(7, 2, 3)
    (y,) = session.run(None, {"X": x})
    numpy.testing.assert_allclose(y[:, 0], out(module(torch.tensor(x))[0]), **CLOSE)
