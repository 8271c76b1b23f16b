"""Functions and methods that move cells: sizes, views, axes, slices."""

from __future__ import annotations

import operator
from typing import Any

from shapesolver.arithmetic import Dim, compare
from shapesolver.exchange.torch.reading.drawing import Drawing, number, plain
from shapesolver.exchange.torch.reading.registry import function_name, reads
from shapesolver.exchange.torch.reading.values import (
    Batch,
    Cropped,
    Cut,
    Direction,
    Held,
    Outside,
    Padded,
    Ref,
    State,
    Unknown,
)
from shapesolver.layers.patches import product
from shapesolver.model.graph import Wire

TENSORS = (Ref, Held, Outside, Padded, Cropped, Batch, State, Direction)
END = 2**62
"""From here on an index means the end, as exported programs write it."""


@reads("size", "sym_size")
def size(draw: Drawing, x: Any, dim: Any = None) -> Any:
    """``x.size()``, ``x.size(2)``."""
    full = draw.full(x)
    return full if dim is None else full[dim]


@reads("dim", "ndimension")
def dim(draw: Drawing, x: Any) -> int:
    """``x.dim()``."""
    return len(draw.full(x))


@reads("numel")
def numel(draw: Drawing, x: Any) -> Any:
    """``x.numel()``."""
    return Batch(product(draw.sizes(draw.tensor(x))))


@reads("flatten")
def flatten(draw: Drawing, x: Any, start_dim: int = 0, end_dim: int = -1) -> Ref:
    """``torch.flatten(x, 1)``."""
    ref = draw.first(draw.tensor(x))
    start, end = draw.axis(ref, start_dim), draw.axis(ref, end_dim)
    if end <= start:
        return ref
    return draw.layer("flatten", [ref], start=start, end=-1 if end == draw.rank(ref) - 1 else end)


@reads("view", "reshape", "_unsafe_view")
def reshape(draw: Drawing, x: Any, *sizes: Any) -> Any:
    """``x.view(x.size(0), -1)``: the batch stays, and the rest is flattened, split or laid out anew."""
    if isinstance(x, Held):
        raise Unknown(f"it lays out {x.name} anew")
    ref = draw.first(draw.tensor(x))
    wanted = list(sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes)
    if not wanted or (isinstance(wanted[0], Batch) and wanted[0].times != 1):
        raise Unknown("it folds the batch into another axis")
    rest = wanted[1:]
    if any(isinstance(n, Batch) for n in rest):
        raise Unknown("it moves the batch to another axis")
    if not isinstance(wanted[0], Batch) and wanted[0] not in (-1, draw.batch):
        raise Unknown(f"its first axis becomes {wanted[0]}, and that is the batch's")
    if wanted[0] == -1 and rest and compare("==", product(tuple(map(number, rest))), product(draw.sizes(ref))) is False:
        raise Unknown("it folds the batch into another axis")
    return laid_out(draw, ref, tuple(number(n) for n in rest))


def laid_out(draw: Drawing, ref: Ref, sizes: tuple[Dim, ...]) -> Ref:
    """A reshape, as the plainest layer that does it."""
    old = draw.sizes(ref)
    if sizes == old:
        return ref
    if len(sizes) == 1 and (sizes[0] == -1 or sizes[0] == product(old)) and len(old) > 1:
        # A fixed number would be a condition on the input sizes; it is kept as one.
        return draw.layer("flatten", [ref])
    for start in range(len(old)):
        for end in range(start + 2, len(old) + 1):
            if len(sizes) == len(old) - (end - start) + 1 and _same(sizes, old, start, end):
                return draw.layer("flatten", [ref], start=start + 1, end=-1 if end == len(old) else end)
    return draw.layer("reshape", [ref], sizes=sizes)


def _same(sizes: tuple[Dim, ...], old: tuple[Dim, ...], start: int, end: int) -> bool:
    joined = product(old[start:end])
    outer = sizes[:start] == old[:start] and sizes[start + 1 :] == old[end:]
    return outer and (sizes[start] == joined or sizes[start] == -1)


@reads("unflatten")
def unflatten(draw: Drawing, x: Any, dim: int, sizes: Any) -> Ref:
    """``x.unflatten(1, (8, 64))``."""
    ref = draw.first(draw.tensor(x))
    return draw.layer("unflatten", [ref], axis=draw.axis(ref, dim), sizes=tuple(map(number, sizes)))


