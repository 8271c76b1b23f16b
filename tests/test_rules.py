"""The rule registry: codes, names, selection, silence, and pages whose examples are true."""

from __future__ import annotations

import re

import pytest

from shapesolver.language import complaints
from shapesolver.layers.base import RULES
from shapesolver.model import errors
from shapesolver.net import parse
from shapesolver.verify import UnknownRule, chosen, find_rule, rules
from shapesolver.verify.rule import SECTIONS
from tests.rendered import FOLDER, examples, printed

CODES = [*rules()]
IN_WORDS = {"SS005", "SS006"}
"""Pages whose examples would be too long to print."""


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_why_and_what_instead(code: str) -> None:
    page = rules()[code].page
    assert rules()[code].summary.endswith(".")
    assert tuple(re.findall(r"^## (.*)$", page, re.M)) == SECTIONS


@pytest.mark.parametrize("code", [code for code in CODES if code not in IN_WORDS])
def test_what_a_rule_prints_about_the_examples_of_its_page(code: str) -> None:
    """The whole text; nothing about what to write instead. ``python -m tests.rendered`` writes the texts."""
    bad, good = examples(code)
    assert printed(code, bad) == (FOLDER / f"{code}.txt").read_text()
    assert printed(code, bad)
    assert printed(code, good) == ""
    assert parse(good)


def test_what_is_printed_of_texts_too_long_for_a_page() -> None:
    deep = f"x = input(28, 28, 1)\nconv({'(' * 300}8{')' * 300}, kernel=3)"
    assert printed("SS005", deep) == (FOLDER / "SS005.txt").read_text()
    assert printed("SS005", "x = input(28, 28, 1)\nconv(((8)), kernel=3)") == ""
    many = "x = input(28, 28, 1)\n" + "conv(8 8)\n" * 25
    assert printed("SS006", many) == (FOLDER / "SS006.txt").read_text()
    assert printed("SS006", "x = input(28, 28, 1)\n" + "conv(8 8)\n" * 20) == ""


@pytest.mark.parametrize("known", [RULES, errors.CODES, complaints.CODES])
def test_every_code_that_is_used_below_is_a_rule(known: dict[str, str]) -> None:
    assert {name: code for name, code in known.items() if find_rule(name).code != code} == {}


def test_names_and_codes_are_unique() -> None:
    names = [rule.name for rule in rules().values()]
    assert len(set(names)) == len(names)


def test_rules_are_chosen_by_code_beginning_and_name() -> None:
    assert chosen() == tuple(rule for rule in rules().values() if rule.on_by_default)
    assert [rule.code for rule in chosen(["SS101", "kernel-too-large"])] == ["SS101", "SS102"]
    assert {rule.family for rule in chosen(["ss1"])} == {"SS1"}
    assert chosen(["all"]) == tuple(rules().values())
    assert "SS102" not in {rule.code for rule in chosen(ignore=["SS102"])}
    with pytest.raises(UnknownRule, match="no rule is called `empty-siz`; did you mean `empty-size`"):
        chosen(["empty-siz"])


def test_an_allowed_finding_is_not_reported() -> None:
    text = "image = input(4, 4, 1)\nx = conv(8, kernel=5)"
    assert [d.code for d in parse(text).check()] == ["SS102"]
    assert parse(f"{text}  # allow: kernel-too-large").check() == ()
    assert parse(f"{text}  # allow: SS104, ss102").check() == ()
    assert [d.code for d in parse(f"{text}  # allow: SS104").check()] == ["SS102"]
