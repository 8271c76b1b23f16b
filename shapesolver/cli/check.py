"""``shapesolver check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shapesolver.cli.common import AT, FINDINGS, UNREADABLE, guarded, load_net, text_of
from shapesolver.diagnostics import NetError, ShapeSolverError


@click.command(name="check")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@AT
@guarded
def command(files: tuple[Path, ...], at: dict[str, int]) -> None:
    """What in FILES cannot be built, and which of their claims do not hold."""
    codes = {_check_one(file, at) for file in files}
    sys.exit(max(codes))


def _check_one(file: Path, at: dict[str, int]) -> int:
    """Check one file; its exit code. A broken file among many does not stop the run."""
    from shapesolver.render.terminal import print_diagnostics

    try:
        net = load_net(file, at)
    except NetError as error:
        print_diagnostics(error.diagnostics, text_of(error.filename), error.filename)
        return FINDINGS
    except ShapeSolverError as error:
        click.echo(f"shapesolver: {error}", err=True)
        return UNREADABLE
    found = net.usual().check()
    print_diagnostics(found, net.text, net.filename)
    if not found:
        click.echo(f"{file}: {len(net)} layers, nothing to report")
    return FINDINGS if found else 0