@reads("permute")
def permute(draw: Drawing, x: Any, *dims: Any) -> Ref:
    """``x.permute(0, 2, 3, 1)``; the batch may go to another axis."""
    ref = draw.tensor(x)
    order = [plain(d) % draw.rank(ref) for d in (dims[0] if isinstance(dims[0], (tuple, list)) else dims)]
    batch = order.index(ref.batch)
    ours = [draw.axis(ref, d) for d in order if d != ref.batch]
    if ours == sorted(ours):
        return Ref(ref.wire, batch)
    made = draw.layer("permute", [Ref(ref.wire)], order=tuple(ours))
    return Ref(made.wire, batch)


@reads("transpose", "swapaxes", "swapdims")
def transpose(draw: Drawing, x: Any, one: int, two: int) -> Ref:
    """``x.transpose(1, 2)``."""
    ref = draw.tensor(x)
    order = list(range(draw.rank(ref)))
    order[one], order[two] = order[two], order[one]
    return permute(draw, ref, *order)


@reads("t")
def t(draw: Drawing, x: Any) -> Ref:
    """``x.t()``."""
    return transpose(draw, x, 0, 1)


@reads("movedim", "moveaxis")
def movedim(draw: Drawing, x: Any, source: int, destination: int) -> Ref:
    """``x.movedim(1, -1)``."""
    ref = draw.tensor(x)
    order = list(range(draw.rank(ref)))
    order.insert(destination % len(order), order.pop(source))
    return permute(draw, ref, *order)


@reads("squeeze")
def squeeze(draw: Drawing, x: Any, dim: Any = None) -> Ref:
    """``x.squeeze(2)``; without an axis every one whose size is 1."""
    ref = draw.tensor(x)
    if dim is None:
        return draw.layer("squeeze", [draw.first(ref)])
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    for place in sorted((d % draw.rank(ref) for d in dims), reverse=True):
        axis = draw.axis(ref, place)
        # Where the input sizes decide whether the axis goes, it goes as it did when traced.
        if draw.at_usual(draw.sizes(ref)[axis - 1]) != 1:
            continue
        made = draw.layer("squeeze", [Ref(ref.wire)], axis=axis)
        ref = Ref(made.wire, ref.batch - (place < ref.batch))
    return ref


@reads("unsqueeze")
def unsqueeze(draw: Drawing, x: Any, dim: int) -> Any:
    """``x.unsqueeze(1)``."""
    if isinstance(x, Held):
        place = dim % (len(x.shape) + 1)
        return Held(x.name, (*x.shape[:place], 1, *x.shape[place:]), x.learned)
    ref = draw.tensor(x)
    place = dim % (draw.rank(ref) + 1)
    if place <= ref.batch:
        if place == ref.batch:
            raise Unknown("it puts an axis before the batch's")
        made = draw.layer("unsqueeze", [Ref(ref.wire)], axis=place + 1)
        return Ref(made.wire, ref.batch + 1)
    made = draw.layer("unsqueeze", [Ref(ref.wire)], axis=place)
    return Ref(made.wire, ref.batch)


@reads("expand", "broadcast_to", "expand_as")
def expand(draw: Drawing, x: Any, *sizes: Any) -> Any:
    """``token.expand(n, -1, -1)``: a parameter for every example, or axes of size 1 repeated."""
    wanted = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    if isinstance(wanted, Ref):
        wanted = draw.full(wanted)
    if isinstance(x, Held):
        # Its own sizes from the right; what comes before them is the batch.
        kept = x.shape[-(len(wanted) - 1) :] if len(x.shape) >= len(wanted) else x.shape
        asked = wanted[len(wanted) - len(kept) :]
        if all(n in (-1, own) for n, own in zip(asked, kept, strict=True)) and len(wanted) == len(kept) + 1:
            return Ref(draw.held(x, len(wanted)))
        ref = Ref(draw.held(x, len(wanted)))
    else:
        ref = draw.first(draw.tensor(x))
    rest = tuple(number(n) for n in wanted[1:])
    own = draw.sizes(ref)
    if len(rest) == len(own) and all(n == -1 or n == m for n, m in zip(rest, own, strict=True)):
        return ref
    return draw.layer("expand", [ref], sizes=rest)


