"""A network as a file of PyTorch code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import PurePath

from shapesolver.exchange.code import Call, Expression
from shapesolver.exchange.parts import Leaf, Part, Tree, author_names, safe, segments, walk
from shapesolver.exchange.printing import Bracket, document, flat, lines
from shapesolver.exchange.torch.classes import ModuleClass, camel, classify, sequential
from shapesolver.exchange.torch.forward import Forward
from shapesolver.exchange.torch.layers import Writing
from shapesolver.layers.base import Tensor
from shapesolver.layers.source import Input
from shapesolver.model.graph import Wire
from shapesolver.network import Network


def torch_code(net: Network) -> str:
    """The network as runnable PyTorch code: ``nn.Sequential`` where it is one, else a module class.

    Sizes that constructors need are those at the usual input sizes. Raises :class:`ExchangeError` naming the layer
    that PyTorch cannot express.
    """
    return Writer(net).text()


class Writer:
    """Writes the file of one network."""

    def __init__(self, net: Network) -> None:
        self._net = net
        self._graph = net.graph
        self._writing = Writing(net)
        self._root = Tree(net.graph, self._writing.leaves()).root()
        self._name = camel(safe(net.name)) or "Net"
        self._classes = classify(self._root, {self._name, "MultiHeadAttention", "EinsumDense", "Standardize", "Net"})
        self._authors = author_names(net.graph)

    def text(self) -> str:
        """The whole file."""
        body = [*self._module_classes(), self._main()]
        helpers: list[str] = []
        for name, text in reversed(_support().items()):
            # The last ones use those before them.
            if f"{name}(" in "\n".join([*helpers, *body]):
                helpers.insert(0, text)
        pieces = [*helpers, *body]
        imports = _imports("\n".join(pieces))
        title = f'"""{self._net.name}, written by shapesolver{self._source()}."""'
        return "\n\n\n".join(["\n\n".join([title, imports]), *pieces]) + "\n"

    def _source(self) -> str:
        name = PurePath(self._net.filename).name
        return "" if name.startswith("<") else f" from {name}"

    def _module_classes(self) -> Iterator[str]:
        for made in self._classes.classes:
            yield "\n".join(self._module_class(made))

    def _module_class(self, made: ModuleClass) -> Iterator[str]:
        part = made.part
        yield f"class {made.name}(nn.{'Sequential' if part.chain else 'Module'}):"
        declared = [name if default is None else f"{name}={_plain(default)}" for name, default in made.parameters]
        yield from lines("", Bracket("def __init__(", ("self", *declared), ")"), 4, ":")
        if part.chain:
            (stages,) = made.constructs.values()
            assert isinstance(stages, Call)
            yield from lines("", document(Call("super().__init__", stages.args)), 8)
            return
        yield from self._members(part, made.constructs)
        names = ["x", *(f"skip{n or ''}" for n in range(len(part.inputs) - 1))]
        yield ""
        yield f"    def forward(self, {', '.join(names)}):"
        given = dict(zip(part.inputs, names, strict=False))
        yield from Forward(part, self._inner_names(part), given).lines(8)

    def _inner_names(self, part: Part) -> dict[Wire, str]:
        """The author's names of results inside a block, which its instances share."""
        return {wire: name for leaf in part.leaves for wire in leaf.outputs if (name := self._authors.get(wire))}

    def _members(self, part: Part, constructs: dict[str, Expression]) -> Iterator[str]:
        yield "        super().__init__()"
        for name, construct in constructs.items():
            yield from lines(f"self.{name} = ", document(construct), 8)

    def _main(self) -> str:
        inputs = [(Wire(i), node.path) for i, node in enumerate(self._graph.nodes) if isinstance(node.layer, Input)]
        shapes = ", ".join(f"{name} {self._shape(wire)}" for wire, name in inputs)
        root = self._root
        if root.chain:
            stages = sequential(root, self._classes)
            head = [f"def {safe(_snake(self._net.name))}():", f'    """Takes {shapes}.{self._layout_note}"""']
            return "\n".join([*head, *lines("return ", document(stages), 4)])
        constructs = {m.name: made for m in root.members if (made := self._construct(m)) is not None}
        names = {wire: safe("_".join(segments(name))) for wire, name in inputs}
        takes = f'    """Takes {shapes}.{self._layout_note}"""'
        text = [f"class {self._name}(nn.Module):", takes, "", "    def __init__(self):"]
        text += self._members(root, constructs)
        text += self._ties()
        text += ["", f"    def forward(self, {', '.join(names.values())}):"]
        text += self._sizes(names)
        text += Forward(root, self._authors, names).lines(8)
        return "\n".join(text)

    def _construct(self, member: Leaf | Part) -> Expression:
        if isinstance(member, Leaf) and member.shared:
            return None
        return self._classes.make(member)

    def _ties(self) -> Iterator[str]:
        for leaf in self._root.leaves:
            if leaf.tied is not None:
                yield f"        self.{leaf.name}.weight = self.{leaf.tied.name}.weight"

    def _sizes(self, names: dict[Wire, str]) -> Iterator[str]:
        """The symbols of the inputs, read off the tensors, where ``forward`` needs them."""
        needed = symbols_needed(self._root)
        for wire, name in names.items():
            tensor = self._tensor(wire)
            for axis, size in enumerate(tensor.sizes):
                if str(size) in needed:
                    needed.discard(str(size))
                    yield f"        {size} = {name}.shape[{axis + 1}]"

    def _tensor(self, wire: Wire) -> Tensor:
        """An input as it lies in PyTorch."""
        tensor = self._net.derivation.tensor(*wire)
        assert tensor is not None
        if not self._writing.layout(wire):
            return tensor
        return Tensor((tensor.sizes[-1], *tensor.sizes[:-1]), (tensor.axes[-1], *tensor.axes[:-1]))

    @property
    def _layout_note(self) -> str:
        return " Channels come first, as PyTorch has them." if self._graph.dialect.channels_last else ""

    def _shape(self, wire: Wire) -> str:
        usual = self._net.symbols
        sizes = [
            f"{size}={usual[str(size)]}" if usual.get(str(size)) is not None else str(size)
            for size in self._tensor(wire).sizes
        ]
        return f"({', '.join(['N', *sizes])}{',' if not sizes else ''})"


