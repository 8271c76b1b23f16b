"""Keras' layers over sequences as ours: embeddings, recurrent layers, attention."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.keras.activations import activate
from shapesolver.exchange.keras.config import Call
from shapesolver.exchange.keras.pen import Config, Draw, Inexpressible, Pen, only
from shapesolver.model.graph import Wire


def embedding(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """An embedding."""
    return pen.layer("embedding", [only(inputs)], vocabulary=config.get("input_dim"), dim=config.get("output_dim"))


def einsum_dense(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """A dense layer over named axes, its activation behind it."""
    sizes = config.get("output_shape")
    sizes = sizes if isinstance(sizes, (list, tuple)) else [sizes]
    wire = pen.layer(
        "einsum_dense",
        [only(inputs)],
        equation=config.get("equation"),
        sizes=[-1 if n is None else n for n in sizes],
        bias=config.get("bias_axes"),
    )
    return activate(pen, wire, config.get("activation"))


def recurrent(op: str) -> Draw:
    """A recurrent layer of one of our kinds."""

    def draw(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire | list[Wire]:
        if pen.results > (2 if config.get("return_state") else 1):
            raise Inexpressible("a state that is none of its results is used")
        wire = pen.layer(op, [only(inputs)], **recurrent_parameters(config, op))
        if pen.results == 1:
            return wire
        # The state that it hands out first is its last result.
        last = pen.helper("slice", [wire], axis=1, start=-1) if config.get("return_sequences") else wire
        return [wire, pen.helper("squeeze", [last], axis=1) if config.get("return_sequences") else last]

    return draw


def recurrent_parameters(config: Config, op: str) -> dict[str, Any]:
    """The parameters of a recurrent layer."""
    found = {
        "units": config.get("units", config.get("output_dim")),
        "sequences": config.get("return_sequences") or None,
        "bias": False if config.get("use_bias") is False else None,
    }
    if op == "gru" and not config.get("reset_after"):
        found["reset_after"] = False
    return found


def attention(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """Multi-head attention."""
    roles = attention_roles(call, inputs)
    if config.get("output_shape") is not None or config.get("attention_axes") not in (None, [1], 1):
        raise Inexpressible("its output_shape or attention_axes are stated")
    if config.get("use_gate") or call.kwargs.get("return_attention_scores"):
        raise Inexpressible("it has a gate, or hands out its scores")
    value_dim = config.get("value_dim")
    return pen.layer(
        "attention",
        roles,
        heads=config.get("num_heads"),
        key_dim=config.get("key_dim"),
        value_dim=None if value_dim == config.get("key_dim") else value_dim,
        bias=False if config.get("use_bias") is False else None,
    )


def attention_roles(call: Call, inputs: list[Wire]) -> list[Wire]:
    """Query, key and value in our order from Keras' (query, value, key), as few as say the same."""
    given = dict(zip(("query", "value", "key"), inputs, strict=False))
    order = [*("query", "value", "key")[: len(call.args)], *(k for k in call.kwargs if k in ("query", "value", "key"))]
    if len(order) == len(inputs):
        given = dict(zip(order, inputs, strict=True))
    if "query" not in given or len(inputs) > 3:
        raise Inexpressible("it is called with masks or other tensors")
    query = given["query"]
    value = given.get("value", query)
    key = given.get("key", value)
    if key == value:
        return [query] if query == value else [query, value]
    return [query, key, value]


def dot_attention(pen: Pen, config: Config, inputs: list[Wire], call: Call) -> Wire:
    """Keras' Attention without weights: softmax of the products of queries and keys, times values."""
    if config.get("use_scale") or config.get("score_mode", "dot") != "dot" or not 2 <= len(inputs) <= 3:
        raise Inexpressible("it learns a scale, or does not score by products")
    if call.kwargs.get("return_attention_scores"):
        raise Inexpressible("it hands out its scores")
    query, value, key = inputs[0], inputs[1], inputs[-1]
    scores = pen.helper("matmul", [query, pen.helper("permute", [key], order=(2, 1))])
    return pen.layer("matmul", [pen.helper("softmax", [scores]), value])
