"""The networks that are measured, and each peer's own form of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from shapesolver import Net, load
from tests.benchmarks.harness import Missing

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NETWORKS = ("vgg16", "resnet50", "resnet152", "unet")
SIZES = {"vgg16": 224, "resnet50": 224, "resnet152": 224, "unet": 576}


@cache
def network(name: str) -> Net:
    """The example of this name."""
    return load(EXAMPLES / f"{name}.net")


@cache
def onnx_model(name: str, fixed: bool) -> Any:
    """The network as an ONNX model without the sizes of inner tensors; its input's are fixed, or symbols."""
    import onnx

    model = onnx.ModelProto()
    model.CopyFrom(network(name).to_onnx())
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    if fixed:
        sizes = (1, 3, SIZES[name], SIZES[name])
        for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, sizes, strict=True):
            dim.dim_value = size
    for initializer in model.graph.initializer:
        # What weights hold is nothing to shape inference, and every call would copy it.
        if len(initializer.dims) > 1:
            initializer.raw_data = b""
    return model


@cache
def torch_module(name: str) -> Any:
    """The network as a PyTorch module without storage."""
    import torch

    with torch.device("meta"):
        return network(name).to_torch().eval()


KERAS_MODELS = {"vgg16": "VGG16", "resnet50": "ResNet50", "resnet152": "ResNet152"}


@cache
def keras_model(name: str) -> Any:
    """The network as ``keras.applications`` has it."""
    import keras

    if name not in KERAS_MODELS:
        raise Missing("keras.applications has no such model")
    return getattr(keras.applications, KERAS_MODELS[name])(weights=None)


def keras_config(name: str) -> str:
    """The Keras model as JSON."""
    return keras_model(name).to_json()  # type: ignore[no-any-return]


@cache
def jax_function(name: str) -> Callable[[Any], Any]:
    """The network as a JAX function of its image, weights being shapes."""
    from tests.benchmarks.in_jax import function

    return function(network(name))
