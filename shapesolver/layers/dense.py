"""Layers that mix or look up features: fully connected layers and embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from shapesolver.arithmetic import Dim, compare
from shapesolver.layers.axes import plain
from shapesolver.layers.base import Layer, Need, Tensor, Trouble, Weight, need
from shapesolver.layers.convolution import Conv
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Readings, same, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work


@layer("dense")
class Dense(Layer):
    """Every output feature is a weighted sum of all features of the last axis.

    Weights: Keras ``kernel (in, units)``; PyTorch ``weight (units, in)``; ONNX Gemm ``B (units, in)``, and where
    there are axes before the features MatMul ``B (in, units)``.
    """

    other_names: ClassVar = {
        "Dense": "units",
        "Linear": "in_features units bias",
        "linear fc fully_connected Gemm": "units",
    }

    units: Dim = declare(Kind.SIZE, "output features", names=("out_features", "output_dim"), least=1)
    bias: bool = declare(Kind.FLAG, "whether a bias is added", default=True, names=("use_bias",))
    in_features: Dim | None = declare(
        Kind.SIZE, "input features, checked when given", default=None, names=("input_dim",), least=1
    )

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        (tensor,) = inputs
        yield need(tensor.rank >= 1, "wrong-rank", "dense needs features, and its input has no axis")
        if self.in_features is None:
            return
        features = tensor.sizes[-1]
        yield Need(
            compare("==", features, self.in_features),
            "features-mismatch",
            lambda: Trouble(
                f"dense is told to expect {self.in_features} features, and {features} come in",
                f"in_features={self.in_features}",
                f"mat1 and mat2 shapes cannot be multiplied (Nx{features} and {self.in_features}x{self.units})"
                if self.dialect.torch
                else "",
            ),
        )

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """All features at the result's own place."""
        (tensor,) = inputs
        return ((*map(same, range(tensor.rank - 1)), whole(tensor.sizes[-1])),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        (tensor,) = inputs
        return (Tensor((*tensor.sizes[:-1], self.units), tensor.axes),)

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        features = inputs[0].sizes[-1]
        bias = ", and a bias" if self.bias else ""
        where = "" if inputs[0].rank == 1 else " at its place, with the same weights at every place"
        yield f"Each of the {self.units} outputs is a weighted sum of all {features} features{where}{bias}."

    def as_windows(self, sizes: tuple[int, ...]) -> Layer | None:
        """The convolution whose kernel is the whole map."""
        kind: type[Layer] = Conv
        return kind(dialect=self.dialect, channels=self.units, kernel=plain(sizes), bias=self.bias)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        features = inputs[0].sizes[-1]
        if self.dialect.keras:
            kernel, bias = Weight("kernel", (features, self.units)), "bias"
        else:
            name, bias = ("weight", "bias") if self.dialect.torch else ("B", "C")
            product = self.dialect.onnx and inputs[0].rank > 1
            kernel = Weight(name, (features, self.units) if product else (self.units, features))
        return (kernel, Weight(bias, (self.units,))) if self.bias else (kernel,)

    def work(self, *inputs: Tensor) -> Work:
        """for each output cell as many multiply-accumulates as features come in, and an addition for the bias"""
        results = self.outputs(*inputs)[0].cells
        return Work(results * inputs[0].sizes[-1], results if self.bias else 0)

    def saves(self, *inputs: Tensor) -> Saved:
        return Saved(inputs=True)


@layer("embedding")
class Embedding(Layer):
    """A learned vector of ``dim`` features for each of ``vocabulary`` indices: ``(...)`` becomes ``(..., dim)``."""

    written_by_position: ClassVar = 2
    other_names: ClassVar = {"Embedding": "vocabulary dim"}

    vocabulary: Dim = declare(Kind.SIZE, "how many indices there are", names=("num_embeddings", "input_dim"), least=1)
    dim: Dim = declare(Kind.SIZE, "features of each vector", names=("embedding_dim", "output_dim", "features"), least=1)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The index at the result's own place."""
        return (tuple(map(same, range(inputs[0].rank))),)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        sizes = (*inputs[0].sizes, self.dim)
        if len(sizes) == 2:
            return (Tensor(sizes, ("L", "C")),)
        return (self.tensor(sizes),)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        name = {"keras": "embeddings", "torch": "weight", "onnx": "data"}[self.dialect.name]
        return (Weight(name, (self.vocabulary, self.dim)),)

    def saves(self, *inputs: Tensor) -> Saved:
        """The indices."""
        return Saved(indices=inputs[0].cells)
