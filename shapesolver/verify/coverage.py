"""SS2xx: cells that are never read, read through gaps, or read unevenly."""

from __future__ import annotations

from collections.abc import Iterator

from shapesolver.diagnostics import Diagnostic, Severity
from shapesolver.verify import dropping, patterns
from shapesolver.verify.case import Case
from shapesolver.verify.rule import rule


@rule("SS201", "lost-pixels", Severity.WARNING, of_built=True)
def lost_pixels(case: Case) -> Iterator[Diagnostic]:
    """Windows that do not come out even, so that cells of the input reach no output at all.

    A size of 2.5 is 2: the half window is dropped, and what only it would have read is never read. The loss is
    traced to the input, through every path. What another path reads is not lost (`local-loss`), and neither is
    padding (`lost-padding`).

    ## Why it matters

    The network is blind along an edge, and nothing says so: every framework rounds down in silence. An object at
    that edge is not seen, and the output is off centre by half of what is lost.

    ## Example

    ```net
    image = input(28, 28, 1)
    conv1 = conv(32, kernel=7, stride=3)
    conv2 = conv(64, kernel=5, stride=2)
    ```

    ## Write instead

    ```net
    image = input(31, 31, 1)
    conv1 = conv(32, kernel=7, stride=3)
    conv2 = conv(64, kernel=5, stride=2)
    ```
    """
    yield from dropping.lost_pixels(case)


@rule("SS202", "lost-padding", Severity.NOTE, on_by_default=False, of_built=True)
def lost_padding(case: Case) -> Iterator[Diagnostic]:
    """Padding behind the last window, while every real cell is read.

    ## Why it matters

    Hardly ever. The windows lie off centre: with padding 3 and stride 2 at 224, as in ResNet's stem, one cell of
    padding is used less at the end than at the start. Features shift by half a cell against the input.

    ## Example

    ```net
    dialect torch
    image = input(3, 224, 224)
    conv(64, kernel=7, stride=2, padding=3)
    ```

    ## Write instead

    ```net
    dialect torch
    image = input(3, 225, 225)
    conv(64, kernel=7, stride=2, padding=3)
    ```
    """
    yield from dropping.lost_padding(case)


@rule("SS203", "local-loss", Severity.NOTE, on_by_default=False, of_built=True)
def local_loss(case: Case) -> Iterator[Diagnostic]:
    """A layer that leaves cells of its own input unread, while no input of the network loses a cell by it.

    ## Why it matters

    ResNet's shortcuts read every second row, and the main path reads the others: that is meant. Where nothing
    else reads them, the layer before computes cells for nobody.

    ## Example

    ```net
    x = input(8, 8, 4)
    wide = conv(4, kernel=3, padding=same)
    conv(4, kernel=1, stride=2)
    ```

    ## Write instead

    ```net
    x = input(8, 8, 4)
    wide = conv(4, kernel=3, stride=2, padding=same)
    conv(4, kernel=1)
    ```
    """
    yield from dropping.local_loss(case)


@rule("SS204", "gaps", Severity.WARNING, of_built=True)
def gaps(case: Case) -> Iterator[Diagnostic]:
    """Windows with cells between them that reach no output: the stride is larger than the effective kernel.

    ## Why it matters

    Whole rows and columns of the input, all over the image, are never looked at. It is subsampling without the
    smoothing that keeps fine patterns from turning into coarse ones.

    ## Example

    ```net
    image = input(31, 31, 1)
    conv(8, kernel=3, stride=4)
    ```

    ## Write instead

    ```net
    image = input(31, 31, 1)
    conv(8, kernel=5, stride=4, padding=2)
    ```
    """
    yield from dropping.gaps(case)


@rule("SS205", "gridding", Severity.WARNING, of_built=True)
def gridding(case: Case) -> Iterator[Diagnostic]:
    """A chain of dilated windows whose taps leave holes in the receptive field.

    ## Why it matters

    With dilations 2 and 2 a result sees every second cell alone: neighbours never meet, and the output falls apart
    into interleaved grids that know nothing of each other. Dilations that grow from 1, as 1, 2, 5 or 1, 2, 4, leave
    no holes (Wang et al. 2018, *Understanding convolution for semantic segmentation*).

    ## Example

    ```net
    image = input(64, 64, 8)
    conv(8, kernel=3, dilation=2, padding=same)
    conv(8, kernel=3, dilation=2, padding=same)
    ```

    ## Write instead

    ```net
    image = input(64, 64, 8)
    conv(8, kernel=3, dilation=1, padding=same)
    conv(8, kernel=3, dilation=2, padding=same)
    ```
    """
    yield from patterns.gridding(case)


@rule("SS206", "checkerboard", Severity.WARNING, of_built=True)
def checkerboard(case: Case) -> Iterator[Diagnostic]:
    """A transposed convolution whose windows overlap unevenly: its kernel is no multiple of its stride.

    ## Why it matters

    Some results are the sum of more products than their neighbours. The pattern shows in generated images as a
    checkerboard (Odena, Dumoulin, Olah 2016, *Deconvolution and checkerboard artifacts*).

    ## Example

    ```net
    x = input(8, 8, 4)
    conv_transpose(4, kernel=3, stride=2)
    ```

    ## Write instead

    ```net
    x = input(8, 8, 4)
    conv_transpose(4, kernel=4, stride=2)
    ```
    """
    yield from patterns.checkerboard(case)


@rule("SS207", "unread-input", Severity.WARNING, of_built=True)
def unread_input(case: Case) -> Iterator[Diagnostic]:
    """Part of an input that no output depends on, and not because windows come out uneven.

    ## Why it matters

    A crop or a slice may take away more than was meant, and an input may not be used at all.

    ## Example

    ```net
    image = input(32, 32, 3)
    slice(0, 2, axis=C)
    conv(8, kernel=3)
    ```

    ## Write instead

    ```net
    image = input(32, 32, 3)
    slice(0, 3, axis=C)
    conv(8, kernel=3)
    ```
    """
    yield from dropping.unread_input(case)


@rule("SS208", "mostly-padding", Severity.WARNING, of_built=True)
def mostly_padding(case: Case) -> Iterator[Diagnostic]:
    """Windows of which padding makes up more than half.

    ## Why it matters

    Their results say more about the zeros than about the input. It happens with padding beyond half the kernel,
    and with dilated kernels on maps that have become small: of a 3 x 3 kernel with dilation 12 on 10 x 10 cells,
    one tap of nine is ever inside.

    ## Example

    ```net
    dialect torch
    x = input(8, 10, 10)
    conv(8, kernel=3, dilation=12, padding=12)
    ```

    ## Write instead

    ```net
    dialect torch
    x = input(8, 10, 10)
    conv(8, kernel=3, dilation=4, padding=4)
    ```
    """
    yield from patterns.mostly_padding(case)
