"""Questions that cannot be asked of a network."""

from __future__ import annotations

import difflib

from shapesolver.diagnostics import ShapeSolverError
from shapesolver.model.graph import Graph


class QuestionError(ShapeSolverError):
    """A question about something that the network does not have."""


class UnbuildableError(QuestionError):
    """A question about a layer that cannot be built, perhaps only with the values being tried."""


def unknown_layer(graph: Graph, path: str) -> QuestionError:
    """The error for a path that names no layer, with the layers that it may mean."""
    inside = [node.path for node in graph.nodes if node.path.startswith((f"{path}.", f"{path}["))]
    if inside:
        more = f" and {len(inside) - 4} more" if len(inside) > 4 else ""
        return QuestionError(f"`{path}` is several layers; name one: {', '.join(inside[:4])}{more}")
    close = difflib.get_close_matches(path, {**graph.names, **{node.path: None for node in graph.nodes}}, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return QuestionError(f"no layer is called `{path}`{hint}")
