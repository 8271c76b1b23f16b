"""SS3xx: where another framework, version or runtime makes other sizes, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from shapesolver.arithmetic import (
    Condition,
    Dim,
    Truth,
    as_float32,
    both,
    compare,
    either,
    negate,
    scaled,
    substitute,
    symbols,
)
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.membership import within
from shapesolver.arithmetic.sets import IntSet
from shapesolver.diagnostics import Advice, Diagnostic, Severity
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Tensor
from shapesolver.layers.merging import Concat
from shapesolver.layers.pooling import CLAMPED_CEIL_OPSET, Pool
from shapesolver.layers.resizing import Upsample
from shapesolver.layers.transposed import ConvTranspose
from shapesolver.layers.windows import Windowed
from shapesolver.verify.breaking import reached
from shapesolver.verify.case import Case
from shapesolver.verify.rule import rule
from shapesolver.verify.sizes import at_usual
from shapesolver.verify.wording import listed


@rule("SS301", "same-with-stride", Severity.NOTE, on_by_default=False, of_built=True)
def same_with_stride(case: Case) -> Iterator[Diagnostic]:
    """`padding=same` with a stride above 1, which PyTorch does not have.

    ## Why it matters

    With a stride, `same` pads by the input's size, and an odd cell goes to the end. PyTorch refuses it; `padding=1`
    in its place makes the same sizes and shifts every window by one cell, so that ported weights see another image.

    ## Example

    ```net
    dialect keras
    image = input(224, 224, 3)
    conv(32, kernel=3, stride=2, padding=same)
    ```

    ## Write instead

    ```net
    dialect keras
    image = input(224, 224, 3)
    pad(((0, 1), (0, 1)))
    conv(32, kernel=3, stride=2)
    ```
    """
    for index, layer, tensor in _layers(case, Windowed):
        if case.net.dialect.torch or layer.padding not in ("same", "same_lower") or isinstance(layer, ConvTranspose):
            continue
        names = [name for axis, name in _axes(layer, tensor) if compare(">", layer.at("stride", axis), 1) is not False]
        if names:
            pads = [layer.pads(n, axis) for axis, n in enumerate(layer.split(tensor)[1])]
            known = all(isinstance(end, int) for pair in pads for end in pair)
            here = f"padding={tuple(pads)}" if known else "what it pads depends on the input's size"
            yield _finding(
                case,
                index,
                "SS301",
                "same-with-stride",
                "PyTorch has no padding=same with a stride above 1",
                names,
                True,
                Severity.NOTE,
                Advice("here", here),
            )


@rule("SS302", "ceil-mode-opset", Severity.WARNING, of_built=True)
def ceil_mode_opset(case: Case) -> Iterator[Diagnostic]:
    """A `ceil_mode` pool before ONNX opset 22, of which shape inference and onnxruntime make different sizes.

    ## Why it matters

    Up to opset 21 the standard counts a last window that lies in the padding alone; onnxruntime leaves it out, as
    PyTorch does, in every opset. The model says one size and runs with another.

    ## Example

    ```net
    dialect onnx opset=21
    x = input(1, 6, 6)
    max_pool(1, stride=3, ceil_mode=true)
    ```

    ## Write instead

    ```net
    dialect onnx opset=22
    x = input(1, 6, 6)
    max_pool(1, stride=3, ceil_mode=true)
    ```
    """
    if not case.net.dialect.onnx or case.net.dialect.opset >= CLAMPED_CEIL_OPSET:
        return
    for index, layer, tensor in _layers(case, Pool):
        if not layer.ceil_mode or layer.fills:
            continue
        parts = {
            name: _one_too_many(layer, n, axis)
            for (axis, name), n in zip(_axes(layer, tensor), layer.split(tensor)[1], strict=True)
        }
        found = {name: truth for name, truth in parts.items() if truth is not False}
        where = case.sizes.where(found.values())
        if found and where is not False:
            message = f"opset {case.net.dialect.opset} infers one window more than onnxruntime makes"
            yield _finding(case, index, "SS302", "ceil-mode-opset", message, [*found], where, Severity.WARNING)


def _one_too_many(layer: Pool, n: Any, axis: int) -> Truth:
    """When the last window of the plain ceiling starts beyond the input and the padding before it."""
    before, _ = layer.pads(n, axis)
    return compare(">=", (layer.size(n, axis) - 1) * layer.at("stride", axis), n + before)


@rule("SS303", "resize-scale", Severity.WARNING, of_built=True)
def resize_scale(case: Case) -> Iterator[Diagnostic]:
    """A factor that PyTorch, ONNX' shape inference and onnxruntime multiply to different sizes.

    PyTorch multiplies in double precision; ONNX stores the factor in single precision, and onnxruntime multiplies
    in it too. 30 by 0.7 is 21, 20 and 21. Symbolic sizes are tried up to 1024; for larger ones it is undecided.

    ## Why it matters

    An exported model has another size than the one that was trained, by one cell and at some sizes only.

    ## Example

    ```net
    dialect torch
    x = input(3, 30, 30)
    upsample(0.7)
    ```

    ## Write instead

    ```net
    dialect torch
    x = input(3, 30, 30)
    resize(21, 21)
    ```
    """
    for index, layer, tensor in _layers(case, Upsample):
        if case.net.dialect.keras:
            continue
        parts: dict[str, Truth] = {}
        shown = ""
        tried: set[Symbol] = set()
        for (axis, name), n in zip(_axes(layer, tensor), layer.split(tensor)[1], strict=True):
            factor = layer.at("scale", axis)
            if isinstance(factor, float):
                parts[name] = _three_answers(factor, n)
                tried.update(symbols(n))
                if parts[name] is True:
                    shown = shown or _answers(factor, n)
        found = {name: truth for name, truth in parts.items() if truth is not False}
        where = case.sizes.where(found.values())
        if found and where is not False:
            message = "PyTorch, ONNX' inference and onnxruntime round the size differently"
            known = {symbol.text: IntSet.interval(1, MAX_TRIED) for symbol in tried}
            advice = [Advice("sizes", shown)] if shown else []
            advice += (
                [Advice("note", f"sizes are tried up to {MAX_TRIED}; beyond that it is undecided")] if tried else []
            )
            yield _finding(
                case, index, "SS303", "resize-scale", message, [*found], where, Severity.WARNING, *advice, known=known
            )


MAX_TRIED = 1024
"""The greatest symbolic size for which the three products are compared: how they differ follows no period."""


def products(n: int, factor: float) -> tuple[int, int, int]:
    """``floor(n*factor)`` in double precision, with the factor in single precision, and all in single precision."""
    single = as_float32(factor)
    return int(scaled(n, factor)), int(scaled(n, single)), int(as_float32(as_float32(float(n)) * single))


def _three_answers(factor: float, n: Dim) -> Truth:
    """That the products differ, for the sizes of one symbol that are tried."""
    found = symbols(n)
    if not found:
        return len(set(products(_number(n), factor))) > 1
    if len(found) > 1:
        return False
    (symbol,) = found
    sizes = ((k, _number(substitute(n, {symbol.text: k}))) for k in range(1, MAX_TRIED + 1))
    return within(symbol, IntSet.finite(k for k, size in sizes if len(set(products(size, factor))) > 1))


def _number(n: Dim) -> int:
    assert isinstance(n, int)
    return n


def _answers(factor: float, n: Dim) -> str:
    torch, infer, run = products(_number(n), factor)
    return f"{n} by {factor}: PyTorch {torch}, ONNX' inference {infer}, onnxruntime {run}"


@rule("SS304", "unchecked-concat", Severity.WARNING)
def unchecked_concat(case: Case) -> Iterator[Diagnostic]:
    """A concatenation of unequal sizes, which Keras' symbolic inference takes without a word.

    ## Why it matters

    `model.summary()` shows the first input's size, and building the model succeeds. The first call with data fails:
    a U-Net at 100 x 100 reports (100, 100, C) and stops at 25 against 24.

    ## Example

    ```net
    dialect keras
    image = input(99, 99, 8)
    up = max_pool(2) -> upsample(2)
    concat(image, up)
    ```

    ## Write instead

    ```net
    dialect keras
    image = input(96, 96, 8)
    up = max_pool(2) -> upsample(2)
    concat(image, up)
    ```
    """
    if not case.net.dialect.keras:
        return
    message = "Keras builds this without complaint, and fails when it is called"
    for index, node in enumerate(case.net.graph.nodes):
        outcome = case.derivation.outcomes[index]
        if isinstance(node.layer, Concat) and outcome is not None:
            broken = outcome.broken is not None and outcome.broken.rule == "size-mismatch"
            unequal = [negate(need.truth) for need in outcome.conditions if need.rule == "size-mismatch"]
            where: Truth = True if broken else either(*unequal)
            if where is not False and at_usual(where, case.usual) is not False:
                found = _finding(case, index, "SS304", "unchecked-concat", message, [], where, Severity.WARNING)
                yield replace(found, among=reached(case, node))


@rule("SS305", "keras-backends", Severity.WARNING, of_built=True)
def keras_backends(case: Case) -> Iterator[Diagnostic]:
    """A transposed convolution that Keras' backends size differently: `padding=same` with an `output_padding`.

    ## Why it matters

    The size here is TensorFlow's. The PyTorch backend computes its own padding for this pair of parameters, and
    makes other sizes of some, or runs what TensorFlow refuses.

    ## Example

    ```net
    dialect keras
    x = input(14, 14, 8)
    conv_transpose(8, kernel=3, stride=2, padding=same, output_padding=1)
    ```

    ## Write instead

    ```net
    dialect keras
    x = input(14, 14, 8)
    conv_transpose(8, kernel=3, stride=2, padding=same)
    ```
    """
    for index, layer, tensor in _layers(case, ConvTranspose):
        if case.net.dialect.keras and layer.fills and layer.output_padding is not None:
            message = "Keras' backends disagree about padding=same with an output_padding"
            names = [name for _, name in _axes(layer, tensor)]
            yield _finding(case, index, "SS305", "keras-backends", message, names, True, Severity.WARNING)


@rule("SS306", "pool-padding", Severity.NOTE, on_by_default=False, of_built=True)
def pool_padding(case: Case) -> Iterator[Diagnostic]:
    """A pool padded by more than half its kernel, which onnxruntime runs and PyTorch refuses.

    ## Why it matters

    PyTorch 2.13 compares the padding with half the plain kernel, dilation or not; other versions with half the
    dilated one. ONNX asks only that the padding be smaller than the kernel.

    ## Example

    ```net
    dialect onnx
    x = input(8, 16, 16)
    max_pool(3, stride=2, padding=2)
    ```

    ## Write instead

    ```net
    dialect onnx
    x = input(8, 16, 16)
    pad(2)
    max_pool(3, stride=2)
    ```
    """
    for index, layer, tensor in _layers(case, Pool):
        if not case.net.dialect.onnx or layer.fills:
            continue
        over = [
            name
            for axis, name in _axes(layer, tensor)
            if any(compare("<=", end, layer.at("kernel", axis) // 2) is False for end in layer.pads(1, axis))
        ]
        if over:
            message = "PyTorch refuses a pool padded by more than half its kernel"
            yield _finding(case, index, "SS306", "pool-padding", message, over, True, Severity.NOTE)


def _layers(case: Case, kind: type[Any]) -> Iterator[tuple[int, Any, Tensor]]:
    """The layers of a kind, each line of the file once, with what they consume."""
    seen = set()
    for index, layer in enumerate(case.derivation.layers):
        inputs, span = case.derivation.inputs(index), case.net.graph.nodes[index].span
        if isinstance(layer, kind) and isinstance(layer, AxisWise) and inputs and span not in seen:
            outcome = case.derivation.outcomes[index]
            if outcome is not None and outcome.broken is None:
                seen.add(span)
                yield index, layer, inputs[0]


def _axes(layer: AxisWise, tensor: Tensor) -> list[tuple[int, str]]:
    return list(enumerate(layer.spatial_names(tensor)))


def _finding(
    case: Case,
    index: int,
    code: str,
    name: str,
    message: str,
    axes: list[str],
    where: Truth,
    severity: Severity,
    *advice: Advice | None,
    known: Mapping[str, IntSet] | None = None,
) -> Diagnostic:
    node = case.net.graph.nodes[index]
    symbolic = bool(case.net.symbols) and isinstance(where, Condition)
    along = f" along {listed(axes)}" if axes else ""
    when = f" {case.sizes.unless(where, known)}" if symbolic else ""
    elsewhere = symbolic and at_usual(where, case.usual) is False
    return Diagnostic(
        code,
        name,
        f"{node.path}: {message}{along}{when}".rstrip(),
        node.span,
        Severity.NOTE if elsewhere else severity,
        advice=tuple(item for item in advice if item is not None),
        layer=node.path,
        axis=", ".join(axes),
        where=where if symbolic else True,
        known=both(*(within(Symbol(name, 1), members) for name, members in (known or {}).items())),
    )
