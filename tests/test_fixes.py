"""Fixes by example: what is offered, as titles, and what becomes of the text."""

from __future__ import annotations

import time
from functools import partial
from itertools import count

import pytest

from shapesolver.checking import Terms, check_text, fix_text
from shapesolver.diagnostics import Diagnostic
from shapesolver.network import Network
from shapesolver.render.excerpt import plain
from shapesolver.verify.fixing.attempts import MAX_EFFORT
from shapesolver.verify.fixing.edits import Text


def findings(text: str, **sizes: int) -> tuple[Diagnostic, ...]:
    return check_text(text, "f.net", Terms(sizes))


def offered(text: str, **sizes: int) -> dict[str, str]:
    """The fixes of the only finding: their titles, and the text that each makes (or the sizes that it names)."""
    (finding,) = findings(text, **sizes)
    return {fix.title: Text(text).after(fix.edits) if fix.edits else str(dict(fix.sizes)) for fix in finding.fixes}


def test_the_network_of_the_question() -> None:
    text = (
        "# mnist.net\n\nimage = input(28, 28, 1)\nconv1 = conv(32, kernel=7, stride=3)\n"
        "conv2 = conv(64, kernel=5, stride=2)\nflatten\ndense(10)\n"
    )
    (finding,) = findings(text)
    assert plain(finding, text, "mnist.net").splitlines() == [
        "warning[SS201] lost-pixels: conv2 fits 2.5 windows along H and W, and makes 2",
        " --> mnist.net:5:9",
        "  |",
        "4 | conv1 = conv(32, kernel=7, stride=3)",
        "  |         ---------------------------- 8 x 8 x 32",
        "5 | conv2 = conv(64, kernel=5, stride=2)",
        "  |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ (8 + 0 - 5)/2 + 1 = 2.5",
        "  |",
        "  = lost: the last row and column of conv1, so 159 of 784 pixels (20.3 %) of image",
        "  = try:  input 25 x 25 or 31 x 31 (any 6m + 1)",
        "  = try:  padding=((0, 1), (0, 1)), which makes 3",
        "  = or:   end the line with `# allow: lost-pixels`",
    ]


def test_the_authors_spelling_layout_and_comments_stay() -> None:
    text = (
        "image = input(28, 28, 1)\nc1 = Conv2D(32, (7, 7), strides=3)\n"
        "c2 = Conv2D(\n    64,  # maps\n    (5, 5), strides=2,\n)"
    )
    changed = offered(text)
    assert changed["kernel=(4, 4), which makes 3"] == text.replace("(5, 5)", "(4, 4)")
    assert changed["padding=((0, 1), (0, 1)), which makes 3"] == text.replace(
        "strides=2,", "strides=2, padding=((0, 1), (0, 1)),"
    )
    assert changed["input 25 x 25 or 31 x 31 (any 6m + 1)"] == text.replace("28, 28", "31, 31")


def test_a_fix_in_a_block_suits_every_use_of_it() -> None:
    text = "x = input(10, 10, 3)\nblock b(c) {\n    conv(c, kernel=5)  # wide\n}\nb(8)\nb(8)\nb(8)\n"
    assert offered(text) == {
        "input 13 x 13 (13 or more)": text.replace("10, 10", "13, 13"),
        "padding=((0, 1), (0, 1)), which makes 1": text.replace("kernel=5", "kernel=5, padding=((0, 1), (0, 1))"),
        "kernel=4, which makes 1": text.replace("kernel=5", "kernel=4"),
    }


def test_a_value_worked_out_from_names_is_left_alone() -> None:
    titles = [*offered("x = input(4, 4, 3)\nlet k = 5\nconv(8, kernel=k)\n")]
    assert titles == ["input 5 x 5 (5 or more)", "padding=((0, 1), (0, 1)), which makes 1"]


def test_sizes_given_from_outside_are_named_and_not_written() -> None:
    text = "x = input(H=28, W=28, 3)\nconv(8, kernel=5)\n"
    assert offered(text, H=3, W=28)["input 5 x 28 (5 or more)"] == "{'H': 5, 'W': 28}"


