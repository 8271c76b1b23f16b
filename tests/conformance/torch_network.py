"""A network of this package as a PyTorch module, layer by layer, for measuring what PyTorch makes of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from shapesolver import Net
from shapesolver.layers.axes import axis_index
from shapesolver.layers.base import Layer, Tensor

Function = torch.nn.functional
ACTIVATIONS = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}


class Applied(nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Any) -> Any:
        return self.function(*tensors)


class SelfAttention(nn.Module):
    def __init__(self, features: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(features, heads, bias=bias, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.inner(x, x, x)[0]


class Learned(nn.Module):
    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, *sizes))

    def forward(self) -> Any:
        return self.weight


def module(layer: Any, *inputs: Tensor) -> nn.Module:
    """The module that a layer is, for inputs of these sizes."""
    if layer.op in ACTIVATIONS:
        return ACTIVATIONS[layer.op]()
    made = globals()[f"make_{layer.op}"](layer, *inputs)
    return made if isinstance(made, nn.Module) else Applied(made)


def ranked(name: str, tensor: Tensor) -> Any:
    return getattr(nn, f"{name}{tensor.rank - 1}d")


def make_conv(layer: Any, x: Tensor) -> Any:
    return ranked("Conv", x)(
        x.sizes[0], layer.channels, layer.kernel, layer.stride, layer.padding, layer.dilation, layer.groups, layer.bias
    )


def make_depthwise_conv(layer: Any, x: Tensor) -> Any:
    channels: Any = x.sizes[0]
    return ranked("Conv", x)(
        channels,
        channels * layer.multiplier,
        layer.kernel,
        layer.stride,
        layer.padding,
        layer.dilation,
        channels,
        layer.bias,
    )


def make_conv_transpose(layer: Any, x: Tensor) -> Any:
    return ranked("ConvTranspose", x)(
        x.sizes[0],
        layer.channels,
        layer.kernel,
        layer.stride,
        layer.padding,
        layer.output_padding or 0,
        layer.groups,
        layer.bias,
        layer.dilation,
    )


def make_dense(layer: Any, x: Tensor) -> Any:
    return nn.Linear(x.sizes[-1], layer.units, layer.bias)  # type: ignore[arg-type]


def make_embedding(layer: Any, x: Tensor) -> Any:
    return nn.Embedding(layer.vocabulary, layer.dim)


def make_batch_norm(layer: Any, x: Tensor) -> Any:
    return ranked("BatchNorm", x)(x.sizes[0], affine=layer.affine)


def make_layer_norm(layer: Any, x: Tensor) -> Any:
    return nn.LayerNorm(x.sizes[-layer.count :], bias=layer.bias)  # type: ignore[arg-type]


def make_attention(layer: Any, x: Tensor) -> Any:
    return SelfAttention(x.sizes[-1], layer.heads, layer.bias)  # type: ignore[arg-type]


def make_dropout(layer: Any, x: Tensor) -> Any:
    return nn.Dropout(layer.rate)


def make_max_pool(layer: Any, x: Tensor) -> Any:
    return ranked("MaxPool", x)(layer.kernel, layer.stride, layer.padding, layer.dilation, ceil_mode=layer.ceil_mode)


def make_avg_pool(layer: Any, x: Tensor) -> Any:
    return ranked("AvgPool", x)(layer.kernel, layer.stride, layer.padding, layer.ceil_mode)


def make_adaptive_avg_pool(layer: Any, x: Tensor) -> Any:
    return ranked("AdaptiveAvgPool", x)(layer.target)


def make_parameter(layer: Any) -> Any:
    return Learned(layer.sizes)


def make_flatten(layer: Any, x: Tensor) -> Any:
    return nn.Flatten(layer.start, layer.end)


def make_permute(layer: Any, x: Tensor) -> Any:
    order = (0, *(axis_index(x, axis) + 1 for axis in layer.order))
    return lambda t: t.permute(order)


def make_squeeze(layer: Any, x: Tensor) -> Any:
    return lambda t: t.squeeze(axis_index(x, layer.axis) + 1)


def make_slice(layer: Any, x: Tensor) -> Any:
    before = (slice(None),) * (axis_index(x, layer.axis) + 1)
    return lambda t: t[(*before, slice(layer.start, layer.stop, layer.step))]


def make_crop(layer: Any, x: Tensor, *to: Tensor) -> Any:
    if not to:
        ends = [layer.ends(axis) for axis in range(x.rank - 1)]
    else:
        offset = None if layer.offset is None else layer.offset
        pairs = list(zip(x.sizes[1:], to[0].sizes[1:], strict=True))
        starts = [(n - m) // 2 if offset is None else layer.at("offset", axis) for axis, (n, m) in enumerate(pairs)]
        ends = [(start, n - m - start) for start, (n, m) in zip(starts, pairs, strict=True)]
    cut = tuple(slice(a, n - b) for (a, b), n in zip(ends, x.sizes[1:], strict=True))
    return lambda t, *_: t[(slice(None), slice(None), *cut)]


def make_concat(layer: Any, *inputs: Tensor) -> Any:
    axis = axis_index(inputs[0], layer.axis) + 1
    # A learned token is one for all examples.
    return lambda *t: torch.cat([each.expand(max(len(one) for one in t), *each.shape[1:]) for each in t], axis)


def make_add(layer: Any, *inputs: Tensor) -> Any:
    return lambda *t: sum(t[1:], start=t[0])


def make_mul(layer: Any, *inputs: Tensor) -> Any:
    return lambda a, b: a * b


class TorchNetwork(nn.Module):
    """The whole network; takes its inputs in the order of the file. Shared layers are one module."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net
        self.steps = nn.ModuleList()
        modules: list[nn.Module] = []
        for index, node in enumerate(net.graph.nodes):
            layer: Layer = net.derivation.layers[index]
            inputs = net.derivation.inputs(index)
            assert inputs is not None
            if node.shared is not None:
                made = modules[node.shared]
            else:
                made = nn.Identity() if layer.op == "input" else module(layer, *inputs)
            if node.tied is not None:
                made.weight = modules[node.tied].weight
            modules.append(made)
            self.steps.append(made)

    def forward(self, *tensors: Any) -> Any:
        results: list[Any] = []
        given = iter(tensors)
        for index, node in enumerate(self.net.graph.nodes):
            if node.layer.op == "input":
                results.append(next(given))
                continue
            results.append(self.steps[index](*(results[wire.node] for wire in node.inputs)))
        return tuple(results[wire.node] for wire in self.net.graph.outputs)


def example_inputs(net: Net, batch: int = 1) -> list[Any]:
    """Zeros of the network's input shapes; indices where an embedding consumes them."""
    looked_up = {wire.node for node in net.graph.nodes if node.layer.op == "embedding" for wire in node.inputs}
    return [
        torch.zeros(batch, *layer.shape, dtype=torch.long if layer.wire.node in looked_up else torch.float32)  # type: ignore[arg-type]
        for layer in net.inputs
    ]
