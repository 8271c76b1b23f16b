"""``shapesolver why``."""

from __future__ import annotations

from pathlib import Path

import click

from shapesolver.cli.common import AT, FILE, INPUTS, guarded, load_net, require_layer


@click.command(name="why")
@FILE
@click.argument("layer")
@AT
@INPUTS
@guarded
def command(file: Path, layer: str, at: dict[str, int], inputs: tuple[str, ...]) -> None:
    """Why LAYER of FILE has its size: the chain of formulas from the input, with their lines."""
    from shapesolver.provenance import explain
    from shapesolver.render.provenance import chain_text

    net = load_net(file, at, inputs)
    require_layer(net, layer)
    click.echo(chain_text(explain(net, layer)))
