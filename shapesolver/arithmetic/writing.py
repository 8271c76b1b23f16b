"""Formulas as people write them: ``(H - 7)//6 - 1``, ``64*(H//4)*(W//4)``, ``3 - H``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shapesolver.arithmetic.atoms import Monomial, Term
    from shapesolver.arithmetic.formula import Dim


def write(terms: tuple[Term, ...], constant: int) -> str:
    """The sum of the terms and the constant; a negative term never comes first where another can."""
    pieces = [(coefficient, _write_monomial(monomial, coefficient)) for monomial, coefficient in terms]
    pieces.sort(key=lambda piece: piece[0] < 0)
    if constant:
        leading = constant > 0 and pieces[0][0] < 0
        pieces.insert(0 if leading else len(pieces), (constant, str(abs(constant))))
    (sign, first), *others = pieces
    text = _negated(first) if sign < 0 else first
    return text + "".join(f" {'-' if sign < 0 else '+'} {piece}" for sign, piece in others)


def operand(item: Dim, right: bool = False) -> str:
    """The dimension as an operand of ``//`` or ``*``: bare if it is a symbol or (on the left) a product."""
    if isinstance(item, int):
        return str(item) if item >= 0 else f"({item})"
    bare = False
    if not item.constant and len(item.terms) == 1:
        ((monomial, coefficient),) = item.terms
        single = coefficient == 1 and len(monomial) == 1
        bare = coefficient > 0 and (single or not right) and not (single and monomial[0].is_quotient)
    return str(item) if bare else f"({item})"


def _negated(piece: str) -> str:
    # -H//2 would read as (-H)//2.
    return f"-({piece})" if "//" in piece and not piece.endswith(")") else f"-{piece}"


def _write_monomial(monomial: Monomial, coefficient: int) -> str:
    alone = len(monomial) == 1 and abs(coefficient) == 1
    factors = [] if abs(coefficient) == 1 else [str(abs(coefficient))]
    for atom in dict.fromkeys(monomial):
        text = f"({atom.text})" if atom.is_quotient and not alone else atom.text
        power = monomial.count(atom)
        factors.append(text if power == 1 else f"{text}**{power}")
    return "*".join(factors)
