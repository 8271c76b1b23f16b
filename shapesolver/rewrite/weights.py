"""Weights of one framework for another, and of a dense layer for the convolution that does the same.

The arrays are numpy's. Names and orders are those that ``show --weights`` gives: Keras' ``kernel`` is
``(*kernel, in, out)``, PyTorch's ``weight`` ``(out, in, *kernel)``, and ONNX has PyTorch's order under other names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shapesolver.diagnostics import ShapeSolverError
from shapesolver.rewrite.patterns import PatternError, rank_of, rearranged
from shapesolver.rewrite.recurrent import GATES, recurrent

FRAMEWORKS = ("keras", "torch", "onnx")

Patterns = Mapping[str, Mapping[str, str]]
"""For each framework, its arrays by name with their axes; the arrays of all stand in the same order."""


def _named(keras: str, torch: str, onnx: str, *axes: str | tuple[str, str]) -> Patterns:
    """Arrays by each framework's names; ``axes`` is one pattern for all, or Keras' and the others'."""
    pairs = [(each, each) if isinstance(each, str) else each for each in axes]
    return {
        framework: {name: pair[which] for name, pair in zip(names.split(), pairs, strict=True)}
        for framework, names, which in (("keras", keras, 0), ("torch", torch, 1), ("onnx", onnx, 1))
    }


ORDERS: Mapping[str, Patterns] = {
    "dense": _named("kernel bias", "weight bias", "B C", ("i o", "o i"), "o"),
    "conv": _named("kernel bias", "weight bias", "W B", ("k i o", "o i k"), "o"),
    "depthwise_conv": _named("kernel bias", "weight bias", "W B", ("k c m", "(c m) 1 k"), "o"),
    "conv_transpose": _named("kernel bias", "weight bias", "W B", ("k o i", "i o k"), "o"),
    "separable_conv": _named(
        "depthwise_kernel pointwise_kernel bias",
        "depthwise.weight pointwise.weight pointwise.bias",
        "depthwise.W pointwise.W pointwise.B",
        ("k c m", "(c m) 1 k"),
        ("k i o", "o i k"),
        "o",
    ),
    "batch_norm": _named(
        "gamma beta moving_mean moving_variance",
        "weight bias running_mean running_var",
        "scale B input_mean input_var",
        *("c",) * 4,
    ),
    "layer_norm": _named("gamma beta", "weight bias", "scale B", "k", "k"),
    "group_norm": _named("gamma beta", "weight bias", "scale B", "c", "c"),
    "instance_norm": _named("gamma beta", "weight bias", "scale B", "c", "c"),
    "embedding": _named("embeddings", "weight", "data", "v d"),
}
"""The arrays of each layer kind. ``i`` and ``o`` are the input and output channels, ``c m`` the channels and the
filters for each of a depthwise convolution; with groups ``i`` (or a transposed ``o``) are those of one group."""

FLATTENED = {"channels_last": "(k c)", "channels_first": "(c k)"}
"""The order in which a flattened map's cells stand."""


class WeightsError(ShapeSolverError):
    """Weights cannot be converted: an unknown layer, framework or array, or a shape that does not fit."""


