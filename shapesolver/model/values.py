"""Expressions to values: numbers, formulas, words, tuples, and conditions."""

from __future__ import annotations

from collections.abc import Callable
from operator import add, mul, sub
from typing import Any, Protocol

from shapesolver.arithmetic import (
    Dim,
    Formula,
    Truth,
    both,
    compare,
    divide_exactly,
    either,
    excess,
    maximum,
    minimum,
    negate,
)
from shapesolver.arithmetic.limits import MAX_BITS
from shapesolver.diagnostics import Span
from shapesolver.language import tree
from shapesolver.model.errors import BuildError
from shapesolver.model.scope import Scope, TensorValue

WORDS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}
"""Names that are values in every scope; the capitalised ones are Python's."""

FORMULA_BITS = 64
"""For how long a number, in bits, a formula counts that is raised to a power."""
MAX_ENTRIES = 1000
"""The most entries of a tuple."""

FUNCTIONS: dict[str, Callable[..., Any]] = {"min": minimum, "max": maximum}


class References(Protocol):
    """Who turns a mention of a layer's size into a symbol: the builder."""

    def size_of(self, tensor: TensorValue, name: str, axis: str | int, span: Span) -> Dim:
        """The symbol for one size of a tensor."""
        ...

    def attribute_of(self, path: str, name: str, span: Span) -> Any:
        """A parameter's value (``conv2.padding``), a named inner result, or ``None``."""
        ...

    def hole(self, name: str, span: Span) -> Dim:
        """The symbol for an unknown parameter."""
        ...


