"""Fixes: found by the solver, written as edits of the text, and derived again before they are offered."""

from __future__ import annotations

from shapesolver.verify.fixing.applying import apply_safe
from shapesolver.verify.fixing.attempts import Attempts, Outcome
from shapesolver.verify.fixing.engine import with_fixes

__all__ = ["Attempts", "Outcome", "apply_safe", "with_fixes"]
