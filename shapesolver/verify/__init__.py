"""Rules to findings. One file a rule family."""

from __future__ import annotations

from shapesolver.diagnostics import Diagnostic
from shapesolver.network import Network
from shapesolver.verify.buildable import cannot_build
from shapesolver.verify.claims import failed_claims


def verify(net: Network) -> tuple[Diagnostic, ...]:
    """Every finding about a network, in the order of the file."""
    found = [*cannot_build(net), *failed_claims(net)]
    return tuple(sorted(found, key=lambda diagnostic: diagnostic.span))
