"""One class per layer kind: its parameters, its size law and the law's inverse, its needs and its weights.

To add a layer, write one class in one of this package's modules and decorate it with ``@layer("name")``; the
parser, the formatter, the docs and the tests of its laws read it from the registry.
"""
