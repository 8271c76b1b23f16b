"""Pictures: whole windows in text, and what holds of every picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shapesolver import Net, load, parse
from shapesolver.measure.windows import NoWindowsError, Strip, strips
from shapesolver.render.diagram import Box, Diagram, diagram
from shapesolver.render.diagram_svg import diagram_svg
from shapesolver.render.dot import dot
from shapesolver.render.layout import layout
from shapesolver.render.mermaid import mermaid
from shapesolver.render.windows import Ruler, windows_text
from shapesolver.render.windows_svg import windows_svg
from tests.strategies import nets
from tests.test_cli import shapesolver

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def drawn(text: str, path: str = "y", width: int = 100) -> str:
    return windows_text(path, strips(parse(text).usual()[path]), width)


def test_the_windows_of_the_question() -> None:
    net = load(EXAMPLES / "mnist.net")
    assert windows_text("conv2", strips(net["conv2"]), 100) == (
        "conv2, along H and W: 8 rows and columns in, 2 out; (8 - 5)/2 + 1 = 2.5\n"
        "\n"
        "1 2 3 4 5 6 7 8\n"
        "|_______|          window 1\n"
        "    |_______|      window 2\n"
        "        |_______~~ window 3 would need row and column 9: dropped, row and column 8 are never read"
    )


def test_padding_and_dilation() -> None:
    text = "dialect torch\nx = input(1, 9)\ny = conv(1, kernel=3, stride=2, padding=1, dilation=2)"
    assert drawn(text) == (
        "y, along L: 9 steps in, 4 out; (9 + 1 + 1 - 5)/2 + 1 = 4\n"
        "\n"
        ". 1 2 3 4 5 6 7 8 9 .\n"
        "|___|___|             window 1\n"
        "    |___|___|         window 2\n"
        "        |___|___|     window 3\n"
        "            |___|___| window 4\n"
        "  steps 1, 3, 5, 7, 9 are never read"
    )


def test_gaps_between_windows() -> None:
    assert drawn("dialect torch\nx = input(1, 8)\ny = conv(1, kernel=2, stride=3)") == (
        "y, along L: 8 steps in, 3 out; (8 - 2)/3 + 1 = 3\n"
        "\n"
        "1 2 3 4 5 6 7 8\n"
        "|_|             window 1\n"
        "      |_|       window 2\n"
        "            |_| window 3\n"
        "  steps 3, 6 are never read"
    )


def test_a_last_window_that_ceil_mode_keeps() -> None:
    assert drawn("dialect torch\nx = input(1, 6)\ny = max_pool(3, stride=2, ceil_mode=true)") == (
        "y, along L: 6 steps in, 3 out; (6 - 3)/2 + 1 = 2.5\n"
        "\n"
        "1 2 3 4 5 6\n"
        "|___|          window 1\n"
        "    |___|      window 2\n"
        "        |___~~ window 3, 1 of its 3 cells past the end"
    )


def test_what_transposed_windows_write() -> None:
    assert drawn("dialect torch\nx = input(1, 3)\ny = conv_transpose(1, kernel=3, stride=2)") == (
        "y, along L: 3 steps in, 7 out\n"
        "\n"
        "1 2 3 4 5 6 7\n"
        "|___|         from step 1\n"
        "    |___|     from step 2\n"
        "        |___| from step 3\n"
        "  away from the ends steps are written 2 and 1 times in turn: unevenly"
    )


def test_axes_that_differ_are_drawn_apart() -> None:
    text = drawn("dialect torch\nx = input(1, 4, 6)\ny = max_pool((2, 3))")
    assert [line for line in text.splitlines() if line.startswith("y")] == [
        "y, along H: 4 rows in, 2 out; (4 - 2)/2 + 1 = 2",
        "y, along W: 6 columns in, 2 out; (6 - 3)/3 + 1 = 2",
    ]


def test_layers_without_windows_are_refused() -> None:
    with pytest.raises(NoWindowsError, match="y is relu, in which no windows slide"):
        drawn("dialect torch\nx = input(1, 4)\ny = relu")
    with pytest.raises(NoWindowsError, match="give it, as in --at"):
        drawn("dialect torch\nx = input(1, L)\ny = max_pool(2)")


SLIDING = ["conv", "max_pool", "avg_pool", "depthwise_conv", "adaptive_max_pool"]


@QUICK
@given(nets(ops=SLIDING, most=2), st.integers(40, 160))
def test_windows_stand_under_the_cells_that_they_read(net: Net, width: int) -> None:
    """A bar under the first cell of every window; unread cells are those of no window, counted one by one."""
    assume(len(net) > 1)
    placed = net.usual().layers[-1]
    for strip in strips(placed):
        read = {cell for result in range(strip.made) for cell in strip.cells(result)}
        assert {n for n in range(strip.size) if n in strip.unread} == set(range(strip.size)) - read
        check_bars(strip, width)


def check_bars(strip: Strip, width: int) -> None:
    ruler = Ruler(strip.pads[0], strip.size, strip.pads[1], width)
    header = ruler.header()
    for result in range(strip.made):
        cells = strip.cells(result)
        inside = [cell for cell in cells if 0 <= cell < strip.size]
        text = ruler.window(cells)
        if inside and inside[0] == cells[0] and ruler.shows(cells):
            column = text.index("|")
            assert header[column:].split(" ")[0] == str(cells[0] + 1)


@QUICK
@given(nets())
def test_every_network_can_be_drawn(net: Net) -> None:
    for unfold in (False, True):
        drawing = diagram(net, unfold)
        ElementTree.fromstring(diagram_svg(drawing))
        assert all(arrow.source < arrow.target for arrow in drawing.arrows)
        assert mermaid(drawing).count("-->") == dot(drawing).count(" -> n") == len(drawing.arrows)


@QUICK
@given(st.data())
def test_boxes_keep_apart_and_arrows_go_down(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 14))
    widths = data.draw(st.lists(st.floats(20, 200), min_size=count, max_size=count))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    arrows = sorted(data.draw(st.sets(st.sampled_from(pairs), max_size=20))) if pairs else []
    plan = layout(widths, arrows)
    by_rank: dict[int, list[tuple[float, float]]] = {}
    for spot in plan.spots:
        by_rank.setdefault(spot.rank, []).append((spot.x - spot.width / 2, spot.x + spot.width / 2))
    for row in by_rank.values():
        assert all(left[1] <= right[0] + 1e-6 for left, right in pairwise(sorted(row)))
    for (source, target), route in zip(arrows, plan.routes, strict=True):
        assert (route[0], route[-1]) == (source, target)
        assert all(plan.spots[b].rank == plan.spots[a].rank + 1 for a, b in pairwise(route))


def test_blocks_and_repeats_are_folded() -> None:
    net = load(EXAMPLES / "unet.net")
    titles = [box.title for box in diagram(net).boxes]
    assert titles[:5] == ["image", "d1", "max_pool1", "d2", "max_pool2"]
    assert diagram(net).boxes[1] == Box("d1", "group", ["4 layers", "2 conv, 2 relu"])
    assert len(diagram(net, unfold=True).boxes) > len(titles)
    repeat = parse("x = input(16, 2)\nrepeat 3 { conv(4, kernel=3) -> relu }")
    assert diagram(repeat).boxes[1] == Box("repeat1", "group", ["3 rounds", "6 layers", "3 conv, 3 relu"])


def test_what_follows_cell_by_cell_stands_in_the_same_box() -> None:
    drawing = diagram(parse("x = input(8, 1)\na = conv(2, kernel=3) -> batch_norm -> relu\nb = dense(3)"))
    assert drawing == Diagram(
        "net",
        (
            Box("x", "source", ["input(8, 1)"]),
            Box("a", "box", ["conv(2, kernel=3)", "batch_norm", "relu"]),
            Box("b", "box", ["dense(3)"]),
            Box("output", "source"),
        ),
        drawing.arrows,
    )
    assert [arrow.label for arrow in drawing.arrows] == ["8 x 1", "6 x 2", "6 x 3"]


def test_mermaid_and_dot() -> None:
    drawing = diagram(parse("x = input(8, 1)\na = max_pool(2)"))
    assert mermaid(drawing) == (
        "flowchart TD\n"
        '    n0(["x<br/>input(8, 1)"])\n'
        '    n1["a<br/>max_pool(2)"]\n'
        '    n2(["output"])\n'
        '    n0 -->|"8 x 1"| n1\n'
        '    n1 -->|"4 x 1"| n2\n'
    )
    assert dot(drawing) == (
        'digraph "net" {\n'
        '    node [shape=box, fontname="sans-serif", fontsize=11]\n'
        '    edge [fontname="sans-serif", fontsize=10]\n'
        '    n0 [label="x\\ninput(8, 1)", style=rounded]\n'
        '    n1 [label="a\\nmax_pool(2)"]\n'
        '    n2 [label="output", style=rounded]\n'
        '    n0 -> n1 [label="8 x 1"]\n'
        '    n1 -> n2 [label="4 x 1"]\n'
        "}\n"
    )


def test_layers_that_cannot_be_built_are_marked() -> None:
    drawing = diagram(parse("x = input(2, 2, 1)\na = conv(4, kernel=3)\nb = relu"))
    assert [box.kind for box in drawing.boxes] == ["source", "broken", "source"]


def test_the_pictures_of_the_docs_are_current() -> None:
    net = load(EXAMPLES / "mnist.net")
    picture = windows_svg("conv2", net["conv2"].kind.describe(), strips(net["conv2"]))
    assert (ROOT / "docs/pictures/mnist_conv2.svg").read_text() == picture
    assert (ROOT / "docs/pictures/unet.svg").read_text() == diagram_svg(diagram(load(EXAMPLES / "unet.net")))


def test_the_page_shows_what_is_drawn() -> None:
    page = (ROOT / "docs" / "pictures.md").read_text()
    shown = re.findall(r"```\n\$ shapesolver draw (\S+) (\S+)\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 3
    for file, layer, output in shown:
        assert windows_text(layer, strips(load(ROOT / file).usual()[layer]), 100) + "\n" == output


def test_the_command(tmp_path: Path) -> None:
    mnist = str(EXAMPLES / "mnist.net")
    assert shapesolver("draw", mnist, "conv2").stdout.startswith("conv2, along H and W: 8 rows and columns in, 2 out")
    assert shapesolver("draw", mnist, "--format", "mermaid").stdout.startswith("flowchart TD\n")
    assert shapesolver("draw", mnist, "-o", str(tmp_path / "a.svg")).stdout == ""
    ElementTree.parse(tmp_path / "a.svg")
    for arguments, message in [
        (["conv9"], "no layer is called 'conv9'"),
        (["--format", "text"], "a network is drawn as svg or mermaid or dot"),
        (["conv2", "--format", "dot"], "a layer is drawn as text or svg"),
        (["dense1"], "dense1 is dense(200), in which no windows slide"),
    ]:
        done = shapesolver("draw", mnist, *arguments)
        assert message in done.stderr and done.returncode == 2
