"""What a name in a file points at: a tensor, a layer, or a block that was laid out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from shapesolver.language import tree
from shapesolver.layers.registry import spellings
from shapesolver.model.draft import Draft, Instance
from shapesolver.model.errors import AlreadySaid, BuildError
from shapesolver.model.scope import BlockValue, Scope, TensorValue
from shapesolver.model.values import dotted_text

REUSE = "reuse"
"""The call that applies an earlier layer or block once more: ``reuse(conv1)``."""


class Mentions:
    """Looks names up in a draft."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def tensor(self, expression: tree.Expression, scope: Scope) -> TensorValue | None:
        """The tensor that a name means; ``None`` for a plain name that means something else."""
        path = dotted_text(expression)
        if isinstance(expression, tree.Name):
            found = scope.find(path)
            if isinstance(found, TensorValue):
                return found
            # Layers without a name go by their path: `flatten1`.
            wire = self._draft.names.get(scope.full(path)) if found is None else None
            return TensorValue(wire, expression.span) if wire else None
        for full in (scope.full(path), path):
            if full in self._draft.names:
                return TensorValue(self._draft.names[full], expression.span)
        raise BuildError(
            "unknown-name",
            f"nothing is called `{path}` here",
            expression.span,
            meant=difflib.get_close_matches(path, self._draft.names, n=2),
        )

    def is_tensor(self, expression: tree.Expression, scope: Scope) -> bool:
        """Whether an argument is an input tensor: a name of one, ``_``, or a lane."""
        match expression:
            case tree.Previous() | tree.Pipeline():
                return True
            case tree.Name(text=text):
                found = scope.find(text)
                # A bare word such as `relu` or `identity` is a lane of one layer, unless it means a value here.
                return isinstance(found, (TensorValue, BlockValue)) or (found is None and text in spellings())
            case tree.Call(function=tree.Name(text=text)):
                return text in spellings() or text == REUSE or isinstance(scope.find(text), BlockValue)
            case tree.Attribute() | tree.Index():
                path = dotted_text(expression)
                return scope.full(path) in self._draft.names or path in self._draft.names
        return False

    def instance(self, expression: tree.Expression, scope: Scope) -> Instance | None:
        """The laid-out block that a path means, if it means one."""
        for path in self._paths(expression, scope):
            if path in self._draft.instances:
                return self._draft.instances[path]
        return None

    def layer(self, expression: tree.Expression, scope: Scope) -> int:
        """The index of the layer that a path means; raises :class:`BuildError` where it means none."""
        text = dotted_text(expression)
        for path in self._paths(expression, scope):
            if path in self._draft.places:
                return self._draft.places[path]
        found = scope.find(text)
        if isinstance(found, TensorValue):
            if found.wire is None:
                raise AlreadySaid(expression.span)
            made_by = self._draft.nodes[found.wire.node].path
            raise BuildError(
                "wrong-kind",
                f"`{text}` is a result, and the path of a layer or block is needed here",
                expression.span,
                advice=[("note", f"it is the result of `{made_by}`")],
            )
        known = [*self._draft.places, *self._draft.instances]
        raise BuildError(
            "unknown-name",
            f"no earlier layer or block is called `{text}` here" if text else "the name of a layer is needed here",
            expression.span,
            meant=difflib.get_close_matches(text, known, n=2),
        )

    def _paths(self, expression: tree.Expression, scope: Scope) -> Iterator[str]:
        """The full paths that a name may stand for, innermost scope first, up to the scope that gives it."""
        text = dotted_text(expression)
        head = text.partition(".")[0].partition("[")[0]
        while text:
            yield scope.full(text)
            if scope.parent is None or head in scope.names:
                return
            scope = scope.parent
