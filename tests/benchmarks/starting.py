"""The command line from cold, against the import of what peers need."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from tests.benchmarks.harness import Call, Case, Missing
from tests.benchmarks.networks import EXAMPLES


def cases() -> Iterator[Case]:
    """``show mnist.net`` in a process of its own."""
    ours = [sys.executable, "-m", "shapesolver", "show", str(EXAMPLES / "mnist.net")]
    peers = {f"import {name}": _importing(name) for name in ("sympy", "torch", "keras", "onnxruntime", "jax")}
    yield Case("show mnist.net", _process(ours), peers, {"import sympy": 1.0, "import torch": 10.0}, rounds=7)


def _process(command: list[str]) -> Call:
    # Installed packages have their byte code; a checkout may be kept from writing its own.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(command, check=True, capture_output=True, env=environment)


def _importing(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        if find_spec(name) is None:
            raise Missing("not installed")
        return _process([sys.executable, "-c", f"import {name}"])

    return prepare
