"""Calls of ``keras.ops`` in a functional model, and those of TensorFlow in Keras 2, as layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from shapesolver.exchange.keras.pen import Inexpressible, Pen
from shapesolver.layers.registry import spellings
from shapesolver.model.graph import Wire

Arguments = dict[str, Any]
"""The arguments of a call and the operation's own settings; tensors are wires."""

BINARY = {
    "Add": "add",
    "Subtract": "sub",
    "Multiply": "mul",
    "Divide": "div",
    "TrueDivide": "div",
    "Maximum": "max",
    "Minimum": "min",
    "Power": "power",
}
REDUCTIONS = {
    **{name: name.lower() for name in ("Mean", "Sum", "Max", "Min", "Prod", "Var", "Std", "Any", "All")},
    "Amax": "max",
    "Amin": "min",
    "Argmax": "argmax",
    "Argmin": "argmin",
    "Logsumexp": "logsumexp",
}
_POINTWISE = """
Abs Absolute Sqrt Rsqrt Square Log Log10 Log1p Log2 Sin Cos Tan Negative Sign Floor Ceil Round Clip Reciprocal
Cast StopGradient Expm1 Erf LogicalNot Isnan Isfinite Isinf NanToNum HardShrink SoftShrink TanhShrink Threshold
Squareplus SparsePlus SparseSigmoid Copy OnesLike ZerosLike Arctan Sinh Cosh Arcsin Arccos
"""
POINTWISE = frozenset(_POINTWISE.split())
"""Functions of each cell."""

TENSORFLOW = {
    "math.add": "Add",
    "__operators__.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
    "math.truediv": "Divide",
    "math.divide": "Divide",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.pow": "Power",
    "linalg.matmul": "Matmul",
    "concat": "Concatenate",
    "stack": "Stack",
    "reshape": "Reshape",
    "transpose": "Transpose",
    "compat.v1.transpose": "Transpose",
    "expand_dims": "ExpandDims",
    "squeeze": "Squeeze",
    "compat.v1.squeeze": "Squeeze",
    "split": "Split",
    "tile": "Tile",
    "broadcast_to": "BroadcastTo",
    "__operators__.getitem": "GetItem",
    "clip_by_value": "Clip",
    "cast": "Cast",
    "stop_gradient": "StopGradient",
    "image.resize": "Resize",
    **{f"math.reduce_{name}": name.title() for name in ("mean", "sum", "max", "min", "prod", "std")},
    **{
        f"math.{name}": name.title()
        for name in (
            "abs",
            "sqrt",
            "rsqrt",
            "square",
            "log",
            "sin",
            "cos",
            "negative",
            "tanh",
            "sigmoid",
            "softplus",
            "exp",
        )
    },
    **{
        f"nn.{name}": name.title()
        for name in ("relu", "relu6", "selu", "elu", "gelu", "silu", "softmax", "softplus", "tanh", "sigmoid", "swish")
    },
}
"""TensorFlow's functions that Keras 2 writes, and Keras 3's names for them."""

_TF_ARGUMENTS = {"perm": "axes", "shape": "newshape", "multiples": "repeats", "num_or_size_splits": "sections"}


def draw_operation(pen: Pen, name: str, config: dict[str, Any], args: tuple[Any, ...], kwargs: Arguments) -> list[Wire]:
    """Draw a call of an operation; raises :class:`Inexpressible` where it has no counterpart."""
    given = {**config, **kwargs}
    tensors = _tensors(args)
    if name in BINARY:
        return [_binary(pen, name, args, kwargs)]
    if name in REDUCTIONS and tensors:
        return [_reduce(pen, name, tensors[0], given)]
    special = SPECIAL.get(name)
    if special is not None and tensors:
        drawn = special(pen, tensors, {**given, "args": args})
        return drawn if isinstance(drawn, list) else [drawn]
    spelling = spellings().get(name)
    if spelling is not None and spelling.kind.family == "activation" and len(tensors) == 1:
        axis = given.get("axis")
        named = {"axis": axis} if "axis" in spelling.kind.parameters and axis not in (None, -1) else {}
        return [pen.layer(spelling.kind.op, tensors, **named)]
    if name in POINTWISE and len(tensors) == 1:
        return [pen.layer("pointwise", tensors, function=_snake(name))]
    raise Inexpressible("the operation is not known")


def draw_tensorflow(pen: Pen, config: dict[str, Any], args: tuple[Any, ...], kwargs: Arguments) -> list[Wire]:
    """Draw a call that Keras 2 keeps as a function of TensorFlow."""
    function = config.get("function")
    name = TENSORFLOW.get(function) if isinstance(function, str) else None
    if name is None:
        raise Inexpressible(f"TensorFlow's {function} is not known")
    named = {_TF_ARGUMENTS.get(key, key): value for key, value in kwargs.items()}
    second = named.pop("y", named.pop("b", None))
    values = [*args, *([] if second is None else [second])]
    if name == "GetItem":
        values.append(named.pop("slice_spec", None))
    for key, place in (("newshape", 1), ("axes", 1)):
        if name in ("Reshape", "Transpose") and len(values) > place and key not in named:
            named[key] = values.pop(place)
    return draw_operation(pen, name, {}, tuple(values), named)


