"""What goes wrong when a model is read or written."""

from __future__ import annotations

from shapesolver.diagnostics import ShapeSolverError


class ExchangeError(ShapeSolverError):
    """A model that cannot be read, or a network that cannot be written; the message says what to do about it."""


class ExchangeWarning(UserWarning):
    """Something of a model that is not known here, or kept only in part."""
