"""The windows of a layer drawn over its cells, as by hand.

1 2 3 4 5 6 7 8
|_______|          window 1
    |_______|      window 2
        |_______~~ window 3 would need column 9: dropped, column 8 is never read
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice, takewhile

from shapesolver.arithmetic.sets import IntSet
from shapesolver.measure.windows import Strip
from shapesolver.render.words import cell_word, listed

HEAD_ROWS, TAIL_ROWS = 8, 4
"""Windows drawn at the start and at the end; those between are left out."""
GAP = "... "
MAX_NAMED = 6
"""Runs of unread cells named one by one."""
LABEL_ROOM = 24
"""The width kept for what is said beside a window."""
MIN_CELLS = 8
"""Cells shown however narrow the terminal."""
MAX_MISSING = 3
"""Cells past the end that are drawn."""

Row = tuple[tuple[int, ...], str]
"""The cells of a window, and what is said beside it."""


def windows_text(path: str, strips: Sequence[Strip], width: int) -> str:
    """The strips of a layer's axes, those that are alike drawn once."""
    return "\n\n".join(_one(path, list(alike), width) for _, alike in groupby(strips, key=_looks))


def window_notes(strips: Sequence[Strip]) -> Iterator[str]:
    """What is said of a layer's windows below a picture of them."""
    for _, group in groupby(strips, key=_looks):
        alike = list(group)
        axes = [strip.axis for strip in alike]
        yield f"Along {' and '.join(axes)}: {_sentence(alike[0], axes)}."
        if alike[0].dropped:
            yield f"Only whole windows are made, so {float(alike[0].fitting or 0):.4g} is {alike[0].made}."
            yield _sentence_case(_why_dropped(alike[0], axes))
        yield from map(_sentence_case, _notes(alike[0], axes))


