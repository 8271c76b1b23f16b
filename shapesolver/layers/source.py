"""Where tensors come from: the network's inputs, and learned tensors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, Formula, Symbol
from shapesolver.layers.base import Layer, Need, Tensor, Weight
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.registry import layer

TIME_NAMES = ("L", "T")
"""A first axis of this name makes a tensor of rank 1 or 2 a sequence: (L,) or (L, C), in every layout."""


def size_parameter() -> Any:
    """The sizes of a tensor, batch left out."""
    return declare(
        Kind.SIZES,
        "the sizes, batch left out",
        names=("shape", "input_shape", "batch_shape"),
        least=1,
        variadic=True,
    )


class Source(Layer):
    """A tensor of stated sizes, without inputs."""

    inputs: ClassVar[tuple[int, int | None]] = (0, 0)

    sizes: tuple[Dim, ...]

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        for size in self.sizes:
            yield self.positive(size, partial(str, size))

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        if 1 <= len(self.sizes) <= 2 and symbol_name(self.sizes[0]) in TIME_NAMES:
            return (Tensor(self.sizes, ("L", "C")[: len(self.sizes)]),)
        return (self.tensor(self.sizes),)


def symbol_name(size: Dim) -> str:
    """The name of a size that is one symbol, and otherwise nothing."""
    if isinstance(size, Formula) and len(size.terms) == 1 and not size.constant:
        ((monomial, coefficient),) = size.terms
        if coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Symbol):
            return monomial[0].text
    return ""


@layer("input")
class Input(Source):
    """An input of the network. ``H=224`` makes a symbol H, usually 224."""

    other_names: ClassVar = {"Input InputLayer": "sizes"}

    sizes: tuple[Dim, ...] = size_parameter()


@layer("parameter")
class LearnedTensor(Source):
    """A learned tensor, such as a class token or position embeddings."""

    other_names: ClassVar = {"Parameter": "sizes"}

    sizes: tuple[Dim, ...] = size_parameter()

    def shares_memory(self) -> bool:
        return True

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        return (Weight("weight", self.sizes),)


@layer("constant")
class Constant(Source):
    """A tensor of fixed values that are not learned, such as a mask or a table of positions."""

    other_names: ClassVar = {"Constant": "sizes"}

    sizes: tuple[Dim, ...] = size_parameter()

    def shares_memory(self) -> bool:
        """It is part of the model, whatever the batch."""
        return True
