"""Every layer's size at one input size."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapesolver.derive import apply, derive
from tests.benchmarks.harness import Call, Case
from tests.benchmarks.networks import NETWORKS, SIZES, keras_model, network, onnx_model, torch_module


def cases() -> Iterator[Case]:
    """Each network twice: remembering the laws of equal layers, as in a session, and forgetting everything."""
    for name in NETWORKS:
        goals = {"onnx": 1.0}
        yield Case(f"{name}", _ours(name), _peers(name), goals)
        yield Case(f"{name}, nothing remembered", forgetting(_ours(name)), {"onnx": _onnx(name)})


def _ours(name: str) -> Call:
    graph = network(name).graph
    sizes = {"H": SIZES[name], "W": SIZES[name]}
    return lambda: derive(graph, sizes)


def forgetting(call: Call) -> Call:
    """The call with every remembered law dropped first."""

    def run() -> object:
        apply.cache_clear()
        return call()

    return run


def _peers(name: str) -> dict[str, Callable[[], Call]]:
    return {"onnx": _onnx(name), "torch meta": _torch(name), "keras": _keras(name)}


def _onnx(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        import onnx

        model = onnx_model(name, fixed=True).SerializeToString()
        return lambda: onnx.shape_inference.infer_shapes(model)

    return prepare


def _torch(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        import torch

        module, size = torch_module(name), SIZES[name]
        image = torch.empty(1, 3, size, size, device="meta")
        return lambda: module(image)

    return prepare


def _keras(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        model = keras_model(name)
        return lambda: model.compute_output_shape((1, 224, 224, 3))

    return prepare
