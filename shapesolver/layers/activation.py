"""Activations: a function of each cell, so that sizes stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim, compare, either
from shapesolver.layers.axes import axis_index, axis_need, with_size
from shapesolver.layers.base import Layer, Need, Tensor, Trouble, Weight
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Reading, Readings, same, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work

PLAIN = {
    "relu": "ReLU Relu",
    "relu6": "ReLU6",
    "selu": "SELU Selu",
    "gelu": "GELU Gelu",
    "silu": "SiLU swish Swish",
    "mish": "Mish",
    "sigmoid": "Sigmoid",
    "hard_sigmoid": "Hardsigmoid HardSigmoid",
    "hard_swish": "Hardswish HardSwish hard_silu",
    "tanh": "Tanh",
    "hard_tanh": "Hardtanh HardTanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "log_sigmoid": "LogSigmoid",
    "exponential": "exp Exp",
}
"""Activations without parameters, and their names elsewhere."""

FROM_RESULT = {"relu", "sigmoid", "tanh", "exponential"}
"""Those whose derivative follows from their result."""

WITH_REST = {"softsign", "log_sigmoid"}
"""Those that leave an intermediate result as well."""

WITH_SLOPE = {"leaky_relu": "LeakyReLU LeakyRelu", "elu": "ELU Elu", "celu": "CELU Celu"}
"""Activations with one number."""


class Activation(Layer):
    """A function of each cell by itself."""

    elementwise: ClassVar = True
    saved: ClassVar[Saved] = Saved(inputs=True)
    """What its derivative is computed from."""

    def work(self, *inputs: Tensor) -> Work:
        """1 operation a cell, whatever the function"""
        return Work(other=inputs[0].cells)

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, or the result where the derivative follows from it."""
        return self.saved._replace(cells=inputs[0].cells) if self.op in WITH_REST else self.saved

    def over_maps(self, places: int) -> Layer | None:
        return self


for _op, _names in PLAIN.items():
    layer(_op)(
        type(
            _op.title().replace("_", ""),
            (Activation,),
            {
                "__doc__": f"The {_op} function, cell by cell.",
                "__module__": __name__,
                "other_names": {_names: ""},
                "saved": Saved(outputs=True) if _op in FROM_RESULT else Saved(inputs=True),
            },
        )
    )


@layer("identity")
class Identity(Layer):
    """Its input as it is."""

    elementwise: ClassVar = True
    other_names: ClassVar = {"Identity Linear_activation": ""}

    def shares_memory(self) -> bool:
        return True


class Sloped(Activation):
    """An activation with one number."""

    alpha: float | None = declare(
        Kind.NUMBER, "the function's number", default=None, names=("negative_slope", "slope"), least=-1
    )


for _op, _names in WITH_SLOPE.items():
    layer(_op)(
        type(
            _op.title().replace("_", ""),
            (Sloped,),
            {
                "__doc__": f"The {_op} function, cell by cell.",
                "__module__": __name__,
                "other_names": {_names: "alpha"},
            },
        )
    )


@layer("prelu")
class PRelu(Activation):
    """ReLU with a learned slope: one for all or for each channel (torch), for each cell (keras)."""

    other_names: ClassVar = {"PReLU PRelu": "slopes"}

    slopes: Dim = declare(
        Kind.SIZE, "learned slopes (torch): 1 or the channels", default=1, names=("num_parameters",), least=1
    )
    shared_axes: Any = declare(Kind.AXES, "axes along which a slope is shared (keras)", default=None)

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        for axis in self.shared_axes or ():
            yield axis_need(self, inputs[0], axis)
        if not self.dialect.keras:
            channels = self._channels(inputs[0])
            yield Need(
                either(compare("==", self.slopes, 1), compare("==", self.slopes, channels)),
                "features-mismatch",
                lambda: Trouble(
                    f"prelu has {self.slopes} slopes, and {channels} channels come in; 1 or as many are needed",
                    f"slopes={self.slopes}",
                ),
            )

    def _channels(self, tensor: Tensor) -> Dim:
        """The axis that slopes go with: the channels, and none for a single number."""
        if not tensor.sizes:
            return 1
        return tensor.sizes[-1] if self.dialect.channels_last else tensor.sizes[0]

    def over_maps(self, places: int) -> Layer | None:
        """Itself with one slope for all; a slope for each feature would become one for each cell."""
        return self if self.slopes == 1 and not self.dialect.keras else None

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        (tensor,) = inputs
        if self.dialect.keras:
            shared = {axis_index(tensor, axis) for axis in self.shared_axes or ()}
            return (Weight("alpha", tuple(1 if i in shared else n for i, n in enumerate(tensor.sizes))),)
        if self.dialect.torch:
            return (Weight("weight", (self.slopes,)),)
        # ONNX broadcasts from the right, so the slopes stand where the channels do.
        return (Weight("slope", (self.slopes, *(1 for _ in tensor.sizes[1:]))),)