@reads("repeat", "tile")
def repeat(draw: Drawing, x: Any, *times: Any) -> Any:
    """``x.repeat(1, 2, 2)``; a parameter ``repeat(n, 1, 1)`` for every example."""
    wanted = times[0] if len(times) == 1 and isinstance(times[0], (tuple, list)) else times
    if isinstance(x, Held):
        if not isinstance(wanted[0], Batch) or any(n != 1 for n in wanted[1:]):
            raise Unknown(f"it repeats {x.name}")
        return Ref(draw.held(x, len(wanted)))
    ref = draw.first(draw.tensor(x))
    if len(wanted) != draw.rank(ref) or wanted[0] != 1:
        raise Unknown("it repeats the batch, or adds axes")
    return draw.layer("tile", [ref], times=tuple(map(number, wanted[1:])))


@reads("getitem")
def getitem(draw: Drawing, x: Any, index: Any) -> Any:
    """``x[:, 1:3, 0]``, slice by slice."""
    if isinstance(x, State):
        return last_state(x, index)
    if isinstance(x, (tuple, list)) and not isinstance(x, TENSORS):
        return x[index]
    if not isinstance(x, Ref):
        raise Unknown(f"it indexes {type(x).__name__}")
    entries = index if isinstance(index, tuple) else (index,)
    entries = _without_ellipsis(entries, draw.rank(x))
    place = 0
    ref = x
    for entry in entries:
        if entry is None:
            ref = unsqueeze(draw, ref, place)
            place += 1
        elif isinstance(entry, slice):
            ref = sliced(draw, ref, place, entry)
            place += 1
        else:
            ref = select(draw, ref, place, entry)
    return ref


def last_state(state: State, index: Any) -> Any:
    """``h[-1]``: the top layer's last state, or one direction of it."""
    count = state.directions * state.layers
    place = plain(index) - (count if plain(index) >= 0 else 0)
    if state.directions == 1 and place == -1:
        return state.last
    if state.directions == 2 and place in (-1, -2):
        return Direction(state, place)
    raise Unknown("the last state of a layer below the top")


