"""Findings as GitHub workflow commands: ``::error file=mnist.net,line=8,...::message``.

Source: GitHub's documentation of workflow commands, and ``actions/toolkit``'s ``command.ts`` for the escapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapesolver.diagnostics import Diagnostic, Report, Severity

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def workflow_commands(reports: Iterable[Report]) -> Iterator[str]:
    """A line for each finding, and for each file that cannot be read."""
    for report in reports:
        if report.unreadable:
            yield _command("error", {"file": report.filename, "title": "unreadable"}, report.unreadable)
        for diagnostic in report.diagnostics:
            yield _command(COMMANDS[diagnostic.severity], _properties(report.filename, diagnostic), _text(diagnostic))


def _properties(filename: str, diagnostic: Diagnostic) -> dict[str, str]:
    """Where it is; columns only within one line, which is all that GitHub marks."""
    span = diagnostic.span
    properties = {"file": filename, "line": f"{span.line}", "endLine": f"{span.end_line}"}
    if span.line == span.end_line:
        properties |= {"col": f"{span.column}", "endColumn": f"{span.end_column}"}
    return {**properties, "title": f"{diagnostic.code} {diagnostic.name}"}


def _text(diagnostic: Diagnostic) -> str:
    return "\n".join([diagnostic.message, *(f"{kind}: {text}" for kind, text in diagnostic.counsel())])


def _command(name: str, properties: dict[str, str], text: str) -> str:
    listed = ",".join(f"{key}={_escaped(value, in_property=True)}" for key, value in properties.items())
    return f"::{name} {listed}::{_escaped(text)}"


def _escaped(text: str, in_property: bool = False) -> str:
    """The text with what would end the command, or a property of it, escaped."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text
