"""Mends of the text alone: what was misspelt; ``# allow:`` for what is meant, ``assume`` for what is never so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from shapesolver.arithmetic import Condition, negate
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.solutions import solutions
from shapesolver.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from shapesolver.language import parse_expression, tree
from shapesolver.layers.source import Input
from shapesolver.verify.fixing.attempts import Attempts
from shapesolver.verify.fixing.calls import statements
from shapesolver.verify.fixing.edits import compatible
from shapesolver.verify.rule import close_rule
from shapesolver.verify.silence import allowances

MAX_WORDS = 8
"""How many misspelt words of a line are mended together: the second is seen only once the first is right."""


MAX_CONDITION = 60
"""The longest condition that is worth assuming, in characters."""


def spelling_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """What the reader of the file thinks was meant, where that helps; safe where there is one such thing."""
    for meant in finding.fixes:
        fix = _completed(finding, meant, attempts)
        if fix is not None:
            yield replace(fix, safe=len(finding.fixes) == 1)


def _completed(finding: Diagnostic, meant: Fix, attempts: Attempts) -> Fix | None:
    """The fix, with those of the words in the same line that come to light by it."""
    fix = meant
    for _ in range(MAX_WORDS):
        if attempts.mended(finding, fix.edits) is not None:
            return fix
        following = attempts.following(fix.edits)
        if following is None:
            return None
        more = tuple(attempts.before_edits(edit, fix.edits) for edit in following.edits)
        if len(compatible(attempts.text, [fix.edits, more])) == len(fix.edits):
            return None
        title = f"{fix.title} and {following.title.removeprefix('write ')}"
        fix = replace(fix, title=title, edits=(*fix.edits, *more), kind="try")
    return None


def rule_name_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """The rule that an ``# allow:`` names almost."""
    if finding.name != "unknown-allow":
        return
    for allowance in allowances(attempts.file.statements):
        line = attempts.text.line(allowance.span.end_line)
        start = line.find("# allow:", allowance.span.end_column - 1)
        for entry in allowance.entries if allowance.span == finding.span and start >= 0 else ():
            meant, place = close_rule(entry), line.find(entry, start)
            if meant and place >= 0:
                number = allowance.span.end_line
                edits = (Edit(Span(number, place + 1, number, place + 1 + len(entry)), meant),)
                if attempts.mended(finding, edits) is not None:
                    yield Fix(f"write `{meant}`", edits)


def allow_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """``# allow: lost-pixels`` at the end of the line; not for errors, which nobody can mean."""
    if finding.severity is Severity.ERROR or finding.name == "unknown-allow":
        return
    edits = _allowing(finding, attempts)
    if edits and attempts.settled(finding, edits):
        yield Fix(f"end the line with `# allow: {finding.name}`", edits, kind="or")


def assume_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """``assume H % 6 == 1`` below the input, for what is so at some sizes only; again not for errors."""
    if isinstance(finding.where, bool) or attempts.net is None:
        return
    condition = _condition_text(finding.where)
    lines = [node.span.end_line for node in attempts.net.graph.nodes if isinstance(node.layer, Input)]
    if not condition or not lines:
        return
    last = max(lines)
    end = _point(last, len(attempts.text.line(last)) + 1)
    edits = (Edit(end, f"{attempts.text.newline}assume {condition}"),)
    if attempts.settled(finding, edits):
        yield Fix(f"`assume {condition}`, if that is so", edits, kind="or")


def _condition_text(where: Condition) -> str:
    """That a condition is not so, as the language writes it: by its solutions where it is about one size."""
    otherwise = negate(where)
    if isinstance(otherwise, bool):
        return ""
    texts = [str(otherwise)]
    names = otherwise.symbols()
    if len(names) == 1:
        with suppress(Undecided):
            name, least = names[0].text, names[0].least
            solved = solutions(otherwise, names[0]).describe(name).removesuffix(f", {name} >= {least}")
            texts.insert(0, solved.replace(", ", " and "))
    usable = (text for text in texts if len(text) <= MAX_CONDITION and parse_expression(text)[0] is not None)
    return next(usable, "")


def _allowing(finding: Diagnostic, attempts: Attempts) -> tuple[Edit, ...]:
    """The comment added, or the rule added to one that allows others; another comment moves to a line above."""
    around = [s for s in statements(attempts.file.statements) if _covers(s, finding)]
    if not around:
        return ()
    statement = around[-1]
    number = statement.span.end_line
    line = attempts.text.line(number)
    start = line.find("#", statement.span.end_column - 1)
    end = len(line.rstrip())
    if start < 0:
        return (Edit(_point(number, end + 1), f"  # allow: {finding.name}"),)
    comment = line[start:end]
    if comment.lstrip("# \t").startswith("allow:"):
        return (Edit(_point(number, end + 1), f", {finding.name}"),)
    first = attempts.text.line(statement.span.line)
    indent = first[: len(first) - len(first.lstrip())]
    above = Edit(_point(statement.span.line, 1), f"{indent}{comment}{attempts.text.newline}")
    return above, Edit(Span(number, start + 1, number, end + 1), f"# allow: {finding.name}")


def _covers(statement: tree.Statement, finding: Diagnostic) -> bool:
    """Whether the finding is about this statement itself, and not about one inside it."""
    span = statement.span
    if isinstance(statement, (tree.Block, tree.Repeat)):
        return span[:2] <= finding.span[:2] and span.line == span.end_line
    return span.line <= finding.span.line <= span.end_line


def _point(line: int, column: int) -> Span:
    return Span(line, column, line, column)
