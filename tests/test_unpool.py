"""Unpooling: which sizes it takes, by hand and by brute force over every window of the pool."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shapesolver
from shapesolver.arithmetic import holds

AXES = {1: "L", 2: "HW", 3: "DHW"}


@pytest.mark.parametrize(
    ("pool", "unpool", "sizes"),
    [
        ("2", "2, _, p", "H all n >= 2, W n % 2 == 0, n >= 2"),
        ("3, stride=2, padding=1", "3, _, p, stride=2, padding=1", "H n % 2 == 1, n >= 1, W n % 2 == 1, n >= 1"),
        ("(1, 2)", "(1, 2), _, p", "H {1}, W all n >= 2 or H all n >= 2, W n % 2 == 0, n >= 2"),
        ("(2, 1)", "(2, 1), _, p", "H all n >= 2, W all n >= 1"),
        ("2", "2, _, p, output_size=(image.H, image.W)", "H all n >= 2, W all n >= 2"),
        ("2, ceil_mode=true", "2, _, p, output_size=(image.H, image.W)", "H all n >= 1, W all n >= 1"),
    ],
)
def test_the_sizes_that_unpool_takes(pool: str, unpool: str, sizes: str) -> None:
    """All but the first must be as they were, and the first, too, where the pool pads; any once they are stated."""
    answer = shapesolver.parse(
        f"dialect torch\nimage = input(3, H, W)\np = max_pool({pool})\nunpool({unpool})\n"
    ).valid()
    assert answer.status == "proved"
    assert str(answer) == sizes


def test_what_says_so_says_what_to_write() -> None:
    net = shapesolver.parse("dialect torch\nimage = input(3, 9, 15)\np = max_pool(2)\nunpool(2, _, p)\n")
    (finding,) = shapesolver.check(net)
    assert finding.code == "SS111"
    assert finding.message == (
        "unpool1: unpool's places count the cells of the 9 x 15 that were pooled, and it makes 8 x 14: "
        "place 118 lies beyond its 112 cells"
    )
    assert [fix.title for fix in finding.fixes][:2] == [
        "input 9 x 14 or 9 x 16 (any 2m)",
        "output_size=(image.H, image.W), which makes 9 x 15",
    ]


@st.composite
def undone_pools(draw: st.DrawFn) -> tuple[int, str, dict[str, list[int]], list[int] | None]:
    """A network of a pool and its unpool: how many axes, the text, the pool's numbers, what the unpool's size adds."""
    rank = draw(st.integers(1, 3))

    def each(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank))

    kernel = each(1, 4)
    stride = kernel if draw(st.booleans()) else each(1, 4)
    padding = [draw(st.integers(0, k // 2)) for k in kernel]
    # A window of 2 may lie in the padding alone when it is dilated.
    dilation = each(1, 3) if 2 not in kernel and draw(st.booleans()) else [1] * rank
    added = each(-1, 1) if draw(st.booleans()) else None
    given = {"stride": stride, "padding": padding}
    text = (
        f"dialect torch\nimage = input(2, {', '.join(AXES[rank])})\n"
        f"p = max_pool({_entries(kernel)}, {_arguments(given)}, dilation={_entries(dilation)})\n"
        f"unpool({_entries(kernel)}, _, p, {_arguments(given)}{_stated(rank, added)})\n"
    )
    return rank, text, {**given, "kernel": kernel, "dilation": dilation}, added


def _entries(numbers: list[int]) -> str:
    return f"({', '.join(map(str, numbers))},)"


def _arguments(given: dict[str, list[int]]) -> str:
    return ", ".join(f"{name}={_entries(numbers)}" for name, numbers in given.items())


def _stated(rank: int, added: list[int] | None) -> str:
    if added is None:
        return ""
    return f", output_size=({', '.join(f'image.{axis} + {n}' for axis, n in zip(AXES[rank], added, strict=True))},)"


def greatest_place(pool: dict[str, list[int]], sizes: tuple[int, ...]) -> int:
    """The greatest number of a cell that some window reads, cell by cell; -1 where there is no window."""
    greatest = -1
    read = []
    for n, *numbers in zip(sizes, *(pool[name] for name in ("kernel", "stride", "padding", "dilation")), strict=True):
        kernel, stride, padding, dilation = numbers
        windows = (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        cells = (stride * window - padding + dilation * tap for window in range(windows) for tap in range(kernel))
        read.append([cell for cell in cells if 0 <= cell < n])
    for cell in product(*read):
        place = 0
        for index, n in zip(cell, sizes, strict=True):
            place = place * n + index
        greatest = max(greatest, place)
    return greatest


def unpooled(pool: dict[str, list[int]], sizes: tuple[int, ...], added: list[int] | None) -> list[int] | None:
    """The sizes that unpooling makes; nothing where it may not."""
    made = []
    for axis, n in enumerate(sizes):
        kernel, stride, padding, dilation = (pool[name][axis] for name in ("kernel", "stride", "padding", "dilation"))
        windows = (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
        usual = (windows - 1) * stride - 2 * padding + kernel
        size = usual if added is None else n + added[axis]
        if windows < 1 or size < 1 or (abs(size - usual) >= stride and added is not None):
            return None
        made.append(size)
    return made


@given(undone_pools(), st.data())
def test_every_place_lies_inside(
    undone: tuple[int, str, dict[str, list[int]], list[int] | None], data: st.DataObject
) -> None:
    """With numbers and with symbols the same sizes are valid: those at which no place of any cell read is beyond."""
    rank, text, pool, added = undone
    sizes = tuple(data.draw(st.lists(st.integers(1, 9), min_size=rank, max_size=rank)))
    made = unpooled(pool, sizes, added)
    expected = made is not None and greatest_place(pool, sizes) < prod(made)
    net, values = shapesolver.parse(text), dict(zip(AXES[rank], sizes, strict=True))
    assert (not any(net.at(**values).derivation.broken())) is expected
    general = net.derivation
    assert (not any(general.broken()) and all(holds(n.truth, values) for _, n in general.conditions())) is expected
