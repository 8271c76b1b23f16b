"""``shapesolver check``."""

from __future__ import annotations

import codecs
import difflib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shapesolver.cli.common import (
    AT,
    FINDINGS,
    INPUTS,
    UNREADABLE,
    UnwritableError,
    echo_json,
    foreign_text,
    guarded,
    inputs_by_file,
    is_foreign,
    stdin_text,
    text_of,
    write_file,
)
from shapesolver.cli.configuration import Configuration, configuration_for
from shapesolver.cli.files import Found, net_files
from shapesolver.diagnostics import NetError, Report, Severity, ShapeSolverError

if TYPE_CHECKING:
    from shapesolver.checking import Terms

MANY = 20
"""From so many files on, a terminal shows a progress bar."""


class Entries(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """``SS2,lost-padding``: rules by code, by the beginning of codes, or by name."""

    name = "rules"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The entries; each must mean a rule."""
        from shapesolver.verify.rule import UnknownRule, chosen

        entries = tuple(piece.strip() for piece in value.split(",") if piece.strip())
        try:
            chosen(entries)
        except UnknownRule as error:
            self.fail(str(error), param, ctx)
        return entries


@click.command(name="check")
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE|FOLDER...")
@AT
@INPUTS
@click.option("--select", type=Entries(), default="", metavar="RULES", help="Look for these only: SS2,lost-padding.")
@click.option("--ignore", type=Entries(), default="", metavar="RULES", help="Do not look for these.")
@click.option("--strict", is_flag=True, help="Look for rules that are off by default too; notes fail as well.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="What to print.",
)
@click.option("--fix", is_flag=True, help="Apply the safe fixes, and report what is left.")
@click.option("--diff", is_flag=True, help="Write nothing; print what --fix would change.")
@guarded
def command(
    paths: tuple[Path, ...],
    at: dict[str, int],
    inputs: tuple[str, ...],
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    strict: bool,
    style: str,
    fix: bool,
    diff: bool,
) -> None:
    """What is wrong in FILEs, or in the .net files of FOLDERs: cannot be built, loses cells, is not as expected.

    Errors and warnings are findings, and notes are with --strict. Exit codes: 0 nothing found, 1 findings (with
    --diff: something would change), 2 a path, a size or a pyproject.toml that cannot be used. Settings stand under
    [tool.shapesolver] in the nearest pyproject.toml; what is given here comes first.
    """
    files = net_files(paths)
    if not files:
        raise click.UsageError(f"there is no .net file in {', '.join(map(str, paths))}")
    run = _Run(at, inputs_by_file([file.path for file in files], inputs), select, ignore, strict)
    if diff:
        sys.exit(max([run.show_change(file) for file in _with_progress(files)]))
    outcomes = [run.outcome(file, fix) for file in _with_progress(files)]
    _print(outcomes, style)
    sys.exit(max(outcome.exit_code for outcome in outcomes))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What checking one file came to."""

    report: Report
    failing: int = 0
    """How many of its findings count."""
    changed: bool = False

    @property
    def exit_code(self) -> int:
        """What the file alone would end the run with."""
        return UNREADABLE if self.report.unreadable else FINDINGS if self.failing else 0


@dataclass(frozen=True, slots=True)
class _Run:
    """What the command line asks for; each file's configuration fills what it leaves out.

    Whatever is wrong with a file is in its outcome, so that the others are checked too.
    """

    at: dict[str, int]
    inputs: dict[Path, Sequence[str]]
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    strict: bool

    def outcome(self, file: Found, fix: bool) -> Outcome:
        """Check one file, after mending it where that is wanted."""
        from shapesolver.checking import check_text, fix_text

        settled = self._settled(file)
        terms = self._terms(file, settled)
        try:
            text, changed = self._text(file), False
            if fix:
                fixed = fix_text(text, file.name, terms)
                text, changed = fixed, _write(file, text, fixed)
            found = check_text(text, file.name, terms)
        except NetError as error:
            return Outcome(Report(file.name, "", error.diagnostics), len(error.diagnostics))
        except (ShapeSolverError, ValueError) as error:
            return Outcome(Report(file.name, "", unreadable=str(error)))
        failing = [d for d in found if self._strict(settled) or d.severity is not Severity.NOTE]
        return Outcome(Report(file.name, text, found), len(failing), changed)

    def show_change(self, file: Found) -> int:
        """Print what the safe fixes would change in one file as a unified diff; the exit code."""
        from shapesolver.checking import fix_text

        try:
            old = self._text(file)
            new = fix_text(old, file.name, self._terms(file, self._settled(file)))
        except (ShapeSolverError, ValueError) as error:
            click.echo(f"shapesolver: {error}", err=True)
            return UNREADABLE
        lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), file.name, f"{file.name} (fixed)")
        click.echo("".join(lines), nl=False)
        return FINDINGS if old != new else 0

    def _text(self, file: Found) -> str:
        """The file's text; raises :class:`ShapeSolverError` where it cannot be read."""
        from shapesolver.language import UnreadableError, read

        if file.trouble:
            raise UnreadableError(f"{file.path} {file.trouble}")
        if file.is_stdin:
            return stdin_text()
        return foreign_text(file.path, self.inputs[file.path]) or read(file.path)

    def _settled(self, file: Found) -> Configuration:
        return configuration_for(Path.cwd() if file.is_stdin else file.path.parent)

    def _strict(self, settled: Configuration) -> bool:
        return self.strict or settled.strict

    def _terms(self, file: Found, settled: Configuration) -> Terms:
        """What to look for in a file. A size that is not meant for this file alone may be one that it lacks."""
        from shapesolver.checking import EVERYTHING, Terms

        select = self.select or settled.select or (EVERYTHING if self._strict(settled) else ())
        ignore = (*settled.ignore, *self.ignore)
        if file.named:
            return Terms(self.at, select, ignore, settled.at)
        return Terms({}, select, ignore, {**settled.at, **self.at})


