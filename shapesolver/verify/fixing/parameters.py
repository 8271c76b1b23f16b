"""Another value of a parameter: the argument becomes an unknown of the text, and the solver says what it may be.

A line inside a block or repeat is several layers. The unknown stands in all of them, and the question is about
all of them, so a value is only found where it suits every one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from shapesolver.arithmetic import Condition, Truth, both, symbol
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from shapesolver.diagnostics import Diagnostic, Fix, ShapeSolverError
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Layer, Tensor
from shapesolver.layers.parameters import Kind
from shapesolver.network import Network
from shapesolver.solve import solve
from shapesolver.verify.fixing.attempts import Attempts
from shapesolver.verify.fixing.blanks import Blank, blanks
from shapesolver.verify.fixing.calls import LayerCall, argument_of, call_at, with_argument

UNKNOWN = "fix"
"""The name of the unknown; numbered where the file has the word."""
MAX_TRIED = 3
"""How many solutions are tried, the nearest to what stands there first."""
MAX_THROUGH = 16
"""The most layers that an unknown goes through: from layer to layer its formulas grow."""
NEAR = 3
"""How far from its present value a parameter is looked for where there is no question for the solver."""

SOLVING = 3
"""How often a question is reckoned to go through the network."""

ORDER = ("padding", "stride", "kernel", "ceil_mode", "output_padding", "dilation", "groups")
"""Which parameter is changed first; any other comes after these, in the order of its declaration."""

OTHERWISE = ("wrong-rank", "misplaced")
"""The rules whose findings no number mends: a wrong rank, and places that a larger window would only move."""

KINDS = (Kind.SIZE, Kind.PER_AXIS, Kind.PADDING)


def parameter_fixes(finding: Diagnostic, attempts: Attempts) -> Iterator[Fix]:
    """The fixes that change one argument of the layer that the finding is about, one for each parameter."""
    net = attempts.net
    if net is not None and finding.layer in net and finding.name not in OTHERWISE:
        index = net[finding.layer].wire.node
        yield from fixes_at(finding, attempts, index, in_order(net.graph.nodes[index].layer))


def fixes_at(finding: Diagnostic, attempts: Attempts, index: int, parameters: Sequence[str]) -> Iterator[Fix]:
    """The fixes that change one argument of some layer, one for each of these parameters."""
    net = attempts.net
    assert net is not None
    call = call_at(attempts.file, net.graph.nodes[index].span)
    if call is None:
        return
    search = _Search(finding, attempts, net, index, call)
    for parameter in parameters:
        fix = search.first(parameter)
        if fix is not None:
            yield fix


def in_order(layer: Layer) -> list[str]:
    """The parameters that may be changed, the usual ones first."""
    usable = [name for name, p in layer.parameters.items() if p.kind in KINDS or name == "ceil_mode"]
    return sorted(usable, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


@dataclass(frozen=True, slots=True)
class _Search:
    """The values of one layer's parameters that mend one finding."""

    finding: Diagnostic
    attempts: Attempts
    net: Network
    index: int
    call: LayerCall

    @property
    def layer(self) -> Layer:
        """The layer whose parameters are changed."""
        return self.net.derivation.layers[self.index]

    def first(self, parameter: str) -> Fix | None:
        """The nearest value that mends, as a fix."""
        if self.layer.parameters[parameter].kind is Kind.FLAG:
            return self._tried(parameter, "false" if getattr(self.layer, parameter) else "true")
        for blank in blanks(self.layer, parameter, argument_of(self.call, parameter), self._moving()):
            for value in islice(self._values(blank), 2 * NEAR):
                fix = self._tried(parameter, blank.write(str(value)))
                if fix is not None:
                    return fix
        return None

    def _tried(self, parameter: str, argument: str) -> Fix | None:
        edit = with_argument(self.attempts.text, self.call, parameter, argument)
        place = self.net.graph.nodes[self.index].path
        owner = "" if place == self.finding.layer else f" of {place}"
        title = f"{parameter}={argument}{owner}"
        after = None if edit is None else self.attempts.mended(self.finding, (edit,), title=title)
        if edit is None or after is None or after.net is None:
            return None
        sizes = self.layer.parameters[parameter].kind is not Kind.SIZE
        outcome = which_makes(after.net, self.finding.layer) if sizes else ""
        return Fix(f"{title}{outcome}", (edit,))

    def _moving(self) -> list[bool]:
        """Of each spatial axis, whether the finding is about it."""
        inputs = self.net.derivation.inputs(self.index)
        names = self.layer.spatial_names(inputs[0]) if inputs and isinstance(self.layer, AxisWise) else ()
        meant = {axis.strip() for axis in self.finding.axis.split(",")} & {*names}
        return [not meant or name in meant for name in names]

    def _values(self, blank: Blank) -> Iterator[int]:
        """The values that answer the question, the nearest to what stands there first."""
        places, changed = self._places(self.finding.layer), self._places(self.net.graph.nodes[self.index].path)
        if max(places) - min(changed) > MAX_THROUGH or not self.attempts.afford(SOLVING):
            yield from _near(blank)
            return
        unknown = self._unknown()
        edit = with_argument(self.attempts.text, self.call, blank.parameter, blank.write(f"?{unknown}"))
        net = None if edit is None else Network.examine(self.attempts.text.after([edit]))[0]
        if net is None:
            return
        # Nothing behind the finding has a part in the answer.
        net = Network(net.text, net.filename, net.graph.up_to(max(places)))
        target = self._target(net, places)
        if target is None:
            yield from _near(blank)
            return
        try:
            placed = net.at(**self.attempts.sizes)
            answer = solve(placed, target, (unknown,), None, "")
            needed = _about(placed, unknown)
            suited = solutions(needed, unknown) if answer else IntSet.nothing()
        except (ShapeSolverError, ValueError, Undecided):
            return
        if answer and answer.condition is True:
            nearest = (n for n in (answer.set & suited).nearest(blank.now, MAX_TRIED + 1) if n != blank.now)
            yield from islice(nearest, MAX_TRIED)

    def _unknown(self) -> str:
        """A name that the file does not have."""
        name, number = UNKNOWN, 1
        while name in self.attempts.text.text:
            name, number = f"{UNKNOWN}{number}", number + 1
        return name

    def _places(self, path: str) -> list[int]:
        """The layers that the line of one layer makes."""
        line = self.net[path].node.span
        return [index for index, node in enumerate(self.net.graph.nodes) if node.span == line]

    def _target(self, net: Network, places: Sequence[int]) -> str | None:
        """What must be so of the layers at these places; ``None`` where no question says it.

        ``net`` is the network with the unknown: its layers state the law in terms of it.
        """
        if self.finding.code.startswith("SS1"):
            return " and ".join(f"{net.graph.nodes[index].path}[0] >= 1" for index in places)
        if self.finding.name == "lost-pixels":
            return " and ".join(part for index in places for part in _all_read(net, index)) or None
        return None


