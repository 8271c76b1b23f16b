"""Who writes which layer in Keras: a function for each kind, registered by the module that holds it."""

from __future__ import annotations

from shapesolver.exchange.keras.steps import WRITERS, Placed, Step
from shapesolver.exchange.keras.writers import pointwise, shapes, weights, windows

__all__ = ["pointwise", "shapes", "steps_of", "weights", "windows"]


def steps_of(placed: Placed) -> list[Step]:
    """A layer in Keras; raises :class:`ExchangeError` where there is no counterpart."""
    writer = WRITERS.get(placed.layer.op)
    if writer is None:
        raise placed.error("there is no such layer")
    return writer(placed)
