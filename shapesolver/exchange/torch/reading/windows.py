"""Convolutions, pools, resizing, padding, as functions."""

from __future__ import annotations

import math
from typing import Any

from shapesolver.arithmetic import Formula
from shapesolver.exchange.torch.reading.drawing import Drawing, common, number, plain
from shapesolver.exchange.torch.reading.registry import function_name, reads
from shapesolver.exchange.torch.reading.values import Held, Padded, Ref, Unknown

PAD_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def weights(*held: Any) -> tuple[str, ...]:
    """The names of a function's weights, which are the model's own."""
    names = tuple(h.name for h in held if h is not None and isinstance(h, Held))
    if len(names) != sum(h is not None for h in held):
        raise Unknown("its weights are computed, not held by the model")
    return names


def owner(draw: Drawing, weight: Held) -> None:
    """Name the layer after the module whose weight this is."""
    draw.name = draw.name or weight.name.rpartition(".")[0]


@reads("conv1d", "conv2d", "conv3d")
def conv(
    draw: Drawing,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Ref:
    """``F.conv2d`` with weights that the model holds."""
    key = weights(weight, bias)
    owner(draw, weight)
    shape = (weight.shape[0], weight.shape[1] * groups, *weight.shape[2:])
    return convolve(draw, key, x, shape, stride, padding, dilation, groups, bias is not None)


def convolve(
    draw: Drawing,
    key: tuple[str, ...],
    x: Any,
    shape: tuple[int, ...],
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    bias: bool,
) -> Ref:
    """A convolution; ``shape`` is output channels, input channels and the kernel."""
    out, into, *kernel = shape
    x, padding = draw.window_input(x, common(padding))
    window = {
        "kernel": common(kernel),
        "stride": common(stride),
        "padding": padding,
        "dilation": common(dilation),
        "bias": bias,
    }
    checked = draw.checked(draw.sizes(x)[0], into)
    if groups == into > 1 and checked is None:
        return draw.weighted(key, "depthwise_conv", [x], multiplier=out // into, **window)
    return draw.weighted(key, "conv", [x], channels=out, groups=groups, in_channels=checked, **window)


@reads("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(
    draw: Drawing,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Ref:
    """``F.conv_transpose2d`` with weights that the model holds."""
    key = weights(weight, bias)
    owner(draw, weight)
    _, out, *kernel = weight.shape
    return draw.weighted(
        key,
        "conv_transpose",
        [draw.first(draw.tensor(x))],
        channels=out * groups,
        kernel=common(kernel),
        stride=common(stride),
        padding=common(padding),
        output_padding=common(output_padding) or None,
        groups=groups,
        dilation=common(dilation),
        bias=bias is not None,
    )


def step(kernel: Any, stride: Any) -> Any:
    """A pool's stride; none where it is the kernel."""
    stride = common(stride) if stride not in (None, [], ()) else None
    return None if stride == common(kernel) else stride


@reads("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "max_pool1d_with_indices")
def max_pool(
    draw: Drawing,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """``F.max_pool2d``; the places that it remembers stand for the pool itself."""
    x, padding = draw.window_input(x, common(padding))
    made = draw.layer(
        "max_pool",
        [x],
        kernel=common(kernel_size),
        stride=step(kernel_size, stride),
        padding=padding,
        dilation=common(dilation),
        ceil_mode=ceil_mode,
    )
    return (made, made) if return_indices or draw.makes_several() else made


@reads("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(
    draw: Drawing,
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *_: Any,
    **__: Any,
) -> Ref:
    """``F.avg_pool2d``."""
    return draw.layer(
        "avg_pool",
        [draw.first(draw.tensor(x))],
        kernel=common(kernel_size),
        stride=step(kernel_size, stride),
        padding=common(padding),
        ceil_mode=ceil_mode,
    )


@reads("lp_pool1d", "lp_pool2d", "lp_pool3d")
def lp_pool(
    draw: Drawing, x: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Ref:
    """``F.lp_pool2d``."""
    return draw.layer(
        "lp_pool",
        [draw.first(draw.tensor(x))],
        norm=norm_type,
        kernel=common(kernel_size),
        stride=step(kernel_size, stride),
        ceil_mode=ceil_mode,
    )


@reads("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_avg_pool(draw: Drawing, x: Any, output_size: Any) -> Ref:
    """``F.adaptive_avg_pool2d``."""
    return draw.layer("adaptive_avg_pool", [draw.first(draw.tensor(x))], target=common(output_size))


@reads("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(draw: Drawing, x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """``F.adaptive_max_pool2d``."""
    made = draw.layer("adaptive_max_pool", [draw.first(draw.tensor(x))], target=common(output_size))
    return (made, made) if return_indices or draw.makes_several() else made


@reads("max_unpool1d", "max_unpool2d", "max_unpool3d")
def unpool(
    draw: Drawing, x: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Ref:
    """``F.max_unpool2d`` of a tensor and the places that a pool remembers."""
    x = draw.first(draw.tensor(x))
    if output_size is not None:
        output_size = tuple(number(n) for n in tuple(output_size)[-(draw.rank(x) - 2) :])
    return draw.layer(
        "unpool",
        [x, draw.tensor(indices)],
        kernel=common(kernel_size),
        stride=step(kernel_size, stride),
        padding=common(padding),
        output_size=output_size,
    )


@reads("interpolate", "upsample")
def interpolate(
    draw: Drawing,
    x: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: bool = False,
) -> Ref:
    """``F.interpolate``, by a factor or to a size."""
    x = draw.first(draw.tensor(x))
    if size is None:
        scale = common(scale_factor)
        whole = float(scale).is_integer() if isinstance(scale, (int, float)) else False
        return draw.layer("upsample", [x], scale=int(scale) if whole else scale, mode=mode)
    sizes = tuple(map(number, size)) if isinstance(size, (tuple, list)) else (number(size),) * (draw.rank(x) - 2)
    spatial = draw.sizes(x)[1:]
    factors = [_factor(to, n) for to, n in zip(sizes, spatial, strict=True)]
    if None not in factors:
        # A size worked out from the input's own, as in `size=(2*h, 2*w)`, is a factor.
        return draw.layer("upsample", [x], scale=common(factors), mode=mode)
    return draw.layer("resize", [x], target=common(sizes) if len(set(sizes)) > 1 else sizes[0], mode=mode)


def _factor(to: Any, n: Any) -> int | None:
    """The whole number that a size is multiplied by."""
    return next((k for k in range(1, 65) if isinstance(n, Formula) and to == n * k), None)


@reads("pixel_shuffle")
def pixel_shuffle(draw: Drawing, x: Any, upscale_factor: int) -> Ref:
    """``F.pixel_shuffle``."""
    return draw.layer("pixel_shuffle", [draw.first(draw.tensor(x))], factor=plain(upscale_factor))


@reads("pixel_unshuffle")
def pixel_unshuffle(draw: Drawing, x: Any, downscale_factor: int) -> Ref:
    """``F.pixel_unshuffle``."""
    return draw.layer("pixel_unshuffle", [draw.first(draw.tensor(x))], factor=plain(downscale_factor))


@reads("unfold_columns", "im2col")
def unfold(draw: Drawing, x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Ref:
    """``F.unfold``: windows as columns."""
    return draw.layer(
        "unfold",
        [draw.first(draw.tensor(x))],
        kernel=common(kernel_size),
        dilation=common(dilation),
        padding=common(padding),
        stride=common(stride),
    )


@reads("fold", "col2im")
def fold(
    draw: Drawing, x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Ref:
    """``F.fold``: columns summed back into an image."""
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    return draw.layer(
        "fold",
        [draw.first(draw.tensor(x))],
        output_size=tuple(map(number, sizes)),
        kernel=common(kernel_size),
        dilation=common(dilation),
        padding=common(padding),
        stride=common(stride),
    )


@reads("pad", "constant_pad_nd")
def pad(draw: Drawing, x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Ref | Padded:
    """``F.pad``: what it takes away at the ends alone is a crop."""
    x = draw.first(draw.tensor(x))
    if isinstance(mode, (int, float)):
        mode = "constant"
    pairs = [(number(a), number(b)) for a, b in zip(pad[::2], pad[1::2], strict=True)][::-1]
    spatial = draw.rank(x) - 2
    while len(pairs) > spatial and pairs[0] == (0, 0):
        pairs.pop(0)
    if len(pairs) > spatial:
        raise Unknown("it pads the channels")
    pairs = [(0, 0)] * (spatial - len(pairs)) + pairs
    amounts = tuple(pairs)
    if all(isinstance(n, int) and n <= 0 for pair in pairs for n in pair) and any(n for pair in pairs for n in pair):
        return draw.layer("crop", [x], amount=simple(tuple((-a, -b) for a, b in amounts)))
    if mode == "constant" and folds(draw, amounts, value):
        return Padded(x, amounts)
    return draw.layer("pad", [x], amount=simple(amounts), mode=PAD_MODES[mode])


def folds(draw: Drawing, pairs: tuple[tuple[Any, Any], ...], value: Any) -> bool:
    """Whether the pad is part of the one convolution or max pool that consumes it, which has none of its own."""
    if len(draw.node.users) != 1 or any(not isinstance(n, int) or n < 0 for pair in pairs for n in pair):
        return False
    (user,) = draw.node.users
    if user.args[:1] != (draw.node,):
        return False
    if user.op == "call_module":
        window = draw.modules[user.target]
        name, kernel = type(window).__name__, getattr(window, "kernel_size", 1)
        padding, mode = getattr(window, "padding", None), getattr(window, "padding_mode", "zeros")
    else:
        name, mode = function_name(user.target), "zeros"
        kernel = user.args[1] if len(user.args) > 1 else 1
        position = {"conv": 4, "max_": 3}.get(name[:4], 9)
        padding = user.kwargs.get("padding", user.args[position] if len(user.args) > position else 0)
    if common(padding) not in (0, "valid") or mode != "zeros":
        return False
    if name.lower().startswith("maxpool") or name.startswith("max_pool"):
        kernels = kernel if isinstance(kernel, (tuple, list)) else (kernel,) * len(pairs)
        fits = all(max(pair) <= k // 2 for pair, k in zip(pairs, kernels, strict=True))
        return value == -math.inf and fits
    return value in (None, 0) and name.lower() in ("conv1d", "conv2d", "conv3d")


def simple(pairs: tuple[tuple[Any, Any], ...]) -> Any:
    """Amounts as people write them: one number, one an axis, or pairs."""
    if any(before != after for before, after in pairs):
        return pairs
    return common([before for before, _ in pairs])
