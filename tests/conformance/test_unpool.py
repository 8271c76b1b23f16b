"""Unpooling, against PyTorch: which sizes it takes, with every cell of the last window a maximum somewhere."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import shapesolver
from shapesolver.arithmetic import holds
from shapesolver.net import Net

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.conformance

F = torch.nn.functional
NAMES = {1: "L", 2: "HW", 3: "DHW"}


def random_case(random: Random) -> tuple[str, dict[str, Any], dict[str, Any], int]:
    """A network of a pool and its unpool, and what each is given in PyTorch."""
    rank = random.choice((1, 1, 2, 2, 2, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(random.randint(low, high) for _ in range(rank))

    kernel = each(1, 4)
    windows = {"kernel_size": kernel, "stride": kernel if random.random() < 0.4 else each(1, 4), "padding": (0,) * rank}
    if random.random() < 0.5:
        windows["padding"] = tuple(random.randint(0, k // 2) for k in kernel)
    pool = {**windows, "dilation": (1,) * rank, "ceil_mode": random.random() < 0.2}
    if random.random() < 0.2:
        pool["dilation"] = each(1, 3)
        if 1 in pool["kernel_size"] or 2 in pool["kernel_size"]:
            # A window of 2 may lie in the padding alone, where PyTorch remembers a cell that there is not.
            windows["padding"] = pool["padding"] = (0,) * rank
    unpool = dict(windows)
    if random.random() < 0.2:
        unpool["kernel_size"] = each(1, 4)
    return written(pool, unpool, rank, random), pool, unpool, rank


def written(pool: dict[str, Any], unpool: dict[str, Any], rank: int, random: Random) -> str:
    """The network, at whatever size; the unpool's size stated now and then."""
    ceil = "true" if pool["ceil_mode"] else "false"
    stated = ""
    if random.random() < 0.3:
        entries = [f"image.{axis}" + random.choice(("", "", "", " - 1", " + 1")) for axis in NAMES[rank]]
        stated = f", output_size=({', '.join(entries)},)"
    return (
        f"dialect torch\nimage = input(2, {', '.join(NAMES[rank])})\n"
        f"p = max_pool({pool['kernel_size']}, stride={pool['stride']}, padding={pool['padding']}, "
        f"dilation={pool['dilation']}, ceil_mode={ceil})\n"
        f"unpool({unpool['kernel_size']}, _, p, stride={unpool['stride']}, padding={unpool['padding']}{stated})\n"
    )


def runs(net: Net, pool: dict[str, Any], unpool: dict[str, Any], sizes: tuple[int, ...]) -> bool:
    """Whether PyTorch unpools a ramp, whose maxima lie at the end of every window."""
    rank = len(sizes)
    ramp = torch.arange(float(2 * torch.Size(sizes).numel())).reshape(1, 2, *sizes)
    try:
        found, places = getattr(F, f"max_pool{rank}d")(ramp, **pool, return_indices=True)
        stated = {}
        if "output_size" in net.text:
            offsets = [offset_of(part) for part in net.text.rpartition("output_size=(")[2].split(",")[:rank]]
            stated["output_size"] = tuple(n + off for n, off in zip(sizes, offsets, strict=True))
        result = getattr(F, f"max_unpool{rank}d")(found, places, **unpool, **stated)
    except (RuntimeError, ValueError):
        return False
    return 0 not in result.shape


def offset_of(entry: str) -> int:
    """The number in ``image.H - 1``."""
    return int(entry.partition(".")[2][1:].replace(" ", "") or "0")


@pytest.mark.parametrize("seed", range(3))
def test_valid_sizes_are_those_that_run(seed: int) -> None:
    random = Random(seed)
    ran = refused = 0
    for _ in range(100):
        text, pool, unpool, rank = random_case(random)
        net = shapesolver.parse(text)
        for _ in range(5):
            sizes = tuple(random.randint(1, 12) for _ in range(rank))
            values = dict(zip(NAMES[rank], sizes, strict=True))
            expected = runs(net, pool, unpool, sizes)
            concrete = net.at(**values).derivation
            assert (not any(True for _ in concrete.broken())) is expected, (text, sizes)
            conditions = [need.truth for _, need in net.derivation.conditions()]
            broken = any(True for _ in net.derivation.broken())
            general = not broken and all(holds(truth, values) for truth in conditions)
            assert general is expected, (text, sizes)
            ran, refused = ran + expected, refused + (not expected)
    assert ran > 100 and refused > 100