def _about(net: Network, unknown: str) -> Truth:
    """What the layers need of the unknown alone, as that it is the number of features that come in."""
    needs = (need.truth for _, need in net.derivation.conditions())
    return both(*(n for n in needs if isinstance(n, Condition) and {s.text for s in n.symbols()} == {unknown}))


def _near(blank: Blank) -> Iterator[int]:
    """The numbers around the one that stands there, the nearest first and the greater of two."""
    near = range(max(blank.now - NEAR, blank.least), blank.now + NEAR + 1)
    yield from sorted((n for n in near if n != blank.now), key=lambda n: (abs(n - blank.now), -n))


def _all_read(net: Network, index: int) -> Iterator[str]:
    """That a layer's results read its input to the last cell, axis by axis, as the language writes it."""
    node, layer = net.graph.nodes[index], net.graph.nodes[index].layer
    source = net.graph.nodes[node.inputs[0].node] if node.inputs and not node.inputs[0].output else None
    shape = net.derivation.inputs(index)
    if source is None or shape is None or not isinstance(layer, AxisWise):
        return
    for position, axis in enumerate(layer.spatial_names(shape[0])):
        n, results = symbol(f"{source.path}.{axis}"), symbol(f"{node.path}.{axis}")
        yield f"{layer.reads(0, results - 1, n, position)[1]} >= {n - 1}"


def which_makes(net: Network, path: str) -> str:
    """``, which makes 3``: a layer's spatial sizes, one number where they agree, or its shape where it has none.

    Nothing of a layer that cannot be built for another reason.
    """
    tensor = net.derivation.tensor(*net[path].wire)
    return "" if tensor is None else f", which makes {_sizes_text(tensor)}"


def _sizes_text(tensor: Tensor) -> str:
    spatial = [size for size, axis in zip(tensor.sizes, tensor.axes, strict=True) if axis != "C"]
    if not spatial or len(tensor.axes) == 1:
        return str(tensor)
    return str(spatial[0]) if len(set(spatial)) == 1 else " x ".join(map(str, spatial))
