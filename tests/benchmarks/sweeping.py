"""Every layer's size at a million input sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.benchmarks.harness import Call, Case
from tests.benchmarks.networks import network, torch_module

MANY, FEW = 10**6, 20


def cases() -> Iterator[Case]:
    """A million heights; and twenty, which is as many as a peer can be asked for."""
    import numpy

    heights = numpy.arange(1, MANY + 1)
    net = network("resnet50")
    yield Case("ResNet-50, 1,000,000 heights", lambda: net.sizes(H=heights), limit=1.0, rounds=3)
    few = numpy.arange(224, 224 + FEW)
    yield Case(f"ResNet-50, {FEW} heights", lambda: net.sizes(H=few), {"torch meta": _torch()}, rounds=3)


def _torch() -> Callable[[], Call]:
    def prepare() -> Call:
        import torch

        module = torch_module("resnet50")
        images = [torch.empty(1, 3, 224 + i, 224, device="meta") for i in range(FEW)]
        return lambda: [module(image) for image in images]

    return prepare
