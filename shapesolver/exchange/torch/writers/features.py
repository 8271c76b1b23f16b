"""Layers that learn or normalise features, activations, attention and recurrent layers."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.code import Call, Item, Made, Operation, Slot, Written, call, function, module
from shapesolver.exchange.torch.writers import Placed, writes
from shapesolver.exchange.torch.writers.merging import OPERATORS
from shapesolver.layers.axes import axis_index

NORMALISING_RANKS = {1: 1, 2: 1, 3: 2, 4: 3}
"""The number in ``nn.BatchNorm2d`` for each rank, batch left out."""

ACTIVATIONS = {
    "relu": ("F.relu", "nn.ReLU"),
    "relu6": ("F.relu6", "nn.ReLU6"),
    "selu": ("F.selu", "nn.SELU"),
    "gelu": ("F.gelu", "nn.GELU"),
    "silu": ("F.silu", "nn.SiLU"),
    "mish": ("F.mish", "nn.Mish"),
    "sigmoid": ("torch.sigmoid", "nn.Sigmoid"),
    "hard_sigmoid": ("F.hardsigmoid", "nn.Hardsigmoid"),
    "hard_swish": ("F.hardswish", "nn.Hardswish"),
    "tanh": ("torch.tanh", "nn.Tanh"),
    "hard_tanh": ("F.hardtanh", "nn.Hardtanh"),
    "softplus": ("F.softplus", "nn.Softplus"),
    "softsign": ("F.softsign", "nn.Softsign"),
    "log_sigmoid": ("F.logsigmoid", "nn.LogSigmoid"),
    "exponential": ("torch.exp", ""),
}
FUNCTIONS = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp2",
    "expm1",
    "floor",
    "frac",
    "log",
    "log10",
    "log1p",
    "log2",
    "neg",
    "reciprocal",
    "relu",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "trunc",
]
"""Functions of each cell that ``torch`` has under the same name."""
SLOPED = {
    "leaky_relu": ("F.leaky_relu", "nn.LeakyReLU", "negative_slope"),
    "elu": ("F.elu", "nn.ELU", "alpha"),
    "celu": ("F.celu", "nn.CELU", "alpha"),
}
KERAS_LEAKY_SLOPE = 0.3
"""What Keras' leaky_relu takes when it is not told; PyTorch takes 0.01."""


@writes("dense")
def dense(placed: Placed) -> Written:
    """``nn.Linear(256, 10)``."""
    made = Call(
        "nn.Linear",
        (
            Slot(placed.features, "in_features", keyword=False),
            placed.slot("units", "out_features").positional(),
            placed.slot("bias", "bias", True),
        ),
    )
    return module(made, placed.inputs)


@writes("embedding")
def embedding(placed: Placed) -> Written:
    """``nn.Embedding(20000, 128)``."""
    slots = (
        placed.slot("vocabulary", "num_embeddings").positional(),
        placed.slot("dim", "embedding_dim").positional(),
    )
    return module(Call("nn.Embedding", slots), placed.inputs)


@writes("attention")
def attention(placed: Placed) -> Written:
    """``nn.MultiheadAttention``; Keras' heads may have features of their own."""
    layer: Any = placed.layer
    if any(tensor.rank != 2 for tensor in placed.tensors):
        placed.refuse("nn.MultiheadAttention takes positions and features, and no further axis")
    query, key, value = (placed.number(t.sizes[-1], "features") for t in layer.roles(placed.tensors))
    tensors = placed.inputs if len(placed.inputs) == 3 else (placed.inputs[0], placed.inputs[-1], placed.inputs[-1])
    if layer.dialect.keras:
        made = Call(
            "MultiHeadAttention",
            (
                placed.slot("heads", "heads"),
                placed.slot("key_dim", "key_dim"),
                Slot(layer.key_dim if layer.value_dim is None else layer.value_dim, "value_dim"),
                Slot(query, "query"),
                Slot(key, "key"),
                Slot(value, "value"),
                placed.slot("bias", "bias", True),
            ),
        )
        return Written(Made(tensors), made)
    made = Call(
        "nn.MultiheadAttention",
        (
            Slot(query, "embed_dim", keyword=False),
            placed.slot("heads", "num_heads").positional(),
            placed.slot("bias", "bias", True),
            Slot(None if key == query == value else key, "kdim"),
            Slot(None if key == query == value else value, "vdim"),
            Slot(True, "batch_first"),
        ),
    )
    return Written(Item(Made(tensors, (("need_weights", False),)), (0,)), made)


