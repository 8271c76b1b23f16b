"""An answer as people read it, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shapesolver.arithmetic.sets import IntSet
from shapesolver.render.words import cell_word
from shapesolver.solve.answers import Answer, Box, Check, LosingLayer, Status, Unread

COMPLETE = {
    Status.PROVED: "every solution, proved",
    Status.BOUNDED: "every solution among those tried",
    Status.UNDECIDED: "undecided",
}
MAX_LISTED = 8
"""A set of so few numbers is listed one by one."""
MAX_BOXES = 30
"""Solutions listed before the rest are counted."""


def answer_text(answer: Answer) -> str:
    """The reading, the set, the lossless part, the rule and a worked check, aligned."""
    rows = [("read as", answer.reading)]
    if answer.status is Status.UNDECIDED:
        rows.append(("undecided", answer.reason))
    elif not answer.boxes:
        rows.append(("none" if answer.unknowns else "no", answer.reason or "nothing does"))
    else:
        rows.extend(_solutions(answer))
    if answer.lossless is not None and answer.boxes:
        rows.append(("lossless", _lossless(answer)))
    if answer.apart is not None:
        rows.extend(_apart(answer.apart))
    rows.extend(("by size", _case(case, answer.unknowns)) for case in answer.cases[:MAX_BOXES])
    rows.extend(("note", text) for text in answer.beside)
    if (answer.apart or answer).rule:
        rows.append(("rule", (answer.apart or answer).rule))
    if answer.searched:
        tried = ", ".join(f"{name} {_set_text(members, name)}" for name, members in answer.searched.items())
        rows.append(("tried", tried))
    checked = answer.apart or answer
    if checked.checks:
        rows.append(("check", _checks(checked)))
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}   {text}".rstrip() for label, text in rows)


def _apart(answer: Answer) -> Iterator[tuple[str, str]]:
    """The solutions with a value for each axis or end, one a line."""
    for index, box in enumerate(answer.boxes[:MAX_LISTED]):
        text = _in_line(box)
        yield "apart" if index == 0 else "", f"{text:<24}  {COMPLETE[answer.status]}" if index == 0 else text
    if len(answer.boxes) > MAX_LISTED:
        yield "", f"... and {len(answer.boxes) - MAX_LISTED} more such lines"


def _checks(answer: Answer) -> str:
    """``25 -> 7 -> 2                next door: 24 -> 1, 31 -> 3``."""
    first, *others = answer.checks
    # A size that the row of sizes begins with needs no name.
    if not first.sizes or set(first.values.values()) != {first.sizes[0]}:
        shown = [
            f"{_values_text(check.values)}: {check if check.sizes else 'cannot be built'}" for check in answer.checks
        ]
    else:
        shown = [str(first), *(_next_door(check) for check in others)]
    return f"{shown[0]:<24}  next door: {', '.join(shown[1:])}" if others else shown[0]


def _next_door(check: Check) -> str:
    """Where a neighbour begins and ends, or why it is none."""
    size = next(iter(check.values.values()))
    if not check.sizes:
        return f"{size} cannot be built"
    if check.problem:
        return f"{size} is {check.problem}"
    ends = check.sizes if len(check.sizes) == 1 else (check.sizes[0], check.sizes[-1])
    return " -> ".join(map(str, ends))


def _values_text(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _case(case: Box, unknowns: tuple[str, ...]) -> str:
    """``output_padding 0 when H % 2 == 1``."""
    chosen = ", ".join(f"{name} {_set_text(case[name], name)}" for name in unknowns)
    suited = ", ".join(_with_name(members, name) for name, members in case.items() if name not in unknowns)
    return f"{chosen} when {suited}"


def _solutions(answer: Answer) -> list[tuple[str, str]]:
    complete = COMPLETE[answer.status]
    if answer.losing:
        return [(str(answer.status), "every layer that does"), *map(_losing, answer.losing)]
    if not answer.unknowns:
        return [(str(answer.status), answer.reason)]
    if answer.general:
        return _general(answer, complete)
    if len(answer.boxes) == 1:
        rows = list(_grouped(answer.boxes[0]))
        rows[0] = rows[0][0], f"{rows[0][1]:<24}  {complete}"
    elif len(answer.unknowns) == 1:
        rows = [(answer.unknowns[0], f"{_set_text(answer.set, answer.unknowns[0]):<24}  {complete}")]
    else:
        rows = [("solutions", f"{_count_text(answer)}{complete}")]
        rows += [("", _in_line(box)) for box in answer.boxes[:MAX_BOXES]]
        if len(answer.boxes) > MAX_BOXES:
            rows.append(("", f"... and {len(answer.boxes) - MAX_BOXES} more such lines"))
    rows.extend((name, f"= {value}") for name, value in answer.ties.items())
    if answer.condition is not True:
        rows.append(("where", str(answer.condition)))
    return rows


def _losing(layer: LosingLayer) -> tuple[str, str]:
    """``rows and columns of image for H % 6 != 1, H >= 19``."""
    parts = (f"{cell_word(axes, 2)} of {layer.input} for {sizes}" for axes, sizes in layer.alike())
    return layer.layer, "; ".join(parts)


def _general(answer: Answer, complete: str) -> list[tuple[str, str]]:
    """``H   6*n + 13 <= H <= 6*n + 18``, for a symbolic target."""
    rows = [
        (name, f"= {low}" if low == high else f"{low} <= {name} <= {high}")
        for name, (low, high) in answer.general.items()
    ]
    rows[0] = rows[0][0], f"{rows[0][1]:<24}  {complete}"
    return rows


def _count_text(answer: Answer) -> str:
    try:
        count = answer.count
    except ValueError:
        return ""
    return "endless; " if count == float("inf") else f"{count:,}; "


def _grouped(box: Box) -> Iterator[tuple[str, str]]:
    """Unknowns with one set together: ``H, W   25..30``."""
    grouped: dict[Any, list[str]] = {}
    for name, members in box.items():
        grouped.setdefault(members, []).append(name)
    for members, names in grouped.items():
        yield ", ".join(names), _set_text(members, names[0])


def _set_text(members: IntSet, name: str) -> str:
    """A set in words; a single number without braces, a few scattered ones as a list."""
    if members.count == 1:
        return str(members.min)
    if members.count <= MAX_LISTED and len(list(members.runs())) > 1:
        return "{" + ", ".join(map(str, members)) + "}"
    return members.describe(name, 12)


def _in_line(box: Box) -> str:
    """``kernel 7, stride 2, padding 3``."""
    return ", ".join(_with_name(members, name) for name, members in box.items())


def _with_name(members: IntSet, name: str) -> str:
    """A set with its name, which some sets' own text holds: ``H % 2 == 1``."""
    text = _set_text(members, name)
    return f"{name} {text}" if text[0] in "-{0123456789" else text


