"""An answer as people read it, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapesolver.arithmetic.sets import IntSet
from shapesolver.solve.answers import Answer, Box, Status

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
        rows.append(("none" if answer.unknowns else "refuted", answer.reason or "nothing does"))
    else:
        rows.extend(_solutions(answer))
    if answer.lossless is not None and answer.boxes:
        rows.append(("lossless", _lossless(answer)))
    rows.extend(("beside", text) for text in answer.beside)
    if answer.rule:
        rows.append(("rule", answer.rule))
    if answer.searched:
        tried = ", ".join(f"{name} {members}" for name, members in answer.searched.items())
        rows.append(("tried", tried))
    if answer.checks:
        first, *others = answer.checks
        beside = ", ".join(str(check) or f"{_first(check.values)} cannot be built" for check in others)
        rows.append(("check", f"{first}{'        next door: ' + beside if beside else ''}"))
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}   {text}".rstrip() for label, text in rows)


def _first(values: Any) -> int:
    return next(iter(values.values()))  # type: ignore[no-any-return]


def _solutions(answer: Answer) -> list[tuple[str, str]]:
    complete = COMPLETE[answer.status]
    if not answer.unknowns:
        return [(str(answer.status), answer.reason)]
    if len(answer.boxes) == 1:
        rows = list(_grouped(answer.boxes[0]))
        rows[0] = rows[0][0], f"{rows[0][1]:<24}  {complete}"
    elif len(answer.unknowns) == 1:
        rows = [(answer.unknowns[0], f"{_set_text(answer.set, answer.unknowns[0]):<24}  {complete}")]
    else:
        rows = [("solutions", f"{answer.count if answer.count < float('inf') else 'endless'}; {complete}")]
        rows += [("", _in_line(box)) for box in answer.boxes[:MAX_BOXES]]
        if len(answer.boxes) > MAX_BOXES:
            rows.append(("", f"... and {len(answer.boxes) - MAX_BOXES} more such lines"))
    rows.extend((name, f"= {value}") for name, value in answer.ties.items())
    if answer.condition is not True:
        rows.append(("where", str(answer.condition)))
    return rows


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
    texts = ((name, _set_text(members, name)) for name, members in box.items())
    return ", ".join(text if name in text else f"{name} {text}" for name, text in texts)


def _lossless(answer: Answer) -> str:
    assert answer.lossless is not None
    found = answer.lossless.boxes
    if not found:
        text = "none of these"
    elif len(found) == 1:
        rows = list(_grouped(found[0]))
        text = rows[0][1] if len(rows) == 1 else _in_line(found[0])
    else:
        text = " or ".join(map(_in_line, found[:3])) + (" or ..." if len(found) > 3 else "")
    losses = "; ".join(f"{n} leaves {lost} of {name} unread" for name, n, lost in answer.unread)
    return f"{text:<24}  {losses}" if losses else text


def answer_json(answer: Answer) -> dict[str, Any]:
    """The answer as JSON values."""
    return {
        "reading": answer.reading,
        "status": str(answer.status),
        "unknowns": list(answer.unknowns),
        "solutions": [_box_json(box) for box in answer.boxes],
        "ties": {name: str(value) for name, value in answer.ties.items()},
        "condition": None if answer.condition is True else str(answer.condition),
        "lossless": None if answer.lossless is None else [_box_json(box) for box in answer.lossless.boxes],
        "beside": list(answer.beside),
        "rule": answer.rule,
        "checks": [{"at": dict(check.values), "sizes": list(check.sizes)} for check in answer.checks],
        "searched": {name: members.describe(name) for name, members in answer.searched.items()},
        "reason": answer.reason,
    }


def _box_json(box: Box) -> dict[str, str]:
    return {name: members.describe(name) for name, members in box.items()}
