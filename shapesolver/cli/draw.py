"""``shapesolver draw``."""

from __future__ import annotations

from pathlib import Path

import click

from shapesolver.cli.common import AT, FILE, guarded, load_net, require_layer


@click.command(name="draw")
@FILE
@click.argument("layer", required=False)
@AT
@guarded
def command(file: Path, layer: str | None, at: dict[str, int]) -> None:
    """Draw the windows of LAYER."""
    from shapesolver.measure.windows import strips
    from shapesolver.render.windows import windows_text

    net = load_net(file, at).usual()
    assert layer
    require_layer(net, layer)
    click.echo(windows_text(layer, strips(net[layer]), 100))
