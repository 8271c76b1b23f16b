"""Multi-head attention over sequences: the last axis holds the features, the one before it the positions."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, ClassVar, Self

from shapesolver.arithmetic import Dim, compare
from shapesolver.layers.base import Layer, Need, Tensor, Trouble, Weight, need
from shapesolver.layers.parameters import Kind, declare
from shapesolver.layers.reading import Readings, same, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.work import Saved, Work


@layer("attention")
class Attention(Layer):
    """Multi-head attention. One input attends to itself; two are query and memory; three query, key and value.

    The result has the query's sizes. PyTorch: ``heads`` must divide the features, and one array holds the three
    projections (three arrays when key or value have other features). Keras: ``key_dim`` is free.
    """

    other_names: ClassVar = {
        "MultiHeadAttention": "heads key_dim value_dim",
        "MultiheadAttention": "features heads",
    }
    inputs: ClassVar[tuple[int, int | None]] = (1, 3)

    heads: Dim = declare(Kind.SIZE, "attention heads", names=("num_heads",), least=1)
    key_dim: Dim | None = declare(Kind.SIZE, "features of a head's query and key (Keras)", default=None, least=1)
    value_dim: Dim | None = declare(Kind.SIZE, "features of a head's value (Keras)", default=None, least=1)
    features: Dim | None = declare(
        Kind.SIZE, "the query's features, checked when given", default=None, names=("embed_dim",), least=1
    )
    bias: bool = declare(Kind.FLAG, "whether biases are added", default=True, names=("use_bias",))

    def roles(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value."""
        query = inputs[0]
        value = inputs[2] if len(inputs) == 3 else inputs[-1]
        return query, inputs[1] if len(inputs) > 1 else query, value

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        for tensor in inputs:
            yield need(tensor.rank >= 2, "wrong-rank", f"attention needs positions and features, not {tensor}")
        query, key, value = self.roles(inputs)
        features = query.sizes[-1]
        if self.features is not None:
            yield need(
                compare("==", features, self.features),
                "features-mismatch",
                f"attention is told to expect {self.features} features, and {features} come in",
            )
        if self.dialect.keras:
            yield need(
                self.key_dim is not None,
                "framework-limit",
                "Keras' attention needs key_dim, the features of one head",
            )
        else:
            yield self.divisible(
                features, self.heads, "its features", "heads", "embed_dim must be divisible by num_heads"
            )
        yield Need(
            compare("==", key.sizes[-2], value.sizes[-2]),
            "size-mismatch",
            lambda: Trouble(f"attention needs as many keys as values: {key.sizes[-2]} and {value.sizes[-2]}"),
        )

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The query at the result's own place; every key and value. One input is all three."""
        query, *others = inputs
        place = () if not others else (same(query.rank - 2),)
        leading = tuple(map(same, range(query.rank - 2)))
        seen = [(*leading, *(place or (whole(query.sizes[-2]),)), whole(query.sizes[-1]))]
        return (*seen, *((*leading, whole(t.sizes[-2]), whole(t.sizes[-1])) for t in others))

    def work(self, *inputs: Tensor) -> Work:
        """the four projections, the scores and the sums they weigh; 6 operations a score to scale it and for softmax"""
        query, key, value = self.roles(inputs)
        rows, columns = query.sizes[-2], key.sizes[-2]
        keys, values = self._inner(query)
        projected = rows * keys, columns * keys, columns * values, rows * query.sizes[-1]
        widths = query.sizes[-1], key.sizes[-1], value.sizes[-1], values
        macs = sum((cells * width for cells, width in zip(projected, widths, strict=True)), start=0)
        macs = macs + rows * columns * keys + rows * columns * values
        other = rows * columns * self.heads * 6 + (sum(projected, start=0) if self.bias else 0)
        return Work(macs * prod(query.sizes[:-2]), other * prod(query.sizes[:-2]))

    def saves(self, *inputs: Tensor) -> Saved:
        """The inputs; query, key and value projected, the query scaled; the scores after softmax, and their sums."""
        query, key, _ = self.roles(inputs)
        rows, columns = query.sizes[-2], key.sizes[-2]
        keys, values = self._inner(query)
        cells = 2 * rows * keys + columns * keys + columns * values + rows * columns * self.heads + rows * values
        return Saved(inputs=True, cells=cells * prod(query.sizes[:-2]))

    def _inner(self, query: Tensor) -> tuple[Dim, Dim]:
        """The features of all heads' keys (and queries), and of their values."""
        if not self.dialect.keras:
            return query.sizes[-1], query.sizes[-1]
        key_dim: Any = self.key_dim
        return self.heads * key_dim, self.heads * (key_dim if self.value_dim is None else self.value_dim)

    def spelled_out(self, *inputs: Tensor) -> Self:
        """With the features of a head, which PyTorch leaves to the query."""
        if self.dialect.keras:
            return self
        return self.with_(key_dim=inputs[0].sizes[-1] // self.heads)

    def weights(self, *inputs: Tensor) -> tuple[Weight, ...]:
        query, key, value = (tensor.sizes[-1] for tensor in self.roles(inputs))
        return self._keras(query, key, value) if self.dialect.keras else self._torch(query, key, value)

    def _keras(self, query: Dim, key: Dim, value: Dim) -> tuple[Weight, ...]:
        key_dim: Any = self.key_dim
        value_dim = key_dim if self.value_dim is None else self.value_dim
        heads, arrays = self.heads, []
        for name, features, dim in (
            ("query", query, key_dim),
            ("key", key, key_dim),
            ("value", value, value_dim),
        ):
            arrays.append(Weight(f"{name}.kernel", (features, heads, dim)))
            arrays.append(Weight(f"{name}.bias", (heads, dim)))
        arrays.append(Weight("attention_output.kernel", (heads, value_dim, query)))
        arrays.append(Weight("attention_output.bias", (query,)))
        return tuple(w for w in arrays if self.bias or not w.name.endswith("bias"))

    def _torch(self, query: Dim, key: Dim, value: Dim) -> tuple[Weight, ...]:
        if query == key == value:
            arrays = [Weight("in_proj_weight", (query * 3, query))]
        else:
            arrays = [
                Weight(f"{name}_proj_weight", (query, features))
                for name, features in (("q", query), ("k", key), ("v", value))
            ]
        if self.bias:
            arrays.append(Weight("in_proj_bias", (query * 3,)))
        arrays.append(Weight("out_proj.weight", (query, query)))
        if self.bias:
            arrays.append(Weight("out_proj.bias", (query,)))
        return tuple(arrays)
