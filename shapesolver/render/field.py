"""Receptive fields as people read them, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from shapesolver.measure.field import AxisField, Place, ReceptiveField, UnitField
from shapesolver.measure.field_notes import Note

AXIS_WORDS = {"H": "rows", "W": "columns", "D": "slices", "L": "steps"}
"""What the cells along an axis are called."""

Row = tuple[str, ReceptiveField, tuple[Note, ...]]
"""A layer's path and field, and remarks."""


def table(rows: Iterable[Row]) -> str:
    """One line a layer and input: size, stride and padding, axis by axis; remarks below."""
    lines = [("layer", "input", "size", "stride", "padding")]
    remarks: list[str] = []
    for path, field, found in rows:
        remarks += [f"{path}: {note}" for note in found]
        for name, axes in _by_input(field):
            lines.append((path, name, *_columns(axes)))
    return _aligned(lines, remarks)


def one_layer(path: str, field: ReceptiveField, found: Iterable[Note]) -> str:
    """A layer's field, one line an axis, with what the numbers mean for its units."""
    lines = [("axis", "size", "stride", "padding", "unit i sees")]
    for axis in field.axes:
        lines.append((f"{axis.input}.{axis.axis}", *_columns((axis,)), _law(axis)))
    if len(lines) == 1:
        return f"{path} sees no axis of an input\n"
    return _aligned(lines, [str(note) for note in found])


def _by_input(field: ReceptiveField) -> Iterator[tuple[str, tuple[AxisField, ...]]]:
    for name in dict.fromkeys(axis.input for axis in field.axes):
        yield name, tuple(axis for axis in field.axes if axis.input == name)


def _columns(axes: tuple[AxisField, ...]) -> tuple[str, str, str]:
    whole = [axis.whole and axis.exact for axis in axes]
    return (
        _each("whole" if all_ else _size(axis) for axis, all_ in zip(axes, whole, strict=True)),
        _each("-" if axis.strip.follows is None else str(axis.stride) for axis in axes),
        _each("-" if all_ else str(axis.start) for axis, all_ in zip(axes, whole, strict=True)),
    )


def _size(axis: AxisField) -> str:
    """The size, or the least and greatest one where units differ."""
    text = str(axis.most) if axis.least == axis.most else f"{axis.least}..{axis.most}"
    return text if axis.exact else f"<= {axis.most}"


def _each(texts: Iterable[str]) -> str:
    """One text for all axes, or one for each."""
    found = list(texts)
    return found[0] if len(set(found)) == 1 else " x ".join(found)


def _law(axis: AxisField) -> str:
    """Which cells unit ``i`` sees: ``32*i - 90 to 32*i + 121``."""
    if axis.whole:
        return "everything" if axis.exact else "some of it"
    if axis.strip.follows is None:
        first, last = axis.strip.at(0)
        return f"{first} to {last}"
    if axis.strip.period > 1 or axis.strip.bounds:
        return f"cells around {place_text(axis.stride, axis.centre(0))}"
    first, last = axis.strip.at(0)
    return f"{place_text(axis.stride, first)} to {place_text(axis.stride, last)}"


def place_text(scale: int | Fraction, shift: Any) -> str:
    """``scale*i + shift`` as people write it: ``i``, ``32*i - 90``, ``(1/2)*i + 3/4``."""
    head = "i" if scale == 1 else f"{scale}*i" if isinstance(scale, int) else f"({scale})*i"
    if not isinstance(shift, (int, Fraction)):
        return f"{head} + {shift}"
    return head if shift == 0 else f"{head} {'+' if shift > 0 else '-'} {abs(shift)}"


def unit_text(fields: Mapping[str, UnitField]) -> str:
    """Where one unit's field lies: ``rows 6..217 of 224``, and what share of it is padding."""
    lines = []
    for field in fields.values():
        unit = f"unit {', '.join(map(str, field.unit))}" if field.unit else "every unit"
        head = f"{unit} of {field.layer} sees"
        if not field.places:
            lines.append(f"{head} {field.input}, which has no place to see")
        elif field.empty:
            lines.append(f"{head} nothing of {field.input}")
        else:
            places = " and ".join(_where(place) for place in field.places)
            lines.append(f"{head} {places} of {field.input}")
            lines.append(f"    {_padding(field)}")
    return "\n".join(lines) + "\n"


def _where(place: Place) -> str:
    words = AXIS_WORDS.get(place.axis, place.axis)
    assert place.first is not None and place.last is not None
    span = f"{words} {place.first}..{place.last}" if place.first < place.last else f"{words} {place.first}"
    missing = place.last - place.first + 1 - sum(last - first + 1 for first, last in place.cells)
    return f"{span} (all but {missing} of them)" if missing else span


def _padding(field: UnitField) -> str:
    share = field.padding
    if not share:
        return "none of it is padding"
    sides = ", ".join(
        f"{AXIS_WORDS.get(place.axis, place.axis)} {place.reach[0]}..{place.reach[1]}" for place in field.places
    )
    return f"{float(share):.1%} of it is padding: with padding it is {sides}"


def _aligned(lines: Sequence[tuple[str, ...]], remarks: list[str]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    notes = ["", *(f"note: {remark}" for remark in remarks)] if remarks else []
    return "\n".join([*rows, *notes, ""])


def field_json(path: str, field: ReceptiveField, found: Iterable[Note]) -> dict[str, Any]:
    """A layer's field as JSON; a stride that is a fraction, and a formula, as text."""
    return {
        "layer": path,
        "axes": [
            {
                "input": axis.input,
                "axis": axis.axis,
                "size": _number(axis.most),
                "stride": _number(axis.stride),
                "padding": _number(axis.start),
                "whole": axis.whole,
                "exact": axis.exact,
            }
            for axis in field.axes
        ],
        "notes": [str(note) for note in found],
    }


def unit_json(fields: Mapping[str, UnitField]) -> list[dict[str, Any]]:
    """One unit's field in each input as JSON. ``cells`` are runs, first and last cell."""
    return [
        {
            "layer": field.layer,
            "unit": list(field.unit),
            "input": field.input,
            "padding": float(field.padding),
            "axes": [
                {
                    "axis": place.axis,
                    "size": place.n,
                    "first": place.first,
                    "last": place.last,
                    "cells": [list(run) for run in place.cells],
                    "with_padding": list(place.reach),
                }
                for place in field.places
            ],
        }
        for field in fields.values()
    ]


def _number(value: Any) -> int | str:
    return value if isinstance(value, int) else str(value)
