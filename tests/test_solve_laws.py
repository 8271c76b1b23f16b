"""Answers against brute force: random chains, and random graphs with skips.

``SHAPESOLVER_CHAINS`` sets how many chains are drawn, and a fifth as many graphs.
"""

from __future__ import annotations

import os
import random

import pytest

from shapesolver import parse
from tests.chains import chain_text, conv, pool, run, steps, transposed

CHAINS = int(os.environ.get("SHAPESOLVER_CHAINS", "10000"))
REACH = 160
"""Sizes that brute force tries: beyond the threshold and more than a period of most answers."""


@pytest.mark.parametrize("part", range(4))
def test_solutions_of_random_chains_are_those_of_brute_force(part: int) -> None:
    draw = random.Random(part)
    for _ in range(CHAINS // 4):
        chain = steps(draw, 6)
        made = [run(chain, n) for n in range(1, REACH)]
        target = draw.choice(made) if draw.random() < 0.8 else draw.randint(1, 40)
        if target < 1:
            continue
        answer = parse(chain_text(chain)).solve(f"l{len(chain) - 1}.L == {target}", "L")
        expected = [n for n, m in enumerate(made, start=1) if m == target]
        assert [n for n in range(1, REACH) if answer.holds(L=n)] == expected, chain_text(chain)
        assert answer.status == "proved"


@pytest.mark.parametrize("part", range(2))
def test_valid_sizes_of_random_graphs_with_skips_are_those_of_brute_force(part: int) -> None:
    draw = random.Random(100 + part)
    for _ in range(CHAINS // 10):
        down, up, tail = draw.choice([conv, pool])(draw), transposed(draw), conv(draw)
        second = draw.choice([conv, pool])(draw)
        text = (
            "dialect torch\nx = input(4, L=64)\n"
            f"a = {down.text}\nb = {second.text}\nc = {up.text}\n"
            f"d = concat(a, c)\ne = {tail.text}\nf = x -> {draw.choice(['identity', 'max_pool(2)'])}\n"
        )
        answer = parse(text).valid()
        halved = "max_pool" in text.rpartition("f = ")[2]

        def builds(n: int) -> bool:
            one = down.count(n)
            two = second.count(one) if one else 0
            three = up.count(two) if two else 0
            return bool(one and one == three and tail.count(one) and (not halved or n >= 2))

        assert [n for n in range(1, REACH) if answer.holds(L=n)] == [
            n for n in range(1, REACH) if builds(n)
        ], text


@pytest.mark.parametrize("parameter", ["kernel", "stride", "padding", "dilation"])
def test_parameters_that_give_a_size_are_those_of_brute_force(parameter: str) -> None:
    draw = random.Random(len(parameter))
    for _ in range(40):
        before, after = steps(draw, 2), steps(draw, 2)
        values = {
            "kernel": draw.randint(1, 5),
            "stride": draw.randint(1, 3),
            "padding": draw.randint(0, 2),
            "dilation": 1,
        }

        def text_with(value: int) -> str:
            given = {**values, parameter: value}
            middle = "conv(4, " + ", ".join(f"{k}={v}" for k, v in given.items()) + ")"
            lines = [*(s.text for s in before), f"mid = {middle}", *(s.text for s in after), "out = identity"]
            return "\n".join(["dialect torch", "x = input(4, 24)", *lines])

        target = draw.randint(1, 14)
        answer = parse(text_with(values[parameter])).solve(f"out.L == {target}", f"mid.{parameter}")
        least = 0 if parameter == "padding" else 1
        for value in range(least, 17):
            net = parse(text_with(value))
            shape = net.derivation.tensor(len(net) - 1)
            assert answer.holds(**{parameter: value}) == (shape is not None and shape.sizes[1] == target), (
                value,
                text_with(value),
            )


def test_fifty_layers() -> None:
    lines = [f"l{i} = conv(4, kernel={3 + i % 3}, stride={1 + (i % 10 == 0)}, padding=1)" for i in range(50)]
    net = parse("\n".join(["dialect torch", "x = input(4, L=64)", *lines]))
    answer = net.solve("l49.L == 10**12", "L")
    low, high = answer.set.min, answer.set.max
    assert low is not None and high is not None
    for n, inside in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
        assert answer.holds(L=n) is inside
        assert (net.at(L=n)["l49"].shape[1] == 10**12) is inside
