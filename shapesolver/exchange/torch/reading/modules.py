"""Modules of ``torch.nn``: most by their attributes' names, which the registry of layers knows."""

from __future__ import annotations

import operator
from typing import Any

from shapesolver.exchange.torch.reading import features, shapes, windows
from shapesolver.exchange.torch.reading.drawing import Drawing, common
from shapesolver.exchange.torch.reading.registry import reads_module
from shapesolver.exchange.torch.reading.values import Ref, State, Unknown
from shapesolver.layers.registry import parameter_names, spellings

ACTIVATIONS = [
    *("ReLU", "ReLU6", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Hardsigmoid", "Hardswish", "Tanh", "Hardtanh"),
    *("Softplus", "Softsign", "LogSigmoid", "Identity"),
]
PADS = {"Zero": "constant", "Constant": "constant", "Reflection": "reflect", "Replication": "replicate"}
PADS |= {"Circular": "circular"}


def key(draw: Drawing) -> tuple[str, ...]:
    """What makes two uses of a module one layer: its name in the model."""
    return (str(draw.node.target),)


def parameters(module: Any, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A module's attributes as a layer's parameters; the frameworks' spellings are in the registry."""
    op = spellings()[type(module).__name__].kind.op
    found: dict[str, Any] = {}
    for spelled, name in parameter_names(op).items():
        if name in leave_out or "[" in name or not hasattr(module, spelled):
            continue
        value = getattr(module, spelled)
        found[name] = value is not None and value is not False if name == "bias" else common(value)
    return found


@reads_module(*ACTIVATIONS, "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "Dropout", "Dropout1d",
              "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "PixelShuffle", "PixelUnshuffle",
              "Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")  # fmt: skip
def by_function(draw: Drawing, module: Any, x: Any) -> Any:
    """Modules that are a function of their attributes."""
    name = type(module).__name__
    if name == "Identity":
        return draw.layer("identity", [draw.tensor(x)])
    if "Dropout" in name:
        return features.dropout(draw, x, module.p)
    if name.startswith("Adaptive"):
        return windows.adaptive_avg_pool(draw, x, module.output_size)
    if name.startswith("Pixel"):
        read = windows.pixel_shuffle if name == "PixelShuffle" else windows.pixel_unshuffle
        return read(draw, x, getattr(module, "upscale_factor", getattr(module, "downscale_factor", 1)))
    if name.startswith("Upsampl"):
        return windows.interpolate(draw, x, module.size, module.scale_factor, module.mode)
    if name == "Hardtanh":
        return features.hardtanh(draw, x, module.min_val, module.max_val)
    return draw.layer(spellings()[name].kind.op, [draw.tensor(x)])


@reads_module("LeakyReLU", "ELU", "CELU")
def sloped(draw: Drawing, module: Any, x: Any) -> Ref:
    """Activations with one number."""
    if type(module).__name__ == "LeakyReLU":
        return features.leaky_relu(draw, x, module.negative_slope)
    read = features.elu if type(module).__name__ == "ELU" else features.celu
    return read(draw, x, module.alpha)


@reads_module("Softmax", "LogSoftmax", "GLU", "Softmax2d", "Softmin")
def along(draw: Drawing, module: Any, x: Any) -> Ref:
    """Functions along an axis."""
    op = spellings()[type(module).__name__].kind.op
    return features.along(draw, op, x, getattr(module, "dim", 1))


@reads_module("PReLU")
def prelu(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.PReLU``."""
    return draw.weighted(key(draw), "prelu", [draw.first(draw.tensor(x))], slopes=module.num_parameters)


@reads_module("Conv1d", "Conv2d", "Conv3d")
def conv(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.Conv2d``; padding of another kind than zeros is a layer before it."""
    padding: Any = common(module.padding)
    if module.padding_mode != "zeros" and padding not in (0, "valid"):
        x, padding = bordered(draw, module, draw.first(draw.tensor(x))), 0
    shape = (module.out_channels, module.in_channels, *module.kernel_size)
    held = module.stride, padding, module.dilation, module.groups, module.bias is not None
    return windows.convolve(draw, key(draw), x, shape, *held)


def bordered(draw: Drawing, module: Any, x: Ref) -> Ref:
    """The padding that a convolution makes by reflecting, repeating or wrapping around."""
    flat = module._reversed_padding_repeated_twice
    pairs = tuple(zip(flat[::2], flat[1::2], strict=True))[::-1]
    wire = draw.sketch.layer("pad", [x.wire], amount=windows.simple(pairs), mode=module.padding_mode)
    return Ref(wire)


@reads_module("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
def conv_transpose(draw: Drawing, module: Any, x: Any, output_size: Any = None) -> Ref:
    """``nn.ConvTranspose2d``."""
    found = parameters(module, ("in_channels", "output_size"))
    found["output_padding"] = found["output_padding"] or None
    ref = draw.first(draw.tensor(x))
    if output_size is not None:
        found["output_size"] = tuple(output_size)[-(draw.rank(ref) - 2) :]
        found["output_padding"] = None
    return draw.weighted(key(draw), "conv_transpose", [ref], **found)


@reads_module("MaxPool1d", "MaxPool2d", "MaxPool3d")
def max_pool(draw: Drawing, module: Any, x: Any) -> Any:
    """``nn.MaxPool2d``, with the places that it remembers where it is told to."""
    m = module
    return windows.max_pool(draw, x, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices)


@reads_module("AvgPool1d", "AvgPool2d", "AvgPool3d")
def avg_pool(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.AvgPool2d``."""
    return windows.avg_pool(draw, x, module.kernel_size, module.stride, module.padding, module.ceil_mode)


@reads_module("LPPool1d", "LPPool2d", "LPPool3d")
def lp_pool(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.LPPool2d``."""
    return windows.lp_pool(draw, x, module.norm_type, module.kernel_size, module.stride, module.ceil_mode)


@reads_module("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d")
def adaptive_max_pool(draw: Drawing, module: Any, x: Any) -> Any:
    """``nn.AdaptiveMaxPool2d``."""
    return windows.adaptive_max_pool(draw, x, module.output_size, module.return_indices)


@reads_module("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d")
def unpool(draw: Drawing, module: Any, x: Any, indices: Any, output_size: Any = None) -> Ref:
    """``nn.MaxUnpool2d``."""
    return windows.unpool(draw, x, indices, module.kernel_size, module.stride, module.padding, output_size)


@reads_module("Unfold", "Fold")
def columns(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.Unfold`` and ``nn.Fold``."""
    window = module.kernel_size, module.dilation, module.padding, module.stride
    if type(module).__name__ == "Unfold":
        return windows.unfold(draw, x, *window)
    return windows.fold(draw, x, module.output_size, *window)


@reads_module(*(f"{mode}Pad{rank}d" for mode in PADS for rank in (1, 2, 3)))
def pad(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.ZeroPad2d`` and its kin."""
    ref = draw.first(draw.tensor(x))
    flat = module.padding
    pairs = tuple(zip(flat[::2], flat[1::2], strict=True))[::-1]
    mode = PADS[type(module).__name__.partition("Pad")[0]]
    return draw.layer("pad", [ref], amount=windows.simple(pairs), mode=mode)


@reads_module("Linear", "NonDynamicallyQuantizableLinear")
def linear(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.Linear``."""
    size = module.out_features, module.in_features
    return features.dense(draw, key(draw), draw.tensor(x), *size, module.bias is not None)


@reads_module("Embedding")
def embedding(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.Embedding``."""
    sizes = {"vocabulary": module.num_embeddings, "dim": module.embedding_dim}
    return draw.weighted(key(draw), "embedding", [draw.tensor(x)], **sizes)


@reads_module("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
def batch_norm(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.BatchNorm2d``, perhaps without its scale or its shift."""
    ref = draw.first(draw.tensor(x))
    return features.normalised_channels(draw, key(draw), ref, module.weight is not None, module.bias is not None)


@reads_module("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
def instance_norm(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.InstanceNorm2d``."""
    ref = draw.first(draw.tensor(x))
    return draw.weighted(key(draw), "instance_norm", [ref], affine=module.affine or None)


@reads_module("GroupNorm")
def group_norm(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.GroupNorm``."""
    ref = draw.first(draw.tensor(x))
    return draw.weighted(key(draw), "group_norm", [ref], groups=module.num_groups, affine=module.affine)


@reads_module("LayerNorm")
def layer_norm(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.LayerNorm``."""
    affine, bias = module.elementwise_affine, module.bias is not None
    return features.normalised(draw, key(draw), draw.tensor(x), tuple(module.normalized_shape), affine, bias)


@reads_module("Flatten")
def flatten(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.Flatten``."""
    return shapes.flatten(draw, x, module.start_dim, module.end_dim)


@reads_module("Unflatten")
def unflatten(draw: Drawing, module: Any, x: Any) -> Ref:
    """``nn.Unflatten``."""
    return shapes.unflatten(draw, x, module.dim, module.unflattened_size)


@reads_module("MultiheadAttention")
def attention(draw: Drawing, module: Any, query: Any, key_: Any, value: Any, *_: Any, **__: Any) -> Any:
    """``nn.MultiheadAttention``; its second result, the weights, is not kept."""
    refs = [draw.tensor(x) for x in (query, key_, value)]
    expected = 0 if module.batch_first else 1
    if any(ref.batch != expected for ref in refs):
        raise Unknown(f"its batch should be axis {expected}")
    if module.bias_k is not None:
        raise Unknown("it has biases for keys and values of their own")
    inputs = refs[:1] if refs[0] == refs[1] == refs[2] else refs[:2] if refs[1] == refs[2] else refs
    bias = module.in_proj_bias is not None
    made = draw.weighted(key(draw), "attention", inputs, heads=module.num_heads, bias=bias)
    return made, None


@reads_module("LSTM", "GRU", "RNN")
def recurrent(draw: Drawing, module: Any, x: Any, state: Any = None) -> Any:
    """``nn.LSTM``: every step; or the last state, where only that is used."""
    ref = draw.tensor(x)
    expected = 0 if module.batch_first else 1
    if ref.batch != expected:
        raise Unknown(f"its batch should be axis {expected}")
    found = {
        "units": module.hidden_size,
        "layers": module.num_layers,
        "bidirectional": module.bidirectional,
        "bias": module.bias,
    }
    if getattr(module, "proj_size", 0):
        found["projection"] = module.proj_size
    found["in_features"] = draw.checked(draw.sizes(ref)[-1], module.input_size)
    if uses(draw.node, 0):
        every = draw.weighted(key(draw), type(module).__name__.lower(), [ref], **found)
        return every, None
    last = draw.weighted(key(draw), type(module).__name__.lower(), [ref], sequences=False, **found)
    hidden = State(Ref(last.wire), 2 if module.bidirectional else 1, module.num_layers)
    return None, (hidden, None) if type(module).__name__ == "LSTM" else hidden


def uses(node: Any, index: int) -> bool:
    """Whether the model uses one of the results of an operation."""
    return any(user.target is not operator.getitem or (user.args[1] == index and user.users) for user in node.users)


@reads_module("TransformerEncoderLayer")
def encoder_layer(draw: Drawing, module: Any, x: Any, *_: Any, **__: Any) -> Ref:
    """One layer of a Transformer's encoder, as the layers that it is made of."""
    ref = draw.tensor(x)
    inner = Inner(draw, module)
    if module.norm_first:
        ref = inner.added(ref, inner.attention(inner.norm(ref, "norm1")))
        return inner.added(ref, inner.feed_forward(inner.norm(ref, "norm2")))
    ref = inner.norm(inner.added(ref, inner.attention(ref)), "norm1")
    return inner.norm(inner.added(ref, inner.feed_forward(ref)), "norm2")


class Inner:
    """The parts of a Transformer's layer."""

    def __init__(self, draw: Drawing, module: Any) -> None:
        self._draw, self._module, self._path = draw, module, str(draw.node.target)

    def _part(self, name: str, read: Any, *inputs: Any) -> Any:
        self._draw.name = f"{self._path}.{name}"
        node, self._draw.node = self._draw.node, Target(f"{self._path}.{name}")
        try:
            return read(self._draw, getattr(self._module, name), *inputs)
        finally:
            self._draw.node = node

    def norm(self, x: Ref, name: str) -> Ref:
        """A layer norm."""
        return self._part(name, layer_norm, x)  # type: ignore[no-any-return]

    def attention(self, x: Ref) -> Ref:
        """Self-attention, and its dropout."""
        return self._part("dropout1", by_function, self._part("self_attn", attention, x, x, x)[0])  # type: ignore[no-any-return]

    def feed_forward(self, x: Ref) -> Ref:
        """The two dense layers, and their dropouts."""
        x = self._part("linear1", linear, x)
        name = getattr(self._module.activation, "__name__", type(self._module.activation).__name__).lower()
        x = self._draw.layer(features.PLAIN[name], [x])
        x = self._part("linear2", linear, self._part("dropout", by_function, x))
        return self._part("dropout2", by_function, x)  # type: ignore[no-any-return]

    def added(self, x: Ref, y: Ref) -> Ref:
        """The sum."""
        return self._draw.layer("add", [x, y])


class Target:
    """A part's place in the model."""

    users: tuple[Any, ...] = ()
    op = "call_module"

    def __init__(self, target: str) -> None:
        self.target = target


@reads_module("TransformerEncoder")
def encoder(draw: Drawing, module: Any, x: Any, *_: Any, **__: Any) -> Ref:
    """A stack of encoder layers."""
    path = str(draw.node.target)
    node = draw.node
    for index, layer in enumerate(module.layers):
        draw.node = Target(f"{path}.layers.{index}")
        x = encoder_layer(draw, layer, x)
    if module.norm is not None:
        draw.node, draw.name = Target(f"{path}.norm"), f"{path}.norm"
        x = layer_norm(draw, module.norm, x)
    draw.node = node
    return x  # type: ignore[no-any-return]
