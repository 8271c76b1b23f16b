"""A module as a graph of operations, with the sizes that were observed: symbolic trace, or else export."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import CO_VARARGS
from typing import Any, NamedTuple

from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.torch.reading.values import Held

BATCH = 7
"""How many examples the observed tensors hold: a size that models do not have by themselves."""


class Trace(NamedTuple):
    """A module's operations in order."""

    nodes: tuple[Any, ...]
    """``torch.fx`` nodes."""
    modules: dict[str, Any]
    held: dict[str, Held]
    """What the placeholders of an exported program stand for, besides the inputs."""
    observed: dict[Any, Any]
    """What each node made, as tensors without values."""
    exported: bool

    def input_sizes(self) -> list[tuple[Any, ...]]:
        """The sizes of an exported program's inputs, batch left out: numbers, and symbols for those that may vary."""
        inputs = [node for node in self.nodes if node.op == "placeholder" and node.name not in self.held]
        return [tuple(self.observed[node].shape[1:]) for node in inputs]


def trace(module: Any, inputs: Sequence[Any], source: str, free: Sequence[Sequence[bool]]) -> Trace:
    """The module's operations on these inputs; ``free`` says which of their sizes may vary.

    Raises :class:`ExchangeError` where the module runs on no such inputs, or can be traced in neither way.
    """
    with evaluating(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _symbolic(module, inputs)
        except Exception as error:
            first = error
        _run(module, inputs, source)
        return _exported(module, inputs, source, first, free)


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """The module as it is used, not trained, and as it was afterwards."""
    training = {name: part.training for name, part in module.named_modules()}
    module.eval()
    try:
        yield
    finally:
        for name, part in module.named_modules():
            part.training = training[name]


def _run(module: Any, inputs: Sequence[Any], source: str) -> None:
    """That the module takes these inputs at all."""
    try:
        with observing():
            module(*map(_fake, inputs))
    except Exception as error:
        if type(error).__name__.startswith(("DataDependent", "DynamicOutputShape")):
            # It needs values, which these tensors have not: export says what can be done.
            return
        shapes = ", ".join(str(tuple(x.shape[1:])) for x in inputs)
        raise ExchangeError(f"{source} does not run on inputs of sizes {shapes}: {_first_line(error)}") from None


@contextmanager
def observing() -> Iterator[Any]:
    """Tensors without values."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad():
        yield mode


def _fake(tensor: Any) -> Any:
    import torch

    return torch.empty(tensor.shape, dtype=tensor.dtype, device=tensor.device)


def _symbolic(module: Any, inputs: Sequence[Any]) -> Trace:
    import torch

    class Tracer(torch.fx.Tracer):
        """A tracer that knows how many inputs a ``forward(self, *inputs)`` is given."""

        def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> Any:
            if not root_fn.__code__.co_flags & CO_VARARGS or root_fn.__code__.co_argcount > 1:
                return super().create_args_for_root(root_fn, is_module, concrete_args)
            names = ["x"] if len(inputs) == 1 else [f"x{number + 1}" for number in range(len(inputs))]
            return root_fn, [self.root, *(self.create_proxy("placeholder", name, (), {}) for name in names)]

    tracer = Tracer()
    graph = tracer.trace(module)
    traced = torch.fx.GraphModule(tracer.root, graph)
    # Inputs that have defaults and are not given keep them.
    given = [node for node in traced.graph.nodes if node.op == "placeholder"]
    for node in given[len(inputs) :]:
        if not node.args and node.users:
            raise ValueError(f"the input {node.name} is not given")
    return Trace(tuple(traced.graph.nodes), dict(traced.named_modules()), {}, _observe(traced, inputs), False)


def _observe(traced: Any, inputs: Sequence[Any]) -> dict[Any, Any]:
    import torch

    seen: dict[Any, Any] = {}

    class Observer(torch.fx.Interpreter):
        def run_node(self, n: Any) -> Any:
            seen[n] = super().run_node(n)
            return seen[n]

    with observing():
        Observer(traced, garbage_collect_values=False).run(*map(_fake, inputs), enable_io_processing=False)
    return seen


def _exported(
    module: Any, inputs: Sequence[Any], source: str, first: Exception, free: Sequence[Sequence[bool]]
) -> Trace:
    import torch

    auto = torch.export.Dim.AUTO
    shapes = tuple({0: auto, **{axis + 1: auto for axis, f in enumerate(flags) if f}} for flags in free)
    attempts: tuple[Callable[[], Any], ...] = (
        lambda: torch.export.export(module, tuple(inputs), dynamic_shapes=shapes),
        lambda: torch.export.export(module, tuple(inputs)),
    )
    last: Exception = first
    for attempt in attempts:
        try:
            program = attempt()
        except Exception as error:
            last = error
            continue
        return _of_program(program)
    raise ExchangeError(
        f"{source} cannot be traced: its forward decides by values what it does. Symbolic trace says: "
        f"{_first_line(first)}; torch.export says: {_first_line(last)}"
    )


def _of_program(program: Any) -> Trace:
    held: dict[str, Held] = {}
    for spec in program.graph_signature.input_specs:
        if spec.target is None:
            continue
        kind = spec.kind.name
        state = {**program.state_dict, **program.constants}
        tensor = state.get(spec.target)
        if tensor is not None and hasattr(tensor, "shape"):
            held[spec.arg.name] = Held(spec.target, tuple(tensor.shape), kind == "PARAMETER")
    observed = {node: node.meta.get("val") for node in program.graph.nodes}
    return Trace(tuple(program.graph.nodes), {}, held, observed, True)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:300]
