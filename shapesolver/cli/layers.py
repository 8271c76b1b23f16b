"""``shapesolver layers``."""

from __future__ import annotations

import click


@click.command(name="layers")
@click.argument("name", required=False)
@click.option("--format", "style", type=click.Choice(["text", "markdown"]), default="text", show_default=True)
def command(name: str | None, style: str) -> None:
    """The layers of the language, or all about the layer NAME (by any framework's name for it)."""
    from shapesolver.layers.registry import spellings, suggestions
    from shapesolver.render import reference

    if name is None:
        click.echo(reference.page() if style == "markdown" else reference.all_layers(), nl=False)
        return
    found = spellings().get(name)
    if found is None:
        close = " or ".join(suggestions(name))
        hint = f"; did you mean {close}?" if close else ""
        raise click.BadParameter(f"no layer is called {name!r}{hint}", param_hint="NAME")
    click.echo(reference.one_layer(found.kind), nl=False)
