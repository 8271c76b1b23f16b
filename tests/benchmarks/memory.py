"""Bytes a layer, beyond the text's own: what a network of many layers keeps, with its sizes derived."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from functools import partial

from shapesolver import parse
from tests.benchmarks.growth import deep
from tests.benchmarks.harness import Case

MOST = 1024


def cases() -> Iterator[Case]:
    """Sizes that are numbers, and sizes that are formulas; no two layers make the same."""
    for depth in (1_000, 10_000, 100_000):
        for sizes in ("H=224, W=224", "3000000, 4000000"):
            name = f"{depth:,} layers, {'formulas' if '=' in sizes else 'numbers'}"
            yield Case(name, partial(bytes_a_layer, deep(depth, sizes)), limit=MOST, unit="bytes a layer")


def bytes_a_layer(text: str) -> float:
    """What parsing and deriving leave allocated, by the layer."""
    parse(deep(10))
    gc.collect()
    tracemalloc.start()
    net = parse(text)
    _ = net.derivation
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / len(net)
