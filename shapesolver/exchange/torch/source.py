"""A PyTorch module and the sizes of its inputs: which may vary, and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim
from shapesolver.exchange import needs
from shapesolver.exchange.errors import ExchangeError
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

DIGITS = 9
"""The most digits of a size that a model can be run on."""

Shape = Sequence[int | tuple[str, int]]
"""An input's sizes, batch left out: numbers, and names with usual sizes for those that may vary."""


class Free(NamedTuple):
    """An input: its sizes, and the names of those that may vary."""

    sizes: tuple[int, ...]
    names: tuple[str | None, ...]
    given: bool
    """Whether the caller chose the names: the same name is then the same size in every input."""
    whole: bool
    """Whether it holds whole numbers, as an embedding needs."""


def from_torch(module: Any, *inputs: Any, source: str = "") -> Imported:
    """A PyTorch module as a network, traced with inputs of these sizes.

    ``inputs`` are example tensors, or sizes without the batch: ``from_torch(resnet, (3, 224, 224))``. Spatial sizes
    become symbols, the sizes given their usual ones; ``("H", 224)`` names the sizes that may vary instead.
    Raises :class:`ExchangeError` where the module does not run on them, or cannot be traced.
    """
    torch = needs("torch")
    if not isinstance(module, torch.nn.Module):
        raise ExchangeError(f"{source or 'the model'} is a {type(module).__name__}, not a torch.nn.Module")
    source = source or type(module).__name__
    if not inputs:
        raise ExchangeError(f"{source}: state the sizes of its inputs, batch left out, as in --input 3,224,224")
    from shapesolver.exchange.torch.reading.reader import read
    from shapesolver.exchange.torch.tracing import BATCH, trace

    free = _free(module, inputs)
    device = next((held.device for held in (*module.parameters(), *module.buffers())), None)
    examples = [
        torch.zeros((BATCH, *one.sizes), dtype=torch.long if one.whole else torch.get_default_dtype(), device=device)
        for one in free
    ]
    traced = trace(module, examples, source, [[name is not None for name in one.names] for one in free])
    sketch = Sketch(Dialect.named("torch"), source)
    if traced.exported:
        free = [_as_exported(sketch, one, sizes) for one, sizes in zip(free, traced.input_sizes(), strict=True)]
    usual: dict[str, int] = {}
    refs = [_input(sketch, one, name, usual) for one, name in zip(free, _input_names(traced, len(free)), strict=True)]
    read(traced, sketch, refs, usual)
    return sketch.finish()


def read_module(module: Any, source: str, inputs: Sequence[str]) -> Imported:
    """A module as a network; its inputs' sizes as the command line has them: ``3, H=224, W=224``."""
    return from_torch(module, *map(_shape, inputs), source=source)


def _shape(text: str) -> Shape:
    sizes: list[int | tuple[str, int]] = []
    for piece in text.split(","):
        name, equals, number = (part.strip() for part in piece.rpartition("="))
        if not number.isdecimal() or len(number) > DIGITS or (equals and not name.isidentifier()):
            raise ExchangeError(f"{piece.strip()!r} is no size of an input; write 3,224,224 or 3,H=224,W=224")
        sizes.append((name, int(number)) if equals else int(number))
    return sizes


def _free(module: Any, inputs: Sequence[Any]) -> list[Free]:
    """The inputs, those without names of their own with the usual ones."""
    first = next((type(part).__name__ for part in module.modules() if not [*part.children()]), "")
    sequence, whole = first in SEQUENCE_MODULES, first in INDEX_MODULES
    free = []
    for one in inputs:
        if hasattr(one, "dtype"):
            sizes: tuple[Any, ...] = tuple(one.shape[1:])
            whole = not one.dtype.is_floating_point
        else:
            sizes = tuple(one)
        numbers = tuple(int(n[1]) if isinstance(n, tuple) else int(n) for n in sizes)
        given = any(isinstance(n, tuple) for n in sizes)
        if given:
            names = tuple(n[0] if isinstance(n, tuple) else None for n in sizes)
        else:
            names = _usual_names(len(sizes), sequence, whole)
        free.append(Free(numbers, names, given, whole))
    return free


def _usual_names(rank: int, sequence: bool, whole: bool) -> tuple[str | None, ...]:
    if rank == 1:
        return ("L",) if whole else (None,)
    if rank == 2 and sequence:
        return ("L", None)
    return (None, *SPATIAL.get(rank - 1, (None,) * (rank - 1)))


def _as_exported(sketch: Sketch, one: Free, sizes: Sequence[Any]) -> Free:
    """An input of an exported program: a size that the program is for alone may not vary."""
    names = tuple(None if isinstance(size, int) else name for name, size in zip(one.names, sizes, strict=True))
    for name, kept, n in zip(one.names, names, one.sizes, strict=True):
        if name is not None and kept is None:
            sketch.warn(f"{sketch.source}: {name} is {n} alone: what the model does is decided by this size")
    return one._replace(names=names)


def _input(sketch: Sketch, free: Free, name: str, usual: dict[str, int]) -> Ref:
    """The input as a layer. The same size of two inputs is two symbols, unless the caller names them alike."""
    sizes: list[Dim] = []
    for n, symbol in zip(free.sizes, free.names, strict=True):
        if symbol is None:
            sizes.append(n)
            continue
        number, unique = 1, symbol
        while unique in usual and not (free.given and usual[unique] == n):
            number += 1
            unique = f"{symbol}{number}"
        usual[unique] = n
        sizes.append(sketch.symbol(unique, n))
    wire: Wire = sketch.layer("input", name=name, sizes=tuple(sizes))
    return Ref(wire)


def _input_names(traced: Any, count: int) -> list[str]:
    names = [str(node.name) for node in traced.nodes if node.op == "placeholder" and node.name not in traced.held]
    return [*names, *[""] * count][:count]
