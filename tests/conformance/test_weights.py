"""Names, shapes, order and training of every layer's weights, against PyTorch, Keras and ONNX' own definitions."""

from __future__ import annotations

import os
from typing import Any

import pytest

from shapesolver.derive import apply
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.registry import kinds

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.conformance
nn, layers = torch.nn, keras.layers

WITHOUT_COUNTERPART = {"parameter", "separable_conv", "opaque", "einsum_dense", "standardize"}
"""What PyTorch has no module for, and ONNX no operator."""


def built(op: str, dialect: str, shapes: tuple[tuple[int, ...], ...], **parameters: Any) -> tuple[Layer, Any]:
    kind, named = kinds()[op], Dialect.named(dialect)
    read = {name: kind.parameters[name].read(value) for name, value in parameters.items()}
    layer = kind(dialect=named, **read)
    tensors = tuple(Tensor(shape, named.axes(len(shape))) for shape in shapes)
    outcome = apply(layer, tensors)
    assert outcome.broken is None, outcome.broken.trouble()
    return layer, layer.weights(*tensors)


TORCH: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("conv", (4, 9, 9), {"channels": 6, "kernel": (3, 2), "groups": 2}, lambda: nn.Conv2d(4, 6, (3, 2), groups=2)),
    ("conv", (4, 9), {"channels": 6, "kernel": 3, "bias": False}, lambda: nn.Conv1d(4, 6, 3, bias=False)),
    ("depthwise_conv", (4, 9, 9), {"kernel": 3, "multiplier": 2}, lambda: nn.Conv2d(4, 8, 3, groups=4)),
    (
        "conv_transpose",
        (4, 5, 5, 5),
        {"channels": 6, "kernel": (3, 2, 1), "groups": 2},
        lambda: nn.ConvTranspose3d(4, 6, (3, 2, 1), groups=2),
    ),
    ("dense", (4, 9), {"units": 3}, lambda: nn.Linear(9, 3)),
    ("embedding", (7,), {"vocabulary": 50, "dim": 8}, lambda: nn.Embedding(50, 8)),
    ("batch_norm", (4, 9, 9), {}, lambda: nn.BatchNorm2d(4)),
    ("batch_norm", (4, 9, 9), {"affine": False}, lambda: nn.BatchNorm2d(4, affine=False)),
    ("layer_norm", (4, 9, 5), {"shape": (9, 5)}, lambda: nn.LayerNorm((9, 5))),
    ("layer_norm", (4, 9), {"bias": False}, lambda: nn.LayerNorm(9, bias=False)),
    ("group_norm", (4, 9, 9), {"groups": 2}, lambda: nn.GroupNorm(2, 4)),
    ("group_norm", (4, 9, 9), {"groups": 2, "affine": False}, lambda: nn.GroupNorm(2, 4, affine=False)),
    ("instance_norm", (4, 9, 9), {}, lambda: nn.InstanceNorm2d(4)),
    ("instance_norm", (4, 9, 9), {"affine": True}, lambda: nn.InstanceNorm2d(4, affine=True)),
    ("prelu", (4, 9, 9), {}, lambda: nn.PReLU()),
    ("prelu", (4, 9, 9), {"slopes": 4}, lambda: nn.PReLU(4)),
    (
        "lstm",
        (5, 3),
        {"units": 4, "layers": 2, "bidirectional": True, "projection": 2},
        lambda: nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2),
    ),
    ("gru", (5, 3), {"units": 4, "layers": 2}, lambda: nn.GRU(3, 4, 2)),
    ("rnn", (5, 3), {"units": 4, "bias": False}, lambda: nn.RNN(3, 4, bias=False)),
    ("attention", (5, 8), {"heads": 2}, lambda: nn.MultiheadAttention(8, 2)),
    ("attention", (5, 8), {"heads": 2, "bias": False}, lambda: nn.MultiheadAttention(8, 2, bias=False)),
    (
        "attention",
        ((5, 8), (7, 6), (7, 3)),
        {"heads": 2},
        lambda: nn.MultiheadAttention(8, 2, kdim=6, vdim=3),
    ),
]


def named(value: object) -> str:
    """What stands in a test's name: no address of a function, so that every process collects the same."""
    return "made" if callable(value) else str(value)


@pytest.mark.parametrize(("op", "shapes", "parameters", "make"), TORCH, ids=named)
def test_pytorch_has_these_weights(op: str, shapes: Any, parameters: dict[str, Any], make: Any) -> None:
    shapes = shapes if isinstance(shapes[0], tuple) else (shapes,)
    _, weights = built(op, "torch", shapes, **parameters)
    assert all(weight.trainable for weight in weights)
    assert [(w.name, w.shape) for w in weights] == [(n, tuple(p.shape)) for n, p in make().named_parameters()]


