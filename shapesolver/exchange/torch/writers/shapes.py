"""Layers that only move cells: reshaping, permuting, slicing, splitting."""

from __future__ import annotations

from itertools import count
from typing import Any

from shapesolver.exchange.code import Batch, Call, Item, Slice, Slot, Written, call, function, method
from shapesolver.exchange.torch.writers import Placed, size, writes
from shapesolver.layers.axes import axis_index


@writes("flatten", layout="either")
def flatten(placed: Placed) -> Written:
    """``x.flatten(1)``, or ``nn.Flatten()`` in a chain of modules."""
    layer: Any = placed.layer
    x, start, end = placed.inputs[0], layer.start, layer.end
    if placed.tensors[0].rank == 0:
        return function(method(x, "reshape", -1, 1), None)
    whole = axis_index(placed.tensors[0], start) == 0 and axis_index(placed.tensors[0], end) == placed.rank
    if placed.first and not whole:
        x = method(x, "permute", 0, *range(2, placed.rank + 2), 1)
    note = "the file's order is channels last: the same features, in another order" if placed.first and whole else ""
    ends = () if end == -1 else (end,)
    stage = Call("nn.Flatten", (Slot(start, "start_dim", 1), Slot(end, "end_dim", -1)))
    return function(method(x, "flatten", start, *ends), stage if x is placed.inputs[0] else None, note)


@writes("reshape")
def reshape(placed: Placed) -> Written:
    """``x.reshape(x.shape[0], 7, 7, 512)``."""
    sizes: Any = placed.open.sizes  # type: ignore[attr-defined]
    return function(method(placed.inputs[0], "reshape", Batch(), *map(size, sizes)), None)


@writes("unflatten")
def unflatten(placed: Placed) -> Written:
    """``x.unflatten(1, (8, 64))``, or ``nn.Unflatten`` in a chain of modules."""
    layer: Any = placed.open
    dim, sizes = placed.dim(layer.axis), tuple(map(size, layer.sizes))
    stage = call("nn.Unflatten", dim, sizes) if all(isinstance(n, int) for n in sizes) else None
    return function(method(placed.inputs[0], "unflatten", dim, sizes), stage)


@writes("permute")
def permute(placed: Placed) -> Written:
    """``x.permute(0, 2, 3, 1)``; ``x.transpose(1, 2)`` where two axes change places."""
    layer: Any = placed.layer
    order = layer.order[1:] if layer.order[:1] == (0,) else layer.order
    dims = [placed.dim(axis) for axis in order]
    moved = [dim for place, dim in zip(count(1), dims, strict=False) if place != dim]
    if len(moved) == 2:
        return function(method(placed.inputs[0], "transpose", *sorted(moved)), None)
    return function(method(placed.inputs[0], "permute", 0, *dims), None)


@writes("squeeze")
def squeeze(placed: Placed) -> Written:
    """``x.squeeze(2)``, the batch axis never."""
    axis: Any = placed.layer.axis  # type: ignore[attr-defined]
    if axis is not None:
        return function(method(placed.inputs[0], "squeeze", placed.dim(axis)), None)
    ones = tuple(index + 1 for index, n in enumerate(placed.tensors[0].sizes) if n == 1)
    return function(method(placed.inputs[0], "squeeze", ones), None)


@writes("unsqueeze")
def unsqueeze(placed: Placed) -> Written:
    """``x.unsqueeze(1)``."""
    axis: Any = placed.layer.axis  # type: ignore[attr-defined]
    return function(method(placed.inputs[0], "unsqueeze", placed.dim(axis, 1)), None)


@writes("slice", layout="either")
def slice_(placed: Placed) -> Written:
    """``x[:, 0:1]``."""
    layer: Any = placed.open
    part = Slice(
        None if layer.start == 0 else size(layer.start),
        None if layer.stop is None else size(layer.stop),
        None if layer.step == 1 else size(layer.step),
    )
    return function(Item(placed.inputs[0], (*(Slice() for _ in range(placed.dim(layer.axis))), part)), None)


@writes("split", layout="either")
def split(placed: Placed) -> Written:
    """``x.split([64, 64], dim=1)``."""
    layer: Any = placed.open
    sizes = list(map(size, layer.sizes))
    pieces = sizes if len(sizes) > 1 else sizes[0]
    return function(method(placed.inputs[0], "split", pieces, dim=placed.dim(layer.axis)), None)


@writes("chunk", layout="either")
def chunk(placed: Placed) -> Written:
    """``x.chunk(2, dim=1)``."""
    layer: Any = placed.layer
    parts = placed.number(layer.parts, "parts")
    return function(method(placed.inputs[0], "chunk", parts, dim=placed.dim(layer.axis)), None)


REDUCTIONS = {"mean": "mean", "sum": "sum", "max": "amax", "min": "amin", "logsumexp": "logsumexp"}
REDUCTIONS |= {"var": "var", "std": "std", "prod": "prod", "any": "any", "all": "all"}
REDUCTIONS |= {"argmax": "argmax", "argmin": "argmin"}
ONE_AXIS = ("prod", "argmax", "argmin")
"""Reductions that PyTorch does along one axis at a time."""


@writes("reduce")
def reduce_(placed: Placed) -> Written:
    """``x.sum((1, 2))``."""
    layer: Any = placed.layer
    dims = tuple(index + 1 for index in sorted(layer.indices(placed.tensors[0])))
    more: dict[str, Any] = {"keepdim": True} if layer.keepdims else {}
    if layer.how in ("l1", "l2"):
        norm = call("torch.linalg.vector_norm", placed.inputs[0], int(layer.how[1]), dim=dims, **more)
        return function(norm, None)
    if layer.how in ONE_AXIS and len(dims) > 1:
        placed.refuse(f"there is no {layer.how} along several axes; flatten them first")
    if layer.how in ("var", "std"):
        more["correction"] = 0
    dim = dims[0] if len(dims) == 1 else dims
    return function(method(placed.inputs[0], REDUCTIONS[layer.how], dim, **more), None)


@writes("expand")
def expand(placed: Placed) -> Written:
    """``x.expand(-1, 64, 7, 7)``."""
    sizes: Any = placed.open.sizes  # type: ignore[attr-defined]
    x = placed.inputs[0]
    for _ in range(len(sizes) - placed.tensors[0].rank):
        x = method(x, "unsqueeze", 1)
    return function(method(x, "expand", -1, *map(size, sizes)), None)


@writes("tile")
def tile(placed: Placed) -> Written:
    """``x.repeat(1, 2, 2)``."""
    times: Any = placed.open.times  # type: ignore[attr-defined]
    return function(method(placed.inputs[0], "repeat", 1, *map(size, times)), None)