def test_pytorch_pads_both_ends_alike() -> None:
    text = "dialect torch\nx = input(1, 28, 28)\nconv(32, kernel=7, stride=3)\nc = conv(64, kernel=5, stride=2)\n"
    assert "padding=1, which makes 3" in offered(text)


def test_tensors_that_do_not_fit_are_cropped_or_made_to_fit() -> None:
    text = "x = input(29, 29, 8)\nup = MaxPooling2D(2) -> UpSampling2D(2)\nadd(x, up)\n"
    assert offered(text)["x -> crop(to=up), which makes 28"] == text.replace("add(x, up)", "add(x -> crop(to=up), up)")
    text = (
        "dialect torch\nx = input(8, 29, 29)\nblock b(skip) {\n    max_pool(2)\n"
        "    conv_transpose(8, kernel=2, stride=2)\n    concat(skip, _)\n}\nb(x)\n"
    )
    title = "output_size=(skip.H, skip.W) of b1.conv_transpose1, which makes 29"
    assert offered(text)[title] == text.replace("stride=2)", "stride=2, output_size=(skip.H, skip.W))")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("cov(8, 3)", "conv(8, 3)"),
        ("conv(8, kernl=3)", "conv(8, kernel=3)"),
        ("cov(8, kernl=3, strde=2)", "conv(8, kernel=3, stride=2)"),
        ("conv(4×8, kernel=3)", "conv(4*8, kernel=3)"),
        ("y = conv(8, kernel=3)\nexpect y.H = 26", "y = conv(8, kernel=3)\nexpect y.H == 26"),
        ("y = conv(8, kernel=3)\nexpct y.H == 26", "y = conv(8, kernel=3)\nexpect y.H == 26"),
        ("conv(8, kernel=3)\nimag -> conv(8, kernel=3)", "conv(8, kernel=3)\nimage -> conv(8, kernel=3)"),
    ],
)
def test_misspelt_words_are_mended_unasked(wrong: str, right: str) -> None:
    head = "image = input(28, 28, 1)\n"
    assert fix_text(head + wrong, "f.net", Terms()) == head + right


def test_a_word_that_may_mean_two_things_is_not_mended_unasked() -> None:
    text = "image1 = input(28, 28, 1)\nimage2 = input(28, 28, 1)\nadd(image, image1)"
    (finding,) = findings(text)
    assert [(fix.title, fix.safe) for fix in finding.fixes] == [("write `image2`", False), ("write `image1`", False)]
    assert fix_text(text, "f.net", Terms()) == text


def test_several_words_of_several_lines_are_mended_in_one_run() -> None:
    text = "image = input(28, 28, 1)\ncov(8, 3)\ncov(8, 3) -> identiy\n"
    assert fix_text(text, "f.net", Terms()) == "image = input(28, 28, 1)\nconv(8, 3)\nconv(8, 3) -> identity\n"


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("conv(8, kernel=3, stride=4)", "conv(8, kernel=3, stride=4)  # allow: gaps"),
        ("conv(8, kernel=3, stride=4)  # allow: SS999", "conv(8, kernel=3, stride=4)  # allow: SS999, gaps"),
        ("conv(8, kernel=3, stride=4)  # coarse", "# coarse\nconv(8, kernel=3, stride=4)  # allow: gaps"),
        ("repeat 1 { conv(8, kernel=3, stride=4) }", "repeat 1 { conv(8, kernel=3, stride=4) }  # allow: gaps"),
    ],
)
def test_a_finding_that_is_meant_is_allowed_at_the_end_of_its_line(line: str, allowed: str) -> None:
    head = "x = input(31, 31, 1)\n"
    found = [d for d in findings(head + line) if d.name == "gaps"]
    (fix,) = (fix for fix in found[0].fixes if fix.kind == "or")
    assert fix.title == "end the line with `# allow: gaps`"
    assert Text(head + line).after(fix.edits) == head + allowed


