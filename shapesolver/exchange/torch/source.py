"""PyTorch models by name or as objects: ``package.module:factory`` and what sizes it takes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim
from shapesolver.exchange.errors import ExchangeError, missing_package
from shapesolver.exchange.sketch import Imported, Sketch
from shapesolver.exchange.torch.reading.values import Ref
from shapesolver.layers.dialects import Dialect
from shapesolver.model.graph import Wire

SPATIAL = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
"""The names of an input's spatial sizes."""
SEQUENCE_MODULES = ("Linear", "LSTM", "GRU", "RNN", "MultiheadAttention", "LayerNorm", "TransformerEncoder",
                    "TransformerEncoderLayer", "Embedding")  # fmt: skip
"""Modules that take places before features: the first axis is the one that varies."""
INDEX_MODULES = ("Embedding", "EmbeddingBag")
"""Modules that take whole numbers."""

Shape = Sequence[int | tuple[str, int]]
"""An input's sizes, batch left out: numbers, and names with usual sizes for those that may vary."""


class Free(NamedTuple):
    """An input: its sizes, and the names of those that may vary."""

    sizes: tuple[int, ...]
    names: tuple[str | None, ...]
    whole: bool
    """Whether it holds whole numbers, as an embedding needs."""


def from_torch(module: Any, *inputs: Any, source: str = "") -> Imported:
    """A PyTorch module as a network, traced with inputs of these sizes.

    ``inputs`` are example tensors, or sizes without the batch: ``from_torch(resnet, (3, 224, 224))``. Spatial sizes
    become symbols, the sizes given their usual ones; ``("H", 224)`` names the sizes that may vary instead.
    Raises :class:`ExchangeError` where the module does not run on them, or cannot be traced.
    """
    torch = _torch("reading a PyTorch module")
    if not isinstance(module, torch.nn.Module):
        raise ExchangeError(f"{source or 'the model'} is a {type(module).__name__}, not a torch.nn.Module")
    source = source or type(module).__name__
    if not inputs:
        raise ExchangeError(f"{source}: state the sizes of its inputs, batch left out, as in --input 3,224,224")
    from shapesolver.exchange.torch.reading.reader import read
    from shapesolver.exchange.torch.tracing import BATCH, trace

    free = _free(module, inputs)
    examples = [
        torch.zeros((BATCH, *one.sizes), dtype=torch.long if one.whole else torch.get_default_dtype()) for one in free
    ]
    traced = trace(module, examples, source, [[name is not None for name in one.names] for one in free])
    sketch = Sketch(Dialect.named("torch"), source)
    usual: dict[str, int] = {}
    refs = [_input(sketch, one, name, usual) for one, name in zip(free, _input_names(traced, len(free)), strict=True)]
    read(traced, sketch, refs, usual)
    return sketch.finish()


def load_model(reference: str) -> Any:
    """The module that ``package.module:factory`` names: what the factory returns, or the module object itself.

    Imports the user's code from the working directory or the installed packages, and runs nothing but the factory.
    """
    _torch("reading a PyTorch module")
    path, _, name = reference.partition(":")
    if not path or not name or not all(part.isidentifier() for part in (*path.split("."), *name.split("."))):
        raise ExchangeError(f"{reference} is no reference to a model; write package.module:factory")
    here = os.getcwd()  # noqa: PTH109  (what sys.path holds is text)
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(path)
        for part in name.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise ExchangeError(f"{reference}: no module is called {error.name}") from None
    except AttributeError:
        raise ExchangeError(f"{reference}: {path} has no {name}") from None
    except Exception as error:
        raise ExchangeError(f"{reference}: importing {path} raises {_said(error)}") from None
    return _made(found, reference)


def _made(found: Any, reference: str) -> Any:
    import torch

    if isinstance(found, torch.nn.Module):
        return found
    if not callable(found):
        raise ExchangeError(f"{reference} is a {type(found).__name__}, neither a module nor a factory")
    try:
        return found()
    except Exception as error:
        raise ExchangeError(f"{reference}() raises {_said(error)}") from None


def _said(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _torch(what: str) -> Any:
    try:
        import torch
    except ImportError:
        raise missing_package("torch", what) from None
    return torch


def _free(module: Any, inputs: Sequence[Any]) -> list[Free]:
    """The inputs, those without names of their own with the usual ones."""
    first = next((type(part).__name__ for part in module.modules() if not [*part.children()]), "")
    sequence, whole = first in SEQUENCE_MODULES, first in INDEX_MODULES
    free = []
    for given in inputs:
        if hasattr(given, "dtype"):
            sizes: tuple[Any, ...] = tuple(given.shape[1:])
            whole = not given.dtype.is_floating_point
        else:
            sizes = tuple(given)
        numbers = tuple(int(n[1]) if isinstance(n, tuple) else int(n) for n in sizes)
        if any(isinstance(n, tuple) for n in sizes):
            names = tuple(n[0] if isinstance(n, tuple) else None for n in sizes)
        else:
            names = _usual_names(len(sizes), sequence, whole)
        free.append(Free(numbers, names, whole))
    return free


def _usual_names(rank: int, sequence: bool, whole: bool) -> tuple[str | None, ...]:
    if rank == 1:
        return ("L",) if whole else (None,)
    if rank == 2 and sequence:
        return ("L", None)
    return (None, *SPATIAL.get(rank - 1, (None,) * (rank - 1)))


def _input(sketch: Sketch, free: Free, name: str, usual: dict[str, int]) -> Ref:
    """The input as a layer. A size of the same name and another number is another size."""
    sizes: list[Dim] = []
    for n, symbol in zip(free.sizes, free.names, strict=True):
        if symbol is None:
            sizes.append(n)
            continue
        number, unique = 1, symbol
        while usual.get(unique, n) != n:
            number += 1
            unique = f"{symbol}{number}"
        usual[unique] = n
        sizes.append(sketch.symbol(unique, n))
    wire: Wire = sketch.layer("input", name=name, sizes=tuple(sizes))
    return Ref(wire)


def _input_names(traced: Any, count: int) -> list[str]:
    names = [str(node.name) for node in traced.nodes if node.op == "placeholder" and node.name not in traced.held]
    return [*names, *[""] * count][:count]
