"""A network as an ``nn.Module`` object, its modules made one by one. No text is executed."""

from __future__ import annotations

import operator
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from shapesolver.arithmetic import substitute
from shapesolver.exchange import needs
from shapesolver.exchange.code import (
    Batch,
    Call,
    Expression,
    Extent,
    Item,
    Made,
    Method,
    Operation,
    Size,
    Slice,
    Slot,
    Value,
)
from shapesolver.exchange.parts import Leaf, Part, Tree
from shapesolver.exchange.torch.layers import Writing
from shapesolver.exchange.torch.text import symbols_needed
from shapesolver.layers.source import Input
from shapesolver.model.graph import Wire
from shapesolver.network import Network

if TYPE_CHECKING:
    from torch import nn

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": operator.matmul,
}


def to_torch(net: Network) -> nn.Module:
    """The network as a module, with the names and the parameters of :func:`torch_code`'s.

    Raises :class:`ExchangeError` where PyTorch is missing or cannot express a layer.
    """
    needs("torch")
    return Building(net).module()


class Building:
    """Makes the modules of one network."""

    def __init__(self, net: Network) -> None:
        from shapesolver.exchange.torch import support

        self._net = net
        self._writing = Writing(net)
        self._root = Tree(net.graph, self._writing.leaves()).root()
        self._support = support

    def module(self) -> nn.Module:
        """The whole network."""
        inputs = [(Wire(i), node.path) for i, node in enumerate(self._net.graph.nodes) if isinstance(node.layer, Input)]
        if self._root.chain:
            return self._sequential(self._root)
        module = self._container(self._root, tuple(wire for wire, _ in inputs), self._symbols(inputs))
        for leaf in self._root.leaves:
            if leaf.tied is not None:
                getattr(module, leaf.name).weight = getattr(module, leaf.tied.name).weight
        return module

    def _symbols(self, inputs: list[tuple[Wire, str]]) -> dict[str, tuple[int, int]]:
        """Where each symbol that ``forward`` works with is read: an input's number and its axis."""
        found: dict[str, tuple[int, int]] = {}
        for number, (wire, _) in enumerate(inputs):
            tensor = self._net.derivation.tensor(*wire)
            assert tensor is not None
            first = self._writing.layout(wire)
            sizes = (tensor.sizes[-1], *tensor.sizes[:-1]) if first else tensor.sizes
            for axis, size in enumerate(sizes):
                found.setdefault(str(size), (number, axis + 1))
        needed = symbols_needed(self._root)
        return {name: place for name, place in found.items() if name in needed}

    def _made(self, member: Leaf | Part) -> Any:
        if isinstance(member, Leaf):
            return None if member.shared or member.written.made is None else self._value(member.written.made)
        if member.rounds:
            return self._rounds(member)
        return self._sequential(member) if member.chain else self._container(member, member.inputs, {})

    def _sequential(self, part: Part) -> nn.Sequential:
        from torch import nn

        named: list[tuple[str, nn.Module]] = []
        for member in part.members:
            if isinstance(member, Part):
                named.append((member.name, self._made(member)))
                continue
            for number, stage in enumerate(member.written.stages or ()):
                named.append((f"{member.name}_{number + 1}" if number else member.name, self._value(stage)))
        if all(member.automatic for member in part.members):
            return nn.Sequential(*(stage for _, stage in named))
        return nn.Sequential(OrderedDict(named))

    def _rounds(self, part: Part) -> nn.Module:
        from torch import nn

        made = []
        for member in part.members:
            if isinstance(member, Leaf) and member.written.stages and len(member.written.stages) > 1:
                made.append(nn.Sequential(*map(self._value, member.written.stages)))
            elif isinstance(member, Leaf) and member.written.stages:
                made.append(self._value(member.written.stages[0]))
            else:
                made.append(self._made(member))
        return nn.Sequential(*made) if part.chain else nn.ModuleList(made)

    def _container(self, part: Part, inputs: tuple[Wire, ...], symbols: dict[str, tuple[int, int]]) -> nn.Module:
        module: nn.Module = _network_class()(part, inputs, symbols, self._support)
        for member in part.members:
            made = self._made(member)
            if made is not None:
                setattr(module, member.name, made)
        return module

    def _value(self, expression: Expression) -> Any:
        return Evaluation(self._support, {}).value(expression)


