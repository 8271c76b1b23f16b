"""Reading a file's text, with clear errors for what is no text."""

from __future__ import annotations

from pathlib import Path

from shapesolver.diagnostics import Diagnostic, NetError, ShapeSolverError, Span

MAX_BYTES = 16 * 2**20
"""The longest file that is read, in bytes: about a million lines."""


class UnreadableError(ShapeSolverError):
    """A path that holds no readable file."""


def read(path: Path) -> str:
    """The text of a file. Raises :class:`UnreadableError`, or :class:`NetError` where it is not UTF-8."""
    try:
        if path.is_dir():
            raise UnreadableError(f"{path} is a folder, and a .net file is needed")
        if path.exists() and not path.is_file():
            raise UnreadableError(f"{path} is no regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"{path} cannot be read: {reason}") from None
    return decode(data, str(path))


def decode(data: bytes, filename: str) -> str:
    """Bytes as text; raises as :func:`read` does."""
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"{filename} is longer than {MAX_BYTES // 2**20} MiB, the limit for a .net file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        span = Span(line, column, line, column + 1)
        message = f"byte {data[error.start]:#04x} at offset {error.start} is not UTF-8 text"
        raise NetError([Diagnostic("SS003", "bad-character", message, span)], filename) from None
