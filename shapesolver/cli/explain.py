"""``shapesolver explain``."""

from __future__ import annotations

from pathlib import Path

import click

from shapesolver.cli.common import AT, INPUTS, guarded, load_net, require_layer


@click.command(name="explain")
@click.argument("subject", required=False, metavar="[RULE | FILE LAYER]")
@click.argument("layer", required=False, metavar="")
@AT
@INPUTS
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="How the list of rules is written.",
)
@guarded
def command(subject: str | None, layer: str | None, at: dict[str, int], inputs: tuple[str, ...], style: str) -> None:
    """A LAYER of FILE in plain sentences; or a RULE, by its code (SS104) or its name; or the list of rules."""
    if subject is None:
        click.echo(_all_rules(style), nl=False)
    elif layer is not None:
        click.echo(_layer(Path(subject), layer, at, inputs))
    elif Path(subject).is_file():
        raise click.UsageError(f"name a layer of {subject} too, as in `explain mnist.net conv2`")
    else:
        click.echo(_rule(subject), nl=False)


def _layer(file: Path, path: str, at: dict[str, int], inputs: tuple[str, ...]) -> str:
    from shapesolver.render.explanation import explanation

    net = load_net(file, at, inputs)
    require_layer(net, path)
    return explanation(net, path)


def _all_rules(style: str) -> str:
    from shapesolver.render import rules

    return rules.page() if style == "markdown" else rules.all_rules()


def _rule(text: str) -> str:
    from shapesolver.render.rules import one_rule
    from shapesolver.verify.rule import find_rule

    return one_rule(find_rule(text))
