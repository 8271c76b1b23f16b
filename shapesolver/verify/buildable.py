"""SS1xx: layers that cannot be built at these sizes."""

from __future__ import annotations

from collections.abc import Iterator

from shapesolver.diagnostics import Diagnostic, Severity
from shapesolver.verify.breaking import breaking
from shapesolver.verify.case import Case
from shapesolver.verify.rule import rule


@rule("SS101", "empty-size", Severity.ERROR)
def empty_size(case: Case) -> Iterator[Diagnostic]:
    """A layer whose result would have no cells: a size of 0, or a negative one.

    ## Why it matters

    No framework builds it. Most often the input is smaller than the network needs, or a crop takes more than
    there is.

    ## Example

    ```net
    image = input(4, 4, 1)
    crop(2)
    ```

    ## Write instead

    ```net
    image = input(5, 5, 1)
    crop(2)
    ```
    """
    yield from breaking(case, "empty-size")


@rule("SS102", "kernel-too-large", Severity.ERROR)
def kernel_too_large(case: Case) -> Iterator[Diagnostic]:
    """A window that does not fit into its padded input even once.

    ## Why it matters

    The size would be 0 or less. A dilated kernel spans `dilation*(kernel - 1) + 1` cells.

    ## Example

    ```net
    image = input(8, 8, 1)
    conv(32, kernel=5, dilation=3)
    ```

    ## Write instead

    ```net
    image = input(8, 8, 1)
    conv(32, kernel=5, dilation=3, padding=same)
    ```
    """
    yield from breaking(case, "kernel-too-large")


@rule("SS103", "wrong-rank", Severity.ERROR)
def wrong_rank(case: Case) -> Iterator[Diagnostic]:
    """A tensor with more or fewer axes than the layer works on.

    ## Why it matters

    A 2-D layer needs height, width and channels; a flattened tensor has lost them.

    ## Example

    ```net
    image = input(28, 28, 1)
    flatten
    conv(32, kernel=3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    conv(32, kernel=3)
    flatten
    ```
    """
    yield from breaking(case, "wrong-rank")


@rule("SS104", "size-mismatch", Severity.ERROR)
def size_mismatch(case: Case) -> Iterator[Diagnostic]:
    """Tensors that are joined or added and whose sizes differ, or a reshape to another number of cells.

    ## Why it matters

    The two come by different ways from the input, and the ways round differently. Both histories are shown.

    ## Example

    ```net
    image = input(29, 29, 8)
    up = max_pool(2) -> upsample(2)
    add(image, up)
    ```

    ## Write instead

    ```net
    image = input(30, 30, 8)
    up = max_pool(2) -> upsample(2)
    add(image, up)
    ```
    """
    yield from breaking(case, "size-mismatch")


@rule("SS105", "features-mismatch", Severity.ERROR)
def features_mismatch(case: Case) -> Iterator[Diagnostic]:
    """A layer that is told how many features or channels to expect, and gets another number.

    ## Why it matters

    `in_features` and the like freeze the size of the input that a network fits. Usually the number was worked
    out for another input size.

    ## Example

    ```net
    image = input(32, 32, 3)
    conv(16, kernel=5) -> flatten
    dense(10, in_features=256)
    ```

    ## Write instead

    ```net
    image = input(32, 32, 3)
    conv(16, kernel=5) -> flatten
    dense(10, in_features=12544)
    ```
    """
    yield from breaking(case, "features-mismatch")


@rule("SS106", "indivisible", Severity.ERROR)
def indivisible(case: Case) -> Iterator[Diagnostic]:
    """A size that must be a multiple of another and is not: groups, heads, pixel shuffles, reshapes.

    ## Why it matters

    Channels are dealt out in equal groups, features to equal heads, cells into equal rows. There is no
    remainder to put anywhere.

    ## Example

    ```net
    image = input(28, 28, 6)
    conv(32, kernel=3, groups=4)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 8)
    conv(32, kernel=3, groups=4)
    ```
    """
    yield from breaking(case, "indivisible")


@rule("SS107", "framework-limit", Severity.ERROR)
def framework_limit(case: Case) -> Iterator[Diagnostic]:
    """Something that arithmetic allows and the framework of the file refuses.

    ## Why it matters

    The network could be built elsewhere. The dialect named in the file raises an error, whose words are
    shown.

    ## Example

    ```net
    dialect torch
    image = input(3, 28, 28)
    conv(32, kernel=3, stride=2, padding=same)
    ```

    ## Write instead

    ```net
    dialect torch
    image = input(3, 28, 28)
    conv(32, kernel=3, stride=2, padding=1)
    ```
    """
    yield from breaking(case, "framework-limit")


@rule("SS108", "wrong-arity", Severity.ERROR)
def wrong_arity(case: Case) -> Iterator[Diagnostic]:
    """A line that names more or fewer results than the layer makes.

    ## Why it matters

    Which result a name stands for would be a guess.

    ## Example

    ```net
    image = input(28, 28, 9)
    a, b = split(3)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 9)
    a, b, c = split(3)
    ```
    """
    yield from breaking(case, "wrong-arity")


@rule("SS109", "axis-out-of-range", Severity.ERROR)
def axis_out_of_range(case: Case) -> Iterator[Diagnostic]:
    """An axis that the tensor does not have.

    ## Why it matters

    The batch axis is number 0 and belongs to nobody; the letters are those of the tensor at that place.

    ## Example

    ```net
    image = input(28, 28, 1)
    flatten
    softmax(axis=H)
    ```

    ## Write instead

    ```net
    image = input(28, 28, 1)
    flatten
    softmax(axis=C)
    ```
    """
    yield from breaking(case, "axis-out-of-range")


@rule("SS110", "unaligned", Severity.ERROR)
def unaligned(case: Case) -> Iterator[Diagnostic]:
    """A crop that is asked to lay one grid on another, and whose units would lie between units.

    ## Why it matters

    The grids have different strides, or are part of a unit apart, so that no offset makes a unit of one see what
    the unit of the other sees around the same place. `shapesolver align` says how far they are apart.

    ## Example

    ```net
    dialect torch
    image = input(3, 64, 64)
    half = max_pool(2)
    image -> conv(8, kernel=3, stride=2) -> crop(to=half, offset=aligned)
    ```

    ## Write instead

    ```net
    dialect torch
    image = input(3, 64, 64)
    half = max_pool(2)
    image -> conv(8, kernel=4, stride=2, padding=1) -> crop(to=half, offset=aligned)
    ```
    """
    yield from breaking(case, "unaligned")


@rule("SS111", "misplaced", Severity.ERROR)
def misplaced(case: Case) -> Iterator[Diagnostic]:
    """An unpool whose places would lie beyond its result: it makes another size than the map that was pooled.

    ## Why it matters

    A max pool remembers each maximum by a number that counts the cells of its input, row by row. Where the pool
    rounded down, the default result of `unpool` has shorter rows, and the same number is another cell. PyTorch
    raises only when a number lies beyond the last cell, which depends on the data: this is about all data.

    ## Example

    ```net
    dialect torch
    image = input(3, 9, 15)
    half = max_pool(2)
    unpool(2, _, half)
    ```

    ## Write instead

    ```net
    dialect torch
    image = input(3, 9, 15)
    half = max_pool(2)
    unpool(2, _, half, output_size=(image.H, image.W))
    ```
    """
    yield from breaking(case, "misplaced")
