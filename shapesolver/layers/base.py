"""What a layer is: one class that states its size law, the law's inverse and what it requires, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any, ClassVar, NamedTuple, Self

from shapesolver.arithmetic import Dim, Truth, compare, divides
from shapesolver.layers.cells import Box, followed
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.parameters import REQUIRED, Parameter, show
from shapesolver.layers.reading import Readings, same, whole
from shapesolver.layers.work import Saved, Work


class Tensor(NamedTuple):
    """A tensor's sizes without the batch axis, and the names of its axes, in the file's layout."""

    sizes: tuple[Dim, ...]
    axes: tuple[str, ...]

    @property
    def rank(self) -> int:
        """How many axes there are besides the batch."""
        return len(self.sizes)

    @property
    def cells(self) -> Dim:
        """How many cells there are: the product of the sizes."""
        return prod(self.sizes)

    def __str__(self) -> str:
        return " x ".join(map(str, self.sizes)) or "1"


class Weight(NamedTuple):
    """One array of a layer's state, named and shaped as its framework does."""

    name: str
    shape: tuple[Dim, ...]
    trainable: bool = True

    def __str__(self) -> str:
        """Its shape as Python writes it: ``(7, 7, 1, 32)``."""
        return f"({', '.join(map(str, self.shape))}{',' if len(self.shape) == 1 else ''})"


class Trouble(NamedTuple):
    """Why a layer cannot be built: a message, a few words for under the caret, and the framework's own words."""

    message: str
    label: str = ""
    says: str = ""


class Need(NamedTuple):
    """Something that must be true of the sizes, by the rule's name; ``trouble`` is written only when it is not."""

    truth: Truth
    rule: str
    trouble: Callable[[], Trouble]


def need(truth: Truth, rule: str, message: str, label: str = "", says: str = "") -> Need:
    """A need whose words cost nothing to write."""
    return Need(truth, rule, lambda: Trouble(message, label, says))


Inputs = tuple[Tensor, ...]

RULES: Mapping[str, str] = {
    "empty-size": "SS101",
    "kernel-too-large": "SS102",
    "wrong-rank": "SS103",
    "size-mismatch": "SS104",
    "features-mismatch": "SS105",
    "indivisible": "SS106",
    "framework-limit": "SS107",
    "wrong-arity": "SS108",
    "axis-out-of-range": "SS109",
    "unaligned": "SS110",
    "misplaced": "SS111",
}
"""The rules that a layer's needs can break, and their codes."""


