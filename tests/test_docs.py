"""Every command that a page shows is run, and prints what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from shapesolver.cli import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Shown(NamedTuple):
    """A command, and what a page says it prints; a line of three dots stands for any lines."""

    page: str
    command: str
    output: str


def shown_on(page: Path) -> Iterator[Shown]:
    for block in BLOCK.findall(page.read_text()):
        command = ""
        for is_command, lines in groupby(block.splitlines(), key=lambda line: line.startswith("$ ")):
            if is_command:
                *_, command = (line[2:] for line in lines)
            elif command.startswith("shapesolver "):
                yield Shown(page.name, command, "\n".join(lines).strip("\n"))


SHOWN = [shown for page in PAGES for shown in shown_on(page)]


def pattern(output: str) -> str:
    """A regular expression for what is shown."""
    lines = [r"(?:.*\n)*" if line == "..." else re.escape(line.rstrip()) + "\n" for line in output.splitlines()]
    return "".join(lines)


@pytest.mark.parametrize("shown", SHOWN, ids=[f"{s.page}: {s.command}" for s in SHOWN])
def test_commands_print_what_the_pages_show(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    done = CliRunner().invoke(main, shlex.split(shown.command)[1:])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    printed = "\n".join(line.rstrip() for line in done.output.splitlines()).strip("\n") + "\n"
    assert re.fullmatch(pattern(shown.output), printed), printed


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
