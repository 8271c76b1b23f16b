"""A layer that is not known: what it is called elsewhere, and the sizes that were seen to come out of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from shapesolver.arithmetic import Dim
from shapesolver.layers.base import Layer, Need, Tensor, Weight
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Readings, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work


@layer("opaque")
class Opaque(Layer):
    """A layer of another framework that has no counterpart here, kept in its place.

    Its results have the sizes that were observed, whatever comes in: ``opaque("Lambda", (28, 28, 3))`` makes one
    tensor, ``a, b = opaque("TopK", (10,), (10,))`` two. A new name among the sizes, ``opaque("NonZero", (N, 2))``,
    is a size that is not known.
    """

    written_by_position: ClassVar = 2
    unknown_sizes: ClassVar = True
    inputs: ClassVar[tuple[int, int | None]] = (1, None)

    what: str = declare(Kind.TEXT, "what it is called where it comes from")
    sizes: tuple[tuple[Dim, ...], ...] = declare(
        Kind.SHAPES, "the sizes of each result, batch left out", least=1, variadic=True
    )
    params: Dim = declare(Kind.SIZE, "how many numbers it learns", default=0, least=0)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        for size in (size for sizes in self.sizes for size in sizes):
            yield self.positive(size, partial(str, size))

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(self.tensor, self.sizes))

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Not known: everything, as a bound."""
        return tuple(tuple(whole(n)._replace(exact=False) for n in tensor.sizes) for tensor in inputs)

    def work(self, *inputs: Tensor) -> Work:
        """not known"""
        return Work(known=False)

    def saves(self, *inputs: Tensor) -> Saved:
        """Everything, since nothing is known of it."""
        return Saved(inputs=True, outputs=True)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        return () if self.params == 0 else (Weight("weights", (self.params,)),)
