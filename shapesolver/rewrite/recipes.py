"""What becomes of a dense layer's weights when it becomes a convolution, step by step and framework by framework."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from shapesolver.layers.dialects import Dialect
from shapesolver.rewrite.patterns import axes_of, steps
from shapesolver.rewrite.weights import ORDERS, conv_axes, convert_weights, dense_axes


@dataclass(frozen=True, slots=True)
class Recipe:
    """One layer: the map that was flattened before it, its channels, and the dense layer's units."""

    layer: str
    dialect: Dialect
    map: tuple[int, ...]
    channels: int
    units: int
    bias: bool

    @property
    def features(self) -> int:
        """How many numbers the dense layer takes."""
        return prod(self.map) * self.channels

    def order(self, framework: str) -> str:
        """How a framework's flattened map is ordered: as the file's layout for the file's own framework."""
        dialect = self.dialect if framework == self.dialect.name else Dialect.named(framework)
        return "channels_last" if dialect.channels_last else "channels_first"

    def name(self, framework: str) -> str:
        """What a framework calls the dense layer's first array."""
        return next(iter(ORDERS["dense"][framework]))

    def dense_shape(self, framework: str) -> tuple[int, ...]:
        """The shape of the dense layer's first array."""
        return (self.features, self.units) if framework == "keras" else (self.units, self.features)

    def conv_shape(self, framework: str) -> tuple[int, ...]:
        """The shape of the convolution's first array."""
        return self._steps(framework, framework)[2]

    def _steps(self, source: str, target: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        rank = len(self.map)
        sizes = {"c": self.channels, "o": self.units, **{f"k{axis}": n for axis, n in enumerate(self.map)}}
        before, after = axes_of(dense_axes(source, self.order(source)), rank), axes_of(conv_axes(target), rank)
        return steps(before, after, sizes)

    def expression(self, source: str, target: str) -> str:
        """The conversion of the first array as numpy writes it: ``kernel.reshape(7, 7, 512, 4096)``."""
        shape, order, _ = self._steps(source, target)
        text = f"{self.name(source)}.reshape({', '.join(map(str, shape))})"
        if order != tuple(range(len(order))):
            text += f".transpose({', '.join(map(str, order))})"
        return text

    def apply(self, weights: Any, source: str | None = None, target: str | None = None) -> Any:
        """The convolution's weights: of a mapping of arrays by name, or of the first array alone.

        By default from and to the file's own framework. See :func:`shapesolver.convert_weights`.
        """
        source = source or self.dialect.name
        target = target or source
        return convert_weights(
            weights, "dense", to="conv", map=self.map, source=source, target=target, order=self.order(source)
        )

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """What to do, as (``from -> to``, the conversion, the shapes): within the file's own framework first."""
        own = self.dialect.name
        other = "torch" if own == "keras" else "keras"
        for source, target in ((own, own), (other, other), (own, other), (other, own)):
            way = source if source == target else f"{source} -> {target}"
            yield way, self.expression(source, target), self._shapes(source, target)

    def _shapes(self, source: str, target: str) -> str:
        return f"{self.dense_shape(source)} -> {self._steps(source, target)[2]}"

    def __str__(self) -> str:
        size = " x ".join(map(str, self.map))
        return f"{self.layer}: dense({self.units}) of a {size} map of {self.channels} channels"
