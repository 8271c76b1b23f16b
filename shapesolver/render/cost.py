"""What a network costs as a table: layer by layer or block by block, with shares and totals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.diagnostics import ShapeSolverError
from shapesolver.measure.cost import LayerCost, NetworkCost
from shapesolver.network import Network
from shapesolver.placed import ShapeError, sum_of
from shapesolver.render.summary import json_size, number_text, size_text

MANY_ROWS = 40
"""Beyond so many layers that cost something a table shows blocks."""
TOP = 20
"""How many rows a sorted table shows."""

Cost = NetworkCost[Dim]

KEYS: Mapping[str, Callable[[Row], Dim]] = {
    "macs": lambda row: row.macs,
    "flops": lambda row: row.flops,
    "params": lambda row: row.params,
    "memory": lambda row: row.activation_bytes,
}
"""What rows may be sorted by."""


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, or several under one path."""

    path: str
    layers: int
    size: str
    """The size of its last layer."""
    macs: Dim
    flops: Dim
    params: Dim
    activation_bytes: Dim


@dataclass(frozen=True, slots=True)
class Report:
    """What ``cost`` shows."""

    net: Network
    cost: Cost
    rows: tuple[Row, ...]
    hidden: int
    """How many rows of a sorted table are left out."""
    formula: str | None
    """The multiply-accumulates of one example as a formula in the input sizes, where they depend on them."""


def report(net: Network, dtype: str, batch: int, depth: int | None = None, sort: str | None = None) -> Report:
    """The costs of a network at its usual sizes, or at those that were set; the greatest first with ``sort``.

    Raises :class:`ShapeSolverError` where costs are to be sorted and are formulas.
    """
    shown = net.usual()
    cost = numbers(shown, dtype, batch)
    single = [row for row in rows(shown, cost, None) if not _free_of_charge(row)]
    if depth is None and len(single) > MANY_ROWS and sort is None:
        depth = 1
    found = single if depth is None else [row for row in rows(shown, cost, depth) if not _free_of_charge(row)]
    hidden = 0
    if sort is not None:
        found = _sorted(found, sort)
        hidden = max(len(found) - TOP, 0)
    return Report(shown, cost, tuple(found[: len(found) - hidden]), hidden, formula_of_macs(net))


def numbers(net: Network, dtype: str = "float32", batch: int | None = 1) -> Cost:
    """The costs in the package's own form."""
    return NetworkCost(net, dtype, batch, lambda dim: dim)


def formula_of_macs(net: Network) -> str | None:
    """The multiply-accumulates of one example as a formula; ``None`` where there is none to write."""
    try:
        macs = numbers(net.free()).macs
    except ShapeError:  # some layers can be built at given sizes alone
        return None
    return None if isinstance(macs, int) else str(macs)


def rows(net: Network, cost: Cost, depth: int | None) -> Iterator[Row]:
    """A row for each layer, or for neighbours whose paths agree in the first ``depth`` parts."""
    run: list[tuple[LayerCost[Dim], str]] = []
    for layer, figures in zip(net.layers, cost.layers, strict=True):
        path = figures.path if depth is None else ".".join(_parts(figures.path)[:depth])
        if run and run[0][1] != path:
            yield _row(net, run)
            run = []
        run.append((figures, path))
        if depth is None or layer.path == path:
            yield _row(net, run)
            run = []
    if run:
        yield _row(net, run)


def _parts(path: str) -> list[str]:
    """``layer1.repeat1[0].conv1`` in its parts; a repeat's rounds go together."""
    return re.sub(r"\[\d+\]", "", path).split(".")


def _row(net: Network, run: list[tuple[LayerCost[Dim], str]]) -> Row:
    costs = [figures for figures, _ in run]
    return Row(
        run[0][1],
        len(costs),
        size_text(net[costs[-1].path].tensor),
        sum_of(cost.macs for cost in costs),
        sum_of(cost.flops for cost in costs),
        sum_of(cost.params for cost in costs),
        sum_of(cost.activation_bytes for cost in costs),
    )


def _free_of_charge(row: Row) -> bool:
    return (row.flops, row.params, row.activation_bytes) == (0, 0, 0)


def _sorted(found: list[Row], sort: str) -> list[Row]:
    weighed = [(key, row) for row in found if isinstance(key := KEYS[sort](row), int)]
    if len(weighed) < len(found):
        raise ShapeSolverError("costs that are formulas have no order; give sizes with --at")
    return [row for _, row in sorted(weighed, key=lambda pair: -pair[0])]


# Words.


def headline(shown: Report) -> str:
    """The first line: the network, its sizes, and for what the costs are."""
    net, cost = shown.net, shown.cost
    at = "".join(f", {name} = {value}" for name, value in net.values.items())
    examples = "1 example" if cost.batch == 1 else f"{cost.batch} examples"
    return f"{net.name} ({net.dialect.name}{at}): {examples} in {cost.dtype}"