class Values:
    """Evaluates expressions in a scope. Only arithmetic happens here: nothing in a file is ever executed."""

    def __init__(self, references: References) -> None:
        self._references = references

    def value(self, expression: tree.Expression, scope: Scope, words: bool = False) -> Any:
        """The expression's value; with ``words``, a name that means nothing else is a word (``same``)."""
        match expression:
            case tree.Number(value=value):
                return value
            case tree.Text(value=value):
                return value
            case tree.Name(text=text, span=span):
                return self._name(text, span, scope, words)
            case tree.Tuple(items=items, span=span):
                if len(items) > MAX_ENTRIES:
                    raise BuildError("limit", f"a tuple has at most {MAX_ENTRIES} entries", span)
                return tuple(self.value(item, scope, words) for item in items)
            case tree.Unary(op=op, operand=operand):
                return self._unary(op, operand, scope)
            case tree.Binary(op=op, left=left, right=right, span=span):
                return _within_limits(self._binary(op, self.number(left, scope), self.number(right, scope), span), span)
            case tree.Attribute() | tree.Index():
                return self._dotted(expression, scope)
            case tree.Hole(name=name, span=span):
                return self._references.hole(name, span)
            case tree.Call(function=tree.Name(text=text), arguments=given, span=span) if text in FUNCTIONS and given:
                return _within_limits(FUNCTIONS[text](*(self.number(a.value, scope) for a in given)), span)
            case tree.Compare() | tree.Logic():
                return self.truth(expression, scope)
        raise BuildError("wrong-kind", "a value is needed here, and this is a layer or a tensor", expression.span)

    def number(self, expression: tree.Expression, scope: Scope) -> Any:
        """The expression as a number or formula."""
        value = self.value(expression, scope)
        if isinstance(value, bool) or not isinstance(value, (int, float, Formula)):
            kind = "a layer's result" if isinstance(value, TensorValue) else "not a number"
            hint = [("try", "name an axis, as in `conv2.H`")] if isinstance(value, TensorValue) else []
            raise BuildError("wrong-kind", f"a number is needed here, and this is {kind}", expression.span, advice=hint)
        return value

    def truth(self, expression: tree.Expression, scope: Scope) -> Truth:
        """The expression as a condition."""
        match expression:
            case tree.Logic(op=op, operands=operands):
                return (both if op == "and" else either)(*(self.truth(o, scope) for o in operands))
            case tree.Unary(op="not", operand=operand):
                return negate(self.truth(operand, scope))
            case tree.Compare(first=first, rest=rest):
                return self._chain(first, rest, scope)
        value = self.value(expression, scope)
        if isinstance(value, bool):
            return value
        raise BuildError(
            "wrong-kind",
            "a condition is needed here",
            expression.span,
            advice=[("try", "compare it with something, as in `conv2.H == 2`")],
        )

    def _chain(self, first: tree.Expression, rest: Any, scope: Scope) -> Truth:
        truths, left = [], first
        for op, right in rest:
            truths.append(self._compare(op, left, right, scope))
            left = right
        return both(*truths)

    def _compare(self, op: str, left: tree.Expression, right: tree.Expression, scope: Scope) -> Truth:
        one, two = self.value(left, scope), self.value(right, scope)
        span = left.span.to(right.span)
        if isinstance(one, (tuple, TensorValue)) or isinstance(two, (tuple, TensorValue)):
            return self._compare_shapes(op, (one, left), (two, right), span)
        for value, expression in ((one, left), (two, right)):
            if isinstance(value, float) or not isinstance(value, (int, Formula)):
                raise BuildError("wrong-kind", "sizes are compared with whole numbers", expression.span)
        return compare(op, one, two)

    def _compare_shapes(self, op: str, one: tuple[Any, Any], two: tuple[Any, Any], span: Span) -> Truth:
        if op not in ("==", "!="):
            raise BuildError("wrong-kind", "shapes are equal or not; compare their axes, as in `conv2.H < 5`", span)
        length = next((len(v) for v, _ in (one, two) if isinstance(v, tuple)), None)
        if length is None:
            raise BuildError("wrong-kind", "compare a layer with a tuple of sizes, or one axis with another", span)
        sides = [self._sizes(value, expression, length) for value, expression in (one, two)]
        equal = both(*(compare("==", a, b) for a, b in zip(*sides, strict=True)))
        return equal if op == "==" else negate(equal)

    def _sizes(self, value: Any, expression: tree.Expression, length: int) -> tuple[Dim, ...]:
        """The rank, then each size: where ranks differ the claim is false, and no axis is missed."""
        if isinstance(value, tuple):
            padded = (*value, *(0 for _ in range(length - len(value))))
            return (len(value), *padded[:length])
        if not isinstance(value, TensorValue):
            raise BuildError("wrong-kind", "a tuple of sizes is compared with a layer", expression.span)
        size_of, name, span = self._references.size_of, dotted_text(expression), expression.span
        return tuple(size_of(value, name, axis, span) for axis in ("rank", *range(length)))

    def _name(self, text: str, span: Span, scope: Scope, words: bool) -> Any:
        found = scope.find(text)
        if found is not None:
            return found
        if text in WORDS:
            return WORDS[text]
        if words:
            return text
        unnamed = self._references.attribute_of(scope.full(text), text, span)
        if unnamed is not None:
            return unnamed
        raise BuildError("unknown-name", f"nothing is called `{text}` here", span, meant=scope.similar(text))

    def _unary(self, op: str, operand: tree.Expression, scope: Scope) -> Any:
        if op == "not":
            return negate(self.truth(operand, scope))
        value = self.number(operand, scope)
        return -value if op == "-" else value

    def _binary(self, op: str, left: Any, right: Any, span: Span) -> Any:
        simple = {"+": add, "-": sub, "*": mul}
        if op in simple:
            return simple[op](left, right)
        if op == "**":
            return self._power(left, right, span)
        if isinstance(left, float) or isinstance(right, float):
            raise BuildError("wrong-kind", f"`{op}` is for whole numbers", span)
        if right == 0:
            raise BuildError("bad-value", "division by zero", span)
        if op == "//":
            return left // right
        if op == "%":
            return left % right
        quotient = divide_exactly(left, right)
        if quotient is None:
            raise BuildError(
                "bad-value",
                f"{left}/{right} is not whole, and `/` must divide exactly",
                span,
                advice=[("try", "`//`, which rounds down")],
            )
        return quotient

    def _power(self, base: Any, exponent: Any, span: Span) -> Any:
        if not isinstance(exponent, int) or exponent < 0:
            raise BuildError("bad-value", "the exponent of `**` is a whole number, 0 or more", span)
        if (base.bit_length() if isinstance(base, int) else FORMULA_BITS) * exponent > MAX_BITS:
            raise BuildError("limit", f"this power has more than {MAX_BITS} bits", span)
        return base**exponent

    def _dotted(self, expression: tree.Expression, scope: Scope) -> Any:
        """``conv2.H``, ``d1.conv2``, ``repeat1[3].conv1.padding``."""
        path = dotted_text(expression)
        found = self._references.attribute_of(scope.full(path), path, expression.span)
        if found is None and scope.parent is not None:
            found = self._references.attribute_of(path, path, expression.span)
        if found is not None:
            return found
        match expression:
            case tree.Attribute(value=inner, name=name, span=span):
                owner = self.value(inner, scope)
                if isinstance(owner, TensorValue):
                    return self._references.size_of(owner, dotted_text(inner), name, span)
            case tree.Index(value=inner, index=tree.Number(value=int(index)), span=span):
                owner = self.value(inner, scope)
                if isinstance(owner, TensorValue):
                    return self._references.size_of(owner, dotted_text(inner), index, span)
        raise BuildError("unknown-name", f"nothing is called `{path}` here", expression.span)


def _within_limits(value: Any, span: Span) -> Any:
    """The value, unless it is too long."""
    too_much = "" if isinstance(value, float) else excess(value)
    if too_much:
        raise BuildError("limit", f"this has {too_much}", span)
    return value


def dotted_text(expression: tree.Expression) -> str:
    """A name with its dots and indices, as written; empty for anything else."""
    match expression:
        case tree.Name(text=text):
            return text
        case tree.Previous():
            return "_"
        case tree.Attribute(value=value, name=name):
            return f"{dotted_text(value)}.{name}"
        case tree.Index(value=value, index=tree.Number(value=number)):
            return f"{dotted_text(value)}[{number}]"
    return ""