@layer("pointwise")
class Pointwise(Activation):
    """A function of each cell that has no name of its own here: ``pointwise("sqrt")``."""

    function: str = declare(Kind.TEXT, "what it is called where it comes from")


@layer("softmax")
class Softmax(Activation):
    """Positive numbers that add up to 1 along an axis."""

    written_by_position: ClassVar = 0
    other_names: ClassVar = {"Softmax Softmax2d Softmin": "axis"}

    axis: Any = declare(Kind.AXIS, "the axis they add up along", default=-1, names=("dim",))

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield axis_need(self, inputs[0], self.axis)

    saved: ClassVar = Saved(outputs=True)

    def work(self, *inputs: Tensor) -> Work:
        """5 operations a cell: the greatest, a difference, an exponential, the sum, a quotient or logarithm"""
        return Work(other=5 * inputs[0].cells)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """All of the axis along which they add up."""
        (tensor,) = inputs
        index = axis_index(tensor, self.axis)
        return (tuple(whole(n) if axis == index else same(axis) for axis, n in enumerate(tensor.sizes)),)

    def over_maps(self, places: int) -> Layer | None:
        """Along the channels."""
        return along_channels(self) if places == 1 else None


@layer("log_softmax")
class LogSoftmax(Softmax):
    """The logarithm of softmax."""

    other_names: ClassVar = {"LogSoftmax": "axis"}


def along_channels(layer: Layer) -> Layer:
    """The layer with its axis, that of the features, named as the channels of a map."""
    last = layer.dialect.channels_last and getattr(layer, "axis", None) == -1
    return layer if last else layer.with_(axis="C")


@layer("glu")
class Glu(Layer):
    """Gated linear unit: one half of an axis times the sigmoid of the other."""

    written_by_position: ClassVar = 0
    other_names: ClassVar = {"GLU": "axis"}

    axis: Any = declare(Kind.AXIS, "the axis halved", default=-1, names=("dim",))

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield axis_need(self, inputs[0], self.axis)
        index = axis_index(inputs[0], self.axis)
        yield self.divisible(
            inputs[0].sizes[index],
            2,
            "the axis",
            "2",
            f"Halving dimension must be even, but dimension {index} is size {{dividend}}",
        )

    def work(self, *inputs: Tensor) -> Work:
        """2 operations a result: a sigmoid and a product"""
        return Work(other=inputs[0].cells)

    def saves(self, *inputs: Tensor) -> Saved:
        return Saved(inputs=True)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The cell at the same place in either half."""
        (tensor,) = inputs
        index = axis_index(tensor, self.axis)
        half: Any = tensor.sizes[index] // 2
        both = Reading(
            index,
            lambda first, last: (first, last + half),
            lambda cell: (cell, cell + half),
            parts=lambda wanted: (wanted, wanted.moved(half)),
        )
        return (tuple(both if axis == index else same(axis) for axis in range(tensor.rank)),)

    def over_maps(self, places: int) -> Layer | None:
        """Along the channels."""
        return along_channels(self) if places == 1 else None

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        index = axis_index(inputs[0], self.axis)
        return (with_size(inputs[0], index, inputs[0].sizes[index] // 2),)
