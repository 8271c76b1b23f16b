"""Sets of integers as people write them: ``25..30``, ``{1, 3, 5}``, ``(H + 4) % 16 == 0, H >= 188``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shapesolver.arithmetic.masks import FULL, Mask

_RUN = 3
"""From this length on, neighbours are written ``25..27``."""

_PROGRESSION = 6
"""From this length on, a finite row with one step is written as a residue class."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The members of a mask from ``lo`` to ``hi``, both members themselves; ``None`` is no limit."""

    lo: int | None
    hi: int | None
    mask: Mask


def write_pieces(pieces: Sequence[Piece], name: str, limit: int | None) -> str:
    """The union of the pieces; at most ``limit`` numbers and runs of each kind, the rest counted."""
    if not pieces:
        return "none"
    if len(pieces) == 1 and pieces[0].mask == FULL and pieces[0].hi is None:
        return f"all {name}" if pieces[0].lo is None else f"all {name} >= {pieces[0].lo}"
    texts: list[str] = []
    singles: list[int] = []
    for piece in pieces:
        lo, hi = piece.lo, piece.hi
        if piece.mask == FULL and lo is not None and hi is not None and hi - lo < _RUN - 1:
            singles += range(lo, hi + 1)
        else:
            texts += _write_singles(singles, name, limit)
            singles = []
            texts.append(_write_piece(piece, name, limit))
    texts += _write_singles(singles, name, limit)
    return " or ".join(_limited(texts, limit))


def _write_singles(members: list[int], name: str, limit: int | None) -> list[str]:
    if not members:
        return []
    step = members[1] - members[0] if len(members) > _PROGRESSION else 0
    if step > 1 and all(b - a == step for a, b in pairwise(members)):
        mask = Mask.residues(step, (members[0],))
        return [_write_piece(Piece(members[0], members[-1], mask), name, limit)]
    return ["{" + ", ".join(_limited(list(map(str, members)), limit)) + "}"]


def _write_piece(piece: Piece, name: str, limit: int | None) -> str:
    lo, hi = piece.lo, piece.hi
    if piece.mask == FULL and lo is not None and hi is not None:
        return f"{lo}..{hi}"
    between = f"{lo} <= {name} <= {hi}" if hi is not None else f"{name} >= {lo}"
    limits = "" if lo is None and hi is None else f"{name} <= {hi}" if lo is None else between
    periodic = "" if piece.mask == FULL else _write_mask(piece.mask, name, limit)
    return ", ".join(filter(None, (periodic, limits)))


def _write_mask(mask: Mask, name: str, limit: int | None) -> str:
    modulus, missing = mask.modulus, ~mask
    if mask.size() == 1:
        return _write_class(next(mask.members()), modulus, name, "==")
    if missing.size() == 1:
        return _write_class(next(missing.members()), modulus, name, "!=")
    if len(missing.edges) < len(mask.edges):
        return f"{name} % {modulus} not in {_write_residues(missing, limit)}"
    return f"{name} % {modulus} in {_write_residues(mask, limit)}"


def _write_class(residue: int, modulus: int, name: str, sign: str) -> str:
    """``H % 2 == 1`` as it stands; any other residue by the sum that is divisible: ``(H + 4) % 16 == 0``."""
    if residue == 0 or modulus == 2:
        return f"{name} % {modulus} {sign} {residue}"
    offset = f"- {residue}" if 2 * residue < modulus else f"+ {modulus - residue}"
    return f"({name} {offset}) % {modulus} {sign} 0"


def _write_residues(mask: Mask, limit: int | None) -> str:
    texts: list[str] = []
    for start, stop in mask.runs():
        texts += [f"{start}..{stop - 1}"] if stop - start >= _RUN else map(str, range(start, stop))
    return texts[0] if len(texts) == 1 else "{" + ", ".join(_limited(texts, limit)) + "}"


def _limited(texts: Sequence[str], limit: int | None) -> Iterable[str]:
    if limit is None or len(texts) <= limit:
        return texts
    return [*texts[:limit], f"... {len(texts) - limit:,} more"]
