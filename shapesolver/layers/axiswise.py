"""Layers whose spatial axes do not mix: each axis has a size law of its own, with its inverse beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from shapesolver.arithmetic import Dim
from shapesolver.layers.base import Inputs, Layer, Need, Tensor, Trouble, need
from shapesolver.layers.cells import Box, Cells, followed
from shapesolver.layers.parameters import show
from shapesolver.layers.reading import Progression, Progressions, Reading, Readings, same


class AxisWise(Layer):
    """A layer whose spatial axes do not mix: each has a size law of its own, with its inverse beside it.

    Spatial axes are numbered from 0 in the order of the sizes, the channel axis left out.
    """

    spatial_ranks: ClassVar[tuple[int, int]] = (1, 3)
    per_axis: ClassVar[tuple[str, ...]] = ()
    """The parameters that may be tuples with one entry for each spatial axis."""

    def size(self, n: Dim, axis: int) -> Dim:
        """The size law of one axis."""
        raise NotImplementedError

    def inverse(self, low: Dim, high: Dim, axis: int) -> tuple[Dim, Dim]:
        """The interval of ``n`` with ``low <= size(n) <= high``; with ``low > high`` where there is none.

        Among the sizes that meet the needs it is exact: ``n`` is inside if and only if its result is.
        """
        raise NotImplementedError

    def reads(self, first: Dim, last: Dim, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """The first and last input cell, from 0 on, that the results ``first`` to ``last`` depend on.

        Everything, unless a layer says otherwise. The caller keeps the answer within ``0..n - 1``.
        """
        return 0, n - 1

    def skips(self, axis: int) -> bool:
        """Whether cells between those may go unread: a stride beyond the window, or a dilated one."""
        return False

    def hollow(self, n: Dim, axis: int) -> bool:
        """Whether some results may depend on no cell at all."""
        return False

    def parts(self, wanted: Progression, n: Dim, axis: int) -> Progressions | None:
        """The cells that a progression of results depends on, as progressions; some may be empty, or be padding.

        Of neighbours every cell of :meth:`reads`, unless a layer says otherwise; ``None`` where it is not told.
        """
        return (Progression(*self.reads(wanted.first, wanted.last, n, axis)),) if wanted.step == 1 else None

    def natural_most(self, parameter: str, n: Dim, axis: int) -> Dim | None:
        """Beyond which value a parameter can change nothing more on an axis of size ``n``; ``None`` for no such end."""
        return None

    def cells(self, result: int, n: Any, axis: int) -> Iterable[int]:
        """The cells that one result depends on, ascending; those outside ``0..n - 1`` are padding."""
        first, last = self.reads(result, result, n, axis)
        assert isinstance(first, int) and isinstance(last, int)
        return range(first, last + 1)

    def left_over(self, n: Dim, axis: int) -> tuple[Dim, Dim]:
        """The cells behind the last window: real ones, and padding. None where no windows are laid side by side."""
        return 0, 0

    def cells_read(self, wanted: Cells, n: int, axis: int) -> Cells:
        """The cells of a spatial axis of size ``n`` that these results depend on."""
        return followed(self.reading(n, axis, 0), (wanted,), n)

    def channels_read(self, wanted: Cells, channels: int) -> Cells:
        """The channels that these result channels depend on: the same, unless a layer mixes them."""
        return wanted

    def read_cells(self, wanted: Box, inputs: Inputs, output: int = 0) -> Iterator[tuple[int, Box]]:
        yield 0, self.box_read(wanted, inputs[0])

    def box_read(self, wanted: Box, tensor: Tensor) -> Box:
        """What a box of the result reads of a tensor, each spatial axis and the channels apart."""
        channels, spatial = self.split(tensor)
        wanted_channels, wanted_spatial = self.split(Tensor(wanted, tensor.axes))
        pairs: Any = enumerate(zip(wanted_spatial, spatial, strict=True))
        read = tuple(self.cells_read(cells, n, axis) for axis, (cells, n) in pairs)
        box: Any = self.join(self.channels_read(wanted_channels, channels), read).sizes  # type: ignore[arg-type]
        return box  # type: ignore[no-any-return]

    def reading(self, n: Dim, axis: int, follows: int) -> Reading:
        """How a spatial axis of size ``n`` is read by the results along the axis with index ``follows``."""

        def run(first: Dim, last: Dim) -> tuple[Dim, Dim]:
            return self.reads(first, last, n, axis)

        taps = partial(self.cells, n=n, axis=axis) if self.skips(axis) else None
        parts = partial(self.parts, n=n, axis=axis)
        return Reading(follows, run, taps, parts=parts, hollow=self.hollow(n, axis))

    def channel_reading(self, channels: Dim, follows: int) -> Reading:
        """How the channels are read by the results' channels, whose axis has the index ``follows``."""
        return same(follows)

    def readings(self, *inputs: Tensor, output: int = 0) -> Readings:
        """Each spatial axis by its own law; the channel itself, unless a layer mixes channels."""
        channels, spatial = self.split(inputs[0])
        start, place = (0, len(spatial)) if self.dialect.channels_last else (1, 0)
        axes = tuple(self.reading(n, axis, start + axis) for axis, n in enumerate(spatial))
        mixed = self.channel_reading(channels, place)
        return ((*axes, mixed) if self.dialect.channels_last else (mixed, *axes),)

    def axis_needs(self, n: Dim, axis: int) -> Iterator[Need]:
        """What one axis must satisfy."""
        yield from ()

    def channel_needs(self, channels: Dim) -> Iterator[Need]:
        """What the channels must satisfy."""
        yield from ()

    def out_channels(self, channels: Dim) -> Dim:
        """How many channels come out."""
        return channels

    def at(self, name: str, axis: int) -> Any:
        """A per-axis parameter's value on one axis."""
        value = getattr(self, name)
        return value[axis] if isinstance(value, tuple) else value

    def split(self, tensor: Tensor) -> tuple[Dim, tuple[Dim, ...]]:
        """The channels and the spatial sizes."""
        if self.dialect.channels_last:
            return tensor.sizes[-1], tensor.sizes[:-1]
        return tensor.sizes[0], tensor.sizes[1:]

    def spatial_names(self, tensor: Tensor) -> tuple[str, ...]:
        """The names of the spatial axes."""
        return tensor.axes[:-1] if self.dialect.channels_last else tensor.axes[1:]

    def join(self, channels: Dim, spatial: tuple[Dim, ...]) -> Tensor:
        """The tensor with these channels and spatial sizes, in the file's layout."""
        return self.tensor((*spatial, channels) if self.dialect.channels_last else (channels, *spatial))

    def needs(self, *inputs: Tensor) -> Iterator[Need]:
        (tensor,) = inputs[:1]
        yield self._rank_need(tensor)
        channels, spatial = self.split(tensor)
        yield from self._tuple_needs(len(spatial))
        yield from self.channel_needs(channels)
        for axis, n in enumerate(spatial):
            yield from self.axis_needs(n, axis)

    def outputs(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        channels, spatial = self.split(inputs[0])
        sizes = tuple(self.size(n, axis) for axis, n in enumerate(spatial))
        return (self.join(self.out_channels(channels), sizes),)

    def _rank_need(self, tensor: Tensor) -> Need:
        low, high = self.spatial_ranks
        shape = "H x W x C" if self.dialect.channels_last else "C x H x W"
        return Need(
            low <= tensor.rank - 1 <= high,
            "wrong-rank",
            lambda: Trouble(
                f"{self.op} needs channels and {low} to {high} spatial axes (such as {shape}), "
                f"and its input is {tensor}",
                f"{tensor.rank} {'axis' if tensor.rank == 1 else 'axes'}",
            ),
        )

    def _tuple_needs(self, spatial_rank: int) -> Iterator[Need]:
        for name in self.per_axis:
            value = getattr(self, name)
            if isinstance(value, tuple):
                yield need(
                    len(value) == spatial_rank,
                    "wrong-rank",
                    f"{name} has {len(value)} entries, and there are {spatial_rank} spatial axes",
                    f"{name}={show(value)}",
                )
