"""How each kind of layer is written in ONNX, a module a family; importing one registers its layers."""

from shapesolver.exchange.onnx.layers import (
    adaptive,
    dense,
    images,
    merging,
    moving,
    normalisation,
    pointwise,
    recurrent,
    sources,
)

__all__ = [
    "adaptive",
    "dense",
    "images",
    "merging",
    "moving",
    "normalisation",
    "pointwise",
    "recurrent",
    "sources",
]
