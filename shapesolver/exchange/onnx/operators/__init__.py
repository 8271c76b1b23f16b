"""What each ONNX operator comes to, a module a family; importing one registers its operators."""

from shapesolver.exchange.onnx.operators import (
    arithmetic,
    dense,
    moving,
    normalisation,
    pointwise,
    recurrent,
    windows,
)

__all__ = ["arithmetic", "dense", "moving", "normalisation", "pointwise", "recurrent", "windows"]
