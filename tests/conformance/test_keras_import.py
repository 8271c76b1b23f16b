"""Keras models of every kind of layer and operation, read from their configuration: sizes and parameters as Keras has
them, and nothing kept as opaque."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

import shapesolver
from shapesolver.exchange import load

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.conformance

layers, ops = keras.layers, keras.ops


def bidirectional(mode: str | None) -> Callable[[Any], Any]:
    return lambda x: layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode=mode)(x)


def attention(x: Any) -> Any:
    memory = layers.Dense(6)(x)
    return layers.MultiHeadAttention(2, 5, value_dim=3)(x, memory, layers.Dense(7)(memory))


def inner() -> Any:
    start = keras.Input((8, 6))
    return keras.Model(start, layers.Dense(6)(layers.ReLU(max_value=6)(start)), name="inner")


def twice(x: Any) -> Any:
    shared = inner()
    return layers.Concatenate()([shared(x), shared(layers.Dense(6)(x))])


SEQUENCES: dict[str, Callable[[Any], Any]] = {
    "activations": lambda x: layers.Activation("mish")(layers.Dense(4, activation="leaky_relu")(x)),
    "relu": lambda x: layers.ReLU(negative_slope=0.1)(layers.ReLU(max_value=4)(x)),
    "prelu": lambda x: layers.PReLU(shared_axes=[1])(x),
    "conv1d": lambda x: layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(x),
    "transposed": lambda x: layers.Conv1DTranspose(4, 3, strides=2, output_padding=1)(x),
    "separable": lambda x: layers.SeparableConv1D(4, 3, depth_multiplier=2)(x),
    "pad and crop": lambda x: layers.Cropping1D(1)(layers.ZeroPadding1D((1, 2))(x)),
    "layer norm": lambda x: layers.LayerNormalization(axis=[1, 2], center=False)(x),
    "group norm": lambda x: layers.GroupNormalization(2)(layers.GroupNormalization(-1)(x)),
    "batch norm of another axis": lambda x: layers.BatchNormalization(axis=1)(x),
    "normalization": lambda x: layers.Normalization()(x),
    "rescaling": lambda x: layers.Rescaling(1 / 255)(x),
    "lstm": lambda x: layers.LSTM(5, return_sequences=True, use_bias=False)(x),
    "gru": lambda x: layers.GRU(5, reset_after=False)(x),
    "rnn": lambda x: layers.SimpleRNN(5)(x),
    "both ways": bidirectional("concat"),
    "both ways, added": bidirectional("sum"),
    "self attention": lambda x: layers.MultiHeadAttention(2, 5)(x, x),
    "attention": attention,
    "dot attention": lambda x: layers.Attention()([x, layers.Dense(6)(x)]),
    "einsum": lambda x: layers.EinsumDense("abc,cde->abde", (None, 4, 5), bias_axes="de")(x),
    "repeat": lambda x: layers.RepeatVector(3)(layers.Flatten()(x)),
    "reshape": lambda x: layers.Permute((2, 1))(layers.Reshape((-1, 12))(x)),
    "dot": lambda x: layers.Dot(axes=(2, 2))([x, layers.Dense(6)(x)]),
    "merges": lambda x: layers.Average()([layers.Minimum()([x, layers.Subtract()([x, x])]), x]),
    "broadcast": lambda x: layers.Multiply()([x, layers.Dense(1)(x)]),
    "each step": lambda x: layers.TimeDistributed(layers.Dense(5, activation="tanh"))(x),
    "a model within": lambda x: inner()(x),
    "a model used twice": twice,
    "a sequence within": lambda x: keras.Sequential([layers.Dense(3), layers.ReLU()])(x),
    "arithmetic": lambda x: (x * 2 + ops.mean(x, axis=-1, keepdims=True)) / (1 - x),
    "reductions": lambda x: ops.max(ops.sum(x, axis=1), axis=-1, keepdims=True),
    "moving": lambda x: ops.transpose(ops.expand_dims(ops.reshape(x, (-1, 6, 8)), 1), (0, 2, 1, 3)),
    "swapped": lambda x: ops.swapaxes(x, 1, 2),
    "joined": lambda x: ops.stack([ops.concatenate([x, x], axis=-1)] * 3, axis=2),
    "split": lambda x: ops.split(x, 2, axis=1)[1] + ops.split(x, [2, 4], axis=-1)[0][:, :4, :1],
    "indexed": lambda x: x[:, 1:-1, ::2, None] * x[:, 3:4, :1, None],
    "one step": lambda x: x[:, 0] + x[:, -1],
    "product": lambda x: ops.matmul(ops.nn.softmax(x), ops.transpose(x, (0, 2, 1))),
    "functions": lambda x: ops.sqrt(ops.exp(ops.clip(ops.nn.gelu(x), 0, 1))),
    "squeezed": lambda x: ops.squeeze(ops.expand_dims(x, -1), -1),
}

IMAGES: dict[str, Callable[[Any], Any]] = {
    "conv": lambda x: layers.Conv2D(6, (3, 2), strides=2, groups=3, use_bias=False)(x),
    "other layout": lambda x: layers.Conv2D(6, 3, data_format="channels_first")(layers.MaxPooling2D(2)(x)),
    "depthwise": lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x),
    "transposed": lambda x: layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x),
    "pools": lambda x: layers.AveragePooling2D(2, padding="same")(layers.MaxPooling2D(3, strides=1)(x)),
    "global pools": lambda x: layers.GlobalMaxPooling2D(keepdims=True)(x),
    "resized": lambda x: layers.Resizing(5, 7)(layers.UpSampling2D((2, 3), interpolation="bilinear")(x)),
    "padded": lambda x: layers.Cropping2D(((1, 0), (0, 2)))(layers.ZeroPadding2D(((0, 1), (2, 0)))(x)),
    "padded by reflection": lambda x: ops.pad(x, [[0, 0], [1, 1], [2, 0], [0, 0]], mode="reflect"),
    "each image": lambda x: layers.TimeDistributed(layers.GlobalAveragePooling2D())(ops.stack([x, x], axis=1)),
    "each image convolved": lambda x: layers.TimeDistributed(layers.MaxPooling2D(2))(ops.stack([x, x], axis=1)),
    "dropout": lambda x: layers.SpatialDropout2D(0.1)(layers.GaussianNoise(1.0)(x)),
}


def compare(made: Any, opaque: bool = False) -> None:
    imported = load(made)
    assert opaque or imported.warnings == ()
    net = shapesolver.parse(imported.text)
    assert net.params == made.count_params()
    for shape, tensor in zip(net.output_shapes, made.outputs, strict=True):
        assert all(told in (None, size) for size, told in zip(shape, tuple(tensor.shape)[1:], strict=True))


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(name: str) -> None:
    start = keras.Input((8, 6))
    compare(keras.Model(start, SEQUENCES[name](start)))


@pytest.mark.parametrize("name", IMAGES)
def test_images(name: str) -> None:
    start = keras.Input((12, 11, 3))
    compare(keras.Model(start, IMAGES[name](start)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of numpy, in Keras' own saving
def test_a_file_says_what_the_object_says(tmp_path: Any) -> None:
    start = keras.Input((12, 11, 3), name="image")
    made = keras.Model(start, layers.Dense(4)(layers.Flatten()(layers.Conv2D(3, 3)(start))))
    made.save(tmp_path / "model.keras")
    (tmp_path / "model.json").write_text(made.to_json())
    texts = {load(source).text for source in (made, tmp_path / "model.keras", tmp_path / "model.json")}
    assert len(texts) == 1


def test_what_is_not_known_keeps_its_sizes_and_parameters() -> None:
    class Mine(layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(shape[-1], 7))

        def call(self, x: Any) -> Any:
            return ops.matmul(x, self.scale)

    start = keras.Input((8, 6))
    x = layers.Lambda(lambda t: t[:, ::2])(start)
    states = layers.LSTM(5, return_state=True)(x)
    made = keras.Model(start, [Mine()(x), *states])
    imported = load(made)
    reasons = [warning.partition(": ")[2].partition(": ")[2] for warning in imported.warnings]
    assert reasons == [
        "it runs Python code, and nothing in a file is executed",
        "its class is the author's own",
        "a state that is none of its results is used",
    ]
    compare(made, opaque=True)


ENCODER = """\
dialect keras

