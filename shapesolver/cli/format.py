"""``shapesolver fmt``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from shapesolver.cli.common import FINDINGS, guarded, is_foreign, refuse, stdin_text, write_file
from shapesolver.diagnostics import NetError


@click.command(name="fmt")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@guarded
def command(files: tuple[Path, ...], only_check: bool, diff: bool) -> None:
    """Rewrite FILES in the canonical layout and spelling; `-` formats standard input to standard output."""
    changed = False
    for file in files:
        name, text, formatted = _formatted(file)
        if diff:
            click.echo("".join(_difference(name, text, formatted)), nl=False)
        elif only_check:
            if text != formatted:
                click.echo(f"would reformat {name}")
        elif str(file) == "-":
            click.echo(formatted, nl=False)
        elif text != formatted:
            write_file(file, formatted)
            click.echo(f"reformatted {name}")
        changed = changed or text != formatted
    sys.exit(FINDINGS if changed and (only_check or diff) else 0)


def _formatted(file: Path) -> tuple[str, str, str]:
    """A file's name, its text, and its text in canonical form; raises :class:`NetError`."""
    from shapesolver.language import parse, read
    from shapesolver.language.formatter import format_tree
    from shapesolver.model.canonical import canonical_file

    if is_foreign(file):
        refuse(f"{file} is no .net file; `shapesolver import` writes one")
    name = "<stdin>" if str(file) == "-" else str(file)
    text = stdin_text() if str(file) == "-" else read(file)
    parsed = parse(text, name)
    if parsed.diagnostics:
        raise NetError(parsed.diagnostics, name)
    return name, text, format_tree(canonical_file(parsed.tree))


def _difference(name: str, old: str, new: str) -> Iterator[str]:
    import difflib

    return difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, f"{name} (formatted)")
