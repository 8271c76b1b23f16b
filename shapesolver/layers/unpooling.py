"""Unpooling: every input cell is written back to the place that a max pool took it from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, ClassVar, NamedTuple

from shapesolver.arithmetic import Dim, Truth, both, ceil_div, compare, either, minimum
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Trouble, need
from shapesolver.layers.cells import Box
from shapesolver.layers.parameters import Kind, PerAxis, declare
from shapesolver.layers.reading import Readings, whole
from shapesolver.layers.registry import layer
from shapesolver.layers.transposed import Spreading
from shapesolver.layers.windows import Windowed, kernel_parameter, stride_parameter
from shapesolver.layers.work import Saved


class Last(NamedTuple):
    """The last cell along an axis that windows read, by one of their taps."""

    missing: Truth
    """Whether that tap reads none."""
    cell: Dim
    end: Dim
    """Where it would be if the axis did not end before."""


def last_cells(pool: AxisWise, n: Dim, axis: int) -> list[Last]:
    """The last cells that a pool's windows read of ``n``: the greatest of them is the last place of a maximum.

    Windows without gaps end at ``s*(m - 1) + k - 1 - p``, or with the axis. Of a dilated window each tap is
    followed by itself.
    """
    results = pool.size(n, axis)
    if not isinstance(pool, Windowed) or compare("==", pool.at("dilation", axis), 1) is True:
        end = pool.reads(0, results - 1, n, axis)[1]
        return [Last(False, minimum(n - 1, end), end)]
    kernel, dilation, stride = (pool.at(name, axis) for name in ("kernel", "dilation", "stride"))
    before, _ = pool.pads(n, axis)
    found = []
    for tap in range(kernel):
        shift = dilation * tap - before
        window = minimum(results - 1, (n - 1 - shift) // stride)
        cell = window * stride + shift
        found.append(Last(compare("<", window, 0), cell, cell))
    return _greatest([last for last in found if last.missing is not True])


def _greatest(lasts: list[Last]) -> list[Last]:
    """The one that counts, where it is known."""
    known = all(last.missing is False and isinstance(last.cell, int) for last in lasts)
    return [max(lasts, key=lambda last: last.cell)] if known and lasts else lasts  # type: ignore[arg-type, return-value]


class Counted(NamedTuple):
    """One axis that places are counted along."""

    name: str
    n: Dim
    """Its size where the pool counted."""
    m: Dim
    """Its size where the places are read."""
    lasts: list[Last]


def _through(sizes: Sequence[Dim]) -> str:
    return " x ".join(map(str, sizes))


@layer("unpool")
class Unpool(Spreading):
    """The partial inverse of max pooling: ``(n - 1)*s - 2p + k``, or a stated size strictly within ``s`` of it.

    The second input is the pool undone, whose places go with the cells one by one. A place is a number that counts
    the cells of the map that was pooled, row by row; read in a map of another width it is another cell, and may lie
    beyond the last. So all sizes but the first must be those of the map that was pooled, and the first, too, where
    the pool pads: state them, ``output_size=(conv2.H, conv2.W)``.
    """

    other_names: ClassVar = {"MaxUnpool1d MaxUnpool2d MaxUnpool3d MaxUnpool": "kernel stride padding"}
    inputs: ClassVar[tuple[int, int | None]] = (1, 2)
    recalls: ClassVar = True
    per_axis: ClassVar[tuple[str, ...]] = ("kernel", "stride", "padding", "output_size")

    kernel: PerAxis = kernel_parameter()
    stride: PerAxis | None = stride_parameter(default=None)
    padding: PerAxis = declare(Kind.PER_AXIS, "padding of the pool undone", default=0, names=("pads",), least=0)
    output_size: PerAxis | None = declare(Kind.PER_AXIS, "the output size", default=None, least=1)

    def at(self, name: str, axis: int) -> Any:
        """As for every layer, and the stride is the kernel when left out."""
        return super().at("kernel" if name == "stride" and self.stride is None else name, axis)

    def saves(self, *inputs: Tensor) -> Saved:
        """The positions that it writes to."""
        return Saved(indices=inputs[0].cells)

    def base(self, axis: int) -> Dim:
        return self.at("kernel", axis) - 2 * self.at("padding", axis)  # type: ignore[no-any-return]

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """Cell ``i`` writes somewhere in ``s*i - p`` to ``s*i - p + k - 1``, wherever its maximum was."""
        stride, kernel, before = (self.at(name, axis) for name in ("stride", "kernel", "padding"))
        return ceil_div(first + before - kernel + 1, stride), (last + before) // stride

    def written(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        return self.at("padding", axis), 1

    def stated_inverse(self, stated: Dim, axis: int) -> tuple[Dim, Dim]:
        """The ``n`` with ``|stated - default_size(n)| < s``."""
        stride: Dim = self.at("stride", axis)
        return ceil_div(stated - stride + 1 - self.base(axis), stride) + 1, (
            stated + stride - 1 - self.base(axis)
        ) // stride + 1

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        yield from super().needs(*inputs)
        tensor, places = inputs[0], inputs[-1]
        says = "Expected shape of indices to be same as that of the input tensor" if self.dialect.torch else ""
        message = f"unpool needs a place for each cell: {tensor} cells, and {places} places"
        yield need(tensor.rank == places.rank, "wrong-rank", message, says=says)
        for n, m in zip(tensor.sizes, places.sizes, strict=True):
            yield need(compare("==", n, m), "size-mismatch", message, f"{n} is not {m}", says)

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        size, stride = self.default_size(n, axis), self.at("stride", axis)
        stated = self.stated(axis)
        if stated is None:
            yield self.positive(size, lambda: f"({n} - 1)*{stride} + {self.base(axis)} = {size}")
        else:
            yield need(
                both(compare("<", size - stride, stated), compare("<", stated, size + stride)),
                "framework-limit",
                f"unpool makes more than {size - stride} and less than {size + stride}; {stated} is asked for",
            )

    def recalled_needs(self, source: Layer, pooled: Inputs, *inputs: Tensor) -> Iterator[Need]:
        """That every place lies inside the result, whatever the data: a maximum may be in any cell that is read.

        With ``l`` the last cell read, ``n`` the sizes of the map that was pooled and ``m`` those of the result, the
        last place is ``(l1*n2 + l2)*n3 + l3``, and must be below ``m1*m2*m3``. Where ``l >= m - 1`` and ``n >= m``, as
        when a pool that rounds down is undone, that is so if and only if all ``l == m - 1`` and, of each axis,
        ``n == m`` or all ``m`` before it are 1. ONNX counts through the channels, too, of one example here.
        """
        if source.finds_places and isinstance(source, AxisWise):
            axes = self._counted(source, pooled[0], self.outputs(*inputs)[0])
            yield from self._apart(axes) if self._rounds_down(axes) else self._together(axes)

    def _counted(self, pool: AxisWise, pooled: Tensor, result: Tensor) -> list[Counted]:
        channels, sizes = self.split(pooled)
        spatial = enumerate(zip(self.spatial_names(pooled), sizes, self.split(result)[1], strict=True))
        axes = [Counted(name, n, m, last_cells(pool, n, axis)) for axis, (name, n, m) in spatial]
        return (
            [Counted("C", channels, channels, [Last(False, channels - 1, channels - 1)]), *axes]
            if self.dialect.onnx
            else axes
        )

    @staticmethod
    def _rounds_down(axes: Sequence[Counted]) -> bool:
        return all(
            compare(">=", axis.n, axis.m) is True
            and [compare(">=", last.cell, axis.m - 1) for last in axis.lasts] == [True]
            for axis in axes
        )

    def _apart(self, axes: Sequence[Counted]) -> Iterator[Need]:
        """The condition of each axis by itself."""
        single: Truth = True
        lasts = [axis.lasts[0] for axis in axes]
        for axis, last in zip(axes, lasts, strict=True):
            fits = compare("==", axis.n, axis.m)
            # A window that would end beyond the result ends in it where the axis does: no other condition then.
            if compare(">=", last.end, axis.m) is not True:
                fits = both(compare("==", last.cell, axis.m - 1), either(single, fits))
            yield self._place_need(fits, axes, lasts, axis.name)
            single = both(single, compare("==", axis.m, 1))

    def _together(self, axes: Sequence[Counted]) -> Iterator[Need]:
        """One inequality of all axes, for every combination of taps."""
        for lasts in product(*(axis.lasts for axis in axes)):
            place, cells = _place(*_leading(axes, lasts))
            missing = either(*(last.missing for last in lasts))
            yield self._place_need(either(missing, compare("<", place, cells)), axes, lasts)

    def _place_need(self, fits: Truth, axes: Sequence[Counted], lasts: Sequence[Last], name: str = "") -> Need:
        def trouble() -> Trouble:
            place, cells = _place(axes, lasts)
            ours, theirs = _through([axis.m for axis in axes]), _through([axis.n for axis in axes])
            known = isinstance(place, int) and isinstance(cells, int)
            return Trouble(
                f"unpool's places count the cells of the {theirs} that were pooled, and it makes {ours}"
                + (f": place {place} lies beyond its {cells} cells" if known else ""),
                f"{name}: {theirs} is not {ours}" if name else f"{theirs} is not {ours}",
                f"Found an invalid max index: {place} (output volumes are of size {ours.replace(' ', '')})"
                if self.dialect.torch
                else "",
            )

        return Need(fits, "misplaced", trouble)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """The values, and all the places where the pool undone found its maxima."""
        found = (tuple(whole(n)._replace(exact=False) for n in places.sizes) for places in inputs[1:])
        return (*super().readings(inputs[0]), *found)

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        for number, tensor in enumerate(inputs):
            yield number, self.box_read(wanted, tensor)


def _leading(axes: Sequence[Counted], lasts: Sequence[Last]) -> tuple[Sequence[Counted], Sequence[Last]]:
    """The axes without those at the end that are as long in both maps: along these no place moves or is beyond."""
    kept = len(axes)
    while kept:
        axis, last = axes[kept - 1], lasts[kept - 1]
        if compare("==", axis.n, axis.m) is not True or compare("<", last.cell, axis.m) is not True:
            break
        kept -= 1
    return axes[:kept], lasts[:kept]


def _place(axes: Sequence[Counted], lasts: Sequence[Last]) -> tuple[Dim, Dim]:
    """The place of a cell, and how many places there are."""
    place: Dim = 0
    cells: Dim = 1
    for axis, last in zip(axes, lasts, strict=True):
        place = place * axis.n + last.cell
        cells = cells * axis.m
    return place, cells
