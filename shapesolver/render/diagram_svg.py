"""A diagram as a picture, laid out here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from shapesolver.diagnostics import ShapeSolverError
from shapesolver.render.diagram import Box, Diagram
from shapesolver.render.layout import Layout, layout
from shapesolver.render.svg import Picture, text_width

MAX_BOXES = 600
"""The most boxes that are drawn; more are of no use to the eye."""
TITLE, LINE = 13.0, 11.0
PITCH = 15.0
"""From one line of text to the next."""
INSET = 12.0
STUB, BETWEEN = 22.0, 66.0
"""An arrow's straight beginning, where its label stands, and the distance between ranks."""
LABEL_INSET = 7.0
LEFT, TOP = 16.0, 44.0


def diagram_svg(drawing: Diagram) -> str:
    """The picture. Raises :class:`ShapeSolverError` beyond :data:`MAX_BOXES`."""
    if len(drawing.boxes) > MAX_BOXES:
        raise ShapeSolverError(
            f"{len(drawing.boxes)} boxes are more than a picture can show ({MAX_BOXES}); fold blocks and repeats, or "
            "write Mermaid or DOT"
        )
    widths = [_width(box) for box in drawing.boxes]
    room = list(widths)
    for arrow in drawing.arrows:
        # The label stands to the right of the arrow's beginning, below the middle of the box.
        room[arrow.source] = max(room[arrow.source], 2 * (text_width(arrow.label, LINE) + LABEL_INSET))
    plan = layout(room, [(a.source, a.target) for a in drawing.arrows])
    heights = [_height(box) for box in drawing.boxes]
    tops = _tops(plan, heights)
    picture = Picture(drawing.title)
    picture.text(LEFT, 24, drawing.title, "ink strong", 15)
    for route in plan.routes:
        picture.path(_curve(plan, tops, heights, route), arrow=True)
    _labels(picture, drawing, plan, tops, heights)
    for box, spot, width, height in zip(drawing.boxes, plan.spots, widths, heights, strict=False):
        _draw(picture, box, LEFT + spot.x - width / 2, tops[spot.rank], width, height)
    return picture.svg()


def _width(box: Box) -> float:
    words = [text_width(box.title, TITLE), *(text_width(line, LINE) for line in box.lines)]
    return max(words) + 2 * INSET


def _height(box: Box) -> float:
    return INSET * 1.6 + PITCH * (1 + len(box.lines))


def _tops(plan: Layout, heights: Sequence[float]) -> list[float]:
    """Where each rank begins."""
    tallest: dict[int, float] = {}
    for spot, height in zip(plan.spots, heights, strict=False):
        tallest[spot.rank] = max(tallest.get(spot.rank, 0.0), height)
    steps = [tallest[rank] + BETWEEN for rank in sorted(tallest)]
    return [TOP + before for before in accumulate(steps, initial=0.0)]


def _curve(plan: Layout, tops: Sequence[float], heights: Sequence[float], route: Sequence[int]) -> str:
    """Down out of the box, smoothly through the points between, and down into the other box."""
    start = plan.spots[route[0]]
    x, y = LEFT + start.x, tops[start.rank] + heights[route[0]]
    data = [f"M{x:.6g},{y:.6g} V{y + STUB:.6g}"]
    y += STUB
    for index in route[1:]:
        spot = plan.spots[index]
        last = index == route[-1]
        to_x, to_y = LEFT + spot.x, tops[spot.rank]
        bend = (to_y - y) / 2
        data.append(f"C{x:.6g},{y + bend:.6g} {to_x:.6g},{to_y - bend:.6g} {to_x:.6g},{to_y:.6g}")
        x, y = to_x, to_y
        if not last:
            # Past the boxes of this rank before it turns again.
            y = tops[spot.rank + 1] - BETWEEN + STUB
            data.append(f"V{y:.6g}")
    return " ".join(data)


def _labels(picture: Picture, drawing: Diagram, plan: Layout, tops: Sequence[float], heights: Sequence[float]) -> None:
    """Each size once, beside the straight beginning of the arrows that carry it."""
    sizes: dict[int, dict[str, None]] = {}
    for arrow in drawing.arrows:
        sizes.setdefault(arrow.source, {})[arrow.label] = None
    for source, labels in sizes.items():
        spot = plan.spots[source]
        y = tops[spot.rank] + heights[source] + 15
        picture.text(LEFT + spot.x + LABEL_INSET, y, "; ".join(labels), "quiet", LINE)


def _draw(picture: Picture, box: Box, x: float, y: float, width: float, height: float) -> None:
    picture.rect(x, y, width, height, box.kind, radius=14 if box.kind == "source" else 4)
    if box.kind == "group":
        picture.rect(x + 3, y + 3, width - 6, height - 6, "line", radius=3)
    picture.text(x + width / 2, y + INSET + 8, box.title, "ink strong", TITLE, "middle")
    for number, line in enumerate(box.lines, start=1):
        picture.text(x + width / 2, y + INSET + 8 + PITCH * number, line, "quiet", LINE, "middle")
