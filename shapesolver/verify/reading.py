"""SS00x to SS03x: what a file says that no network can mean.

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
