"""Which cells reach the outputs, by pushing every one-hot input through a plain numpy network.

All weights are 1, functions of one cell are the identity, and what takes a maximum, normalises or attends adds up
instead: a result is above 0 exactly where it depends on the cell that is 1. It shares no code with what it
checks: sizes are those of the arrays, windows are slices.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy

from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.registry import kinds
from shapesolver.network import Network

Array = numpy.ndarray


def reaching(net: Network) -> dict[str, Array]:
    """For each input, which of its cells some output depends on: every cell is tried."""
    shapes = {layer.path: layer.tensor.sizes for layer in net.inputs}
    cells = [(path, cell) for path, shape in shapes.items() for cell in numpy.ndindex(*shape)]
    reached = iter(tried(net, cells))
    return {
        path: numpy.fromiter(reached, dtype=bool, count=int(numpy.prod(shape))).reshape(shape)
        for path, shape in shapes.items()
    }


def tried(net: Network, cells: list[tuple[str, tuple[int, ...]]]) -> Array:
    """For each of these cells of inputs, whether some output depends on it."""
    values: dict[tuple[int, int], Array] = {}
    for index, node in enumerate(net.graph.nodes):
        layer = net.derivation.layers[index]
        if not node.inputs:
            hot = numpy.zeros((len(cells), *net.derivation.tensor(index).sizes), dtype=numpy.float32)
            for number, (path, cell) in enumerate(cells):
                if path == node.path:
                    hot[number, *cell] = 1
            values[index, 0] = hot
        else:
            # Only whether a number is 0 matters: kept at 1, it cannot overflow.
            made = run(layer, [(values[wire] != 0).astype(numpy.float32) for wire in node.inputs])
            values.update({(index, number): value for number, value in enumerate(made)})
    reached = numpy.zeros(len(cells), dtype=bool)
    for wire in net.graph.outputs:
        reached |= values[wire].reshape(len(cells), -1).any(axis=1)
    return reached


def run(layer: Layer, inputs: list[Array]) -> list[Array]:
    """The layer's results; arrays have the batch first and then the file's layout."""
    made = OPERATIONS[layer.op](layer, *inputs)
    return made if isinstance(made, list) else [made]


Operation = Callable[..., Any]
OPERATIONS: dict[str, Operation] = {}


def operation(*ops: str) -> Callable[[Operation], Operation]:
    def register(function: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(ops, function))
        return function

    return register


def spatial(function: Operation) -> Operation:
    """With the channels second, as PyTorch has them, and back."""

    def run_spatial(layer: Layer, x: Array, *others: Array) -> Array:
        if not layer.dialect.channels_last:
            return function(layer, x, *others)
        made = function(layer, numpy.moveaxis(x, -1, 1), *(numpy.moveaxis(o, -1, 1) for o in others))
        return numpy.moveaxis(made, 1, -1)

    return run_spatial


def each(layer: Layer, name: str, axis: int) -> Any:
    value = getattr(layer, name)
    if name == "stride" and value is None:
        value = layer.kernel
    return value[axis] if isinstance(value, tuple) else value


def ends(layer: Layer, n: int, axis: int) -> tuple[int, int, int]:
    """Padding before and after, and how many windows there are; from the frameworks' documentation."""
    kernel, stride = each(layer, "kernel", axis), each(layer, "stride", axis)
    reach = each(layer, "dilation", axis) * (kernel - 1) + 1
    if layer.padding == "causal":
        return reach - 1, 0, -(-n // stride)
    if layer.padding in ("same", "same_lower"):
        windows = -(-n // stride)
        total = max((windows - 1) * stride + reach - n, 0)
        small, large = total // 2, total - total // 2
        return (small, large, windows) if layer.padding == "same" else (large, small, windows)
    amount = each(layer, "padding", axis)
    before, after = amount if isinstance(amount, tuple) else (amount, amount)
    windows = (n + before + after - reach) // stride + 1
    if getattr(layer, "ceil_mode", False):
        windows = -((reach - n - before - after) // stride) + 1
        if not (layer.dialect.onnx and layer.dialect.opset < 22) and (windows - 1) * stride >= n + before:
            windows -= 1
    if layer.dialect.onnx and "pool" in layer.op:
        windows = max(windows, 1)
    return before, after, windows


def taps(layer: Layer, x: Array, axis: int) -> list[Array]:
    """For each tap of the window, the cells that lie under it, window by window."""
    n = x.shape[axis + 2]
    kernel, stride, dilation = (each(layer, name, axis) for name in ("kernel", "stride", "dilation"))
    before, _, windows = ends(layer, n, axis)
    room = stride * (windows - 1) + dilation * (kernel - 1) + 1
    width = [(0, 0)] * x.ndim
    width[axis + 2] = before, max(room - before - n, 0)
    padded = numpy.pad(x, width)
    found = []
    for tap in range(kernel):
        index = [slice(None)] * x.ndim
        index[axis + 2] = slice(tap * dilation, tap * dilation + stride * (windows - 1) + 1, stride)
        found.append(padded[tuple(index)])
    return found


def windows_added(layer: Layer, x: Array) -> Array:
    for axis in range(x.ndim - 2):
        x = sum(taps(layer, x, axis))
    return x


def channels_added(x: Array, groups: int, channels: int) -> Array:
    grouped = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]).sum(axis=2)
    return numpy.repeat(grouped, channels // groups, axis=1)


@operation("conv")
@spatial
def conv(layer: Any, x: Array) -> Array:
    return channels_added(windows_added(layer, x), layer.groups, layer.channels)


@operation("depthwise_conv")
@spatial
def depthwise(layer: Any, x: Array) -> Array:
    return numpy.repeat(windows_added(layer, x), layer.multiplier, axis=1)


@operation("separable_conv")
@spatial
def separable(layer: Any, x: Array) -> Array:
    return channels_added(windows_added(layer, x), 1, layer.channels)


@operation("max_pool", "avg_pool", "lp_pool")
@spatial
def pool(layer: Any, x: Array) -> Array:
    return windows_added(layer, x)


@operation("conv_transpose")
@spatial
def conv_transpose(layer: Any, x: Array) -> Array:
    for axis in range(x.ndim - 2):
        x = transposed(layer, numpy.moveaxis(x, axis + 2, -1), axis)
        x = numpy.moveaxis(x, -1, axis + 2)
    return channels_added(x, layer.groups, layer.channels)


def transposed(layer: Any, x: Array, axis: int) -> Array:
    n = x.shape[-1]
    kernel, stride, dilation = (each(layer, name, axis) for name in ("kernel", "stride", "dilation"))
    reach, added = dilation * (kernel - 1) + 1, layer.output_padding and each(layer, "output_padding", axis)
    written = numpy.zeros((*x.shape[:-1], stride * (n - 1) + reach + stride))
    for cell, tap in product(range(n), range(kernel)):
        written[..., stride * cell + dilation * tap] += x[..., cell]
    stated = layer.output_size and each(layer, "output_size", axis)
    if layer.padding in ("same", "same_lower"):
        size = {True: stride * n, False: stride * (n - 1) + min(reach, stride)}[layer.dialect.keras]
        if layer.dialect.keras and layer.output_padding is not None:
            size = stride * (n - 1) + reach % 2 + added
        size = stated or size
        over = max(stride * (n - 1) + reach - size, 0)
        start = over // 2
    else:
        amount = each(layer, "padding", axis)
        start, after = amount if isinstance(amount, tuple) else (amount, amount)
        size = stride * (n - 1) + reach - start - after + (added or 0)
        if layer.dialect.keras and layer.output_padding is None:
            size = stride * (n - 1) + max(reach, stride) - start - after
        size = stated or size
    return written[..., start : start + size]


@operation("adaptive_avg_pool", "adaptive_max_pool")
@spatial
def adaptive(layer: Any, x: Array) -> Array:
    for axis in range(x.ndim - 2):
        target, n = each(layer, "target", axis), x.shape[axis + 2]
        if target is not None:
            pieces = [
                x.take(range(i * n // target, -(-(i + 1) * n // target)), axis + 2).sum(axis + 2) for i in range(target)
            ]
            x = numpy.stack(pieces, axis + 2)
    return x


@operation("global_avg_pool", "global_max_pool")
def global_pool(layer: Any, x: Array) -> Array:
    axes = tuple(range(1, x.ndim - 1)) if layer.dialect.channels_last else tuple(range(2, x.ndim))
    keep = not layer.dialect.keras if layer.keepdims is None else layer.keepdims
    return x.sum(axis=axes, keepdims=keep)


@operation("upsample")
@spatial
def upsample(layer: Any, x: Array) -> Array:
    for axis in range(x.ndim - 2):
        factor = each(layer, "scale", axis)
        size = int(x.shape[axis + 2] * factor)
        x = resampled(layer, x, axis + 2, size, 1 / factor)
    return x


@operation("resize")
@spatial
def resize(layer: Any, x: Array) -> Array:
    for axis in range(x.ndim - 2):
        size = layer.target[axis if len(layer.target) > 1 else 0]
        x = resampled(layer, x, axis + 2, size, x.shape[axis + 2] / size)
    return x


def resampled(layer: Any, x: Array, axis: int, size: int, step: float) -> Array:
    n = x.shape[axis]
    table = numpy.zeros((size, n))
    for row in range(size):
        centre = (row + 0.5) * step - 0.5
        if layer.mode == "area":
            table[row, int(row * step) : int(numpy.ceil((row + 1) * step))] = 1
        elif "nearest" in layer.mode:
            plain = layer.dialect.torch and layer.mode == "nearest"
            near = numpy.ceil(centre - 0.5) if layer.dialect.onnx else row * step if plain else centre + 0.5
            table[row, min(max(int(near), 0), n - 1)] = 1
        else:
            reach = {"lanczos3": 3, "lanczos5": 5}.get(layer.mode, 2 if "cubic" in layer.mode else 1)
            for cell in range(int(centre) - 6, int(centre) + 7):
                far = abs(cell - centre)
                zero = far >= reach - 1e-9 or (far > 0.5 and abs(far - round(far)) < 1e-9)
                table[row, min(max(cell, 0), n - 1)] += not zero
    return numpy.moveaxis(numpy.moveaxis(x, axis, -1) @ table.T, -1, axis)


@operation("pixel_shuffle")
@spatial
def pixel_shuffle(layer: Any, x: Array) -> Array:
    r, (batch, channels, height, width) = layer.factor, x.shape
    if layer.dialect.torch:
        blocks = x.reshape(batch, channels // r**2, r, r, height, width).transpose(0, 1, 4, 2, 5, 3)
    else:
        blocks = x.reshape(batch, r, r, channels // r**2, height, width).transpose(0, 3, 4, 1, 5, 2)
    return blocks.reshape(batch, channels // r**2, height * r, width * r)


@operation("pixel_unshuffle")
@spatial
def pixel_unshuffle(layer: Any, x: Array) -> Array:
    r, (batch, channels, height, width) = layer.factor, x.shape
    blocks = x.reshape(batch, channels, height // r, r, width // r, r)
    order = (0, 1, 3, 5, 2, 4) if layer.dialect.torch else (0, 3, 5, 1, 2, 4)
    return blocks.transpose(order).reshape(batch, channels * r**2, height // r, width // r)


@operation("unfold")
@spatial
def unfold(layer: Any, x: Array) -> Array:
    pieces = [x]
    for axis in range(x.ndim - 2):
        pieces = [tap for piece in pieces for tap in taps(layer, piece, axis)]
    columns = numpy.stack([piece.reshape(*piece.shape[:2], -1) for piece in pieces], axis=2)
    return columns.reshape(x.shape[0], -1, columns.shape[-1])


@operation("fold")
@spatial
def fold(layer: Any, x: Array) -> Array:
    rank = len(layer.output_size)
    kernel = [each(layer, "kernel", axis) for axis in range(rank)]
    bounds = [ends(layer, n, axis) for axis, n in enumerate(layer.output_size)]
    counts = [windows for _, _, windows in bounds]
    columns = x.reshape(x.shape[0], -1, *kernel, *counts)
    image = numpy.zeros((x.shape[0], columns.shape[1], *layer.output_size))
    for place in product(*map(range, (*kernel, *counts))):
        cell = tuple(
            each(layer, "stride", axis) * place[rank + axis]
            + each(layer, "dilation", axis) * place[axis]
            - bounds[axis][0]
            for axis in range(rank)
        )
        if all(0 <= c < n for c, n in zip(cell, layer.output_size, strict=True)):
            image[(slice(None), slice(None), *cell)] += columns[(slice(None), slice(None), *place)]
    return image


@operation("pad")
@spatial
def pad(layer: Any, x: Array) -> Array:
    mode = {"zeros": "constant", "replicate": "edge", "circular": "wrap"}.get(layer.mode, layer.mode)
    width = [(0, 0), (0, 0)]
    for axis in range(x.ndim - 2):
        amount = each(layer, "amount", axis)
        width.append(amount if isinstance(amount, tuple) else (amount, amount))
    return numpy.pad(x, width, mode=mode)


@operation("einsum_dense")
def einsum_dense(layer: Any, x: Array) -> Array:
    sizes, kernel, _ = layer._sizes(Tensor(x.shape[1:], layer.dialect.axes(x.ndim - 1)))
    return numpy.einsum(layer.equation, x, numpy.ones([sizes[letter] for letter in kernel]))


@operation("crop")
@spatial
def crop(layer: Any, x: Array, *others: Array) -> Array:
    for axis in range(x.ndim - 2):
        n = x.shape[axis + 2]
        if others:
            size = others[0].shape[axis + 2]
            middle = layer.offset in (None, "aligned")  # a crop that was not told where its grids meet
            start = (n - size) // 2 if middle else each(layer, "offset", axis)
        else:
            amount = each(layer, "amount", axis)
            start, after = amount if isinstance(amount, tuple) else (amount, amount)
            size = n - start - after
        x = x.take(range(start, start + size), axis + 2)
    return x


def place_of(layer: Any, axis: Any, rank: int) -> int:
    """An axis' number in an array with the batch first."""
    if isinstance(axis, str):
        return layer.dialect.axes(rank - 1).index(axis) + 1
    return axis % rank if axis >= 0 else rank + axis


@operation("slice")
def slice_(layer: Any, x: Array) -> Array:
    axis = place_of(layer, layer.axis, x.ndim)
    return x.take(range(x.shape[axis])[layer.start : layer.stop : layer.step], axis)


@operation("flatten")
def flatten(layer: Any, x: Array) -> Array:
    start, end = place_of(layer, layer.start, x.ndim), place_of(layer, layer.end, x.ndim)
    return x.reshape(*x.shape[:start], int(numpy.prod(x.shape[start : end + 1])), *x.shape[end + 1 :])


@operation("reshape")
def reshape(layer: Any, x: Array) -> Array:
    return x.reshape(x.shape[0], *layer.sizes)


@operation("unflatten")
def unflatten(layer: Any, x: Array) -> Array:
    axis = place_of(layer, layer.axis, x.ndim)
    return x.reshape(*x.shape[:axis], *layer.sizes, *x.shape[axis + 1 :])


@operation("permute")
def permute(layer: Any, x: Array) -> Array:
    order = [place_of(layer, axis, x.ndim) for axis in layer.order if axis != 0]
    return x.transpose(0, *order)


@operation("concat")
def concat(layer: Any, *inputs: Array) -> Array:
    return numpy.concatenate(inputs, place_of(layer, layer.axis, inputs[0].ndim))


@operation("stack")
def stack(layer: Any, *inputs: Array) -> Array:
    return numpy.stack(inputs, layer.axis)


@operation("unsqueeze")
def unsqueeze(layer: Any, x: Array) -> Array:
    return numpy.expand_dims(x, layer.axis)


@operation("squeeze")
def squeeze(layer: Any, x: Array) -> Array:
    if layer.axis is None:
        return x.squeeze(tuple(axis for axis in range(1, x.ndim) if x.shape[axis] == 1))
    return x.squeeze(place_of(layer, layer.axis, x.ndim))


@operation("add", "sub", "mul", "div", "power", "average", "max", "min")
def add(layer: Any, *inputs: Array) -> Array:
    total, rank = inputs[0], max(x.ndim for x in inputs)
    aligned = [x.reshape(x.shape[0], *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]
    total = aligned[0]
    for other in aligned[1:]:
        total = total + other
    return total


@operation("matmul")
def matmul(layer: Any, left: Array, right: Array) -> Array:
    return left @ numpy.ones_like(right) + numpy.ones_like(left) @ right


@operation("split", "chunk")
def split(layer: Any, x: Array) -> list[Array]:
    axis = place_of(layer, layer.axis, x.ndim)
    n = x.shape[axis]
    size = -(-n // layer.parts) if layer.op == "chunk" else layer.sizes[0]
    cuts = range(size, n, size) if layer.op == "chunk" or len(layer.sizes) == 1 else numpy.cumsum(layer.sizes)[:-1]
    return numpy.split(x, [*cuts], axis)


@operation("dense")
def dense(layer: Any, x: Array) -> Array:
    return numpy.repeat(x.sum(axis=-1, keepdims=True), layer.units, axis=-1)


@operation("embedding")
def embedding(layer: Any, x: Array) -> Array:
    return numpy.repeat(x[..., None], layer.dim, axis=-1)


@operation("softmax", "log_softmax")
def softmax(layer: Any, x: Array) -> Array:
    return x + x.sum(axis=place_of(layer, layer.axis, x.ndim), keepdims=True)


@operation("glu")
def glu(layer: Any, x: Array) -> Array:
    return sum(numpy.split(x, 2, place_of(layer, layer.axis, x.ndim)))


@operation("layer_norm")
def layer_norm(layer: Any, x: Array) -> Array:
    count = layer.axes if layer.shape is None else len(layer.shape)
    return x + x.sum(axis=tuple(range(x.ndim - count, x.ndim)), keepdims=True)


@operation("group_norm", "instance_norm")
@spatial
def group_norm(layer: Any, x: Array) -> Array:
    groups = layer.groups if layer.op == "group_norm" else x.shape[1]
    grouped = x.reshape(x.shape[0], groups, -1).sum(axis=2)
    return x + numpy.repeat(grouped, x.shape[1] // groups, axis=1).reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


@operation("attention")
def attention(layer: Any, query: Array, *others: Array) -> Array:
    keys = others or (query,)
    seen = sum(key.sum(axis=(-2, -1), keepdims=True) for key in keys)
    own = query.sum(axis=-1, keepdims=True) + seen
    return numpy.repeat(own, query.shape[-1], axis=-1)


@operation("lstm", "gru", "rnn")
def recurrent(layer: Any, x: Array) -> Array:
    every = not layer.dialect.keras if layer.sequences is None else layer.sequences
    state = x
    for _ in range(layer.layers):
        seen = state.sum(axis=2, keepdims=True)
        directions = [numpy.cumsum(seen, axis=1)]
        if layer.bidirectional:
            directions.append(numpy.cumsum(seen[:, ::-1], axis=1)[:, ::-1])
        width = getattr(layer, "projection", 0) or layer.units
        state = numpy.concatenate([numpy.repeat(d, width, axis=2) for d in directions], axis=2)
    if every:
        return state
    return numpy.repeat(seen.sum(axis=1), state.shape[2], axis=1)


@operation("unpool")
@spatial
def unpool(layer: Any, x: Array, *places: Array) -> Array:
    stride = layer.kernel if layer.stride is None else layer.stride
    x = x + sum(places) if places else x
    for axis in range(x.ndim - 2):
        n = x.shape[axis + 2]
        kernel, step, padding = (
            value[axis] if isinstance(value, tuple) else value for value in (layer.kernel, stride, layer.padding)
        )
        size = layer.output_size and each(layer, "output_size", axis)
        size = size or (n - 1) * step - 2 * padding + kernel
        moved = numpy.moveaxis(x, axis + 2, -1)
        written = numpy.zeros((*moved.shape[:-1], size))
        for cell, tap in product(range(n), range(kernel)):
            if 0 <= (at := step * cell + tap - padding) < size:
                written[..., at] += moved[..., cell]
        x = numpy.moveaxis(written, -1, axis + 2)
    return x


@operation("reduce")
def reduce(layer: Any, x: Array) -> Array:
    axes = range(1, x.ndim) if layer.axes is None else {place_of(layer, axis, x.ndim) for axis in layer.axes}
    return x.sum(axis=tuple(axes), keepdims=layer.keepdims)


@operation("expand")
def expand(layer: Any, x: Array) -> Array:
    x = x.reshape(x.shape[0], *(1,) * (len(layer.sizes) + 1 - x.ndim), *x.shape[1:])
    return x + numpy.zeros([n if size == -1 else size for n, size in zip(x.shape[1:], layer.sizes, strict=True)])


@operation("tile")
def tile(layer: Any, x: Array) -> Array:
    return numpy.tile(x, (1, *layer.times))


@operation("opaque")
def opaque(layer: Any, *inputs: Array) -> list[Array]:
    total = sum(x.reshape(x.shape[0], -1).sum(axis=1) for x in inputs)
    return [numpy.multiply.outer(total, numpy.ones(sizes)) for sizes in layer.sizes]


def identity(layer: Any, x: Array) -> Array:
    return x


for _op, _kind in kinds().items():
    if _kind.elementwise:
        OPERATIONS.setdefault(_op, identity)
