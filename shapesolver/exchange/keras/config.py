"""Configurations of Keras 1, 2 and 3 in one form: a model is layers, the calls of each, and what goes in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from shapesolver.exchange.errors import ExchangeError

MAX_NESTING = 32
"""How deep models and wrappers may lie in each other."""

EXPORTED = "shapesolver>"
"""What the names begin with under which exported code registers its own classes."""
OPERATIONS = ("keras.src.ops", "keras.ops")
"""The modules whose classes are calls of functions."""

Shape = tuple[int | None, ...]


class Ref(NamedTuple):
    """One result of one call of a layer."""

    layer: str
    call: int
    output: int


class Call:
    """What a layer is called with; :class:`Ref` stands for tensors among the arguments."""

    __slots__ = ("args", "kwargs", "refs")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.refs = [*refs_in(args), *(refs_in(kwargs) if kwargs else ())]
        """The tensors among the arguments, in order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One layer of a model."""

    class_name: str
    name: str
    config: dict[str, Any]
    calls: list[Call]
    built_from: Any = None
    """The shape of the input that it was built for, batch first, where the file tells."""
    own: bool = False
    """Whether its class is the model's author's, not Keras'."""
    operation: bool = False
    """Whether it is a call of ``keras.ops``, whose names are also names of layers."""
    model: Model | None = None
    """The model that it is, where it is one."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model's layers and their calls."""

    name: str
    entries: list[Entry]
    inputs: list[Ref]
    outputs: list[Ref]
    shapes: dict[Ref, Shape] = field(default_factory=dict)
    """The shapes, batch first, that the file tells of results."""
    layouts: Counter[str] = field(default_factory=Counter)
    """How many layers name each layout."""


