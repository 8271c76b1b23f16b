"""What names mean at a place in a file: values, tensors, blocks; innermost scope first."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from shapesolver.diagnostics import Span
from shapesolver.language import tree
from shapesolver.model.graph import Wire


@dataclass(frozen=True, slots=True)
class TensorValue:
    """A tensor in the network; ``wire`` is ``None`` where its line was in error, which has been said."""

    wire: Wire | None
    span: Span


@dataclass(frozen=True, slots=True)
class BlockValue:
    """A block's definition."""

    definition: tree.Block


@dataclass(slots=True)
class Scope:
    """Names of one file, block instance or repeat round, over those around it."""

    path: str = ""
    parent: Scope | None = None
    names: dict[str, Any] = field(default_factory=dict)
    ordinals: dict[str, int] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    """The names that lines of this scope give, earlier or later: nothing unnamed is called so."""

    @property
    def root(self) -> Scope:
        """The scope of the whole file."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def find(self, name: str) -> Any:
        """What the name means, or ``None``."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def known(self) -> Iterator[str]:
        """Every name in sight."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent

    def similar(self, name: str) -> list[str]:
        """Names in sight that are spelled alike."""
        return difflib.get_close_matches(name, [*self.known()], n=2, cutoff=0.6)

    def full(self, name: str) -> str:
        """The dotted path of a name here."""
        return f"{self.path}.{name}" if self.path else name
