"""What a node is called: its module's path in PyTorch's exports, its own name elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from shapesolver.exchange.onnx.proto import Operation

_NUMBER = re.compile(r"_?\d*$")
_PARAMETER = re.compile(r"^(weight|bias|gamma|beta|kernel|W|B|scale|weight_[ih]h_l0)$")


class Namer:
    """Names for the operations of one graph."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        kinds: dict[str, set[str]] = {}
        for operation in operations:
            module = _module(operation.name)
            if module and operation.op != "Constant":
                kinds.setdefault(module, set()).add(operation.op)
        parents = {path.rsplit(".", depth)[0] for path in kinds for depth in range(1, path.count(".") + 1)}
        self._several = parents | {path for path, ops in kinds.items() if len(ops) > 1}
        """The modules that are more than one layer."""

    def name(self, operation: Operation, arrays: Sequence[str] = ()) -> str:
        """The name for an operation that reads these initializers; empty where it has none worth keeping."""
        for array in arrays[:1]:
            module, dot, parameter = array.rpartition(".")
            if dot and _PARAMETER.match(parameter):
                return module
        kind = operation.op.rpartition(".")[2]
        if operation.name.startswith("/"):
            module = _module(operation.name)
            alone = module not in self._several or (arrays and arrays[0])
            return module if alone else f"{module}.{kind.lower()}"
        return "" if _says_nothing(operation.name.rpartition(".")[2], kind) else operation.name


def _says_nothing(name: str, kind: str) -> bool:
    """Whether a name is empty, or the operator's own with a number: ``MaxPool_3``, ``max_pool1``."""
    return not name or _NUMBER.sub("", name).replace("_", "").lower() == kind.lower()


def _module(name: str) -> str:
    """``layer1.0.conv1`` of ``/layer1/layer1.0/conv1/Conv``: PyTorch repeats a container's name in its parts."""
    if not name.startswith("/"):
        return ""
    pieces = name.strip("/").split("/")[:-1]
    kept = [
        piece for piece, following in zip(pieces, [*pieces[1:], ""], strict=False)
        if not following.startswith(f"{piece}.")
    ]  # fmt: skip
    return ".".join(kept)
