"""What a rule is: a code, a name, a severity and a page, and the function that finds what breaks it.

A rule is declared above the function that finds; the function's docstring is the rule's page::

    @rule("SS201", "lost-pixels", Severity.WARNING)
    def lost_pixels(case: Case) -> Iterator[Diagnostic]:
        \"""One sentence: what is reported.

        ## Why it matters
        ...
        \"""

A page has a first paragraph, then the sections *Why it matters*, *Example* and *Write instead*.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from shapesolver.diagnostics import Diagnostic, Severity, ShapeSolverError

if TYPE_CHECKING:
    from shapesolver.verify.case import Case

FAMILIES = ("syntax", "calls", "naming", "claims", "text", "buildable", "coverage", "frameworks")
"""The modules of this package that declare rules."""

SECTIONS = ("Why it matters", "Example", "Write instead")
"""The headings of a page, in order, below its first paragraph."""

Find = Callable[["Case"], Iterable[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding. ``code`` and ``name`` are stable; ``page`` is Markdown without a title."""

    code: str
    name: str
    severity: Severity
    page: str
    on_by_default: bool = True
    of_built: bool = False
    """Whether it speaks of networks that can be built, and has nothing to say at sizes at which one cannot."""
    find: Find | None = field(default=None, repr=False, compare=False)
    """What looks for it in a network; ``None`` for what is said while a file is read."""

    @property
    def summary(self) -> str:
        """The page's first paragraph on one line: what is reported."""
        return " ".join(self.page.partition("\n\n")[0].split())

    @property
    def family(self) -> str:
        """The first digit of the code, as in ``SS2``: what a selection of the whole family is called."""
        return self.code[:3]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class UnknownRule(ShapeSolverError, ValueError):
    """A rule was asked for that there is not."""


_RULES: dict[str, Rule] = {}


def rule(
    code: str, name: str, severity: Severity, *, on_by_default: bool = True, of_built: bool = False
) -> Callable[[Find], Rule]:
    """Register the function below as what finds this rule, and its docstring as the rule's page."""

    def register(find: Find) -> Rule:
        return _add(Rule(code, name, severity, inspect.getdoc(find) or "", on_by_default, of_built, find))

    return register


def said_on_reading(code: str, name: str, page: str) -> Rule:
    """Register a rule that is found before there is a network, by whoever reads the file."""
    return _add(Rule(code, name, Severity.ERROR, inspect.cleandoc(page)))


def _add(new: Rule) -> Rule:
    assert new.code not in _RULES, f"{new.code} is declared twice"
    _RULES[new.code] = new
    return new


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the codes."""
    for family in FAMILIES:
        import_module(f"shapesolver.verify.{family}")
    return dict(sorted(_RULES.items()))


def find_rule(text: str) -> Rule:
    """The rule of a code or a name, in any case; raises :class:`UnknownRule` with close ones."""
    for known in rules().values():
        if text.lower() in (known.code.lower(), known.name):
            return known
    raise UnknownRule(f"no rule is called `{text}`{_close(text)}")


def chosen(select: Collection[str] = (), ignore: Collection[str] = ()) -> tuple[Rule, ...]:
    """The rules to look for: those selected, or else all that are on by default, less those ignored.

    An entry is a code, the beginning of codes (``SS2``), a name, or ``all``. Raises :class:`UnknownRule`.
    """
    kept = _matching(select) if select else {r.code for r in rules().values() if r.on_by_default}
    kept -= _matching(ignore)
    return tuple(r for r in rules().values() if r.code in kept)


def _matching(entries: Collection[str]) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        upper = entry.strip().upper()
        matching = {code for code in rules() if upper == "ALL" or (len(upper) > 2 and code.startswith(upper))}
        found |= matching or {find_rule(entry.strip()).code}
    return found


def _close(text: str) -> str:
    close = close_rule(text)
    return f"; did you mean `{close}`?" if close else ""


def close_rule(text: str) -> str:
    """The name or code that is written almost so, if it is none itself."""
    names = [word for r in rules().values() for word in (r.name, r.code)]
    if text.lower() in names or text.upper() in names:
        return ""
    close = difflib.get_close_matches(text.lower(), names, n=1) or difflib.get_close_matches(text.upper(), names, n=1)
    return close[0] if close else ""
