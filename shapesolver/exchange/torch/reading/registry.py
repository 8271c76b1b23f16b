"""Which operation of PyTorch is read by which function of this package."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

FAMILIES = ("windows", "features", "shapes", "merging", "modules")
"""The modules of this package that hold readers."""

Reader = Callable[..., Any]
R = TypeVar("R", bound=Reader)

_FUNCTIONS: dict[str, Reader] = {}
_MODULES: dict[str, Reader] = {}


def reads(*names: str) -> Callable[[R], R]:
    """Register a reader of functions and methods of these names, whatever namespace they are in.

    Names that begin with ``aten.`` are for exported programs alone, where the arguments differ.
    """

    def register(read: R) -> R:
        _FUNCTIONS.update(dict.fromkeys(names, read))
        return read

    return register


def reads_module(*names: str) -> Callable[[R], R]:
    """Register a reader of modules of these classes."""

    def register(read: R) -> R:
        _MODULES.update(dict.fromkeys(names, read))
        return read

    return register


@cache
def _load() -> None:
    for family in FAMILIES:
        import_module(f"shapesolver.exchange.torch.reading.{family}")


def function_reader(name: str) -> Reader | None:
    """The reader of a function or method; ``relu_`` is read as ``relu``."""
    _load()
    for known in (name, name.removeprefix("aten.")):
        for spelled in (known, known.rstrip("_")):
            if spelled in _FUNCTIONS:
                return _FUNCTIONS[spelled]
    return None


def module_reader(name: str) -> Reader | None:
    """The reader of a module class."""
    _load()
    return _MODULES.get(name)


def function_name(target: Any) -> str:
    """What a traced function or method is called: ``aten.add`` for an exported program's ``aten.add.Tensor``."""
    if isinstance(target, str):
        return target
    schema = getattr(target, "_schema", None)
    if schema is not None:
        return str(schema.name).replace("::", ".")
    name = getattr(target, "__name__", str(target))
    if name == "unfold" and getattr(target, "__module__", "") == "torch.nn.functional":
        return "unfold_columns"
    return str(name)
