"""The chain of formulas behind a size, as aligned text."""

from __future__ import annotations

from collections.abc import Iterable

from shapesolver.arithmetic import Dim
from shapesolver.provenance import Chain


def chain_text(chains: Iterable[Chain]) -> str:
    """Each axis' formula, and under it the steps with their lines and laws."""
    return "\n\n".join(_one(chain) for chain in chains)


def _one(chain: Chain) -> str:
    head = f"{chain.path}.{chain.axis} = {_with_value(chain.total, chain.value)}"
    rows = [
        (
            f"{step.path}.{step.axis} = {_with_value(step.local, step.value)}",
            f"line {step.line}",
            step.layer,
            step.law,
        )
        for step in chain.steps
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        f"  {formula:<{widths[0]}}   {line:<{widths[1]}}   {layer:<{widths[2]}}   {law}".rstrip()
        for formula, line, layer, law in rows
    ]
    return "\n".join([head, *lines])


def _with_value(formula: Dim, value: Dim) -> str:
    """``(H - 7)//3 + 1 = 8``; a number alone is said once."""
    return f"{formula}" if formula == value else f"{formula} = {value}"
