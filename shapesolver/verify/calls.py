"""SS020 to SS022, SS025, SS030 and SS031: calls of layers and blocks, and what is given to them.

The findings are made while the text is read (``language/``, ``model/``); here are their pages.
"""

from __future__ import annotations

from shapesolver.verify.rule import said_on_reading

said_on_reading(
    "SS020",
    "unknown-layer",
    """
    A call of something that is neither a layer nor a block of the file.

    ## Why it matters

    The layer cannot be sized. Names of Keras, PyTorch and ONNX are understood too; a misspelt one is not.

    ## Example

    ```net
    image = input(28, 28, 1)
    cov(32, kernel=3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv(32, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS021",
    "unknown-argument",
    """
    An argument by a name that the layer or block does not have.

    ## Why it matters

    Passed over in silence, it would leave its default in force, and every size below would be another.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv(32, kernel=3, paddng=1)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv(32, kernel=3, padding=1)
    ```
    """,
)

said_on_reading(
    "SS022",
    "bad-value",
    """
    A value that the parameter does not take, or arithmetic without a whole answer.

    ## Why it matters

    Sizes are whole numbers. `/` must divide exactly; `//` rounds down where that is meant.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv(32/3, kernel=3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv(32//3, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS025",
    "missing-argument",
    """
    A layer or block without something that it needs: a parameter, or a tensor to consume.

    ## Why it matters

    There is no default to fall back on: how many channels a convolution makes is the author's to say.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv(32)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv(32, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS030",
    "too-many-arguments",
    """
    More arguments than the layer or block takes.

    ## Why it matters

    Which parameter the last one was meant for is anyone's guess.

    ## Example

    ```net
    image = input(28, 28, 1)
    relu(1)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    leaky_relu(1)
    ```
    """,
)

said_on_reading(
    "SS031",
    "wrong-kind",
    """
    A tensor where a number is needed, a number where a layer is needed, and the like.

    ## Why it matters

    `skip` is a tensor; `skip.C` is a number; `conv(64, kernel=1)` is a layer. Only one of them fits in a place.

    ## Example

    ```net
    skip = input(28, 28, 8)
    conv(skip, kernel=1)
    3
    ```

    ## Write instead

    ```net
    skip = input(28, 28, 8)
    conv(skip.C, kernel=1)
    ```
    """,
)
