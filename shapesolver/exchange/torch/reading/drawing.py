"""What the readers share: layers drawn from tensors of the model, axes counted as PyTorch counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shapesolver.arithmetic import Dim, Formula, substitute
from shapesolver.exchange.sketch import Sketch
from shapesolver.exchange.torch.reading.values import Batch, Cropped, Held, Outside, Padded, Ref, Unknown
from shapesolver.layers.base import Tensor
from shapesolver.model.graph import Wire


class Drawing:
    """A sketch of the model, and where in the model the layers come from."""

    def __init__(self, sketch: Sketch, modules: Mapping[str, Any], batch: int, usual: Mapping[str, int]) -> None:
        self.sketch = sketch
        self._usual = usual
        self.modules = modules
        """The model's modules by name."""
        self.name = ""
        """The original name of what is being read; empty for a plain function."""
        self.node: Any = None
        """The node of the trace that is being read."""
        self.function = ""
        """What the function that is being read is called."""
        self.batch = batch
        """How many examples the observed tensors hold."""
        self.values: Mapping[Any, Any] = {}
        """What the nodes before it came to."""
        self._cropped: dict[Cropped, Ref] = {}
        self._held: dict[str, Wire] = {}
        self._weighted: dict[tuple[Any, ...], Wire] = {}
        self._first: dict[Any, Wire] = {}
        """The layers by their first weight."""

    # Tensors.

    def tensor(self, value: Any) -> Ref:
        """A value as a tensor of the network; parameters and buffers become layers of their own."""
        if isinstance(value, Ref):
            return value
        if isinstance(value, Held):
            return Ref(self.held(value))
        if isinstance(value, Outside):
            raise Unknown(value.why)
        if isinstance(value, Cropped):
            return self._crop(value)
        if isinstance(value, Padded):
            made = self.sketch.layer("pad", [value.ref.wire], amount=value.pairs)
            return Ref(made, value.ref.batch)
        raise Unknown(f"a tensor is needed, and this is {value!r:.40}")

    def held(self, value: Held, rank: int | None = None) -> Wire:
        """A parameter or buffer as a layer, a leading 1 taken for the batch where it has as many axes as that.

        ``rank`` counts the batch; by default a leading 1 is the batch's.
        """
        sizes = value.shape
        if sizes[:1] == (1,) and (rank is None or len(sizes) == rank):
            sizes = sizes[1:]
        elif rank is not None and len(sizes) >= rank:
            raise Unknown(f"{value.name} has {len(sizes)} axes, the batch's among them")
        if not sizes:
            raise Unknown("a single number is no layer")
        if value.name not in self._held:
            op = "parameter" if value.learned else "constant"
            self._held[value.name] = self.sketch.layer(op, name=value.name, sizes=sizes)
        return self._held[value.name]

    def sizes(self, ref: Ref) -> tuple[Dim, ...]:
        """A tensor's sizes without the batch."""
        return self.shape(ref.wire).sizes

    def shape(self, wire: Wire) -> Tensor:
        """A result's sizes; :class:`Unknown` where its layer cannot be built."""
        tensor = self.sketch.tensor(wire)
        if tensor is None:
            raise Unknown("a layer before it cannot be built")
        return tensor

    def rank(self, ref: Ref) -> int:
        """A tensor's axes, the batch's among them."""
        return len(self.sizes(ref)) + 1

    def at_usual(self, size: Dim) -> Any:
        """A size at the input sizes that were traced."""
        return substitute(size, self._usual) if isinstance(size, Formula) else size

    def full(self, value: Any) -> tuple[Any, ...]:
        """A tensor's sizes as PyTorch has them, the batch's in its place."""
        if isinstance(value, Held):
            return value.shape
        ref = value.ref if isinstance(value, Cropped) else self.tensor(value)
        sizes = list[Any](self.sizes(ref))
        sizes.insert(ref.batch, Batch())
        for cut in value.cuts if isinstance(value, Cropped) else ():
            sizes[cut.place] = cut.length
        return tuple(sizes)

    def _crop(self, value: Cropped) -> Ref:
        """The crop that some cuts come to: every spatial axis to the sizes of one tensor."""
        if value in self._cropped:
            return self._cropped[value]
        ref, cuts = value
        others = {cut.of for cut in cuts}
        if len(others) > 1 or [cut.place for cut in cuts] != list(range(2, self.rank(ref))) or ref.batch:
            raise Unknown("it cuts axes to the sizes of another tensor, and not every spatial axis of one")
        middle = all(cut.start == (n - cut.length) // 2 for cut, n in zip(cuts, self.sizes(ref)[1:], strict=True))
        offset = None if middle else common([cut.start for cut in cuts])
        made = self._cropped[value] = self.layer("crop", [ref, *others], offset=offset)
        return made

    def axis(self, ref: Ref, dim: Any, extra: int = 0) -> int:
        """PyTorch's number of an axis as ours, which counts the batch as 0; the batch itself is refused."""
        if not isinstance(dim, int):
            raise Unknown(f"an axis' number is needed, and this is {dim!r}")
        place = dim + self.rank(ref) + extra if dim < 0 else dim
        if place == ref.batch and not extra:
            raise Unknown("it works along the batch axis")
        return place + 1 if place < ref.batch else place

    def first(self, ref: Ref) -> Ref:
        """A tensor whose batch axis comes first, as most operations need it."""
        if ref.batch:
            raise Unknown(f"its batch is axis {ref.batch}")
        return ref

    def window_input(self, value: Any, padding: Any) -> tuple[Ref, Any]:
        """What a window slides over, and its padding: that of an ``F.pad`` before it where it has none itself."""
        if isinstance(value, Padded) and padding in (0, "valid"):
            return self.first(value.ref), value.pairs
        return self.first(self.tensor(value)), padding

    def makes_several(self) -> bool:
        """Whether the model takes the results of what is being read apart."""
        import operator

        return any(user.target is operator.getitem and user.args[0] is self.node for user in self.node.users)

    # Layers.

    def layer(self, op: str, inputs: Sequence[Ref], **parameters: Any) -> Ref:
        """A layer of tensors whose batch axis is the same."""
        batches = {ref.batch for ref in inputs}
        if len(batches) > 1:
            raise Unknown("its inputs have their batches along different axes")
        name, self.name = self.name, ""
        wire = self.sketch.layer(op, [ref.wire for ref in inputs], name=name, **parameters)
        return Ref(wire, *batches)

    def weighted(self, key: tuple[str, ...], op: str, inputs: Sequence[Ref], **parameters: Any) -> Ref:
        """A layer with weights; those of the same ``key`` are the same layer, used once more.

        ``key`` is a module's name, or those of the arrays that a function is given, which may do another thing with
        them elsewhere: a layer that has its first array alone in common with an earlier one is tied to it.
        """
        whole = key if key[0] in self.modules else (op, *key, *parameters.items())
        if whole in self._weighted:
            name, self.name = self.name, ""
            wire = self.sketch.reuse(
                self._weighted[whole], [ref.wire for ref in inputs], name=name if len(key) < 2 else ""
            )
            return Ref(wire, *{ref.batch for ref in inputs})
        made = self.layer(op, inputs, **parameters)
        self._weighted[whole] = made.wire
        self._tie(made.wire, key[0])
        return made

    def _tie(self, wire: Wire, name: str) -> None:
        first = self._array(name)
        owner = wire if first is None else self._first.setdefault(first, wire)
        if owner != wire:
            self.sketch.tie(wire, owner)

    def _array(self, name: str) -> Any:
        """What tells a module's weight, or an array by its own name, from any other; ``None`` where there is none."""
        if not self.modules:
            return name
        module, last = (name, "weight") if name in self.modules else name.rpartition(".")[::2]
        array = getattr(self.modules.get(module), last, None)
        return None if array is None else id(array)

    def checked(self, size: Dim, expected: int) -> int | None:
        """A size that a module expects: worth stating where the input sizes decide it."""
        return expected if isinstance(size, Formula) else None

    def several(self, ref: Ref, count: int) -> tuple[Ref, ...]:
        """The results of a layer that makes several."""
        return tuple(Ref(Wire(ref.wire.node, k), ref.batch) for k in range(count))


def common(value: Any, rank: int = 0) -> Any:
    """A number for each axis as one number, where all are equal."""
    if isinstance(value, (tuple, list)):
        return value[0] if len(set(value)) == 1 else tuple(value)
    return value


def number(value: Any) -> Dim:
    """A size or a plain whole number."""
    if isinstance(value, bool) or not isinstance(value, (int, Formula)):
        raise Unknown(f"a whole number is needed, and this is {value!r:.40}")
    return value


def plain(value: Any) -> int:
    """A whole number that no input size decides."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unknown(f"a fixed number is needed, and this is {value!s:.40}")
    return value
