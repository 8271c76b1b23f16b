"""Which layers leave cells of their own input unread, at the usual sizes."""

from __future__ import annotations

from collections.abc import Iterator

from shapesolver.layers.axiswise import AxisWise
from shapesolver.network import Network
from shapesolver.solve.answers import Answer, Status


def losing_layers(net: Network) -> Answer:
    """The layers whose windows end before their input does, with what each loses.

    A loss is local: another path may still read the cells.
    """
    shown = net.usual()
    lines = [f"{path}: the last {lost} of {n} along {axis}" for path, axis, n, lost in losses(shown)]
    at = ", ".join(f"{name} = {value}" for name, value in shown.values.items())
    reading = f"find the layers that leave cells of their input unread{' at ' + at if at else ''}"
    if not lines:
        return Answer(reading, Status.PROVED, (), (), reason="no layer does")
    return Answer(reading, Status.PROVED, (), ({},), reason="; ".join(lines))


def losses(net: Network) -> Iterator[tuple[str, str, int, int]]:
    """Each layer's path, the axis, its size, and how many of its last cells no window reaches."""
    derivation = net.derivation
    for index, node in enumerate(net.graph.nodes):
        layer, inputs, result = derivation.layers[index], derivation.inputs(index), derivation.tensor(index)
        if not isinstance(layer, AxisWise) or not inputs or result is None or result.rank != inputs[0].rank:
            continue
        names = layer.spatial_names(inputs[0])
        sizes = zip(names, layer.split(inputs[0])[1], layer.split(result)[1], strict=True)
        for axis, (name, n, made) in enumerate(sizes):
            _, last = layer.reads(0, made - 1, n, axis)
            if isinstance(n, int) and isinstance(last, int) and last < n - 1:
                yield node.path, name, n, n - 1 - last
