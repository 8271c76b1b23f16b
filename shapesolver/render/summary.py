"""A network as a table: each layer, what it is, its size in numbers and as a formula, its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.layers.base import Tensor, Weight
from shapesolver.network import Network
from shapesolver.placed import count, sum_of


@dataclass(frozen=True, slots=True)
class Row:
    """One layer of a summary."""

    path: str
    op: str
    layer: str
    line: int
    tensor: Tensor | None
    """Its size; ``None`` where it cannot be built."""
    formula: Tensor | None
    """Its size for every input size."""
    weights: tuple[Weight, ...]
    params: Dim
    """How many parameters it has of its own."""
    trainable: Dim
    shared: str | None
    """The earlier layer whose weights it uses."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What ``show`` shows."""

    name: str
    dialect: str
    at: Mapping[str, int]
    rows: tuple[Row, ...]
    params: Dim
    trainable: Dim


def summarise(net: Network) -> Summary:
    """The summary of a network at its usual sizes, or at those that were set."""
    shown = net.usual()
    formulas = net.free().derivation
    rows = tuple(
        Row(
            layer.path,
            layer.op,
            layer.kind.describe(),
            layer.line,
            shown.derivation.tensor(index),
            formulas.tensor(index),
            layer.weight_arrays,
            count(layer.own_arrays),
            count(layer.own_arrays, trainable=True),
            layer.shared if layer.weight_arrays else None,
        )
        for index, layer in enumerate(shown.layers)
    )
    total = sum_of(row.params for row in rows)
    trainable = sum_of(row.trainable for row in rows)
    return Summary(net.name, net.dialect.name, shown.values, rows, total, trainable)


def size_text(tensor: Tensor | None) -> str:
    """``8 x 8 x 32``, or a dash where there is none."""
    return "-" if tensor is None else str(tensor)


def number_text(size: Dim) -> str:
    """A count, with thousands set apart."""
    return f"{size:,}" if isinstance(size, int) else str(size)


def weight_lines(weights: tuple[Weight, ...]) -> Iterator[str]:
    """``kernel (7, 7, 1, 32)``, one a line."""
    for weight in weights:
        note = "" if weight.trainable else " (not trained)"
        yield f"{weight.name} {weight}{note}"


def params_text(row: Row) -> str:
    """How many parameters a layer has, and whose they are where it shares another's: ``conv1's``."""
    if not row.weights:
        return ""
    if row.shared is None:
        return number_text(row.params)
    return f"{row.shared}'s" if row.params == 0 else f"{row.shared}'s + {number_text(row.params)}"


def totals(summary: Summary) -> str:
    """The last line: how many parameters."""
    fixed = summary.params - summary.trainable
    text = f"{number_text(summary.params)} parameters"
    return text if fixed == 0 else f"{text}, {number_text(fixed)} of them not trained"


def headline(summary: Summary) -> str:
    """The first line: the network and its sizes."""
    at = ", ".join(f"{name} = {value}" for name, value in summary.at.items())
    return f"{summary.name} ({summary.dialect}{', ' + at if at else ''})"


def headers(formulas: bool, weights: bool) -> list[str]:
    """The table's columns."""
    return [
        "layer",
        "what it is",
        "size",
        *(["formula"] if formulas else []),
        *(["weights"] if weights else []),
        "parameters",
    ]


def cells(row: Row, formulas: bool, weights: bool) -> list[str]:
    """A row's cells, in the order of :func:`headers`."""
    size, formula = size_text(row.tensor), size_text(row.formula)
    return [
        row.path,
        row.layer,
        size,
        *([formula if formula != size else ""] if formulas else []),
        *(["\n".join(weight_lines(row.weights))] if weights else []),
        params_text(row),
    ]


def to_json(summary: Summary) -> dict[str, Any]:
    """The summary as JSON values; formulas are strings."""
    return {
        "name": summary.name,
        "dialect": summary.dialect,
        "at": dict(summary.at),
        "layers": [
            {
                "path": row.path,
                "op": row.op,
                "layer": row.layer,
                "line": row.line,
                "axes": list(row.tensor.axes) if row.tensor else None,
                "size": json_sizes(row.tensor),
                "formula": None if row.formula is None else [str(size) for size in row.formula.sizes],
                "weights": [
                    {"name": w.name, "shape": [json_size(s) for s in w.shape], "trainable": w.trainable}
                    for w in row.weights
                ],
                "parameters": json_size(row.params),
                "shared": row.shared,
            }
            for row in summary.rows
        ],
        "parameters": json_size(summary.params),
        "trainable_parameters": json_size(summary.trainable),
    }


def json_sizes(tensor: Tensor | None) -> list[int | str] | None:
    """A tensor's sizes as JSON."""
    return None if tensor is None else [json_size(size) for size in tensor.sizes]


def json_size(size: Dim) -> int | str:
    """A number, or a formula as text."""
    return size if isinstance(size, int) else str(size)


def to_markdown(summary: Summary, formulas: bool, weights: bool) -> str:
    """The summary as a Markdown table."""
    columns = headers(formulas, weights)
    numeric = {"parameters"}
    lines = [
        f"**{headline(summary)}**",
        "",
        f"| {' | '.join(columns)} |",
        f"| {' | '.join('---:' if column in numeric else '---' for column in columns)} |",
    ]
    for row in summary.rows:
        texts = (text.replace("|", "\\|").replace("\n", "<br>") for text in cells(row, formulas, weights))
        lines.append(f"| {' | '.join(texts)} |")
    return "\n".join([*lines, "", totals(summary), ""])
