"""Findings as JSON: one object with every finding of every file, in order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shapesolver import __version__
from shapesolver.arithmetic import Truth
from shapesolver.diagnostics import Diagnostic, Report, Span


def findings_json(reports: Iterable[Report]) -> dict[str, Any]:
    """The reports as one JSON value. Lines and columns count from 1, in characters; ends are exclusive."""
    kept = list(reports)
    return {
        "version": __version__,
        "files": len(kept),
        "findings": [{"file": r.filename, **finding_json(d)} for r in kept for d in r.diagnostics],
        "unreadable": [{"file": r.filename, "reason": r.unreadable} for r in kept if r.unreadable],
    }


def finding_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """One finding. ``where`` are the input sizes for which it is so; true for all that were asked about.

    ``known`` are the sizes about which that says something; true for all.
    """
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "layer": diagnostic.layer,
        "axis": diagnostic.axis,
        "where": _sizes(diagnostic.where),
        "known": _sizes(diagnostic.known),
        "span": _span(diagnostic.span),
        "related": [{"span": _span(span), "text": text} for span, text in diagnostic.related],
        "advice": [{"kind": kind, "text": text} for kind, text in diagnostic.advice],
        "fixes": [
            {
                "kind": fix.kind,
                "title": fix.title,
                "safe": fix.safe,
                "sizes": dict(fix.sizes),
                "edits": [{"span": _span(edit.span), "text": edit.text} for edit in fix.edits],
            }
            for fix in diagnostic.fixes
        ],
    }


def _sizes(where: Truth) -> bool | str:
    return where if isinstance(where, bool) else str(where)


def _span(span: Span) -> dict[str, int]:
    return span._asdict()
