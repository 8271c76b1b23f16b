"""Each layer kind in PyTorch's terms: what module it is, and how it is called. One writer a kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal, NamedTuple, NoReturn

from shapesolver.arithmetic import Dim, Formula
from shapesolver.exchange.code import Expression, Size, Slot, Written
from shapesolver.exchange.errors import ExchangeError
from shapesolver.layers.axes import axis_index
from shapesolver.layers.base import Layer, Tensor

Layout = Literal["first", "file", "either"]
"""The order of axes that a layer needs: channels first, the file's, or either as long as all inputs agree."""

FAMILIES = ("windows", "spatial", "features", "shapes", "merging")
"""The modules of this package that hold writers."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A layer in its place, ready to be written."""

    path: str
    layer: Layer
    """With its numbers at the usual input sizes."""
    open: Layer
    """With formulas in the input sizes left as they are."""
    tensors: tuple[Tensor, ...]
    """What it consumes, in the file's layout, at the usual sizes."""
    results: tuple[Tensor, ...]
    inputs: tuple[Expression, ...]
    """The tensors that it consumes, in the layout that it needs."""
    first: bool
    """Whether they have their channels first where the file has them last."""

    def refuse(self, why: str) -> NoReturn:
        """Give up: PyTorch cannot do this."""
        raise ExchangeError(f"{self.path}: {self.layer.describe()} cannot be written in PyTorch: {why}")

    def number(self, value: Dim, what: str) -> int:
        """A number that a constructor needs; a formula is refused."""
        if isinstance(value, Formula):
            raise ExchangeError(
                f"{self.path}: its {what} depends on the input sizes, {value}; state them, as in --at H=224,W=224"
            )
        return value

    def numbers(self, value: Any, what: str) -> Any:
        """A number, or a tuple of numbers, that a constructor needs."""
        if isinstance(value, tuple):
            return tuple(self.numbers(item, what) for item in value)
        return value if value is None else self.number(value, what)

    def slot(self, name: str, hint: str, default: Any = None) -> Slot:
        """A parameter of the layer as a constructor's keyword."""
        return Slot(self.numbers(getattr(self.layer, name), name), hint, default)

    @property
    def channels(self) -> int:
        """The channels of the first input."""
        sizes = self.tensors[0].sizes
        return self.number(sizes[-1] if self.layer.dialect.channels_last else sizes[0], "input channels")

    @property
    def out_channels(self) -> int:
        """The channels of the first result."""
        sizes = self.results[0].sizes
        return self.number(sizes[-1] if self.layer.dialect.channels_last else sizes[0], "output channels")

    @property
    def features(self) -> int:
        """The last axis of the first input."""
        return self.number(self.tensors[0].sizes[-1], "input features")

    @property
    def rank(self) -> int:
        """How many spatial axes the first input has."""
        return self.tensors[0].rank - 1

    def ranked(self, name: str) -> str:
        """A module's name with its number of spatial axes: ``nn.Conv2d``."""
        if not 1 <= self.rank <= 3:
            self.refuse(f"there is no nn.{name} for {self.rank} spatial axes")
        return f"nn.{name}{self.rank}d"

    def each(self, name: str) -> tuple[Any, ...]:
        """A per-axis parameter, one entry an axis."""
        layer: Any = self.layer
        return tuple(self.numbers(layer.at(name, axis), name) for axis in range(self.rank))

    def dim(self, axis: Any, extra: int = 0) -> int:
        """The number of an axis in PyTorch, where the tensor lies as it is written."""
        index = axis_index(self.tensors[0], axis, extra)
        if not self.first:
            return index + 1
        return 1 if index == self.tensors[0].rank - 1 else index + 2


def size(value: Dim) -> Expression:
    """A size that is worked out in ``forward``."""
    return Size(value) if isinstance(value, Formula) else value


def common(values: tuple[Any, ...]) -> Any:
    """One number where all are equal, as people write it."""
    return values[0] if len(set(values)) == 1 else values


Writer = Callable[[Any], Written]


class Entry(NamedTuple):
    """How a kind is written, and what layout it needs."""

    write: Writer
    layout: Layout


_WRITERS: dict[str, Entry] = {}


def writes(*ops: str, layout: Layout = "file") -> Callable[[Writer], Writer]:
    """Register a function as the writer of these layer kinds."""

    def register(write: Writer) -> Writer:
        _WRITERS.update(dict.fromkeys(ops, Entry(write, layout)))
        return write

    return register


@cache
def writers() -> dict[str, Entry]:
    """Every layer kind that can be written."""
    for family in FAMILIES:
        import_module(f"shapesolver.exchange.torch.writers.{family}")
    return _WRITERS