@writes("lstm", "gru", "rnn")
def recurrent(placed: Placed) -> Written:
    """``self.lstm1(x)[0]``: every step; or the last state."""
    layer: Any = placed.layer
    if layer.op == "gru" and not layer.reset_after:
        placed.refuse("nn.GRU resets after the product with the state")
    projection = (Slot(layer.projection, "proj_size", 0),) if layer.op == "lstm" else ()
    made = Call(
        f"nn.{layer.op.upper()}",
        (
            Slot(placed.features, "input_size", keyword=False),
            placed.slot("units", "hidden_size").positional(),
            placed.slot("layers", "num_layers", 1),
            placed.slot("bias", "bias", True),
            Slot(True, "batch_first"),
            placed.slot("bidirectional", "bidirectional", False),
            *projection,
        ),
    )
    twice = layer.bias and layer.dialect.keras and layer.op != "gru"
    note = "PyTorch keeps two bias vectors where Keras has one" if twice else ""
    if layer.every_step:
        return Written(Item(Made(placed.inputs), (0,)), made, note=note)
    return Written(call("last_step", placed.inputs[0], Made()), made, note=note)


@writes("batch_norm", layout="first")
def batch_norm(placed: Placed) -> Written:
    """``nn.BatchNorm2d(64)``."""
    layer: Any = placed.layer
    affine = layer.affine and (layer.scale or layer.center)
    if placed.tensors[0].rank not in NORMALISING_RANKS:
        placed.refuse(f"there is no nn.BatchNorm for {placed.tensors[0].rank} axes")
    made = Call(
        f"nn.BatchNorm{NORMALISING_RANKS[placed.tensors[0].rank]}d",
        (Slot(placed.channels, "num_features", keyword=False), Slot(affine, "affine", True)),
    )
    if affine and not (layer.scale and layer.center):
        made = call("without", made, "bias" if layer.scale else "weight")
    return module(made, placed.inputs)


@writes("layer_norm")
def layer_norm(placed: Placed) -> Written:
    """``nn.LayerNorm(512)``."""
    layer: Any = placed.layer
    shape = tuple(placed.number(n, "normalised size") for n in placed.tensors[0].sizes[-layer.count :])
    made = Call(
        "nn.LayerNorm",
        (
            Slot(shape[0] if len(shape) == 1 else shape, "normalized_shape", keyword=False),
            placed.slot("affine", "elementwise_affine", True),
            placed.slot("bias", "bias", True),
        ),
    )
    return module(made, placed.inputs)


@writes("group_norm", layout="first")
def group_norm(placed: Placed) -> Written:
    """``nn.GroupNorm(32, 64)``."""
    slots = (
        placed.slot("groups", "num_groups").positional(),
        Slot(placed.channels, "num_channels", keyword=False),
        placed.slot("affine", "affine", True),
    )
    return module(Call("nn.GroupNorm", slots), placed.inputs)


@writes("instance_norm", layout="first")
def instance_norm(placed: Placed) -> Written:
    """``nn.InstanceNorm2d(64)``."""
    slots = (Slot(placed.channels, "num_features", keyword=False), Slot(placed.layer.learns, "affine", False))  # type: ignore[attr-defined]
    return module(Call(placed.ranked("InstanceNorm"), slots), placed.inputs)


@writes("dropout", layout="either")
def dropout(placed: Placed) -> Written:
    """``nn.Dropout(0.5)``."""
    return module(Call("nn.Dropout", (placed.slot("rate", "p").positional(),)), placed.inputs)


@writes("identity", layout="either")
def identity(placed: Placed) -> Written:
    """``nn.Identity()``."""
    return module(Call("nn.Identity"), placed.inputs)


