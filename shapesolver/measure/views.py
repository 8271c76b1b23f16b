"""What every layer of a derived network sees of the inputs: one pass forward over the graph."""

from __future__ import annotations

from shapesolver.derive import Derivation
from shapesolver.grids import Grids
from shapesolver.layers.strips import View
from shapesolver.model.graph import Wire


def views(derivation: Derivation) -> dict[Wire, View]:
    """What every tensor that can be built sees."""
    grids = Grids()
    for index, node in enumerate(derivation.graph.nodes):
        outcome, inputs = derivation.outcomes[index], derivation.inputs(index)
        if outcome is not None and inputs is not None:
            grids.add(index, node, derivation.layers[index], inputs, outcome.outputs)
    return grids.views
