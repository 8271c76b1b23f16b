"""Answers against brute force: random chains, and random graphs with skips.

``SHAPESOLVER_CHAINS`` sets how many chains are drawn, and a fifth as many graphs.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shapesolver import parse
from shapesolver.derive import apply
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.registry import kinds
from shapesolver.net import examine
from tests.chains import Middle, Skip, chain_text, conv, pool, run, steps, transposed
from tests.strategies import ALL_KINDS, placed_layers

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
    """Asked for by name, and left open in the file."""
    draw = random.Random(len(parameter))
    for _ in range(40):
        middle = Middle(steps(draw, 2), steps(draw, 2), draw.randint(1, 5), draw.randint(1, 3), draw.randint(0, 2))
        target = draw.randint(1, 14)
        answer = parse(middle.text({})).solve(f"out.L == {target}", f"mid.{parameter}")
        hole = parse(middle.text({parameter: "?n"})).solve(f"out.L == {target}", "n")
        least = 0 if parameter == "padding" else 1
        for value in range(least, 17):
            net = parse(middle.text({parameter: value}))
            shape = net.derivation.tensor(len(net) - 1)
            expected = shape is not None and shape.sizes[1] == target
            assert answer.holds(**{parameter: value}) == expected, (value, middle)
            assert hole.holds(n=value) == expected, (value, middle)


def test_fifty_layers() -> None:
    lines = [f"l{i} = conv(4, kernel={3 + i % 3}, stride={1 + (i % 10 == 0)}, padding=1)" for i in range(50)]
    net = parse("\n".join(["dialect torch", "x = input(4, L=64)", *lines]))
    answer = net.solve("l49.L == 10**12", "L")
    low, high = answer.set.min, answer.set.max
    assert low is not None and high is not None
    for n, inside in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
        assert answer.holds(L=n) is inside
        assert (net.at(L=n)["l49"].shape[1] == 10**12) is inside


UNEVEN = ("chunk", "split")
"""How many pieces they make depends on the size; of a size that is not known, equal pieces are what is meant."""


@pytest.mark.parametrize("op", [op for op in ALL_KINDS if kinds()[op].inputs != (0, 0) and op not in UNEVEN])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_questions_about_any_layer_are_answered_as_by_trying(op: str, data: st.DataObject) -> None:
    """For every layer in the registry: which sizes of one axis of its input give a size that some size gives."""
    layer, inputs = data.draw(placed_layers([op]))
    assume(not layer.aligns)  # two inputs of a network have no grid in common
    axis = data.draw(st.integers(0, inputs[0].rank - 1))
    made: dict[int, tuple[Any, ...] | None] = {}
    # Of several inputs, one that happens to be 1 is broadcast; of a size that is not known, equality is what is meant.
    for n in range(1 if len(inputs) == 1 else 2, 40):
        sizes = (*inputs[0].sizes[:axis], n, *inputs[0].sizes[axis + 1 :])
        outcome = apply(layer, (Tensor(sizes, inputs[0].axes), *inputs[1:]))
        made[n] = None if outcome.broken else outcome.outputs[0].sizes
    results = [sizes for sizes in made.values() if sizes]
    assume(results and len({len(sizes) for sizes in results}) == 1)
    index = data.draw(st.integers(0, len(results[0]) - 1))
    target = data.draw(st.sampled_from(sorted({sizes[index] for sizes in results})))
    net, _ = examine(asking(layer, inputs, axis))
    assume(net is not None and net["y0"].node.layer == layer)
    assert net is not None
    answer = net.solve(f"y0[{index}] == {target}", "n")
    if answer.status != "undecided":
        expected = [n for n, sizes in made.items() if sizes and sizes[index] == target]
        assert [n for n in made if answer.holds(n=n)] == expected


def asking(layer: Layer, inputs: tuple[Tensor, ...], axis: int) -> str:
    """A file in which one axis of the layer's first input is the size n."""
    dialect = layer.dialect
    lines = [f"dialect {dialect.name}{f' opset={dialect.opset}' if dialect.onnx else ''}"]
    for number, tensor in enumerate(inputs):
        sizes = ["n=8" if (number, at) == (0, axis) else str(size) for at, size in enumerate(tensor.sizes)]
        lines.append(f"x{number} = input({', '.join(sizes)})")
    names = [f"x{number}" for number in range(len(inputs))]
    named = [f"{name}={tensor}" for name, tensor in zip(layer.tensor_parameters, names[1:], strict=False)]
    plain = names[: len(names) - len(named)]
    _, _, rest = layer.describe().partition("(")
    arguments = ", ".join([*(plain if len(inputs) > 1 else []), *named, *filter(None, [rest.removesuffix(")")])])
    source = "x0 -> " if len(inputs) == 1 else ""
    made = ", ".join(f"y{number}" for number in range(len(layer.outputs(*inputs))))
    return "\n".join([*lines, f"{made} = {source}{layer.op}({arguments})"])
