"""A model file of another framework to a network, against reading the file and doing nothing with it."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from shapesolver.exchange import load
from tests.benchmarks.harness import Call, Case, Missing
from tests.benchmarks.networks import keras_config, network

NETWORKS = ("resnet50", "resnet152")
TIMES, ADDED_SECONDS = 2, 0.1
"""An import takes at most twice what reading the file alone takes, and this more."""
ROUNDS = 5


def cases() -> Iterator[Case]:
    """Each network as an ONNX file, its weights in it, and as a Keras config; without those packages no case."""
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            path = Path(folder, f"{name}.onnx")
            yield from _case(path, "onnx.load", _write_onnx, _load_onnx)
        for name in NETWORKS:
            path = Path(folder, f"{name}.json")
            yield from _case(path, "json.load", _write_config, _load_json)


def _case(path: Path, peer: str, write: Callable[[Path], None], alone: Callable[[Path], object]) -> Iterator[Case]:
    try:
        write(path)
    except (Missing, ImportError):
        return
    limit = TIMES * _seconds(lambda: alone(path)) + ADDED_SECONDS
    yield Case(path.name, lambda: load(path), {peer: lambda: lambda: alone(path)}, limit=limit, rounds=ROUNDS)


def _write_onnx(path: Path) -> None:
    import onnx

    onnx.save(network(path.stem).to_onnx(weights="zeros"), path)


def _load_onnx(path: Path) -> object:
    import onnx

    return onnx.load(path)


def _write_config(path: Path) -> None:
    path.write_text(keras_config(path.stem))


def _load_json(path: Path) -> object:
    with path.open() as file:
        return json.load(file)


def _seconds(call: Call) -> float:
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
