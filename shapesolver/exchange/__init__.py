"""Models of other frameworks in and out. Each framework is imported by what needs it, when it needs it.

A framework registers in the tables below: who reads its files, who reads its objects, who writes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapesolver.exchange.errors import ExchangeError

if TYPE_CHECKING:
    from shapesolver.exchange.sketch import Imported
    from shapesolver.network import Network

__all__ = ["EXTRAS", "WRITERS", "ExchangeError", "is_foreign", "load", "needs", "takes_inputs", "write"]

FILES = {
    ".keras": "shapesolver.exchange.keras.reading:read_file",
    ".json": "shapesolver.exchange.keras.reading:read_file",
    ".onnx": "shapesolver.exchange.onnx.reading:read_file",
}
"""Who reads a file, by its ending: ``(path, inputs) -> Imported``."""

STATED = (".onnx",)
"""The endings of files that always state the sizes of their inputs."""

OBJECTS = {
    "keras": "shapesolver.exchange.keras.reading:read_model",
    "tf_keras": "shapesolver.exchange.keras.reading:read_model",
    "torch": "shapesolver.exchange.torch.source:read_module",
    "onnx": "shapesolver.exchange.onnx.reading:read_model",
}
"""Who reads an object, ``(model, source, inputs) -> Imported``, by the package that its class, or one that its class
derives from, is defined in."""

WRITERS = {
    "keras": "shapesolver.exchange.keras.writing:keras_code",
    "torch": "shapesolver.exchange.torch.text:torch_code",
    "onnx": "shapesolver.exchange.onnx.writing:onnx_bytes",
}
"""Who writes a network: ``(net) -> str`` for code, ``-> bytes`` for a file."""

EXTRAS = {"keras": "keras", "torch": "torch", "onnx": "onnx"}
"""The extra that installs a package: ``pip install shapesolver[onnx]``."""

_FACTORY = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_foreign(source: str | Path) -> bool:
    """Whether this names a model of another framework: by its ending, or as ``module.path:factory``."""
    return Path(source).suffix.lower() in FILES or _FACTORY.fullmatch(str(source)) is not None


def takes_inputs(source: str | Path) -> bool:
    """Whether the sizes of the inputs can be said beside it: of a model that may leave them open."""
    return is_foreign(source) and Path(source).suffix.lower() not in STATED


def load(source: Any, inputs: Sequence[str] = ()) -> Imported:
    """A model as a network: a file of another framework, ``module.path:factory``, or a model object.

    Nothing in a file is executed. A factory is the caller's own code: its module is imported and it is called without
    arguments. ``inputs`` are the inputs' sizes for a model that does not state them, batch left out, each as
    ``input(...)`` takes them: ``"3, H=224, W=224"``.

    Raises :class:`ExchangeError` for what cannot be read, and where a package is missing.
    """
    if not isinstance(source, (str, Path)):
        return _from_model(source, type(source).__name__, inputs)
    reader = FILES.get(Path(source).suffix.lower())
    if reader is not None:
        if Path(source).exists() and not Path(source).is_file():
            # A folder, or a pipe that nobody may ever write to.
            raise ExchangeError(f"{source} is no regular file")
        return _function(reader)(Path(source), inputs)  # type: ignore[no-any-return]
    if _FACTORY.fullmatch(str(source)) is None:
        raise ExchangeError(f"{source} is no model that is known: {', '.join(FILES)}, or module.path:factory")
    return _from_model(_made(str(source)), str(source), inputs)


def write(net: Network, framework: str) -> str | bytes:
    """The network as another framework's code, or as the bytes of its file.

    Raises :class:`ExchangeError` where the framework has no counterpart of a layer, or a package is missing.
    """
    return _function(WRITERS[framework])(net)  # type: ignore[no-any-return]


def needs(package: str) -> Any:
    """A framework's package; raises :class:`ExchangeError` with what to install where it is missing."""
    try:
        return import_module(package)
    except ImportError as error:
        root = package.partition(".")[0]
        extra = EXTRAS[root]
        raise ExchangeError(f"this needs {root}: pip install 'shapesolver[{extra}]' ({error})") from None


def _function(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)  # type: ignore[no-any-return]


def _from_model(model: Any, source: str, inputs: Sequence[str]) -> Imported:
    for base in type(model).__mro__:
        reader = OBJECTS.get(base.__module__.partition(".")[0])
        if reader is not None:
            return _function(reader)(model, source, inputs)  # type: ignore[no-any-return]
    raise ExchangeError(f"{source} is of the type {type(model).__name__}, and no model of {', '.join(EXTRAS)}")


def _made(source: str) -> Any:
    """What a factory makes; the object itself where it is no function or class."""
    path, _, name = source.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # the working directory, as for `python -m`
    try:
        made = getattr(import_module(path), name)
    except (ImportError, AttributeError) as error:
        raise ExchangeError(f"{source} cannot be imported: {error}") from None
    except Exception as error:
        raise ExchangeError(f"{source} cannot be imported: {type(error).__name__}: {error}") from error
    is_factory = isinstance(made, type) or not any(
        base.__module__.partition(".")[0] in OBJECTS for base in type(made).__mro__
    )
    if not is_factory or not callable(made):
        return made
    try:
        return made()
    except Exception as error:
        # The caller's own code: whatever it raises is its answer, not a fault of ours.
        raise ExchangeError(f"{source}() failed: {type(error).__name__}: {error}") from error
