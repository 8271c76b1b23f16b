"""The one registry: every layer kind by its name and by every framework's spelling of it."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple, TypeVar, dataclass_transform

from shapesolver.layers.base import Layer
from shapesolver.layers.parameters import Parameter, declare

FAMILIES = (
    "source",
    "convolution",
    "transposed",
    "unpooling",
    "pooling",
    "adaptive",
    "resizing",
    "patches",
    "borders",
    "reshaping",
    "merging",
    "splitting",
    "reductions",
    "dense",
    "attention",
    "recurrent",
    "normalisation",
    "activation",
    "opaque",
)
"""The modules of this package that define layers."""

_KINDS: dict[str, type[Layer]] = {}

L = TypeVar("L", bound=Layer)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(declare,))
def layer(op: str) -> Callable[[type[L]], type[L]]:
    """Register a class as the layer kind of this name, its declared parameters listed, inherited ones first."""

    def register(cls: type[L]) -> type[L]:
        cls.op = op
        cls.family = cls.__module__.rpartition(".")[2]
        cls.parameters = {
            name: value
            for base in reversed(cls.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, Parameter)
        }
        _KINDS[op] = cls
        return cls

    return register


class Spelling(NamedTuple):
    """A name that a layer goes by, and the order of its positional arguments under that name."""

    kind: type[Layer]
    positional: tuple[str, ...]


@cache
def kinds() -> Mapping[str, type[Layer]]:
    """Every layer kind by canonical name, family by family."""
    for family in FAMILIES:
        importlib.import_module(f"shapesolver.layers.{family}")
    return _KINDS


@cache
def spellings() -> Mapping[str, Spelling]:
    """Every name that a file may call a layer by."""
    found: dict[str, Spelling] = {}
    for op, kind in kinds().items():
        found[op] = Spelling(kind, tuple(kind.parameters))
        for names, positional in kind.other_names.items():
            found.update(dict.fromkeys(names.split(), Spelling(kind, tuple(positional.split()))))
    return found


@cache
def parameter_names(op: str) -> Mapping[str, str]:
    """Every spelling of a kind's parameters, and the canonical name: ``kernel_size -> kernel``."""
    parameters = kinds()[op].parameters
    found = {name: name for name in parameters}
    for name, parameter in parameters.items():
        for other in parameter.names:
            spelling, _, part = other.partition(":")
            found[spelling] = f"{name}[{part}]" if part else name
    return found


@lru_cache
def suggestions(name: str) -> tuple[str, ...]:
    """Layer names close to a misspelt one, best first: the language's own, or else another framework's."""
    lowered = name.lower()
    own = difflib.get_close_matches(lowered, kinds(), n=2, cutoff=0.6)
    others = {known.lower(): known for known in spellings()}
    return tuple(own) or tuple(others[m] for m in difflib.get_close_matches(lowered, others, n=1, cutoff=0.6))