def _network_class() -> Any:
    """The class of modules that are more than a chain; made here, because PyTorch is imported late."""
    from torch import nn

    class Network(nn.Module):
        """A network built by shapesolver: its layers are modules, joined as the file joins them."""

        def __init__(self, part: Part, inputs: tuple[Wire, ...], symbols: Any, support: Any) -> None:
            super().__init__()
            self._part, self._inputs, self._symbols, self._support = part, inputs, symbols, support

        def forward(self, *tensors: Any) -> Any:
            """What the network makes of its inputs, in the order of the file."""
            evaluation = Evaluation(self._support, dict(zip(self._inputs, tensors, strict=True)))
            evaluation.symbols = {name: tensors[n].shape[axis] for name, (n, axis) in self._symbols.items()}
            evaluation.run(self._part, self)
            results = tuple(evaluation.tensors[wire] for wire in self._part.outputs)
            return results[0] if len(results) == 1 else results

    return Network


class Evaluation:
    """Works expressions out: with a module's tensors, what a layer makes; without, the modules themselves."""

    def __init__(self, support: Any, tensors: dict[Wire, Any]) -> None:
        self.tensors = tensors
        self.symbols: dict[str, Any] = {}
        self._support = support
        self._batch: Any = next(iter(tensors.values()), None)
        self._module: Any = None

    def run(self, part: Part, owner: Any) -> None:
        """Do what a part does, its members being the owner's."""
        for member in part.members:
            name = member.shared.name if isinstance(member, Leaf) and member.shared else member.name
            module: Any = owner[int(name)] if part.rounds else getattr(owner, name, None)
            if isinstance(member, Part) and member.rounds and not member.chain:
                self.run(member, module)
                continue
            if isinstance(member, Leaf):
                self._module = module
                result = self.value(member.written.result)
            else:
                result = module(*(self.tensors[wire] for wire in member.inputs))
            outputs = member.outputs
            self.tensors.update(zip(outputs, (result,) if len(outputs) == 1 else result, strict=True))

    def value(self, expression: Expression) -> Any:
        """What an expression comes to."""
        match expression:
            case Slot(value=value):
                return self.value(value)
            case Value(wire=wire):
                return self.tensors[wire]
            case Made(args=None):
                return self._module
            case Made(args=args, kwargs=kwargs):
                return self._module(*self.value(list(args or ())), **self._keywords(kwargs))
            case Call():
                return self._call(expression)
            case Method(of=of, name=name, args=args, kwargs=kwargs):
                return getattr(self.value(of), name)(*self.value(list(args)), **self._keywords(kwargs))
            case Operation(symbol=symbol, left=left, right=right):
                return OPERATORS[symbol](self.value(left), self.value(right))
            case Item(of=of, index=index):
                found = tuple(self.value(entry) for entry in index)
                return self.value(of)[found[0] if len(found) == 1 else found]
            case Slice(start=start, stop=stop, step=step):
                return slice(self.value(start), self.value(stop), self.value(step))
            case Extent(of=of, axis=axis):
                return self.value(of).shape[axis]
            case Size(formula=formula):
                return substitute(formula, self.symbols)
            case Batch():
                return self._batch.shape[0]
            case list():
                return [self.value(item) for item in expression]
            case tuple():
                return tuple(self.value(item) for item in expression)
        return expression

    def _keywords(self, kwargs: tuple[tuple[str, Expression], ...]) -> dict[str, Any]:
        return {name: self.value(value) for name, value in kwargs}

    def _call(self, expression: Call) -> Any:
        args: list[Any] = []
        keywords = self._keywords(expression.kwargs)
        for arg in expression.args:
            if not isinstance(arg, Slot) or not arg.keyword:
                args.append(self.value(arg))
            elif not (type(arg.value) is type(arg.default) and arg.value == arg.default):
                keywords[arg.hint] = self.value(arg)
        return self._function(expression.function)(*args, **keywords)

    def _function(self, name: str) -> Any:
        """A function of ``torch``, ``nn`` or ``F``, or one of ``support.py``; the names are this package's own."""
        if name == "OrderedDict":
            return OrderedDict
        found = self._support
        for step in name.split("."):
            found = getattr(found, step)
        return found
