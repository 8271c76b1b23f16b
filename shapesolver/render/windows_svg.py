"""The windows of a layer as a picture: input and result as grids, some windows on them, lost cells hatched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shapesolver.measure.windows import Strip
from shapesolver.render.svg import Picture
from shapesolver.render.windows import window_notes

PANEL = 420
"""The longest side of a grid, in pixels."""
MOST_CELL, LEAST_RULED = 30.0, 5.0
"""The largest cell drawn, and the smallest that gets lines around it."""
LEFT, TOP, BETWEEN = 16, 64, 72
MAX_LOST = 500
"""Runs of lost cells that are drawn one by one."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One grid: where it stands, and how large its cells are."""

    x: float
    y: float
    cell: float

    def span(self, first: int, past: int) -> float:
        """The length of these cells."""
        return (past - first) * self.cell


def windows_svg(path: str, description: str, strips: Sequence[Strip]) -> str:
    """The picture of a layer. Three spatial axes are drawn as the first beside the other two."""
    picture = Picture(f"{path}: {description}")
    picture.text(LEFT, 24, path, "ink strong", 15)
    picture.text(LEFT, 42, description, "quiet", 12)
    flats = [strips] if len(strips) < 3 else [strips[:1], strips[1:]]
    y: float = TOP
    for flat in flats:
        y = _flat(picture, flat, y) + 28
    for note in window_notes(strips):
        picture.text(LEFT, y, note, "ink", 13)
        y += 18
    return picture.svg()


def _flat(picture: Picture, strips: Sequence[Strip], y: float) -> float:
    """One pair of grids, its rows the first axis where there are two; the base line below them."""
    across, down = strips[-1], strips[0] if len(strips) == 2 else None
    most = max(max(sum(s.pads) + s.size, s.made) for s in strips)
    cell = min(PANEL / most, MOST_CELL)
    before = max(s.pads[0] for s in strips)
    source = Panel(LEFT + before * cell, y + 20 + (down.pads[0] * cell if down else 0), cell)
    x = source.x + source.span(0, across.size + across.pads[1] + len(_over(across))) + BETWEEN
    result = Panel(x, source.y, cell)
    _grid(picture, source, down.size if down else 1, across.size)
    _grid(picture, result, down.made if down else 1, across.made)
    picture.text(LEFT, y + 12, _caption("input", strips, [s.size for s in strips]), "quiet", 12)
    picture.text(result.x, result.y - 8, _caption("result", strips, [s.made for s in strips]), "quiet", 12)
    picture.path(f"M{x - BETWEEN + 14:.6g},{source.y + cell / 2:.6g} h{BETWEEN - 28}", arrow=True)
    if across.spreads:
        _spread(picture, source, result, down, across)
    else:
        _padding(picture, source, down, across)
        _lost(picture, source, down, across)
        _windows(picture, source, result, down, across)
    rows = max(down.size + down.pads[1] + len(_over(down)), down.made) if down else 1
    return source.y + source.span(0, rows) + 8


def _caption(what: str, strips: Sequence[Strip], sizes: Sequence[int]) -> str:
    axes = " x ".join(strip.axis for strip in strips)
    return f"{what}, {axes}: {' x '.join(map(str, sizes))}"


def _grid(picture: Picture, panel: Panel, rows: int, columns: int) -> None:
    width, height = panel.span(0, columns), panel.span(0, rows)
    picture.rect(panel.x, panel.y, width, height, "cell")
    if panel.cell >= LEAST_RULED:
        for x in (panel.x + column * panel.cell for column in range(1, columns)):
            picture.line(x, panel.y, x, panel.y + height, "grid")
        for y in (panel.y + row * panel.cell for row in range(1, rows)):
            picture.line(panel.x, y, panel.x + width, y, "grid")


def _padding(picture: Picture, panel: Panel, down: Strip | None, across: Strip) -> None:
    (left, right), (above, below) = across.pads, down.pads if down else (0, 0)
    if left or right or above or below:
        size = (across.size + left + right, (down.size if down else 1) + above + below)
        x, y = panel.x - left * panel.cell, panel.y - above * panel.cell
        picture.rect(x, y, panel.span(0, size[0]), panel.span(0, size[1]), "pad")


def _lost(picture: Picture, panel: Panel, down: Strip | None, across: Strip) -> None:
    """Rows and columns that no window reads."""
    rows = down.size if down else 1
    for first, past in _runs(across):
        picture.rect(panel.x + first * panel.cell, panel.y, panel.span(first, past), panel.span(0, rows), "lost")
    for first, past in _runs(down) if down else ():
        y = panel.y + first * panel.cell
        picture.rect(panel.x, y, panel.span(0, across.size), panel.span(first, past), "lost")


def _runs(strip: Strip) -> list[tuple[int, int]]:
    runs = [(first, past) for first, past in strip.unread.runs() if past is not None]
    return runs[:MAX_LOST]


def _windows(picture: Picture, panel: Panel, result: Panel, down: Strip | None, across: Strip) -> None:
    """The first window, its neighbours and the last, each with its result; then what does not fit."""
    ends = [(0, 0), (0, 1), (1, 0), ((down.made if down else 1) - 1, across.made - 1)]
    for row, column in dict.fromkeys(ends):
        if column < across.made and row < (down.made if down else 1):
            rows = down.cells(row) if down else (0,)
            _box(picture, panel, rows, across.cells(column), "window")
            _box(picture, result, (row,), (column,), "window")
    _taps(picture, panel, down.cells(0) if down else (0,), across.cells(0))
    if across.dropped or (down and down.dropped):
        last = across.cells(across.made - 1)
        rows = (down.dropped or down.cells(down.made - 1)) if down else (0,)
        _box(picture, panel, rows, across.dropped or last, "dropped")


def _spread(picture: Picture, panel: Panel, result: Panel, down: Strip | None, across: Strip) -> None:
    """What the first input cells write."""
    for row, column in ((0, 0), (0, 1), (1, 0)):
        if column < across.size and row < (down.size if down else 1):
            _box(picture, panel, (row,), (column,), "window")
            rows, columns = down.writes(row) if down else (0,), across.writes(column)
            if rows and columns:
                _box(picture, result, rows, columns, "window")


def _box(picture: Picture, panel: Panel, rows: Sequence[int], columns: Sequence[int], style: str) -> None:
    x, y = panel.x + columns[0] * panel.cell, panel.y + rows[0] * panel.cell
    picture.rect(x, y, panel.span(columns[0], columns[-1] + 1), panel.span(rows[0], rows[-1] + 1), style)


def _taps(picture: Picture, panel: Panel, rows: Sequence[int], columns: Sequence[int]) -> None:
    """The cells that the first window reads, where it has gaps."""
    if columns[-1] - columns[0] + 1 == len(columns) and rows[-1] - rows[0] + 1 == len(rows):
        return
    inset = panel.cell * 0.3
    for row in rows:
        for column in columns:
            x, y = panel.x + column * panel.cell + inset, panel.y + row * panel.cell + inset
            picture.rect(x, y, panel.cell - 2 * inset, panel.cell - 2 * inset, "tap")


def _over(strip: Strip) -> tuple[int, ...]:
    """The cells past the end, padding apart, that a dropped or partial window lies over."""
    cells = strip.dropped or strip.cells(strip.made - 1)
    return tuple(cell for cell in cells if cell >= strip.size + strip.pads[1]) if not strip.spreads else ()
