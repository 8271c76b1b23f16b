"""``shapesolver explain``."""

from __future__ import annotations

import click

from shapesolver.cli.common import guarded


@click.command(name="explain")
@click.argument("subject", required=False, metavar="[RULE]")
@click.option("--format", "style", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
@guarded
def command(subject: str | None, style: str) -> None:
    """All about a RULE, by its code (SS104) or its name; without one, the list of rules."""
    click.echo(_all_rules(style) if subject is None else _rule(subject), nl=False)


def _all_rules(style: str) -> str:
    from shapesolver.render import rules

    return rules.page() if style == "markdown" else rules.all_rules()


def _rule(text: str) -> str:
    from shapesolver.render.rules import one_rule
    from shapesolver.verify.rule import find_rule

    return one_rule(find_rule(text))
