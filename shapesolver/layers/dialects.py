"""The frameworks that a file can name, and what they decide: layout, defaults and the meaning of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

LATEST_OPSET = 22
"""The first ONNX operator set whose pools bound the last ceil_mode window, and the default here."""

_CHANNELS_LAST = {"keras": True, "torch": False, "onnx": False}

_SPATIAL_AXES: Mapping[int, tuple[str, ...]] = {0: (), 1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


@dataclass(frozen=True, slots=True)
class Dialect:
    """A framework's conventions. ``layout`` is ``channels_last`` or ``channels_first``."""

    name: str = "keras"
    channels_last: bool = True
    opset: int = LATEST_OPSET

    @classmethod
    def named(cls, name: str, opset: int = LATEST_OPSET) -> Dialect:
        """The dialect of this name in its usual layout; raises ``KeyError`` for an unknown one."""
        return cls(name, _CHANNELS_LAST[name], opset)

    def with_layout(self, layout: str) -> Dialect:
        """The same framework in ``channels_last`` or ``channels_first`` layout."""
        return replace(self, channels_last=layout == "channels_last")

    @property
    def keras(self) -> bool:
        """Whether this is Keras."""
        return self.name == "keras"

    @property
    def torch(self) -> bool:
        """Whether this is PyTorch."""
        return self.name == "torch"

    @property
    def onnx(self) -> bool:
        """Whether this is ONNX."""
        return self.name == "onnx"

    def axes(self, rank: int) -> tuple[str, ...]:
        """The axis names of a tensor of this rank, batch left out: ``("H", "W", "C")`` or ``("C", "H", "W")``."""
        return _axes(rank, self.channels_last)


@cache
def _axes(rank: int, channels_last: bool) -> tuple[str, ...]:
    """Remembered so that tensors share them: there is one tensor and more to a layer."""
    if rank - 1 not in _SPATIAL_AXES:
        return tuple(f"A{index + 1}" for index in range(rank))
    spatial = _SPATIAL_AXES[rank - 1]
    return (*spatial, "C") if channels_last else ("C", *spatial)


NAMES = tuple(_CHANNELS_LAST)
LAYOUTS = ("channels_last", "channels_first")