def convert_weights(
    weights: Any,
    op: str,
    *,
    source: str = "keras",
    target: str | None = None,
    to: str | None = None,
    map: Sequence[int] | None = None,
    order: str | None = None,
    target_order: str | None = None,
    multiplier: int = 1,
) -> Any:
    """The weights of a layer for another framework, or for the layer of another kind that does the same.

    ``weights`` is a mapping of arrays by the ``source`` framework's names (``keras``, ``torch``, ``onnx``), or the
    first of them alone, and so is the result for ``target`` (by default the same framework).

    ``op`` is the layer's kind: dense, conv, depthwise_conv, conv_transpose, separable_conv, batch_norm, layer_norm,
    group_norm, instance_norm, embedding, lstm, gru, rnn. ``to="conv"`` makes the convolution of a dense layer that
    follows a flattened map with the spatial sizes ``map``, and ``to="dense"`` takes it back. A dense layer that stays
    one but follows a flattened map of several places needs ``map``, too, where the frameworks flatten in different
    orders: Keras places first, the others channels first; ``order`` (of the source) and ``target_order`` say
    otherwise (``channels_last``, ``channels_first``). ``multiplier`` is a depthwise convolution's.

    >>> convert_weights(kernel, "dense", to="conv", map=(7, 7)).shape  # kernel.shape == (25088, 4096)
    (7, 7, 512, 4096)

    Raises :class:`WeightsError`.
    """
    target = source if target is None else target
    for framework in (source, target):
        if framework not in FRAMEWORKS:
            raise WeightsError(f"unknown framework {framework!r}; there are {', '.join(FRAMEWORKS)}")
    alone = not isinstance(weights, Mapping)
    if op in GATES:
        if alone:
            raise WeightsError(f"the weights of {op} depend on each other; give all of them by name")
        return recurrent(weights, op, source, target)
    before, after = _patterns(op, source, target, to, map, order, target_order)
    given = {next(iter(before)): weights} if alone else dict(weights)
    unknown = given.keys() - before.keys()
    if unknown:
        raise WeightsError(f"{op} has no array {', '.join(sorted(unknown))}; {source} calls them {', '.join(before)}")
    known = {f"k{axis}": size for axis, size in enumerate(map or ())}
    rank = len(known) if map is not None else None
    found = {}
    for (name, one), (new, other) in zip(before.items(), after.items(), strict=True):
        if name in given:
            sizes = {**known, "m": multiplier} if "m" in one else known
            found[new] = _array(given[name], one, other, sizes, rank, f"{op}'s {name}")
    return next(iter(found.values())) if alone else found


def _array(array: Any, one: str, other: str, known: Mapping[str, int], rank: int | None, what: str) -> Any:
    if rank is None:
        rank = rank_of(one, len(array.shape))
    try:
        return rearranged(array, one, other, known, rank)
    except PatternError as error:
        raise WeightsError(f"{what}: {error}") from None


def _patterns(
    op: str,
    source: str,
    target: str,
    to: str | None,
    map: Sequence[int] | None,
    order: str | None,
    target_order: str | None,
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The arrays of the source and of the target, with their axes, in the same order."""
    if op not in ORDERS:
        raise WeightsError(f"no order of weights is known for {op!r}; there are {', '.join([*ORDERS, *GATES])}")
    before, after = dict(ORDERS[op][source]), dict(ORDERS[to or op][target]) if (to or op) in ORDERS else {}
    if to not in (None, op) and {op, to} != {"dense", "conv"}:
        raise WeightsError(f"{op} cannot become {to}; dense can become conv, and conv dense")
    if map is None:
        if to not in (None, op):
            raise WeightsError(f"{op} to {to} needs map, the spatial sizes of the map that was flattened")
        return before, after
    if "dense" not in (op, to):
        raise WeightsError(f"map is the size of the map before a dense layer, and this is {op}")
    for patterns, framework, kind, stated in ((before, source, op, order), (after, target, to or op, target_order)):
        first = next(iter(patterns))
        if kind == "dense":
            patterns[first] = dense_axes(framework, stated)
        else:
            patterns[first] = conv_axes(framework)
    return before, after


def dense_axes(framework: str, order: str | None = None) -> str:
    """The axes of the first weight of a dense layer that follows a flattened map."""
    order = order or ("channels_last" if framework == "keras" else "channels_first")
    if order not in FLATTENED:
        raise WeightsError(f"the order is {' or '.join(FLATTENED)}, not {order!r}")
    return f"{FLATTENED[order]} o" if framework == "keras" else f"o {FLATTENED[order]}"


def conv_axes(framework: str) -> str:
    """The axes of the first weight of the convolution that does the same: its input channels are the map's."""
    return next(iter(ORDERS["conv"][framework].values())).replace("i", "c")
