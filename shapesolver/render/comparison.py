"""Two networks side by side: layer by layer, in total, and for which sizes they agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shapesolver.arithmetic import Dim
from shapesolver.measure.comparison import Match, Pair
from shapesolver.placed import PlacedLayer, sum_of
from shapesolver.render.answer import answer_json, answer_text
from shapesolver.render.summary import json_size, number_text
from shapesolver.solve.agreement import Comparison, label

MANY_ROWS = 40
"""Beyond so many layers a table shows those that differ, and no more rows than this."""


def columns(shown: Comparison) -> list[str]:
    """The table's columns."""
    return ["layer", label(shown.one, shown.two), label(shown.two, shown.one), "parameters", "MACs", ""]


def cells(shown: Comparison) -> Iterator[tuple[str, ...]]:
    """The table's cells; of a large network the first layers that differ."""
    rows = [pair for pair in shown.pairs if len(shown.pairs) <= MANY_ROWS or _tells(pair)]
    for pair in rows[:MANY_ROWS]:
        yield _row(pair)
    if len(rows) > MANY_ROWS:
        yield (f"and {len(rows) - MANY_ROWS} more", "", "", "", "", "")
    params, macs = (
        [_total(getattr(pair, figure)[side] for pair in shown.pairs) for side in (0, 1)]
        for figure in ("params", "macs")
    )
    yield ("total", "", "", _both(*params), _both(*macs), "")


def _tells(pair: Pair) -> bool:
    """Whether a pair differs, in itself and not for what lies before it."""
    return (not pair.alike and (pair.sizes is not Match.UNBUILT or any(remarks(pair)))) or pair.reorders


def _row(pair: Pair) -> tuple[str, ...]:
    left, right = pair.tensors
    one, two = (str(tensor) if tensor is not None else "-" for tensor in (left, right))
    path = " / ".join(dict.fromkeys(layer.path for layer in (pair.left, pair.right) if layer is not None))
    return path, one, two, _both(*pair.params), _both(*pair.macs), "; ".join(remarks(pair))


def _both(one: Dim | None, two: Dim | None) -> str:
    """A figure, or two where they differ; nothing for nothing."""
    if one in (0, None) and two in (0, None):
        return ""
    texts = ["-" if figure is None else number_text(figure) for figure in (one, two)]
    return texts[0] if texts[0] == texts[1] else " / ".join(texts)


def _total(figures: Iterator[Dim | None]) -> Dim:
    return sum_of(figure for figure in figures if figure is not None)


def remarks(pair: Pair) -> Iterator[str]:
    """What there is to say of a pair beside its numbers."""
    if pair.left is None or pair.right is None:
        yield "only in the second" if pair.left is None else "only in the first"
        return
    if pair.sizes is Match.UNBUILT:
        yield from _unbuilt(pair.left, pair.right)
    elif pair.sizes is Match.DIFFERENT:
        yield "sizes differ"
    if pair.weights is Match.DIFFERENT:
        if pair.params[0] == pair.params[1]:
            yield "other arrays"
        elif pair.trained_alike:
            yield "the same where trained"
    if pair.reorders:
        orders = [", ".join(_axes(layer)) for layer in (pair.left, pair.right)]
        yield f"cells in the order {orders[0]} / {orders[1]}"


def _axes(layer: PlacedLayer) -> tuple[str, ...]:
    return layer.input_tensors[0].axes if layer.input_tensors else ()


def _unbuilt(*layers: PlacedLayer) -> Iterator[str]:
    for layer in layers:
        outcome = layer.derivation.outcomes[layer.wire.node]
        if outcome is not None and outcome.broken is not None:
            yield outcome.broken.trouble().message


def closing(shown: Comparison) -> str:
    """What follows the table: how many layers are alike, and the sizes for which the networks agree."""
    alike = sum(pair.alike for pair in shown.pairs)
    turned = any(pair.sizes is Match.LAYOUT for pair in shown.pairs)
    lines = [f"{alike} of {len(shown.pairs)} layers are alike{', but for the layout' if turned else ''}", ""]
    lines.append(answer_text(shown.agreement.answer))
    if shown.agreement.apart:
        lines.append(f"apart     {shown.agreement.apart}")
    return "\n".join(lines)


def to_json(shown: Comparison) -> dict[str, Any]:
    """The comparison as JSON values; formulas are strings."""
    return {
        "first": {"name": shown.one.name, "dialect": shown.one.dialect.name, "at": dict(shown.one.values)},
        "second": {"name": shown.two.name, "dialect": shown.two.dialect.name, "at": dict(shown.two.values)},
        "alike": shown.alike,
        "layers": [
            {
                "first": _side_json(pair.left, pair, 0),
                "second": _side_json(pair.right, pair, 1),
                "sizes": str(pair.sizes),
                "weights": str(pair.weights),
                "alike": pair.alike,
                "remarks": list(remarks(pair)),
            }
            for pair in shown.pairs
        ],
        "agreement": answer_json(shown.agreement.answer),
        "apart": shown.agreement.apart,
    }


def _side_json(layer: PlacedLayer | None, pair: Pair, side: int) -> dict[str, Any] | None:
    if layer is None:
        return None
    tensor, macs, params = pair.tensors[side], pair.macs[side], pair.params[side]
    return {
        "path": layer.path,
        "layer": layer.kind.describe(),
        "size": None if tensor is None else [json_size(size) for size in tensor.sizes],
        "axes": None if tensor is None else list(tensor.axes),
        "weights": {weight.name: [json_size(n) for n in weight.shape] for weight in layer.weight_arrays},
        "parameters": None if params is None else json_size(params),
        "macs": None if macs is None else json_size(macs),
    }