def _tensors(args: tuple[Any, ...]) -> list[Wire]:
    """The tensors among the arguments, those in a list included."""
    found: list[Wire] = []
    for value in args:
        if isinstance(value, Wire):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend(_tensors(tuple(value)))
    return found


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _binary(pen: Pen, name: str, args: tuple[Any, ...], kwargs: Arguments) -> Wire:
    operands = [*args, *(kwargs[key] for key in ("x1", "x2") if key in kwargs)][:2]
    wires = [value for value in operands if isinstance(value, Wire)]
    if len(wires) == 2:
        return pen.layer(BINARY[name], wires)
    if len(wires) != 1 or len(operands) != 2:
        raise Inexpressible("it is called without tensors")
    shape = _constant_shape(next(value for value in operands if not isinstance(value, Wire)))
    if shape == ():
        shown = ", ".join("x" if isinstance(value, Wire) else str(value)[:20] for value in operands)
        return pen.layer("pointwise", wires, function=f"{_snake(name)}({shown})")
    if len(shape) > pen.tensor(wires[0]).rank:
        if shape[0] != 1:
            raise Inexpressible("it is called with a constant for each example")
        shape = shape[1:]
    constant = pen.helper("constant", (), sizes=shape)
    return pen.layer(BINARY[name], [constant if not isinstance(v, Wire) else v for v in operands])


def _constant_shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner.get("value") if isinstance(inner, dict) else None
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _axis(pen: Pen, wire: Wire, value: Any, extra: int = 0) -> int:
    """An axis' number, the batch counted and refused."""
    rank = pen.tensor(wire).rank + extra
    if isinstance(value, bool) or not isinstance(value, int):
        raise Inexpressible(f"its axis is {value}")
    axis = value if value >= 0 else rank + 1 + value
    if not 1 <= axis <= rank:
        raise Inexpressible("it works along the batch")
    return axis


def _reduce(pen: Pen, name: str, wire: Wire, given: Arguments) -> Wire:
    axis = given.get("axis")
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    numbers = tuple(_axis(pen, wire, a) for a in axes)
    return pen.layer(
        "reduce", [wire], how=REDUCTIONS[name], axes=numbers, keepdims=True if given.get("keepdims") else None
    )


