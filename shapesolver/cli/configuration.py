"""``[tool.shapesolver]`` in the nearest pyproject.toml: what ``check`` looks for, at which sizes, and where not.

    [tool.shapesolver]
    select = ["SS1", "lost-pixels"]    # codes, beginnings of codes, names, or "all"
    ignore = ["SS202"]
    strict = false
    at = { H = 224, W = 224 }
    exclude = ["experiments", "old_*.net"]

Options of the command line come first.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from shapesolver.diagnostics import ShapeSolverError
from shapesolver.network import MAX_SIZE

FILENAME = "pyproject.toml"


class ConfigurationError(ShapeSolverError):
    """A pyproject.toml that cannot be used, with its path and what is wrong."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a project has settled for ``check``."""

    folder: Path | None = None
    """Where the file lies that says so; patterns in ``exclude`` are relative to it."""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    at: dict[str, int] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()

    def excludes(self, path: Path) -> bool:
        """Whether a pattern matches the path, a folder above it, or the name of either."""
        if self.folder is None or not path.is_relative_to(self.folder):
            return False
        relative = path.relative_to(self.folder)
        ways = [relative, *relative.parents][:-1]
        return any(fnmatch(way.as_posix(), p) or fnmatch(way.name, p) for way in ways for p in self.exclude)


def configuration_for(folder: Path) -> Configuration:
    """The configuration for files in a folder: of the nearest pyproject.toml upwards that has our table.

    Raises :class:`ConfigurationError` where one on the way cannot be read.
    """
    here = folder.resolve()
    found = (_settled(above) for above in (here, *here.parents))
    return next(filter(None, found), Configuration())


@cache
def _settled(folder: Path) -> Configuration | None:
    """What the pyproject.toml of one folder says, ``None`` where it says nothing of ours."""
    file = folder / FILENAME
    table = _table(file) if file.is_file() else None
    return None if table is None else _read(table, file)


def _table(file: Path) -> Any:
    """Our table of a pyproject.toml, ``None`` where it has none."""
    try:
        document = tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not TOML: {error}") from None
    except RecursionError:
        raise ConfigurationError(f"{file} is not TOML: its values nest too deep") from None
    tools = document.get("tool", {})
    return tools.get("shapesolver") if isinstance(tools, dict) else None


def _read(table: Any, file: Path) -> Configuration:
    """The table's values; raises :class:`ConfigurationError` for keys and types that are not ours."""
    if not isinstance(table, dict):
        raise ConfigurationError(f"{file}: tool.shapesolver is a table, not {_kind(table)}")
    for key in table:
        if key not in _READERS:
            close = difflib.get_close_matches(key, _READERS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(_READERS)}"
            raise ConfigurationError(f"{file}: tool.shapesolver has no key {key}; {hint}")
    where = f"{file}: tool.shapesolver"
    values: dict[str, Any] = {key: _READERS[key](value, f"{where}.{key}") for key, value in table.items()}
    return Configuration(folder=file.parent, **values)


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"{where} is a list of strings, not {_kind(value)}")
    return tuple(value)


def _rules(value: Any, where: str) -> tuple[str, ...]:
    from shapesolver.verify.rule import UnknownRule, chosen

    entries = _strings(value, where)
    try:
        chosen(entries)
    except UnknownRule as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return entries


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} is true or false, not {_kind(value)}")
    return value


def _sizes(value: Any, where: str) -> dict[str, int]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} is a table of sizes, as in {{ H = 224 }}, not {_kind(value)}")
    for name, size in value.items():
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_SIZE:
            raise ConfigurationError(f"{where}.{name} is a whole number from 1 to {MAX_SIZE:.0e}, not {size!r}")
    return value


def _kind(value: Any) -> str:
    """What a TOML value is, in words."""
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        return "a list of other things"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


_READERS = {
    "select": _rules,
    "ignore": _rules,
    "strict": _flag,
    "at": _sizes,
    "exclude": _strings,
}
