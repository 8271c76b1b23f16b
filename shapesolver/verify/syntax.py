"""SS00x: text that the language has no place for.

The findings are made while the text is read (``language/``, ``model/``); here are their pages.
"""

from __future__ import annotations

from shapesolver.verify.rule import said_on_reading

said_on_reading(
    "SS001",
    "syntax-error",
    """
    A word or sign stands where the language has no place for it.

    ## Why it matters

    The line is left out. Reading goes on with the next line, so that one run reports every error in the file.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32 kernel=3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS002",
    "unclosed-parenthesis",
    """
    A parenthesis, bracket or brace is opened and never closed.

    ## Why it matters

    Lines do not end inside parentheses, so everything up to the end of the file would belong to this one.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=3
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS003",
    "bad-character",
    """
    A character that the language does not have, such as a typographic quote, or bytes that are not UTF-8.

    ## Why it matters

    Text copied from a page or a paper often holds look-alikes: `×` for `*`, `–` for `-`, a space that is none.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv1 = conv(4×8, kernel=3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv1 = conv(4*8, kernel=3)
    ```
    """,
)

said_on_reading(
    "SS004",
    "bad-number",
    """
    A number that cannot be read, or that has too many digits.

    ## Why it matters

    No size, stride or factor needs hundreds of digits; a slip of the keyboard does.

    ## Example

    ```net
    image = input(28, 28, 1)
    upsample(1e999)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    upsample(2)
    ```
    """,
)

said_on_reading(
    "SS005",
    "too-deep",
    """
    An expression with too many parentheses in each other.

    ## Why it matters

    A file is data from anywhere. A limit on depth keeps reading it safe and quick.

    ## Example

    A line with 200 opening parentheses before its number.

    ## Write instead

    Name parts of the expression with `let`, or split the line.
    """,
)

said_on_reading(
    "SS006",
    "too-many-errors",
    """
    A file with so many errors that reading it stopped.

    ## Why it matters

    The file is probably not a `.net` file at all. What was found up to there is reported.

    ## Example

    A page of prose, given as a network.

    ## Write instead

    Give the file that was meant. `shapesolver layers` lists the layers that a file may name.
    """,
)
