"""What names in a question mean: sizes and parameters of a derived network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shapesolver.arithmetic import Dim, Truth, symbol
from shapesolver.derive import Derivation
from shapesolver.diagnostics import Span
from shapesolver.language import tree
from shapesolver.model.errors import BuildError
from shapesolver.model.graph import Wire
from shapesolver.model.scope import Scope, TensorValue
from shapesolver.model.values import Values, dotted_text
from shapesolver.solve.errors import QuestionError, UnbuildableError, unknown_layer


@dataclass(slots=True)
class Reader:
    """Evaluates a question's expressions over one derivation, and remembers which layers they mention."""

    derivation: Derivation
    mentioned: set[int] = field(default_factory=set)
    free: set[str] = field(default_factory=set)
    """Letters that stand for any size: the ``n`` of n x n."""

    def truth(self, expression: tree.Expression) -> Truth:
        """The condition; raises :class:`QuestionError` for names that mean nothing."""
        return self._read(Values(self).truth, expression)  # type: ignore[no-any-return]

    def value(self, expression: tree.Expression) -> Any:
        """The value: a size, a tuple, a tensor."""
        return self._read(Values(self).value, expression)

    def wire(self, path: str) -> Wire:
        """The result that a path names; raises :class:`QuestionError` with close names."""
        graph = self.derivation.graph
        if path in graph.names:
            return graph.names[path]
        raise unknown_layer(graph, path)

    def about(self, expression: tree.Expression) -> set[int]:
        """The nodes whose results an expression mentions, whether or not they can be built."""
        return set(_mentions(expression, self.derivation.graph.names))

    def _read(self, read: Any, expression: tree.Expression) -> Any:
        symbols = {name: symbol(name) for name in self.derivation.graph.symbols}
        holes = {name: symbol(name, least=0) for name in self.derivation.graph.holes}
        letters = {name: symbol(name) for name in _letters(expression) - self.derivation.graph.names.keys()}
        self.free |= letters.keys() - symbols.keys() - holes.keys()
        scope = Scope(names={**letters, **symbols, **holes})
        try:
            return read(expression, scope)
        except BuildError as error:
            found = error.diagnostic
            advice = "".join(f"; {text}" for _, text in found.advice)
            raise QuestionError(f"{found.message}{advice}") from None

    def size_of(self, tensor: TensorValue, name: str, axis: str | int, span: Span) -> Dim:
        """The size itself: a question is about a network that is already derived."""
        assert tensor.wire is not None
        found = self.derivation.tensor(*tensor.wire)
        self.mentioned.add(tensor.wire.node)
        if found is None:
            raise UnbuildableError(f"{name} has no size: the network cannot be built up to there")
        if axis == "rank":
            return found.rank
        if isinstance(axis, int):
            return found.sizes[axis] if -found.rank <= axis < found.rank else 0
        if axis not in found.axes:
            raise QuestionError(f"{name} has no axis {axis}; it has {', '.join(found.axes)}")
        return found.sizes[found.axes.index(axis)]

    def attribute_of(self, path: str, name: str, span: Span) -> Any:
        """A layer's parameter, or a result by path."""
        graph = self.derivation.graph
        owner, _, attribute = path.rpartition(".")
        for index, node in enumerate(graph.nodes):
            if node.path == owner and attribute in node.layer.parameters:
                return self.derivation.layers[index].__dict__[attribute]
        if path not in graph.names and path.isidentifier():
            self.wire(path)
        return TensorValue(graph.names[path], span) if path in graph.names else None

    def hole(self, name: str, span: Span) -> Dim:
        """A hole that the file has."""
        if name not in self.derivation.graph.holes:
            raise QuestionError(f"the file has no hole ?{name}")
        return symbol(name, least=0)


def _letters(expression: Any) -> set[str]:
    """The names of one small letter in an expression."""
    if isinstance(expression, tree.Name):
        return {expression.text} if len(expression.text) == 1 and expression.text.islower() else set()
    if isinstance(expression, (tree.Attribute, tree.Index)):
        return set()
    return {name for part in tree.parts(expression) for name in _letters(part)}


def _mentions(expression: Any, names: Mapping[str, Wire]) -> Iterator[int]:
    """The nodes of the longest dotted names in an expression."""
    path = dotted_text(expression) if isinstance(expression, (tree.Name, tree.Attribute, tree.Index)) else ""
    if path in names:
        yield names[path].node
    else:
        for part in tree.parts(expression):
            yield from _mentions(part, names)
