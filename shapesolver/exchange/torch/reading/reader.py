"""A trace read operation by operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.sketch import Sketch
from shapesolver.exchange.torch.reading.drawing import Drawing
from shapesolver.exchange.torch.reading.registry import function_name, function_reader, module_reader
from shapesolver.exchange.torch.reading.values import (
    Batch,
    Cropped,
    Direction,
    Held,
    Outside,
    Padded,
    Ref,
    State,
    Unknown,
)
from shapesolver.exchange.torch.tracing import BATCH, Trace
from shapesolver.model.graph import Wire

TENSORS = (Ref, Held, Outside, Padded, Cropped, State, Direction)
ASSERTIONS = {
    "_assert",
    "_assert_async",
    "aten._assert_scalar",
    "aten._assert_tensor_metadata",
    "aten.sym_constrain_range",
    "aten.sym_constrain_range_for_size",
}
"""Operations that make nothing."""


def read(trace: Trace, sketch: Sketch, inputs: Sequence[Ref], usual: Mapping[str, int]) -> None:
    """Draw a trace; ``inputs`` are the network's, in the module's order, ``usual`` the sizes that were traced."""
    Reading(trace, sketch, inputs, usual).run()


class Reading:
    """Reads one trace."""

    def __init__(self, trace: Trace, sketch: Sketch, inputs: Sequence[Ref], usual: Mapping[str, int]) -> None:
        self._trace = trace
        self._sketch = sketch
        self._inputs = [*inputs]
        self._values: dict[Any, Any] = {}
        self._draw = Drawing(sketch, trace.modules, BATCH, usual)
        self._draw.values = self._values

    def run(self) -> None:
        """Read every operation in order."""
        for node in self._trace.nodes:
            if node.op == "output":
                self._output(self._argument(node.args[0]))
            else:
                self._values[node] = self._value(node)

    def _output(self, value: Any) -> None:
        results = list(value.values()) if isinstance(value, dict) else value
        if isinstance(results, TENSORS) or not isinstance(results, (tuple, list)):
            results = [results]
        for result in results:
            if isinstance(result, (tuple, list)) and not isinstance(result, TENSORS):
                self._output(result)
            elif result is not None:
                self._sketch.output(self._leaving(result))

    def _leaving(self, value: Any) -> Wire:
        try:
            return value.last.wire if isinstance(value, State) else self._draw.tensor(value).wire
        except Unknown as unknown:
            raise ExchangeError(f"{self._sketch.source}: what it returns is no tensor of examples: {unknown}") from None

    # One operation.

    def _value(self, node: Any) -> Any:
        if node.op == "placeholder":
            return self._placeholder(node)
        if node.op == "get_attr":
            return self._attribute(node)
        if node.op == "call_function" and function_name(node.target) in ASSERTIONS:
            return None
        args, kwargs = self._argument(node.args), self._argument(node.kwargs)
        try:
            value = self._read(node, args, kwargs)
        except (Unknown, TypeError, ValueError, IndexError, AttributeError, ExchangeError) as error:
            return self._unknown(node, args, kwargs, error)
        self._compare(node, value)
        return value

    def _read(self, node: Any, args: Any, kwargs: Any) -> Any:
        draw = self._draw
        draw.node, draw.name, draw.function = node, "", ""
        if node.op == "call_module":
            module = self._trace.modules[node.target]
            draw.name = str(node.target)
            reader = module_reader(type(module).__name__) if type(module).__module__.startswith("torch.nn") else None
            if reader is None:
                raise Unknown(f"there is no layer for {type(module).__name__}")
            return reader(draw, module, *args, **kwargs)
        name = function_name(node.target)
        if name == "getattr":
            return self._getattr(*args)
        if name == "getitem" and isinstance(args[0], (tuple, list)) and not isinstance(args[0], TENSORS):
            return args[0][args[1]]
        reader = function_reader(name)
        if reader is None:
            raise Unknown(f"there is no layer for {name}")
        draw.function = name
        return reader(draw, *args, **kwargs)

    def _getattr(self, value: Any, name: str) -> Any:
        sizes = self._draw.full(value)
        if name == "shape":
            return sizes
        if name == "ndim":
            return len(sizes)
        if name in ("device", "dtype", "is_cuda", "requires_grad"):
            return None
        raise Unknown(f"it asks for .{name}")

    def _placeholder(self, node: Any) -> Any:
        if node.name in self._trace.held:
            return self._trace.held[node.name]
        if self._inputs:
            return self._inputs.pop(0)
        return node.args[0] if node.args else None

    def _attribute(self, node: Any) -> Any:
        import torch

        value = self._trace.modules[""]
        for step in str(node.target).split("."):
            value = getattr(value, step)
        if isinstance(value, torch.Tensor):
            return Held(str(node.target), tuple(value.shape), isinstance(value, torch.nn.Parameter))
        return value

    def _argument(self, value: Any) -> Any:
        if hasattr(value, "users") and hasattr(value, "op"):
            return self._values[value]
        if isinstance(value, slice):
            return slice(*(self._argument(end) for end in (value.start, value.stop, value.step)))
        if isinstance(value, Mapping):
            return {key: self._argument(item) for key, item in value.items()}
        if isinstance(value, (tuple, list)):
            items = [self._argument(item) for item in value]
            return items if isinstance(value, list) else tuple(items)
        return value

    # What has no counterpart.

    def _unknown(self, node: Any, args: Any, kwargs: Any, error: Exception) -> Any:
        """Keep an operation as an opaque layer of its observed sizes, or else outside the network."""
        sources = tuple(dict.fromkeys(_tensors((args, kwargs))))
        why = str(error) if isinstance(error, (Unknown, ExchangeError)) else "it is used in an unusual way"
        name = str(node.target) if node.op == "call_module" else ""
        what = type(self._trace.modules[name]).__name__ if name else function_name(node.target)
        observed = self._trace.observed.get(node)
        several = isinstance(observed, (tuple, list))
        tensors: Any = observed if several else (observed,)
        whole = [x for x in tensors if hasattr(x, "dtype") and len(x.shape) > 1 and _number(x.shape[0]) == BATCH]
        if not sources or not whole or len(whole) != len(tensors):
            return Outside(sources, f"{what}: {why}")
        sizes = [tuple(_number(n) for n in x.shape[1:]) for x in whole]
        params = sum(p.numel() for p in self._trace.modules[name].parameters()) if name else 0
        made = self._sketch.opaque(what, [s.wire for s in sources], sizes, name=name, why=why, params=params)
        results = tuple(map(Ref, made))
        return results if several else results[0]

    def _compare(self, node: Any, value: Any) -> None:
        """Warn where a layer does not have the size that was observed."""
        observed: Any = self._trace.observed.get(node)
        if not isinstance(value, Ref) or not hasattr(observed, "dtype"):
            return
        tensor = self._sketch.tensor(value.wire)
        here: list[Any] = [] if tensor is None else [self._draw.at_usual(n) for n in tensor.sizes]
        here.insert(value.batch, BATCH)
        there = [_number(n) for n in observed.shape]
        if here != there:
            del here[value.batch], there[value.batch]
            made = f"makes {tuple(here)} here" if tensor is not None else "cannot be built here"
            self._sketch.warn(f"{self._sketch.source}: {node.name} {made}, and {tuple(there)} was observed")


def _tensors(value: Any) -> list[Ref]:
    """The tensors of the network in some arguments."""
    match value:
        case Ref():
            return [value]
        case Padded(ref=ref) | Cropped(ref=ref) | State(last=ref) | Direction(state=State(last=ref)):
            return [ref]
        case Outside(sources=sources):
            return list(sources)
        case Held() | Batch():
            return []
        case Mapping():
            return [ref for item in value.values() for ref in _tensors(item)]
        case tuple() | list():
            return [ref for item in value for ref in _tensors(item)]
    return []


def _number(size: Any) -> int:
    """A size as it was observed; an exported program's may be a symbol with a hint."""
    node = getattr(size, "node", None)
    return int(size) if node is None else int(node.hint)
