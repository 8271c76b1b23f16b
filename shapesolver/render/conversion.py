"""A converted network's recipes as people read them, and as JSON."""

from __future__ import annotations

from typing import Any

from shapesolver.rewrite.convolutional import Conversion


def recipes_text(conversion: Conversion) -> str:
    """For each converted layer, what becomes of its weights in each framework and across them."""
    lines = []
    for recipe in conversion.recipes:
        lines.append(str(recipe))
        rows = list(recipe.lines())
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        lines += [f"    {way:<{widths[0]}}  {how:<{widths[1]}}  {shapes}" for way, how, shapes in rows]
    lines += [f"note: {note}" for note in conversion.notes]
    return "".join(f"{line}\n" for line in lines)


def as_comments(text: str) -> str:
    """Lines of text as comments of a file, an empty line before them."""
    return "".join(["\n", *(f"# {line}\n" for line in text.splitlines())]) if text else ""


def conversion_json(conversion: Conversion) -> dict[str, Any]:
    """The new text and the recipes as JSON."""
    return {
        "text": conversion.text,
        "layers": [
            {
                "layer": recipe.layer,
                "map": list(recipe.map),
                "channels": recipe.channels,
                "units": recipe.units,
                "bias": recipe.bias,
                "weights": {way: {"convert": how, "shapes": shapes} for way, how, shapes in recipe.lines()},
            }
            for recipe in conversion.recipes
        ],
        "notes": list(conversion.notes),
    }
