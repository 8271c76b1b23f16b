"""A network as a file of Keras code: ``keras.Sequential`` where it is one, the functional form elsewhere."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import PurePath

from shapesolver.exchange.keras.expressions import constructor
from shapesolver.exchange.keras.functions import Function, Loop, Outline, outline_of, prefix_of
from shapesolver.exchange.keras.program import Program, program_of
from shapesolver.exchange.keras.scopes import Naming, Scope, statements
from shapesolver.exchange.parts import unused
from shapesolver.exchange.printing import Bracket, Doc, arguments, document, flat, headed, lines
from shapesolver.network import Network

SUPPORT = ("Learned", "Fixed", "TiedEmbedding")
"""The classes that a file may bring along."""
RESERVED = frozenset(["keras", "layers", "ops", "x", "name", *SUPPORT, *keyword.kwlist])
"""Names that the code uses itself."""


def keras_code(net: Network) -> str:
    """The network as runnable Keras code: a function that makes the model.

    Blocks are functions of their own and repeats are loops, where what is in them is the same but for numbers.
    Raises :class:`ExchangeError` naming the layer that Keras cannot express.
    """
    return _File(net, program_of(net)).text()


class _File:
    def __init__(self, net: Network, program: Program) -> None:
        self._net = net
        self._program = program
        name = "".join(c if c.isalnum() or c == "_" else "_" for c in net.name)
        self._name = name if name.isidentifier() and name not in RESERVED else f"make_{name}"
        self._outline: Outline = outline_of(net.graph, program, {*RESERVED, self._name})
        self._functions = {function.name for function in self._outline.functions}

    def text(self) -> str:
        """The whole file."""
        body = [self._function(function) for function in self._outline.functions]
        body.append("\n".join(self._sequential() if self._is_sequential() else self._functional()))
        support = [text for name, text in _support().items() if f" {name}(" in "\n".join(body)]
        pieces = [*support, *body]
        needed = [name for name in ("layers", "ops") if re.search(rf"(?<![\w.]){name}\.", "\n".join(pieces))]
        imports = ["import keras", *([f"from keras import {', '.join(needed)}"] if needed else [])]
        name = PurePath(self._net.filename).name
        origin = "" if name.startswith("<") else f" from {name}"
        title = f'"""{self._net.name}, written by shapesolver{origin}."""'
        return "\n\n\n".join(["\n".join([title, "", *imports]), *pieces]) + "\n"

    def _is_sequential(self) -> bool:
        plain = not any(isinstance(made, Loop) for made in self._outline.body.members)
        return self._program.sequential and plain and not self._functions

    def _input(self, shape: tuple[int | None, ...], name: str) -> Doc:
        """An input's constructor."""
        named = [headed("name=", document(name))] if name else []
        return Bracket("keras.Input(", (document(shape), *named), ")")

    def _sequential(self) -> Iterator[str]:
        """The function that makes a chain of layers."""
        yield f"def {self._name}():"
        ((_, name, shape),) = self._program.inputs
        stages: list[Doc] = [self._input(shape, name)]
        for call in self._program.calls:
            for step in call.steps:
                made = constructor(step)
                named = [headed("name=", document(call.name))] if call.name and step.named else []
                stages.append(Bracket(f"{made.function}(", (*arguments(made.args, made.kwargs), *named), ")"))
        yield from lines("return ", Bracket("keras.Sequential(", (Bracket("[", tuple(stages), "]"),), ")"), 4)

    def _functional(self) -> Iterator[str]:
        """The function that makes the model."""
        scope = Scope(self._net.graph, self._outline, {*RESERVED, *self._functions}, Naming(), 4)
        yield f"def {self._name}():"
        for wire, name, shape in self._program.inputs:
            yield from lines(f"{scope.given(wire, name or 'image')} = ", self._input(shape, name), 4)
        inputs = [scope.names[wire] for wire, _, _ in self._program.inputs]
        yield from scope.lines([*statements(self._outline.root, self._outline.body)], self._program.outputs)
        outputs = [scope.names[wire] for wire in self._program.outputs]
        ends = [names[0] if len(names) == 1 else f"[{', '.join(names)}]" for names in (inputs, outputs)]
        yield f'    return keras.Model({ends[0]}, {ends[1]}, name="{self._net.name}")'

    def _function(self, function: Function) -> str:
        """A function for a block."""
        part, own = function.part, [name for name, _ in function.parameters]
        body = [*statements(part, function.body)]
        naming = Naming(len(prefix_of(part, self._net.graph)))
        scope = Scope(self._net.graph, self._outline, {*RESERVED, *self._functions, *own}, naming, 4)
        main = part.inputs[0]
        once = all(main not in statement.inputs for statement in body[1:]) and main not in part.outputs
        scope.names[main] = "x" if once and main in body[0].inputs else unused("inputs", {*own})
        for wire in part.inputs[1:]:
            scope.given(wire, "skip")
        takes = (*(scope.names[wire] for wire in part.inputs), *_parameters(function))
        text = lines("", Bracket(f"def {function.name}(", takes, ")"), 0, ":")
        final = "x" if len(part.outputs) == 1 and body[-1].member.outputs == part.outputs else ""
        text += scope.lines(body, part.outputs, final)
        text.append(f"    return {', '.join(scope.names[wire] for wire in part.outputs)}")
        return "\n".join(text)


def _parameters(function: Function) -> Iterator[str]:
    """What a function takes besides tensors; what has a default comes last."""
    yield from (name for name, default in function.parameters if default is None)
    if function.named:
        yield "name"
    yield from (f"{name}={flat(document(default))}" for name, default in function.parameters if default is not None)


def _support() -> dict[str, str]:
    """The classes of ``support.py`` as text, by name, without what only linters read."""
    source = files("shapesolver.exchange.keras").joinpath("support.py").read_text(encoding="utf-8")
    plain = "\n".join(line.partition("  # ")[0] for line in source.splitlines())
    found = {}
    for item in ast.parse(plain).body:
        if isinstance(item, ast.ClassDef):
            (decorator,) = item.decorator_list
            text = ast.get_source_segment(plain, item) or ""
            found[item.name] = f"@{ast.get_source_segment(plain, decorator)}\n{text}"
    return found
