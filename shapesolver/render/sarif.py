"""Findings as SARIF 2.1.0, the exchange format for what static analysis finds (an OASIS standard).

Columns are counted in characters, which the log declares (``columnKind``). Files are named relative to a folder
where they lie below it, so that a code-scanning service finds them in its checkout.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from shapesolver import __version__
from shapesolver.diagnostics import Diagnostic, Edit, Fix, Report, Severity, Span
from shapesolver.verify.rule import Rule, rules

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif(reports: Iterable[Report], folder: Path) -> dict[str, Any]:
    """The log of one run, the files named relative to ``folder``."""
    kept = list(reports)
    known = [*rules().values()]
    places = {rule.code: index for index, rule in enumerate(known)}
    driver = {
        "name": "shapesolver",
        "semanticVersion": __version__,
        "rules": [_descriptor(rule) for rule in known],
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(kept, folder)],
                "results": [_result(d, uri(r.filename, folder), places) for r in kept for d in r.diagnostics],
            }
        ],
    }


def uri(filename: str, folder: Path) -> str:
    """A file's address: relative to the folder with ``/`` and escapes, or else a ``file:`` address."""
    path = Path(filename)
    absolute = (folder / path).absolute()
    if absolute.is_relative_to(folder):
        return quote(absolute.relative_to(folder).as_posix())
    return absolute.as_uri()


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"enabled": rule.on_by_default, "level": LEVELS[rule.severity]},
    }


def _invocation(reports: list[Report], folder: Path) -> dict[str, Any]:
    """How the run went: a file that could not be read is a notification of the tool, not a finding."""
    notifications = [
        {
            "level": "error",
            "message": {"text": report.unreadable},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(report.filename, folder)}}}],
        }
        for report in reports
        if report.unreadable
    ]
    return {"executionSuccessful": not notifications, "toolExecutionNotifications": notifications}


def _result(diagnostic: Diagnostic, address: str, places: dict[str, int]) -> dict[str, Any]:
    lines = [diagnostic.message, *(f"{kind}: {text}" for kind, text in diagnostic.counsel())]
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": places[diagnostic.code],
        "level": LEVELS[diagnostic.severity],
        "message": {"text": "\n".join(lines)},
        "locations": [_location(diagnostic, address)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": index, "message": {"text": text}, "physicalLocation": _place(address, span)}
            for index, (span, text) in enumerate(diagnostic.related)
        ]
    # A fix is a change to files here; a mend that is none, as an input of another size, is in the message.
    fixes = [_fix(fix, address) for fix in diagnostic.fixes if fix.edits]
    return {**result, "fixes": fixes} if fixes else result


def _location(diagnostic: Diagnostic, address: str) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _place(address, diagnostic.span)}
    if diagnostic.layer:
        location["logicalLocations"] = [{"fullyQualifiedName": diagnostic.layer, "kind": "object"}]
    return location


def _place(address: str, span: Span) -> dict[str, Any]:
    return {"artifactLocation": {"uri": address}, "region": _region(span)}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(fix: Fix, address: str) -> dict[str, Any]:
    change = {"artifactLocation": {"uri": address}, "replacements": [_replacement(edit) for edit in fix.edits]}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}


def _replacement(edit: Edit) -> dict[str, Any]:
    inserted = {"insertedContent": {"text": edit.text}} if edit.text else {}
    return {"deletedRegion": _region(edit.span), **inserted}
