"""What is lost of every example network, at its usual sizes, against PyTorch's gradients: every cell of every input.

Each layer is replaced by means of what it depends on: over a window and its channels where it has weights, or takes
a maximum; activations by themselves. All slopes are then above 0, so that the outputs' sum has a gradient at a cell
exactly where some output depends on it. Means over channels come first, so that no layer is as wide as it is
stated, which is the same for which cells are read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from shapesolver import Net, load
from shapesolver.layers.cells import members
from shapesolver.layers.registry import kinds

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.conformance

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.net"))


def each(layer: Any, name: str, axis: int) -> Any:
    value = getattr(layer, name)
    value = layer.kernel if name == "stride" and value is None else value
    return value[axis] if isinstance(value, tuple) else value


def taps(layer: Any, x: Any, axis: int) -> list[Any]:
    """For each tap of the window along one axis, the cells under it, window by window."""
    n, place = x.shape[axis + 1], axis + 1
    kernel, stride = each(layer, "kernel", axis), each(layer, "stride", axis)
    dilation = each(layer, "dilation", axis) if hasattr(layer, "dilation") else 1
    reach = dilation * (kernel - 1) + 1
    if isinstance(layer.padding, str):
        windows = -(-n // stride)
        total = max((windows - 1) * stride + reach - n, 0)
        before = {"same": total // 2, "same_lower": total - total // 2, "causal": reach - 1}[layer.padding]
    else:
        padding = each(layer, "padding", axis)
        before, after = padding if isinstance(padding, tuple) else (padding, padding)
        windows = (n + before + after - reach) // stride + 1
        if getattr(layer, "ceil_mode", False):
            windows = -((reach - n - before - after) // stride) + 1
            windows -= (windows - 1) * stride >= n + before
    room = stride * (windows - 1) + reach
    padded = widened(x, place, before, max(room - before - n, 0))
    found = []
    for tap in range(kernel):
        index = [slice(None)] * x.ndim
        index[place] = slice(tap * dilation, tap * dilation + stride * (windows - 1) + 1, stride)
        found.append(padded[tuple(index)])
    return found


def widened(x: Any, place: int, before: int, after: int) -> Any:
    shape = [*x.shape]
    ends = []
    for amount in (before, after):
        shape[place] = amount
        ends.append(torch.zeros(shape, dtype=x.dtype))
    return torch.cat([ends[0], x, ends[1]], place)


def windows(layer: Any, x: Any) -> Any:
    for axis in range(x.ndim - 1):
        x = torch.stack(taps(layer, x, axis)).mean(0)
    return x


def with_channels(x: Any, channels: int) -> Any:
    """The mean of all channels, as often as there are channels made."""
    return x.mean(0, keepdim=True).expand(channels, *x.shape[1:])


def conv(layer: Any, x: Any) -> Any:
    if layer.groups == 1:
        return windows(layer, x.mean(0, keepdim=True)).expand(layer.channels, *(-1,) * (x.ndim - 1))
    parts = x.chunk(layer.groups)
    return torch.cat([with_channels(windows(layer, part), layer.channels // layer.groups) for part in parts])


def conv_transpose(layer: Any, x: Any, made: tuple[int, ...]) -> Any:
    assert layer.groups == 1
    x = x.mean(0, keepdim=True)
    for axis, size in enumerate(made[1:]):
        place, n = axis + 1, x.shape[axis + 1]
        kernel, stride = each(layer, "kernel", axis), each(layer, "stride", axis)
        assert each(layer, "dilation", axis) == 1
        reach = stride * (n - 1) + kernel
        start = max(reach - size, 0) // 2 if isinstance(layer.padding, str) else each(layer, "padding", axis)
        pieces = []
        for tap in range(kernel):
            spread = torch.stack([x, *(torch.zeros_like(x) for _ in range(stride - 1))], place + 1).flatten(
                place, place + 1
            )
            pieces.append(widened(spread, place, tap, kernel + stride - tap))
        x = torch.stack(pieces).mean(0).narrow(place, start, size)
    return x.expand(layer.channels, *x.shape[1:])


def adaptive(layer: Any, x: Any) -> Any:
    for axis in range(x.ndim - 1):
        target, n = each(layer, "target", axis), x.shape[axis + 1]
        cuts = [(i * n // target, -(-(i + 1) * n // target)) for i in range(target)]
        x = torch.cat([x.narrow(axis + 1, a, b - a).mean(axis + 1, keepdim=True) for a, b in cuts], axis + 1)
    return x


def crop(layer: Any, x: Any, *to: Any) -> Any:
    for axis in range(x.ndim - 1):
        n = x.shape[axis + 1]
        if to:
            size = to[0].shape[axis + 1]
            start = (n - size) // 2 if layer.offset in (None, "aligned") else each(layer, "offset", axis)
        else:
            amount = each(layer, "amount", axis)
            start, after = amount if isinstance(amount, tuple) else (amount, amount)
            size = n - start - after
        x = x.narrow(axis + 1, start, size)
    return x


def pad(layer: Any, x: Any) -> Any:
    assert layer.mode in ("constant", "zeros")
    for axis in range(x.ndim - 1):
        amount = each(layer, "amount", axis)
        x = widened(x, axis + 1, *(amount if isinstance(amount, tuple) else (amount, amount)))
    return x


SPATIAL: dict[str, Callable[..., Any]] = {
    "conv": conv,
    "depthwise_conv": lambda layer, x: windows(layer, x).repeat_interleave(layer.multiplier, 0),
    "max_pool": windows,
    "avg_pool": windows,
    "adaptive_avg_pool": adaptive,
    "crop": crop,
    "pad": pad,
}
"""Of tensors with the channels first."""


def place_of(layer: Any, axis: Any, x: Any) -> int:
    if isinstance(axis, str):
        return int(layer.dialect.axes(x.ndim).index(axis))
    return axis - 1 if axis > 0 else x.ndim + axis


def attention(layer: Any, query: Any, *others: Any) -> Any:
    assert not others
    return query.mean().expand(query.shape)


def lstm(layer: Any, x: Any, made: tuple[int, ...]) -> Any:
    if len(made) == 1 or layer.bidirectional:
        return x.mean().expand(made)
    return (x.mean(1, keepdim=True).cumsum(0) / len(x)).expand(made)


def added(layer: Any, *inputs: Any) -> Any:
    """Products and differences, too: each depends on both."""
    rank = max(x.ndim for x in inputs)
    aligned = [x.reshape(*(1,) * (rank - x.ndim), *x.shape) for x in inputs]
    return sum(aligned[1:], start=aligned[0]) / len(inputs)


PLAIN: dict[str, Callable[..., Any]] = {
    "flatten": lambda layer, x: x.flatten(place_of(layer, layer.start, x), place_of(layer, layer.end, x)),
    "dense": lambda layer, x: x.mean(-1, keepdim=True).expand(*x.shape[:-1], layer.units),
    "embedding": lambda layer, x: x[..., None].expand(*x.shape, layer.dim),
    "softmax": lambda layer, x: x + x.mean(place_of(layer, layer.axis, x), keepdim=True),
    "layer_norm": lambda layer, x: x + x.mean(tuple(range(x.ndim - layer.count, x.ndim)), keepdim=True),
    "concat": lambda layer, *inputs: torch.cat(inputs, place_of(layer, layer.axis, inputs[0])),
    "add": added,
    "mul": added,
    "sub": added,
    "attention": attention,
    "permute": lambda layer, x: x.permute([place_of(layer, axis, x) for axis in layer.order]),
    "squeeze": lambda layer, x: x.squeeze(place_of(layer, layer.axis, x)),
    "slice": lambda layer, x: x[
        (slice(None),) * place_of(layer, layer.axis, x) + (slice(layer.start, layer.stop, layer.step),)
    ],
}


def run(layer: Any, inputs: list[Any], made: tuple[int, ...]) -> Any:
    """The layer's result, in the file's layout and without a batch."""
    last = layer.dialect.channels_last
    if kinds()[layer.op].elementwise:
        return inputs[0]
    if layer.op == "global_avg_pool":
        return (
            inputs[0].mean(tuple(range(inputs[0].ndim - 1)) if last else tuple(range(1, inputs[0].ndim))).reshape(made)
        )
    if layer.op == "lstm":
        return lstm(layer, *inputs, made)
    if layer.op in PLAIN:
        return PLAIN[layer.op](layer, *inputs)
    first = [x.movedim(-1, 0) for x in inputs] if last else inputs
    if layer.op == "conv_transpose":
        found = conv_transpose(layer, *first, (made[-1], *made[:-1]) if last else made)
    else:
        found = SPATIAL[layer.op](layer, *first)
    return found.movedim(0, -1) if last else found


def gradients(net: Net) -> dict[str, numpy.ndarray]:
    """For each input, at which cells the outputs' sum has a gradient."""
    values: dict[tuple[int, int], Any] = {}
    inputs = {}
    for index, node in enumerate(net.graph.nodes):
        layer: Any = net.derivation.layers[index]
        made = net.derivation.tensor(index)
        assert made is not None
        if layer.op in ("input", "parameter"):
            found = torch.ones(made.sizes, dtype=torch.float64, requires_grad=layer.op == "input")
            if layer.op == "input":
                inputs[node.path] = found
        else:
            found = run(layer, [values[wire] for wire in node.inputs], made.sizes)
        assert tuple(found.shape) == made.sizes, (node.path, layer)
        values[index, 0] = found
    sum(values[wire].sum() for wire in net.graph.outputs).backward()  # type: ignore[union-attr]
    return {path: (x.grad != 0).numpy() for path, x in inputs.items()}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_cell_of_every_example(file: Path) -> None:
    net = load(file).usual()
    read = gradients(net)
    for path, found in net.lost().items():
        told = numpy.zeros(found.tensor.sizes, dtype=bool)  # type: ignore[arg-type]
        for box in found.boxes:
            told[numpy.ix_(*(list(members(cells)) for cells in box))] = True
        assert (told == read[path]).all(), path
        assert found.cells == (~read[path]).sum()
