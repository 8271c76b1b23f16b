"""``shapesolver import``."""

from __future__ import annotations

from pathlib import Path

import click

from shapesolver.cli.common import INPUTS, OUT, guarded, write_out


@click.command(name="import")
@click.argument("source")
@OUT
@INPUTS
@guarded
def command(source: str, out: Path | None, inputs: tuple[str, ...]) -> None:
    """SOURCE as a .net file: model.keras, a Keras config.json, model.onnx, or module.path:factory."""
    from shapesolver import exchange

    model = exchange.load(source, inputs)
    for warning in model.warnings:
        click.echo(f"shapesolver: {warning}", err=True)
    write_out(out, model.text)
