"""Bytes a layer, beyond the text's own. The figures are sizes, written where other groups have seconds."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

from shapesolver import parse
from tests.benchmarks.growth import deep
from tests.benchmarks.harness import Case


def cases() -> Iterator[Case]:
    """The memory that a network of many layers keeps, with its sizes derived."""
    for depth in (1_000, 10_000, 100_000):
        size = bytes_a_layer(depth)
        yield Case(f"{depth:,} layers: {size:,.0f} bytes a layer, at most 1,024", lambda: None, limit=_met(size))


def bytes_a_layer(depth: int) -> float:
    """What parsing and deriving leave allocated, by the layer."""
    text = deep(depth)
    parse(deep(10))
    gc.collect()
    tracemalloc.start()
    net = parse(text)
    _ = net.derivation
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / depth


def _met(size: float) -> float | None:
    """A limit that is met, or missed, as the memory is."""
    return 1.0 if size <= 1024 else 0.0
