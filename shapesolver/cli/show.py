"""``shapesolver show``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shapesolver.cli.common import AT, FILE, FINDINGS, INPUTS, echo_json, guarded, load_net, print_found
from shapesolver.diagnostics import Severity

if TYPE_CHECKING:
    from shapesolver.net import Net


@click.command(name="show")
@FILE
@AT
@INPUTS
@click.option("--formulas", is_flag=True, help="Show every size as a formula in the input sizes, too.")
@click.option("--weights", is_flag=True, help="Show the shapes of all weights.")
@click.option("--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@guarded
def command(file: Path, at: dict[str, int], inputs: tuple[str, ...], formulas: bool, weights: bool, style: str) -> None:
    """Every layer of FILE: what it is, its size, its weights and parameters."""
    from shapesolver.render import summary

    net = load_net(file, at, inputs)
    table = summary.summarise(net)
    if style == "json":
        echo_json(summary.to_json(table))
    elif style == "markdown":
        click.echo(summary.to_markdown(table, formulas, weights), nl=False)
    else:
        from shapesolver.render.terminal import print_summary

        print_summary(table, formulas, weights)
    _report(net.usual())


def _report(net: Net) -> None:
    """Print what cannot be built of a network that was shown all the same, or is not so; exit 1 if something is."""
    if net.derivation.settled():
        return
    found = net.check(select=("SS1", "SS04"))
    if found:
        print_found(found, net.text, net.filename)
    if any(d.severity is Severity.ERROR for d in found):
        sys.exit(FINDINGS)