def _lossless(answer: Answer) -> str:
    assert answer.lossless is not None
    if answer.lossless.status is Status.UNDECIDED:
        return f"undecided: {answer.lossless.reason}"
    found = answer.lossless.boxes
    if not found:
        text = "none of these"
    elif found == answer.boxes and answer.lossless.condition == answer.condition:
        text = "all of these"
    elif len(found) == 1:
        rows = list(_grouped(found[0]))
        text = rows[0][1] if len(rows) == 1 else _in_line(found[0])
    else:
        text = " or ".join(map(_in_line, found[:3])) + (f" or {len(found) - 3} more" if len(found) > 3 else "")
    before = (None, *answer.unread)
    losses = "; ".join(_unread(loss, last) for last, loss in zip(before, answer.unread, strict=False))
    return f"{text:<24}  {losses}" if losses else text


LINES = {"H": ("row", "rows"), "W": ("column", "columns"), "D": ("slice", "slices"), "L": ("cell", "cells")}
"""What the cells along an axis are called, one and several."""


def _unread(loss: Unread, before: Unread | None) -> str:
    """``28 leaves 3 rows and columns of image unread``; one more of the same is shorter."""
    if before is not None and (loss.axes, loss.input) == (before.axes, before.input):
        return f"{loss.value} leaves {loss.cells}"
    several = loss.cells != 1 or len(loss.axes) > 1
    names = " and ".join(LINES.get(axis, ("cell", "cells"))[several] for axis in loss.axes)
    return f"{loss.value} leaves {loss.cells} {names} of {loss.input} unread"


def answer_json(answer: Answer) -> dict[str, Any]:
    """The answer as JSON values."""
    return {
        "reading": answer.reading,
        "status": str(answer.status),
        "unknowns": list(answer.unknowns),
        "solutions": [_box_json(box) for box in answer.boxes],
        "ties": {name: str(value) for name, value in answer.ties.items()},
        "condition": None if answer.condition is True else str(answer.condition),
        "lossless": _lossless_json(answer.lossless),
        "unread": [
            {"value": loss.value, "cells": loss.cells, "axes": list(loss.axes), "input": loss.input}
            for loss in answer.unread
        ],
        "apart": None if answer.apart is None else answer_json(answer.apart),
        "general": {name: [str(low), str(high)] for name, (low, high) in answer.general.items()},
        "cases": [_box_json(case) for case in answer.cases],
        "beside": list(answer.beside),
        "rule": answer.rule,
        "checks": [{"at": dict(check.values), "sizes": list(check.sizes)} for check in answer.checks],
        "searched": {name: members.describe(name) for name, members in answer.searched.items()},
        "losing": [
            {"layer": layer.layer, "input": layer.input, "sizes": dict(layer.sizes())} for layer in answer.losing
        ],
        "reason": answer.reason,
    }


def _lossless_json(lossless: Answer | None) -> list[dict[str, str]] | str | None:
    """The boxes; ``"undecided"`` where they are not known."""
    if lossless is None:
        return None
    return "undecided" if lossless.status is Status.UNDECIDED else [_box_json(box) for box in lossless.boxes]


def _box_json(box: Box) -> dict[str, str]:
    return {name: members.describe(name) for name, members in box.items()}
