"""A file's text to its graph, against reading the same network in other forms."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator

from shapesolver import parse
from tests.benchmarks.harness import Call, Case
from tests.benchmarks.networks import NETWORKS, keras_config, network, onnx_model


def cases() -> Iterator[Case]:
    """Each network; and a long file, by the line."""
    for name in NETWORKS:
        text = network(name).text
        peers = {"onnx from bytes": _onnx(name), "keras from JSON": _keras(name), "json alone": _json(name)}
        yield Case(name, parsing(text), peers)
    long = "dialect torch\nx = input(3, H=224, W=224)\n" + "conv(64, kernel=3, padding=1) -> relu\n" * 1000
    yield Case("1,000 lines", parsing(long), rounds=5)


def parsing(text: str) -> Call:
    """The text parsed, with another comment at its end each time: trees of short texts are remembered."""
    numbers = itertools.count()
    return lambda: parse(f"{text}\n# {next(numbers)}\n")


def _onnx(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        import onnx

        data = onnx_model(name, fixed=True).SerializeToString()
        return lambda: onnx.load_from_string(data)

    return prepare


def _keras(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        import keras

        text = keras_config(name)
        return lambda: keras.models.model_from_json(text)

    return prepare


def _json(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        text = keras_config(name)
        return lambda: json.loads(text)

    return prepare
