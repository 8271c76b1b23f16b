"""A network as a Keras model object, its layers made one by one. No text is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shapesolver.exchange import needs
from shapesolver.exchange.keras.program import Call, program_of
from shapesolver.exchange.keras.steps import Step
from shapesolver.model.graph import Wire
from shapesolver.network import Network

if TYPE_CHECKING:
    import keras


def to_keras(net: Network) -> keras.Model:
    """The network as a Keras model with the weights that Keras gives new layers.

    Raises :class:`ExchangeError` where Keras is missing or cannot express a layer.
    """
    package = needs("keras")
    program = program_of(net)
    tensors: dict[Wire, Any] = {}
    inputs = []
    for wire, name, shape in program.inputs:
        tensors[wire] = package.Input(shape, name=name or None)
        inputs.append(tensors[wire])
    made: dict[int, list[Any]] = {}
    for call in program.calls:
        layers = made[call.shared] if call.shared is not None else [_made(package, s, call) for s in call.steps]
        made[call.node] = layers
        value: Any = [tensors[wire] for wire in call.inputs]
        for step, layer in zip(call.steps, layers, strict=True):
            value = [_applied(package, step, layer, value, **({"reverse": True} if call.reverse else {}))]
        if call.results > 1:
            tensors.update({Wire(call.node, k): item for k, item in enumerate(value[0])})
        else:
            tensors[Wire(call.node)] = value[0]
    outputs = [tensors[wire] for wire in program.outputs]
    if program.sequential:
        model = package.Sequential([inputs[0], *(layer for layers in made.values() for layer in layers)])
        model.name = _model_name(net)
        return model
    one_in, one_out = (values[0] if len(values) == 1 else values for values in (inputs, outputs))
    return package.Model(one_in, one_out, name=_model_name(net))


def _model_name(net: Network) -> str:
    return "".join(c if c.isalnum() or c == "_" else "_" for c in net.name)


def _made(package: Any, step: Step, call: Call) -> Any:
    """A step's layer; the function itself where it is one."""
    if not step.is_layer:
        return None
    args = [_made(package, arg, call) if isinstance(arg, Step) else arg for arg in step.args]
    name = {"name": call.name} if call.name and step.named else {}
    if step.target.startswith("layers."):
        return getattr(package.layers, step.target.removeprefix("layers."))(*args, **step.kwargs, **name)
    from shapesolver.exchange.keras import support

    return getattr(support, step.target)(*args, **step.kwargs, **name)


def _applied(package: Any, step: Step, layer: Any, values: list[Any], **options: Any) -> Any:
    if layer is not None:
        if step.target == "layers.MultiHeadAttention":
            return layer(*attention_order(values))
        return layer(values if step.listed else values[0], **options)
    name = step.target.removeprefix("ops.")
    if name == "getitem":
        return values[0][step.args[0]]
    function = getattr(package.ops, name)
    return function(*([values] if step.listed else values), *step.args, **step.kwargs)


def attention_order(values: list[Any]) -> list[Any]:
    """Query, value and key, as Keras takes them, from query, key and value."""
    if len(values) == 1:
        return [values[0], values[0]]
    return values if len(values) == 2 else [values[0], values[2], values[1]]
