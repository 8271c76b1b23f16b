"""``shapesolver align``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shapesolver.cli.common import AT, FILE, FINDINGS, INPUTS, echo_json, guarded, load_net, require_layer


@click.command(name="align")
@FILE
@click.argument("layer")
@click.argument("other")
@AT
@INPUTS
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@guarded
def command(file: Path, layer: str, other: str, at: dict[str, int], inputs: tuple[str, ...], style: str) -> None:
    """Where the units of OTHER lie among those of LAYER, and the crop of LAYER that lays them on each other.

    Exit code 1 where no crop does.
    """
    from shapesolver.measure.alignment import align
    from shapesolver.render.alignment import alignment_json, alignment_text

    net = load_net(file, at, inputs).usual()
    for path in (layer, other):
        require_layer(net, path)
    found = align(net, layer, other)
    if style == "json":
        echo_json(alignment_json(found))
    else:
        click.echo(alignment_text(found), nl=False)
    sys.exit(0 if all(axis.fits or axis.fits_other for axis in found.axes) else FINDINGS)
