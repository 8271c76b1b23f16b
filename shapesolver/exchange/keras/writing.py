"""A network as a file of Keras code: ``keras.Sequential`` where it is one, the functional form elsewhere."""

from __future__ import annotations

import ast
import keyword
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from shapesolver.exchange.keras.building import attention_order
from shapesolver.exchange.keras.program import Call, Program, program_of
from shapesolver.exchange.keras.steps import Step
from shapesolver.exchange.printing import Bracket, Doc, lines
from shapesolver.model.graph import Wire
from shapesolver.network import Network

RESERVED = frozenset(["keras", "layers", "ops", "x", "Learned", "Fixed", *keyword.kwlist])
"""Names that the code uses itself."""


def keras_code(net: Network) -> str:
    """The network as runnable Keras code: a function that makes the model.

    Raises :class:`ExchangeError` naming the layer that Keras cannot express.
    """
    program = program_of(net)
    body = [*_Sequential(net, program).lines()] if program.sequential else [*_Functional(net, program).lines()]
    used = {step.target for call in program.calls for step in _all_steps(call)}
    support = [text for name, text in _support().items() if name in used]
    needed = ["layers"] if any(target.startswith("layers.") for target in used) or support else []
    needed += ["ops"] if any(target.startswith("ops.") for target in used - {"ops.getitem"}) or support else []
    imports = ["import keras", *([f"from keras import {', '.join(needed)}"] if needed else [])]
    name = PurePath(net.filename).name
    origin = "" if name.startswith("<") else f" from {name}"
    title = f'"""{net.name}, written by shapesolver{origin}."""'
    return "\n\n\n".join(["\n".join([title, "", *imports]), *support, "\n".join(body)]) + "\n"


def _all_steps(call: Call) -> Iterator[Step]:
    for step in call.steps:
        yield step
        yield from (arg for arg in step.args if isinstance(arg, Step))


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


def made(step: Step, name: str) -> Doc:
    """A layer's constructor."""
    arguments: list[Doc] = [made(arg, "") if isinstance(arg, Step) else literal(arg) for arg in step.args]
    arguments += [_keyword(key, value) for key, value in step.kwargs.items()]
    arguments += [_keyword("name", name)] if name and step.named else []
    return Bracket(f"{step.target}(", tuple(arguments), ")")


def _keyword(name: str, value: Any) -> Doc:
    doc = literal(value)
    return f"{name}={doc}" if isinstance(doc, str) else Bracket(f"{name}={doc.head}", doc.items, doc.close)


def literal(value: Any) -> Doc:
    """A number, text, flag, tuple or list as Python writes it."""
    if isinstance(value, tuple):
        return Bracket("(", tuple(map(literal, value)), ")")
    if isinstance(value, list):
        return Bracket("[", tuple(map(literal, value)), "]")
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


class _Code:
    def __init__(self, net: Network, program: Program) -> None:
        self._net = net
        self._program = program

    def function(self) -> Iterator[str]:
        """The function's head."""
        name = "".join(c if c.isalnum() or c == "_" else "_" for c in self._net.name)
        name = name if name.isidentifier() and name not in RESERVED else f"make_{name}"
        yield f"def {name}():"

    def input(self, shape: tuple[int | None, ...], name: str) -> Doc:
        """An input's constructor."""
        named = [_keyword("name", name)] if name else []
        return Bracket("keras.Input(", (literal(shape), *named), ")")


class _Sequential(_Code):
    def lines(self) -> Iterator[str]:
        """The function that makes the model."""
        yield from self.function()
        ((_, name, shape),) = self._program.inputs
        stages = [self.input(shape, name)]
        stages += [made(step, call.name) for call in self._program.calls for step in call.steps]
        yield from lines("return ", Bracket("keras.Sequential(", (Bracket("[", tuple(stages), "]"),), ")"), 4)


