"""Weights of recurrent layers: gates in each framework's order, and biases that are one here and two there.

Keras' gates stand as i f c o (LSTM) and z r h (GRU), PyTorch's as i f g o and r z n, ONNX' as i o f c and z r h.
Keras' LSTM has one bias where the others have two that are added; its GRU has two rows (``reset_after``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shapesolver.diagnostics import ShapeSolverError

GATES: Mapping[str, Mapping[str, str]] = {
    "lstm": {"keras": "ifco", "torch": "ifco", "onnx": "iofc"},
    "gru": {"keras": "zrh", "torch": "rzh", "onnx": "zrh"},
    "rnn": {"keras": "h", "torch": "h", "onnx": "h"},
}
"""The order of the gates, each by one letter."""


class RecurrentWeightsError(ShapeSolverError):
    """The weights of a recurrent layer are not those that its framework has."""


Direction = tuple[Any, Any, Any, Any]
"""One direction's arrays in Keras' orientation: ``(features, gates*units)``, ``(units, gates*units)``, and the input
and recurrent biases, each ``(gates*units,)`` or ``None``; gates in the order of the framework it came from."""


def recurrent(weights: Mapping[str, Any], op: str, source: str, target: str) -> dict[str, Any]:
    """The weights of one layer of a recurrent kind for another framework."""
    gates = GATES[op]
    read = {"keras": _from_keras, "torch": _from_torch, "onnx": _from_onnx}[source]
    try:
        directions = list(read(weights))
    except KeyError as error:
        raise RecurrentWeightsError(f"{op} needs the array {error.args[0]} in {source}") from None
    sorted_ = [tuple(_sorted(array, gates[source], gates[target]) for array in one) for one in directions]
    write = {"keras": _to_keras, "torch": _to_torch, "onnx": _to_onnx}[target]
    return write(sorted_, op)


def _sorted(array: Any, before: str, after: str) -> Any:
    """The last axis' gates in another order."""
    if array is None or before == after:
        return array
    import numpy

    parts = dict(zip(before, numpy.split(array, len(before), axis=-1), strict=True))
    return numpy.concatenate([parts[gate] for gate in after], axis=-1)


def _from_keras(weights: Mapping[str, Any]) -> Iterator[Direction]:
    for prefix in ("forward.", "backward.") if "forward.kernel" in weights else ("",):
        bias = weights.get(f"{prefix}bias")
        rows = (bias, None) if bias is None or bias.ndim == 1 else tuple(bias)
        yield (weights[f"{prefix}kernel"], weights[f"{prefix}recurrent_kernel"], *rows)


def _from_torch(weights: Mapping[str, Any]) -> Iterator[Direction]:
    for suffix in ("_l0", "_l0_reverse") if "weight_ih_l0_reverse" in weights else ("_l0",):
        biases = weights.get(f"bias_ih{suffix}"), weights.get(f"bias_hh{suffix}")
        yield (weights[f"weight_ih{suffix}"].T, weights[f"weight_hh{suffix}"].T, *biases)


def _from_onnx(weights: Mapping[str, Any]) -> Iterator[Direction]:
    import numpy

    for direction in range(weights["W"].shape[0]):
        both = weights["B"][direction] if "B" in weights else None
        biases = (None, None) if both is None else tuple(numpy.split(both, 2))
        yield (weights["W"][direction].T, weights["R"][direction].T, *biases)


def _to_keras(directions: list[Direction], op: str) -> dict[str, Any]:
    import numpy

    found = {}
    for prefix, (kernel, inner, bias, other) in zip(_keras_prefixes(directions), directions, strict=True):
        found[f"{prefix}kernel"], found[f"{prefix}recurrent_kernel"] = kernel, inner
        if bias is not None:
            second = numpy.zeros_like(bias) if other is None else other
            found[f"{prefix}bias"] = numpy.stack([bias, second]) if op == "gru" else bias + second
    return found


def _keras_prefixes(directions: list[Direction]) -> tuple[str, ...]:
    return ("forward.", "backward.") if len(directions) == 2 else ("",)


def _to_torch(directions: list[Direction], op: str) -> dict[str, Any]:
    import numpy

    found = {}
    for suffix, (kernel, inner, bias, other) in zip(("_l0", "_l0_reverse"), directions, strict=False):
        found[f"weight_ih{suffix}"], found[f"weight_hh{suffix}"] = kernel.T, inner.T
        if bias is not None:
            found[f"bias_ih{suffix}"] = bias
            found[f"bias_hh{suffix}"] = numpy.zeros_like(bias) if other is None else other
    return found


def _to_onnx(directions: list[Direction], op: str) -> dict[str, Any]:
    import numpy

    found = {
        "W": numpy.stack([kernel.T for kernel, _, _, _ in directions]),
        "R": numpy.stack([inner.T for _, inner, _, _ in directions]),
    }
    if directions[0][2] is not None:
        pairs = [(bias, numpy.zeros_like(bias) if other is None else other) for _, _, bias, other in directions]
        found["B"] = numpy.stack([numpy.concatenate(pair) for pair in pairs])
    return found
