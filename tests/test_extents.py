"""Which input cells reach a result at every size: formulas against tracing and one-hot inputs, size by size."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shapesolver import Net, load, parse
from shapesolver.arithmetic import holds
from shapesolver.derive import apply, derive
from shapesolver.layers.base import Tensor
from shapesolver.layers.cells import members
from shapesolver.layers.reading import Progression, Reading
from shapesolver.layers.registry import kinds
from shapesolver.measure.extents import nothing_lost, read_for
from shapesolver.measure.proofs import Valid
from shapesolver.measure.unions import Unions, held
from shapesolver.solve import Status
from shapesolver.solve.losses import EVERY
from shapesolver.verify.unread import Trace
from tests.dependence import reaching
from tests.random_nets import broadcasts, buildable, symbolic
from tests.strategies import ALL_KINDS, placed_layers

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
GRAPHS = int(os.environ.get("SHAPESOLVER_CHAINS", "10000")) // 25

Cells = list[frozenset[int]]
"""A line of cells, each the set of input cells that it depends on."""


@dataclass(frozen=True)
class Traced:
    text: str
    trace: Callable[[Cells], Cells]


NOTHING: frozenset[int] = frozenset()


def slide(cells: Cells, kernel: int, stride: int, padding: int, dilation: int) -> Cells:
    padded = [NOTHING] * padding + cells + [NOTHING] * padding
    span = dilation * (kernel - 1) + 1
    starts = range(0, len(padded) - span + 1, stride)
    return [NOTHING.union(*(padded[start + dilation * tap] for tap in range(kernel))) for start in starts]


def conv(draw: random.Random) -> Traced:
    k, s, p, d = draw.randint(1, 4), draw.randint(1, 3), draw.randint(0, 2), draw.choice([1, 1, 2, 3])
    p = min(p, k - 1)
    text = f"conv(4, kernel={k}, stride={s}, padding={p}, dilation={d})"
    return Traced(text, lambda cells: slide(cells, k, s, p, d))


def up(draw: random.Random) -> Traced:
    r = draw.randint(2, 3)
    return Traced(f"upsample({r})", lambda cells: [cell for cell in cells for _ in range(r)])


def transposed(draw: random.Random) -> Traced:
    k, s = draw.randint(1, 4), draw.randint(1, 3)

    def trace(cells: Cells) -> Cells:
        made = [NOTHING] * ((len(cells) - 1) * s + k)
        for place, cell in enumerate(cells):
            for tap in range(k):
                made[place * s + tap] |= cell
        return made

    return Traced(f"conv_transpose(4, kernel={k}, stride={s})", trace)


def cut(draw: random.Random) -> Traced:
    a, b = draw.randint(0, 2), draw.randint(0, 2)
    return Traced(f"crop((({a}, {b}),))", lambda cells: cells[a : len(cells) - b])


def sliced(draw: random.Random) -> Traced:
    a, step = draw.randint(0, 2), draw.randint(1, 2)
    return Traced(f"slice({a}, step={step}, axis=L)", lambda cells: cells[a::step])


KINDS = [conv, conv, conv, up, transposed, cut, sliced]


def check(net: Net, outcome: Callable[[int], bool | None]) -> tuple[int, int]:
    """Compare with tracing at small sizes that are valid; how often the answer was known, and how often not."""
    known = unknown = 0
    derivation = derive(net.free().graph)
    valid = Valid.up_to(derivation, derivation.graph.outputs).valid
    truth = nothing_lost(derivation, read_for(derivation, derivation.graph.outputs))
    for n in range(1, 40):
        expected = outcome(n)
        # Sizes that are 1 by chance, and broadcast, are not meant where symbolic ones must be equal.
        if expected is None or not holds(valid, {"L": n}):
            continue
        if truth is None:
            unknown += 1
            continue
        known += 1
        assert holds(truth, {"L": n}) == expected, (n, net.text, str(truth))
    return known, unknown


def test_what_reaches_the_end_of_a_chain_is_what_tracing_finds() -> None:
    draw = random.Random(1)
    known = unknown = 0
    for _ in range(GRAPHS):
        chain = [draw.choice(KINDS)(draw) for _ in range(draw.randint(1, 5))]
        net = parse("\n".join(["dialect torch", "x = input(4, L=64)", *(t.text for t in chain)]))

        def lossless(n: int, chain: list[Traced] = chain, net: Net = net) -> bool | None:
            if net.at(L=n).derivation.tensor(len(chain)) is None:
                return None
            cells = [frozenset([i]) for i in range(n)]
            for step in chain:
                cells = step.trace(cells)
            return NOTHING.union(*cells) == set(range(n))

        more = check(net, lossless)
        known, unknown = known + more[0], unknown + more[1]
    assert known > unknown


def test_what_reaches_the_end_of_two_paths_is_what_tracing_finds() -> None:
    draw = random.Random(2)
    known = 0
    for _ in range(GRAPHS):
        before, one, two, after = (
            [draw.choice([conv, conv, cut, sliced])(draw) for _ in range(draw.randint(least, 2))]
            for least in (0, 1, 1, 0)
        )
        lines = ["dialect torch", "x = input(4, L=64)", "a = " + " -> ".join(["x", *(t.text for t in before)])]
        lines += [f"{name} = " + " -> ".join(["a", *(t.text for t in path)]) for name, path in (("b", one), ("c", two))]
        joined = draw.random() < 0.5
        lines += ["d = " + " -> ".join(["add(b, c)", *(t.text for t in after)])] if joined else ["output b, c"]
        net = parse("\n".join(lines))

        paths = before, one, two, after

        def lossless(
            n: int, paths: tuple[list[Traced], ...] = paths, net: Net = net, joined: bool = joined
        ) -> bool | None:
            derivation = net.at(L=n).derivation
            if any(outcome is None or outcome.broken for outcome in derivation.outcomes):
                return None
            shared = [frozenset([i]) for i in range(n)]
            for step in paths[0]:
                shared = step.trace(shared)
            left, right = shared, shared
            for step in paths[1]:
                left = step.trace(left)
            for step in paths[2]:
                right = step.trace(right)
            if joined and len(left) != len(right):
                return None
            made = [a | b for a, b in zip(left, right, strict=True)] if joined else left + right
            for step in paths[3] if joined else []:
                made = step.trace(made)
            return NOTHING.union(*made) == set(range(n))

        known += check(net, lossless)[0]
    assert known > GRAPHS


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet152", "resnet50_keras", "wavenet", "unet_572"])
def test_shortcuts_and_dilated_gates_are_made_good_by_other_paths(name: str) -> None:
    net = load(EXAMPLES / f"{name}.net").free()
    truth = nothing_lost(net.derivation, read_for(net.derivation, net.graph.outputs))
    assert truth is not None


@pytest.mark.parametrize(
    ("name", "sizes"),
    [(name, dict.fromkeys("HW", 225)) for name in ("resnet18", "resnet50", "resnet152", "resnet50_keras", "unet_572")]
    + [("wavenet", {"L": 100})],
)
def test_which_sizes_lose_nothing_is_decided_for(name: str, sizes: dict[str, int]) -> None:
    assert load(EXAMPLES / f"{name}.net").ask("which input sizes lose nothing").status is Status.PROVED


# Every layer: what it says of progressions against what it says of cells, which one-hot inputs check.

CONSUMING = [op for op in ALL_KINDS if kinds()[op].inputs != (0, 0)]


@st.composite
def progressions(draw: st.DrawFn, n: int) -> Progression:
    first, step = draw(st.integers(0, n - 1)), draw(st.integers(1, 4))
    return Progression(first, first + step * draw(st.integers(0, (n - 1 - first) // step)), step)


def said(reading: Reading, n: int, wanted: list[Progression], made: Tensor) -> set[int] | None:
    """The cells of one axis that a layer says are read; ``None`` where it does not tell."""
    if any(wanted[mixed] != (0, made.sizes[mixed] - 1, 1) for mixed in reading.together):
        return None
    if reading.follows is None:
        return set(range(n)) if reading.exact or reading.together else None
    parts = None if reading.parts is None else reading.parts(wanted[reading.follows])
    return None if parts is None else {i for p in parts for i in range(p.first, p.last + 1, p.step)} & set(range(n))


@pytest.mark.parametrize("op", CONSUMING)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_parts_are_the_cells_that_are_read(op: str, data: st.DataObject) -> None:
    """Whatever progressions of results are wanted, along each axis: just the cells that they read, or not told."""
    layer, inputs = data.draw(placed_layers([op]))
    outcome = apply(layer, inputs)
    assume(outcome.broken is None and all(made.cells < 2_000 for made in (*outcome.outputs, *inputs)))
    output = data.draw(st.integers(0, len(outcome.outputs) - 1))
    made = outcome.outputs[output]
    wanted = [data.draw(st.one_of(st.just(Progression(0, n - 1)), progressions(n))) for n in made.sizes]
    cells = tuple(sum(1 << i for i in range(p.first, p.last + 1, p.step)) for p in wanted)
    for number, axes in enumerate(layer.readings(*inputs, output=output)):
        boxes = [box for source, box in layer.read_cells(cells, inputs, output) if source == number]
        told = [said(reading, n, wanted, made) for reading, n in zip(axes or (), inputs[number].sizes, strict=False)]
        for axis, read in enumerate(told):
            expected = {cell for box in boxes if all(box) for cell in members(box[axis])}
            # Where nothing is read along one axis, nothing is read at all.
            nothing = set() in told or any(reading.hollow for reading in axes or ())
            assert read is None or read == expected or (not expected and nothing), (axis, read, wanted)


# Unions of progressions, at sizes that are numbers, against sets.


def proves(truth: object) -> bool:
    assert isinstance(truth, bool)
    return truth


@settings(max_examples=500, deadline=None)
@given(st.lists(progressions(30), min_size=1, max_size=6), st.integers(1, 30), progressions(30))
def test_a_union_holds_what_its_parts_hold(parts: list[Progression], n: int, wanted: Progression) -> None:
    cells = {i for p in parts for i in range(p.first, p.last + 1, p.step)}
    assert {i for p in Unions(proves).united(parts) for i in range(p.first, p.last + 1, p.step)} == cells
    assert held(tuple(parts), wanted) is (set(range(wanted.first, wanted.last + 1, wanted.step)) <= cells)
    union, told = Unions(proves).within([p.moved(-10) for p in parts], n)
    assert told
    assert {i + 10 for p in union for i in range(p.first, p.last + 1, p.step)} == cells & set(range(10, 10 + n))


# Whole networks: the set of sizes that lose nothing, against one-hot inputs at each size.

SIZES = range(1, 33)


@pytest.mark.parametrize("seed", range(4))
def test_the_sizes_that_lose_nothing_are_those_at_which_every_cell_reaches_an_output(seed: int) -> None:
    draw, known, some = random.Random(seed), 0, 0
    for _ in range(60):
        net = symbolic(draw)
        answer = net.ask("which input sizes lose nothing")
        if answer.status is Status.UNDECIDED:
            continue
        known += 1
        for n in (n for n in draw.sample(SIZES, 8) if not broadcasts(net, n)):
            expected = buildable(net, n) and all(reached.all() for reached in reaching(net.at(n=n)).values())
            assert answer.holds(n=n) == expected, (net.text, n, str(answer.condition))
            some += expected
    assert known > 45 and some > 30


@pytest.mark.parametrize(
    ("lines", "lossless"),
    [
        # Along each axis the cell is copied, too, and what is cropped is read as the copy.
        ("pad(2, mode=circular)\ncrop(((3, 1),))", range(2, 40)),
        ("pad(2, mode=circular)\ncrop(((4, 0),))", range(2, 40)),
        ("pad(2, mode=circular)\ncrop(((0, 3),))", range(2, 40)),
        ("pad(2, mode=reflect)\ncrop(((3, 0),))", [3]),
        ("pad(2, mode=reflect)\ncrop(((0, 3),))", [3]),
        ("pad(2, mode=symmetric)\ncrop(((0, 3),))", [2]),
        ("pad(2, mode=replicate)\ncrop(((0, 3),))", [1]),
        # Cells are picked, or lie side by side.
        ("upsample(0.5)", []),
        ("upsample(0.5, mode=area)", range(2, 40, 2)),
        ("upsample(0.25, mode=linear)", []),
        # Channels count as well.
        ("max_pool(1)\nslice(0, 2, axis=C)", []),
    ],
)
def test_copies_picks_and_channels(lines: str, lossless: list[int]) -> None:
    net = parse(f"dialect torch\nx = input(4, n=8)\n{lines}")
    answer = net.ask("which input sizes lose nothing")
    assert answer.status is Status.PROVED
    assert [n for n in range(1, 40) if answer.holds(n=n)] == [*lossless]


def test_corners_that_no_path_reads_are_not_forgotten() -> None:
    """Every row and every column is read, and two corners are not: nothing is proved of the cells."""
    net = parse("x = input(H=8, W=8, 1)\nadd(crop(((1, 0), (0, 1))), crop(((0, 1), (1, 0))))")
    assert net.usual().lost()["x"].cells == 2
    assert net.ask("which input sizes lose nothing").status is Status.UNDECIDED


def test_a_part_of_what_was_flattened_is_not_all() -> None:
    assert parse("x = input(H, W, 2)\nflatten").ask("which input sizes lose nothing").status is Status.PROVED
    for text in ("flatten\nslice(1, 3)", "reshape(-1, 2)\nslice(0, 1, axis=1)"):
        answer = parse(f"x = input(H, W, 2)\n{text}").ask("which input sizes lose nothing")
        assert answer.status is Status.UNDECIDED


@pytest.mark.parametrize("seed", range(2))
def test_the_layers_that_lose_cells_are_those_behind_which_cells_are_lost(seed: int) -> None:
    """Each layer's own sizes, against following every cell at each size."""
    draw, seen = random.Random(seed), 0
    for _ in range(60):
        net = symbolic(draw)
        answer = net.ask("which layers lose pixels")
        if answer.status is Status.UNDECIDED:
            continue
        sets = [(layer.layer, found) for layer in answer.losing for found in layer.lines.values()]
        for n in (n for n in draw.sample(SIZES, 8) if not broadcasts(net, n) and buildable(net, n)):
            trace = Trace(net.at(n=n).derivation)
            guilty = {net.graph.nodes[p.index].path for p in trace.passed if trace.guilty(p, p.behind)}
            assert {path for path, found in sets if found == EVERY or n in found} == guilty, (net.text, n)
            seen += len(guilty)
    assert seen > 20
