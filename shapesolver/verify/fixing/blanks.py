"""An argument with a number left out, for the solver to fill in: ``padding=((0, ?), (0, ?))``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shapesolver.language import tree
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer
from shapesolver.layers.parameters import Kind, Padding
from shapesolver.layers.windows import Windowed
from shapesolver.verify.fixing.calls import literal, tuple_text, written


@dataclass(frozen=True, slots=True)
class Blank:
    """One way of writing a parameter's argument."""

    parameter: str
    now: int
    """The number that leaves things as they are."""
    least: int
    write: Callable[[str], str]
    """The argument with a number, or an unknown, filled in."""


def blanks(layer: Layer, parameter: str, given: tree.Argument | None, axes: Sequence[bool]) -> Iterator[Blank]:
    """The ways of writing a parameter, the smallest change first.

    ``given`` is the argument as it stands; ``axes`` says of each spatial axis whether it is to change. Nothing
    where the author works the value out from names, which other lines may share.
    """
    if given is not None and not literal(given.value):
        return
    kind = layer.parameters[parameter].kind
    like = None if given is None else given.value
    least = layer.parameters[parameter].least or 0
    if kind is Kind.PADDING and isinstance(layer, Windowed):
        yield from _paddings(layer, like, axes)
    elif kind is Kind.PER_AXIS and isinstance(layer, AxisWise):
        yield from _per_axis(layer, parameter, least, like, axes)
    elif kind is Kind.SIZE and isinstance(getattr(layer, parameter), int):
        yield Blank(parameter, getattr(layer, parameter), least, lambda text: text)


def _per_axis(
    layer: AxisWise, parameter: str, least: int, like: tree.Expression | None, axes: Sequence[bool]
) -> Iterator[Blank]:
    """One number for the axes that are to change, the others as they are."""
    # Output padding that is left out adds nothing; a pool's stride that is left out is its kernel.
    now = [0 if (value := layer.at(parameter, axis)) is None else value for axis in range(len(axes))]
    moving = {value for value, moves in zip(now, axes, strict=True) if moves}
    if len(moving) == 1 and all(isinstance(value, int) for value in now):

        def write(text: str) -> str:
            return written([text if moves else str(n) for n, moves in zip(now, axes, strict=True)], like)

        yield Blank(parameter, moving.pop(), least, write)


def _paddings(layer: Windowed, like: tree.Expression | None, axes: Sequence[bool]) -> Iterator[Blank]:
    """More padding: behind the cells alone, as pairs, or at both ends alike.

    PyTorch's layers take padding at both ends alike only, so that comes first there. In Keras either is a layer
    of its own before this one.
    """
    ends = [_ends(layer.padding, axis) for axis in range(len(axes))]
    if None in ends:
        yield Blank("padding", 0, 0, lambda text: written([text], like))
        return
    pairs = Blank("padding", 0, 0, lambda text: _pairs_text(ends, axes, text))
    alike = [before for before, after in ends if before == after]
    if len(alike) < len(ends):
        yield pairs
        return

    def write(text: str) -> str:
        return written([_plus(n, text) if moves else str(n) for n, moves in zip(alike, axes, strict=True)], like)

    both = Blank("padding", 0, 0, write)
    yield from (both, pairs) if layer.dialect.torch else (pairs, both)


def _ends(padding: Padding, axis: int) -> Any:
    """The padding before and after on one axis; ``None`` where a word says it, or a formula."""
    amount: Any = padding[axis] if isinstance(padding, tuple) else padding
    pair = amount if isinstance(amount, tuple) else (amount, amount)
    return pair if all(isinstance(end, int) for end in pair) else None


def _pairs_text(ends: Sequence[Any], axes: Sequence[bool], text: str) -> str:
    entries = [
        tuple_text([str(before), _plus(after, text) if moves else str(after)])
        for (before, after), moves in zip(ends, axes, strict=True)
    ]
    return tuple_text(entries)


def _plus(amount: int, text: str) -> str:
    """A number and what is added to it, which may be an unknown."""
    if text.isdecimal():
        return str(amount + int(text))
    return f"{amount} + {text}" if amount else text
