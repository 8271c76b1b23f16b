"""Functions that learn, normalise or activate."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.torch.reading.drawing import Drawing, plain
from shapesolver.exchange.torch.reading.registry import reads
from shapesolver.exchange.torch.reading.values import Held, Ref, Unknown
from shapesolver.exchange.torch.reading.windows import owner, weights

PLAIN = {
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "mish": "mish",
    "sigmoid": "sigmoid",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_swish",
    "tanh": "tanh",
    "softplus": "softplus",
    "softsign": "softsign",
    "logsigmoid": "log_sigmoid",
    "log_sigmoid": "log_sigmoid",
    "exp": "exponential",
}
POINTWISE = [
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "erfc", "exp2", "expm1"),
    *("floor", "frac", "log", "log10", "log1p", "log2", "reciprocal", "round", "rsqrt", "sign", "sin", "sinc", "sinh"),
    *("sqrt", "square", "tan", "trunc"),
]
SAME = [
    *("contiguous", "clone", "detach", "to", "float", "half", "double", "type_as", "bfloat16", "requires_grad_"),
    *("cuda", "cpu", "alias", "lift_fresh_copy"),
]
"""Methods that change no value and no size."""


def plain_reader(op: str, **parameters: Any) -> Any:
    """A reader of an activation without arguments that matter."""

    def read(draw: Drawing, x: Any, *_: Any, **__: Any) -> Ref:
        return draw.layer(op, [draw.tensor(x)], **parameters)

    return read


for _name, _op in PLAIN.items():
    reads(_name)(plain_reader(_op))
for _name in POINTWISE:
    reads(_name)(plain_reader("pointwise", function=_name))


@reads(*SAME)
def same(draw: Drawing, x: Any, *_: Any, **__: Any) -> Any:
    """The tensor itself."""
    return x


@reads("hardtanh", "clamp", "clip")
def hardtanh(draw: Drawing, x: Any, min_val: Any = -1.0, max_val: Any = 1.0, *_: Any, **__: Any) -> Ref:
    """``F.hardtanh``; from 0 to 6 it is ``F.relu6``."""
    if (min_val, max_val) == (0, 6):
        return draw.layer("relu6", [draw.tensor(x)])
    if (min_val, max_val) == (-1, 1):
        return draw.layer("hard_tanh", [draw.tensor(x)])
    return draw.layer("pointwise", [draw.tensor(x)], function="clamp")


def slope(default: float, value: Any) -> Any:
    """A slope, where it is not the usual one."""
    return None if value == default else value


@reads("leaky_relu")
def leaky_relu(draw: Drawing, x: Any, negative_slope: float = 0.01, *_: Any, **__: Any) -> Ref:
    """``F.leaky_relu``."""
    return draw.layer("leaky_relu", [draw.tensor(x)], alpha=slope(0.01, negative_slope))


@reads("elu")
def elu(draw: Drawing, x: Any, alpha: float = 1.0, *_: Any, **__: Any) -> Ref:
    """``F.elu``."""
    return draw.layer("elu", [draw.tensor(x)], alpha=slope(1.0, alpha))


@reads("celu")
def celu(draw: Drawing, x: Any, alpha: float = 1.0, *_: Any, **__: Any) -> Ref:
    """``F.celu``."""
    return draw.layer("celu", [draw.tensor(x)], alpha=slope(1.0, alpha))


@reads("prelu")
def prelu(draw: Drawing, x: Any, weight: Held) -> Ref:
    """``F.prelu`` with slopes that the model holds."""
    key = weights(weight)
    owner(draw, weight)
    return draw.weighted(key, "prelu", [draw.first(draw.tensor(x))], slopes=weight.shape[0])


@reads("softmax", "softmin")
def softmax(draw: Drawing, x: Any, dim: Any = -1, *_: Any, **__: Any) -> Ref:
    """``torch.softmax``."""
    return along(draw, "softmax", x, dim)


@reads("log_softmax")
def log_softmax(draw: Drawing, x: Any, dim: Any = -1, *_: Any, **__: Any) -> Ref:
    """``F.log_softmax``."""
    return along(draw, "log_softmax", x, dim)


@reads("glu")
def glu(draw: Drawing, x: Any, dim: int = -1) -> Ref:
    """``F.glu``."""
    return along(draw, "glu", x, dim)


def along(draw: Drawing, op: str, x: Any, dim: Any) -> Ref:
    """A function along one axis; the last one is written as -1."""
    ref = draw.tensor(x)
    axis = draw.axis(ref, -1 if dim is None else dim)
    return draw.layer(op, [ref], axis=-1 if axis == draw.rank(ref) - 1 else axis)


@reads("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
def dropout(draw: Drawing, x: Any, p: float = 0.5, *_: Any, **__: Any) -> Ref:
    """``F.dropout``."""
    return draw.layer("dropout", [draw.tensor(x)], rate=p)


@reads("linear")
def linear(draw: Drawing, x: Any, weight: Held, bias: Any = None) -> Ref:
    """``F.linear`` with weights that the model holds."""
    key = weights(weight, bias)
    owner(draw, weight)
    units, into = weight.shape
    return dense(draw, key, draw.tensor(x), units, into, bias is not None)


def dense(draw: Drawing, key: tuple[str, ...], x: Ref, units: int, into: int, bias: bool) -> Ref:
    """A dense layer; the features that it expects are stated where the input sizes decide them."""
    if x.batch == draw.rank(x) - 1:
        raise Unknown("it works along the batch axis")
    checked = draw.checked(draw.sizes(x)[-1], into)
    return draw.weighted(key, "dense", [x], units=units, bias=bias, in_features=checked)


@reads("embedding")
def embedding(draw: Drawing, x: Any, weight: Held, *_: Any, **__: Any) -> Ref:
    """``F.embedding`` with weights that the model holds."""
    key = weights(weight)
    owner(draw, weight)
    return draw.weighted(key, "embedding", [draw.tensor(x)], vocabulary=weight.shape[0], dim=weight.shape[1])


@reads("aten.embedding")
def aten_embedding(draw: Drawing, weight: Held, x: Any, *_: Any, **__: Any) -> Ref:
    """The same, the weights first."""
    return embedding(draw, x, weight)


@reads("batch_norm")
def batch_norm(
    draw: Drawing, x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None, *_: Any, **__: Any
) -> Ref:
    """``F.batch_norm``."""
    key = weights(weight, bias) or weights(mean)
    if isinstance(weight or mean, Held):
        owner(draw, weight or mean)
    ref = draw.first(draw.tensor(x))
    return normalised_channels(draw, key, ref, weight is not None, bias is not None)


def normalised_channels(draw: Drawing, key: tuple[str, ...], x: Ref, scale: bool, center: bool) -> Ref:
    """A batch norm, perhaps without its scale or its shift."""
    more = {"scale": scale, "center": center} if scale or center else {"affine": False}
    return draw.weighted(key, "batch_norm", [x], **more)


@reads("aten.batch_norm")
def aten_batch_norm(draw: Drawing, x: Any, weight: Any, bias: Any, mean: Any, var: Any, *_: Any, **__: Any) -> Ref:
    """The same, the weights first."""
    return batch_norm(draw, x, mean, var, weight, bias)


@reads("layer_norm")
def layer_norm(draw: Drawing, x: Any, shape: Any, weight: Any = None, bias: Any = None, *_: Any, **__: Any) -> Ref:
    """``F.layer_norm``."""
    key = weights(weight, bias)
    if key:
        owner(draw, weight)
    ref = draw.tensor(x)
    return normalised(draw, key, ref, tuple(map(plain, shape)), weight is not None, bias is not None)


def normalised(draw: Drawing, key: tuple[str, ...], x: Ref, shape: tuple[int, ...], affine: bool, bias: bool) -> Ref:
    """A layer norm; the sizes that it expects are stated where the input sizes decide them."""
    if x.batch >= draw.rank(x) - len(shape):
        raise Unknown("it works along the batch axis")
    open_sizes = any(draw.checked(n, 1) for n in draw.sizes(x)[-len(shape) :])
    axes = {"shape": shape} if open_sizes else {"axes": len(shape)}
    more = {"affine": affine, **axes, **({"bias": bias} if affine else {})}
    if not key:
        return draw.layer("layer_norm", [x], **more)
    return draw.weighted(key, "layer_norm", [x], **more)


@reads("group_norm")
def group_norm(draw: Drawing, x: Any, groups: int, weight: Any = None, bias: Any = None, *_: Any, **__: Any) -> Ref:
    """``F.group_norm``."""
    key = weights(weight, bias)
    if key:
        owner(draw, weight)
        return draw.weighted(key, "group_norm", [draw.first(draw.tensor(x))], groups=groups)
    return draw.layer("group_norm", [draw.first(draw.tensor(x))], groups=groups, affine=False)


@reads("scaled_dot_product_attention")
def attention(draw: Drawing, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> Ref:
    """Queries times keys, softmax, times values."""
    q, k, v = (draw.first(draw.tensor(x)) for x in (query, key, value))
    rank = draw.rank(k)
    order = [*range(1, rank - 2), rank - 1, rank - 2]
    turned = draw.layer("permute", [k], order=order)
    return draw.layer("matmul", [draw.layer("softmax", [draw.layer("matmul", [q, turned])]), v])