class Layer:
    """The base of every layer kind. Subclasses are registered by :func:`registry.layer`; instances are
    immutable values, equal when their kind, dialect and parameters are."""

    op: ClassVar[str]
    family: ClassVar[str]
    parameters: ClassVar[Mapping[str, Parameter]]
    other_names: ClassVar[Mapping[str, str]] = {}
    """Spellings of other frameworks, several to a key, and the order of their positional arguments."""
    inputs: ClassVar[tuple[int, int | None]] = (1, 1)
    """The least and greatest number of tensors that it consumes."""
    written_by_position: ClassVar[int] = 1
    """How many of its parameters are written without their names; the rest by keyword."""
    elementwise: ClassVar[bool] = False
    """Whether every output cell depends on the input cell at its own place, so that sizes stay."""

    linear: ClassVar[tuple[str, ...]] = ()
    """Parameters that its size law is linear in, besides paddings, kernels and factors, which are so in every law."""

    omits: ClassVar[bool] = False
    """Whether it may leave cells of its input out by design, as a crop does, and not because windows are uneven."""
    mixes: ClassVar[bool] = False
    """Whether what is read along one axis may depend on which results are wanted along another."""
    unknown_sizes: ClassVar[bool] = False
    """Whether a size of its result may be a new name, which stands for what is not known."""

    finds_places: ClassVar[bool] = False
    """Whether each result is one cell of its input, whose place another layer may ask for, as of a max pool."""
    recalls: ClassVar[bool] = False
    """Whether it needs something of the layer that made its second input: :meth:`recalled_needs`."""

    tensor_parameters: ClassVar[tuple[str, ...]] = ()
    """Parameters that name a further input tensor, as in ``crop(to=skip)``."""

    @property
    def aligns(self) -> bool:
        """Whether it is still to be told where its second input's grid begins in its first's."""
        return False

    def aligned(self, offsets: tuple[Dim, ...]) -> Self:
        """The layer told so: the place in its first input of the second's unit 0, along each spatial axis."""
        raise NotImplementedError

    dialect: Dialect

    def __init__(self, *, dialect: Dialect, **values: Any) -> None:
        given = {name: values.pop(name, parameter.default) for name, parameter in self.parameters.items()}
        if values or REQUIRED in given.values():
            wrong = [*values, *(name for name, value in given.items() if value is REQUIRED)]
            raise TypeError(f"{self.op} lacks or does not take {', '.join(wrong)}")
        # Derivation looks layers up by value, over and over: their hash is worth keeping.
        key = (self.op, dialect, *given.values())
        self.__dict__.update(given, dialect=dialect, _key=key, _hash=hash(key))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self.op} is immutable; with_() makes a changed copy")

    def with_(self, **changes: Any) -> Self:
        """The layer with some parameters replaced."""
        values = {name: getattr(self, name) for name in self.parameters}
        return type(self)(dialect=self.dialect, **{**values, **changes})

    _key: tuple[Any, ...]
    _hash: int

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Layer) and bool(self._key == other._key))

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<{self.describe()}>"

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        """What must be true for the layer to be built, most basic first.

        Reading stops at the first need that is false, so a later one may rely on the earlier.
        """
        yield from ()

    def recalled_needs(self, source: Layer, consumed: Inputs, *inputs: Tensor) -> Iterator[Need]:
        """What must be true besides, given the layer that made its second input, and what that one consumed."""
        yield from ()

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The size law: what comes out, given that the needs hold."""
        return inputs[:1]

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        """Its weights, in the dialect's names, order and axis order."""
        return ()

    def work(self, *inputs: Tensor) -> Work:
        """none: cells are moved, copied or looked up"""
        return Work()

    def spelled_out(self, *inputs: Tensor) -> Self:
        """The layer with what its dialect decides written out, so that it means the same in another."""
        return self

    def shares_memory(self) -> bool:
        """Whether the results are the input's own memory under other sizes, or part of it, and take none."""
        return False

    def saves(self, *inputs: Tensor) -> Saved:
        """What training keeps of it until the backward pass: nothing, unless a layer says otherwise."""
        return Saved()

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Which cells of each axis of each input one of its results depends on, given that the needs hold.

        A result at its own place where the layer is elementwise, and everything elsewhere.
        """
        if self.elementwise:
            return tuple(tuple(same(axis) for axis in range(tensor.rank)) for tensor in inputs)
        return tuple(tuple(whole(n) for n in tensor.sizes) for tensor in inputs)

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        """What a box of a result depends on: boxes of the inputs, each with its input's number. Sizes are numbers.

        A cell is read when the result is a function of it in inference, whatever the weights are: statistics of
        a batch are constants then, and a tensor that only lends its size (``crop(to=skip)``) is not read. Along
        each axis by :meth:`readings`, unless a layer's axes mix.
        """
        for number, (axes, tensor) in enumerate(zip(self.readings(*inputs, output=output), inputs, strict=True)):
            if axes is not None:
                yield number, tuple(followed(axis, wanted, n) for axis, n in zip(axes, tensor.sizes, strict=True))  # type: ignore[arg-type]

    def sentences(self, *inputs: Tensor) -> Iterator[str]:
        """What it does to these inputs, in plain sentences, for whoever asks what a layer is."""
        yield from ()

    # What a network turned convolutional asks.

    def over_maps(self, places: int) -> Layer | None:
        """The layer that does to a map of so many places, seen as one, what this one does to its flattened features.

        ``None`` where there is none.
        """
        return None

    def as_windows(self, sizes: tuple[int, ...]) -> Layer | None:
        """The layer that makes of a map of these spatial sizes what this one makes, and slides over a larger map.

        ``None`` where there is none.
        """
        return None

    @classmethod
    def spelled(cls, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as one of :attr:`other_names` means them."""
        return arguments

    def values(self) -> Iterator[tuple[str, Any]]:
        """The parameters that differ from their defaults, by name."""
        for name, parameter in self.parameters.items():
            if getattr(self, name) != parameter.default:
                yield name, getattr(self, name)

    def describe(self) -> str:
        """The layer as a canonical call, tensors left out: ``conv(64, kernel=5, stride=2)``."""
        arguments: list[str] = []
        bare = [*self.parameters][: self.written_by_position]
        for name, value in self.values():
            parameter = self.parameters[name]
            if parameter.variadic:
                arguments.extend(map(show, value))
            elif name in bare[: len(arguments) + 1]:
                arguments.append(parameter.show(value))
            else:
                arguments.append(f"{name}={parameter.show(value)}")
        return f"{self.op}({', '.join(arguments)})" if arguments else self.op

    # What needs of several layers have in common.

    def tensor(self, sizes: tuple[Dim, ...]) -> Tensor:
        """A tensor of these sizes with the layout's usual axis names."""
        return Tensor(sizes, self.dialect.axes(len(sizes)))

    def divisible(self, dividend: Dim, divisor: Dim, what: str, by: str, says: str = "") -> Need:
        """That a size is a multiple of another."""
        return Need(
            divides(divisor, dividend),
            "indivisible",
            lambda: Trouble(
                f"{self.op} needs {what} to be divisible by {by}, and {dividend} is not a multiple of {divisor}",
                f"{dividend}/{divisor} is not whole",
                says.format(dividend=dividend, divisor=divisor),
            ),
        )

    def positive(self, size: Dim, how: Callable[[], str], says: Callable[[], str] = str) -> Need:
        """That a resulting size is 1 or more."""
        return Need(
            compare(">=", size, 1),
            "empty-size",
            lambda: Trouble(f"{self.op} makes a size of {size}; 1 is the least", how(), says()),
        )
