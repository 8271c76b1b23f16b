"""Normalisation and dropout: sizes stay; some have weights, and Keras counts moving statistics among them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, ClassVar, Self

from shapesolver.arithmetic import Dim, compare
from shapesolver.layers.axes import axis_index, axis_need
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Weight, need
from shapesolver.layers.cells import Box, Cells, every, grouped
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Readings, same, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work

PAIR_NAMES = {"keras": ("gamma", "beta"), "torch": ("weight", "bias")}
AFFINE_DOC = "whether scale and shift are learned"


def channels(layer: Layer, tensor: Tensor) -> Dim:
    """The size of the channel axis."""
    return tensor.sizes[-1] if layer.dialect.channels_last else tensor.sizes[0]


class Normalisation(Layer):
    """A layer that rescales its input, with a learned scale and shift."""

    elementwise: ClassVar = True
    onnx_names: ClassVar[tuple[str, str]] = ("scale", "B")
    """What ONNX calls the scale and shift of this operator."""

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield need(inputs[0].rank >= 1, "wrong-rank", f"{self.op} needs channels, and its input has no axis")

    def pair(self, shape: tuple[Dim, ...], scale: bool = True, shift: bool = True) -> tuple[Weight, ...]:
        """The learned scale and shift, in the dialect's names."""
        names = PAIR_NAMES.get(self.dialect.name, self.onnx_names)
        return tuple(Weight(name, shape) for name, present in zip(names, (scale, shift), strict=True) if present)

    def statistics(self, tensor: Tensor) -> Dim:
        """How many means an example has, and as many variances."""
        raise NotImplementedError

    def work(self, *inputs: Tensor) -> Work:
        """5 operations a cell for mean, variance and scaling by them; a learned scale and shift add 1 each"""
        return Work(other=inputs[0].cells * (5 + len(self.weights(*inputs))))

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, and the means and variances."""
        return Saved(inputs=True, cells=2 * self.statistics(inputs[0]))

    def expected_channels(self, tensor: Tensor, expected: Dim | None, says: str = "") -> Iterator[Need]:
        """That the channels are as many as the author says, if the author does."""
        if expected is not None:
            got = channels(self, tensor)
            yield need(
                compare("==", got, expected),
                "features-mismatch",
                f"{self.op} is told to expect {expected} channels, and {got} come in",
                f"features={expected}",
                says.format(got=got, expected=expected) if self.dialect.torch else "",
            )


@layer("batch_norm")
class BatchNorm(Normalisation):
    """Each channel normalised over the batch and all places.

    Keras keeps ``moving_mean`` and ``moving_variance`` as weights that are not trained; PyTorch keeps buffers, which
    are no parameters.
    """

    other_names: ClassVar = {
        "BatchNormalization": "",
        "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm": "features",
    }

    affine: bool = declare(Kind.FLAG, AFFINE_DOC, default=True)
    scale: bool = declare(Kind.FLAG, "whether the scale is learned", default=True)
    center: bool = declare(Kind.FLAG, "whether the shift is learned", default=True)
    features: Dim | None = declare(
        Kind.SIZE, "channels, checked when given", default=None, names=("num_features",), least=1
    )

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        says = "running_mean should contain {got} elements not {expected}"
        yield from self.expected_channels(inputs[0], self.features, says)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        shape = (channels(self, inputs[0]),)
        arrays = self.pair(shape, self.affine and self.scale, self.affine and self.center)
        if self.dialect.torch:
            return arrays
        names = ("moving_mean", "moving_variance") if self.dialect.keras else ("input_mean", "input_var")
        return (*arrays, *(Weight(name, shape, trainable=False) for name in names))

    def work(self, *inputs: Tensor) -> Work:
        """2 operations a cell: what is learned and measured comes to one factor and one term for each channel"""
        return Work(other=2 * inputs[0].cells)

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, and the batch's mean and variance of each channel."""
        return Saved(inputs=True, fixed=2 * channels(self, inputs[0]))

    def over_maps(self, places: int) -> Layer | None:
        """Itself: features become channels, which it normalises one by one."""
        return self if places == 1 else None


@layer("layer_norm")
class LayerNorm(Normalisation):
    """The last ``axes`` axes normalised together, or those of the ``shape`` given."""

    other_names: ClassVar = {"LayerNormalization": "", "LayerNorm": "shape"}
    onnx_names: ClassVar = ("Scale", "B")

    axes: int = declare(Kind.COUNT, "how many axes at the end", default=1, least=1)
    shape: Any = declare(
        Kind.SIZES,
        "the sizes of those axes, checked when given",
        default=None,
        names=("normalized_shape",),
        least=1,
    )
    affine: bool = declare(Kind.FLAG, AFFINE_DOC, default=True, names=("elementwise_affine",))
    bias: bool = declare(Kind.FLAG, "whether the shift is learned", default=True, names=("center",))

    @property
    def count(self) -> int:
        """How many axes are normalised."""
        return self.axes if self.shape is None else len(self.shape)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        (tensor,) = inputs
        yield need(tensor.rank >= self.count, "wrong-rank", f"layer_norm over {self.count} axes of {tensor}")
        if self.shape is not None:
            for given, size in zip(self.shape, tensor.sizes[-self.count :], strict=True):
                yield need(
                    compare("==", given, size),
                    "features-mismatch",
                    f"layer_norm is told to expect {given}, and {size} comes in",
                    f"{given} is not {size}",
                )

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """All of the axes that are normalised together."""
        (tensor,) = inputs
        kept = tensor.rank - self.count
        return ((*map(same, range(kept)), *map(whole, tensor.sizes[kept:])),)

    def over_maps(self, places: int) -> Layer | None:
        """Itself where the channels are last, as features are."""
        return self if places == 1 and self.count == 1 and self.dialect.channels_last else None

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        return self.pair(inputs[0].sizes[-self.count :], self.affine, self.affine and self.bias)

    def statistics(self, tensor: Tensor) -> Dim:
        return prod(tensor.sizes[: -self.count])


