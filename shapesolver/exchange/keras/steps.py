"""What a layer is in Keras: layers and functions called one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shapesolver.arithmetic import Dim, Formula
from shapesolver.exchange.errors import ExchangeError
from shapesolver.layers.activation import PLAIN
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor

ACTIVATIONS = frozenset([*PLAIN, "leaky_relu", "elu", "celu", "softmax", "log_softmax"]) - {"identity"}
"""Our activations that Keras knows by the same name."""


class DependsOnInput(ExchangeError):
    """A number that Keras needs depends on the input's size."""


@dataclass(frozen=True, slots=True)
class Step:
    """A layer of Keras applied to what comes from before, ``layers.Conv2D(32, 3)(x)``, or a function of it,
    ``ops.squeeze(x, axis=1)``."""

    target: str
    """``layers.Conv2D`` or ``ops.squeeze``."""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    listed: bool = False
    """Whether several tensors are given as one list."""
    named: bool = True
    """Whether it is the one that bears the layer's name."""

    @property
    def is_layer(self) -> bool:
        """Whether it is a layer, and not a function."""
        return not self.target.startswith("ops.")


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer in its place: its inputs' sizes, and where an error is blamed."""

    layer: Layer
    inputs: tuple[Tensor, ...]
    path: str
    outputs: tuple[Tensor, ...]

    def error(self, why: str) -> ExchangeError:
        """That Keras cannot express it."""
        return ExchangeError(f"{self.path}: Keras has no {self.layer.describe()}: {why}")

    @property
    def spatial(self) -> int:
        """How many spatial axes the first input has."""
        return self.inputs[0].rank - 1

    def ranked(self, name: str, suffix: str = "") -> str:
        """A layer's class by the number of spatial axes: ``layers.Conv2D``."""
        return f"layers.{name}{self.spatial}D{suffix}"

    def layout(self) -> dict[str, Any]:
        """``data_format``, where it is not Keras' own."""
        return {} if self.layer.dialect.channels_last else {"data_format": "channels_first"}

    def channel_axis(self) -> dict[str, Any]:
        """``axis``, where channels are not last."""
        return {} if self.layer.dialect.channels_last else {"axis": 1}

    def number(self, value: Any, what: str) -> Any:
        """A number that must not depend on the input's size."""
        if isinstance(value, tuple):
            return tuple(self.number(item, what) for item in value)
        if isinstance(value, Formula):
            raise DependsOnInput(self.error(f"its {what} {value} depends on the input"))
        return value

    def each(self, name: str) -> tuple[Any, ...]:
        """A per-axis parameter, one number for each spatial axis."""
        assert isinstance(self.layer, AxisWise)
        return tuple(self.number(self.layer.at(name, axis), name) for axis in range(self.spatial))

    def common(self, name: str) -> Any:
        """A per-axis parameter, one number where it is the same for all."""
        return common(self.each(name))

    def given(self, **values: tuple[Any, Any]) -> dict[str, Any]:
        """Keyword arguments, those at their defaults left out: ``given(strides=(2, 1))``."""
        return {name: value for name, (value, default) in values.items() if value != default}


def common(values: tuple[Any, ...]) -> Any:
    """One number for all where they are equal."""
    return values[0] if values.count(values[0]) == len(values) else values


Writer = Callable[[Placed], list[Step]]
WRITERS: dict[str, Writer] = {}
"""Who writes a kind of layer."""


def writes(*ops: str) -> Callable[[Writer], Writer]:
    """Register a writer for layer kinds."""

    def register(writer: Writer) -> Writer:
        for op in ops:
            WRITERS[op] = writer
        return writer

    return register


def sizes_of(placed: Placed, sizes: tuple[Dim, ...]) -> tuple[int, ...]:
    """Sizes as numbers."""
    return tuple(placed.number(size, "size") for size in sizes)
