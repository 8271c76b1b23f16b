"""Layers that mix or look up features: fully connected layers and embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from shapesolver.arithmetic import Dim, compare
from shapesolver.layers.axes import plain
from shapesolver.layers.base import Layer, Need, Tensor, Trouble, Weight, need
from shapesolver.layers.convolution import Conv
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.patches import product
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


@layer("einsum_dense")
class EinsumDense(Layer):
    """Keras' dense layer over axes named by letters: ``einsum_dense("abc,cde->abde", (-1, 8, 64), bias="de")``.

    The first letter is the batch. Letters of the kernel that the input has take the input's sizes, the others those
    of ``sizes``, where -1 stands for an axis whose size follows.
    """

    written_by_position: ClassVar = 2
    other_names: ClassVar = {"EinsumDense": "equation sizes"}

    equation: str = declare(
        Kind.TEXT, "the axes of input, kernel and result", examples=("ab,bc->ac", "abc,cd->abd", "...x,xy->...y")
    )
    sizes: tuple[Dim, ...] = declare(
        Kind.SIZES, "the result's sizes, batch left out; -1 for those that follow", names=("output_shape",), least=-1
    )
    bias: str = declare(
        Kind.TEXT,
        "the axes of the result that the bias has; none by default",
        default="",
        names=("bias_axes",),
        examples=("c", "d", "y"),
    )

    def letters(self, rank: int) -> tuple[str, str, str] | None:
        """The axes of input, kernel and result, one letter each, batch left out and ``...`` written as digits."""
        equation = self.equation.replace(" ", "")
        if equation.count("->") != 1 or equation.count(",") != 1:
            return None
        operands, result = equation.split("->")
        given, kernel = operands.split(",")
        elided = "0123456789"[: max(rank + 1 - len(given.replace("...", "")), 0)]
        given, result = given.replace("...", elided), result.replace("...", elided)
        unnamed = set(result) - set(given) - set(kernel)
        if len(given) != rank + 1 or given[0] != result[:1] or given[0] in kernel or unnamed:
            return None
        return given[1:], kernel, result[1:]

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        (tensor,) = inputs
        letters = self.letters(tensor.rank)
        yield need(
            letters is not None,
            "wrong-rank",
            f"einsum_dense cannot read {self.equation} for an input {tensor} beside the batch",
            self.equation,
        )
        assert letters is not None
        given, kernel, result = letters
        yield need(
            len(result) == len(self.sizes),
            "wrong-rank",
            f"einsum_dense's result has {len(result)} axes beside the batch, and {len(self.sizes)} sizes are given",
        )
        for letter, size in zip(result, self.sizes, strict=True):
            if letter in given:
                follows = tensor.sizes[given.index(letter)]
                yield need(
                    size == -1 or compare("==", size, follows),
                    "size-mismatch",
                    f"einsum_dense's axis {letter} has size {follows}, and {size} is given",
                )
            else:
                yield self.positive(size, lambda size=size: f"{size}")  # type: ignore[misc]
        inside = set(kernel) <= set(given) | set(result) and set(self.bias) <= set(result)
        yield need(inside, "axis-out-of-range", f"einsum_dense's {self.equation} leaves an axis without a size")

    def _sizes(self, tensor: Tensor) -> tuple[dict[str, Dim], str, str]:
        """Every letter's size, the kernel's letters and the result's."""
        letters = self.letters(tensor.rank)
        assert letters is not None
        given, kernel, result = letters
        return (
            {**dict(zip(result, self.sizes, strict=True)), **dict(zip(given, tensor.sizes, strict=True))},
            kernel,
            result,
        )

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        sizes, _, result = self._sizes(inputs[0])
        made = tuple(sizes[letter] for letter in result)
        return (Tensor(made, inputs[0].axes) if len(made) == inputs[0].rank else self.tensor(made),)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The result's own place along the axes that stay; all of those that are summed."""
        (tensor,) = inputs
        letters = self.letters(tensor.rank)
        assert letters is not None
        given, _, result = letters
        pairs = zip(given, tensor.sizes, strict=True)
        return (tuple(same(result.index(letter)) if letter in result else whole(n) for letter, n in pairs),)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        sizes, kernel, result = self._sizes(inputs[0])
        arrays = [Weight("kernel", tuple(sizes[letter] for letter in kernel))]
        if self.bias:
            start = min(map(result.index, self.bias))
            arrays.append(Weight("bias", tuple(sizes[c] if c in self.bias else 1 for c in result[start:])))
        return tuple(arrays)

    def work(self, *inputs: Tensor) -> Work:
        """for each output cell a multiply-accumulate for each cell summed over, and an addition for the bias"""
        sizes, kernel, result = self._sizes(inputs[0])
        results = self.outputs(*inputs)[0].cells
        summed = product(tuple(sizes[letter] for letter in kernel if letter not in result))
        return Work(results * summed, results if self.bias else 0)

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
