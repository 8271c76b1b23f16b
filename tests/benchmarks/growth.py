"""How the time grows with the network: ten times the layers should take about ten times as long."""

from __future__ import annotations

from collections.abc import Iterator

from shapesolver import parse
from shapesolver.derive import apply, derive
from tests.benchmarks.harness import Call, Case
from tests.benchmarks.parsing import parsing

DEPTHS = (10, 100, 1_000, 10_000, 100_000)
WIDTHS = (10, 100, 1_000)
STEPS = ("conv(64, kernel=3, padding=1) -> relu", "conv(64, kernel=3, padding=1)")


def cases() -> Iterator[Case]:
    """Deeper and deeper chains, written out and repeated; wider and wider joins."""
    for depth in DEPTHS:
        rounds = 3 if depth < 100_000 else 1
        text = deep(depth)
        yield Case(f"parse, {depth:,} layers", parsing(text), rounds=rounds)
        yield Case(f"derive, {depth:,} layers", _derive(text), rounds=rounds)
    for width in WIDTHS:
        yield Case(f"derive, {width:,} lanes", _derive(wide(width)), rounds=3)


def deep(depth: int, sizes: str = "H=224, W=224") -> str:
    """A chain of this many layers over an image of these sizes, no line like the one before."""
    lines = (f"conv({32 + index % 7}, kernel={1 + index % 5}, padding=2)" for index in range(depth))
    return "\n".join(["dialect torch", f"x = input(3, {sizes})", *lines])


def wide(width: int) -> str:
    """This many lanes, joined."""
    lanes = ", ".join(f"conv({1 + index % 7}, kernel=3, padding=1)" for index in range(width))
    return f"dialect torch\nx = input(3, H=224, W=224)\ny = concat({lanes})"


def _derive(text: str) -> Call:
    graph = parse(text).graph

    def run() -> object:
        apply.cache_clear()
        return derive(graph)

    return run
