"""A Keras file as its configuration: the JSON inside a ``.keras`` archive, or a JSON file. Keras is not needed.

Nothing is unpacked or executed. Of an archive only ``config.json`` is read, and no more of it than
:data:`MAX_CONFIG`, whatever the archive claims.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from shapesolver.exchange.errors import ExchangeError

MAX_CONFIG = 2**26
"""The longest configuration that is read, in bytes."""
MAX_ENTRIES = 100_000
"""The most files that an archive may list."""

_CONFIG = "config.json"
_LISTED = 46
"""The least number of bytes that an archive's directory has for one file."""
_END = b"PK\x05\x06"


def read_config(path: Path) -> dict[str, Any]:
    """The configuration in a file; raises :class:`ExchangeError` where there is none that can be read."""
    try:
        with path.open("rb") as stream:
            archive = stream.read(4) == b"PK\x03\x04"
            stream.seek(0)
            content = _from_archive(stream, path) if archive else stream.read(MAX_CONFIG + 1)
    except OSError as error:
        raise ExchangeError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_CONFIG:
        raise ExchangeError(f"{path}: the configuration is longer than {MAX_CONFIG >> 20} MiB")
    if path.suffix.lower() == ".keras" and not archive:
        raise ExchangeError(f"{path} is no .keras archive")
    return parse_config(content, str(path))


def parse_config(content: bytes | str, source: str) -> dict[str, Any]:
    """The configuration in a JSON text."""
    try:
        config = json.loads(content)
    except RecursionError:
        raise ExchangeError(f"{source}: the configuration is nested too deep") from None
    except ValueError as error:
        raise ExchangeError(f"{source}: the configuration is no JSON: {error}") from None
    if not isinstance(config, dict):
        raise ExchangeError(f"{source}: the configuration is no JSON object")
    return config


def _from_archive(stream: IO[bytes], path: Path) -> bytes:
    """The bytes of ``config.json``, one more than :data:`MAX_CONFIG` at the most."""
    if _directory_size(stream) > MAX_ENTRIES * _LISTED * 4:
        raise ExchangeError(f"{path}: the archive lists more than {MAX_ENTRIES} files")
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if len(names) > MAX_ENTRIES:
                raise ExchangeError(f"{path}: the archive lists more than {MAX_ENTRIES} files")
            outside = next((name for name in names if _leads_outside(name)), None)
            if outside is not None:
                raise ExchangeError(f"{path}: the archive holds a file outside itself: {outside!r}")
            if names.count(_CONFIG) != 1:
                raise ExchangeError(f"{path}: the archive holds {names.count(_CONFIG)} files {_CONFIG}, not one")
            with archive.open(_CONFIG) as entry:
                return entry.read(MAX_CONFIG + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise ExchangeError(f"{path} is no archive that can be read: {error}") from None


def _directory_size(stream: IO[bytes]) -> int:
    """How many bytes the archive's directory has, by its own account."""
    size = stream.seek(0, 2)
    stream.seek(max(size - 2**16 - 22, 0))
    tail = stream.read()
    stream.seek(0)
    place = tail.rfind(_END)
    return int.from_bytes(tail[place + 12 : place + 16], "little") if place >= 0 else 0


def _leads_outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]
