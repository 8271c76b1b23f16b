"""``shapesolver cost``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shapesolver.cli.common import AT, FILE, FINDINGS, INPUTS, echo_json, guarded, load_net, print_found
from shapesolver.measure.numbers import BITS


@click.command(name="cost")
@FILE
@AT
@INPUTS
@click.option("--dtype", type=click.Choice([*BITS]), default="float32", show_default=True, help="The type of numbers.")
@click.option("--batch", type=click.IntRange(1, 10**18), default=1, show_default=True, help="How many examples.")
@click.option(
    "--sort", type=click.Choice(["macs", "flops", "params", "memory"]), help="The greatest first, the first 20 of them."
)
@click.option(
    "--depth", type=click.IntRange(1), metavar="N", help="Add up layers whose paths agree in the first N parts."
)
@click.option("--format", "style", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@guarded
def command(
    file: Path,
    at: dict[str, int],
    inputs: tuple[str, ...],
    dtype: str,
    batch: int,
    sort: str | None,
    depth: int | None,
    style: str,
) -> None:
    """What FILE costs: multiply-accumulates, parameters and memory, layer by layer, with shares and totals."""
    from shapesolver.render import cost

    net = load_net(file, at, inputs)
    usual = net.usual()
    if next(usual.derivation.broken(), None) is not None:
        print_found(usual.check(), net.text, net.filename)
        sys.exit(FINDINGS)
    report = cost.report(net, dtype, batch, depth, sort)
    if style == "json":
        echo_json(cost.to_json(report))
    elif style == "markdown":
        click.echo(cost.to_markdown(report), nl=False)
    else:
        from shapesolver.render.terminal import print_cost

        print_cost(report)
