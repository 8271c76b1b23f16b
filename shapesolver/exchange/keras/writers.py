"""Layers with windows, weights or statistics, in Keras."""

from __future__ import annotations

import re
from typing import Any

from shapesolver.exchange.keras.steps import Placed, Step, common, writes
from shapesolver.layers.activation import PLAIN
from shapesolver.layers.convolution import Convolving
from shapesolver.layers.parameters import show

ACTIVATIONS = frozenset([*PLAIN, "leaky_relu", "elu", "celu", "softmax", "log_softmax"]) - {"identity"}
"""Our activations that Keras knows by the same name."""


def padded(placed: Placed, value: float = 0.0) -> tuple[list[Step], dict[str, Any]]:
    """What pads before a layer that slides windows, and the layer's own ``padding``."""
    layer: Any = placed.layer
    if isinstance(layer.padding, str):
        if layer.padding == "same_lower":
            raise placed.error("its odd cell of padding comes first")
        return [], {"padding": layer.padding}
    pairs = tuple(placed.number(layer.pads(1, axis), "padding") for axis in range(placed.spatial))
    if not any(before or after for before, after in pairs):
        return [], {}
    if isinstance(layer, Convolving) and set(placed.each("stride")) == {1}:
        spans = [placed.number(layer.extent(axis), "kernel") for axis in range(placed.spatial)]
        if pairs == tuple(((span - 1) // 2, span // 2) for span in spans):
            return [], {"padding": "same"}
    return [padding(placed, pairs, value)], {}


def padding(placed: Placed, pairs: tuple[tuple[int, int], ...], value: float = 0.0) -> Step:
    """Cells added to the spatial axes."""
    if value:
        widths = [(0, 0), *pairs, (0, 0)] if placed.layer.dialect.channels_last else [(0, 0), (0, 0), *pairs]
        return Step("ops.pad", (tuple(widths),), {"constant_values": value}, named=False)
    amount: Any = pairs[0] if len(pairs) == 1 else pairs
    if all(before == after for before, after in pairs):
        amount = common(tuple(before for before, _ in pairs))
    return Step(placed.ranked("ZeroPadding"), (amount,), placed.layout(), named=False)


def window(placed: Placed) -> dict[str, Any]:
    """Strides and dilation."""
    return placed.given(strides=(placed.common("stride"), 1), dilation_rate=(placed.common("dilation"), 1))


@writes("conv")
def conv(placed: Placed) -> list[Step]:
    """``layers.Conv2D(64, 3, strides=2)``; padding by numbers is a layer before it."""
    layer: Any = placed.layer
    before, own = padded(placed)
    rest = placed.given(groups=(layer.groups, 1), use_bias=(layer.bias, True))
    args = (placed.number(layer.channels, "channels"), placed.common("kernel"))
    return [*before, Step(placed.ranked("Conv"), args, {**window(placed), **own, **placed.layout(), **rest})]


@writes("depthwise_conv")
def depthwise_conv(placed: Placed) -> list[Step]:
    """``layers.DepthwiseConv2D(3)``."""
    layer: Any = placed.layer
    if placed.spatial == 3:
        raise placed.error("its depthwise convolutions have one or two spatial axes")
    before, own = padded(placed)
    rest = placed.given(depth_multiplier=(layer.multiplier, 1), use_bias=(layer.bias, True))
    strides = placed.each("stride")
    if len(set(strides)) > 1:
        raise placed.error("its depthwise convolutions have one stride for all axes")
    kwargs = {**window(placed), **own, **placed.layout(), **rest}
    return [*before, Step(placed.ranked("DepthwiseConv"), (placed.common("kernel"),), kwargs)]


@writes("separable_conv")
def separable_conv(placed: Placed) -> list[Step]:
    """``layers.SeparableConv2D(64, 3)``."""
    layer: Any = placed.layer
    if placed.spatial == 3:
        raise placed.error("its separable convolutions have one or two spatial axes")
    before, own = padded(placed)
    rest = placed.given(depth_multiplier=(layer.multiplier, 1), use_bias=(layer.bias, True))
    args = (placed.number(layer.channels, "channels"), placed.common("kernel"))
    return [*before, Step(placed.ranked("SeparableConv"), args, {**window(placed), **own, **placed.layout(), **rest})]


@writes("conv_transpose")
def conv_transpose(placed: Placed) -> list[Step]:
    """Padding cuts off the result; Keras' own sizes are those without an output padding."""
    layer: Any = placed.layer
    if layer.groups != 1 or layer.output_size is not None:
        raise placed.error("its transposed convolutions have no groups and no output_size")
    own: dict[str, Any] = {"padding": layer.padding} if layer.fills else {}
    added = layer.output_padding
    if added is None and not layer.dialect.keras:
        added = 0
    if added is not None:
        own["output_padding"] = placed.number(added, "output_padding")
    cut: list[Step] = []
    if not layer.fills:
        pairs = tuple(placed.number(layer.pads(1, axis), "padding") for axis in range(placed.spatial))
        if any(a or b for a, b in pairs):
            amount = pairs[0] if len(pairs) == 1 else pairs
            cut = [Step(placed.ranked("Cropping"), (amount,), placed.layout(), named=False)]
    args = (placed.number(layer.channels, "channels"), placed.common("kernel"))
    rest = placed.given(use_bias=(layer.bias, True))
    kwargs = {**window(placed), **own, **placed.layout(), **rest}
    return [Step(placed.ranked("Conv", "Transpose"), args, kwargs), *cut]


@writes("max_pool", "avg_pool")
def pool(placed: Placed) -> list[Step]:
    """``layers.MaxPooling2D(2)``; a maximum is padded with what is less than everything."""
    layer: Any = placed.layer
    if layer.ceil_mode:
        raise placed.error("its pools have no ceil_mode; padding=same rounds up")
    if layer.op == "max_pool" and set(placed.each("dilation")) != {1}:
        raise placed.error("its pools have no dilation")
    before, own = padded(placed, float("-inf") if layer.op == "max_pool" else 0.0)
    name = "MaxPooling" if layer.op == "max_pool" else "AveragePooling"
    kernel, stride = placed.common("kernel"), placed.common("stride")
    strides = {} if stride == kernel else {"strides": stride}
    return [*before, Step(placed.ranked(name), (kernel,), {**strides, **own, **placed.layout()})]


@writes("adaptive_avg_pool", "adaptive_max_pool")
def adaptive_pool(placed: Placed) -> list[Step]:
    """``layers.AdaptiveAveragePooling2D(7)``."""
    targets = placed.each("target")
    if None in targets:
        raise placed.error("its adaptive pools keep no axis")
    name = "AdaptiveAveragePooling" if placed.layer.op == "adaptive_avg_pool" else "AdaptiveMaxPooling"
    return [Step(placed.ranked(name), (common(targets),), placed.layout())]


@writes("global_avg_pool", "global_max_pool")
def global_pool(placed: Placed) -> list[Step]:
    """``layers.GlobalAveragePooling2D()``."""
    name = "GlobalAveragePooling" if placed.layer.op == "global_avg_pool" else "GlobalMaxPooling"
    keep = placed.outputs[0].rank > 1
    return [Step(placed.ranked(name), (), {**placed.layout(), **({"keepdims": True} if keep else {})})]


@writes("upsample")
def upsample(placed: Placed) -> list[Step]:
    """``layers.UpSampling2D(2)``."""
    layer: Any = placed.layer
    factors = placed.each("scale")
    if any(isinstance(f, float) and not f.is_integer() for f in factors):
        raise placed.error("it upsamples by whole factors")
    mode = placed.given(interpolation=(layer.mode, "nearest")) if placed.spatial == 2 else {}
    layout = {} if placed.spatial == 1 else placed.layout()
    if placed.spatial == 1 and placed.layout():
        raise placed.error("its one-dimensional upsampling has channels last")
    return [Step(placed.ranked("UpSampling"), (common(tuple(map(int, factors))),), {**layout, **mode})]


@writes("resize")
def resize(placed: Placed) -> list[Step]:
    """``layers.Resizing(224, 224)``."""
    layer: Any = placed.layer
    if placed.spatial != 2:
        raise placed.error("it resizes images of two axes")
    mode = placed.given(interpolation=(layer.mode, "bilinear"))
    return [Step("layers.Resizing", placed.each("target"), {**mode, **placed.layout()})]


@writes("pad")
def pad(placed: Placed) -> list[Step]:
    """``layers.ZeroPadding2D(1)``."""
    layer: Any = placed.layer
    pairs = tuple(placed.number(layer.ends(axis), "amount") for axis in range(placed.spatial))
    if layer.mode in ("constant", "zeros") and all(n >= 0 for pair in pairs for n in pair):
        step = padding(placed, pairs)
        return [Step(step.target, step.args, step.kwargs)]
    if any(n < 0 for pair in pairs for n in pair) or layer.mode not in ("reflect", "symmetric"):
        raise placed.error("it pads with zeros, or by reflection")
    widths = [(0, 0), *pairs, (0, 0)] if layer.dialect.channels_last else [(0, 0), (0, 0), *pairs]
    return [Step("ops.pad", (tuple(widths),), {"mode": layer.mode})]


@writes("crop")
def crop(placed: Placed) -> list[Step]:
    """``layers.Cropping2D(1)``; down to another tensor by the sizes that both have."""
    layer: Any = placed.layer
    if len(placed.inputs) == 1:
        pairs = tuple(placed.number(layer.ends(axis), "amount") for axis in range(placed.spatial))
    else:
        own, other = (placed.number(layer.split(tensor)[1], "size") for tensor in placed.inputs)
        starts = [
            (n - m) // 2 if layer.offset is None else placed.number(layer.at("offset", axis), "offset")
            for axis, (n, m) in enumerate(zip(own, other, strict=True))
        ]
        pairs = tuple((start, n - m - start) for start, n, m in zip(starts, own, other, strict=True))
    amount = pairs[0] if len(pairs) == 1 else pairs
    return [Step(placed.ranked("Cropping"), (amount,), placed.layout())]


# Weights and statistics.


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


@writes("dropout")
def dropout(placed: Placed) -> list[Step]:
    """``layers.Dropout(0.5)``."""
    layer: Any = placed.layer
    return [Step("layers.Dropout", (layer.rate,))]


@writes(*ACTIVATIONS - {"leaky_relu", "elu", "celu", "softmax", "relu"})
def activation(placed: Placed) -> list[Step]:
    """``layers.Activation("tanh")``."""
    return [Step("layers.Activation", (placed.layer.op,))]


@writes("relu")
def relu(placed: Placed) -> list[Step]:
    """``layers.ReLU()``."""
    return [Step("layers.ReLU")]


@writes("leaky_relu", "elu", "celu")
def sloped(placed: Placed) -> list[Step]:
    """``layers.LeakyReLU(0.1)``."""
    layer: Any = placed.layer
    if layer.alpha is None:
        return [Step("layers.Activation", (layer.op,))]
    if layer.op == "celu":
        return [Step("ops.celu", (layer.alpha,))]
    name = "layers.LeakyReLU" if layer.op == "leaky_relu" else "layers.ELU"
    return [Step(name, (layer.alpha,))]


@writes("prelu")
def prelu(placed: Placed) -> list[Step]:
    """``layers.PReLU()``."""
    layer: Any = placed.layer
    if layer.dialect.keras:
        return [Step("layers.PReLU", (), placed.given(shared_axes=(layer.shared_axes, None)))]
    raise placed.error("its slopes are one for each cell")


@writes("softmax")
def softmax(placed: Placed) -> list[Step]:
    """``layers.Softmax()``."""
    layer: Any = placed.layer
    return [Step("layers.Softmax", (), placed.given(axis=(layer.axis, -1)))]


@writes("glu")
def glu(placed: Placed) -> list[Step]:
    """``ops.glu(x)``."""
    layer: Any = placed.layer
    return [Step("ops.glu", (), placed.given(axis=(layer.axis, -1)))]


@writes("identity")
def identity(placed: Placed) -> list[Step]:
    """``layers.Identity()``."""
    return [Step("layers.Identity")]


POINTWISE = {"rescaling": Step("layers.Rescaling", (1.0,))}
"""Functions of each cell by the names that an import gives them."""


@writes("pointwise")
def pointwise(placed: Placed) -> list[Step]:
    """The function of that name, where it is known."""
    layer: Any = placed.layer
    known = POINTWISE.get(layer.function)
    if known is not None:
        return [known]
    if layer.function in UNARY:
        return [Step(f"ops.{layer.function}")]
    with_number = WITH_NUMBER.fullmatch(layer.function)
    if with_number is not None and with_number[1] in BINARY:
        number = float(with_number[2])
        whole = number.is_integer() and "." not in with_number[2]
        return [Step(f"ops.{with_number[1]}", (int(number) if whole else number,))]
    raise placed.error(f"what {show(layer.function)} computes is not known")


WITH_NUMBER = re.compile(r"(\w+)\(x, (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\)")
"""A function of a cell and a number, as an import writes it: ``add(x, 3.0)``."""
BINARY = frozenset(["add", "subtract", "multiply", "divide", "true_divide", "power", "maximum", "minimum"])
UNARY = frozenset(["abs", "sqrt", "square", "log", "log1p", "sin", "cos", "tan", "negative", "sign", "floor", "ceil"])
