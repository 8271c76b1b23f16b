"""Receptive fields of random graphs against PyTorch: gradients, and through max pools what a changed cell changes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from shapesolver import parse
from shapesolver.placed import PlacedLayer

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.conformance

from tests.conformance.graphs import Drawn, changed_reads, draw, gradient_reads  # noqa: E402

GRAPHS_WITH_GRADIENTS = 600
GRAPHS_WITH_MAXIMA = 100
UNITS_A_GRAPH = 3


def cells_along(read: Any, axis: int) -> tuple[tuple[int, int], ...]:
    """The runs of cells along an axis at which anything is read."""
    others = tuple(a for a in range(read.ndim) if a != axis)
    along = (read.any(dim=others) if others else read).tolist()
    runs: list[tuple[int, int]] = []
    for cell, hit in enumerate(along):
        if hit and runs and runs[-1][1] == cell - 1:
            runs[-1] = runs[-1][0], cell
        elif hit:
            runs.append((cell, cell))
    return tuple(runs)


def compare(d: Drawn, layer: PlacedLayer, unit: tuple[int, ...], read: Any) -> None:
    field = layer.field(unit)
    summary = layer.receptive_field
    for axis, place in enumerate(field.places):
        measured = cells_along(read, axis)
        assert place.cells == measured, (d.text, unit, place.axis)
        if not measured:
            continue
        # What holds of all units holds of this one. Where nothing cuts a tensor short, it begins where the law says.
        low, high = place.reach
        about = summary[place.axis]
        mirrored = any(mode in d.text for mode in ("reflect", "replicate", "circular"))
        if not mirrored:
            assert low <= measured[0][0] and measured[-1][1] <= high, (d.text, unit, place)
            assert measured[-1][1] - measured[0][0] + 1 <= about.size, (d.text, unit, about)
        cut = any(op in d.text for op in ("crop", "slice", "conv_transpose"))
        if about.exact and not mirrored and not cut and low >= 0:
            assert measured[0][0] == low, (d.text, unit, place)


def units(seed: int, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    chooser = random.Random(seed)
    ends = [tuple(n // 2 for n in shape), tuple(chooser.choice((0, n - 1)) for n in shape)]
    anywhere = tuple(chooser.randrange(n) for n in shape)
    return list(dict.fromkeys([*ends, anywhere]))[:UNITS_A_GRAPH]


def graphs(count: int, maxima: bool) -> list[tuple[int, Drawn, str]]:
    found: list[tuple[int, Drawn, str]] = []
    seed = 0
    while len(found) < count:
        drawn = draw(seed, maxima)
        if drawn is not None:
            found.append((seed, *drawn))
        seed += 1
    return found


def test_fields_are_what_gradients_say() -> None:
    for seed, d, last in graphs(GRAPHS_WITH_GRADIENTS, maxima=False):
        layer = parse(d.text)[last]
        for unit in units(seed, layer.shape[1:]):
            compare(d, layer, unit, gradient_reads(d, last, unit))


def test_fields_through_max_pools_are_what_a_changed_cell_changes() -> None:
    for seed, d, last in graphs(GRAPHS_WITH_MAXIMA, maxima=True):
        layer = parse(d.text)[last]
        for unit in units(seed, layer.shape[1:]):
            compare(d, layer, unit, changed_reads(d, last, unit))
