"""Convolutions, pools, and what else slides windows or resizes images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapesolver.arithmetic import Dim, Formula, divide_exactly
from shapesolver.exchange.onnx.arrays import Array, Unfolded
from shapesolver.exchange.onnx.folding import axes_of
from shapesolver.exchange.onnx.layout import BATCH, batched, renumbered
from shapesolver.exchange.onnx.proto import DOMAIN, Operation
from shapesolver.exchange.onnx.scalars import Real
from shapesolver.exchange.onnx.translating import Live, Reading, Unknown, Value, attribute, operator

AUTO_PAD = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": 0}

PAD_MODES = {"constant": None, "reflect": "reflect", "edge": "replicate", "wrap": "circular"}

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def padding(operation: Operation, spatial: int) -> Any:
    """``auto_pad`` as a word, or ``pads`` (all starts, then all ends) as pairs."""
    word = attribute(operation, "auto_pad", "NOTSET")
    if word in AUTO_PAD:
        return AUTO_PAD[word]
    pads = attribute(operation, "pads") or (0,) * (2 * spatial)
    if len(pads) != 2 * spatial:
        raise Unknown(f"it has {len(pads)} pads for {spatial} spatial axes")
    return tuple(zip(pads[:spatial], pads[spatial:], strict=True))


def per_axis(operation: Operation, name: str) -> Any:
    """A list with one number an axis; ``None`` where it is all ones or left out."""
    values = attribute(operation, name)
    return tuple(values) if values and set(values) != {1} else None


@operator("Conv", "ConvTranspose")
def convolution(reading: Reading, operation: Operation) -> Live:
    """A convolution; the bias is an input, or added by the operation that follows."""
    image = reading.image(operation)
    weight = reading.weight(operation, 1)
    bias = reading.array(operation, 2)
    kernel = tuple(attribute(operation, "kernel_shape") or weight.shape[2:])
    groups = attribute(operation, "group", 1)
    if bias is None:
        operation, bias = _added_bias(reading, operation, weight, groups)
    channels = reading.plan.sizes(image.wire)[0]
    shared = {
        "kernel": kernel,
        "stride": per_axis(operation, "strides"),
        "padding": padding(operation, len(kernel)),
        "dilation": per_axis(operation, "dilations"),
        "bias": None if bias is not None else False,
    }
    weights = [weight, bias]
    if operation.op == "ConvTranspose":
        shared |= {"channels": weight.shape[1] * groups, "groups": None if groups == 1 else groups}
        shared |= _stated_output(reading, operation, image, shared)
        wire = reading.weighted(operation, "conv_transpose", [image.wire], weights, **shared)
    elif groups > 1 and groups == channels and weight.shape[0] % groups == 0:
        multiplier = weight.shape[0] // groups
        shared["multiplier"] = None if multiplier == 1 else multiplier
        wire = reading.weighted(operation, "depthwise_conv", [image.wire], weights, **shared)
    else:
        shared |= {"channels": weight.shape[0], "groups": None if groups == 1 else groups}
        expected = weight.shape[1] * groups
        if isinstance(channels, int) and channels != expected:
            shared["in_channels"] = expected
        wire = reading.weighted(operation, "conv", [image.wire], weights, **shared)
    result = Live(wire, image.axes)
    reading.bind(operation, result)
    return result


def _added_bias(reading: Reading, operation: Operation, weight: Array, groups: int) -> tuple[Operation, Array | None]:
    """The bias that an Add of ``(channels, 1, 1)`` after the convolution is."""
    add = reading.follower(operation.outputs[0], "Add")
    channels = weight.shape[0] if operation.op == "Conv" else weight.shape[1] * groups
    if add is None:
        return operation, None
    other = reading.stored_array(next(name for name in add.inputs if name != operation.outputs[0]))
    if other is None or not other.learned:
        return operation, None
    tail = (channels, *(1,) * (len(weight.shape) - 2))
    shape = other.shape[1:] if len(other.shape) > len(tail) and other.shape[0] == 1 else other.shape
    return (reading.absorb(add, operation), other) if shape == tail else (operation, None)


def _stated_output(reading: Reading, operation: Operation, image: Live, shared: dict[str, Any]) -> dict[str, Any]:
    """``output_padding``, and ``output_shape`` as the padding that ONNX works out from it."""
    added = attribute(operation, "output_padding")
    found: dict[str, Any] = {"output_padding": tuple(added) if added and any(added) else None}
    wanted = attribute(operation, "output_shape")
    if not wanted:
        return found
    spatial = reading.plan.sizes(image.wire)[1:]
    strides, dilations = shared["stride"] or (1,) * len(spatial), shared["dilation"] or (1,) * len(spatial)
    pairs, more = [], []
    for axis, (n, out) in enumerate(zip(spatial, wanted[-len(spatial) :], strict=True)):
        extra = added[axis] if added else 0
        total = strides[axis] * (n - 1) + extra + dilations[axis] * (shared["kernel"][axis] - 1) + 1 - out
        if not isinstance(total, int):
            raise Unknown("its output_shape depends on the input's size")
        half = max(total, 0) // 2
        upper = attribute(operation, "auto_pad") == "SAME_UPPER"
        pairs.append((half, max(total, 0) - half) if upper else (max(total, 0) - half, half))
        more.append(extra + max(-total, 0))
    return {"padding": tuple(pairs), "output_padding": tuple(more) if any(more) else None}


POOLS = {"MaxPool": "max_pool", "AveragePool": "avg_pool", "LpPool": "lp_pool"}


@operator("MaxPool", "AveragePool", "LpPool")
def pool(reading: Reading, operation: Operation) -> Sequence[Value | None]:
    """A pool. The stride is 1 where ONNX is told none. A second result, the places of the maxima, has its sizes."""
    image = reading.image(operation)
    kernel = tuple(attribute(operation, "kernel_shape", ()))
    strides = tuple(attribute(operation, "strides") or (1,) * len(kernel))
    parameters = {
        "kernel": kernel,
        "stride": None if strides == kernel else strides,
        "padding": padding(operation, len(kernel)),
        "ceil_mode": bool(attribute(operation, "ceil_mode", 0)) or None,
    }
    dilation = per_axis(operation, "dilations")
    if operation.op == "MaxPool":
        parameters["dilation"] = dilation
    elif dilation is not None:
        raise Unknown("it averages over a dilated window")
    if operation.op == "LpPool" and attribute(operation, "p", 2) != 2:
        parameters["norm"] = attribute(operation, "p")
    wire = reading.plan.add(POOLS[operation.op], [image.wire], reading.name(operation), **parameters)
    result = Live(wire, image.axes)
    return result, result


@operator("MaxUnpool")
def unpool(reading: Reading, operation: Operation) -> Live:
    """The partial inverse of a max pool."""
    image = reading.image(operation)
    kernel = tuple(attribute(operation, "kernel_shape", ()))
    strides = tuple(attribute(operation, "strides") or (1,) * len(kernel))
    pads = padding(operation, len(kernel))
    if any(before != after for before, after in pads):
        raise Unknown("its padding is not the same at both ends")
    wanted = reading.numbers(operation, 2)
    wire = reading.plan.add(
        "unpool",
        [image.wire],
        reading.name(operation),
        kernel=kernel,
        stride=None if strides == kernel else strides,
        padding=tuple(before for before, _ in pads) if any(map(any, pads)) else None,
        output_size=None if wanted is None else tuple(wanted[2:]),
    )
    return Live(wire, image.axes)


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(reading: Reading, operation: Operation) -> Live:
    """One value a channel, the spatial axes kept at 1."""
    image = reading.image(operation)
    op = "global_avg_pool" if operation.op == "GlobalAveragePool" else "global_max_pool"
    return Live(reading.plan.add(op, [image.wire], reading.name(operation)), image.axes)


@operator(*(f"{DOMAIN}.Adaptive{how}Pool{rank}D" for how in ("Average", "Max") for rank in (1, 2, 3)))
def adaptive_pool(reading: Reading, operation: Operation) -> Live:
    """Windows worked out from the input's size, as our own exports have them."""
    image = reading.image(operation)
    wanted = reading.numbers(operation, 1)
    if wanted is None or len(wanted) != len(image.axes) - 2:
        raise Unknown("the sizes that it makes are not stated")
    sizes = reading.plan.sizes(image.wire)[1:]
    target = tuple(None if new == n else new for new, n in zip(wanted, sizes, strict=True))
    op = "adaptive_avg_pool" if ".AdaptiveAverage" in operation.op else "adaptive_max_pool"
    return Live(reading.plan.add(op, [image.wire], reading.name(operation), target=target), image.axes)


