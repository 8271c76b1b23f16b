"""Keras' layers around layers: ``Bidirectional`` and ``TimeDistributed``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shapesolver.exchange.keras.activations import activate
from shapesolver.exchange.keras.config import Call
from shapesolver.exchange.keras.layers import draw_known, layout_of, read_parameters
from shapesolver.exchange.keras.pen import Config, Inexpressible, Pen
from shapesolver.exchange.keras.sequences import recurrent_parameters
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.parameters import Kind
from shapesolver.layers.registry import spellings
from shapesolver.model.graph import Wire

RECURRENT = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}

_ANY_RANK = """
Dense Activation ReLU LeakyReLU ELU Softmax Dropout LayerNormalization Embedding BatchNormalization Rescaling
GaussianNoise Identity ActivityRegularization Masking
"""
ANY_RANK = frozenset(_ANY_RANK.split())
"""Layers that do to every step what they do to the whole."""


def inner_layer(config: Config) -> tuple[str, Config]:
    """The class and configuration of the layer that a wrapper holds."""
    layer = config.get("layer")
    layer = layer if isinstance(layer, dict) else {}
    inner = layer.get("config")
    if not isinstance(inner, dict) or not isinstance(layer.get("class_name"), str):
        raise Inexpressible("the layer that it wraps is not listed")
    return layer["class_name"].rpartition(">")[2], inner


def draw_bidirectional(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> list[Wire]:
    """A recurrent layer both ways; the two results joined as ``merge_mode`` says."""
    class_name, inner = inner_layer(config)
    op = RECURRENT.get(class_name)
    backward = config.get("backward_layer")
    if op is None or len(inputs) != 1:
        raise Inexpressible(f"it wraps a {class_name}")
    if isinstance(backward, dict):
        other = backward.get("config")
        if not isinstance(other, dict) or other.get("units") != inner.get("units"):
            raise Inexpressible("its two layers differ")
    if pen.results > 1 and inner.get("return_state"):
        raise Inexpressible("the states of both ways are used")
    both = pen.layer(op, inputs, bidirectional=True, **recurrent_parameters(inner, op))
    mode = config.get("merge_mode")
    if mode == "concat":
        return [both]
    halves = pen.helper("chunk", [both], parts=2, axis=-1)
    ways = [halves, Wire(halves.node, 1)]
    if mode is None:
        return ways
    joined = {"sum": "add", "mul": "mul", "ave": "average"}.get(mode)
    if joined is None:
        raise Inexpressible(f"its merge_mode is {mode!r}")
    return [pen.helper(joined, ways)]


def draw_distributed(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> list[Wire]:
    """A layer for every step of the first axis: windows get a leading axis of one cell."""
    class_name, inner = inner_layer(config)
    if len(inputs) != 1:
        raise Inexpressible("it is called with several tensors")
    (wire,) = inputs
    tensor = pen.tensor(wire)
    if class_name in ANY_RANK or (class_name == "Flatten" and tensor.rank == 2):
        drawn = draw_known(pen, class_name, inner, inputs, call)
        assert drawn is not None
        return drawn
    if class_name == "Flatten":
        return [pen.layer("flatten", inputs, start=2)]
    if class_name == "Reshape" and isinstance(inner.get("target_shape"), (list, tuple)):
        return [pen.layer("reshape", inputs, sizes=(tensor.sizes[0], *inner["target_shape"]))]
    if class_name.startswith("Global") and class_name in spellings():
        first = 2 if pen.channels_last else 3
        axes = tuple(range(first, first + tensor.rank - 2))
        how = "mean" if "Average" in class_name else "max"
        return [pen.layer("reduce", inputs, how=how, axes=axes, keepdims=bool(inner.get("keepdims")))]
    return [_windowed(pen, class_name, inner, wire)]


def _windowed(pen: Pen, class_name: str, inner: Config, wire: Wire) -> Wire:
    spelling = spellings().get(class_name)
    if spelling is None or not issubclass(spelling.kind, AxisWise) or pen.tensor(wire).rank > 4:
        raise Inexpressible(f"it wraps a {class_name}")
    kind = spelling.kind
    if not pen.channels_last or layout_of(inner) == "channels_first" or kind.op in ("depthwise_conv", "separable_conv"):
        raise Inexpressible(f"it wraps a {class_name} that has no counterpart with a leading axis")
    rank = pen.tensor(wire).rank - 2
    parameters = read_parameters(pen, class_name, inner)
    for name in kind.per_axis:
        if name in parameters and parameters[name] is not None:
            parameters[name] = _led(kind.parameters[name].kind, name, parameters[name], rank)
    if "channels" in parameters:
        pen.sketch.warn(
            f"{pen.sketch.source}: TimeDistributed `{pen.name}`: written with a kernel of one step, "
            "so that its array has one more axis, of size 1"
        )
    return activate(pen, pen.layer(kind.op, [wire], **parameters), inner.get("activation"))


def _led(kind: Kind, name: str, value: Any, rank: int) -> Any:
    """A per-axis parameter with an entry for the steps before the others."""
    if isinstance(value, str):
        return value
    first: Any = (0, 0) if kind in (Kind.PADDING, Kind.AMOUNTS) else 1
    each = value if isinstance(value, tuple) else (value,) * rank
    if kind in (Kind.PADDING, Kind.AMOUNTS):
        each = tuple(v if isinstance(v, tuple) else (v, v) for v in each)
    return (first, *each)


WRAPPERS: dict[str, Callable[[Pen, Config, list[Wire], Call], list[Wire]]] = {
    "Bidirectional": draw_bidirectional,
    "TimeDistributed": draw_distributed,
}
