"""Random graphs as a ``.net`` text and as the PyTorch function that it describes, drawn side by side."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

Module = Callable[..., Any]

CHANNELS = 2
"""Channels everywhere, so that any two tensors can be added."""


@dataclass
class Drawn:
    """A graph while it is drawn. Tensors go by name, each with its spatial sizes."""

    random: random.Random
    rank: int
    sizes: tuple[int, ...]
    maxima: bool
    """Whether max pools may be drawn; through them it is not gradients that tell what is read."""
    lines: list[str] = field(default_factory=list)
    steps: list[tuple[str, Module, tuple[str, ...]]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The network's text."""
        sizes = ", ".join(map(str, self.sizes))
        return "\n".join(["dialect torch", f"x = input({CHANNELS}, {sizes})", *self.lines])

    def run(self, x: Any) -> dict[str, Any]:
        """Every tensor of the graph, by name."""
        made = {"x": x}
        for name, module, sources in self.steps:
            made[name] = module(*(made[source] for source in sources))
        return made

    def add(self, text: str, module: Module, *sources: str) -> str:
        """One layer; its name."""
        name = f"t{len(self.steps)}"
        self.lines.append(f"{name} = {text.format(*sources)}")
        self.steps.append((name, module, sources))
        return name

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def each(self, low: int, high: int) -> tuple[int, ...]:
        return tuple(self.number(low, high) for _ in range(self.rank))


def positive(*shape: int) -> Any:
    """Weights that cannot cancel."""
    return torch.rand(*shape, dtype=torch.float64) + 0.5


def ranked(name: str, rank: int) -> Any:
    return getattr(functional, f"{name}{rank}d")


def conv(d: Drawn, source: str) -> str:
    kernel, stride, dilation = d.each(1, 4), d.each(1, 3), d.each(1, 3)
    padding = d.each(0, 3)
    weight = positive(CHANNELS, CHANNELS, *kernel)
    return d.add(
        f"{{}} -> conv({CHANNELS}, kernel={kernel}, stride={stride}, padding={padding}, dilation={dilation})",
        lambda x: ranked("conv", d.rank)(x, weight, None, stride, padding, dilation),
        source,
    )