REDUCTIONS = {
    "ReduceMean": "mean", "ReduceMax": "max", "ReduceMin": "min", "ReduceSum": "sum", "ReduceProd": "prod",
    "ReduceL1": "l1", "ReduceL2": "l2", "ReduceLogSumExp": "logsumexp", "ArgMax": "argmax", "ArgMin": "argmin",
    "ReduceSumSquare": "l2", "ReduceLogSum": "logsumexp", "GlobalLpPool": "l2",
}  # fmt: skip

POOLED = {"ReduceMean": "global_avg_pool", "ReduceMax": "global_max_pool"}


@operator(*REDUCTIONS)
def reduction(reading: Reading, operation: Operation) -> Live:
    """One value for all cells along some axes; a mean or maximum over all spatial axes is a global pool."""
    value = reading.live(operation, 0)
    axes = _reduced_axes(reading, operation, len(value.axes))
    keep = bool(attribute(operation, "keepdims", 1)) or operation.op == "GlobalLpPool"
    name = reading.name(operation)
    if operation.op in POOLED and value.axes == batched(len(value.axes) - 1) and axes == [*range(2, len(value.axes))]:
        wire = reading.plan.add(POOLED[operation.op], [value.wire], name, keepdims=None if keep else False)
        return Live(wire, value.axes if keep else batched(1))
    if not axes:
        return Live(reading.plan.add("pointwise", [value.wire], name, function=operation.op), value.axes)
    if any(BATCH in value.axes[axis] for axis in axes):
        raise Unknown("it reduces the batch")
    gone = tuple(piece + 1 for axis in axes for piece in value.axes[axis])
    how = REDUCTIONS[operation.op]
    wire = reading.plan.add(
        "reduce",
        [value.wire],
        name,
        how=None if how == "mean" else how,
        axes=None if len(gone) == len(reading.plan.sizes(value.wire)) else gone,
        keepdims=keep or None,
    )
    left = value.axes if keep else [pieces for index, pieces in enumerate(value.axes) if index not in axes]
    return Live(wire, renumbered(left)[0])


