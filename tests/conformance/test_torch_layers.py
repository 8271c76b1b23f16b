"""Random layers against PyTorch: the same shape, the same refusal, the same parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shapesolver.layers.dialects import Dialect
from tests.conformance.cases import Case, Draw, make

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.conformance

CASES_A_LAYER = 700
TORCH = Dialect.named("torch")
nn = torch.nn


def ranked(name: str, rank: int) -> Any:
    return getattr(nn, f"{name}{rank}d")


def conv(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    groups = draw.pick(1, 1, 1, 2, 3)
    channels_in, channels = draw.number(1, 6), draw.number(1, 6)
    kernel, dilation = draw.each(rank, 1, 4), draw.each(rank, 1, 3)
    same = draw.chance(0.2)
    stride = draw.each(rank, 1, 2 if same else 4)
    padding: Any = "same" if same else draw.each(rank, 0, 3)
    bias = draw.chance()
    case = make(
        "conv",
        TORCH,
        draw.image(TORCH, rank, channels_in),
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )
    return case, lambda: ranked("Conv", rank)(channels_in, channels, kernel, stride, padding, dilation, groups, bias)


def conv_transpose(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    channels_in, channels = draw.number(1, 4), draw.number(1, 4)
    groups = draw.pick(1, 1, 1, 2)
    kernel, dilation = draw.each(rank, 1, 4), draw.each(rank, 1, 3)
    stride, padding = draw.each(rank, 1, 4), draw.each(rank, 0, 2)
    added = draw.each(rank, 0, 2)
    case = make(
        "conv_transpose",
        TORCH,
        draw.image(TORCH, rank, channels_in, 6),
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        output_padding=added,
        dilation=dilation,
        groups=groups,
    )
    return case, lambda: ranked("ConvTranspose", rank)(
        channels_in, channels, kernel, stride, padding, added, groups, True, dilation
    )


def max_pool(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    kernel, stride = draw.each(rank, 1, 5), draw.pick(None, draw.each(rank, 1, 4))
    padding, dilation, ceil = draw.each(rank, 0, 2), draw.each(rank, 1, 3), draw.chance()
    case = make(
        "max_pool",
        TORCH,
        draw.image(TORCH, rank, 2),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil,
    )
    return case, lambda: ranked("MaxPool", rank)(kernel, stride, padding, dilation, ceil_mode=ceil)


def avg_pool(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    kernel, stride = draw.each(rank, 1, 5), draw.pick(None, draw.each(rank, 1, 4))
    padding, ceil = draw.each(rank, 0, 2), draw.chance()
    case = make(
        "avg_pool",
        TORCH,
        draw.image(TORCH, rank, 2),
        kernel=kernel,
        stride=stride,
        padding=padding,
        ceil_mode=ceil,
    )
    return case, lambda: ranked("AvgPool", rank)(kernel, stride, padding, ceil)


def lp_pool(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 2)
    kernel, stride, ceil = draw.number(1, 5), draw.pick(None, draw.number(1, 4)), draw.chance()
    case = make("lp_pool", TORCH, draw.image(TORCH, rank, 2), kernel=kernel, stride=stride, ceil_mode=ceil)
    return case, lambda: ranked("LPPool", rank)(2.0, kernel, stride, ceil)


def adaptive_avg_pool(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    target = draw.each(rank, 1, 9)
    if isinstance(target, tuple) and rank > 1 and draw.chance(0.3):
        target = (None, *target[1:])
    case = make("adaptive_avg_pool", TORCH, draw.image(TORCH, rank, 2), target=target)
    return case, lambda: ranked("AdaptiveAvgPool", rank)(target)


def adaptive_max_pool(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    target = draw.each(rank, 1, 9)
    case = make("adaptive_max_pool", TORCH, draw.image(TORCH, rank, 2), target=target)
    return case, lambda: ranked("AdaptiveMaxPool", rank)(target)


def upsample(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 3)
    scale = draw.pick(2, 3, 0.5, 0.7, 1.3, 2.3, 0.1, draw.number(1, 400) / 100)
    spatial = tuple(draw.number(1, 400 if rank == 1 else 12) for _ in range(rank))
    case = make("upsample", TORCH, (1, *spatial), scale=scale)
    return case, lambda: nn.Upsample(scale_factor=scale)


def pixel_shuffle(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    factor = draw.number(1, 3)
    case = make("pixel_shuffle", TORCH, draw.image(TORCH, 2, draw.number(1, 18), 5), factor=factor)
    return case, lambda: nn.PixelShuffle(factor)


def pixel_unshuffle(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    factor = draw.number(1, 3)
    case = make("pixel_unshuffle", TORCH, draw.image(TORCH, 2, draw.number(1, 4), 9), factor=factor)
    return case, lambda: nn.PixelUnshuffle(factor)


def unfold(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    kernel, dilation = draw.each(2, 1, 4), draw.each(2, 1, 2)
    padding, stride = draw.each(2, 0, 2), draw.each(2, 1, 3)
    case = make(
        "unfold",
        TORCH,
        draw.image(TORCH, 2, 3, 8),
        kernel=kernel,
        dilation=dilation,
        padding=padding,
        stride=stride,
    )
    return case, lambda: nn.Unfold(kernel, dilation, padding, stride)


def fold(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    kernel, stride = (draw.number(1, 3), draw.number(1, 3)), draw.number(1, 2)
    size = (draw.number(1, 6), draw.number(1, 6))
    columns = [max((n - k) // stride + 1, 1) for n, k in zip(size, kernel, strict=True)]
    count = columns[0] * columns[1] + (draw.number(0, 1) if draw.chance(0.2) else 0)
    channels = draw.number(1, 3) * kernel[0] * kernel[1] + (1 if draw.chance(0.2) else 0)
    case = make("fold", TORCH, (channels, count), output_size=size, kernel=kernel, stride=stride)
    return case, lambda: nn.Fold(size, kernel, stride=stride)


def pad(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank, mode = draw.number(1, 3), draw.pick("constant", "reflect", "replicate", "circular")
    low = -3 if mode == "constant" else 0
    pairs = tuple((draw.number(low, 5), draw.number(low, 5)) for _ in range(rank))
    flat = [amount for pair in reversed(pairs) for amount in pair]
    case = make("pad", TORCH, draw.image(TORCH, rank, 2, 6), amount=pairs, mode=mode)
    functional = nn.functional.pad

    class Pad(nn.Module):
        def forward(self, x: Any) -> Any:
            return functional(x, flat, mode=mode)

    return case, Pad


def flatten(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank = draw.number(1, 4)
    start, end = draw.number(1, rank), draw.pick(-1, draw.number(1, rank))
    sizes = tuple(draw.number(1, 5) for _ in range(rank))
    case = make("flatten", TORCH, sizes, start=start, end=end)
    return case, lambda: nn.Flatten(start, end)


def reshape(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(1, 6) for _ in range(draw.number(1, 3)))
    target = tuple(draw.pick(-1, draw.number(1, 6), draw.number(1, 6)) for _ in range(draw.number(1, 3)))

    class Reshape(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.reshape(1, *target)

    return make("reshape", TORCH, sizes, sizes=target), Reshape


def unflatten(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(1, 12) for _ in range(draw.number(1, 3)))
    axis = draw.number(1, len(sizes))
    target = tuple(draw.pick(-1, draw.number(1, 4), draw.number(1, 4)) for _ in range(2))
    return make("unflatten", TORCH, sizes, axis=axis, sizes=target), lambda: nn.Unflatten(axis, target)


def dense(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(1, 6) for _ in range(draw.number(1, 3)))
    features = sizes[-1] if draw.chance(0.7) else draw.number(1, 6)
    units, bias = draw.number(1, 9), draw.chance()
    case = make("dense", TORCH, sizes, units=units, bias=bias, in_features=features)
    return case, lambda: nn.Linear(features, units, bias)


def group_norm(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    channels, groups = draw.number(1, 8), draw.number(1, 4)
    # PyTorch refuses to train on one value a group, which depends on the batch; two cells are enough.
    case = make("group_norm", TORCH, (channels, *(draw.number(2, 4) for _ in range(draw.number(1, 3)))), groups=groups)
    return case, lambda: nn.GroupNorm(groups, channels)


def layer_norm(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(2, 4) for _ in range(draw.number(1, 3)))
    axes, bias = draw.number(1, len(sizes)), draw.chance()
    case = make("layer_norm", TORCH, sizes, axes=axes, bias=bias)
    return case, lambda: nn.LayerNorm(sizes[-axes:], bias=bias)


def glu(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = tuple(draw.number(1, 6) for _ in range(draw.number(1, 3)))
    axis = draw.pick(-1, draw.number(1, len(sizes)))
    return make("glu", TORCH, sizes, axis=axis), lambda: nn.GLU(axis)


class First(nn.Module):
    """A recurrent module's first result."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x)[0]


