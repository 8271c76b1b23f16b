"""``shapesolver ask``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from shapesolver.cli.common import AT, FILE, FINDINGS, INPUTS, echo_json, guarded, load_net


@click.command(name="ask")
@FILE
@click.argument("question")
@AT
@INPUTS
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@guarded
def command(file: Path, question: str, at: dict[str, int], inputs: tuple[str, ...], style: str) -> None:
    """Answer a QUESTION about FILE, such as "what input size gives 2x2"."""
    from shapesolver.render.answer import answer_json, answer_text
    from shapesolver.render.progress import Watch
    from shapesolver.solve import ask

    net = load_net(file, at, inputs)
    with Watch() as watch:
        answer = ask(net, question, watch)
    if style == "json":
        echo_json(answer_json(answer))
    else:
        click.echo(answer_text(answer))
    sys.exit(0 if answer else FINDINGS)