class _Functional(_Code):
    def __init__(self, net: Network, program: Program) -> None:
        super().__init__(net, program)
        self._names: dict[Wire, str] = {}
        self._taken: set[str] = set(RESERVED)
        self._layers: dict[int, list[str]] = {}
        self._called_again = {call.shared for call in program.calls if call.shared is not None}
        self._left = Counter(wire for call in program.calls for wire in set(call.inputs))
        self._left.update(program.outputs)
        self._latest: Wire | None = None

    def lines(self) -> Iterator[str]:
        """The function that makes the model."""
        yield from self.function()
        for wire, name, shape in self._program.inputs:
            variable = self._fresh(name or "image")
            self._names[wire] = variable
            yield from lines(f"{variable} = ", self.input(shape, name), 4)
        inputs = list(self._names.values())
        for number, call in enumerate(self._program.calls):
            yield from self._call(call, self._is_passing(number))
        outputs = [self._names[wire] for wire in self._program.outputs]
        ends = [names[0] if len(names) == 1 else f"[{', '.join(names)}]" for names in (inputs, outputs)]
        yield f'    return keras.Model({ends[0]}, {ends[1]}, name="{self._net.name}")'

    def _is_passing(self, number: int) -> bool:
        """Whether a call's result is consumed by the next call, and by nothing else."""
        calls = self._program.calls
        wire = Wire(calls[number].node)
        if calls[number].results > 1 or number + 1 == len(calls):
            return False
        return self._left[wire] == 1 and wire in calls[number + 1].inputs

    def _call(self, call: Call, passing: bool) -> Iterator[str]:
        values = [self._names[wire] for wire in call.inputs]
        names = self._result_names(call, passing)
        layers = self._layers.get(call.shared if call.shared is not None else -1)
        if layers is None and call.node in self._called_again:
            layers = []
            for step in call.steps:
                variable = self._fresh(f"{call.name or self._net.graph.nodes[call.node].layer.op}_layer")
                yield from lines(f"{variable} = ", made(step, call.name), 4)
                layers.append(variable)
            self._layers[call.node] = layers
        for place, step in enumerate(call.steps):
            last = place == len(call.steps) - 1
            target = ", ".join(names) if last else "x"
            doc = self._applied(call, step, values, None if layers is None else layers[place])
            yield from lines(f"{target} = ", doc, 4)
            values = ["x"]
        self._names.update({Wire(call.node, k): name for k, name in enumerate(names)})

    def _applied(self, call: Call, step: Step, values: list[str], layer: str | None) -> Doc:
        if step.is_layer:
            if step.target == "layers.MultiHeadAttention":
                given = ", ".join(attention_order(values))
            else:
                given = f"[{', '.join(values)}]" if step.listed else values[0]
            if layer is not None:
                return f"{layer}({given})"
            doc = made(step, call.name)
            assert isinstance(doc, Bracket)
            return Bracket(doc.head, doc.items, f")({given})")
        if step.target == "ops.getitem":
            return f"{values[0]}[{', '.join(map(_index, step.args[0]))}]"
        tensors: list[Doc] = [Bracket("[", tuple(values), "]")] if step.listed else list(values)
        arguments = [*tensors, *map(literal, step.args), *(_keyword(k, v) for k, v in step.kwargs.items())]
        return Bracket(f"{step.target}(", tuple(arguments), ")")

    def _result_names(self, call: Call, passing: bool) -> list[str]:
        if passing:
            return ["x"]
        stem = call.name or self._net.graph.nodes[call.node].layer.op
        if call.results > 1:
            return [self._fresh(f"{stem}_{k + 1}") for k in range(call.results)]
        return [self._fresh(stem)]

    def _fresh(self, name: str) -> str:
        name = name if name.isidentifier() else "y"
        unique, number = name, 1
        while unique in self._taken:
            number += 1
            unique = f"{name}_{number}"
        self._taken.add(unique)
        return unique


def _index(part: slice) -> str:
    ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
    return f"{ends[0]}:{ends[1]}" + (f":{ends[2]}" if ends[2] else "")
