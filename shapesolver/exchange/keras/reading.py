"""A Keras model as a network: its layers drawn in an order in which each comes after what it consumes."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shapesolver.arithmetic import Dim
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.keras import sequences
from shapesolver.exchange.keras.archive import parse_config, read_config
from shapesolver.exchange.keras.config import EXPORTED, Call, Entry, Model, Reader, Ref, as_shape
from shapesolver.exchange.keras.layers import draw_known
from shapesolver.exchange.keras.operations import draw_operation, draw_tensorflow
from shapesolver.exchange.keras.pen import Inexpressible, Pen
from shapesolver.exchange.keras.wrappers import WRAPPERS
from shapesolver.exchange.sketch import Imported, Sketch
from shapesolver.layers.dialects import Dialect
from shapesolver.model.graph import Wire

SOURCES = {f"{EXPORTED}Learned": "parameter", f"{EXPORTED}Fixed": "constant"}
"""The classes that our own exported code defines."""
TIED = f"{EXPORTED}TiedEmbedding"
"""Our own class of an embedding whose table is a dense layer's kernel, too."""
TENSORFLOW_CALLS = ("TFOpLambda", "SlicingOpLambda")


class Observed(NamedTuple):
    """What a model object tells, and a file does not."""

    params: Mapping[str, int]
    """How many parameters each layer has."""
    outputs: tuple[Any, ...]
    """The shapes of the model's results."""


NOTHING = Observed({}, ())


def read_file(path: Path, inputs: Sequence[str] = ()) -> Imported:
    """A ``.keras`` archive or a JSON configuration, with other ``inputs`` than it states where some are given.

    Raises :class:`ExchangeError` where it is no model.
    """
    return _imported(read_config(path), str(path), inputs, NOTHING)


def read_model(model: Any, source: str, inputs: Sequence[str] = ()) -> Imported:
    """A model object, by its own configuration; ``inputs`` for one that has not been built."""
    try:
        text = model.to_json()
    except (NotImplementedError, TypeError, ValueError) as error:
        raise ExchangeError(f"{source} has no configuration: {str(error).splitlines()[0]}") from None
    params = {layer.name: layer.count_params() for layer in model.layers if layer.built}
    outputs = tuple(as_shape(list(tensor.shape)) for tensor in model.outputs) if model.built else ()
    return _imported(parse_config(text, source), source, inputs, Observed(params, outputs))


def _imported(config: dict[str, Any], source: str, inputs: Sequence[str], observed: Observed) -> Imported:
    model = Reader(source).model(config)
    for ref, shape in zip(model.outputs, observed.outputs, strict=False):
        if shape is not None:
            model.shapes.setdefault(ref, shape)
    dialect = Dialect.named("keras")
    if model.layouts["channels_first"] > model.layouts["channels_last"]:
        dialect = dialect.with_layout("channels_first")
    sketch = Sketch(dialect, source)
    drawer = _Drawer(sketch, observed.params)
    for wire in drawer.draw(model, sketch.inputs(inputs) if inputs else None, ""):
        sketch.output(wire)
    return sketch.finish()


