"""The layers as the registry knows them: for the terminal, and as the page ``docs/layers.md``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer
from shapesolver.layers.parameters import REQUIRED, Parameter, show
from shapesolver.layers.registry import FAMILIES, kinds

HEADER = """\
# Layers

Written by `shapesolver layers --format markdown` from the registry; a test keeps it current. Sizes leave out the
batch axis. `n` is the input size of an axis, `k` the effective kernel, `s` the stride, `p` the padding of both
ends together. A parameter's other names are those of Keras, Keras 1, PyTorch and ONNX.
"""


def signature(kind: type[Layer]) -> str:
    """``conv(channels, kernel, stride=1, ...)``."""
    return f"{kind.op}({', '.join(_parameter(name, p) for name, p in kind.parameters.items())})"


def _parameter(name: str, parameter: Parameter) -> str:
    if parameter.variadic:
        return f"{name}..."
    return name if parameter.default is REQUIRED else f"{name}={show(parameter.default)}"


def doc(kind: type[Layer]) -> str:
    """The class' own documentation."""
    return inspect.cleandoc(kind.__doc__ or "").replace("``", "`")


def laws(kind: type[Layer]) -> Iterator[tuple[str, str]]:
    """The size law and its inverse, where an axis has one of its own, and what the layer computes."""
    if issubclass(kind, AxisWise):
        yield "size", _first_line(kind.size)
        yield "inverse", _first_line(kind.inverse)
    if kind.inputs != (0, 0):
        yield "cost", _first_line(kind.work)


def _first_line(method: object) -> str:
    return (inspect.getdoc(method) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def one_layer(kind: type[Layer]) -> str:
    """A layer for the terminal."""
    lines = [signature(kind), "", doc(kind).replace("`", ""), ""]
    lines += [f"  {label + ':':<9} {law.replace('`', '')}" for label, law in laws(kind)]
    width = max(map(len, kind.parameters), default=0)
    for name, parameter in kind.parameters.items():
        others = [other.partition(":")[0] for other in parameter.names]
        also = f"; also {', '.join(others)}" if others else ""
        lines.append(f"  {name:<{width}}  {parameter.doc} ({parameter.expected()}){also}")
    if kind.other_names:
        lines += ["", f"  also called {', '.join(' '.join(kind.other_names).split())}"]
    return "\n".join(lines).rstrip() + "\n"


def all_layers() -> str:
    """Every layer's signature, family by family, for the terminal."""
    lines = []
    for family in FAMILIES:
        lines += [family, *(f"  {signature(kind)}" for kind in kinds().values() if kind.family == family), ""]
    return "\n".join(lines)


def page() -> str:
    """The page of the docs."""
    return "\n".join([HEADER, *_sections()])


def _sections() -> Iterator[str]:
    for family in FAMILIES:
        yield f"## {family.capitalize()}\n"
        for kind in kinds().values():
            if kind.family == family:
                yield from _section(kind)


def _section(kind: type[Layer]) -> Iterator[str]:
    yield f"### {kind.op}\n\n```\n{signature(kind)}\n```\n\n{doc(kind)}\n"
    found = list(laws(kind))
    if found:
        yield "".join(f"- {label}: {law}\n" for label, law in found)
    if kind.parameters:
        yield "| parameter | takes | meaning | other names |\n| --- | --- | --- | --- |"
        for name, parameter in kind.parameters.items():
            others = ", ".join(f"`{other.partition(':')[0]}`" for other in parameter.names)
            yield f"| `{name}` | {parameter.expected()} | {parameter.doc} | {others} |"
        yield ""
    if kind.other_names:
        yield f"Also called {', '.join(f'`{name}`' for name in ' '.join(kind.other_names).split())}.\n"
