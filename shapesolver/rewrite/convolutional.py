"""A network with dense layers over a flattened map as a fully convolutional one, which takes every larger input.

A dense layer after a flattened map of ``h x w`` cells is the convolution with an ``h x w`` kernel; one after that is
a 1x1 convolution; a pool over everything is a pool over so much that moves. At the size that the dense layers fit
the two networks are equal. Source: Long, Shelhamer and Darrell (2015), section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

from shapesolver.diagnostics import Diagnostic, ShapeSolverError
from shapesolver.language.formatter import format_tree
from shapesolver.layers.adaptive import GrowingPool
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.reshaping import Rearranging
from shapesolver.model.graph import Node, Wire
from shapesolver.network import Network
from shapesolver.rewrite.recipes import Recipe
from shapesolver.rewrite.stages import Change, Place, rewritten

CHANNELS = "C"


class ConversionError(ShapeSolverError):
    """A network that cannot be turned fully convolutional, and the layer that is in the way."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The new file's text, how each converted layer's weights are mapped, and what else was changed."""

    text: str
    recipes: tuple[Recipe, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class Plan:
    """What becomes of each layer, by its number; those that are not named stay."""

    layers: dict[int, Layer | None] = field(default_factory=dict)
    """The new layer, or ``None`` where the layer is left out."""
    maps: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Of layers whose result was features and becomes a map: the map's spatial sizes."""
    recipes: list[Recipe] = field(default_factory=list)


def fully_convolutional(net: Network) -> Conversion:
    """The network with its dense layers as convolutions; raises :class:`ConversionError` where it has none to turn.

    Sizes are taken at the input's usual ones, which the dense layers fit.
    """
    usual = net.usual() if net.symbols else net
    if usual.symbols:
        raise ConversionError(f"a dense layer fits one size of input: state {', '.join(usual.symbols)}")
    for node, need in usual.derivation.broken():
        raise ConversionError(f"{node.path} (line {node.span.line}) cannot be built: {need.trouble().message}")
    plan = Planner(usual).plan()
    changes = _by_place(usual, plan)
    dropped = {claim.span for claim in net.graph.expectations if _mentions(net, claim.condition, plan)}
    text = format_tree(rewritten(net.text, changes, dropped))
    made, found = type(net).examine(text, net.filename)
    if made is None:
        raise ConversionError(_unreadable(found))
    _compare(usual, made, plan)
    notes = [f"line {span.line}: a claim about features is left out" for span in sorted(dropped)]
    return Conversion(text, tuple(plan.recipes), tuple(notes))


class Planner:
    """Finds the features that can become maps. Not for use twice."""

    def __init__(self, net: Network) -> None:
        self._net = net
        self._nodes = net.graph.nodes
        self._refused: set[int] = set()

    def plan(self) -> Plan:
        """What becomes of each layer; tried again without a pool whose features cannot be maps."""
        while True:
            plan, trouble = self._attempt()
            if trouble is None:
                break
            roots, message = trouble
            if any(isinstance(self._layer(root), Rearranging) for root in roots):
                raise ConversionError(message)
            self._refused |= roots
        if not plan.layers:
            raise ConversionError("no dense layer follows a flattened map or a pool over everything")
        return plan

    def _layer(self, index: int) -> Layer:
        return self._net.derivation.layers[index]

    def _tensor(self, wire: Wire) -> Tensor:
        tensor = self._net.derivation.tensor(*wire)
        assert tensor is not None
        return tensor

    def _attempt(self) -> tuple[Plan, tuple[set[int], str] | None]:
        plan, roots = Plan(), dict[int, frozenset[int]]()
        for index, node in enumerate(self._nodes):
            feeding = [wire.node for wire in node.inputs if wire.node in plan.maps]
            if not feeding:
                if index not in self._refused and self._starts(index):
                    self._start(index, plan)
                    roots[index] = frozenset({index})
                continue
            roots[index] = frozenset().union(*(roots[source] for source in feeding))
            message = self._over_map(index, node, feeding, plan)
            if message is not None:
                return plan, ({*roots[index]}, message)
        useless = {
            root
            for root in {root for found in roots.values() for root in found}
            if prod(plan.maps[root]) > 1 and not any(root in roots[i] and self._is_dense(i) for i in roots)
        }
        if useless:
            self._refused |= useless
            return self._attempt()
        for root in [index for index in roots if roots[index] == {index}]:
            if isinstance(self._layer(root), Rearranging):
                message = self._pools_before(root, plan)
                if message is not None:
                    return plan, ({root}, message)
        return plan, None

    def _is_dense(self, index: int) -> bool:
        return self._layer(index).op == "dense"

    def _starts(self, index: int) -> bool:
        """Whether a layer makes features, one axis, of a map."""
        node, layer = self._nodes[index], self._layer(index)
        if len(node.inputs) != 1:
            return False
        before, after = self._tensor(node.inputs[0]), self._tensor(Wire(index))
        makes = isinstance(layer, Rearranging) or layer.as_windows(_spatial(before)) is not None
        return makes and after.axes == (CHANNELS,) and before.rank > 1 and CHANNELS in before.axes

    def _start(self, index: int, plan: Plan) -> None:
        sizes = _spatial(self._tensor(self._nodes[index].inputs[0]))
        if isinstance(self._layer(index), Rearranging):
            plan.layers[index], plan.maps[index] = None, sizes
        else:
            # A pool over one place is none.
            plan.layers[index] = self._layer(index).as_windows(sizes) if prod(sizes) > 1 else None
            plan.maps[index] = (1,) * len(sizes)

    def _over_map(self, index: int, node: Node, feeding: list[int], plan: Plan) -> str | None:
        """Turn a layer over features into one over maps, or say why that cannot be."""
        layer, maps = self._layer(index), {plan.maps[source] for source in feeding}
        where = f"{node.path} (line {node.span.line})"
        if len(feeding) < len(node.inputs) or len(maps) > 1:
            return f"{where} joins features of different maps, or features that are none"
        (sizes,) = maps
        if node.tied is not None:
            return f"{where} is tied to another layer's weights, which are no kernel"
        if self._is_dense(index):
            new = layer.as_windows(sizes)
            plan.maps[index] = (1,) * len(sizes)
            if node.shared is None:
                plan.recipes.append(self._recipe(index, node, sizes))
        else:
            new = layer.over_maps(prod(sizes))
            plan.maps[index] = sizes
        if new is None:
            what = "features" if prod(sizes) == 1 else "the flattened map"
            return f"{where}: {layer.op} takes {what} apart, and has no counterpart over a map"
        if new != layer:
            plan.layers[index] = new
        return None

    def _recipe(self, index: int, node: Node, sizes: tuple[int, ...]) -> Recipe:
        layer: Any = self._layer(index)
        features: Any = self._tensor(node.inputs[0]).sizes[0]
        dialect = self._net.graph.dialect
        return Recipe(node.path, dialect, sizes, features // prod(sizes), layer.units, layer.bias)

    def _pools_before(self, root: int, plan: Plan) -> str | None:
        """Turn the pools to a stated size between a map and its flattening into pools that move."""
        wire = self._nodes[root].inputs[0]
        while True:
            node, layer = self._nodes[wire.node], self._layer(wire.node)
            if len(node.inputs) != 1 or self._consumers(wire) > 1:
                return None
            sizes = _spatial(self._tensor(node.inputs[0]))
            if isinstance(layer, GrowingPool):
                new = layer.as_windows(sizes)
                if new is None:
                    made = " x ".join(map(str, _spatial(self._tensor(wire))))
                    return f"{node.path} (line {node.span.line}) pools to {made}, which is no pool with equal windows"
                plan.layers[wire.node] = None if sizes == _spatial(self._tensor(wire)) else new
                return None
            if not layer.elementwise and not _pointwise(layer, sizes):
                return None
            wire = node.inputs[0]

    def _consumers(self, wire: Wire) -> int:
        return sum(source == wire for node in self._nodes for source in node.inputs)


def _spatial(tensor: Tensor) -> tuple[int, ...]:
    sizes: Any = tensor.sizes
    return tuple(n for n, axis in zip(sizes, tensor.axes, strict=True) if axis != CHANNELS)


def _pointwise(layer: Layer, sizes: tuple[int, ...]) -> bool:
    """Whether a layer over a map of one place is a convolution that sees one place."""
    kernel = getattr(layer, "kernel", None)
    return prod(sizes) == 1 and (kernel == 1 or (isinstance(kernel, tuple) and set(kernel) == {1}))


def _by_place(net: Network, plan: Plan) -> dict[Place, Change]:
    """The changes by place in the text; raises :class:`ConversionError` where one place would need several."""
    found: dict[Place, Change] = {}
    for index, node in enumerate(net.graph.nodes):
        if node.shared is not None:
            continue
        change = Change(plan.layers[index]) if index in plan.layers else Change(None, stays=True)
        if found.setdefault(node.span[:2], change) != change:
            raise ConversionError(
                f"line {node.span.line} is laid out several times, and not every time can it become the same layer; "
                "write the layers out"
            )
    return {place: change for place, change in found.items() if not change.stays}


def _mentions(net: Network, condition: Any, plan: Plan) -> bool:
    """Whether a condition is about the size of a layer whose features become a map."""
    symbols = condition.symbols() if hasattr(condition, "symbols") else ()
    mentioned = [net.graph.references[s.text].wire.node for s in symbols if s.text in net.graph.references]
    return any(index in plan.maps or index in plan.layers for index in mentioned)


def _unreadable(found: tuple[Diagnostic, ...]) -> str:
    first = found[0]
    return f"the file mentions a layer that would change its name ({first.message}); give the layer a name first"


def _compare(old: Network, made: Network, plan: Plan) -> None:
    """That the new network joins the same layers in the same way, and makes the same sizes at the usual input."""
    new = made.usual() if made.symbols else made
    new = new.at(**{name: size for name, size in old.values.items() if name not in new.values}) if old.values else new
    numbers: dict[int, Wire] = {}
    position = 0
    for index, node in enumerate(old.graph.nodes):
        if index in plan.layers and plan.layers[index] is None:
            if position < len(new.graph.nodes) and new.graph.nodes[position].layer.op == "identity":
                numbers[index], position = Wire(position), position + 1
            else:
                (source,) = node.inputs
                numbers[index] = numbers[source.node]._replace(output=source.output)
            continue
        numbers[index] = Wire(position)
        inputs = tuple(numbers[w.node]._replace(output=w.output) for w in node.inputs)
        if position >= len(new.graph.nodes) or new.graph.nodes[position].inputs != inputs:
            raise ConversionError(
                f"{node.path} would consume another layer, for a layer that it mentions would change its name; "
                "give the layer a name first"
            )
        before, after = old.derivation.tensor(index), new.derivation.tensor(position)
        if after is None or before is None or _cells(before) != _cells(after):
            raise ConversionError(f"{node.path} would make {after} of what now is {before}")
        position += 1


def _cells(tensor: Tensor) -> int:
    sizes: Any = tensor.sizes
    return prod(sizes)
