"""Recurrent layers over ``(time, features)``.

Gates: 4 for an LSTM, 3 for a GRU, 1 for a plain RNN. Keras' GRU has two bias rows (``reset_after``), PyTorch has
two bias vectors a layer and direction, ONNX joins them in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, ClassVar, Self

from shapesolver.arithmetic import Dim, compare
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Weight, need
from shapesolver.layers.cells import Box, every, span
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Progression, Progressions, Reading, Readings, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work

MOST_LAYERS = 1_000
"""The most layers of one recurrent stack: each has weights of its own."""


class Recurrent(Layer):
    """What the recurrent layers share: ``(L, F)`` becomes ``(L, D*units)``, or ``(D*units,)`` for the last step."""

    gates: ClassVar[int]
    remembered: ClassVar[int]
    """How many numbers a unit and step leaves for the backward pass: gates, and states between them."""

    units: Dim = declare(Kind.SIZE, "features of the state", names=("hidden_size", "output_dim"), least=1)
    layers: int = declare(Kind.COUNT, "layers on top of each other", default=1, names=("num_layers",), least=1)
    bidirectional: bool = declare(Kind.FLAG, "whether a second one reads backwards", default=False)
    sequences: bool | None = declare(
        Kind.FLAG,
        "whether every step comes out, or the last alone (keras: last; others: every)",
        default=None,
        names=("return_sequences",),
    )
    bias: bool = declare(Kind.FLAG, "whether biases are added", default=True, names=("use_bias",))
    in_features: Dim | None = declare(
        Kind.SIZE,
        "input features, checked when given",
        default=None,
        names=("input_size", "input_dim"),
        least=1,
    )

    @classmethod
    def spelled(cls, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """``LSTM(128, 64)`` is PyTorch's (input, state); Keras' has one positional argument."""
        first = arguments.pop("second", None)
        if first is not None:
            arguments["in_features"], arguments["units"] = arguments["units"], first
        return arguments

    @property
    def directions(self) -> int:
        """2 when bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def state(self) -> Dim:
        """The features that one direction hands on."""
        return self.units

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        (tensor,) = inputs
        yield need(
            tensor.rank == 2,
            "wrong-rank",
            f"{self.op} needs time and features, and its input is {tensor}",
            f"{tensor.rank} {'axis' if tensor.rank == 1 else 'axes'}",
        )
        yield need(
            self.layers <= MOST_LAYERS,
            "framework-limit",
            f"{self.op} has {self.layers} layers; {MOST_LAYERS} is the most that are written out",
        )
        yield need(
            not (self.dialect.keras and self.layers > 1),
            "framework-limit",
            f"Keras' {self.op} is one layer; repeat it with sequences=true",
        )
        if self.in_features is not None:
            yield need(
                compare("==", tensor.sizes[-1], self.in_features),
                "features-mismatch",
                f"{self.op} is told to expect {self.in_features} features, and {tensor.sizes[-1]} come in",
                f"in_features={self.in_features}",
                f"input.size(-1) must be equal to input_size. Expected {self.in_features}, got {tensor.sizes[-1]}",
            )

    def spelled_out(self, *inputs: Tensor) -> Self:
        return self.with_(sequences=self.every_step)

    @property
    def every_step(self) -> bool:
        """Whether every step comes out, or the last alone."""
        return not self.dialect.keras if self.sequences is None else self.sequences

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """A step reads itself and those before it; read from both ends, or at the end, everything."""
        time, features = inputs[0].sizes
        if not self.every_step:
            return ((whole(time), whole(features)),)
        if self.bidirectional:
            return ((whole(time, 1), whole(features)),)

        def past(wanted: Progression) -> Progressions:
            return (Progression(0, wanted.last),)

        steps = Reading(0, lambda first, last: (0, last), uniform=False, parts=past)
        return ((steps, whole(features)),)

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        if not (self.bidirectional and self.every_step) or self.layers > 1:
            yield from super().read_cells(wanted, inputs, output)
            return
        # One direction's features come first and read the steps up to their own, the other's those from it on.
        (steps, made), (time, features), state = wanted, inputs[0].sizes, self.state
        if made & every(state):  # type: ignore[arg-type]
            yield 0, (every(steps.bit_length()), every(features))  # type: ignore[arg-type]
        if made >> state:  # type: ignore[operator]
            first = (steps & -steps).bit_length() - 1
            yield 0, (span(first, time), every(features))  # type: ignore[arg-type]

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        features = self.state * self.directions
        if self.every_step:
            return (Tensor((inputs[0].sizes[0], features), ("L", "C")),)
        return (Tensor((features,), ("C",)),)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        features = inputs[0].sizes[-1]
        if self.dialect.keras:
            return tuple(self._keras(features))
        return tuple(self._torch(features) if self.dialect.torch else self._onnx(features))

    def _keras(self, features: Dim) -> Iterator[Weight]:
        wide = self.units * self.gates
        for direction in ("forward.", "backward.") if self.bidirectional else ("",):
            yield Weight(f"{direction}kernel", (features, wide))
            yield Weight(f"{direction}recurrent_kernel", (self.units, wide))
            if self.bias:
                yield Weight(f"{direction}bias", self.keras_bias(wide))

    @property
    def operations(self) -> int:
        """What a unit computes in a step beside products with weights and biases."""
        raise NotImplementedError

    def work(self, *inputs: Tensor) -> Work:
        """in every step each weight once; 9 more operations a unit of an LSTM or GRU, 1 of a plain layer"""
        steps, weights = inputs[0].sizes[0], self.weights(*inputs)
        matrices = sum((prod(w.shape) for w in weights if not _is_bias(w)), start=0)
        biases = sum((prod(w.shape) for w in weights if _is_bias(w)), start=0)
        return Work(steps * matrices, steps * (biases + self._cells() * self.operations))

    def saves(self, *inputs: Tensor) -> Saved:
        """The input, and every step's gates and states."""
        return Saved(inputs=True, cells=inputs[0].sizes[0] * self._cells() * self.remembered)

    def _cells(self) -> Dim:
        """How many units there are in all layers and directions."""
        return self.units * self.layers * self.directions

    def keras_bias(self, wide: Dim) -> tuple[Dim, ...]:
        """The shape of Keras' bias over ``wide`` gates."""
        return (wide,)

    def _torch(self, features: Dim) -> Iterator[Weight]:
        wide = self.units * self.gates
        for level in range(self.layers):
            for suffix in (f"l{level}", f"l{level}_reverse")[: self.directions]:
                yield Weight(f"weight_ih_{suffix}", (wide, features))
                yield Weight(f"weight_hh_{suffix}", (wide, self.state))
                if self.bias:
                    yield Weight(f"bias_ih_{suffix}", (wide,))
                    yield Weight(f"bias_hh_{suffix}", (wide,))
                yield from self._projection(suffix)
            features = self.state * self.directions

    def _projection(self, suffix: str) -> Iterator[Weight]:
        yield from ()

    def _onnx(self, features: Dim) -> Iterator[Weight]:
        wide, d = self.units * self.gates, self.directions
        for level in range(self.layers):
            prefix = f"layer{level}." if self.layers > 1 else ""
            yield Weight(f"{prefix}W", (d, wide, features))
            yield Weight(f"{prefix}R", (d, wide, self.units))
            if self.bias:
                yield Weight(f"{prefix}B", (d, wide * 2))
            features = self.units * d


