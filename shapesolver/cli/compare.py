"""``shapesolver compare``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shapesolver.cli.common import AT, FINDINGS, INPUTS, echo_json, guarded, inputs_by_file, load_net
from shapesolver.layers.dialects import NAMES


@click.command(name="compare")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path), required=False)
@AT
@INPUTS
@click.option("--dialect", type=click.Choice(NAMES), help="Compare with the same network in this framework.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@guarded
def command(
    file: Path, other: Path | None, at: dict[str, int], inputs: tuple[str, ...], dialect: str | None, style: str
) -> None:
    """FILE beside OTHER, or beside itself in another framework: sizes, weights and costs layer by layer, and the input
    sizes for which the two agree. Exit code 1 where a layer differs in more than its layout."""
    from shapesolver.render import comparison
    from shapesolver.rewrite.dialects import in_dialect
    from shapesolver.solve.agreement import compare_networks

    if other is None and dialect is None:
        raise click.UsageError("give a second file, or --dialect")
    said = inputs_by_file([file] if other is None else [file, other], inputs)
    one = load_net(file, at, said[file])
    two = one if other is None else load_net(other, at, said[other])
    shown = compare_networks(one, two if dialect is None else in_dialect(two, dialect))
    if style == "json":
        echo_json(comparison.to_json(shown))
    else:
        from shapesolver.render.terminal import print_comparison

        print_comparison(shown)
    if not shown.alike:
        sys.exit(FINDINGS)
