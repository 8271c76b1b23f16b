"""A network as a JAX function, to ask JAX for its shapes; only for the layers of the networks measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shapesolver import Net
from tests.benchmarks.harness import Missing

ELEMENTWISE = {"relu", "batch_norm", "dropout", "identity"}


def function(net: Net) -> Callable[[Any], Any]:
    """The function of an image ``(N, C, H, W)``."""
    shown = net.usual()

    def forward(image: Any) -> Any:
        made: list[Any] = []
        for layer, node in zip(shown, shown.graph.nodes, strict=True):
            inputs = [made[wire.node] for wire in node.inputs]
            made.append(image if not inputs else _apply(layer.op, layer.kind, layer.weights, inputs))
        return made[shown.graph.outputs[0].node]

    return forward


def _apply(op: str, kind: Any, weights: dict[str, Any], inputs: list[Any]) -> Any:
    import jax.numpy as jnp
    from jax import lax, nn

    x = inputs[0]
    if op == "relu":
        return nn.relu(x)
    if op in ELEMENTWISE:
        return x
    if op in ("conv", "conv_transpose", "max_pool"):
        kernel, stride = [[kind.at(name, axis) for axis in (0, 1)] for name in ("kernel", "stride")]
        pads = [tuple(kind.pads(1, axis)) for axis in (0, 1)]
        if op == "max_pool":
            return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, *kernel), (1, 1, *stride), ((0, 0), (0, 0), *pads))
        weight = jnp.zeros(weights["weight"], x.dtype)
        if op == "conv":
            return lax.conv_general_dilated(x, weight, stride, pads)
        return lax.conv_transpose(x, weight, stride, "VALID", dimension_numbers=("NCHW", "IOHW", "NCHW"))
    if op == "adaptive_avg_pool" and kind.target == 1:
        return x.mean((2, 3), keepdims=True)
    if op == "flatten":
        return x.reshape(x.shape[0], -1)
    if op == "dense":
        return x @ jnp.zeros(weights["weight"], x.dtype).T
    if op == "add":
        return inputs[0] + inputs[1]
    if op == "concat":
        return jnp.concatenate(inputs, 1)
    raise Missing(f"{op} is not written for JAX")