def _is_bias(weight: Weight) -> bool:
    return "bias" in weight.name or weight.name.rpartition(".")[2] == "B"


@layer("lstm")
class Lstm(Recurrent):
    """Long short-term memory: 4 gates; PyTorch's may project its state to ``projection`` features."""

    gates: ClassVar = 4
    remembered: ClassVar = 6
    other_names: ClassVar = {"LSTM": "units second layers bias"}

    projection: int = declare(
        Kind.COUNT,
        "features the state is projected to (torch); 0 for none",
        default=0,
        names=("proj_size",),
        least=0,
    )

    @property
    def state(self) -> Dim:
        return self.units if self.projection == 0 else self.projection

    @property
    def operations(self) -> int:
        """Four gates' functions; ``f*c + i*g``; its tanh, times the output gate."""
        return 4 + 3 + 2

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        if self.projection != 0:
            yield need(self.dialect.torch, "framework-limit", "only PyTorch's lstm has a projection")
            yield need(
                compare("<", self.projection, self.units),
                "framework-limit",
                f"the projection {self.projection} must be smaller than the state {self.units}",
                f"projection={self.projection}",
                "proj_size has to be smaller than hidden_size",
            )

    def _projection(self, suffix: str) -> Iterator[Weight]:
        if self.projection != 0:
            yield Weight(f"weight_hr_{suffix}", (self.projection, self.units))


@layer("gru")
class Gru(Recurrent):
    """Gated recurrent unit: 3 gates. With ``reset_after``, as all frameworks now have it, Keras keeps two rows of
    biases; without, as Keras 1 had it, one."""

    gates: ClassVar = 3
    remembered: ClassVar = 5
    other_names: ClassVar = {"GRU": "units second layers bias"}

    reset_after: bool = declare(
        Kind.FLAG, "whether the reset gate is applied after the product with the state", default=True
    )

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        yield need(
            self.reset_after or not self.dialect.torch,
            "framework-limit",
            "PyTorch's gru resets after the product with the state",
            "reset_after=false",
        )

    @property
    def operations(self) -> int:
        """Three gates' functions; the reset, and the sum after it; ``(1 - z)*n + z*h``."""
        return 3 + (2 if self.reset_after else 1) + 4

    def keras_bias(self, wide: Dim) -> tuple[Dim, ...]:
        return (2, wide) if self.reset_after else (wide,)


@layer("rnn")
class Rnn(Recurrent):
    """The plain recurrent layer."""

    gates: ClassVar = 1
    remembered: ClassVar = 1
    other_names: ClassVar = {"SimpleRNN RNN": "units second layers"}

    @property
    def operations(self) -> int:
        """The gate's function."""
        return 1
