"""Steps as expressions, their numbers as slots that a function's parameter may fill."""

from __future__ import annotations

import re
from typing import Any

from shapesolver.exchange.code import Call, Expression, Slice, Slot
from shapesolver.exchange.keras.steps import Step

HINTS = {
    "Conv": ("filters", "kernel_size"),
    "SeparableConv": ("filters", "kernel_size"),
    "DepthwiseConv": ("kernel_size",),
    "MaxPooling": ("pool_size",),
    "AveragePooling": ("pool_size",),
    "UpSampling": ("size",),
    "ZeroPadding": ("padding",),
    "Cropping": ("cropping",),
    "Dense": ("units",),
    "Dropout": ("rate",),
    "Embedding": ("input_dim", "output_dim"),
    "GroupNormalization": ("groups",),
    "LSTM": ("units",),
    "GRU": ("units",),
    "SimpleRNN": ("units",),
    "MultiHeadAttention": ("num_heads", "key_dim"),
    "Reshape": ("shape",),
}
"""What Keras calls the arguments that are given by their place."""
ROLES = {"filters": "out_channels", "units": "out_features", "kernel_size": "kernel_size"}
"""Which numbers count channels or features, so that one may be a multiple of another."""
DEFAULTS: dict[str, Any] = {"strides": 1, "dilation_rate": 1, "padding": "valid", "use_bias": True, "activation": None}
"""What a convolution does that is not told otherwise: layers are alike where only this differs."""
ORDER = (
    "strides", "dilation_rate", "padding", "data_format", "groups", "depth_multiplier", "use_bias", "activation",
)  # fmt: skip
"""The order of what is given by name."""

_CONVOLUTION = re.compile(r"layers\.(?:Depthwise|Separable)?Conv\dD(?:Transpose)?")


def constructor(step: Step) -> Call:
    """What makes a step's layer, or what a function is given besides its tensors."""
    stem = re.sub(r"\dD.*", "", step.target.partition(".")[2])
    hints = HINTS.get(stem, ())
    args = tuple(
        constructor(arg) if isinstance(arg, Step) else _slot(arg, hints[k] if k < len(hints) else "", False)
        for k, arg in enumerate(step.args)
    )
    defaults = DEFAULTS if _CONVOLUTION.fullmatch(step.target) else {}
    kwargs = {**defaults, **step.kwargs}
    named = sorted(kwargs, key=lambda key: ORDER.index(key) if key in ORDER else len(ORDER))
    slots = tuple(_slot(kwargs[key], key, True, defaults.get(key)) for key in named)
    return Call(step.target, (*args, *slots))


def _slot(value: Any, hint: str, keyword: bool, default: Any = None) -> Expression:
    """A value that may become a parameter, where it has a name."""
    value = _plain(value)
    return Slot(value, hint, default, keyword, ROLES.get(hint, "")) if hint else value


def _plain(value: Any) -> Expression:
    if isinstance(value, slice):
        return Slice(value.start, value.stop, value.step)
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value))
    return value
