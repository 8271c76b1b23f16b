"""A network as another framework would have it: the same layers, in that framework's layout and by its rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shapesolver.layers.axes import axis_index, has_axis
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.dialects import Dialect
from shapesolver.layers.parameters import Kind
from shapesolver.layers.source import TIME_NAMES, Source, symbol_name
from shapesolver.model.graph import Graph, Reference
from shapesolver.network import Network

NEW_AXIS = {"unsqueeze", "stack"}
"""Layers whose axis is a place between others, and no axis that is there."""


def in_dialect(net: Network, name: str) -> Network:
    """The network in the dialect ``keras``, ``torch`` or ``onnx``, in its usual layout.

    Sizes of images are turned to the layout, numbered axes are named, and what a layer leaves to its framework
    (whether a global pool keeps axes of size 1) is kept. The rules are the other framework's. What the file
    claims and assumes stays, of the same axes.
    """
    dialect = Dialect.named(name)
    graph, derivation = net.graph, net.derivation
    nodes = []
    for index, node in enumerate(graph.nodes):
        inputs = derivation.inputs(index) or ()
        turned = dialect.channels_last != graph.dialect.channels_last and _is_image(graph, index)
        nodes.append(node._replace(layer=_in_dialect(node.layer, dialect, inputs, turned)))
    references = {text: _same_axis(net, reference) for text, reference in graph.references.items()}
    moved = replace(graph, dialect=dialect, nodes=tuple(nodes), references=references)
    return Network(net.text, net.filename, moved, net.values)


def _same_axis(net: Network, reference: Reference) -> Reference:
    """A size that the file mentions by its axis' number, by its name."""
    tensor = net.derivation.tensor(*reference.wire)
    if tensor is None or not isinstance(reference.axis, int) or not -tensor.rank <= reference.axis < tensor.rank:
        return reference
    name = tensor.axes[reference.axis]
    return reference._replace(axis=name) if tensor.axes.count(name) == 1 else reference


def _in_dialect(layer: Layer, dialect: Dialect, inputs: tuple[Tensor, ...], turned: bool) -> Layer:
    stated = layer.spelled_out(*inputs) if inputs else layer
    values = {}
    for name, parameter in stated.parameters.items():
        value = getattr(stated, name)
        if parameter.kind in (Kind.AXIS, Kind.AXES) and inputs and layer.op not in NEW_AXIS:
            value = _named(value, inputs[0])
        elif parameter.kind is Kind.SIZES and turned and isinstance(value, tuple) and len(value) > 1:
            value = _turned(value, dialect)
        values[name] = value
    return type(stated)(dialect=dialect, **values)


def _named(axis: Any, tensor: Tensor) -> Any:
    """An axis by its name, where it was a number."""
    if isinstance(axis, tuple):
        return tuple(_named(each, tensor) for each in axis)
    if isinstance(axis, int) and has_axis(tensor, axis):
        return tensor.axes[axis_index(tensor, axis)]
    return axis


def _turned(sizes: tuple[Any, ...], dialect: Dialect) -> tuple[Any, ...]:
    """The channels moved to the other end."""
    return (*sizes[1:], sizes[0]) if dialect.channels_last else (sizes[-1], *sizes[:-1])


def _is_image(graph: Graph, index: int) -> bool:
    """Whether a layer's stated sizes are channels and places: more than two, or two that a window slides over."""
    layer = graph.nodes[index].layer
    if not isinstance(layer, Source):
        sizes = getattr(layer, "sizes", ())
        return layer.op in ("reshape", "expand", "tile") and len(sizes) > 2
    if symbol_name(layer.sizes[0]) in TIME_NAMES:
        return False
    if len(layer.sizes) > 2:
        return True
    consumers = [node.layer for node in graph.nodes if any(wire.node == index for wire in node.inputs)]
    return len(layer.sizes) == 2 and any(isinstance(consumer, AxisWise) for consumer in consumers)
