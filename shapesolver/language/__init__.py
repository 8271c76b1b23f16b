"""Text to tree to text. Knows no layer: what a name means is decided in :mod:`shapesolver.model`."""

from shapesolver.language.parser import Parsed, parse, parse_expression
from shapesolver.language.source import UnreadableError, decode, read

__all__ = ["Parsed", "UnreadableError", "decode", "parse", "parse_expression", "read"]
