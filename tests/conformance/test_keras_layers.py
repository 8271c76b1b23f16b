"""Random layers against Keras: the same shape, the same refusal, the same weights."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from shapesolver.layers.dialects import Dialect
from tests.conformance.cases import Case, Draw, make

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.conformance

CASES_A_LAYER = 250
KERAS = Dialect.named("keras")
layers = keras.layers


def ranked(name: str, rank: int, suffix: str = "") -> Any:
    return getattr(layers, f"{name}{rank}D{suffix}")


def conv(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank, groups = draw.number(1, 3), draw.pick(1, 1, 1, 2)
    channels_in, channels = draw.number(1, 4), draw.number(1, 4)
    kernel, stride, dilation = (
        draw.each(rank, 1, 4),
        draw.each(rank, 1, 3),
        draw.pick(1, 1, draw.each(rank, 1, 3)),
    )
    padding = draw.pick("valid", "same", *(["causal"] if rank == 1 else []))
    bias = draw.chance()
    case = make(
        "conv",
        KERAS,
        draw.image(KERAS, rank, channels_in, 9),
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    return case, lambda: ranked("Conv", rank)(
        channels, kernel, stride, padding, dilation_rate=dilation, groups=groups, use_bias=bias
    )


def depthwise_conv(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 2)
    kernel, stride, padding = draw.number(1, 4), draw.number(1, 3), draw.pick("valid", "same")
    multiplier, bias = draw.number(1, 3), draw.chance()
    case = make(
        "depthwise_conv",
        KERAS,
        draw.image(KERAS, rank, draw.number(1, 4), 9),
        kernel=kernel,
        stride=stride,
        padding=padding,
        multiplier=multiplier,
        bias=bias,
    )
    return case, lambda: ranked("DepthwiseConv", rank)(kernel, stride, padding, multiplier, use_bias=bias)


def separable_conv(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank, channels = draw.number(1, 2), draw.number(1, 4)
    kernel, stride, padding = draw.number(1, 4), draw.number(1, 3), draw.pick("valid", "same")
    multiplier, bias = draw.number(1, 3), draw.chance()
    case = make(
        "separable_conv",
        KERAS,
        draw.image(KERAS, rank, draw.number(1, 4), 9),
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        multiplier=multiplier,
        bias=bias,
    )
    return case, lambda: ranked("SeparableConv", rank)(
        channels, kernel, stride, padding, depth_multiplier=multiplier, use_bias=bias
    )


def conv_transpose(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank, channels = draw.number(1, 3), draw.number(1, 4)
    kernel, stride, padding = draw.number(1, 4), draw.number(1, 4), draw.pick("valid", "same")
    dilation = draw.pick(1, 1, 2) if stride == 1 else draw.pick(1, 1, 1, 2)
    # With padding=same and an output padding stated, Keras' backends differ; TensorFlow is followed.
    added = draw.pick(None, draw.number(0, 3)) if padding == "valid" else None
    case = make(
        "conv_transpose",
        KERAS,
        draw.image(KERAS, rank, draw.number(1, 3), 5),
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        output_padding=added,
        dilation=dilation,
    )
    return case, lambda: ranked("Conv", rank, "Transpose")(
        channels, kernel, stride, padding, output_padding=added, dilation_rate=dilation
    )


def pool(op: str, name: str) -> Callable[[Draw], tuple[Case, Callable[[], Any]]]:
    def drawn(draw: Draw) -> tuple[Case, Callable[[], Any]]:
        rank = draw.number(1, 3)
        kernel, stride = draw.number(1, 4), draw.pick(None, draw.number(1, 4))
        padding = draw.pick("valid", "same")
        case = make(op, KERAS, draw.image(KERAS, rank, 2, 9), kernel=kernel, stride=stride, padding=padding)
        return case, lambda: ranked(name, rank)(kernel, stride, padding)

    drawn.__name__ = op
    return drawn


def global_avg_pool(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank, keep = draw.number(1, 3), draw.chance()
    case = make("global_avg_pool", KERAS, draw.image(KERAS, rank, 3, 5), keepdims=keep)
    return case, lambda: ranked("GlobalAveragePooling", rank)(keepdims=keep)


def upsample(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank, scale = draw.number(1, 3), draw.number(1, 3)
    case = make("upsample", KERAS, draw.image(KERAS, rank, 2, 5), scale=scale)
    return case, lambda: ranked("UpSampling", rank)(scale)


def resize(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    height, width = draw.number(1, 9), draw.number(1, 9)
    case = make("resize", KERAS, draw.image(KERAS, 2, 3, 9), target=(height, width))
    return case, lambda: layers.Resizing(height, width)


def pad(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    pairs = tuple((draw.number(0, 3), draw.number(0, 3)) for _ in range(rank))
    case = make("pad", KERAS, draw.image(KERAS, rank, 2, 5), amount=pairs)
    return case, lambda: ranked("ZeroPadding", rank)(pairs[0] if rank == 1 else pairs)


def crop(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    pairs = tuple((draw.number(0, 2), draw.number(0, 2)) for _ in range(rank))
    case = make("crop", KERAS, draw.image(KERAS, rank, 2, 7), amount=pairs)
    return case, lambda: ranked("Cropping", rank)(pairs[0] if rank == 1 else pairs)


def flatten(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(1, 5) for _ in range(draw.number(1, 4)))
    return make("flatten", KERAS, sizes), lambda: layers.Flatten()


def reshape(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(1, 6) for _ in range(draw.number(1, 3)))
    target = tuple(draw.pick(-1, draw.number(1, 6), draw.number(1, 6)) for _ in range(draw.number(1, 3)))
    return make("reshape", KERAS, sizes, sizes=target), lambda: layers.Reshape(target)


def permute(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(1, 5) for _ in range(draw.number(1, 4)))
    order = list(range(1, len(sizes) + 1))
    draw.random.shuffle(order)
    return make("permute", KERAS, sizes, order=tuple(order)), lambda: layers.Permute(tuple(order))


def dense(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes, units = tuple(draw.number(1, 6) for _ in range(draw.number(1, 3))), draw.number(1, 6)
    bias = draw.chance()
    return make("dense", KERAS, sizes, units=units, bias=bias), lambda: layers.Dense(units, use_bias=bias)


def recurrent(op: str, name: str) -> Callable[[Draw], tuple[Case, Callable[[], Any]]]:
    def drawn(draw: Draw) -> tuple[Case, Callable[[], Any]]:
        sizes, units = (draw.number(1, 4), draw.number(1, 5)), draw.number(1, 5)
        both, sequences, bias = draw.chance(), draw.chance(), draw.chance()
        case = make(op, KERAS, sizes, units=units, bidirectional=both, sequences=sequences, bias=bias)

        def build() -> Any:
            inner = getattr(layers, name)(units, return_sequences=sequences, use_bias=bias)
            return layers.Bidirectional(inner) if both else inner

        return case, build

    drawn.__name__ = op
    return drawn


def batch_norm(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    scale, center = draw.chance(), draw.chance()
    case = make("batch_norm", KERAS, draw.image(KERAS, draw.number(1, 3), 3, 4), scale=scale, center=center)
    return case, lambda: layers.BatchNormalization(scale=scale, center=center)


def layer_norm(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    case = make("layer_norm", KERAS, draw.image(KERAS, draw.number(1, 3), 3, 4))
    return case, lambda: layers.LayerNormalization()


def group_norm(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    groups = draw.number(1, 4)
    case = make("group_norm", KERAS, draw.image(KERAS, draw.number(1, 2), draw.number(1, 8), 4), groups=groups)
    return case, lambda: layers.GroupNormalization(groups)


class SelfAttention:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, x: Any) -> Any:
        return self.inner(x, x)

    @property
    def weights(self) -> Any:
        return self.inner.weights


def attention(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = (draw.number(1, 4), draw.number(1, 6))
    heads, key_dim, bias = draw.number(1, 4), draw.number(1, 4), draw.chance()
    value_dim = draw.pick(None, draw.number(1, 4))
    case = make("attention", KERAS, sizes, heads=heads, key_dim=key_dim, value_dim=value_dim, bias=bias)
    return case, lambda: SelfAttention(layers.MultiHeadAttention(heads, key_dim, value_dim, use_bias=bias))


def prelu(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    case = make("prelu", KERAS, draw.image(KERAS, 2, 3, 4), shared_axes=draw.pick(None, (1, 2)))
    shared = case.layer.shared_axes
    return case, lambda: layers.PReLU(shared_axes=list(shared) if shared else None)


DRAWS = [
    conv, depthwise_conv, separable_conv, conv_transpose, pool("max_pool", "MaxPooling"),
    pool("avg_pool", "AveragePooling"), global_avg_pool, upsample, resize, pad, crop, flatten, reshape, permute,
    dense, recurrent("lstm", "LSTM"), recurrent("gru", "GRU"), recurrent("rnn", "SimpleRNN"), batch_norm,
    layer_norm, group_norm, attention, prelu,
]  # fmt: skip


def run(case: Case, build: Callable[[], Any]) -> tuple[tuple[int, ...] | None, list[tuple[int, ...]]]:
    """What Keras makes of a case: its shape (``None`` where it refuses) and its weights' shapes."""
    try:
        layer = build()
        if case.layer.op.endswith("_pool") and getattr(case.layer, "padding", 0) == "same":
            # The torch backend refuses some pools that TensorFlow runs; Keras' own rule is followed.
            return tuple(layer.compute_output_shape((2, *case.sizes))[1:]), []
        shape = tuple(layer(keras.ops.zeros((2, *case.sizes))).shape[1:])
    except (RuntimeError, ValueError, AssertionError, IndexError, TypeError):
        return None, []
    # Random seeds are state, not weights.
    return shape, [tuple(w.shape) for w in layer.weights if "seed" not in w.path]


def last_names(case: Case) -> list[tuple[int, ...]]:
    return list(case.weights.values())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("draw_case", DRAWS, ids=lambda f: f.__name__)
def test_keras_agrees_on_random_layers(draw_case: Any) -> None:
    draw = Draw(seed=20261124)
    built = 0
    for _ in range(CASES_A_LAYER):
        case, build = draw_case(draw)
        actual, weights = run(case, build)
        assert case.expected == actual, f"{case}: {case.expected} here, {actual} in Keras"
        if actual is not None:
            built += 1
            assert last_names(case) == weights, str(case)
    assert built > CASES_A_LAYER // 20
