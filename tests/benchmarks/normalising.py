"""The 51 steps of ResNet-50's longest chain as one formula: ``(H - 1)//32 + 1``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapesolver.arithmetic import Dim, canonical, symbol
from tests.benchmarks.harness import Call, Case
from tests.benchmarks.networks import network

Step = tuple[int, int, int]
"""Padding of both ends, effective kernel, stride."""


def cases() -> Iterator[Case]:
    """From the steps to the normal form. Ours is normal at every step; the peer's is built, and then simplified."""
    yield Case("ResNet-50's chain", _ours, {"tvm": _tvm, "tvm, simplifying alone": _tvm_built}, {"tvm": 1.0})


def chain() -> list[Step]:
    """The windows along H from the image to the last map, by the longest way."""
    net = network("resnet50").usual()
    steps: list[Step] = []
    node = net["layer4"].wire.node
    while net.graph.nodes[node].inputs:
        layer = net.derivation.layers[node]
        if layer.op in ("conv", "max_pool"):
            extent, stride = layer.extent(0), layer.at("stride", 0)  # type: ignore[attr-defined]
            steps.append((sum(layer.pads(1, 0)), extent, stride))  # type: ignore[attr-defined]
        node = net.graph.nodes[node].inputs[-1].node
    return steps[::-1]


STEPS = chain()


def _ours() -> Dim:
    size: Dim = symbol("H")
    for padding, extent, stride in STEPS:
        size = (size + padding - extent) // stride + 1
    return canonical(size)


def _tvm() -> Call:
    from tvm import sym

    return lambda: sym.Analyzer().simplify(_tvm_chain())


def _tvm_built() -> Call:
    from tvm import sym

    whole = _tvm_chain()
    return lambda: sym.Analyzer().simplify(whole)


def _tvm_chain() -> Any:
    from tvm import tirx

    size = tirx.Var("H", "int64")
    for padding, extent, stride in STEPS:
        size = tirx.floordiv(size + padding - extent, stride) + 1
    return size