def refs_in(value: Any) -> Iterator[Ref]:
    """The tensors in a structure."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from refs_in(item)
    elif isinstance(value, dict):
        yield from refs_in(list(value.values()))


class Reader:
    """Reads one configuration."""

    def __init__(self, source: str) -> None:
        self._source = source

    def error(self, what: str) -> ExchangeError:
        """An error that names the source."""
        return ExchangeError(f"{self._source}: {what}")

    def model(self, config: dict[str, Any], depth: int = 0) -> Model:
        """The model of a configuration, those within it included."""
        if depth > MAX_NESTING:
            raise self.error(f"models lie more than {MAX_NESTING} deep in each other")
        class_name, inner = config.get("class_name"), config.get("config")
        if isinstance(inner, list):
            # Keras 1 and 2.1: a Sequential is its list of layers.
            inner = {"layers": inner}
        if not isinstance(inner, dict) or not isinstance(inner.get("layers"), list):
            what = f"configuration of a {class_name}" if isinstance(class_name, str) else "configuration"
            raise self.error(f"the {what} lists no layers; a subclassed model keeps them in Python code")
        name = inner.get("name") or config.get("name")
        name = name if isinstance(name, str) else str(class_name).lower()
        found = Model(name, [], [], [])
        if "input_layers" in inner:
            self._functional(inner, found, depth)
        else:
            self._sequential(config, inner, found, depth)
        return found

    def _functional(self, config: dict[str, Any], found: Model, depth: int) -> None:
        for item in config["layers"]:
            entry = self._entry(item, found, depth)
            entry.calls.extend(self._call(node, found) for node in _nodes(item.get("inbound_nodes")))
            found.entries.append(entry)
        for kind, refs in (("input_layers", found.inputs), ("output_layers", found.outputs)):
            refs.extend(self._tensors(config.get(kind), found))
        if not found.outputs:
            raise self.error(f"model `{found.name}` names no outputs")

    def _sequential(self, config: dict[str, Any], inner: dict[str, Any], found: Model, depth: int) -> None:
        entries = [self._entry(item, found, depth) for item in inner["layers"]]
        if not entries:
            raise self.error(f"model `{found.name}` has no layers")
        if entries[0].class_name != "InputLayer":
            built = config.get("build_config")
            shape = (
                entries[0].config.get("batch_input_shape")
                or inner.get("build_input_shape")
                or (built.get("input_shape") if isinstance(built, dict) else None)
                or entries[0].built_from
                or _first_shape(entries[0].config)
            )
            entries.insert(0, Entry("InputLayer", _unused("input", entries), {"batch_shape": shape}, []))
        found.inputs.append(Ref(entries[0].name, 0, 0))
        for before, entry in pairwise(entries):
            ref = Ref(before.name, 0, 0)
            entry.calls.append(Call((ref,), {}))
            shape = as_shape(entry.built_from)
            if shape is not None:
                found.shapes[ref] = shape
        found.outputs.append(Ref(entries[-1].name, 0, 0))
        found.entries.extend(entries)

    def _entry(self, item: Any, found: Model, depth: int) -> Entry:
        if not isinstance(item, dict) or not isinstance(item.get("class_name"), str):
            raise self.error(f"a layer of model `{found.name}` has no class_name")
        class_name = item["class_name"].rpartition(">")[2]
        config = item.get("config")
        name = item.get("name") or (config.get("name") if isinstance(config, dict) else None)
        name = name or f"{class_name.lower()}_{len(found.entries)}"
        if not isinstance(name, str):
            raise self.error(f"a layer of model `{found.name}` has a name that is no text")
        model = None
        if isinstance(config, list) or (isinstance(config, dict) and isinstance(config.get("layers"), list)):
            model = self.model(item, depth + 1)
            found.layouts.update(model.layouts)
        if not isinstance(config, dict):
            config = {}
        layout = config.get("data_format", config.get("dim_ordering"))
        if isinstance(layout, str) and class_name != "Flatten":
            found.layouts[LAYOUTS.get(layout, layout)] += 1
        built = item.get("build_config")
        built_from = built.get("input_shape") if isinstance(built, dict) else None
        module = item.get("module")
        module = module if isinstance(module, str) else "keras"
        own = module.partition(".")[0] not in ("keras", "tf_keras", "builtins") or ">" in item["class_name"]
        operation = module.startswith(OPERATIONS)
        if str(item.get("registered_name")).startswith(EXPORTED):
            class_name = item["registered_name"]
        return Entry(class_name, name, config, [], built_from, own, operation, model)

    # Calls.

    def _call(self, node: Any, found: Model) -> Call:
        if isinstance(node, dict):
            args = self._value(node.get("args", []), found)
            named = self._value(node.get("kwargs", {}), found)
            return Call(tuple(args) if isinstance(args, list) else (args,), named if isinstance(named, dict) else {})
        kwargs: dict[str, Any] = {}
        refs: list[Ref] = []
        for item in node if isinstance(node, list) else []:
            refs.append(self._ref(item, found))
            if len(item) > 3 and isinstance(item[3], dict):
                kwargs.update({key: self._older(value, found) for key, value in item[3].items()})
        return Call((refs[0],) if len(refs) == 1 else (refs,), kwargs)

    def _value(self, value: Any, found: Model) -> Any:
        """An argument of Keras 3, its tensors as references."""
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                config = value.get("config")
                history = config.get("keras_history") if isinstance(config, dict) else None
                ref = self._ref(history, found)
                shape = as_shape(config.get("shape") if isinstance(config, dict) else None)
                if shape is not None:
                    found.shapes[ref] = shape
                return ref
            return {key: self._value(item, found) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, found) for item in value]
        return value

    def _older(self, value: Any, found: Model) -> Any:
        """A keyword argument of Keras 2, where a tensor is ``["name", 0, 0]``."""
        if _is_ref(value):
            return self._ref(value, found)
        if isinstance(value, list):
            return [self._older(item, found) for item in value]
        return value

    def _ref(self, item: Any, found: Model) -> Ref:
        if not _is_ref(item):
            raise self.error(f"a call in model `{found.name}` names no tensor: {str(item)[:80]}")
        return Ref(item[0], item[1], item[2])

    def _tensors(self, value: Any, found: Model) -> Iterator[Ref]:
        """The references of ``input_layers`` and ``output_layers``, however they are nested."""
        if _is_ref(value):
            yield self._ref(value, found)
        elif isinstance(value, (list, dict)):
            for item in value.values() if isinstance(value, dict) else value:
                yield from self._tensors(item, found)


LAYOUTS = {"tf": "channels_last", "th": "channels_first"}
"""Keras 1's words."""


def as_shape(value: Any) -> Shape | None:
    """A shape with its batch axis, where the value is one."""
    if isinstance(value, (list, tuple)) and value and all(n is None or _whole(n) for n in value):
        return tuple(value)
    return None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _first_shape(config: dict[str, Any]) -> Any:
    """The shape that a first layer states in its own way: Keras 1's ``input_shape`` or ``input_dim``."""
    shape = config.get("input_shape")
    if isinstance(shape, list):
        return [None, *shape]
    size = config.get("input_dim")
    return [None, size] if _whole(size) and "output_dim" not in config else None


def _nodes(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_ref(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and _whole(value[1])
        and _whole(value[2])
    )


def _unused(name: str, entries: list[Entry]) -> str:
    taken = {entry.name for entry in entries}
    while name in taken:
        name += "_"
    return name