COLUMNS = ("layer", "size", "MACs", "%", "parameters", "%", "results", "%")
TEXT_COLUMNS = ("layer", "size")


def cells(shown: Report) -> Iterator[tuple[str, ...]]:
    """The table's cells, in the order of :data:`COLUMNS`."""
    cost = shown.cost
    for row in shown.rows:
        path = row.path if row.layers == 1 else f"{row.path} ({row.layers} layers)"
        yield (
            path,
            row.size,
            number_text(row.macs) if row.macs != 0 else "",
            share(row.macs, cost.macs),
            number_text(row.params) if row.params != 0 else "",
            share(row.params, cost.params),
            bytes_text(row.activation_bytes) if row.activation_bytes != 0 else "",
            share(row.activation_bytes, cost.activation_bytes),
        )
    if shown.hidden:
        yield (f"and {shown.hidden} more", "", "", "", "", "", "", "")
    yield (
        "total",
        "",
        number_text(cost.macs),
        "",
        number_text(cost.params),
        "",
        bytes_text(cost.activation_bytes),
        "",
    )


def share(part: Dim, whole: Dim) -> str:
    """How many percent a part is; nothing for formulas and for nothing."""
    if not isinstance(part, int) or not isinstance(whole, int) or part == 0:
        return ""
    return f"{100 * part / whole:.1f}"


def bytes_text(count: Dim) -> str:
    """Bytes in the unit that suits: ``1.48 MiB``."""
    if not isinstance(count, int):
        return f"{count} bytes"
    if count < 1024:
        return f"{count} B"
    size, unit = float(count), "B"
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB"):  # noqa: B007 - the last one is wanted
        size /= 1024
        if size < 1024:
            break
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"


def closing(shown: Report) -> Iterator[tuple[str, str]]:
    """What follows the table, each line with its label."""
    cost = shown.cost
    yield "MACs", _macs(shown)
    yield "FLOPs", f"{number_text(cost.flops)}, a MAC being two"
    fixed = cost.params - cost.trainable_params
    trained = "" if fixed == 0 else f", {number_text(fixed)} of them not trained"
    yield "weights", f"{number_text(cost.params)} parameters{trained}: {bytes_text(cost.weight_bytes)}"
    yield "results", f"{bytes_text(cost.activation_bytes)} in all; at most {_peak(cost.peak)} at a time"
    yield "training", f"at most {_peak(cost.training_peak)}; {bytes_text(cost.saved_bytes)} saved for the backward pass"
    if cost.unknown:
        yield "unknown", f"the operations of {', '.join(cost.unknown)}, which are left out"


def _macs(shown: Report) -> str:
    total = number_text(shown.cost.macs)
    if shown.formula is None or shown.formula == str(shown.cost.macs):
        return total
    one = shown.cost.batch == 1
    return f"{total} = {shown.formula}" if one else f"{total} = {shown.cost.batch} * ({shown.formula})"


def _peak(peak: Any) -> str:
    return bytes_text(peak.bytes) + (f" (at {peak.at})" if peak.at else "")


# Forms.


def to_json(shown: Report) -> dict[str, Any]:
    """The costs as JSON values, every layer with its own; formulas are strings."""
    net, cost = shown.net, shown.cost
    return {
        "name": net.name,
        "dialect": net.dialect.name,
        "at": dict(net.values),
        "batch": cost.batch,
        "dtype": cost.dtype,
        "layers": [
            {
                "path": figures.path,
                "op": figures.op,
                "line": layer.line,
                "size": [json_size(size) for size in layer.tensor.sizes],
                "macs": json_size(figures.macs),
                "flops": json_size(figures.flops),
                "known": figures.known,
                "parameters": json_size(figures.params),
                "weight_bytes": json_size(figures.weight_bytes),
                "activation_bytes": json_size(figures.activation_bytes),
            }
            for layer, figures in zip(net.layers, cost.layers, strict=True)
        ],
        "macs": json_size(cost.macs),
        "flops": json_size(cost.flops),
        "parameters": json_size(cost.params),
        "trainable_parameters": json_size(cost.trainable_params),
        "weight_bytes": json_size(cost.weight_bytes),
        "activation_bytes": json_size(cost.activation_bytes),
        "peak": {"bytes": json_size(cost.peak.bytes), "at": cost.peak.at},
        "training_peak": {"bytes": json_size(cost.training_peak.bytes), "at": cost.training_peak.at},
        "saved_bytes": json_size(cost.saved_bytes),
        "unknown": list(cost.unknown),
        "formula": shown.formula,
    }


def to_markdown(shown: Report) -> str:
    """The costs as a Markdown table."""
    rule = " | ".join("---" if column in TEXT_COLUMNS else "---:" for column in COLUMNS)
    lines = [f"**{headline(shown)}**", "", f"| {' | '.join(COLUMNS)} |", f"| {rule} |"]
    lines += [f"| {' | '.join(texts)} |" for texts in cells(shown)]
    return "\n".join([*lines, "", *(f"- {label}: {text}" for label, text in closing(shown)), ""])
