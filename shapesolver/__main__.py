"""``python -m shapesolver``."""

from shapesolver.cli import main

main(prog_name="shapesolver")
