"""Which input cells reach a result, against tracing every cell."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shapesolver import Net, load, parse
from shapesolver.arithmetic import holds
from shapesolver.derive import derive
from shapesolver.solve.coverage import nothing_lost, reading

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
GRAPHS = int(os.environ.get("SHAPESOLVER_CHAINS", "10000")) // 10

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
    """Compare with tracing at small sizes; how often the answer was known, and how often not."""
    known = unknown = 0
    derivation = derive(net.free().graph)
    truth = nothing_lost(derivation, reading(derivation, derivation.graph.outputs), ["L"])
    for n in range(1, 40):
        expected = outcome(n)
        if expected is None:
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
    truth = nothing_lost(net.derivation, reading(net.derivation, net.graph.outputs), net.symbols)
    assert truth is not None


def test_a_part_of_what_was_flattened_is_not_all() -> None:
    assert parse("x = input(H, W, 2)\nflatten").ask("which input sizes lose nothing").status == "proved"
    for text in ("flatten\nslice(1, 3)", "reshape(-1, 2)\nslice(0, 1, axis=1)"):
        answer = parse(f"x = input(H, W, 2)\n{text}").ask("which input sizes lose nothing")
        assert answer.status == "undecided"