KERAS: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("conv", (9, 9, 4), {"channels": 6, "kernel": (3, 2), "groups": 2}, lambda: layers.Conv2D(6, (3, 2), groups=2)),
    (
        "depthwise_conv",
        (9, 9, 4),
        {"kernel": 3, "multiplier": 2},
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2),
    ),
    (
        "separable_conv",
        (9, 9, 4),
        {"channels": 6, "kernel": 3, "multiplier": 2},
        lambda: layers.SeparableConv2D(6, 3, depth_multiplier=2),
    ),
    ("conv_transpose", (5, 5, 4), {"channels": 6, "kernel": 3}, lambda: layers.Conv2DTranspose(6, 3)),
    ("dense", (4, 9), {"units": 3}, lambda: layers.Dense(3)),
    ("embedding", (7,), {"vocabulary": 50, "dim": 8}, lambda: layers.Embedding(50, 8)),
    (
        "einsum_dense",
        (5, 8),
        {"equation": "abc,cde->abde", "sizes": (-1, 2, 3), "bias": "de"},
        lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"),
    ),
    ("standardize", (5, 8), {}, lambda: layers.Normalization()),
    ("batch_norm", (9, 9, 4), {}, lambda: layers.BatchNormalization()),
    ("batch_norm", (9, 9, 4), {"scale": False}, lambda: layers.BatchNormalization(scale=False)),
    ("batch_norm", (9, 4), {"center": False}, lambda: layers.BatchNormalization(center=False)),
    ("layer_norm", (4, 9, 5), {"axes": 2}, lambda: layers.LayerNormalization(axis=(-2, -1))),
    ("layer_norm", (4, 9), {"bias": False}, lambda: layers.LayerNormalization(center=False)),
    ("group_norm", (9, 9, 4), {"groups": 2}, lambda: layers.GroupNormalization(2)),
    ("prelu", (9, 9, 4), {}, lambda: layers.PReLU()),
    ("prelu", (9, 9, 4), {"shared_axes": (1, 2)}, lambda: layers.PReLU(shared_axes=[1, 2])),
    ("lstm", (5, 3), {"units": 4}, lambda: layers.LSTM(4)),
    ("lstm", (5, 3), {"units": 4, "bidirectional": True}, lambda: layers.Bidirectional(layers.LSTM(4))),
    ("gru", (5, 3), {"units": 4}, lambda: layers.GRU(4)),
    ("gru", (5, 3), {"units": 4, "reset_after": False}, lambda: layers.GRU(4, reset_after=False)),
    ("rnn", (5, 3), {"units": 4}, lambda: layers.SimpleRNN(4)),
    ("attention", (5, 8), {"heads": 2, "key_dim": 3}, lambda: layers.MultiHeadAttention(2, 3)),
    (
        "attention",
        ((5, 8), (7, 6), (7, 3)),
        {"heads": 2, "key_dim": 3, "value_dim": 5},
        lambda: layers.MultiHeadAttention(2, 3, value_dim=5),
    ),
]


def keras_name(path: str) -> str:
    """``bidirectional/forward_lstm/lstm_cell/kernel`` as ``forward.kernel``: what tells a layer's weights apart."""
    parts = [part for part in path.split("/")[1:] if not part.endswith("_cell")]
    return ".".join(part.partition("_")[0] if part.startswith(("forward_", "backward_")) else part for part in parts)


@pytest.mark.parametrize(("op", "shapes", "parameters", "make"), KERAS, ids=named)
def test_keras_has_these_weights(op: str, shapes: Any, parameters: dict[str, Any], make: Any) -> None:
    shapes = shapes if isinstance(shapes[0], tuple) else (shapes,)
    _, weights = built(op, "keras", shapes, **parameters)
    layer = make()
    dtype = "int32" if op == "embedding" else "float32"
    given = [keras.ops.zeros((2, *shape), dtype=dtype) for shape in shapes]
    if op == "attention":  # which takes the value before the key
        layer(given[0], given[-1], given[len(given) // 2])
    else:
        layer(*given)
    theirs = [(keras_name(w.path), tuple(w.shape), w.trainable) for w in layer.weights if "seed" not in w.path]
    assert [(w.name, w.shape, w.trainable) for w in weights] == theirs


ONNX: list[tuple[str, tuple[int, ...], dict[str, Any], str]] = [
    ("conv", (4, 9, 9), {"channels": 6, "kernel": 3}, "Conv"),
    ("depthwise_conv", (4, 9, 9), {"kernel": 3}, "Conv"),
    ("conv_transpose", (4, 9, 9), {"channels": 6, "kernel": 3}, "ConvTranspose"),
    ("dense", (9,), {"units": 3}, "Gemm"),
    ("dense", (4, 9), {"units": 3, "bias": False}, "MatMul"),
    ("embedding", (7,), {"vocabulary": 50, "dim": 8}, "Gather"),
    ("batch_norm", (4, 9, 9), {}, "BatchNormalization"),
    ("layer_norm", (4, 9), {}, "LayerNormalization"),
    ("group_norm", (4, 9, 9), {"groups": 2}, "GroupNormalization"),
    ("instance_norm", (4, 9, 9), {}, "InstanceNormalization"),
    ("prelu", (4, 9, 9), {"slopes": 4}, "PRelu"),
    ("lstm", (5, 3), {"units": 4, "bidirectional": True}, "LSTM"),
    ("gru", (5, 3), {"units": 4}, "GRU"),
    ("rnn", (5, 3), {"units": 4}, "RNN"),
]


@pytest.mark.parametrize(("op", "shape", "parameters", "operator"), ONNX, ids=named)
def test_onnx_calls_them_so(op: str, shape: tuple[int, ...], parameters: dict[str, Any], operator: str) -> None:
    _, weights = built(op, "onnx", (shape,), **parameters)
    inputs = [each.name for each in onnx.defs.get_schema(operator).inputs]
    places = [inputs.index(weight.name) for weight in weights]
    assert places == sorted(places) and places


def test_every_layer_with_weights_is_compared() -> None:
    with_weights = {op for op, kind in kinds().items() if kind.weights is not Layer.weights}
    assert with_weights - {case[0] for case in TORCH} - WITHOUT_COUNTERPART == set()
    assert with_weights - {case[0] for case in KERAS} - {"parameter", "instance_norm", "opaque"} == set()
    assert with_weights - {case[0] for case in ONNX} - WITHOUT_COUNTERPART - {"attention"} == set()