left = input(32, 32, 8)
right = input(32, 32, 8)

block encoder() {
    merged = add(_, conv(8, kernel=3, padding=same) -> relu)
    pool = max_pool(2)
    last = conv(16, kernel=3) -> relu
    flat = flatten
    embed = dense(64)
}

encoder_embed = left -> encoder
right -> reuse(encoder_embed)
joined = concat(encoder_embed, _)
score = dense(1) -> sigmoid
"""


def test_a_model_within_a_model_that_is_called_twice_is_a_block() -> None:
    layers = keras.layers
    image = keras.Input((32, 32, 8))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D(name="pool")(layers.Add(name="merged")([image, x]))
    x = layers.Flatten(name="flat")(layers.Conv2D(16, 3, activation="relu", name="last")(x))
    encoder = keras.Model(image, layers.Dense(64, name="embed")(x), name="encoder")
    left, right = keras.Input((32, 32, 8), name="left"), keras.Input((32, 32, 8), name="right")
    joined = layers.Concatenate(name="joined")([encoder(left), encoder(right)])
    model = keras.Model([left, right], layers.Dense(1, activation="sigmoid", name="score")(joined))
    net = shapesolver.from_keras(model)
    assert net.text == ENCODER
    assert net.params == model.count_params()


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.filterwarnings("error")
def test_the_state_that_a_recurrent_layer_hands_out_is_its_last_result(name: str, sequences: bool) -> None:
    image = keras.Input((None, 4))
    layer = getattr(keras.layers, name)(8, return_state=True, return_sequences=sequences, name="run")
    results, state, *_ = layer(image)
    model = keras.Model(image, [keras.layers.Dense(2)(results), keras.layers.Dense(3)(state)])
    net = shapesolver.from_keras(model).at(L=7)
    assert net.params == model.count_params()
    assert net.output_shapes == ((7, 2) if sequences else (2,), (3,))


def test_states_that_are_no_results_stay_opaque() -> None:
    image = keras.Input((7, 4))
    for layer, place in (
        (keras.layers.LSTM(8, return_state=True), 2),
        (keras.layers.Bidirectional(keras.layers.LSTM(8, return_state=True)), 1),
    ):
        model = keras.Model(image, keras.layers.Dense(3)(layer(image)[place]))
        with pytest.warns(shapesolver.exchange.errors.ExchangeWarning, match="kept as opaque"):
            net = shapesolver.from_keras(model)
        assert (net.params, net.output_shapes) == (model.count_params(), ((3,),))
