"""Keras code: blocks as functions, repeats as loops. Written without Keras installed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import shapesolver
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.keras.writing import keras_code

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


def functions(text: str) -> str:
    """The code's functions, without what stands before them."""
    return text[text.index("\ndef ") + 1 :]


WAVENET = """\
def gated(inputs, rate=1):
    conv = layers.Conv1D(
        32, 2, dilation_rate=rate, padding="causal", activation="tanh"
    )(inputs)
    x = layers.Conv1D(
        32, 2, dilation_rate=rate, padding="causal", activation="sigmoid"
    )(inputs)
    x = layers.Multiply()([conv, x])
    return x


def wavenet():
    wave = keras.Input((None, 256), name="wave")
    start = layers.Conv1D(32, 1, name="start")(wave)
    total = layers.Conv1D(64, 1, name="total")(start)
    x = start
    for i in range(10):
        shortcut = x
        x = gated(shortcut, 2**i)
        x = layers.Conv1D(32, 1)(x)
        x = layers.Add()([shortcut, x])
    x = layers.ReLU()(x)
    x = layers.Conv1D(64, 1)(x)
    x = layers.Add()([x, total])
    x = layers.ReLU()(x)
    out = layers.Conv1D(256, 1, activation="softmax", name="out")(x)
    return keras.Model(wave, out, name="wavenet")
"""


def test_a_repeat_is_a_loop_and_what_doubles_follows_its_round() -> None:
    net = shapesolver.load(EXAMPLES / "wavenet.net")
    assert functions(keras_code(net)) == WAVENET


RESNET = """\
def conv_bn(x, c, kernel, stride=1, padding="valid"):
    x = layers.Conv2D(c, kernel, strides=stride, padding=padding)(x)
    x = layers.BatchNormalization()(x)
    return x


def body(x, c, stride=1):
    x = conv_bn(x, c, 1, stride=stride)
    x = layers.ReLU()(x)
    x = conv_bn(x, c, 3, padding="same")
    x = layers.ReLU()(x)
    x = conv_bn(x, 4 * c, 1)
    return x


def stage(inputs, c, n, stride=1):
    y = conv_bn(inputs, 4 * c, 1, stride=stride)
    x = body(inputs, c, stride=stride)
    x = layers.Add()([y, x])
    x = layers.ReLU()(x)
    for _ in range(n):
        shortcut = x
        x = body(shortcut, c)
        x = layers.Add()([shortcut, x])
        x = layers.ReLU()(x)
    return x


def resnet50_keras():
    image = keras.Input((None, None, 3), name="image")
    x = layers.ZeroPadding2D(3)(image)
    x = conv_bn(x, 64, 7, stride=2)
    x = layers.ReLU()(x)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = stage(x, 64, 2)
    x = stage(x, 128, 3, stride=2)
    x = stage(x, 256, 5, stride=2)
    x = stage(x, 512, 2, stride=2)
    x = layers.GlobalAveragePooling2D()(x)
    predictions = layers.Dense(1000, activation="softmax", name="predictions")(x)
    return keras.Model(image, predictions, name="resnet50_keras")
"""


def test_a_block_is_a_function_of_what_differs_and_of_how_often_it_repeats() -> None:
    net = shapesolver.load(EXAMPLES / "resnet50_keras.net")
    assert functions(keras_code(net)) == RESNET


NAMED = """
image = input(H=32, W=32, 3)
block unit(c, stride=1) {
    first = conv(c, kernel=3, stride=stride, padding=same)
    relu
    repeat 2 {
        norm = batch_norm
        relu
        inner = conv(c, kernel=1)
    }
    last = conv(2*c, kernel=3, padding=same)
}
a = unit(8) -> relu
b = unit(16, stride=2)
repeat 3 as k { again = conv(32 + 8*k, kernel=3, padding=same) -> relu }
repeat 2 {
    x = _
    c = unit(12)
    add(_, x -> conv(24, kernel=1))
}
"""

NAMED_CODE = """\
def unit(x, c, name, stride=1):
    x = layers.Conv2D(
        c, 3, strides=stride, padding="same", activation="relu", name=f"{name}_first"
    )(x)
    for i in range(2):
        x = layers.BatchNormalization(name=f"{name}_repeat1_{i}_norm")(x)
        x = layers.ReLU()(x)
        x = layers.Conv2D(c, 1, name=f"{name}_repeat1_{i}_inner")(x)
    x = layers.Conv2D(2 * c, 3, padding="same", name=f"{name}_last")(x)
    return x


def named():
    image = keras.Input((None, None, 3), name="image")
    x = unit(image, 8, name="a")
    x = layers.ReLU()(x)
    x = unit(x, 16, stride=2, name="b")
    for i in range(3):
        x = layers.Conv2D(
            32 + 8 * i, 3, padding="same", activation="relu", name=f"repeat1_{i}_again"
        )(x)
    y = x
    for i in range(2):
        shortcut = y
        c = unit(shortcut, 12, name=f"repeat2_{i}_c")
        x = layers.Conv2D(24, 1)(shortcut)
        y = layers.Add()([c, x])
    return keras.Model(image, y, name="named")
"""


def test_names_in_blocks_begin_with_those_of_their_calls_and_rounds() -> None:
    net = shapesolver.parse(NAMED, "named.net")
    assert functions(keras_code(net)) == NAMED_CODE


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.net")), ids=lambda path: path.stem)
def test_the_code_of_every_example_is_python(path: Path) -> None:
    ast.parse(keras_code(shapesolver.load(path)))


def test_a_pool_that_rounds_up_is_padded_where_its_last_window_reaches_beyond_the_end() -> None:
    net = shapesolver.parse("dialect torch\ninput(3, 12, 13)\nmax_pool(3, stride=2, ceil_mode=true)")
    assert 'ops.pad(input1, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=float("-inf"))' in keras_code(net)


def test_an_average_over_a_window_that_is_not_whole_is_refused() -> None:
    text = "dialect torch\ninput(3, {n}, {n})\navg_pool(3, stride=2, ceil_mode=true)"
    assert "ops.pad" not in keras_code(shapesolver.parse(text.format(n=13)))
    with pytest.raises(ExchangeError) as caught:
        keras_code(shapesolver.parse(text.format(n=12)))
    assert str(caught.value) == (
        "avg_pool1: Keras has no avg_pool(3, stride=2, ceil_mode=true): its averages are over whole windows, and the "
        "last reaches 1 beyond the end"
    )


TIED = """
tokens = input(L)
wte = embedding(100, 8)
{line}
"""


def test_a_dense_layer_with_an_embeddings_table_is_the_embedding_called_in_reverse() -> None:
    code = keras_code(shapesolver.parse(TIED.format(line="dense(100, bias=false, tied=wte)")))
    assert "    x = wte_layer(tokens)\n    dense = wte_layer(x, reverse=True)\n" in code
    with pytest.raises(ExchangeError, match="only where a dense layer without bias uses an embedding's"):
        keras_code(shapesolver.parse(TIED.format(line="dense(100, tied=wte)")))
