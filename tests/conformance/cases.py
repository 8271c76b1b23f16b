"""Random single-layer cases: our layer and its input, drawn from the registry's own terms."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from shapesolver.derive import Outcome, apply
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.registry import kinds


@dataclass(frozen=True)
class Case:
    """A layer and the sizes that it is given, batch left out."""

    layer: Layer
    sizes: tuple[int, ...]

    @property
    def outcome(self) -> Outcome:
        axes = self.layer.dialect.axes(len(self.sizes))
        return apply(self.layer, (Tensor(self.sizes, axes),))

    @property
    def expected(self) -> tuple[int, ...] | None:
        """The shape that comes out, or ``None`` where the layer cannot be built."""
        outcome = self.outcome
        return None if outcome.broken else outcome.outputs[0].sizes

    @property
    def weights(self) -> dict[str, tuple[int, ...]]:
        axes = self.layer.dialect.axes(len(self.sizes))
        return {w.name: w.shape for w in self.layer.weights(Tensor(self.sizes, axes))}

    def __str__(self) -> str:
        return f"{self.layer.describe()} of {self.sizes} in {self.layer.dialect.name}"


def make(op: str, dialect: Dialect, given: tuple[int, ...], /, **parameters: Any) -> Case:
    """A case, with the parameters read as the language reads them."""
    kind = kinds()[op]
    read = {name: kind.parameters[name].read(value) for name, value in parameters.items()}
    return Case(kind(dialect=dialect, **read), given)


class Draw:
    """Random small numbers, chosen so that about a third of the cases cannot be built."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def each(self, rank: int, low: int, high: int) -> int | tuple[int, ...]:
        """One number, or one an axis."""
        if self.random.random() < 0.5:
            return self.number(low, high)
        return tuple(self.number(low, high) for _ in range(rank))

    def chance(self, probability: float = 0.5) -> bool:
        return self.random.random() < probability

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def image(self, dialect: Dialect, rank: int, channels: int, high: int = 12) -> tuple[int, ...]:
        spatial = tuple(self.number(1, high) for _ in range(rank))
        return (*spatial, channels) if dialect.channels_last else (channels, *spatial)
