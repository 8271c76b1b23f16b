"""Answers against brute force: random chains, and random graphs with skips.

``SHAPESOLVER_CHAINS`` sets how many chains are drawn, and a fifth as many graphs.
"""

from __future__ import annotations

import os
import random

import pytest

from shapesolver import parse
from tests.chains import Middle, Skip, chain_text, conv, pool, run, steps, transposed

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
        skip = Skip(
            *(draw.choice([conv, pool])(draw) for _ in range(2)), transposed(draw), conv(draw), draw.random() < 0.5
        )
        answer = parse(skip.text).valid()
        found = [n for n in range(1, REACH) if answer.holds(L=n)]
        assert found == [n for n in range(1, REACH) if skip.builds(n)], skip.text


@pytest.mark.parametrize("parameter", ["kernel", "stride", "padding", "dilation"])
def test_parameters_that_give_a_size_are_those_of_brute_force(parameter: str) -> None:
    draw = random.Random(len(parameter))
    for _ in range(40):
        middle = Middle(steps(draw, 2), steps(draw, 2), draw.randint(1, 5), draw.randint(1, 3), draw.randint(0, 2))
        target = draw.randint(1, 14)
        answer = parse(middle.text({})).solve(f"out.L == {target}", f"mid.{parameter}")
        least = 0 if parameter == "padding" else 1
        for value in range(least, 17):
            net = parse(middle.text({parameter: value}))
            shape = net.derivation.tensor(len(net) - 1)
            expected = shape is not None and shape.sizes[1] == target
            assert answer.holds(**{parameter: value}) == expected, (value, middle)


def test_fifty_layers() -> None:
    lines = [f"l{i} = conv(4, kernel={3 + i % 3}, stride={1 + (i % 10 == 0)}, padding=1)" for i in range(50)]
    net = parse("\n".join(["dialect torch", "x = input(4, L=64)", *lines]))
    answer = net.solve("l49.L == 10**12", "L")
    low, high = answer.set.min, answer.set.max
    assert low is not None and high is not None
    for n, inside in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
        assert answer.holds(L=n) is inside
        assert (net.at(L=n)["l49"].shape[1] == 10**12) is inside
