"""A diagram in Mermaid's language, for Markdown pages."""

from __future__ import annotations

from shapesolver.render.diagram import Diagram

SHAPES = {"source": ("([", "])"), "group": ("[[", "]]")}


def mermaid(drawing: Diagram) -> str:
    """A flowchart; the sizes stand at the arrows."""
    lines = ["flowchart TD"]
    for number, box in enumerate(drawing.boxes):
        left, right = SHAPES.get(box.kind, ("[", "]"))
        lines.append(f"    n{number}{left}{_quoted([box.title, *box.lines])}{right}")
    lines += [f"    n{a.source} -->|{_quoted([a.label])}| n{a.target}" for a in drawing.arrows]
    return "\n".join(lines) + "\n"


def _quoted(words: list[str]) -> str:
    """Text as Mermaid takes it: entities written with a hash."""
    escaped = (w.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;") for w in words)
    return f'"{"<br/>".join(escaped)}"'