class Spatial(Normalisation):
    """A normalisation by the statistics of all places of one example."""

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Every place; the channels as they are grouped."""
        sizes = inputs[0].sizes
        channel = len(sizes) - 1 if self.dialect.channels_last else 0
        return (tuple(whole(n, channel) if axis == channel else whole(n) for axis, n in enumerate(sizes)),)

    def channels_read(self, wanted: Cells, channels: int) -> Cells:
        """The channels whose statistics these channels are normalised by."""
        return wanted

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        sizes: Any = inputs[0].sizes
        channel = len(sizes) - 1 if self.dialect.channels_last else 0
        read = self.channels_read(wanted[channel], sizes[channel])
        yield 0, tuple(read if axis == channel else every(n) for axis, n in enumerate(sizes))


@layer("group_norm")
class GroupNorm(Spatial):
    """The channels normalised in ``groups`` groups, which must be equal."""

    other_names: ClassVar = {"GroupNormalization": "groups", "GroupNorm": "groups features"}
    onnx_names: ClassVar = ("scale", "bias")

    groups: Dim = declare(Kind.SIZE, "groups of channels", names=("num_groups",), least=1)
    features: Dim | None = declare(
        Kind.SIZE, "channels, checked when given", default=None, names=("num_channels",), least=1
    )
    affine: bool = declare(Kind.FLAG, AFFINE_DOC, default=True)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        yield from self.expected_channels(inputs[0], self.features)
        yield self.divisible(
            channels(self, inputs[0]),
            self.groups,
            "its channels",
            "groups",
            "num_channels ({dividend}) must be divisible by num_groups ({divisor})" if self.dialect.torch else "",
        )

    def channels_read(self, wanted: Cells, channels: int) -> Cells:
        return grouped(wanted, channels, channels, self.groups)  # type: ignore[arg-type]

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        return self.pair((channels(self, inputs[0]),), self.affine, self.affine)

    def statistics(self, tensor: Tensor) -> Dim:
        return self.groups


@layer("instance_norm")
class InstanceNorm(Spatial):
    """Each channel of each example normalised on its own. ONNX' always has a scale and shift, PyTorch's if asked."""

    other_names: ClassVar = {
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d": "features",
        "InstanceNormalization": "",
    }

    affine: bool | None = declare(Kind.FLAG, f"{AFFINE_DOC} (onnx: yes; others: no)", default=None)
    features: Dim | None = declare(
        Kind.SIZE, "channels, checked when given", default=None, names=("num_features",), least=1
    )

    def spelled_out(self, *inputs: Tensor) -> Self:
        return self.with_(affine=self.learns)

    @property
    def learns(self) -> bool:
        """Whether there is a scale and shift."""
        return self.dialect.onnx if self.affine is None else self.affine

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        if self.learns or not self.dialect.torch:  # PyTorch's only warns where it learns nothing
            yield from self.expected_channels(inputs[0], self.features)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        return self.pair((channels(self, inputs[0]),), self.learns, self.learns)

    def statistics(self, tensor: Tensor) -> Dim:
        return channels(self, tensor)

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, the means and variances, and the scale laid out for each example."""
        return Saved(inputs=True, cells=self.statistics(inputs[0]) * (3 if self.learns else 2))


@layer("standardize")
class Standardize(Normalisation):
    """Features less a mean and over a deviation that are learned from the data beforehand, as Keras' Normalization.

    Keras keeps ``mean``, ``variance`` and ``count``, none of them trained; with ``fixed`` they are stated and no
    weights.
    """

    other_names: ClassVar = {"Normalization": "axis"}

    axis: Any = declare(Kind.AXES, "the axes along which features differ; none for one of all", default=(-1,))
    fixed: bool = declare(Kind.FLAG, "whether mean and variance are stated", default=False)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        for axis in self.axis:
            yield axis_need(self, inputs[0], axis)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        if self.fixed:
            return ()
        (tensor,) = inputs
        indices = sorted({axis_index(tensor, axis) for axis in self.axis})
        shape = tuple(tensor.sizes[index] for index in indices)
        return tuple(Weight(n, s, trainable=False) for n, s in (("mean", shape), ("variance", shape), ("count", ())))

    def work(self, *inputs: Tensor) -> Work:
        """2 operations a cell: a difference and a quotient"""
        return Work(other=2 * inputs[0].cells)

    def saves(self, *inputs: Tensor) -> Saved:
        """Nothing: its derivative is one over the deviation, which is known."""
        return Saved()


@layer("dropout")
class Dropout(Layer):
    """Cells set to zero at random while training."""

    other_names: ClassVar = {
        "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout SpatialDropout1D SpatialDropout2D SpatialDropout3D "
        "GaussianDropout": "rate",
    }
    elementwise: ClassVar = True

    rate: float = declare(Kind.NUMBER, "the share set to zero", default=0.5, names=("p", "prob"), least=-1)

    def shares_memory(self) -> bool:
        return True

    def saves(self, *inputs: Tensor) -> Saved:
        """The mask, as numbers; a rate of 0 does nothing."""
        return Saved() if self.rate == 0 else Saved(cells=inputs[0].cells)

    def over_maps(self, places: int) -> Layer | None:
        return self
