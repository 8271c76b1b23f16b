"""For which sizes a finding holds: its set against checking every size by itself."""

from __future__ import annotations

from random import Random

import pytest

from shapesolver.layers.merging import Arithmetic
from shapesolver.net import Net, examine, parse
from tests.random_nets import RandomNet

SIZES = range(1, 40)


def symbolic(random: Random) -> Net:
    """A random network over one symbolic axis, without layers whose gaps formulas do not tell."""
    while True:
        net, _ = examine(RandomNet(random, rank=1, sizes="n").text)
        if net is not None and not any(True for _ in net.derivation.broken()):
            return net


def layers_found(net: Net, n: int, code: str) -> set[str]:
    """The layers that a rule finds fault with at one size."""
    return {d.layer for d in net.at(n=n).check(select=[code])}


def buildable(net: Net, n: int) -> bool:
    return not any(True for _ in net.at(n=n).derivation.broken())


def broadcasts(net: Net, n: int) -> bool:
    """Whether a size is 1 by chance where a symbolic one is meant to be equal to another."""
    derivation = net.at(n=n).derivation
    for index, node in enumerate(net.graph.nodes):
        inputs = derivation.inputs(index)
        if isinstance(node.layer, Arithmetic) and inputs and len({tensor.sizes for tensor in inputs}) > 1:
            return True
    return False


@pytest.mark.parametrize("seed", range(4))
def test_pixels_are_lost_at_the_sizes_that_the_finding_says(seed: int) -> None:
    random, found = Random(seed), 0
    for _ in range(50):
        net = symbolic(random)
        for finding in net.check(select=["SS201"]):
            found += 1
            for n in (n for n in SIZES if not broadcasts(net, n)):
                lost = buildable(net, n) and bool(layers_found(net, n, "SS201"))
                assert finding.holds(n=n) == lost, (net.text, n, str(finding.where))
    assert found


@pytest.mark.parametrize("code", ["SS202", "SS208"])
def test_each_layer_has_its_finding_at_the_sizes_that_it_says(code: str) -> None:
    random, found = Random(code), 0
    for _ in range(50):
        net = symbolic(random)
        findings = {d.layer: d for d in net.check(select=[code])}
        for n in (n for n in SIZES if not broadcasts(net, n)):
            here = layers_found(net, n, code) if buildable(net, n) else set()
            said = {layer for layer, finding in findings.items() if finding.holds(n=n) and buildable(net, n)}
            assert said == here, (net.text, n)
        found += len(findings)
    assert found


@pytest.mark.parametrize("code", ["SS101", "SS102", "SS104", "SS105", "SS106", "SS107"])
def test_a_layer_cannot_be_built_at_the_sizes_that_the_finding_says(code: str) -> None:
    """Too small an input is no finding; whatever else breaks is, at exactly these sizes."""
    random = Random(code)
    for _ in range(30):
        net = symbolic(random)
        for finding in net.check(select=[code]):
            for n in (n for n in SIZES if not broadcasts(net, n)):
                broken = {node.span for node, need in net.at(n=n).derivation.broken() if need.truth is False}
                rules = {(node.span, need.rule) for node, need in net.at(n=n).derivation.broken()}
                assert finding.holds(n=n) == ((finding.span, finding.name) in rules), (net.text, n, broken)


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
