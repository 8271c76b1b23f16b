"""Every layer's size as a formula in H and W."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapesolver.derive import derive
from tests.benchmarks.concrete import forgetting
from tests.benchmarks.harness import Call, Case
from tests.benchmarks.networks import NETWORKS, jax_function, network, onnx_model, torch_module

GOALS = {"onnxruntime": 50.0, "jax": 10.0}


def cases() -> Iterator[Case]:
    """Each network twice: remembering the laws of equal layers, as in a session, and forgetting everything."""
    for name in NETWORKS:
        peers = {"onnxruntime": _onnxruntime(name), "jax": _jax(name), "torch.export": _torch(name)}
        graph = network(name).graph
        yield Case(name, lambda graph=graph: derive(graph), peers, GOALS, rounds=3)  # type: ignore[misc]
        yield Case(f"{name}, nothing remembered", forgetting(lambda graph=graph: derive(graph)))  # type: ignore[misc]


def _onnxruntime(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

        model = onnx_model(name, fixed=False)
        return lambda: SymbolicShapeInference.infer_shapes(model, auto_merge=True)

    return prepare


def _jax(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        import jax
        from jax import export

        sizes = export.symbolic_shape("1, 3, h, w", constraints=["h >= 32", "w >= 32"])
        image = jax.ShapeDtypeStruct(sizes, "float32")
        call = jax_function(name)
        # A new function each time: JAX remembers what it has traced.
        return lambda: jax.eval_shape(lambda x: call(x), image)

    return prepare


def _torch(name: str) -> Callable[[], Call]:
    def prepare() -> Call:
        import torch

        module, dim = torch_module(name), torch.export.Dim
        image = torch.empty(1, 3, 224, 224, device="meta")
        dynamic = ({2: 32 * dim("h", min=1, max=64), 3: 32 * dim("w", min=1, max=64)},)
        return lambda: torch.export.export(module, (image,), dynamic_shapes=dynamic)

    return prepare
