"""The command ``shapesolver``, which is ``python -m shapesolver`` too."""

import atexit
import gc

SELDOM = 100_000
"""Objects that are made between two looks for garbage."""


def run() -> None:
    """Run the command line, as a process of its own.

    A command makes little garbage, and looking for it is a seventh of what a short one takes: it is looked for
    seldom, and not at the end.
    """
    gc.set_threshold(SELDOM)
    atexit.register(gc.freeze)
    from shapesolver.cli import main

    main(prog_name="shapesolver")


if __name__ == "__main__":
    run()
