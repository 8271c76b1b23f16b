"""SS023, SS024 and SS026 to SS029: names, and what a file may lay out.

The findings are made while the text is read (``language/``, ``model/``); here are their pages.
"""

from __future__ import annotations

from shapesolver.verify.rule import said_on_reading

said_on_reading(
    "SS023",
    "unknown-name",
    """
    A name that nothing has been given up to this line.

    ## Why it matters

    A network is read from top to bottom: a line uses what stands above it.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=3)
    add(conv1, conv2)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=3)
    conv2 = image -> conv(32, kernel=3)
    add(conv1, conv2)
    ```
    """,
)

said_on_reading(
    "SS024",
    "repeated-name",
    """
    A name that is given twice in one scope, or an argument given twice.

    ## Why it matters

    A name stands for one result. If it stood for two, a claim or a skip could mean either.

    ## Example

    ```net
    image = input(28, 28, 1)
    c = conv(32, kernel=3)
    c = conv(64, kernel=3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    c1 = conv(32, kernel=3)
    c2 = conv(64, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS026",
    "no-input",
    """
    A layer with nothing to consume, or a file without layers.

    ## Why it matters

    Every size follows from the sizes of the inputs.

    ## Example

    ```net
    conv(32, kernel=3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv(32, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS027",
    "cyclic-block",
    """
    A block that calls itself, by itself or through others.

    ## Why it matters

    Blocks are laid out where they are called, and this one would never be finished.

    ## Example

    ```net
    image = input(28, 28, 1)
    block deeper(c) {
        conv(c, kernel=3)
        deeper(c)
    }
    deeper(8)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    repeat 3 {
        conv(8, kernel=3)
    }
    ```
    """,
)

said_on_reading(
    "SS028",
    "limit",
    """
    A file that lays out more than a file may: rounds, layers, blocks in blocks, or digits.

    ## Why it matters

    A short file can ask for a network without end. The limits are far above any network that is built.

    ## Example

    ```net
    image = input(28, 28, 1)
    repeat 1000000000 {
        relu
    }
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    repeat 100 {
        relu
    }
    ```
    """,
)

said_on_reading(
    "SS029",
    "bad-statement",
    """
    A statement where it comes too late, as a dialect below the first layer.

    ## Why it matters

    The dialect and the layout decide what every layer means, those above the statement too.

    ## Example

    ```net
    image = input(3, 28, 28)
    dialect torch
    conv(32, kernel=3)
    ```

    ## Write instead

    ```net
    dialect torch
    image = input(3, 28, 28)
    conv(32, kernel=3)
    ```
    """,
)
