"""``shapesolver draw``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shapesolver.cli.common import AT, FILE, INPUTS, OUT, guarded, load_net, require_layer, write_out

if TYPE_CHECKING:
    from shapesolver.net import Net

WINDOWS_STYLES = ("text", "svg")
GRAPH_STYLES = ("svg", "mermaid", "dot")
PIPE_WIDTH = 100
"""The width of windows that no terminal shows."""


@click.command(name="draw")
@FILE
@click.argument("layer", required=False)
@AT
@INPUTS
@click.option("--svg", is_flag=True, help="The same as --format svg.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "svg", "mermaid", "dot"]),
    help="text or svg for a layer (text by default); svg, mermaid or dot for a network (svg by default).",
)
@click.option("--unfold", is_flag=True, help="Show the layers inside blocks and repeats.")
@OUT
@guarded
def command(
    file: Path,
    layer: str | None,
    at: dict[str, int],
    inputs: tuple[str, ...],
    svg: bool,
    style: str | None,
    unfold: bool,
    out: Path | None,
) -> None:
    """Draw the windows of a LAYER over its cells, or without LAYER the whole network as boxes and arrows."""
    net = load_net(file, at, inputs)
    styles = GRAPH_STYLES if layer is None else WINDOWS_STYLES
    style = "svg" if svg else style or styles[0]
    if style not in styles:
        what = "a network" if layer is None else "a layer"
        raise click.BadParameter(f"{what} is drawn as {' or '.join(styles)}", param_hint="--format")
    write_out(out, _network(net, style, unfold) if layer is None else _windows(net, layer, style))


def _windows(net: Net, path: str, style: str) -> str:
    from shapesolver.measure.windows import strips
    from shapesolver.render.windows import windows_text
    from shapesolver.render.windows_svg import windows_svg

    require_layer(net, path)
    placed = net.usual()[path]
    if style == "svg":
        return windows_svg(path, placed.kind.describe(), strips(placed))
    return windows_text(path, strips(placed), shutil.get_terminal_size((PIPE_WIDTH, 24)).columns) + "\n"


def _network(net: Net, style: str, unfold: bool) -> str:
    from shapesolver.render.diagram import diagram

    drawing = diagram(net, unfold)
    if style == "mermaid":
        from shapesolver.render.mermaid import mermaid

        return mermaid(drawing)
    if style == "dot":
        from shapesolver.render.dot import dot

        return dot(drawing)
    from shapesolver.render.diagram_svg import diagram_svg

    return diagram_svg(drawing)
