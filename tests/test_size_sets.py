"""For which sizes a finding holds, for every registered rule: its set against checking every size by itself.

A rule is tested by being registered: the example of its page has the finding, and its sizes are tried one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from shapesolver.diagnostics import Diagnostic, Span
from shapesolver.layers.merging import Arithmetic
from shapesolver.layers.splitting import Chunk, Split
from shapesolver.net import Net, examine, parse
from shapesolver.verify import rules
from tests.random_nets import RandomNet
from tests.rendered import examples
from tests.strategies import nets

FOUND_IN_NETWORKS = [code for code, rule in rules().items() if rule.find is not None]
MOST = {0: 1, 1: 60, 2: 13, 3: 6}
"""How many sizes of each symbol are tried, by how many symbols there are."""
BUILT = {code for code in FOUND_IN_NETWORKS if rules()[code].of_built}
LEFT_OUT = {"SS208", "SS304"}
"""Rules that leave out what is not so at the usual sizes."""

Sizes = dict[str, int]


def tried(net: Net, random: Random, count: int = 10**9) -> Iterator[Sizes]:
    """Combinations of input sizes: the small ones, and the usual ones."""
    names = [*net.symbols]
    most = MOST.get(len(names), 3)
    combinations = [dict(zip(names, sizes, strict=True)) for sizes in product(range(1, most + 1), repeat=len(names))]
    usual = {name: size for name, size in net.symbols.items() if size is not None}
    yield from combinations if len(combinations) <= count else random.sample(combinations, count)
    yield from ({name: random.randint(most, 700) for name in names} for _ in range(2 if len(names) < 3 else 0))
    if len(usual) == len(names):
        yield usual


def built(net: Net) -> bool:
    return not any(True for _ in net.derivation.broken())


def assumed(net: Net) -> bool:
    return all(net.derivation.truth(claim) is True for claim in net.graph.assumptions)


def narrower(net: Net) -> bool:
    """Whether a law for symbols leaves out these sizes: one is 1 that is meant to be equal to another, or the number
    of pieces depends on them."""
    for index, node in enumerate(net.graph.nodes):
        inputs = net.derivation.inputs(index)
        if isinstance(node.layer, Arithmetic) and inputs and len({tensor.sizes for tensor in inputs}) > 1:
            return True
        if isinstance(node.layer, (Chunk, Split)):
            return True
    return False


def place(finding: Diagnostic) -> Span | None:
    """The line that it is about; lost pixels are one finding for all layers by which some are lost."""
    return None if finding.code == "SS201" else finding.span


Place = tuple[str, Span | None]


def by_place(findings: Iterable[Diagnostic]) -> dict[Place, list[Diagnostic]]:
    """By rule and line; lost pixels are one finding for all layers by which some are lost."""
    found: dict[Place, list[Diagnostic]] = {}
    for finding in findings:
        found.setdefault((finding.code, None if finding.code == "SS201" else finding.span), []).append(finding)
    return found


def answers(net: Net, codes: list[str], sizes: Iterable[Sizes]) -> Counter[str]:
    """How many answers the sets of these rules gave, all of them what the rule finds at the size itself."""
    said, given = by_place(net.check(select=codes)), Counter[str]()
    for values in sizes:
        here = net.at(**values)
        if not assumed(here) or narrower(here):
            continue
        reported, can_be_built = by_place(here.check(select=codes)), built(here)
        for where, group in said.items():
            code, held = where[0], [finding.holds(**values) for finding in group]
            if code in BUILT and not can_be_built:
                assert not any(held)
            elif None not in held:
                given[code] += 1
                assert any(held) == (where in reported), (net.text, where, values, [str(f.where) for f in group])
        if can_be_built and max(values.values(), default=0) <= 3:
            whole = {where for where in reported if where[0] in BUILT and where[0] not in LEFT_OUT}
            assert whole <= said.keys(), (net.text, values)
    return given


@pytest.mark.parametrize("code", FOUND_IN_NETWORKS)
def test_the_examples_of_a_page(code: str) -> None:
    """At the sizes of the file, and with every size free, from 1 on."""
    random, findings = Random(code), 0
    for text in examples(code):
        for net in (parse(text), parse(text).free()):
            findings += len(net.check(select=[code]))
            answers(net, [code], tried(net, random))
    assert findings


SIZES_COUNT = [code for code in FOUND_IN_NETWORKS if code.startswith(("SS1", "SS2", "SS3"))]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nets(most=5))
def test_networks_of_all_layers(net: Net) -> None:
    answers(net, SIZES_COUNT, tried(net, Random(net.text), 8))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_random_graphs(rank: int) -> None:
    random, given = Random(rank), Counter[str]()
    for _ in range({1: 100, 2: 60, 3: 30}[rank]):
        net, _ = examine(RandomNet(random, rank, sizes=", ".join("DHW"[3 - rank :])).text)
        if net is not None and built(net):
            given += answers(net, SIZES_COUNT, tried(net, random, 20))
    assert all(given[code] for code in ("SS201", "SS202", "SS203", "SS204", "SS207")), given


def test_assumptions_narrow_a_finding() -> None:
    text = "image = input(H, 33, 3)\nconv1 = conv(8, kernel=3, stride=3)"
    (finding,) = parse(text).check(select=["SS201"])
    assert finding.message == "conv1 loses up to 2 rows of image unless H % 3 == 0"
    (finding,) = parse(f"{text}\nassume H % 2 == 0").check(select=["SS201"])
    assert finding.message == "conv1 loses up to 2 rows of image unless H % 6 == 0"
    assert parse(f"{text}\nassume H % 3 == 0").check(select=["SS201"]) == ()


def test_a_finding_says_unless_what() -> None:
    net = parse(
        "image = input(H=28, W=28, 1)\nconv1 = conv(32, kernel=7, stride=3)\nconv2 = conv(64, kernel=5, stride=2)"
    )
    (finding,) = net.check(select=["SS201"])
    assert finding.message == (
        "conv1 and conv2 lose up to 5 rows and columns of image unless (H - 1) % 6 == 0 and (W - 1) % 6 == 0"
    )
    assert finding.holds(H=28, W=31) and finding.holds(H=25, W=28) and not finding.holds(H=25, W=31)


def test_what_holds_for_all_sizes_is_proved_and_what_was_tried_says_so() -> None:
    """Windows read alike at all sizes; those of a transposed convolution do not, and are tried."""
    text = "x = input(H=64, W=64, 3)\nconv(8, kernel=3, stride=4)\nglobal_avg_pool"
    (finding,) = parse(text).check(select=["gaps"])
    assert finding.known is True
    assert finding.message == (
        "conv1 moves its window of 3 by 4 along H and W, and leaves gaps unless H in 3..6 and W in 3..6"
    )
    assert finding.holds(H=10**9, W=3) is True and finding.holds(H=6, W=6) is False and finding.holds(H=2, W=9) is False
    (finding,) = parse(
        text.replace("conv(8, kernel=3", "conv_transpose(3, kernel=2, stride=2) -> conv(8, kernel=1")
    ).check(select=["gaps"])
    assert finding.holds(H=64, W=64) is True and finding.holds(H=10**9, W=64) is None
    assert finding.advice[-1].text == "looked at is H in 1..256 and W in 1..256; for other sizes it is undecided"


def test_windows_over_a_tensor_without_channels() -> None:
    text = "dialect torch\nx = input(1, H=9, W=9)\nsqueeze(axis=C)\nmax_pool(2)"
    assert [finding.axis for finding in parse(text).usual().check(select=["lost-pixels"])] == ["W"]
    answers(parse(text), SIZES_COUNT, tried(parse(text), Random(0)))
