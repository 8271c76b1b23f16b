"""What to say about a token that does not fit: what was seen, what was expected, and what to type."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection

from lark import Token

from shapesolver.diagnostics import Advice, Diagnostic, Fix, Label
from shapesolver.language.assembly import MAX_DIGITS, BadNumber, span_of
from shapesolver.language.tokens import MAX_DEPTH

CODES = {
    "syntax-error": "SS001",
    "unclosed-parenthesis": "SS002",
    "bad-character": "SS003",
    "bad-number": "SS004",
    "too-deep": "SS005",
    "too-many-errors": "SS006",
}

KEYWORDS = ("dialect", "layout", "let", "assume", "expect", "output", "block", "repeat")

_WORDS = {
    "RPAREN": "`)`",
    "RBRACKET": "`]`",
    "_COMMA": "`,`",
    "_ARROW": "`->`",
    "_EQUALS": "`=`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "_NEWLINE": "the end of the line",
    "NAME": "a name",
    "COMPARE": "a comparison",
}
"""Expected tokens that are worth a mention, in people's words."""

_VALUE = {"NUMBER", "STRING", "HOLE", "PREVIOUS"}
"""Where these are accepted, a value is expected."""

_LOOK_ALIKES = {
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "×": "*",
    "·": "*",
    "–": "-",
    "—": "-",
    "−": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "÷": "/",
    "\u00a0": "a space",
}

_REPLACEMENTS = {
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`, or `!=`",
    ";": "each statement stands on a line of its own",
    ":": "blocks and repeats are put in braces: `{ ... }`",
    "@": "the matrix product is the layer `matmul(a, b)`",
    "$": "",
}

_PYTHON = {"import", "from", "def", "class", "return", "for", "while", "if", "lambda", "model", "self"}


def diagnostic(
    name: str,
    message: str,
    token: Token,
    *advice: tuple[str, str],
    related: Collection[Label] = (),
    meant: Fix | None = None,
) -> Diagnostic:
    """A finding at a token."""
    return Diagnostic(
        CODES[name],
        name,
        message,
        span_of(token),
        related=tuple(related),
        advice=tuple(Advice(kind, text) for kind, text in advice if text),
        fixes=(meant,) if meant else (),
    )


def about_number(error: BadNumber) -> Diagnostic:
    """A number that cannot be read."""
    advice = ("limit", f"{MAX_DIGITS} digits") if len(error.token) > MAX_DIGITS else ("try", "`3`, `0.5` or `1e-5`")
    return diagnostic("bad-number", error.why, error.token, advice)


def about_depth(token: Token) -> Diagnostic:
    """An expression that nests too deep."""
    advice = ("try", "name parts of it with `let`, or split the line")
    return diagnostic("too-deep", f"the expression nests more than {MAX_DEPTH} deep", token, advice)


def about_unclosed(newline: Token, opener: Token) -> Diagnostic:
    """A parenthesis that was never closed."""
    closer = ")" if opener.type == "LPAREN" else "]"
    return diagnostic(
        "unclosed-parenthesis",
        f"`{opener}` is never closed",
        opener,
        ("expected", f"`{closer}` by the end of line {newline.line}"),
    )


def about_character(token: Token) -> Diagnostic:
    """A character that the language does not have."""
    char = str(token)
    if char in _LOOK_ALIKES:
        return diagnostic(
            "bad-character",
            f"`{char}` is not part of the language",
            token,
            ("try", f"`{_LOOK_ALIKES[char]}`"),
            meant=Fix.of_word(span_of(token), _LOOK_ALIKES[char].replace("a space", " ")),
        )
    if char in _REPLACEMENTS:
        return diagnostic("bad-character", f"`{char}` is not part of the language", token, ("try", _REPLACEMENTS[char]))
    if char in "\"'":
        return diagnostic(
            "bad-character",
            "the quoted text is not closed on its line",
            token,
            ("expected", f"a second {char}"),
        )
    name = unicodedata.name(char, f"character U+{ord(char):04X}")
    shown = f"`{char}` ({name})" if char.isprintable() else name
    return diagnostic("bad-character", f"{shown} is not part of the language", token)


def about_token(token: Token, accepted: Collection[str], first: Token | None, before: Token | None) -> Diagnostic:
    """A token that does not fit where it stands; ``first`` begins the statement, ``before`` stands before it."""
    if token.type == "BAD":
        return about_character(token)
    advice = [("expected", expected(accepted))] + [hint for hint in [_hint(token, accepted, first, before)] if hint]
    if token.type == "_NEWLINE":
        return diagnostic("syntax-error", "the line ends too early", token, *advice)
    if token.type == "$END":
        return diagnostic("syntax-error", "the file ends too early", token, *advice)
    if token.type == "RBRACE":
        return diagnostic("syntax-error", "`}` closes nothing here", token, *advice)
    meant = _meant(token, accepted, first, before)
    return diagnostic("syntax-error", f"`{token}` does not fit here", token, *advice, meant=meant)


def expected(accepted: Collection[str]) -> str:
    """Accepted token types in people's words."""
    words = ["a value"] if set(accepted) >= _VALUE else []
    words += [text for kind, text in _WORDS.items() if kind in accepted and not (words and kind == "NAME")]
    if "BLOCK" in accepted:
        words = ["a statement", *(w for w in words if w == "`}`")]
    return " or ".join(words[:4]) or "something else"


def _hint(token: Token, accepted: Collection[str], first: Token | None, before: Token | None) -> tuple[str, str] | None:
    start = str(first) if first is not None else ""
    if start in _PYTHON:
        return "note", "a .net file is not Python: it holds layers, one a line"
    if token.type == "_EQUALS" and "COMPARE" in accepted:
        return "try", "`==` compares; `=` names a result"
    keyword = _keyword(first, before)
    if keyword:
        return "try", f"did you mean `{keyword}`?"
    if token.type == "LBRACE" and "_NEWLINE" in accepted:
        return "note", "braces belong to `block name(...)` and `repeat n`"
    if token.type == "_ARROW" and first is token:
        return (
            "try",
            "end the line above with `->`'s left side: a pipeline stands on one line, or in parentheses",
        )
    return None


def _keyword(first: Token | None, before: Token | None) -> str:
    """The keyword that a statement was probably meant to begin with, where its first word is none."""
    if first is None or before is not first or str(first) in KEYWORDS:
        return ""
    return next(iter(difflib.get_close_matches(str(first), KEYWORDS, n=1, cutoff=0.7)), "")


def _meant(token: Token, accepted: Collection[str], first: Token | None, before: Token | None) -> Fix | None:
    """The hint as a change of the text, where it is one word for another."""
    if token.type == "_EQUALS" and "COMPARE" in accepted:
        return Fix.of_word(span_of(token), "==")
    keyword = _keyword(first, before)
    return Fix.of_word(span_of(first), keyword) if keyword and first is not None else None
