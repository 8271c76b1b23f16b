"""Sets of integers as sympy sets. Only this module and ``to_sympy`` import sympy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy

from shapesolver.arithmetic.masks import FULL, check_walk
from shapesolver.arithmetic.writing_sets import Piece


def set_to_sympy(pieces: Sequence[Piece]) -> sympy.Set:
    """The union of the pieces. Raises ``Undecided`` when a piece has too many residues to list."""
    parts = [part for piece in pieces for part in _parts(piece)]
    # Unevaluated, for sympy compares the parts pair by pair.
    return sympy.Union(*parts, evaluate=False) if len(parts) > 1 else sympy.Union(*parts)


def _parts(piece: Piece) -> Iterator[sympy.Set]:
    lo, hi, mask = piece.lo, piece.hi, piece.mask
    if lo is None and hi is None and mask == FULL:
        yield sympy.S.Integers
        return
    check_walk(mask.size(), "listing the residues for sympy")
    for residue in mask.members():
        # Each range starts and stops at a member of its own class.
        first = -sympy.oo if lo is None else lo + (residue - lo) % mask.modulus
        last = sympy.oo if hi is None else hi - (hi - residue) % mask.modulus
        if lo is None:
            last = residue if hi is None else last
            yield sympy.Range(last, -sympy.oo, -mask.modulus)
            if hi is None:
                yield sympy.Range(last + mask.modulus, sympy.oo, mask.modulus)
        elif hi is None or first <= last:
            yield sympy.Range(first, sympy.oo if hi is None else last + mask.modulus, mask.modulus)