def _reduced_axes(reading: Reading, operation: Operation, rank: int) -> list[int]:
    """The axes that a reduction takes away."""
    if operation.op.startswith("Arg"):
        return [attribute(operation, "axis", 0) % rank]
    if operation.op == "GlobalLpPool":
        return [*range(2, rank)]
    try:
        given = axes_of(operation, [None, reading.array(operation, 1)])
    except Unfolded:
        raise Unknown("the axes that it reduces are not known") from None
    if given is None:
        return [] if attribute(operation, "noop_with_empty_axes", 0) else [*range(rank)]
    return sorted(axis % rank for axis in given)


@operator("Pad")
def pad(reading: Reading, operation: Operation) -> Live:
    """Cells added at the ends of the spatial axes."""
    image = reading.image(operation)
    rank = len(image.axes)
    pads = attribute(operation, "pads") or attribute(operation, "paddings") or reading.numbers(operation, 1)
    if pads is None:
        raise Unknown("its pads are not stated")
    axes = reading.numbers(operation, 3)
    places = [int(axis) % rank for axis in axes] if axes else list(range(rank))
    half = len(pads) // 2
    pairs: list[tuple[Any, Any]] = [(0, 0)] * rank
    for place, before, after in zip(places, pads[:half], pads[half:], strict=True):
        pairs[place] = (before, after)
    mode = attribute(operation, "mode", "constant")
    if pairs[0] != (0, 0) or mode not in PAD_MODES:
        raise Unknown("it pads the batch" if mode in PAD_MODES else f"its mode is {mode}")
    if pairs[1] != (0, 0) or rank == 2:
        sizes = tuple(n + a + b for n, (a, b) in zip(reading.plan.sizes(image.wire), pairs[1:], strict=True))
        raise Unknown("it pads the channels", (image.axes, sizes))
    if not any(map(any, pairs)):
        return Live(reading.plan.add("identity", [image.wire], reading.name(operation)), image.axes)
    amount = tuple(pairs[2:])
    wire = reading.plan.add("pad", [image.wire], reading.name(operation), amount=amount, mode=PAD_MODES[mode])
    return Live(wire, image.axes)