def _reshape(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    shape = given.get("newshape")
    if not isinstance(shape, (list, tuple)) or not shape or shape[0] not in (-1, None):
        raise Inexpressible("it changes the batch")
    return pen.layer("reshape", tensors[:1], sizes=[-1 if n is None else n for n in shape[1:]])


def _transpose(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    axes = given.get("axes")
    if not isinstance(axes, (list, tuple)) or not axes or axes[0] != 0:
        raise Inexpressible("it moves the batch")
    return pen.layer("permute", tensors[:1], order=axes[1:])


def _swapaxes(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    one, two = (_axis(pen, tensors[0], given.get(key)) for key in ("axis1", "axis2"))
    order = [*range(1, pen.tensor(tensors[0]).rank + 1)]
    order[one - 1], order[two - 1] = two, one
    return pen.layer("permute", tensors[:1], order=order)


def _concatenate(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    axis = _axis(pen, tensors[0], given.get("axis", 0))
    tensor = pen.tensor(tensors[0])
    return pen.layer("concat", tensors, axis=None if tensor.axes[axis - 1] == "C" else axis)


def _stack(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    return pen.layer("stack", tensors, axis=_axis(pen, tensors[0], given.get("axis", 0), extra=1))


def _split(pen: Pen, tensors: list[Wire], given: Arguments) -> list[Wire]:
    wire = tensors[0]
    axis = _axis(pen, wire, given.get("axis", 0))
    sections = given.get("indices_or_sections", given.get("sections"))
    size = pen.tensor(wire).sizes[axis - 1]
    if isinstance(sections, int):
        if not isinstance(size, int):
            made = pen.layer("chunk", [wire], parts=sections, axis=axis)
            return [Wire(made.node, k) for k in range(sections)]
        if sections < 1 or size % sections:
            raise Inexpressible(f"{size} does not divide by {sections}")
        sizes = [size // sections] * sections
    elif isinstance(sections, (list, tuple)) and isinstance(size, int) and all(isinstance(n, int) for n in sections):
        ends = [0, *sections, size]
        sizes = [b - a for a, b in pairwise(ends)]
    else:
        raise Inexpressible("its pieces depend on the input")
    made = pen.layer("split", [wire], sizes=sizes, axis=axis)
    return [Wire(made.node, k) for k in range(len(sizes))]


def _expand_dims(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    return pen.layer("unsqueeze", tensors[:1], axis=_axis(pen, tensors[0], given.get("axis"), extra=1))


def _squeeze(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    axis = given.get("axis")
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    numbers = sorted((_axis(pen, tensors[0], a) for a in axes), reverse=True)
    wire = tensors[0]
    for number in numbers:
        wire = pen.layer("squeeze", [wire], axis=number)
    return wire


def _matmul(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    if len(tensors) != 2:
        raise Inexpressible("it multiplies by a constant")
    for wire in tensors:
        if pen.tensor(wire).rank < 2:
            raise Inexpressible("it multiplies over the batch")
    return pen.layer("matmul", tensors)


def _broadcast_to(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    shape = given.get("shape", given.get("newshape"))
    if not isinstance(shape, (list, tuple)) or not shape:
        raise Inexpressible("its shape is not stated")
    return pen.layer("expand", tensors[:1], sizes=[-1 if n is None else n for n in shape[1:]])


def _tile(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    repeats = given.get("repeats")
    rank = pen.tensor(tensors[0]).rank
    if (
        not isinstance(repeats, (list, tuple))
        or len(repeats) not in (rank, rank + 1)
        or repeats[:-rank] not in ([], [1])
    ):
        raise Inexpressible("it repeats the batch")
    return pen.layer("tile", tensors[:1], times=repeats[-rank:])


def _resize(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    layout = given.get("data_format")
    if layout in ("channels_first", "channels_last") and (layout == "channels_last") != pen.channels_last:
        raise Inexpressible("it has another layout than the model")
    mode = given.get("interpolation", given.get("method", "bilinear"))
    return pen.layer("resize", tensors[:1], target=given.get("size"), mode=None if mode == "bilinear" else mode)


def _pad(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    widths = given.get("pad_width")
    rank = pen.tensor(tensors[0]).rank
    pairs = [tuple(pair) for pair in widths] if isinstance(widths, (list, tuple)) else []
    spatial = pairs[1:-1] if pen.channels_last else pairs[2:]
    if len(pairs) != rank + 1 or any(pair != (0, 0) for pair in pairs if pair not in spatial):
        raise Inexpressible("it pads more than spatial axes")
    mode = given.get("mode", "constant")
    return pen.layer("pad", tensors[:1], amount=spatial, mode=None if mode == "constant" else mode)


def _get_item(pen: Pen, tensors: list[Wire], given: Arguments) -> Wire:
    """``x[:, 1:, ::2, 0]``: slices, squeezed axes and new axes, one after another."""
    args = given["args"]
    keys = args[1] if len(args) > 1 else given.get("key")
    keys = list(keys) if isinstance(keys, (list, tuple)) else [keys]
    wire = tensors[0]
    rank = pen.tensor(wire).rank + 1
    kinds = [_key(key) for key in keys]
    taken = sum(kind not in ("new", "rest") for kind, *_ in kinds)
    axis, drops, news = 0, [], []
    place = 0
    for kind, *values in kinds:
        if kind == "rest":
            axis += rank - taken
            place += rank - taken
        elif kind == "new":
            news.append(place)
            place += 1
        elif kind == "at":
            if axis == 0:
                raise Inexpressible("it takes single examples")
            wire = pen.layer("slice", [wire], start=values[0], stop=values[0] + 1 or None, axis=axis)
            drops.append(axis)
            axis += 1
        else:
            start, stop, step = values
            if axis == 0 and (start, stop, step) != (None, None, None):
                raise Inexpressible("it takes some of the examples")
            if (start, stop, step) != (None, None, None):
                if step is not None and step < 1:
                    raise Inexpressible("it reverses an axis")
                wire = pen.layer("slice", [wire], start=start, stop=stop, step=step, axis=axis)
            axis += 1
            place += 1
    for number in reversed(drops):
        wire = pen.layer("squeeze", [wire], axis=number)
    for number in news:
        if number == 0:
            raise Inexpressible("it adds an axis before the batch")
        wire = pen.layer("unsqueeze", [wire], axis=number)
    return pen.layer("identity", [wire]) if wire == tensors[0] else wire


def _key(key: Any) -> tuple[Any, ...]:
    if key is None:
        return ("new",)
    if isinstance(key, int) and not isinstance(key, bool):
        return ("at", key)
    if isinstance(key, dict):
        if key.get("class_name") == "__ellipsis__":
            return ("rest",)
        inner = key.get("config", key) if key.get("class_name") in (None, "__slice__") else {}
        values = [inner.get(name, "missing") for name in ("start", "stop", "step")]
        if all(value is None or isinstance(value, int) for value in values):
            return ("slice", *values)
    raise Inexpressible("its index is a tensor")


SPECIAL: Mapping[str, Callable[[Pen, list[Wire], Arguments], Wire | list[Wire]]] = {
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Swapaxes": _swapaxes,
    "Concatenate": _concatenate,
    "Stack": _stack,
    "Split": _split,
    "ExpandDims": _expand_dims,
    "Squeeze": _squeeze,
    "Matmul": _matmul,
    "BroadcastTo": _broadcast_to,
    "Tile": _tile,
    "Resize": _resize,
    "Pad": _pad,
    "GetItem": _get_item,
}
