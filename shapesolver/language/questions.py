"""Questions as values, read from text by :mod:`queries` or made in Python."""

from __future__ import annotations

from dataclasses import dataclass

from shapesolver.language import tree


@dataclass(frozen=True, slots=True)
class Inverse:
    """What values of the unknowns give the target?"""

    unknowns: tuple[str, ...]
    """Sizes (``H``) and parameters (``conv2.padding``); none for the sizes of all inputs."""
    target: tree.Expression
    """A condition, or a size or tuple of sizes for the spatial axes of ``at``."""
    at: str | None = None
    where: tree.Expression | None = None
    for_all: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Valid:
    """Which input sizes can the network be built with?"""

    where: tree.Expression | None = None
    lossless: bool = False
    """Whether, moreover, every input cell must reach an output."""
    sizes: tree.Expression | None = None
    """The sizes that are asked about, if some are: ``(100, 100)`` or ``H == 100``."""


@dataclass(frozen=True, slots=True)
class Losing:
    """Which layers leave cells of their input unread?"""


@dataclass(frozen=True, slots=True)
class Proof:
    """Does this hold for every size?"""

    condition: tree.Expression


@dataclass(frozen=True, slots=True)
class Why:
    """Why does a layer have its size?"""

    path: str


Question = Inverse | Valid | Losing | Proof | Why
