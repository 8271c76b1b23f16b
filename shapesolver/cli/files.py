"""Which files a command is about: those named, and the ``.net`` files in the folders named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from shapesolver.cli.configuration import configuration_for

ENDING = ".net"
VIRTUAL_ENV = "pyvenv.cfg"
"""The file that marks a folder as a virtual environment."""
SKIPPED = ("node_modules", "__pycache__")


class Found(NamedTuple):
    """A file to work on, and whether it was named itself or found in a folder."""

    path: Path
    named: bool
    trouble: str = ""
    """Why it cannot be looked into, if it is a folder that cannot."""

    @property
    def is_stdin(self) -> bool:
        """Whether ``-`` was given: standard input."""
        return str(self.path) == "-"

    @property
    def name(self) -> str:
        """What findings call it."""
        return "<stdin>" if self.is_stdin else str(self.path)


def net_files(paths: Iterable[Path]) -> list[Found]:
    """The files that the paths mean, each once: in the order of the paths, those of a folder sorted."""
    found: dict[str, Found] = {}
    for path in paths:
        for item in searched(path) if path.is_dir() else [Found(path, named=True)]:
            found.setdefault(os.path.realpath(item.path), item)
    return [*found.values()]


def searched(folder: Path) -> Iterator[Found]:
    """The ``.net`` files of a folder and those below, sorted.

    Hidden folders, virtual environments and what the configuration excludes are passed over. Links to folders
    are not followed, so that there is no going round in circles.
    """
    closed: list[OSError] = []
    for base, folders, names in os.walk(folder, onerror=closed.append):
        here, real = Path(base), Path(base).resolve()
        settled = configuration_for(real)
        folders[:] = sorted(n for n in folders if not _passed_over(here / n) and not settled.excludes(real / n))
        for name in sorted(names):
            if name.endswith(ENDING) and not name.startswith(".") and not settled.excludes(real / name):
                yield Found(here / name, named=False)
    for error in closed:
        yield Found(Path(error.filename), named=False, trouble=f"cannot be searched: {error.strerror}")


def _passed_over(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in SKIPPED or _is_virtual_env(folder)


def _is_virtual_env(folder: Path) -> bool:
    try:
        return (folder / VIRTUAL_ENV).exists()
    except OSError:
        # A folder that may not be looked into: searching it says so.
        return False
