"""Every layer's size for arrays of input sizes at once: formulas evaluated with numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from shapesolver.arithmetic import Dim, Formula, Truth, substitute
from shapesolver.arithmetic.conditions import evaluate
from shapesolver.derive import derive
from shapesolver.network import Network


def sweep(net: Network, arrays: Mapping[str, Any]) -> Mapping[str, tuple[numpy.ndarray, ...]]:
    """The shape of every layer by path, one array an axis; 0 where the network cannot be built up to there.

    Raises ``ValueError`` for an unknown size, one without a value, or arrays that do not broadcast.
    """
    graph = net.graph if arrays.keys() <= net.graph.symbols.keys() else net.free().graph
    unknown = arrays.keys() - graph.symbols.keys()
    if unknown:
        known = ", ".join(graph.symbols) or "none"
        raise ValueError(f"unknown size {', '.join(sorted(unknown))}; the sizes of this network are {known}")
    values: dict[str, Any] = {name: usual for name, usual in graph.symbols.items() if usual is not None}
    values.update(net.values)
    given = {name: numpy.asarray(array, dtype=numpy.int64) for name, array in arrays.items()}
    values.update(zip(given, numpy.broadcast_arrays(*given.values()), strict=True))
    missing = graph.symbols.keys() - values.keys()
    if missing:
        raise ValueError(f"no size is given for {', '.join(sorted(missing))}")
    shape = numpy.broadcast_shapes(*(array.shape for array in given.values()))
    return Sweep(values, shape).run(net, graph, set(given))


class Sweep:
    """One evaluation; each distinct formula and condition is evaluated once."""

    def __init__(self, values: Mapping[str, Any], shape: tuple[int, ...]) -> None:
        self._values = values
        self._shape = shape
        self._sizes: dict[Dim, numpy.ndarray] = {}
        self._truths: dict[Truth, numpy.ndarray] = {}
        self._masked: dict[tuple[Dim, int], numpy.ndarray] = {}

    def run(self, net: Network, graph: Any, swept: set[str]) -> Mapping[str, tuple[numpy.ndarray, ...]]:
        """Derive once with the swept sizes symbolic, then evaluate."""
        derivation = derive(graph, {n: v for n, v in self._values.items() if n not in swept})
        everything = numpy.full(self._shape, True)
        nothing = numpy.full(self._shape, False)
        valid: list[numpy.ndarray] = []
        found: dict[str, tuple[numpy.ndarray, ...]] = {}
        for index, node in enumerate(graph.nodes):
            outcome = derivation.outcomes[index]
            if outcome is None or outcome.broken is not None:
                valid.append(nothing)
                found[node.path] = ()
                continue
            mask = everything
            for wire in node.inputs:
                mask = _both(mask, valid[wire.node], everything)
            for condition in outcome.conditions:
                mask = _both(mask, self._truth(condition.truth), everything)
            valid.append(mask)
            found[node.path] = tuple(self._size(size, mask, everything) for size in outcome.outputs[0].sizes)
        return found

    def _truth(self, truth: Truth) -> numpy.ndarray:
        if truth not in self._truths:
            result = numpy.broadcast_to(evaluate(truth, self._values), self._shape)
            self._truths[truth] = result
        return self._truths[truth]

    def _size(self, size: Dim, mask: numpy.ndarray, everything: numpy.ndarray) -> numpy.ndarray:
        if size not in self._sizes:
            value = substitute(size, self._values) if isinstance(size, Formula) else size
            self._sizes[size] = numpy.broadcast_to(numpy.asarray(value, dtype=numpy.int64), self._shape)
        if mask is everything:
            return self._sizes[size]
        key = size, id(mask)
        if key not in self._masked:
            self._masked[key] = numpy.where(mask, self._sizes[size], 0)
        return self._masked[key]


def _both(left: numpy.ndarray, right: numpy.ndarray, everything: numpy.ndarray) -> numpy.ndarray:
    """``left & right``, sharing an array where one says nothing new."""
    if right is left or right is everything:
        return left
    if left is everything:
        return right
    joined = left & right
    return left if bool((joined == left).all()) else joined