def lstm(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = (draw.number(1, 5), draw.number(1, 5))
    units, layers, both, bias = draw.number(1, 4), draw.number(1, 3), draw.chance(), draw.chance()
    projection = draw.pick(0, 0, draw.number(1, 4))
    case = make("lstm", TORCH, sizes, units=units, layers=layers, bidirectional=both, bias=bias, projection=projection)
    return case, lambda: First(nn.LSTM(sizes[1], units, layers, bias, True, 0.0, both, projection))


def gru(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = (draw.number(1, 5), draw.number(1, 5))
    units, layers, both, bias = draw.number(1, 4), draw.number(1, 3), draw.chance(), draw.chance()
    case = make("gru", TORCH, sizes, units=units, layers=layers, bidirectional=both, bias=bias)
    return case, lambda: First(nn.GRU(sizes[1], units, layers, bias, True, 0.0, both))


def rnn(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes = (draw.number(1, 5), draw.number(1, 5))
    units, layers, both = draw.number(1, 4), draw.number(1, 2), draw.chance()
    case = make("rnn", TORCH, sizes, units=units, layers=layers, bidirectional=both)
    return case, lambda: First(nn.RNN(sizes[1], units, layers, batch_first=True, bidirectional=both))


def attention(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    sizes, heads, bias = (draw.number(1, 5), draw.number(1, 12)), draw.number(1, 4), draw.chance()

    class SelfAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.MultiheadAttention(sizes[1], heads, bias=bias, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.inner(x, x, x)[0]

    return make("attention", TORCH, sizes, heads=heads, bias=bias), SelfAttention


def batch_norm(draw: Draw) -> tuple[Case, Callable[[], Any]]:
    rank, channels = draw.number(1, 3), draw.number(1, 5)
    given = channels if draw.chance(0.7) else draw.number(1, 5)
    affine = draw.chance()
    case = make("batch_norm", TORCH, draw.image(TORCH, rank, channels, 4), affine=affine, features=given)
    return case, lambda: ranked("BatchNorm", rank)(given, affine=affine).eval()


DRAWS = [
    conv, conv_transpose, max_pool, avg_pool, lp_pool, adaptive_avg_pool, adaptive_max_pool, upsample, pixel_shuffle,
    pixel_unshuffle, unfold, fold, pad, flatten, reshape, unflatten, dense, group_norm, layer_norm, glu, lstm, gru,
    rnn, attention, batch_norm,
]  # fmt: skip


def run(case: Case, build: Callable[[], Any]) -> tuple[tuple[int, ...] | None, dict[str, tuple[int, ...]]]:
    """What PyTorch makes of a case: its shape (``None`` where it refuses) and its parameters."""
    try:
        module = build()
        with torch.no_grad():
            shape = tuple(module(torch.zeros(1, *case.sizes)).shape[1:])
    except (RuntimeError, ValueError, AssertionError, IndexError):
        return None, {}
    if 0 in shape:
        # An empty tensor, or an error on another of PyTorch's backends: an error here.
        return None, {}
    names = {name.removeprefix("inner."): tuple(p.shape) for name, p in module.named_parameters()}
    return shape, names


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("draw_case", DRAWS, ids=lambda f: f.__name__)
def test_pytorch_agrees_on_random_layers(draw_case: Any) -> None:
    draw = Draw(seed=20261124)
    built = 0
    for _ in range(CASES_A_LAYER):
        case, build = draw_case(draw)
        actual, parameters = run(case, build)
        assert case.expected == actual, f"{case}: {case.expected} here, {actual} in PyTorch"
        if actual is not None:
            built += 1
            assert list(case.weights.items()) == list(parameters.items()), str(case)
    assert built > CASES_A_LAYER // 20
