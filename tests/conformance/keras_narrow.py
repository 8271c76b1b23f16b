"""Architectures of Keras as narrow as can be: the same windows, one channel, and numbers that a gradient passes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import keras
import pytest
import torch
from keras.src import backend
from keras.src.applications import convnext, nasnet

COUNTS = ("filters", "units", "groups", "projection_dim")
"""What is one in a narrow model."""
ALIKE = {"MaxPooling2D": "AveragePooling2D"}
"""Pools whose gradient reaches every cell that they read."""
LEVELLING = ("LayerNormalization", "Normalization")
"""Over one channel, nothing is left of what comes in."""


@pytest.fixture(autouse=True)
def nasnet_on_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let NASNet be built: Keras refuses to on PyTorch because of its numbers, and shapes have none."""
    names = {name: getattr(backend, name) for name in dir(backend) if not name.startswith("__")}
    monkeypatch.setattr(nasnet, "backend", SimpleNamespace(**{**names, "backend": lambda: "tensorflow"}))


def narrow(model: Any) -> Any:
    """A model with the layers of another, one channel wide, in double precision; its weights are positive."""
    text = json.dumps(_narrow(json.loads(model.to_json())))
    own = {"LayerScale": convnext.LayerScale, "StochasticDepth": convnext.StochasticDepth}
    made = keras.models.model_from_json(text, custom_objects=own)
    for variable in made.weights:
        _fill(variable.path.rpartition("/")[2], variable.value.requires_grad_(False))
    return made


def _narrow(value: Any) -> Any:
    if isinstance(value, list):
        return [_narrow(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _narrow(item) for key, item in value.items() if key != "build_config"}
    name, config = value.get("class_name"), value.get("config")
    if not isinstance(config, dict):
        return value
    config.update({key: 1 for key in COUNTS if isinstance(config.get(key), int)})
    for key in ("batch_shape", "build_input_shape"):
        if isinstance(config.get(key), list) and config[key][-1] != 3:
            config[key][-1] = 1
    if name == "Reshape":
        config["target_shape"][-1] = -1
    elif name == "DTypePolicy":
        config["name"] = "float64"
    elif name in LEVELLING:
        return {**value, "class_name": "Activation", "config": {"name": config["name"], "activation": "linear"}}
    return {**value, "class_name": ALIKE.get(str(name), name)}


def _fill(name: str, tensor: Any) -> None:
    """Averages, made smaller after every normalisation, so that nothing is cut off at 6."""
    if name == "moving_mean":
        tensor.zero_()
    elif name == "moving_variance":
        tensor.fill_(25.0)
    elif tensor.dim() == 1:
        tensor.fill_(0.5)
    else:
        fan = max(tensor[..., 0].numel(), 1)
        tensor.uniform_(0.5 / fan, 1.0 / fan)


def unread(model: Any, height: int, width: int) -> bool:
    """Whether some cell of an image of this size has no part in what the model makes."""
    image = torch.ones(1, height, width, 3, dtype=torch.float64, requires_grad=True)
    model(image, training=False).sum().backward()
    return bool((image.grad[..., 0] == 0).any())
