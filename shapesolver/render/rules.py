"""The rules as the registry knows them: one for the terminal, a table of all, and the page ``docs/rules.md``."""

from __future__ import annotations

from collections.abc import Mapping

from shapesolver.verify.rule import Rule, rules

FAMILIES: Mapping[str, str] = {
    "SS0": "The text",
    "SS1": "Cannot be built",
    "SS2": "Coverage",
    "SS3": "Frameworks",
}
"""What the rules of a family are about, by the beginning of their codes."""

HEADER = """\
# Rules

Written by `shapesolver explain --format markdown` from the rules themselves; a test keeps it current. `shapesolver
explain SS104` prints one of them. `# allow: NAME` at a line's end says that the author knows.
"""


def one_rule(rule: Rule) -> str:
    """A rule's page: its code and name, how grave it is, and all that is said about it."""
    return f"{rule.code} {rule.name}\n{_status(rule)}\n\n{rule.page}\n"


def all_rules() -> str:
    """A line for each rule, family by family."""
    width = max(len(rule.name) for rule in rules().values())
    lines = []
    for family, members in _families().items():
        lines += ["", FAMILIES.get(family, family)]
        lines += [f"  {rule.code}  {rule.name:<{width}}  {_status(rule)}" for rule in members]
    return "\n".join(lines[1:]) + "\n"


def page() -> str:
    """The page of all rules, as Markdown."""
    parts = [HEADER]
    for family, members in _families().items():
        parts.append(f"## {FAMILIES.get(family, family)} ({family}xx)\n\n{_table(members)}")
        parts += map(_section, members)
    return "\n".join(parts)


def _families() -> dict[str, list[Rule]]:
    families: dict[str, list[Rule]] = {}
    for rule in rules().values():
        families.setdefault(rule.family, []).append(rule)
    return families


def _status(rule: Rule) -> str:
    return f"{rule.severity}{'' if rule.on_by_default else ', off by default'}"


def _table(members: list[Rule]) -> str:
    lines = ["| rule | reports |", "| --- | --- |"]
    lines += [f"| [{rule.code} {rule.name}](#{_anchor(rule)}) | {rule.summary} |" for rule in members]
    return "\n".join(lines) + "\n"


def _anchor(rule: Rule) -> str:
    return f"{rule.code} {rule.name}".lower().replace(" ", "-")


def _section(rule: Rule) -> str:
    """The rule's page with its headings below the rule's own."""
    lines = [f"##{line}" if line.startswith("## ") else line for line in rule.page.split("\n")]
    return "\n".join([f"### {rule.code} {rule.name}", "", f"{_status(rule).capitalize()}.", "", *lines, ""])
