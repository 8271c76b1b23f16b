"""Random networks for the solver's tests, each as text and as a plain counting function.

The counting functions lay windows over cells one by one. They share nothing with the package.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Count = Callable[[int], int]
"""The size that comes out; 0 where the layer cannot be built."""


def windows(n: int, before: int, after: int, span: int, stride: int, partial: bool = False) -> int:
    """How many windows fit, counted; ``partial`` keeps a last one that starts before the end of the input."""
    cells, count, start = n + before + after, 0, 0
    while start + span <= cells or (partial and start < n + before and start + span - cells < stride):
        count += 1
        start += stride
    return count


@dataclass(frozen=True)
class Step:
    """A layer as text and as a counting function."""

    text: str
    count: Count


def conv(draw: random.Random) -> Step:
    k, s, p, d = draw.randint(1, 7), draw.randint(1, 4), draw.randint(0, 3), draw.randint(1, 2)
    text = f"conv(4, kernel={k}, stride={s}, padding={p}, dilation={d})"
    return Step(text, lambda n: windows(n, p, p, d * (k - 1) + 1, s))


def pool(draw: random.Random) -> Step:
    k, s, ceil = draw.randint(1, 4), draw.randint(1, 4), draw.random() < 0.5
    p = draw.randint(0, k // 2)
    text = f"max_pool({k}, stride={s}, padding={p}, ceil_mode={'true' if ceil else 'false'})"
    return Step(text, lambda n: windows(n, p, p, k, s, ceil))


def transposed(draw: random.Random) -> Step:
    k, s, p = draw.randint(1, 5), draw.randint(1, 3), draw.randint(0, 2)
    added = draw.randint(0, s - 1)
    text = f"conv_transpose(4, kernel={k}, stride={s}, padding={p}, output_padding={added})"

    def count(n: int) -> int:
        cells: set[int] = set()
        for i in range(n):
            cells.update(range(i * s, i * s + k))
        return max(max(cells) + 1 - 2 * p + added, 0)

    return Step(text, count)


def pad(draw: random.Random) -> Step:
    a, b = draw.randint(0, 3), draw.randint(0, 3)
    return Step(f"pad((({a}, {b}),))", lambda n: n + a + b)


def crop(draw: random.Random) -> Step:
    a, b = draw.randint(0, 2), draw.randint(0, 2)
    return Step(f"crop((({a}, {b}),))", lambda n: max(n - a - b, 0))


def upsample(draw: random.Random) -> Step:
    r = draw.randint(1, 3)
    return Step(f"upsample({r})", lambda n: n * r)


def steps(draw: random.Random, most: int) -> list[Step]:
    kinds = [conv, conv, pool, pool, transposed, pad, crop, upsample]
    return [draw.choice(kinds)(draw) for _ in range(draw.randint(1, most))]


def chain_text(chain: list[Step]) -> str:
    lines = [f"l{index} = {step.text}" for index, step in enumerate(chain)]
    return "\n".join(["dialect torch", "x = input(4, L=64)", *lines])


def run(chain: list[Step], n: int) -> int:
    """The size at the end of a chain, or 0."""
    for step in chain:
        if n < 1:
            return 0
        n = step.count(n)
    return n


@dataclass(frozen=True)
class Skip:
    """Down twice, up once, joined with what it skipped: ``a -> b -> c``, ``concat(a, c)``; and a second output."""

    down: Step
    second: Step
    up: Step
    tail: Step
    halved: bool

    @property
    def text(self) -> str:
        return (
            f"dialect torch\nx = input(4, L=64)\na = {self.down.text}\nb = {self.second.text}\nc = {self.up.text}\n"
            f"d = concat(a, c)\ne = {self.tail.text}\nf = x -> {'max_pool(2)' if self.halved else 'identity'}\n"
        )

    def builds(self, n: int) -> bool:
        one = self.down.count(n)
        two = self.second.count(one) if one else 0
        three = self.up.count(two) if two else 0
        return bool(one and one == three and self.tail.count(one) and (not self.halved or n >= 2))


@dataclass(frozen=True)
class Middle:
    """A convolution between other layers, one of whose parameters is asked for."""

    before: list[Step]
    after: list[Step]
    kernel: int
    stride: int
    padding: int

    def text(self, changed: Mapping[str, object]) -> str:
        given = {"kernel": self.kernel, "stride": self.stride, "padding": self.padding, "dilation": 1, **changed}
        middle = "conv(4, " + ", ".join(f"{name}={value}" for name, value in given.items()) + ")"
        lines = [*(s.text for s in self.before), f"mid = {middle}", *(s.text for s in self.after), "out = identity"]
        return "\n".join(["dialect torch", "x = input(4, 24)", *lines])
