"""A diagram in Graphviz' language."""

from __future__ import annotations

from shapesolver.render.diagram import Diagram

STYLES = {"source": ", style=rounded", "group": ", peripheries=2", "broken": ", style=dashed"}


def dot(drawing: Diagram) -> str:
    """A directed graph; the sizes stand at the edges."""
    lines = [f"digraph {_quoted(drawing.title)} {{", '    node [shape=box, fontname="sans-serif", fontsize=11]']
    lines.append('    edge [fontname="sans-serif", fontsize=10]')
    for number, box in enumerate(drawing.boxes):
        lines.append(f"    n{number} [label={_quoted(box.title, *box.lines)}{STYLES.get(box.kind, '')}]")
    lines += [f"    n{a.source} -> n{a.target} [label={_quoted(a.label)}]" for a in drawing.arrows]
    return "\n".join([*lines, "}", ""])


def _quoted(*words: str) -> str:
    escaped = (w.replace("\\", "\\\\").replace('"', '\\"') for w in words)
    return '"' + "\\n".join(escaped) + '"'