def _sentence_case(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _looks(strip: Strip) -> tuple[object, ...]:
    """What makes two axes look alike."""
    ends = (strip.cells(0), strip.cells(min(1, strip.made - 1)), strip.cells(strip.made - 1))
    return strip.size, strip.made, strip.pads, ends


def _one(path: str, alike: list[Strip], width: int) -> str:
    strip, axes = alike[0], [strip.axis for strip in alike]
    ruler = Ruler(strip.pads[0], strip.made if strip.spreads else strip.size, strip.pads[1], width - LABEL_ROOM)
    drawn = [(ruler.window(cells), label) for cells, label in _rows(strip, axes, ruler)]
    margin = max(len(ruler.header()), *(len(text) for text, _ in drawn))
    return "\n".join(
        [
            f"{path}, along {' and '.join(axes)}: {_sentence(strip, axes)}",
            "",
            ruler.header(),
            *(f"{text:<{margin}} {label}".rstrip() for text, label in drawn),
            *(f"  {note}" for note in _notes(strip, axes)),
        ]
    )


def _sentence(strip: Strip, axes: Sequence[str]) -> str:
    sizes = f"{strip.size} {cell_word(axes, strip.size)} in, {strip.made} out"
    if strip.fitting is None:
        return sizes
    layer, (before, after) = strip.layer, strip.pads
    padding = f" + {before} + {after}" if before or after else ""
    extent, stride = layer.extent(strip.index), layer.at("stride", strip.index)  # type: ignore[attr-defined]
    return f"{sizes}; ({strip.size}{padding} - {extent})/{stride} + 1 = {float(strip.fitting):.4g}"


# The rows: which cells a window covers, and what is said beside it.


def _rows(strip: Strip, axes: Sequence[str], ruler: Ruler) -> Iterator[Row]:
    """The first windows and the last, as far as the ruler shows them whole; then the one that does not fit."""
    count = strip.size if strip.spreads else strip.made
    row = _written if strip.spreads else _read
    head = _while_shown((row(strip, axes, i) for i in range(min(count, HEAD_ROWS))), ruler)
    rest = range(count - 1, max(len(head), count - TAIL_ROWS) - 1, -1)
    tail = _while_shown((row(strip, axes, i) for i in rest), ruler)[::-1]
    yield from head
    if len(head) + len(tail) < count:
        yield (), f"... {count - len(head) - len(tail)} more"
    yield from tail
    if strip.dropped:
        yield strip.dropped, _why_dropped(strip, axes)


def _while_shown(rows: Iterator[Row], ruler: Ruler) -> list[Row]:
    """The first row in any case, and those after it until one is hidden in the ruler's gap."""
    first = list(islice(rows, 1))
    return first + list(takewhile(lambda row: ruler.shows(row[0]), rows))


def _read(strip: Strip, axes: Sequence[str], result: int) -> Row:
    cells = strip.cells(result)
    missing = sum(cell >= strip.size + strip.pads[1] for cell in cells)
    partial = f", {missing} of its {len(cells)} cells past the end" if missing else ""
    return cells, f"window {result + 1}{partial}"


def _written(strip: Strip, axes: Sequence[str], cell: int) -> Row:
    return strip.writes(cell), f"from {cell_word(axes)} {cell + 1}"


def _why_dropped(strip: Strip, axes: Sequence[str]) -> str:
    last = strip.dropped[-1] + 1
    beyond = last - strip.size - strip.pads[1]
    more = f"{beyond} cell{'s' * (beyond > 1)} more than the padding" if strip.pads[1] else f"{cell_word(axes)} {last}"
    lost = f", {_never_read(strip.unread, axes)}" if _is_one_run(strip.unread) else ""
    return f"window {strip.made + 1} would need {more}: dropped{lost}"


def _is_one_run(cells: IntSet) -> bool:
    return len(list(cells.runs())) == 1


def _never_read(lost: IntSet, axes: Sequence[str]) -> str:
    one = lost.count == 1 and len(axes) == 1
    return f"{cell_word(axes, int(lost.count))} {numbers(lost)} {'is' if one else 'are'} never read"


# What is said below.


def _notes(strip: Strip, axes: Sequence[str]) -> Iterator[str]:
    if strip.spreads:
        yield from _evenness(strip, axes)
    elif strip.unread and not (strip.dropped and _is_one_run(strip.unread)):
        yield _never_read(strip.unread, axes)
    elif strip.dropped and not strip.unread:
        yield f"every {cell_word(axes)} is read: only padding is left over"


def _evenness(strip: Strip, axes: Sequence[str]) -> Iterator[str]:
    """Uneven counts show as a checkerboard."""
    counts = strip.overlap
    if len(set(counts)) > 1:
        yield f"away from the ends {cell_word(axes, 2)} are written {listed(map(str, counts))} times in turn: unevenly"
    elif counts:
        times = "once" if counts[0] == 1 else f"{counts[0]} times"
        yield f"away from the ends every {cell_word(axes)} is written {times}"


def numbers(cells: IntSet) -> str:
    """Cells counted from 1, as people write them: ``8``, ``26..28``, ``2, 4, 6, ... (13 in all)``."""
    runs = [(first + 1, past) for first, past in cells.runs() if past is not None]
    shown = [str(first) if first == last else f"{first}..{last}" for first, last in runs[:MAX_NAMED]]
    more = f", ... ({cells.count} in all)" if len(runs) > MAX_NAMED else ""
    return ", ".join(shown) + more


class Ruler:
    """Where cells stand in a line of text; of a long axis only both ends are shown."""

    def __init__(self, before: int, size: int, after: int, width: int) -> None:
        self._size = size
        self._first, self._past = -before, size + after
        self._pitch = len(str(size)) + 1
        total = self._past - self._first
        room = max(width // self._pitch, MIN_CELLS)
        if total <= room:
            self._head_past = self._tail = self._past
        else:
            kept = room - len(GAP) // self._pitch - 1
            self._head_past = self._first + (kept + 1) // 2
            self._tail = self._past - kept // 2

    @property
    def _abridged(self) -> bool:
        return self._tail > self._head_past

    def place(self, cell: int) -> int:
        """The text column where a cell stands; hidden ones stand where the gap begins."""
        cell = max(cell, self._first)
        if cell < self._head_past:
            return (cell - self._first) * self._pitch
        start = (self._head_past - self._first) * self._pitch
        if not self._abridged:
            return (cell - self._first) * self._pitch
        return start if cell < self._tail else start + len(GAP) + (cell - self._tail) * self._pitch

    def _hidden(self, cell: int) -> bool:
        return self._head_past <= cell < self._tail

    def shows(self, cells: tuple[int, ...]) -> bool:
        """Whether both ends of a window stand on the same shown stretch."""
        return not cells or (cells[-1] < self._head_past or cells[0] >= self._tail)

    def header(self) -> str:
        """The numbers of the cells, from 1; padding is a dot."""
        head = self._labels(range(self._first, self._head_past))
        tail = GAP + self._labels(range(self._tail, self._past)) if self._abridged else ""
        return (head + tail).rstrip()

    def _labels(self, cells: Iterable[int]) -> str:
        return "".join(f"{cell + 1 if 0 <= cell < self._size else '.':<{self._pitch}}" for cell in cells)

    def window(self, cells: tuple[int, ...]) -> str:
        """``|_______|`` under the cells, a bar at each where there are gaps; what lies past the end is ``~``."""
        inside = [cell for cell in cells if self._first <= cell < self._past]
        if not inside:
            return ""
        missing = cells[-1] - self._past + 1
        dense = cells[-1] - cells[0] + 1 == len(cells)
        start, end = self.place(inside[0]), self.place(inside[-1])
        line = [" "] * start + ["_"] * (end - start + 1)
        for cell in (inside[0], inside[-1]) if dense else inside:
            if not self._hidden(cell):
                line[self.place(cell)] = "|"
        if missing > 0:
            if dense and len(inside) > 1:
                line[end] = "_"
            return "".join(line) + "_" * (self._pitch - 1) + "~" * self._pitch * min(missing, MAX_MISSING)
        gap = self.place(self._head_past)
        if self._abridged and start < gap < end:
            line[gap : gap + len(GAP)] = GAP.replace(" ", "_")
        return "".join(line)