def _write(file: Found, old: str, new: str) -> bool:
    """Write a mended file, whole or not at all, and say whether it changed; a byte order mark stays."""
    if old == new:
        return False
    if file.is_stdin:
        raise UnwritableError("standard input cannot be written; --diff shows what --fix would change")
    if is_foreign(file.path):
        raise UnwritableError(f"{file.path} is no .net file; `shapesolver import` writes one that can be mended")
    mark = "\ufeff" if file.path.read_bytes().startswith(codecs.BOM_UTF8) else ""
    write_file(file.path, mark + new)
    return True


def _with_progress(files: Sequence[Found]) -> Iterator[Found]:
    """The files, with a progress bar on standard error where they are many and a terminal shows it."""
    if len(files) < MANY or not sys.stderr.isatty():
        yield from files
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(files, description="checking", console=Console(stderr=True), transient=True)


# Output.


def _print(outcomes: Sequence[Outcome], style: str) -> None:
    reports = [outcome.report for outcome in outcomes]
    if style == "json":
        from shapesolver.render.findings import findings_json

        echo_json(findings_json(reports))
    elif style == "sarif":
        from shapesolver.render.sarif import sarif

        echo_json(sarif(reports, Path.cwd()))
    elif style == "github":
        from shapesolver.render.github import workflow_commands

        for line in workflow_commands(reports):
            click.echo(line)
    else:
        _print_text(outcomes)


def _print_text(outcomes: Sequence[Outcome]) -> None:
    from shapesolver.render.terminal import print_diagnostics

    for outcome in outcomes:
        report = outcome.report
        print_diagnostics(report.diagnostics, report.text or text_of(report.filename), report.filename)
        if report.unreadable:
            click.echo(f"shapesolver: {report.unreadable}", err=True)
    click.echo(_summary(outcomes))


def _summary(outcomes: Sequence[Outcome]) -> str:
    """``27 files: 3 errors, 1 warning in 2 of them``."""
    found = [d for outcome in outcomes for d in outcome.report.diagnostics]
    counts = [_counted(n, s.value) for s in Severity if (n := sum(d.severity is s for d in found))]
    where = sum(bool(outcome.report.diagnostics) for outcome in outcomes)
    only = outcomes[0].report.filename if len(outcomes) == 1 else ""
    about = only or _counted(len(outcomes), "file")
    parts = [", ".join(counts) + ("" if only else f" in {where} of them") if counts else "nothing to report"]
    unreadable = sum(bool(outcome.report.unreadable) for outcome in outcomes)
    changed = sum(outcome.changed for outcome in outcomes)
    parts = [] if unreadable == len(outcomes) else parts
    parts += [f"{unreadable} not read"] if unreadable else []
    parts += [f"{changed} changed" if not only else "changed"] if changed else []
    return f"{about}: {'; '.join(parts)}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
