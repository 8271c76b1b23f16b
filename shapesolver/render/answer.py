"""An answer as people read it, and as JSON."""

from __future__ import annotations

from typing import Any

from shapesolver.solve.answers import Answer, Box, Status

COMPLETE = {
    Status.PROVED: "every solution, proved",
    Status.BOUNDED: "every solution among those tried",
    Status.UNDECIDED: "undecided",
}
MAX_BOXES = 30
"""Solutions listed before the rest are counted."""


def answer_text(answer: Answer) -> str:
    """The reading, the set, the lossless part, the rule and a worked check, aligned."""
    rows = [("read as", answer.reading)]
    if answer.status is Status.UNDECIDED:
        rows.append(("undecided", answer.reason))
    elif not answer.boxes:
        rows.append(("none", answer.reason or "nothing does"))
    else:
        rows.extend(_solutions(answer))
    if answer.lossless is not None and answer.boxes:
        rows.append(("lossless", _lossless(answer)))
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
    rows = []
    for index, box in enumerate(answer.boxes[:MAX_BOXES]):
        for label, text in _box_rows(box):
            rows.append((label, text if index or len(rows) else f"{text:<24}  {COMPLETE[answer.status]}"))
    if len(answer.boxes) > MAX_BOXES:
        rows.append(("...", f"{len(answer.boxes) - MAX_BOXES} more"))
    rows.extend((name, f"= {value}") for name, value in answer.ties.items())
    if answer.condition is not True:
        rows.append(("where", str(answer.condition)))
    return rows


def _box_rows(box: Box) -> list[tuple[str, str]]:
    """Unknowns with one set together: ``H, W   25..30``; a single choice of several on one line."""
    if len(box) > 1 and all(members.count == 1 for members in box.values()):
        return [(", ".join(box), ", ".join(str(members.min) for members in box.values()))]
    grouped: dict[Any, list[str]] = {}
    for name, members in box.items():
        grouped.setdefault(members, []).append(name)
    return [(", ".join(names), members.describe(names[0], 12)) for members, names in grouped.items()]


def _lossless(answer: Answer) -> str:
    assert answer.lossless is not None
    if not answer.lossless.boxes:
        return "none of these"
    texts = []
    for box in answer.lossless.boxes[:3]:
        texts.append("; ".join(text if len(_box_rows(box)) == 1 else f"{label} {text}" for label, text in _box_rows(box)))
    return " or ".join(texts)


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
        "rule": answer.rule,
        "checks": [{"at": dict(check.values), "sizes": list(check.sizes)} for check in answer.checks],
        "searched": {name: members.describe(name) for name, members in answer.searched.items()},
        "reason": answer.reason,
    }


def _box_json(box: Box) -> dict[str, str]:
    return {name: members.describe(name) for name, members in box.items()}