@writes(*ACTIVATIONS, layout="either")
def activation(placed: Placed) -> Written:
    """``F.relu(x)``, or ``nn.ReLU()`` in a chain of modules."""
    name, stage = ACTIVATIONS[placed.layer.op]
    return function(call(name, placed.inputs[0]), Call(stage) if stage else None)


@writes(*SLOPED, layout="either")
def sloped(placed: Placed) -> Written:
    """``F.leaky_relu(x, negative_slope=0.2)``."""
    name, stage, hint = SLOPED[placed.layer.op]
    alpha = placed.layer.alpha  # type: ignore[attr-defined]
    if alpha is None and placed.layer.dialect.keras and placed.layer.op == "leaky_relu":
        alpha = KERAS_LEAKY_SLOPE
    more = {} if alpha is None else {hint: alpha}
    return function(call(name, placed.inputs[0], **more), call(stage, **more))


@writes("pointwise", layout="either")
def pointwise(placed: Placed) -> Written:
    """``torch.sqrt(x)``, ``x * 0.125``."""
    name: str = placed.layer.function  # type: ignore[attr-defined]
    operator, _, number = name.partition(" ")
    if operator in OPERATORS and number:
        # With a number, as the reader of modules writes it: `mul 0.125`.
        return function(Operation(OPERATORS[operator], placed.inputs[0], float(number)), None)
    if number in OPERATORS:
        return function(Operation(OPERATORS[number], float(operator), placed.inputs[0]), None)
    if name.lower() not in FUNCTIONS:
        placed.refuse(f"it is not known what {name} is there")
    return function(call(f"torch.{name.lower()}", placed.inputs[0]), None)


@writes("prelu", layout="first")
def prelu(placed: Placed) -> Written:
    """``nn.PReLU(64)``: one slope for all, or one a channel."""
    layer: Any = placed.layer
    slopes = layer.slopes
    if layer.dialect.keras:
        (array,) = layer.weights(*placed.tensors)
        if any(n != 1 for n in array.shape[:-1]):
            placed.refuse("nn.PReLU has one slope for all, or one a channel; share the spatial axes")
        slopes = array.shape[-1]
    made = Call("nn.PReLU", (Slot(placed.number(slopes, "slopes"), "num_parameters", 1, False),))
    return module(made, placed.inputs)


@writes("softmax", "log_softmax", "glu", layout="either")
def along_axis(placed: Placed) -> Written:
    """``torch.softmax(x, dim=1)``."""
    name, stage = {
        "softmax": ("torch.softmax", "nn.Softmax"),
        "log_softmax": ("torch.log_softmax", "nn.LogSoftmax"),
        "glu": ("F.glu", "nn.GLU"),
    }[placed.layer.op]
    axis = placed.layer.axis  # type: ignore[attr-defined]
    dim = axis if isinstance(axis, int) and not placed.first else placed.dim(axis)
    return function(call(name, placed.inputs[0], dim=dim), call(stage, dim=dim))


@writes("einsum_dense")
def einsum_dense(placed: Placed) -> Written:
    """Keras' ``EinsumDense``, as a module of the file's own."""
    layer: Any = placed.layer
    kernel, *bias = (placed.numbers(array.shape, "weights") for array in layer.weights(*placed.tensors))
    slots = [Slot(layer.equation, "equation", keyword=False), Slot(kernel, "kernel"), *(Slot(b, "bias") for b in bias)]
    return module(Call("EinsumDense", tuple(slots)), placed.inputs)


@writes("standardize")
def standardize(placed: Placed) -> Written:
    """Keras' ``Normalization``, as a module of the file's own."""
    layer: Any = placed.layer
    (tensor,) = placed.tensors
    kept = {axis_index(tensor, axis) for axis in layer.axis}
    shape = tuple(placed.number(n, "sizes") if i in kept else 1 for i, n in enumerate(tensor.sizes))
    return module(Call("Standardize", (Slot(shape, "shape", keyword=False),)), placed.inputs)
