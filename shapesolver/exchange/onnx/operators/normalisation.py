"""Normalisation and dropout."""

from __future__ import annotations

from typing import Any

from shapesolver.exchange.onnx.layout import BATCH
from shapesolver.exchange.onnx.proto import Operation
from shapesolver.exchange.onnx.translating import Live, Reading, Unknown, attribute, operator


@operator("BatchNormalization")
def batch_norm(reading: Reading, operation: Operation) -> Live:
    """Each channel normalised by its mean and variance."""
    image = reading.image(operation)
    weights = [reading.weight(operation, index, rank=1) for index in (1, 2, 3, 4)]
    fixed = [None if weight.learned else False for weight in weights[:2]]
    wire = reading.weighted(operation, "batch_norm", [image.wire], weights, scale=fixed[0], center=fixed[1])
    return Live(wire, image.axes)


@operator("InstanceNormalization")
def instance_norm(reading: Reading, operation: Operation) -> Live:
    """Each channel of each example; one whose scale is no initializer learns nothing."""
    image = reading.image(operation)
    scale, shift = reading.weight(operation, 1, rank=1), reading.weight(operation, 2, rank=1)
    affine = True if scale.learned else None
    weights = [scale, shift] if affine else []
    return Live(reading.weighted(operation, "instance_norm", [image.wire], weights, affine=affine), image.axes)


@operator("GroupNormalization")
def group_norm(reading: Reading, operation: Operation) -> Live:
    """The channels in groups."""
    image = reading.image(operation)
    weights = [reading.weight(operation, 1, rank=1), reading.weight(operation, 2, rank=1)]
    groups = attribute(operation, "num_groups")
    affine = None if weights[0].learned else False
    wire = reading.weighted(operation, "group_norm", [image.wire], weights, groups=groups, affine=affine)
    return Live(wire, image.axes)


@operator("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def layer_norm(reading: Reading, operation: Operation) -> Live:
    """The axes from ``axis`` on normalised together."""
    value = reading.live(operation, 0)
    rank = len(value.axes)
    axis = attribute(operation, "axis", -1) % rank
    if any(BATCH in pieces for pieces in value.axes[axis:]):
        raise Unknown("it normalises along the batch")
    weights = [reading.array(operation, 1), reading.array(operation, 2)]
    parameters: dict[str, Any] = {"axes": rank - axis if rank - axis > 1 else None}
    if not _learned(weights[0]):
        parameters["affine"] = False
    elif weights[1] is None:
        parameters["bias"] = False
    return Live(reading.weighted(operation, "layer_norm", [value.wire], weights, **parameters), value.axes)


def _learned(array: Any) -> bool:
    return array is not None and bool(array.learned)


@operator("pattern.layer_norm")
def spelt_out_layer_norm(reading: Reading, operation: Operation) -> Live:
    """Layer normalisation as exporters spelt it out before opset 17."""
    value = reading.live(operation, 0)
    weights = [reading.array(operation, 1), reading.array(operation, 2)]
    parameters: dict[str, Any] = {}
    if weights[0] is None:
        parameters["affine"] = False
    elif weights[1] is None:
        parameters["bias"] = False
    return Live(reading.weighted(operation, "layer_norm", [value.wire], weights, **parameters), value.axes)


@operator("pattern.group_norm")
def spelt_out_group_norm(reading: Reading, operation: Operation) -> Live:
    """Group normalisation as PyTorch spells it out: reshape, normalise by instance, reshape, scale and shift."""
    image = reading.image(operation)
    weights = [reading.array(operation, 1), reading.array(operation, 2)]
    affine = None if weights[0] is not None else False
    groups = attribute(operation, "groups")
    wire = reading.weighted(operation, "group_norm", [image.wire], weights, groups=groups, affine=affine)
    return Live(wire, image.axes)


@operator("Dropout")
def dropout(reading: Reading, operation: Operation) -> tuple[Live, Live]:
    """Dropout; the share is an attribute, an input since opset 12. A second result is its mask."""
    value = reading.loose(operation, 0)
    rate = attribute(operation, "ratio")
    if rate is None:
        numbers = reading.numbers(operation, 1)
        rate = numbers[0] if numbers else 0.5
    rate = round(float(rate), 6)
    wire = reading.plan.add("dropout", [value.wire], reading.name(operation), rate=None if rate == 0.5 else rate)
    result = Live(wire, value.axes)
    return result, result
