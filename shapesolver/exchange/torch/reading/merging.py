"""Functions of several tensors, and of tensors and numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from shapesolver.arithmetic import Formula, maximum, minimum
from shapesolver.exchange.torch.reading.drawing import Drawing
from shapesolver.exchange.torch.reading.registry import reads
from shapesolver.exchange.torch.reading.values import Batch, Cropped, Direction, Held, Outside, Padded, Ref, Unknown

LAYERS = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "truediv": "div", "pow": "power"}
LAYERS |= {"maximum": "max", "minimum": "min", "iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div"}
NEUTRAL = {("add", 0), ("sub", 0), ("mul", 1), ("div", 1)}
"""Numbers that change nothing, as in ``sum(...)``, which begins with 0."""
ON_SIZES: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "truediv": operator.truediv,
    "div": operator.truediv,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "pow": operator.pow,
    "sym_max": maximum,
    "sym_min": minimum,
}
"""What is done to sizes."""


@reads("add", "sub", "mul", "div", "truediv", "floordiv", "mod", "pow", "maximum", "minimum", "eq", "ne", "lt", "le",
       "gt", "ge", "iadd", "isub", "imul", "itruediv", "sym_max", "sym_min")  # fmt: skip
def arithmetic(draw: Drawing, left: Any, right: Any, *_: Any, **more: Any) -> Any:
    """``a + b``: of tensors, of a tensor and a number, of sizes."""
    name = draw.function.removeprefix("aten.").rstrip("_")
    tensors = (Ref, Held, Outside, Padded, Cropped)
    if not isinstance(left, tensors) and not isinstance(right, tensors):
        return of_sizes(name, left, right)
    if name not in LAYERS:
        raise Unknown(f"there is no layer for {name}")
    if not isinstance(right, tensors) or not isinstance(left, tensors):
        ref, factor = (left, right) if isinstance(left, tensors) else (right, left)
        op = LAYERS[name]
        if (op, factor) in NEUTRAL and (ref is left or op in ("add", "mul")):
            return ref
        # `1 - x` is told from `x - 1` by its name alone: sizes are the same.
        function = f"{op} {written(factor)}" if ref is left or op in ("add", "mul") else f"{written(factor)} {op}"
        return draw.layer("pointwise", [draw.tensor(ref)], function=function)
    inputs = joined(draw, left, right)
    return draw.layer(LAYERS[name], inputs)


def written(factor: Any) -> str:
    """A number in a function's name."""
    return f"{factor:g}" if isinstance(factor, (int, float)) else "a size"


def joined(draw: Drawing, *values: Any) -> list[Ref]:
    """Tensors that are broadcast together; a parameter's leading 1 is the batch's where it has as many axes."""
    rank = max((draw.rank(v) for v in values if isinstance(v, Ref)), default=None)
    batch = next((v.batch for v in values if isinstance(v, Ref)), 0)
    refs = [Ref(draw.held(v, rank), batch) if isinstance(v, Held) else draw.tensor(v) for v in values]
    if batch and any(draw.rank(ref) != rank for ref in refs):
        raise Unknown("its inputs have different ranks, and the batch is not the first axis")
    if not batch and any(draw.rank(v) != rank for v in values if isinstance(v, Ref)):
        raise Unknown("its inputs have different ranks, so that the batch of one meets another axis")
    return refs


def of_sizes(name: str, left: Any, right: Any) -> Any:
    """Arithmetic on sizes; the batch only multiplies."""
    if isinstance(left, tuple) and isinstance(right, tuple) and not isinstance(left, Batch) and name == "add":
        return left + right
    if isinstance(left, Batch) or isinstance(right, Batch):
        if name == "mul":
            batch, other = (left, right) if isinstance(left, Batch) else (right, left)
            if isinstance(other, (int, Formula)):
                return Batch(batch.times * other)
        if name == "floordiv" and isinstance(left, Batch) and isinstance(right, int) and left.times == right:
            return Batch()
        if name in ("eq", "ne") and left == right:
            return name == "eq"
        raise Unknown(f"{name} of the batch's size")
    if name in ("truediv", "div") and isinstance(left, Formula):
        raise Unknown("a size is divided with a fraction")
    if name not in ON_SIZES:
        raise Unknown(f"there is no {name} of sizes")
    return ON_SIZES[name](left, right)


@reads("neg")
def negated(draw: Drawing, x: Any) -> Any:
    """``-x``: of a size or a tensor."""
    if isinstance(x, (Ref, Held, Padded, Outside, Cropped)):
        return draw.layer("pointwise", [draw.tensor(x)], function="neg")
    return of_sizes("mul", x, -1)


@reads("int", "sym_int")
def whole(draw: Drawing, x: Any) -> Any:
    """``int(n)`` of a size."""
    if isinstance(x, (Batch, Formula)):
        return x
    return int(x)


@reads("rsub")
def rsub(draw: Drawing, x: Any, other: Any, *_: Any) -> Any:
    """``1 - x``."""
    draw.function = "sub"
    return arithmetic(draw, other, x)


@reads("cat", "concat", "concatenate")
def concat(draw: Drawing, tensors: Any, dim: int = 0) -> Ref:
    """``torch.cat([a, b], dim=1)``."""
    if all(isinstance(t, Direction) for t in tensors):
        return both_directions(tensors)
    rank = max((draw.rank(t) for t in tensors if isinstance(t, Ref)), default=None)
    refs = [Ref(draw.held(t, rank)) if isinstance(t, Held) else draw.tensor(t) for t in tensors]
    if len(refs) == 1:
        return refs[0]
    axis = draw.axis(refs[0], dim)
    axes = {draw.shape(ref.wire).axes[:1] for ref in refs}
    return draw.layer("concat", refs, axis=None if axis == 1 and axes == {("C",)} else axis)


def both_directions(tensors: Any) -> Ref:
    """``torch.cat([h[-2], h[-1]], dim=1)``: the last states of both directions, side by side."""
    if [t.place for t in tensors] not in ([-2, -1], [-1, -2]) or len({t.state for t in tensors}) != 1:
        raise Unknown("it joins states of different layers")
    return tensors[0].state.last  # type: ignore[no-any-return]


@reads("stack")
def stack(draw: Drawing, tensors: Any, dim: int = 0) -> Ref:
    """``torch.stack([a, b], dim=1)``."""
    refs = [draw.first(draw.tensor(t)) for t in tensors]
    place = dim % (draw.rank(refs[0]) + 1)
    if place == 0:
        raise Unknown("it puts an axis before the batch's")
    return draw.layer("stack", refs, axis=place)


@reads("matmul", "bmm")
def matmul(draw: Drawing, left: Any, right: Any) -> Ref:
    """``a @ b``; of a tensor and a matrix that the model holds, a dense layer."""
    if isinstance(right, Held) and len(right.shape) == 2:
        from shapesolver.exchange.torch.reading.features import dense

        draw.name = draw.name or right.name
        return dense(draw, (right.name,), draw.tensor(left), right.shape[1], right.shape[0], False)
    inputs = [draw.first(draw.tensor(x)) for x in (left, right)]
    if draw.rank(inputs[0]) != draw.rank(inputs[1]):
        raise Unknown("its inputs have different ranks, so that the batch of one meets another axis")
    return draw.layer("matmul", inputs)
