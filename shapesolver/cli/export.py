"""``shapesolver export``."""

from __future__ import annotations

from pathlib import Path

import click

from shapesolver.cli.common import AT, FILE, INPUTS, OUT, guarded, load_net, write_out
from shapesolver.exchange import WRITERS


@click.command(name="export")
@FILE
@AT
@INPUTS
@click.option("--to", "framework", type=click.Choice([*WRITERS]), required=True, help="What to write.")
@OUT
@guarded
def command(file: Path, at: dict[str, int], inputs: tuple[str, ...], framework: str, out: Path | None) -> None:
    """FILE as Keras or PyTorch code, or as an ONNX model."""
    from shapesolver import exchange

    write_out(out, exchange.write(load_net(file, at, inputs), framework))