class _Drawer:
    """Draws a model and those within it. Layers called twice share their weights."""

    def __init__(self, sketch: Sketch, params: Mapping[str, int]) -> None:
        self._sketch = sketch
        self._params = params
        self._pens: dict[str, Pen] = {}
        self._tables: dict[str, Wire] = {}
        """The embeddings that dense layers share the table of, by name."""

    def draw(self, model: Model, given: list[Wire] | None, prefix: str) -> list[Wire]:
        """Draw a model on tensors, or on inputs of its own; its results."""
        results: dict[Ref, Wire] = {}
        known = {entry.name: entry for entry in model.entries}
        if len(known) < len(model.entries):
            raise self._error(f"model `{model.name}` has two layers of one name")
        self._draw_inputs(model, given, prefix, results, known)
        offsets = _offsets(model, known)
        wanted = _wanted(model)
        for entry, number in self._ordered(model, known, offsets, results):
            call = entry.calls[number]
            inputs = [self._result(results, ref, offsets) for ref in call.refs]
            count = wanted.get((entry.name, number + offsets.get(entry.name, 0)), 1)
            drawn = self._call(entry, call, inputs, results, offsets, count, prefix, model, number)
            for output, wire in enumerate(drawn):
                results[Ref(entry.name, number, output)] = wire
        return [self._result(results, ref, offsets) for ref in model.outputs]

    def _error(self, what: str) -> ExchangeError:
        return ExchangeError(f"{self._sketch.source}: {what}")

    def _result(self, results: Mapping[Ref, Wire], ref: Ref, offsets: Mapping[str, int]) -> Wire:
        found = results.get(Ref(ref.layer, ref.call - offsets.get(ref.layer, 0), ref.output))
        if found is None:
            raise self._error(f"nothing makes result {ref.output} of call {ref.call} of `{ref.layer}`")
        return found

    def _draw_inputs(
        self,
        model: Model,
        given: list[Wire] | None,
        prefix: str,
        results: dict[Ref, Wire],
        known: Mapping[str, Entry],
    ) -> None:
        if given is not None and len(given) != len(model.inputs):
            raise self._error(f"model `{model.name}` has {len(model.inputs)} inputs, and {len(given)} are given")
        if given is not None:
            results.update(zip(model.inputs, given, strict=True))
        for entry in model.entries:
            ref = Ref(entry.name, 0, 0)
            if entry.class_name == "InputLayer" and not entry.calls and ref not in results:
                results[ref] = self._input(entry, prefix)
        for ref in model.inputs:
            if ref not in results:
                raise self._error(f"the input `{ref.layer}` of model `{model.name}` is not among its layers")

    def _input(self, entry: Entry, prefix: str) -> Wire:
        config = entry.config
        shape = as_shape(config.get("batch_shape") or config.get("batch_input_shape"))
        if shape is None:
            raise self._error(
                f"`{entry.name}` states no shape; build the model first, or state it, as in --input '28, 28, 1'"
            )
        axes = self._sketch.dialect.axes(len(shape) - 1)
        if len(shape) == 2 and shape[1] is None:
            axes = ("L",)
        elif len(shape) == 3 and shape[1] is None:
            axes = ("L", "C")
        sizes = [self._free(axis, entry.name) if n is None else n for n, axis in zip(shape[1:], axes, strict=True)]
        return self._sketch.layer("input", name=prefix + entry.name, sizes=sizes)

    def _free(self, axis: str, owner: str) -> Dim:
        """A new symbol: the axis' name, or with the layer's before it where that is taken."""
        return self._sketch.symbol(axis if axis not in self._sketch.symbols else f"{owner}_{axis}")

    def _ordered(
        self, model: Model, known: Mapping[str, Entry], offsets: Mapping[str, int], results: Mapping[Ref, Wire]
    ) -> list[tuple[Entry, int]]:
        """Every call, each after those whose results it takes; raises for a circle."""
        made = {(ref.layer, ref.call) for ref in results}
        waiting: dict[tuple[str, int], int] = {}
        followers: dict[tuple[str, int], list[tuple[str, int]]] = {}
        ready: deque[tuple[str, int]] = deque()
        for entry in model.entries:
            for number, call in enumerate(entry.calls):
                key = (entry.name, number)
                needed = {(ref.layer, ref.call - offsets.get(ref.layer, 0)) for ref in call.refs} - made
                waiting[key] = len(needed)
                for other in needed:
                    if other[0] not in known or not 0 <= other[1] < len(known[other[0]].calls):
                        raise self._error(
                            f"`{entry.name}` consumes call {other[1]} of `{other[0]}`, which is not there"
                        )
                    followers.setdefault(other, []).append(key)
                if not needed:
                    ready.append(key)
        order: list[tuple[Entry, int]] = []
        while ready:
            key = ready.popleft()
            order.append((known[key[0]], key[1]))
            for follower in followers.get(key, ()):
                waiting[follower] -= 1
                if not waiting[follower]:
                    ready.append(follower)
        if len(order) < len(waiting):
            done = {(entry.name, number) for entry, number in order}
            circle = [name for name, number in waiting if (name, number) not in done][:5]
            raise self._error(f"layers consume each other in a circle: {', '.join(circle)}")
        return order

    def _call(
        self,
        entry: Entry,
        call: Call,
        inputs: list[Wire],
        results: Mapping[Ref, Wire],
        offsets: Mapping[str, int],
        count: int,
        prefix: str,
        model: Model,
        number: int,
    ) -> list[Wire]:
        """Draw one call; what has no counterpart is kept as opaque."""
        if entry.model is not None:
            return self.draw(entry.model, inputs, f"{prefix}{entry.name}.")
        pen = self._pens.setdefault(prefix + entry.name, Pen(self._sketch, prefix + entry.name))
        pen.lift(count)

        def filled(value: Any) -> Any:
            """An argument with wires for its tensors."""
            if isinstance(value, Ref):
                return self._result(results, value, offsets)
            if isinstance(value, (list, tuple)):
                return [filled(item) for item in value]
            return {key: filled(item) for key, item in value.items()} if isinstance(value, dict) else value

        observed = [model.shapes.get(Ref(entry.name, number + offsets.get(entry.name, 0), k)) for k in range(count)]
        drawn = None
        try:
            why = _refusal(entry)
            if entry.class_name in SOURCES:
                drawn = [pen.layer(SOURCES[entry.class_name], (), sizes=entry.config.get("sizes"))]
            elif entry.class_name == TIED:
                drawn = [self._tied(pen, entry, inputs, call)]
            elif entry.operation:
                named = {key: filled(value) for key, value in call.kwargs.items()}
                drawn = draw_operation(pen, entry.class_name, entry.config, tuple(map(filled, call.args)), named)
            elif entry.class_name in TENSORFLOW_CALLS:
                named = {key: filled(value) for key, value in call.kwargs.items()}
                drawn = draw_tensorflow(pen, entry.config, tuple(map(filled, call.args)), named)
            elif why is None and entry.class_name in WRAPPERS:
                drawn = WRAPPERS[entry.class_name](pen, entry.config, inputs, call)
            elif why is None:
                drawn = draw_known(pen, entry.class_name, entry.config, inputs, call)
                why = "it is not known here"
        except Inexpressible as error:
            why = str(error)
        if drawn is None or len(drawn) < count:
            if drawn is not None:
                why = "it is used for more results than are known here"
            return self._opaque(entry, inputs, observed, prefix, why or "it is not known here")
        for wire, shape in zip(drawn, observed, strict=False):
            self._compare(entry, wire, shape)
        return drawn

    def _tied(self, pen: Pen, entry: Entry, inputs: list[Wire], call: Call) -> Wire:
        """A call of an embedding, or in reverse of the dense layer with its table."""
        if not call.kwargs.get("reverse"):
            wire = sequences.embedding(pen, entry.config, inputs, call)
            self._tables.setdefault(pen.name, wire)
            return wire
        if pen.name not in self._tables:
            raise Inexpressible("it is called in reverse before it is called")
        wire = self._sketch.layer("dense", inputs, units=entry.config.get("input_dim"), bias=False)
        self._sketch.tie(wire, self._tables[pen.name])
        return wire

    def _opaque(
        self, entry: Entry, inputs: list[Wire], observed: list[tuple[int | None, ...] | None], prefix: str, why: str
    ) -> list[Wire]:
        stated = as_shape(entry.config.get("output_shape"))
        sizes: list[tuple[Dim, ...]] = []
        for shape in observed:
            if shape is None and stated is not None and entry.class_name == "Lambda":
                shape = (None, *stated)
            if shape is None:
                tensor = self._sketch.tensor(inputs[0]) if inputs else None
                if tensor is None:
                    raise self._error(f"{entry.class_name} `{entry.name}` is not known, and nothing tells its size")
                why += "; its size is not told, and taken to be its input's"
                sizes.append(tensor.sizes)
            else:
                sizes.append(
                    tuple(
                        self._free(f"{entry.name}_{axis}", entry.name) if n is None else n
                        for axis, n in enumerate(shape[1:], start=1)
                    )
                )
        params = self._params.get(entry.name, 0)
        return [*self._sketch.opaque(entry.class_name, inputs, sizes, name=prefix + entry.name, why=why, params=params)]

    def _compare(self, entry: Entry, wire: Wire, shape: tuple[int | None, ...] | None) -> None:
        """Warn where the file tells another size than was derived."""
        tensor = self._sketch.tensor(wire)
        if tensor is None or shape is None:
            return
        pairs = zip(tensor.sizes, shape[1:], strict=False)
        if len(shape) - 1 != tensor.rank or any(isinstance(a, int) and b is not None and a != b for a, b in pairs):
            told = " x ".join("?" if n is None else str(n) for n in shape[1:])
            self._sketch.warn(
                f"{self._sketch.source}: {entry.class_name} `{entry.name}` makes {tensor}, and the file says {told}"
            )


def _refusal(entry: Entry) -> str | None:
    """Why a layer is not even tried."""
    if entry.class_name == "Lambda":
        return "it runs Python code, and nothing in a file is executed"
    return "its class is the author's own" if entry.own else None


def _offsets(model: Model, known: Mapping[str, Entry]) -> dict[str, int]:
    """Old files count a nested model's making as its first call, so that the calls in the file begin at 1."""
    used: dict[str, set[int]] = {}
    refs = [ref for entry in model.entries for call in entry.calls for ref in call.refs]
    for ref in (*refs, *model.outputs):
        used.setdefault(ref.layer, set()).add(ref.call)
    return {
        name: 1
        for name, calls in used.items()
        if name in known and known[name].model is not None and max(calls) >= len(known[name].calls) and 0 not in calls
    }


def _wanted(model: Model) -> dict[tuple[str, int], int]:
    """How many results of each call are used."""
    refs = [ref for entry in model.entries for call in entry.calls for ref in call.refs]
    found: dict[tuple[str, int], int] = {}
    for ref in (*refs, *model.outputs):
        key = (ref.layer, ref.call)
        found[key] = max(found.get(key, 1), ref.output + 1)
    return found
