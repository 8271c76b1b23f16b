"""Other frameworks' names as names here: valid, unique, and as they were where they can be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shapesolver.layers.registry import kinds
from shapesolver.model.mentions import REUSE
from shapesolver.model.values import FUNCTIONS, WORDS

KEYWORDS = {
    "dialect",
    "layout",
    "let",
    "assume",
    "expect",
    "output",
    "block",
    "repeat",
    "as",
    "or",
    "and",
    "not",
    REUSE,
}
"""Words that begin statements or join conditions."""

_INVALID = re.compile(r"[^A-Za-z0-9_]+")


class Names:
    """Hands out names, each once."""

    def __init__(self) -> None:
        self.changed: dict[str, str] = {}
        """The names that could not stay as they were, and what they became."""
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def give(self, wanted: str, otherwise: str) -> str:
        """The name wanted, or one like it; ``otherwise`` and a number where none is wanted."""
        valid = valid_name(wanted)
        name = valid if valid and valid not in self._taken else self._numbered(valid, otherwise)
        self._taken.add(name)
        if wanted and name != wanted:
            self.changed[wanted] = name
        return name

    def _numbered(self, valid: str, otherwise: str) -> str:
        stem = f"{valid}_" if valid else otherwise
        while True:
            self._last[stem] = number = self._last.get(stem, 1 if valid else 0) + 1
            if f"{stem}{number}" not in self._taken:
                return f"{stem}{number}"


def numbered(name: str, taken: set[str]) -> str:
    """The name, or where it is taken with the first number that is not, ``conv_2``; taken from now on."""
    unique, number = name, 1
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def valid_name(text: str) -> str:
    """The text as a name: other characters become underscores, and a word of the language is numbered.

    A mere number, as the layers of an ``nn.Sequential`` have it, is no name: empty.
    """
    if text.isdecimal():
        return ""
    name = _INVALID.sub("_", text).strip("_") if not text.isidentifier() or not text.isascii() else text
    if name[:1].isdigit():
        name = f"n{name}"
    return f"{name}1" if is_word(name) else name


def is_word(name: str) -> bool:
    """Whether a name means something of its own in the language: a layer, a value, a keyword, ``_``."""
    return name in KEYWORDS or name in kinds() or name in WORDS or name in FUNCTIONS or name == "_"


def common_words(names: Sequence[str]) -> str:
    """The words, divided by underscores, that stand at the same places of all names: ``layer1_conv`` of
    ``layer1_0_conv`` and ``layer1_1_conv``."""
    words = [name.split("_") for name in names]
    if len({*map(len, words)}) > 1:
        return ""
    return "_".join(column[0] for column in zip(*words, strict=True) if len({*column}) == 1)


def common_stem(names: Sequence[str]) -> str:
    """What all names begin with."""
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:length]
