"""A whole check of a file: parsed, derived, every rule looked at, fixes sought. No peer does this."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from shapesolver import check, parse
from tests.benchmarks.harness import Case
from tests.benchmarks.networks import network

NAMES = ("mnist", "vgg16", "resnet50", "resnet152", "unet", "inception_v3")


def cases() -> Iterator[Case]:
    """Each file as it stands."""
    for name in NAMES:
        yield Case(name, partial(_checked, network(name).text), rounds=3)


def _checked(text: str) -> object:
    return check(parse(text))