def depthwise(d: Drawn, source: str) -> str:
    kernel = d.each(1, 5)
    weight = positive(CHANNELS, 1, *kernel)
    return d.add(
        f"{{}} -> depthwise_conv({kernel}, padding={tuple(k // 2 for k in kernel)})",
        lambda x: ranked("conv", d.rank)(x, weight, None, 1, tuple(k // 2 for k in kernel), 1, CHANNELS),
        source,
    )


def transposed(d: Drawn, source: str) -> str:
    kernel, stride, dilation = d.each(1, 4), d.each(1, 3), d.each(1, 2)
    padding, added = d.each(0, 1), tuple(d.number(0, s - 1) for s in stride)
    weight = positive(CHANNELS, CHANNELS, *kernel)
    return d.add(
        f"{{}} -> conv_transpose({CHANNELS}, kernel={kernel}, stride={stride}, padding={padding}, "
        f"output_padding={added}, dilation={dilation})",
        lambda x: ranked("conv_transpose", d.rank)(x, weight, None, stride, padding, added, 1, dilation),
        source,
    )


def pool(d: Drawn, source: str) -> str:
    kernel, stride = d.each(1, 3), d.each(1, 3)
    padding, ceil = tuple(d.number(0, k // 2) for k in kernel), d.random.random() < 0.4
    kind = "max" if d.maxima and d.random.random() < 0.7 else "avg"
    return d.add(
        f"{{}} -> {kind}_pool({kernel}, stride={stride}, padding={padding}, ceil_mode={str(ceil).lower()})",
        lambda x: ranked(f"{kind}_pool", d.rank)(x, kernel, stride, padding, ceil_mode=ceil),
        source,
    )


def adaptive(d: Drawn, source: str) -> str:
    target = d.each(1, 5)
    return d.add(
        f"{{}} -> adaptive_avg_pool({target})", lambda x: ranked("adaptive_avg_pool", d.rank)(x, target), source
    )


def upsample(d: Drawn, source: str) -> str:
    scale = d.number(2, 3)
    smooth = not d.maxima and d.random.random() < 0.5
    mode = {1: "linear", 2: "bilinear"}[d.rank] if smooth else "nearest"
    return d.add(
        f"{{}} -> upsample({scale}, mode={mode})",
        lambda x: functional.interpolate(x, scale_factor=scale, mode=mode),
        source,
    )


def pad(d: Drawn, source: str) -> str:
    pairs = tuple((d.number(0, 2), d.number(0, 2)) for _ in range(d.rank))
    mode = d.random.choice(["constant", "reflect", "replicate", "circular"])
    flat = [amount for pair in reversed(pairs) for amount in pair]
    return d.add(f"{{}} -> pad({pairs}, mode={mode})", lambda x: functional.pad(x, flat, mode=mode), source)


def crop(d: Drawn, source: str) -> str:
    pairs = tuple((d.number(0, 2), d.number(0, 2)) for _ in range(d.rank))
    flat = [-amount for pair in reversed(pairs) for amount in pair]
    return d.add(f"{{}} -> crop({pairs})", lambda x: functional.pad(x, flat), source)


def sliced(d: Drawn, source: str) -> str:
    start, step, axis = d.number(0, 2), d.number(1, 3), d.number(0, d.rank - 1)
    name = "L" if d.rank == 1 else "HW"[axis]
    index = (..., *(slice(start, None, step) if a == axis else slice(None) for a in range(d.rank)))
    return d.add(f"{{}} -> slice({start}, step={step}, axis={name})", lambda x: x[index], source)


def relu(d: Drawn, source: str) -> str:
    return d.add("{} -> relu", functional.relu, source)


def gate(d: Drawn, source: str) -> str:
    axes = tuple(range(2, 2 + d.rank))
    squeezed = d.add("{} -> adaptive_avg_pool(1)", lambda x: x.mean(axes, keepdim=True), source)
    return d.add("mul({}, {})", lambda x, y: (x + 1) * (y + 1), source, squeezed)


SINGLE = [conv, conv, conv, depthwise, transposed, pool, pool, upsample, pad, crop, sliced, relu, adaptive, gate]


def aligned_sum(d: Drawn, one: str, other: str, sizes: dict[str, tuple[int, ...]]) -> str:
    """Two tensors added, both cropped to the sizes that they share, the second from somewhere on."""
    common = tuple(map(min, sizes[one], sizes[other]))
    ends = []
    for name in (one, other):
        starts = tuple(d.number(0, n - c) for n, c in zip(sizes[name], common, strict=True))
        pairs = tuple((a, n - c - a) for a, n, c in zip(starts, sizes[name], common, strict=True))
        flat = [-amount for pair in reversed(pairs) for amount in pair]
        ends.append(d.add(f"{{}} -> crop({pairs})", lambda x, flat=flat: functional.pad(x, flat), name))
    if d.random.random() < 0.5:
        return d.add("add({}, {})", lambda a, b: a + b, *ends)
    joined = d.add("concat({}, {})", lambda a, b: torch.cat([a, b], 1), *ends)
    weight = positive(CHANNELS, 2 * CHANNELS, *(1,) * d.rank)
    return d.add(f"{{}} -> conv({CHANNELS}, kernel=1)", lambda x: ranked("conv", d.rank)(x, weight), joined)


def draw(seed: int, maxima: bool) -> tuple[Drawn, str] | None:
    """A graph of up to ten layers with branches, and its last tensor; ``None`` where PyTorch refuses it."""
    chooser = random.Random(seed)
    rank = 1 if chooser.random() < 0.6 else 2
    high = 40 if rank == 1 else 14
    d = Drawn(chooser, rank, tuple(chooser.randint(6, high) for _ in range(rank)), maxima)
    made = {"x": torch.zeros(1, CHANNELS, *d.sizes, dtype=torch.float64)}
    last = "x"
    for _ in range(chooser.randint(2, 7)):
        before = len(d.steps), len(d.lines)
        try:
            if len(made) > 2 and chooser.random() < 0.35:
                other = chooser.choice([name for name in made if name != last])
                new = aligned_sum(d, last, other, {name: tuple(t.shape[2:]) for name, t in made.items()})
            else:
                new = chooser.choice(SINGLE)(d, last)
            for name, module, sources in d.steps[before[0] :]:
                made[name] = module(*(made[source] for source in sources))
            if not 0 < made[new].numel() < 6000:
                raise ValueError("too large or empty")
        except (RuntimeError, ValueError):
            for name, _, _ in d.steps[before[0] :]:
                made.pop(name, None)
            del d.steps[before[0] :], d.lines[before[1] :]
            continue
        last = new
    return (d, last) if len(d.steps) > 1 else None


def gradient_reads(d: Drawn, last: str, unit: tuple[int, ...]) -> Any:
    """For each cell of the input, channels together, whether the gradient of a unit says that it is read."""
    x = (torch.rand(1, CHANNELS, *d.sizes, dtype=torch.float64) + 0.5).requires_grad_()
    y = d.run(x)[last]
    (gradient,) = torch.autograd.grad(y[(slice(None), slice(None), *unit)].sum(), x)
    return (gradient != 0).any(1)[0]


def changed_reads(d: Drawn, last: str, unit: tuple[int, ...]) -> Any:
    """As :func:`gradient_reads`, by making each cell not a number: what becomes so has read it."""
    cells = torch.ones(d.sizes).nonzero()
    x = torch.rand(len(cells), CHANNELS, *d.sizes, dtype=torch.float64)
    for number, cell in enumerate(cells):
        x[(number, slice(None), *cell.tolist())] = torch.nan
    read = d.run(x)[last][(slice(None), slice(None), *unit)].isnan().any(1)
    return read.reshape(d.sizes)
