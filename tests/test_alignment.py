"""Alignment of grids by example: the crops of the fully convolutional paper, and grids that cannot be aligned."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from shapesolver import load, parse
from shapesolver.cli import main
from shapesolver.measure.alignment import AlignmentError

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
FCN = EXAMPLES / "fcn8s.net"

THE_PAPERS_CROPS = [("score_pool4", "upscore2", 5), ("score_pool3", "upscore4", 9), ("upscore8", "image", 31)]


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["align", *arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize(("layer", "other", "offset"), THE_PAPERS_CROPS)
def test_the_crops_of_the_paper_come_out(layer: str, other: str, offset: int) -> None:
    found = load(FCN).usual().align(layer, other)
    assert found.offsets == (offset, offset)
    assert all((axis.scale, axis.shift, axis.fits) == (1, offset, True) for axis in found.values())


def test_a_crop_finds_its_offset_when_asked() -> None:
    text = FCN.read_text()
    for _, _, offset in THE_PAPERS_CROPS:
        text = text.replace(f"offset={offset})", "offset=aligned)")
    net = parse(text)
    assert [layer.kind.offset for layer in net if layer.op == "crop"] == [(5, 5), (9, 9), (31, 31)]
    assert net.check() == () and net.usual()["out"].shape == (21, 500, 500)
    assert net.usual()["out"].receptive_field["H"].size == load(FCN).usual()["out"].receptive_field["H"].size


def test_a_crop_that_is_not_asked_takes_the_middle() -> None:
    net = parse("dialect torch\nx = input(1, 20)\ny = conv(1, kernel=4)\nx -> crop(to=y)")
    assert net["crop1"].field(0)["L"].cells == ((1, 1),)


def test_an_offset_that_depends_on_the_size_is_a_condition() -> None:
    net = parse("x = input(L=20, 1)\na = conv(1, kernel=3, stride=2, padding=same)\nb = x -> max_pool(1, stride=2)\n"
                "c = a -> crop(to=b, offset=aligned)")  # fmt: skip
    assert {n: net.at(L=n).check() == () for n in (8, 9)} == {8: False, 9: True}
    assert net.ask("which input sizes are valid").holds(L=9) and not net.ask("which input sizes are valid").holds(L=8)


def test_grids_half_a_unit_apart_cannot_be_aligned() -> None:
    text = "dialect torch\nx = input(1, 20)\na = conv(1, kernel=3, stride=2)\nb = x -> conv(1, kernel=2, stride=2)\n"
    net = parse(text)
    axis = net.align("a", "b")["L"]
    assert (axis.scale, axis.shift, axis.offset, axis.remainder) == (1, Fraction(-1, 4), None, Fraction(3, 4))
    (finding,) = parse(text + "c = a -> crop(to=b, offset=aligned)").check()
    assert (finding.code, finding.message) == (
        "SS110",
        "c: crop cannot align its inputs along L: unit 0 lies at -1/4, between two units",
    )


def test_grids_of_different_strides_are_told_by_their_scale() -> None:
    net = parse("dialect torch\nx = input(1, 20)\na = conv(1, kernel=3)\nb = max_pool(2)")
    axis = net.align("a", "b")["L"]
    assert (axis.scale, axis.shift, axis.aligned) == (2, Fraction(1, 2), False)
    assert net.align("b", "a")["L"].scale == Fraction(1, 2)


def test_layers_without_a_common_grid_are_refused() -> None:
    with pytest.raises(AlignmentError, match="no grids to compare"):
        load(EXAMPLES / "vgg16.net").usual().align("fc6", "pool5")


def test_aligning_at_the_terminal() -> None:
    assert run(str(FCN), "score_pool4", "upscore2") == (
        "H: unit i of upscore2 lies at i + 5 of score_pool4\n"
        "W: unit i of upscore2 lies at i + 5 of score_pool4\n"
        "score_pool4 -> crop(to=upscore2, offset=5)\n"
    )
    assert run(str(FCN), "upscore2", "score_pool4").endswith("score_pool4 -> crop(to=upscore2, offset=5)\n")
    assert run(str(EXAMPLES / "alexnet.net"), "conv1", "pool1", code=1) == (
        "H: unit i of pool1 lies at 2*i + 1 of conv1\n"
        "   they cannot be aligned by a crop: their strides in image.H are 4 and 8\n"
        "W: unit i of pool1 lies at 2*i + 1 of conv1\n"
        "   they cannot be aligned by a crop: their strides in image.W are 4 and 8\n"
    )