def symbols_needed(root: Part) -> set[str]:
    """The symbols that the whole network's ``forward`` works with."""
    from shapesolver.arithmetic import Formula, symbols
    from shapesolver.exchange.code import Size

    needed: set[str] = set()
    for leaf in root.leaves:
        for part in walk(leaf.written.result):
            if isinstance(part, Size) and isinstance(part.formula, Formula):
                needed |= {s.text for s in symbols(part.formula)}
    return needed


def _plain(value: Expression) -> str:
    return flat(document(value))


def _snake(name: str) -> str:
    text = "_".join(segments(name)).replace("-", "_")
    return text if text.isidentifier() else f"net_{text}"


def _imports(text: str) -> str:
    wanted = {
        "from collections import OrderedDict\n": "OrderedDict(",
        "import math\n": "math.",
        "import torch": "torch.",
        "import torch.nn.functional as F": "F.",
        "from torch import nn": "nn.",
    }
    return "\n".join(line for line, use in wanted.items() if re.search(rf"(?<![\w.]){re.escape(use)}", text))


def _support() -> dict[str, str]:
    """The functions of ``support.py`` as text, by name."""
    source = files("shapesolver.exchange.torch").joinpath("support.py").read_text(encoding="utf-8")
    found = {}
    for item in ast.parse(source).body:
        if isinstance(item, (ast.FunctionDef, ast.ClassDef)):
            found[item.name] = ast.get_source_segment(source, item) or ""
    return found
