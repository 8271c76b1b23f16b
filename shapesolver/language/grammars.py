"""Where the grammars are, and lark parsers built from them; lark lives in this package only."""

from __future__ import annotations

import hashlib
import os
import stat
from importlib.resources import files
from pathlib import Path
from typing import Any

import lark

from shapesolver.language.tokens import Tokens


def grammar_text(*names: str) -> str:
    """The grammar files joined: from the installed package, or from beside it in a checkout."""
    folder = files("shapesolver").joinpath("grammar")
    if not folder.joinpath(names[0]).is_file():
        folder = files("shapesolver").joinpath("..", "grammar")
    return "\n".join(folder.joinpath(name).read_text("utf-8") for name in names)


def build_parser(*names: str, transformer: Any, tokens: Tokens | None = None) -> lark.Lark:
    """A parser of the joined grammars, from the cache where there is a safe one."""
    text = grammar_text(*names)
    options: dict[str, Any] = {
        "parser": "lalr",
        "lexer": "basic",
        "maybe_placeholders": True,
        "transformer": transformer,
    }
    if tokens is not None:
        options |= {"postlex": tokens, "lexer_callbacks": {"COMMENT": tokens.comment}}
    cache = _cache_file(text)
    if cache is None:
        return lark.Lark(text, **options)
    return lark.Lark(text, cache=str(cache), **options)


def _cache_file(grammar: str) -> Path | None:
    """Where lark may keep its tables: a folder that is this user's alone, or nowhere.

    Lark's cache is a pickle, so it is only ever read from a folder that nobody else can write to.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME")
        folder = (Path(base) if base else Path.home() / ".cache") / "shapesolver"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = folder.lstat()
        private = stat.S_ISDIR(info.st_mode) and not info.st_mode & 0o077
        if not private or (hasattr(os, "getuid") and info.st_uid != os.getuid()) or not os.access(folder, os.W_OK):
            return None
    except (OSError, RuntimeError):
        return None
    digest = hashlib.sha256(f"{lark.__version__}\n{grammar}".encode()).hexdigest()[:16]
    return folder / f"grammar-{digest}.lark"
