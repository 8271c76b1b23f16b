"""Rules to findings. One file a rule family."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from shapesolver.diagnostics import Diagnostic
from shapesolver.network import Network
from shapesolver.verify.case import Case
from shapesolver.verify.rule import Rule, UnknownRule, chosen, find_rule, rules
from shapesolver.verify.silence import spoken

__all__ = ["Case", "Rule", "UnknownRule", "chosen", "find_rule", "findings", "rules", "verify"]


def verify(net: Network, *, select: Collection[str] = (), ignore: Collection[str] = ()) -> tuple[Diagnostic, ...]:
    """Every finding about a network, in the order of the file; see :func:`rule.chosen` for which are looked for."""
    return findings(Case(net), select, ignore)


def findings(case: Case, select: Collection[str] = (), ignore: Collection[str] = ()) -> tuple[Diagnostic, ...]:
    """The same of a network that is looked at more than once."""
    found = [diagnostic for rule in chosen(select, ignore) for diagnostic in _found(rule, case)]
    return tuple(sorted(spoken(case, found), key=lambda diagnostic: (diagnostic.span, diagnostic.code)))


def _found(rule: Rule, case: Case) -> Iterator[Diagnostic]:
    """What a rule finds, at sizes with which the network can be built if it speaks of those alone."""
    for diagnostic in () if rule.find is None else rule.find(case):
        yield replace(diagnostic, among=case.sizes.valid) if rule.of_built and case.net.symbols else diagnostic
