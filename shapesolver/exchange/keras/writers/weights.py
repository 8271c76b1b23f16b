"""Layers with weights or statistics, in Keras."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.keras.steps import Placed, Step, writes


@writes("dense")
def dense(placed: Placed) -> list[Step]:
    """``layers.Dense(10)``."""
    layer: Any = placed.layer
    units = placed.number(layer.units, "units")
    return [Step("layers.Dense", (units,), placed.given(use_bias=(layer.bias, True)))]


@writes("einsum_dense")
def einsum_dense(placed: Placed) -> list[Step]:
    """``layers.EinsumDense("abc,cd->abd", (None, 64))``."""
    layer: Any = placed.layer
    sizes = tuple(None if n == -1 else placed.number(n, "size") for n in layer.sizes)
    bias = {"bias_axes": layer.bias} if layer.bias else {}
    return [Step("layers.EinsumDense", (layer.equation, sizes), bias)]


@writes("embedding")
def embedding(placed: Placed) -> list[Step]:
    """``layers.Embedding(20000, 128)``."""
    layer: Any = placed.layer
    return [Step("layers.Embedding", (placed.number(layer.vocabulary, "vocabulary"), placed.number(layer.dim, "dim")))]


@writes("attention")
def attention(placed: Placed) -> list[Step]:
    """Called with query, value and key, in this order."""
    layer: Any = placed.layer
    features = placed.number(placed.inputs[0].sizes[-1], "features")
    key_dim = layer.key_dim if layer.dialect.keras else features // layer.heads
    kwargs = placed.given(value_dim=(layer.value_dim, None), use_bias=(layer.bias, True))
    return [Step("layers.MultiHeadAttention", (layer.heads, placed.number(key_dim, "key_dim")), kwargs)]


@writes("lstm", "gru", "rnn")
def recurrent(placed: Placed) -> list[Step]:
    """One layer of Keras for each of ours that lie on top of each other."""
    layer: Any = placed.layer
    if getattr(layer, "projection", 0):
        raise placed.error("its state is not projected")
    if not layer.dialect.channels_last and placed.inputs[0].axes[0] == "C":
        raise placed.error("its steps come before its features")
    name = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}[layer.op]
    steps = []
    for number in range(layer.layers):
        every = layer.every_step or number < layer.layers - 1
        kwargs = placed.given(return_sequences=(every, False), use_bias=(layer.bias, True))
        if layer.op == "gru" and not layer.reset_after:
            kwargs["reset_after"] = False
        inner = Step(f"layers.{name}", (placed.number(layer.units, "units"),), kwargs)
        made = Step("layers.Bidirectional", (inner,)) if layer.bidirectional else inner
        steps.append(Step(made.target, made.args, made.kwargs, named=number == 0))
    return steps


@writes("batch_norm")
def batch_norm(placed: Placed) -> list[Step]:
    """``layers.BatchNormalization()``."""
    layer: Any = placed.layer
    flags = placed.given(center=(layer.affine and layer.center, True), scale=(layer.affine and layer.scale, True))
    return [Step("layers.BatchNormalization", (), {**placed.channel_axis(), **flags})]


@writes("layer_norm")
def layer_norm(placed: Placed) -> list[Step]:
    """``layers.LayerNormalization()``."""
    layer: Any = placed.layer
    axes = {} if layer.count == 1 else {"axis": tuple(range(-layer.count, 0))}
    flags = placed.given(center=(layer.affine and layer.bias, True), scale=(layer.affine, True))
    return [Step("layers.LayerNormalization", (), {**axes, **flags})]


@writes("group_norm", "instance_norm")
def group_norm(placed: Placed) -> list[Step]:
    """``layers.GroupNormalization(32)``; a group for each channel is an instance norm."""
    layer: Any = placed.layer
    groups = -1 if layer.op == "instance_norm" else placed.number(layer.groups, "groups")
    affine = layer.learns if layer.op == "instance_norm" else layer.affine
    flags = placed.given(center=(affine, True), scale=(affine, True))
    return [Step("layers.GroupNormalization", (groups,), {**placed.channel_axis(), **flags})]


@writes("standardize")
def standardize(placed: Placed) -> list[Step]:
    """``layers.Normalization()``; a fixed mean and variance, which no network here states, are 0 and 1."""
    layer: Any = placed.layer
    axes = {} if layer.axis == (-1,) else {"axis": layer.axis or None}
    fixed = {"mean": 0.0, "variance": 1.0} if layer.fixed else {}
    return [Step("layers.Normalization", (), {**axes, **fixed})]
