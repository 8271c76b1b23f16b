"""Where the batch stands in an ONNX tensor, and exporters' arithmetic on shapes, without ONNX installed."""

from __future__ import annotations

import sys
from math import prod
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapesolver.arithmetic import symbol
from shapesolver.exchange import ExchangeError, load
from shapesolver.exchange.onnx import layout
from shapesolver.exchange.onnx.arrays import Array, vector
from shapesolver.exchange.onnx.folding import fold
from shapesolver.exchange.onnx.layout import BATCH
from shapesolver.exchange.onnx.proto import Operation

N, H = symbol(" batch"), symbol("H")


def operation(op: str, **attributes: Any) -> Operation:
    return Operation(op, "", ("a", "b"), ("c",), attributes)


def folded(op: str, *arrays: Array, **attributes: Any) -> list[Any]:
    result = fold(operation(op, **attributes), arrays, 17)
    assert result is not None and result.numbers is not None
    return list(result.numbers.reshape(-1))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "model.onnx").write_bytes(b"anything")
    with pytest.raises(ExchangeError, match=r"pip install 'shapesolver\[onnx\]'"):
        load(tmp_path / "model.onnx")


def test_reshapes_carry_the_batch() -> None:
    image = layout.batched(3)
    assert layout.reshaped(image, (64, H, H), (N, 64, H * H), N) == (layout.batched(2), (64, H * H))
    assert layout.reshaped(image, (12, H, 8), (N * 12, H, 8), N) == (((BATCH, 0), (1,), (2,)), (12, H, 8))
    time_first = layout.batched(2, 1)
    assert layout.reshaped(time_first, (H, 16), (H, N * 2, 8), N) == (((0,), (BATCH, 1), (2,)), (H, 2, 8))
    assert layout.reshaped(time_first, (H, 16), (H * N, 16), N) == (((0, BATCH), (1,)), (H, 16))
    assert layout.reshaped(image, (3, 5, 7), (3, 5, 7 * N), N) is None


sizes = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(sizes, st.integers(2, 7), st.data())
def test_reshape_law(inner: list[int], batch: int, data: st.DataObject) -> None:
    """The shape after a reshape is the target, and every example keeps its own cells."""
    place = data.draw(st.integers(0, len(inner)))
    axes = layout.batched(len(inner), place)
    shape = layout.shape(axes, tuple(inner), batch)
    cut = data.draw(st.integers(0, len(shape)))
    target = tuple(n for n in (prod(shape[:cut]), prod(shape[cut:])))
    found = layout.reshaped(axes, tuple(inner), target, batch)
    if found is None:
        return
    assert layout.shape(found.axes, found.sizes, batch) == target
    cells = numpy.arange(prod(inner)).reshape(inner)
    whole = numpy.stack([cells + prod(inner) * example for example in range(batch)], axis=place).reshape(target)
    again = _laid_out(cells.reshape(found.sizes), found.axes, batch, prod(inner))
    assert numpy.array_equal(whole, again)


def _laid_out(cells: Any, axes: layout.Axes, batch: int, step: int) -> Any:
    flat = [piece for pieces in axes for piece in pieces]
    whole = numpy.stack([cells + step * example for example in range(batch)], axis=flat.index(BATCH))
    return whole.reshape(layout.shape(axes, cells.shape, batch))


@given(sizes, st.data())
def test_transpose_law(inner: list[int], data: st.DataObject) -> None:
    """The order of the result's axes is the order that the transpose gives them."""
    axes = layout.batched(len(inner), data.draw(st.integers(0, len(inner))))
    order = data.draw(st.permutations(range(len(axes))))
    turned, permutation = layout.transposed(axes, order)
    moved = tuple(inner[index] for index in permutation)
    shape = layout.shape(axes, tuple(inner), 9)
    assert layout.shape(turned, moved, 9) == tuple(shape[index] for index in order)


def test_shapes_are_computed_with() -> None:
    shape = vector([N, 64, H])
    assert folded("Gather", shape, vector([2]), axis=0) == [H]
    assert folded("Concat", vector([N]), vector([-1]), axis=0) == [N, -1]
    assert folded("Mul", vector([H]), vector([2])) == [2 * H]
    assert folded("Div", vector([H + 1]), vector([2])) == [(H + 1) // 2]
    assert folded("Slice", shape, vector([1]), vector([2**63 - 1])) == [64, H]
    assert folded("Equal", vector([H]), vector([0])) == [False]


def test_sizes_scaled_in_floating_point() -> None:
    """``Floor(Cast(H) * 2)`` is 2H; by 0.7 it is as a computer rounds it."""
    real = fold(operation("Cast", to=1), [vector([H])], 17)
    assert real is not None
    doubled = fold(operation("Mul"), [real, vector([2.0])], 17)
    assert doubled is not None and folded("Floor", doubled) == [2 * H]
    less = fold(operation("Mul"), [real, vector([0.7])], 17)
    assert less is not None and str(folded("Floor", less)[0]) == "floor(H*0.7)"


@pytest.mark.parametrize("op", ["Mul", "Add"])
def test_hostile_chains_end(op: str) -> None:
    """A chain of products or sums that doubles a formula at every step stops being computed with."""
    array: Array | None = vector([H // 2 + H // 3])
    for _ in range(200):
        halves = fold(operation("Div"), [array, vector([3])], 17) if array is not None else None
        array = fold(operation(op), [array, halves], 17) if halves is not None else None
    assert array is None


def test_hostile_squares_end() -> None:
    """A size squared over and over would have 2**200 factors."""
    array: Array | None = vector([H])
    for _ in range(200):
        array = fold(operation("Mul"), [array, array], 17) if array is not None else None
    assert array is None


def test_huge_arrays_are_not_made() -> None:
    made = fold(operation("ConstantOfShape"), [vector([10**9, 10**9])], 17)
    assert made is not None and made.shape == (10**9, 10**9) and made.numbers is None
