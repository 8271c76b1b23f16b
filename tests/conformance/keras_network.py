"""A network of this package as a Keras model, layer by layer, for measuring what Keras makes of it."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
from keras import layers

from shapesolver import Net
from shapesolver.layers.base import Layer, Tensor

ACTIVATIONS = {"relu", "relu6", "sigmoid", "softmax", "tanh"}


def build(net: Net) -> Any:
    """The functional model; shared layers are one."""
    made: list[Any] = []
    results: list[Any] = []
    for index, node in enumerate(net.graph.nodes):
        layer: Layer = net.derivation.layers[index]
        inputs = net.derivation.inputs(index)
        assert inputs is not None
        if layer.op == "input":
            made.append(None)
            results.append(keras.Input(net.layers[index].shape))
            continue
        made.append(made[node.shared] if node.shared is not None else keras_layer(layer, *inputs))
        tensors = [results[wire.node] for wire in node.inputs]
        results.append(made[index](tensors if len(tensors) > 1 else tensors[0]))
    inputs = [results[layer.wire.node] for layer in net.inputs]
    return keras.Model(inputs, [results[wire.node] for wire in net.graph.outputs])


def keras_layer(layer: Any, *inputs: Tensor) -> Any:
    """The Keras layer that a layer is, for inputs of these sizes."""
    if layer.op in ACTIVATIONS:
        return layers.Activation(layer.op)
    return globals()[f"make_{layer.op}"](layer, inputs[0].rank - 1)


def ranked(name: str, rank: int) -> Any:
    return getattr(layers, f"{name}{rank}D")


def word(padding: Any) -> str:
    return padding or "valid"


def make_conv(layer: Any, rank: int) -> Any:
    return ranked("Conv", rank)(
        layer.channels,
        layer.kernel,
        layer.stride,
        word(layer.padding),
        dilation_rate=layer.dilation,
        groups=layer.groups,
        use_bias=layer.bias,
    )


def make_depthwise_conv(layer: Any, rank: int) -> Any:
    return ranked("DepthwiseConv", rank)(
        layer.kernel, layer.stride, word(layer.padding), layer.multiplier, use_bias=layer.bias
    )


def make_dense(layer: Any, rank: int) -> Any:
    return layers.Dense(layer.units, use_bias=layer.bias)


def make_embedding(layer: Any, rank: int) -> Any:
    return layers.Embedding(layer.vocabulary, layer.dim)


def make_batch_norm(layer: Any, rank: int) -> Any:
    return layers.BatchNormalization(scale=layer.scale, center=layer.center)


def make_dropout(layer: Any, rank: int) -> Any:
    return layers.Dropout(layer.rate)


def make_max_pool(layer: Any, rank: int) -> Any:
    return ranked("MaxPooling", rank)(layer.kernel, layer.stride, word(layer.padding))


def make_avg_pool(layer: Any, rank: int) -> Any:
    return ranked("AveragePooling", rank)(layer.kernel, layer.stride, word(layer.padding))


def make_global_avg_pool(layer: Any, rank: int) -> Any:
    return ranked("GlobalAveragePooling", rank)(keepdims=bool(layer.keepdims))


def make_pad(layer: Any, rank: int) -> Any:
    pairs = tuple(layer.ends(axis) for axis in range(rank))
    return ranked("ZeroPadding", rank)(pairs[0] if rank == 1 else pairs)


def make_lstm(layer: Any, rank: int) -> Any:
    inner = layers.LSTM(layer.units, return_sequences=layer.every_step, use_bias=layer.bias)
    return layers.Bidirectional(inner) if layer.bidirectional else inner


def make_flatten(layer: Any, rank: int) -> Any:
    return layers.Flatten()


def make_concat(layer: Any, rank: int) -> Any:
    return layers.Concatenate()


def make_add(layer: Any, rank: int) -> Any:
    return layers.Add()


def make_sub(layer: Any, rank: int) -> Any:
    return layers.Subtract()


def make_mul(layer: Any, rank: int) -> Any:
    return layers.Multiply()
