"""``shapesolver convert``."""

from __future__ import annotations

from pathlib import Path

import click

from shapesolver.cli.common import AT, FILE, INPUTS, OUT, echo_json, guarded, load_net, write_out


@click.command(name="convert")
@FILE
@click.option("--fully-convolutional", is_flag=True, help="Turn dense layers over a flattened map into convolutions.")
@OUT
@AT
@INPUTS
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@guarded
def command(
    file: Path, fully_convolutional: bool, out: Path | None, at: dict[str, int], inputs: tuple[str, ...], style: str
) -> None:
    """FILE as another network that does the same: its new text, and how its weights are mapped.

    Without -o the mapping follows the text as comments.
    """
    from shapesolver.render.conversion import as_comments, conversion_json, recipes_text

    if not fully_convolutional:
        raise click.UsageError("say into what: --fully-convolutional")
    made = load_net(file, at, inputs).fully_convolutional()
    if style == "json":
        echo_json(conversion_json(made))
        return
    recipes = recipes_text(made)
    if out is None:
        click.echo(made.text + as_comments(recipes), nl=False)
    else:
        write_out(out, made.text)
        click.echo(recipes, nl=False)
