"""Which input sizes a whole network can be built with: from the graph to the complete set."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.harness import Case
from tests.benchmarks.networks import network

NAMES = ("unet", "unet_572", "vgg16", "resnet152", "inception_v3", "densenet121")


def cases() -> Iterator[Case]:
    """No peer answers this from a network; the same question as bare arithmetic is among the inverse ones."""
    for name in NAMES:
        limit = 0.01 if name == "unet" else None
        yield Case(name, network(name).valid, limit=limit, rounds=5)