def _without_ellipsis(entries: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    if not any(entry is Ellipsis for entry in entries):
        return entries
    at = next(i for i, entry in enumerate(entries) if entry is Ellipsis)
    used = sum(entry is not None for entry in entries) - 1
    return (*entries[:at], *[slice(None)] * (rank - used), *entries[at + 1 :])


def sliced(draw: Drawing, ref: Ref, place: int, part: slice) -> Ref:
    """One axis sliced; the whole of it is the tensor itself."""
    if part.start in (None, 0) and part.step in (None, 1) and part.stop is None:
        return ref
    axis = draw.axis(ref, place)
    n = draw.sizes(ref)[axis - 1]
    start = 0 if part.start is None else number(part.start)
    stop = None if part.stop is None or (isinstance(part.stop, int) and part.stop >= END) else number(part.stop)
    if start == 0 and part.step in (None, 1) and (stop is None or stop == n):
        return ref
    axis_name = "C" if axis == 1 and draw.shape(ref.wire).axes[:1] == ("C",) else axis
    made = draw.layer(
        "slice",
        [Ref(ref.wire)],
        start=start,
        stop=stop,
        step=1 if part.step is None else plain(part.step),
        axis=None if axis_name == "C" else axis_name,
    )
    return Ref(made.wire, ref.batch)


@reads("select")
def select(draw: Drawing, x: Any, dim: int, index: Any) -> Ref:
    """``x[:, 0]``: one index of an axis, which goes."""
    ref = draw.tensor(x)
    place = dim % draw.rank(ref)
    axis = draw.axis(ref, place)
    at = plain(index)
    n: Any = draw.sizes(ref)[axis - 1]
    if n != 1:
        stop = at + 1 if at != -1 else None
        ref = Ref(draw.layer("slice", [Ref(ref.wire)], start=at, stop=stop, axis=axis).wire, ref.batch)
    made = draw.layer("squeeze", [Ref(ref.wire)], axis=axis)
    return Ref(made.wire, ref.batch - (place < ref.batch))


@reads("aten.slice")
def aten_slice(draw: Drawing, x: Any, dim: int = 0, start: Any = None, end: Any = None, step: Any = None) -> Ref:
    """One axis sliced, as exported programs write it."""
    if isinstance(end, int) and end >= END:
        end = None
    return sliced(draw, draw.tensor(x), dim, slice(start, end, step))


@reads("narrow")
def narrow(draw: Drawing, x: Any, dim: int, start: Any, length: Any) -> Ref | Cropped:
    """``x.narrow(1, 0, 8)``; to another tensor's size axis by axis, a crop."""
    other = size_of(draw, draw.node.args[3] if len(draw.node.args) > 3 else None, dim)
    if other is not None and isinstance(x, (Ref, Cropped)):
        ref, cuts = x if isinstance(x, Cropped) else (x, ())
        return Cropped(ref, (*cuts, Cut(dim, number(start), number(length), other)))
    return sliced(draw, draw.tensor(x), dim, slice(start, start + length))


def size_of(draw: Drawing, node: Any, dim: int) -> Ref | None:
    """The tensor whose size along this axis a traced number is, ``other.shape[2]``."""
    if not hasattr(node, "users") or node.target is not operator.getitem or node.args[1] != dim:
        return None
    shape = node.args[0]
    if function_name(shape.target) != "getattr" or shape.args[1] != "shape":
        return None
    other = draw.values.get(shape.args[0])
    return other if isinstance(other, Ref) and not other.batch else None


@reads("chunk")
def chunk(draw: Drawing, x: Any, chunks: int, dim: int = 0) -> tuple[Ref, ...]:
    """``x.chunk(2, dim=1)``."""
    ref = draw.tensor(x)
    axis = draw.axis(ref, dim)
    made = draw.layer("chunk", [Ref(ref.wire)], parts=plain(chunks), axis=channel(draw, ref, axis))
    return pieces(draw, made, ref)


@reads("split", "split_with_sizes", "tensor_split")
def split(draw: Drawing, x: Any, sizes: Any, dim: int = 0) -> tuple[Ref, ...]:
    """``x.split([64, 64], dim=1)``."""
    ref = draw.tensor(x)
    axis = draw.axis(ref, dim)
    given = tuple(map(number, sizes)) if isinstance(sizes, (tuple, list)) else (number(sizes),)
    made = draw.layer("split", [Ref(ref.wire)], sizes=given, axis=channel(draw, ref, axis))
    return pieces(draw, made, ref)


@reads("unbind")
def unbind(draw: Drawing, x: Any, dim: int = 0) -> tuple[Ref, ...]:
    """``x.unbind(1)``: every index of an axis, which goes."""
    ref = draw.tensor(x)
    axis = draw.axis(ref, dim)
    count = plain(draw.sizes(ref)[axis - 1])
    made = draw.layer("split", [Ref(ref.wire)], sizes=(1,) * count, axis=channel(draw, ref, axis))
    parts = pieces(draw, made, ref) if count > 1 else (made,)
    return tuple(squeeze(draw, part, dim) for part in parts)


def channel(draw: Drawing, ref: Ref, axis: int) -> Any:
    """The axis of a layer whose default is C."""
    return None if axis == 1 and draw.shape(ref.wire).axes[:1] == ("C",) else axis


def pieces(draw: Drawing, made: Ref, ref: Ref) -> tuple[Ref, ...]:
    """The results of a layer that cuts a tensor."""
    count = 0
    while draw.sketch.tensor(Wire(made.wire.node, count)) is not None:
        count += 1
    if not count:
        raise Unknown("how many pieces it makes depends on the input")
    return draw.several(Ref(made.wire, ref.batch), count)


@reads("mean", "sum", "amax", "amin", "prod", "logsumexp", "var", "std", "argmax", "argmin")
def reduce(draw: Drawing, x: Any, dim: Any = None, keepdim: bool = False, *_: Any, **more: Any) -> Ref:
    """``x.mean((2, 3))``: all spatial axes are a global pool."""
    ref = draw.first(draw.tensor(x))
    name = draw.function.removeprefix("aten.")
    how = {"amax": "max", "amin": "min"}.get(name, name)
    keepdim = bool(more.get("keepdim", keepdim))
    if dim is None:
        raise Unknown("it takes the batch away, too")
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    axes = sorted(draw.axis(ref, d) for d in dims)
    spatial = list(range(2, draw.rank(ref)))
    if how in ("mean", "max") and axes == spatial and spatial and draw.shape(ref.wire).axes[0] == "C":
        return draw.layer(
            f"global_{'avg' if how == 'mean' else 'max'}_pool", [ref], keepdims=None if keepdim else False
        )
    return draw.layer("reduce", [ref], how=how, axes=tuple(axes), keepdims=keepdim)


@reads("norm")
def norm(draw: Drawing, x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, *_: Any, **__: Any) -> Ref:
    """``x.norm(dim=1)``."""
    ref = draw.first(draw.tensor(x))
    if dim is None or p not in (1, 2):
        raise Unknown("a norm over the batch, or of another kind than 1 and 2")
    axes = tuple(draw.axis(ref, d) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    return draw.layer("reduce", [ref], how=f"l{p}", axes=axes, keepdims=keepdim)
