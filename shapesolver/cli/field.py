"""``shapesolver field``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shapesolver.cli.common import AT, FILE, INPUTS, echo_json, guarded, load_net, require_layer

if TYPE_CHECKING:
    from shapesolver.net import Net
    from shapesolver.render.field import Row


class Unit(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """``3,5``."""

    name = "unit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The place, one number an axis."""
        pieces = [piece for piece in value.replace(" ", "").split(",") if piece]
        if not all(piece.isdecimal() and len(piece) <= 18 for piece in pieces):
            self.fail(f"{value!r} is no place; write 3,5", param, ctx)
        return tuple(map(int, pieces))


@click.command(name="field")
@FILE
@click.argument("layer", required=False)
@click.option("--unit", type=Unit(), metavar="ROW,COLUMN", help="Where this unit's field lies, counted from 0.")
@click.option("--of", metavar="NAME", help="Look at this input only.")
@AT
@INPUTS
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@guarded
def command(
    file: Path,
    layer: str | None,
    unit: tuple[int, ...] | None,
    of: str | None,
    at: dict[str, int],
    inputs: tuple[str, ...],
    style: str,
) -> None:
    """What the units of LAYER see of the inputs of FILE: the receptive field's size, stride and padding."""
    net = load_net(file, at, inputs)
    if layer is None:
        if unit is not None:
            raise click.UsageError("--unit needs a LAYER")
        _all_layers(net.usual(), of, style)
        return
    require_layer(net, layer)
    if unit is not None:
        _one_unit(net.usual(), layer, unit, of, style)
    else:
        _one_layer(net.usual(), layer, of, style)


def _row(net: Net, path: str, of: str | None, alone: bool) -> Row:
    """A layer's field and the remarks on it: all of them alone, in a table those of the layer itself."""
    from dataclasses import replace

    from shapesolver.measure.field_notes import notes, size_notes

    placed = net[path]
    field = placed.receptive_field
    if of is not None:
        known = [source.path for source in net.inputs]
        if of not in known:
            raise click.BadParameter(f"no input is called {of!r}; there are {', '.join(known)}", param_hint="--of")
        field = replace(field, axes=tuple(axis for axis in field.axes if axis.input == of))
    found = notes(net, field, None if alone else placed.wire.node)
    return path, field, (*found, *size_notes(net, path)) if alone else found


def _all_layers(net: Net, of: str | None, style: str) -> None:
    from shapesolver.render.field import field_json, table

    rows = [_row(net, placed.path, of, alone=False) for placed in net if net.derivation.tensor(*placed.wire)]
    if style == "json":
        echo_json([field_json(*row) for row in rows])
    else:
        click.echo(table(rows), nl=False)


def _one_layer(net: Net, path: str, of: str | None, style: str) -> None:
    from shapesolver.render.field import field_json, one_layer

    row = _row(net, path, of, alone=True)
    if style == "json":
        echo_json(field_json(*row))
    else:
        click.echo(one_layer(*row), nl=False)


def _one_unit(net: Net, path: str, unit: tuple[int, ...], of: str | None, style: str) -> None:
    from shapesolver.measure.field import unit_field
    from shapesolver.render.field import unit_json, unit_text

    fields = unit_field(net, net[path].wire, path, unit, of)
    if style == "json":
        echo_json(unit_json(fields))
    else:
        click.echo(unit_text(fields), nl=False)
