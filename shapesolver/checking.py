"""The check as one call: ``shapesolver.check("mnist.net", H=31, W=31)``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from shapesolver.diagnostics import Diagnostic
from shapesolver.language import read
from shapesolver.net import Net, examine

if TYPE_CHECKING:
    from shapesolver.verify import Case

EVERYTHING = ("all",)
"""The selection of every rule, those that are off by default too."""

BREAKING = ("SS1", "refuted-claim", "broken-assumption")
"""The rules about what cannot be built, or is not as the file says."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is looked for, and at which sizes."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    select: Collection[str] = ()
    ignore: Collection[str] = ()
    where_known: Mapping[str, int] = field(default_factory=dict)
    """Further sizes, for the networks that have them."""

    def place(self, net: Net) -> Net:
        """The network at these sizes; raises ``ValueError`` for one that it does not have."""
        names = {**net.symbols, **net.free().symbols, **net.values} if self.where_known else {}
        usable = {name: size for name, size in self.where_known.items() if name in names}
        return net.at(**{**usable, **self.sizes})


def check(
    subject: Net | str | Path,
    /,
    *,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
    strict: bool = False,
    **sizes: int,
) -> tuple[Diagnostic, ...]:
    """What is wrong with a network, or with a ``.net`` file, at these input sizes, each finding with its fixes.

    ``select`` and ``ignore`` name rules: codes, beginnings of codes (``SS2``), names, or ``all``; ``strict``
    looks for those too that are off by default. A file that cannot be read as a network has findings that say
    why. Raises :class:`ShapeSolverError` for a path that holds no file and for a rule that there is not, and
    ``ValueError`` for a size that the network does not have.
    """
    terms = Terms(sizes, select or (EVERYTHING if strict else ()), ignore)
    if isinstance(subject, Net):
        return _findings(terms.place(subject), terms)
    return check_text(read(Path(subject)), str(subject), terms)


def check_text(text: str, filename: str, terms: Terms) -> tuple[Diagnostic, ...]:
    """What is wrong with a text, or with the network that it describes; raises as :func:`check` does."""
    net, found = examine(text, filename)
    if net is not None:
        return _findings(terms.place(net), terms)
    return _with_fixes(found, text, None, terms.sizes, terms)


def fix_text(text: str, filename: str, terms: Terms) -> str:
    """The text with the safe fixes applied, until none is left; raises as :func:`check` does."""
    from shapesolver.verify.fixing import apply_safe

    return apply_safe(text, lambda changed: check_text(changed, filename, terms))


def _findings(net: Net, terms: Terms) -> tuple[Diagnostic, ...]:
    from shapesolver.verify import Case, findings

    case = Case(net)
    found = findings(case, terms.select, terms.ignore)
    return _with_fixes(found, net.text, case, net.values, terms) if found else found


def _with_fixes(
    found: tuple[Diagnostic, ...], text: str, case: Case | None, sizes: Mapping[str, int], terms: Terms
) -> tuple[Diagnostic, ...]:
    from shapesolver.verify import findings
    from shapesolver.verify.fixing import Attempts, Outcome, with_fixes

    # A fix must not break the network, whatever is looked for.
    select = (*terms.select, *BREAKING) if terms.select else ()
    asked = findings(case, select, terms.ignore) if select and case is not None else found
    outcome = Outcome(None if case is None else case.net, asked, case)
    return with_fixes(found, Attempts(text, outcome, sizes, select, terms.ignore))
