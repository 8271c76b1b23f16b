"""Which input sizes the architectures of keras.applications take, and which they read every cell of.

Keras tells what sizes it takes by deriving every layer's; what is read, by the gradient of a copy that is one channel
wide, which is run. Both are asked at 20 heights and 20 widths around the least size.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

import shapesolver
from shapesolver.net import Net

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

from tests.conformance.keras_narrow import narrow, nasnet_on_torch, unread  # noqa: E402, F401
from tests.conformance.torch_running import one_thread  # noqa: E402, F401

pytestmark = pytest.mark.conformance

ARCHITECTURES = sorted(name for name in dir(keras.applications) if name[0].isupper())
LARGEST_LEAST = 400
BELOW, ABOVE = 5, 15
"""How many sizes below the least are tried, and how many from it on."""


SIZED = ("NASNetLarge", "NASNetMobile")
"""Those that pad by the parity of a size that is stated: made for any size, they take none."""


def headless(name: str) -> Any:
    """An architecture for images of any size, on a device that has shapes and no numbers."""
    with keras.device("meta"):
        return getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(None, None, 3))


def takes(model: Any, height: int, width: int) -> bool:
    """Whether Keras derives every layer's size."""
    try:
        model.compute_output_shape((1, height, width, 3))
    except (ValueError, RuntimeError):
        return False
    return True


def sizes(least: int, other: int) -> Iterator[tuple[int, int]]:
    """Heights and widths around the least, each beside a size of the other that is taken."""
    for n in range(max(least - BELOW, 1), least + ABOVE):
        yield n, other
        yield other, n


def settled(net: Net, height: int, width: int) -> bool:
    """Whether every layer can be built at this size."""
    return next(net.at(H=height, W=width).derivation.broken(), None) is None


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in SIZED])
def test_valid_sizes_and_those_that_lose_nothing(name: str) -> None:
    model = headless(name)
    net = shapesolver.from_keras(model)
    valid, lossless = net.valid(), net.ask("which input sizes lose nothing")
    assert (valid.status, lossless.status) == ("proved", "proved")
    least = next(n for n in range(1, LARGEST_LEAST) if valid.holds(H=n, W=n))
    small = narrow(model)
    compared = 0
    for height, width in sizes(least, least + 2):
        real = takes(model, height, width)
        assert valid.holds(H=height, W=width) is real, (height, width)
        if real:
            assert lossless.holds(H=height, W=width) is not unread(small, height, width), (height, width)
            compared += 1
    assert compared >= 2 * ABOVE


@pytest.mark.parametrize("name", SIZED)
def test_a_model_that_is_made_for_one_size_takes_no_other(name: str) -> None:
    model = headless(name)
    net = shapesolver.from_keras(model)
    for height, width in sizes(70, 97):
        assert settled(net, height, width) is takes(model, height, width) is False, (height, width)
