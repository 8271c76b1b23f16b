"""``shapesolver import``."""

from __future__ import annotations

from pathlib import Path

import click

from shapesolver.cli.common import INPUTS, OUT, guarded, model_text, write_out


@click.command(name="import")
@click.argument("source")
@OUT
@INPUTS
@guarded
def command(source: str, out: Path | None, inputs: tuple[str, ...]) -> None:
    """SOURCE as a .net file: model.keras, a Keras config.json, model.onnx, or module.path:factory."""
    write_out(out, model_text(source, inputs))