def test_the_search_is_bounded_by_work_and_not_by_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first findings have their fixes; a machine that is ten times as slow offers the same."""
    lines = "".join(f"cov(8, {3 + number % 2})\n" for number in range(150))
    text = f"image = input(900, 900, 1)\n{lines}"

    def fixes() -> list[int]:
        return [len(finding.fixes) for finding in findings(text)]

    seen: list[str] = []
    examine = Network.examine
    monkeypatch.setattr(Network, "examine", classmethod(lambda cls, *given: seen.append(given[0]) or examine(*given)))
    found = fixes()
    effort = sum(changed.count("\n") for changed in seen)
    assert sum(found) >= 20
    assert found == sorted(found, reverse=True)
    assert not found[-1]
    assert effort <= MAX_EFFORT
    monkeypatch.setattr(time, "monotonic", partial(next, count(0, 3600)))
    monkeypatch.setattr(time, "perf_counter", time.monotonic)
    monkeypatch.setattr(time, "time", time.monotonic)
    assert fixes() == found


def test_two_changes_mend_what_one_would_only_move() -> None:
    """With the kernel made to fit, the dense layer behind it would not: it is changed with it."""
    head = "image = input(4, 4, 3)\nconv1 = conv(8, kernel=5)\nflatten\n"
    text = f"{head}dense1 = dense(10, in_features=100)\n"
    assert offered(text) == {
        "padding=((0, 1), (0, 1)), and then in_features=8 of dense1": (
            text.replace("kernel=5", "kernel=5, padding=((0, 1), (0, 1))").replace("=100", "=8")
        ),
        "kernel=4, and then in_features=8 of dense1": text.replace("kernel=5", "kernel=4").replace("=100", "=8"),
    }
    line = "image = input(4, 4, 3)\nconv(8, kernel=5) -> flatten -> dense(10, in_features=100)"
    assert set(offered(line).values()) == {
        line.replace("kernel=5", "kernel=5, padding=((0, 1), (0, 1))").replace("=100", "=8"),
        line.replace("kernel=5", "kernel=4").replace("=100", "=8"),
    }


@pytest.mark.parametrize(
    ("lines", "title", "mended"),
    [
        ("flatten\nconv(32, kernel=3)", "without flatten1, which makes 26", "\nconv(32, kernel=3)"),
        ("conv(8, kernel=(3, 3, 3))", "kernel=3, which makes 26", "conv(8, kernel=3)"),
        ("attention(4)\nflatten -> lstm(8)", "", ""),
        ("a, b = split(3)\nadd(a, b)", "write `a, b, c = ...`", "a, b, c = split(3)\nadd(a, b)"),
        ("one, two = split(3)", "write `one, two, two3 = ...`", "one, two, two3 = split(3)"),
        ("flatten\nsoftmax(axis=H)", "axis=C", "flatten\nsoftmax(axis=C)"),
        ("softmax(axis=7)", "axis=3", "softmax(axis=3)"),
        ("x = flatten\nexpect x.H == 7056", "write `x.C`", "x = flatten\nexpect x.C == 7056"),
        (
            "c = conv(8, kernel=7, padding=?p)\nexpect c.H == 28",
            "3 in place of ?p",
            "c = conv(8, kernel=7, padding=3)\nexpect c.H == 28",
        ),
    ],
)
def test_a_line_that_is_put_together_wrongly_is_mended(lines: str, title: str, mended: str) -> None:
    head = "image = input(28, 28, 9)\n"
    fixes = {fix.title: fix for finding in findings(head + lines) for fix in finding.fixes}
    if title:
        assert Text(head + lines).after(fixes[title].edits) == head + mended


def test_a_number_of_features_that_is_wrong_is_written_anew() -> None:
    text = "image = input(32, 32, 3)\nconv(16, kernel=5) -> flatten\ndense(10, in_features=256)\n"
    assert offered(text)["in_features=12544"] == text.replace("256", "12544")
