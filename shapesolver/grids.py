"""The grids of a network's tensors, layer by layer, and where one begins in another."""

from __future__ import annotations

from collections.abc import Sequence

from shapesolver.arithmetic import Dim, both, compare
from shapesolver.layers.base import Layer, Need, Tensor, Trouble, need
from shapesolver.layers.source import Input
from shapesolver.layers.strips import Lay, View, input_view, lays, result_view
from shapesolver.model.graph import Node, Wire


class Grids:
    """What every tensor so far sees of the network's inputs; grows with the network."""

    def __init__(self) -> None:
        self.views: dict[Wire, View] = {}

    def add(
        self, index: int, node: Node, layer: Layer, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        """Take in a layer whose inputs have been taken in."""
        seen = [self.views[wire] for wire in node.inputs]
        for output, made in enumerate(outputs):
            if isinstance(layer, Input):
                self.views[Wire(index)] = input_view(index, made)
            else:
                self.views[Wire(index, output)] = result_view(layer, index, inputs, seen, made, output)

    def aligned(self, node: Node, layer: Layer, inputs: Sequence[Tensor]) -> tuple[Layer, tuple[Need, ...]]:
        """The layer told where its second input's grid begins in its first's, and what that needs.

        The layer stays as it is where the grids cannot be aligned.
        """
        one, other = (self.views[wire] for wire in node.inputs)
        offsets: list[Dim] = []
        needs: list[Need] = []
        for axis, name in enumerate(inputs[0].axes):
            if name == "C":
                continue
            between = list(lays(other, axis, one, axis).values())
            if not between:
                return layer, (need(False, RULE, f"{layer.op} has no grids to align along {name}", f"{name}: no grid"),)
            needs += [_fits(layer, name, found) for found in between]
            offsets.append(between[0].offset)
        return layer.aligned(tuple(offsets)), tuple(needs)


RULE = "unaligned"


def _fits(layer: Layer, axis: str, between: Lay) -> Need:
    def trouble() -> Trouble:
        if between.scale != 1:
            message = f"one unit of one is {between.scale} of the other"
        elif between.shift is None and between.fits is not True:
            message = f"unit 0 lies at ({between.apart})/{between.per}, which is not always whole"
        elif between.fits is not True:
            message = f"unit 0 lies at {between.shift}, between two units"
        else:
            message = f"unit 0 lies at {between.offset}, before the first unit"
        return Trouble(f"{layer.op} cannot align its inputs along {axis}: {message}", f"{axis}: {message}")

    return Need(both(between.fits, compare(">=", between.offset, 0)), RULE, trouble)