@operator("Resize", "Upsample")
def resize(reading: Reading, operation: Operation) -> Live:
    """Resizing by factors or to stated sizes. The factors stand in an attribute, or on the second or third input."""
    image = reading.image(operation)
    sizes = reading.plan.sizes(image.wire)
    rank = len(image.axes)
    mode = attribute(operation, "mode", "nearest")
    mode = LINEAR.get(rank - 2, mode) if mode == "linear" else {"cubic": "bicubic"}.get(mode, mode)
    name = reading.name(operation)
    modern = operation.op == "Resize" and reading.model.opset >= 11
    scales: Any = attribute(operation, "scales") or reading.numbers(operation, 2 if modern else 1)
    wanted = reading.numbers(operation, 3) if modern else None
    if attribute(operation, "keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unknown("it keeps the aspect ratio")
    axes = [axis % rank for axis in attribute(operation, "axes", range(rank))]
    full: list[Any] = [1] * rank if scales else [0, *sizes]
    for axis, value in zip(axes, scales or wanted or (), strict=False):
        full[axis] = value
    if not scales and not wanted:
        raise Unknown("neither factors nor sizes are stated")
    if scales and not any(isinstance(scale, Real) for scale in full):
        if any(scale != 1 for scale in full[:2]):
            raise Unknown("it resizes the batch or the channels")
        factors = tuple(int(scale) if float(scale).is_integer() else float(scale) for scale in full[2:])
        nearest = None if mode == "nearest" else mode
        wire = reading.plan.add("upsample", [image.wire], name, scale=factors, mode=nearest)
        return Live(wire, image.axes)
    try:
        target = [_scaled(n, scale) for n, scale in zip(sizes[1:], full[2:], strict=True)] if scales else full[2:]
    except Unfolded:
        raise Unknown("its factors are not known") from None
    return Live(_to_sizes(reading, image, tuple(target), mode, name), image.axes)


def _scaled(n: Dim, scale: Any) -> Dim:
    if not isinstance(scale, Real):
        return n if scale == 1 else Real(n, 1, float(scale)).floor()
    return Real(n * scale.numerator, scale.denominator, scale.factor).floor()


def _to_sizes(reading: Reading, image: Live, target: tuple[Dim, ...], mode: str, name: str) -> Any:
    """Stated sizes; a fixed multiple of the input's is a factor."""
    old = reading.plan.sizes(image.wire)[1:]
    factors = [divide_exactly(new, n) if isinstance(new, Formula) else None for new, n in zip(target, old, strict=True)]
    if all(isinstance(factor, int) for factor in factors):
        nearest = None if mode == "nearest" else mode
        return reading.plan.add("upsample", [image.wire], name, scale=tuple(factors), mode=nearest)
    mode_given = None if mode == "bilinear" else mode
    return reading.plan.add("resize", [image.wire], name, target=target, mode=mode_given)


@operator("DepthToSpace", "SpaceToDepth")
def shuffle(reading: Reading, operation: Operation) -> Live:
    """Channels to pixels, or pixels to channels."""
    image = reading.image(operation)
    op = "pixel_shuffle" if operation.op == "DepthToSpace" else "pixel_unshuffle"
    factor = attribute(operation, "blocksize")
    return Live(reading.plan.add(op, [image.wire], reading.name(operation), factor=factor), image.axes)


@operator("Col2Im")
def fold(reading: Reading, operation: Operation) -> Live:
    """Columns summed back into an image."""
    columns = reading.image(operation)
    size, block = reading.numbers(operation, 1), reading.numbers(operation, 2)
    if size is None or block is None:
        raise Unknown("its sizes are not stated")
    wire = reading.plan.add(
        "fold",
        [columns.wire],
        reading.name(operation),
        output_size=tuple(size),
        kernel=tuple(block),
        stride=per_axis(operation, "strides"),
        padding=padding(operation, len(size)),
        dilation=per_axis(operation, "dilations"),
    )
    return Live(wire, batched(1 + len(size)))
