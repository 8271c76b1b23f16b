"""A network out as an ONNX model: symbolic sizes by their names, weights random or zero.

ONNX' operators want the channels first. A network with channels last keeps its inputs and outputs as they are in the
file; between them tensors are transposed where an operator needs it and left so as long as it does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shapesolver.arithmetic import Formula, Symbol, symbols
from shapesolver.exchange import needs
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.onnx import layers
from shapesolver.exchange.onnx.plan import RESHAPING
from shapesolver.exchange.onnx.proto import DOMAIN
from shapesolver.exchange.onnx.writer import FEWEST_OPSET, LAYERS, Place, Turned, Writer
from shapesolver.layers.dialects import LATEST_OPSET
from shapesolver.layers.source import Source
from shapesolver.model.graph import Wire

if TYPE_CHECKING:
    import onnx

    from shapesolver.network import Network

WEIGHTS = ("random", "zeros")
"""What the weights of an exported model may be."""

IR_VERSION = 10
"""The format's version: the one that came with opset 21."""

assert layers


def to_onnx(net: Network, weights: str = "random", seed: int = 0) -> onnx.ModelProto:
    """The network as an ONNX model, its batch ``N`` and its symbols by their names.

    ``weights`` is ``random`` (normal, by ``seed``) or ``zeros``. Raises :class:`ExchangeError` that names the layer for
    what ONNX cannot express, for a layer that cannot be built, and for more than 2 GB of weights.
    """
    if weights not in WEIGHTS:
        raise ValueError(f"weights={weights!r}: weights are {' or '.join(WEIGHTS)}")
    helper = needs("onnx").helper
    net = _with_numbers_for_weights(net)
    opset = net.dialect.opset if net.dialect.onnx else LATEST_OPSET
    if opset < FEWEST_OPSET:
        raise ExchangeError(f"opset {opset} is not written; {FEWEST_OPSET} is the least")
    writer = Writer(net.dialect, opset, _batch_name(net), weights, seed)
    inputs = []
    for index, place in enumerate(_places(net)):
        if place.layer.op == "input":
            name = writer.free(place.path)
            inputs.append(_declared(net, writer, index, place, name))
            writer.first_input = writer.first_input or name
            writer.bind(place, index, [name])
            continue
        written = LAYERS.get(place.layer.op)
        if written is None:
            raise ExchangeError(f"{place.path}: ONNX cannot express {place.layer.op}")
        made = written.translate(writer, place)
        turned = written.turned or isinstance(made, Turned)
        writer.bind(place, index, made, turned, batched=not isinstance(place.layer, Source))
    outputs = [_output(net, writer, wire) for wire in net.graph.outputs]
    graph = helper.make_graph(writer.nodes, net.name, inputs, outputs, writer.initializers)
    domains = [helper.make_opsetid("", opset), *([helper.make_opsetid(DOMAIN, 1)] if writer.functions else [])]
    model: onnx.ModelProto = helper.make_model(
        graph,
        opset_imports=domains,
        functions=[*writer.functions.values()],
        ir_version=IR_VERSION,
        producer_name="shapesolver",
    )
    return model


def onnx_bytes(net: Network) -> bytes:
    """The bytes of an ``.onnx`` file, its weights random; raises :class:`ExchangeError` as :func:`to_onnx`."""
    data: bytes = to_onnx(net).SerializeToString()
    return data


def _with_numbers_for_weights(net: Network) -> Network:
    """The network with the symbols that its weights' shapes depend on at their usual sizes: a weight has one shape."""
    needed = {
        symbol.text
        for layer in net.layers
        if net.derivation.tensor(*layer.wire) is not None
        for weight in layer.weight_arrays
        for size in weight.shape
        for symbol in symbols(size)
    }
    usual = {name: net.symbols[name] for name in needed}
    missing = [name for name, size in usual.items() if size is None]
    if missing:
        raise ExchangeError(f"the shapes of weights depend on {', '.join(sorted(missing))}; give a size with --at")
    return net.at(**{name: size for name, size in usual.items() if size is not None})


def _batch_name(net: Network) -> str:
    return "N" if "N" not in net.graph.symbols else "batch"


def _places(net: Network) -> Iterator[Place]:
    """The layers with their sizes; raises :class:`ExchangeError` at one that cannot be built."""
    derivation = net.derivation
    for node, broken in derivation.broken():
        raise ExchangeError(f"{node.path} cannot be built: {broken.trouble().message}")
    nodes = net.graph.nodes
    for index, node in enumerate(nodes):
        inputs, outcome = derivation.inputs(index), derivation.outcomes[index]
        assert inputs is not None and outcome is not None
        shared = nodes[node.shared].path if node.shared is not None else ""
        tied = nodes[node.tied].path if node.tied is not None else ""
        yield Place(node.path, derivation.layers[index], inputs, outcome.outputs, node.inputs, shared, tied)


def _declared(net: Network, writer: Writer, index: int, place: Place, name: str) -> onnx.ValueInfoProto:
    """An input: whole numbers where it feeds an embedding, and where its sizes' symbols are to be found."""
    for axis, size in enumerate(place.outputs[0].sizes):
        symbol = _symbol(size) if isinstance(size, Formula) else None
        if symbol is not None:
            writer.sources.setdefault(symbol, (name, axis + 1))
    types = writer.onnx.TensorProto
    return writer.value_info(name, place.outputs[0].sizes, types.INT64 if _indexes(net, index) else types.FLOAT)


def _symbol(size: Formula) -> str | None:
    if size.constant or len(size.terms) != 1:
        return None
    ((monomial, coefficient),) = size.terms
    sole = coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Symbol)
    return monomial[0].text if sole else None


def _indexes(net: Network, node: int) -> bool:
    """Whether a result is only looked up in embeddings, perhaps reshaped before."""
    readers = [(i, n) for i, n in enumerate(net.graph.nodes) if any(wire.node == node for wire in n.inputs)]
    return bool(readers) and all(
        n.layer.op == "embedding" or (n.layer.op in RESHAPING | {"permute", "slice"} and _indexes(net, i))
        for i, n in readers
    )


def _output(net: Network, writer: Writer, wire: Wire) -> onnx.ValueInfoProto:
    """An output, its axes in the file's order."""
    tensor = net.derivation.tensor(*wire)
    assert tensor is not None
    name = writer.results[wire].name
    place = Place(name, net.derivation.layers[wire.node], (tensor,), (), (wire,))
    final = writer.as_in_file(place)
    if final in {*(i.name for i in writer.initializers)} or net.graph.nodes[wire.node].layer.op == "input":
        final = writer.one("Identity", [final], f"{name}/output")
    return writer.value_info(final, tensor.sizes, writer.onnx.TensorProto.FLOAT)
