"""What a layer computes, and what it leaves behind for training.

A layer states both for one example, in :meth:`Layer.work` and :meth:`Layer.saves`; costs and memory follow from
them. One multiply-accumulate is two floating-point operations. Every cell of a window counts, those in the padding
included; a function of one number (a sigmoid, a root) counts as one operation.
"""

from __future__ import annotations

from typing import NamedTuple

from shapesolver.arithmetic import Dim


class Work(NamedTuple):
    """The operations of one example."""

    macs: Dim = 0
    """Multiply-accumulates with weights, or of one tensor with another."""
    other: Dim = 0
    """Operations that are no part of these: a bias, a comparison, a function of a cell."""
    known: bool = True
    """Whether this is known; an opaque layer's is not."""

    @property
    def flops(self) -> Dim:
        """All operations, a multiply-accumulate being two."""
        return self.other + 2 * self.macs


class Saved(NamedTuple):
    """What must stay in memory from a training's forward pass for its backward pass, as PyTorch keeps it."""

    inputs: bool = False
    """Whether the inputs stay."""
    outputs: bool = False
    """Whether the results stay."""
    cells: Dim = 0
    """Further numbers of one example."""
    indices: Dim = 0
    """Further positions of one example, 8 bytes each whatever the type of the numbers."""
    fixed: Dim = 0
    """Further numbers that do not grow with the batch."""
