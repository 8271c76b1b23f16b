"""Where a size comes from: the chain of laws from the input to a layer, with the lines that state them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from shapesolver.arithmetic import Dim, symbol, symbols
from shapesolver.derive import apply
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor
from shapesolver.model.graph import Wire
from shapesolver.network import Network


@dataclass(frozen=True, slots=True)
class Step:
    """One layer's part in a size: ``conv2.H = (conv1.H - 5)//2 + 1``."""

    path: str
    axis: str
    local: Dim
    """The size in terms of the layers consumed."""
    total: Dim
    """The size in terms of the input sizes."""
    value: Dim
    """The size at the sizes asked about."""
    layer: str
    law: str
    line: int


@dataclass(frozen=True, slots=True)
class Chain:
    """One axis of a layer, and the steps that lead to it, first the input."""

    path: str
    axis: str
    total: Dim
    value: Dim
    steps: tuple[Step, ...]


def explain(net: Network, path: str) -> tuple[Chain, ...]:
    """The chain of each axis of a layer's result; raises :class:`~shapesolver.placed.ShapeError` if it has none."""
    free, shown = net.free(), net.usual()
    target = free[path]
    wire, tensor = target.wire, target.tensor
    _ = shown[path].tensor
    return tuple(_chain(free, shown, path, wire, index, axis) for index, axis in enumerate(tensor.axes))


def _chain(free: Network, shown: Network, path: str, wire: Wire, index: int, axis: str) -> Chain:
    steps: dict[tuple[Wire, int], Step] = {}
    pending = [(wire, index)]
    while pending:
        place = pending.pop()
        if place in steps:
            continue
        step, sources = _step(free, shown, *place)
        steps[place] = step
        pending.extend(sources)
    ordered = [step for _, step in sorted(steps.items(), key=lambda item: item[0])]
    shown_steps = tuple(step for step in ordered if not _passes_on(step))
    last = steps[wire, index]
    return Chain(path, axis, last.total, last.value, shown_steps)


def _step(free: Network, shown: Network, wire: Wire, index: int) -> tuple[Step, list[tuple[Wire, int]]]:
    """One layer's step, and the sizes that it is made of."""
    node = free.graph.nodes[wire.node]
    derivation = free.derivation
    names: dict[str, tuple[Wire, int]] = {}
    inputs = []
    for source in node.inputs:
        tensor = derivation.tensor(*source)
        assert tensor is not None
        placeholders = []
        for position, axis in enumerate(tensor.axes):
            name = f"{free.graph.nodes[source.node].path}.{axis}"
            names[name] = source, position
            size = tensor.sizes[position]
            # A size that is a plain number is best read as itself.
            placeholders.append(size if isinstance(size, int) else symbol(name))
        inputs.append(Tensor(tuple(placeholders), tensor.axes))
    layer = derivation.layers[wire.node]
    outcome = apply(layer, tuple(inputs))
    whole = derivation.tensor(*wire)
    value = shown.derivation.tensor(*wire)
    assert whole is not None and value is not None
    local = outcome.outputs[wire.output].sizes[index] if outcome.outputs else whole.sizes[index]
    step = Step(
        node.path,
        whole.axes[index],
        local,
        whole.sizes[index],
        value.sizes[index],
        layer.op,
        law_of(layer, whole.axes[index]),
        node.span.line,
    )
    sources = [names[s.text] for s in symbols(local) if s.text in names]
    return step, sources


def law_of(layer: Layer, axis: str) -> str:
    """The law of one axis in words, from the class that states it."""
    if isinstance(layer, AxisWise):
        documented = type(layer).out_channels if axis == "C" else type(layer).size
        text = inspect.getdoc(documented) or ""
    else:
        text = inspect.getdoc(type(layer)) or ""
    return text.partition("\n")[0].partition(". ")[0].replace("``", "").rstrip(".")


def _passes_on(step: Step) -> bool:
    """Whether the layer hands the size on unchanged."""
    return str(step.local).endswith(f".{step.axis}") and str(step.local).count(" ") == 0 and "(" not in str(step.local)
