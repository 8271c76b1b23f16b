"""The Python door: ``net = load("mnist.net"); net["conv2"].shape; net.ask("what input size gives 2x2")``."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapesolver.diagnostics import Diagnostic, NetError
from shapesolver.language import read
from shapesolver.model.graph import Wire
from shapesolver.network import Network
from shapesolver.placed import PlacedLayer, ShapeError, Size, public

if TYPE_CHECKING:
    import keras
    import numpy
    import onnx
    from torch import nn

    from shapesolver.exchange.sketch import Imported
    from shapesolver.measure.alignment import Alignment
    from shapesolver.measure.cost import NetworkCost
    from shapesolver.measure.field import ReceptiveField, UnitField
    from shapesolver.measure.lost import Lost
    from shapesolver.rewrite.convolutional import Conversion
    from shapesolver.solve.agreement import Comparison
    from shapesolver.solve.answers import Answer

__all__ = ["Net", "NetLayer", "ShapeError", "examine", "from_keras", "from_onnx", "from_torch", "load", "parse"]


def load(path: str | Path, inputs: Sequence[str] = ()) -> Net:
    """Read a ``.net`` file, or a model of another framework: ``model.keras``, ``model.onnx``, ``module:factory``.

    ``inputs`` are the inputs' sizes for a model that does not state them: ``["3, H=224, W=224"]``. What such a model
    holds that is not known here is warned of (:class:`ExchangeWarning`).

    Raises :class:`NetError` with every finding where it cannot be read as a network, and another
    :class:`ShapeSolverError` where a model cannot be. A network some of whose layers cannot be built at its sizes
    loads; see :meth:`Net.check`.
    """
    from shapesolver import exchange

    if not exchange.is_foreign(path):
        if inputs:
            raise exchange.ExchangeError(f"{path} states the sizes of its inputs itself")
        return parse(read(Path(path)), str(path))
    return imported(exchange.load(path, inputs), str(path))


def imported(model: Imported, filename: str) -> Net:
    """The network of an imported model, its warnings as Python's."""
    from shapesolver.exchange.errors import ExchangeWarning

    for warning in model.warnings:
        warnings.warn(warning, ExchangeWarning, stacklevel=3)
    return parse(model.text, filename)


def from_keras(model: Any) -> Net:
    """The network of a Keras model object."""
    from shapesolver.exchange import load as load_model

    return imported(load_model(model), model.name)


def from_onnx(model: onnx.ModelProto) -> Net:
    """The network of an ONNX model in memory; :func:`load` reads a file."""
    from shapesolver.exchange import load as load_model

    return imported(load_model(model), model.graph.name or "model")


def from_torch(module: nn.Module, *inputs: Any) -> Net:
    """The network of a PyTorch module, traced on inputs of these sizes, batch left out.

    ``from_torch(resnet50(), (3, 224, 224))``; an example tensor does, too. Spatial sizes become symbols, or those
    that are named: ``(3, ("H", 224), 224)``.
    """
    from shapesolver.exchange.torch.source import from_torch as read_module

    return imported(read_module(module, *inputs), type(module).__name__)


def parse(text: str, filename: str = "<text>") -> Net:
    """The network that a text describes; raises :class:`NetError` as :func:`load` does."""
    net, diagnostics = examine(text, filename)
    if net is None:
        raise NetError(diagnostics, filename)
    return net


def examine(text: str, filename: str = "<text>") -> tuple[Net | None, tuple[Diagnostic, ...]]:
    """The network, or ``None`` and every finding in the text."""
    return Net.examine(text, filename)


class NetLayer(PlacedLayer):
    """A layer in its network, and what its units see: ``net["conv2"]``."""

    __slots__ = ("net",)

    def __init__(self, net: Network, path: str, wire: Wire) -> None:
        super().__init__(net.derivation, path, wire)
        self.net = net

    @property
    def receptive_field(self) -> ReceptiveField:
        """What its units see of the inputs, by axis: ``net["conv2"].receptive_field["H"].size``."""
        from shapesolver.measure.field import receptive_field

        _ = self.tensor
        return receptive_field(self.net, self.wire, self.path)

    def field(self, unit: int | Sequence[int]) -> UnitField | Mapping[str, UnitField]:
        """Where one unit's field lies: ``net["conv2"].field(unit=(3, 5))["H"].first``.

        By the input's path where the network has several inputs. The unit is its place along the axes without the
        channels, from 0 on; see :func:`shapesolver.measure.field.unit_field`.
        """
        from shapesolver.measure.field import unit_field

        found = unit_field(self.net, self.wire, self.path, unit)
        return next(iter(found.values())) if len(found) == 1 else found


class Net(Network):
    """A network, and everything that can be asked of it.

    It is immutable. Sizes are ``int`` where they are numbers and sympy expressions where they are not; the batch
    axis is left out, and shapes are in the file's layout.
    """

    if TYPE_CHECKING:
        # Its layers are of the richer kind.
        layers: tuple[NetLayer, ...]

        def __getitem__(self, path: str) -> NetLayer: ...

        def __iter__(self) -> Iterator[NetLayer]: ...

    def _placed(self, path: str, wire: Wire) -> NetLayer:
        return NetLayer(self, path, wire)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._text, self._filename, self._values)

    def _repr_html_(self) -> str:
        from shapesolver.render.html import summary_html

        return summary_html(self)

    def check(self, *, select: Collection[str] = (), ignore: Collection[str] = ()) -> tuple[Diagnostic, ...]:
        """What is wrong at these sizes: cannot be built, loses cells, would differ elsewhere, is not as expected.

        ``select`` and ``ignore`` name rules: codes, beginnings of codes (``SS2``), names, or ``all``. Raises
        :class:`ShapeSolverError` for a rule that there is not.
        """
        from shapesolver.verify import verify

        return verify(self, select=select, ignore=ignore)

    def lost(self, **sizes: int) -> dict[str, Lost]:
        """The input cells that no output depends on, by input: ``net.lost(H=28, W=28)["image"]["H"]``.

        Sizes left out take their usual value. Every input has its entry, false where nothing is lost. Raises
        ``ValueError`` as :meth:`at` does, and :class:`ShapeSolverError` where the network cannot be built or an
        axis has more than about a million cells.
        """
        from shapesolver.measure.lost import lost

        return {found.path: found for found in lost(self.at(**sizes).usual().derivation)}

    def to_keras(self) -> keras.Model:
        """The network as a Keras model, with the weights that Keras gives new layers.

        Free sizes stay free where no weight depends on them. Raises :class:`ShapeSolverError` naming the layer that
        Keras cannot express.
        """
        from shapesolver.exchange.keras.building import to_keras

        return to_keras(self)

    def to_torch(self) -> nn.Module:
        """The network as a PyTorch module, untrained: ``nn.Sequential`` where it is one.

        Sizes that constructors need are those at the usual input sizes. Raises :class:`ShapeSolverError` naming the
        layer that PyTorch cannot express, or where it is not installed (``pip install shapesolver[torch]``).
        """
        from shapesolver.exchange.torch.module import to_torch

        return to_torch(self)

    # Questions.

    def ask(self, question: str) -> Answer:
        """The answer to a question in words: ``net.ask("what input size gives 2x2")``.

        Raises :class:`ShapeSolverError` for a question that cannot be read or is about nothing in the network.
        """
        from shapesolver.solve import ask

        return ask(self, question)

    def solve(self, target: str, *unknowns: str, at: str | None = None, where: str = "") -> Answer:
        """Every value of the unknowns for which the target holds: ``net.solve("conv2.H == 2", "H")``.

        Unknowns are input sizes (``"H"``) and parameters (``"conv2.padding"``); all input sizes when none is
        named. A target is a condition, or sizes for the spatial axes of the layer ``at``: ``"(2, 2)"``.
        """
        from shapesolver.solve import solve

        return solve(self, target, unknowns, at, where)

    def align(self, layer: str, other: str) -> Alignment:
        """Where the units of one layer lie among another's: ``net.align("score_pool4", "upscore2")["H"].offset``.

        See :func:`shapesolver.measure.alignment.align`.
        """
        from shapesolver.measure.alignment import align

        return align(self, layer, other)

    def fully_convolutional(self) -> Conversion:
        """The network with its dense layers as convolutions, and how their weights are mapped.

        ``parse(net.fully_convolutional().text)`` is the network. Raises :class:`ShapeSolverError` where it cannot be;
        see :mod:`shapesolver.rewrite.convolutional`.
        """
        from shapesolver.rewrite.convolutional import fully_convolutional

        return fully_convolutional(self)

    def valid(self) -> Answer:
        """The input sizes that the whole network can be built with."""
        return self.ask("which input sizes are valid")

    def cost(self, dtype: str = "float32", batch: int | None = 1) -> NetworkCost[Size]:
        """What the network costs: ``net.cost().macs``, ``net.cost(batch=8)["conv1"].activation_bytes``.

        Memory is in bytes of ``dtype``; ``batch`` examples, or N of them for ``None``. Raises :class:`ShapeError`
        where a layer cannot be built.
        """
        from shapesolver.measure.cost import NetworkCost

        return NetworkCost(self, dtype, batch, public)

    def in_dialect(self, dialect: str) -> Network:
        """The same layers in ``keras``, ``torch`` or ``onnx``: that framework's layout, rules and weights."""
        from shapesolver.rewrite.dialects import in_dialect

        return in_dialect(self, dialect)

    def compare(self, other: Network) -> Comparison:
        """This network beside another, layer by layer, and for which input sizes the two agree."""
        from shapesolver.solve.agreement import compare_networks

        return compare_networks(self, other)

    def input_shapes(self, batch: int = 1, **sizes: int) -> dict[str, tuple[int, ...]]:
        """The shape of every input by name, batch first and in the file's layout: ``{"image": (1, 28, 28, 1)}``.

        Sizes left out take their usual or stated value. Raises ``ValueError`` for an unknown size, or one without
        a value.
        """
        shown = self.at(**sizes).usual()
        if shown.symbols:
            raise ValueError(f"no size is given for {', '.join(shown.symbols)}")
        return {layer.path: (batch, *layer.shape) for layer in shown.inputs}

    def sizes(self, **arrays: Any) -> Mapping[str, tuple[numpy.ndarray, ...]]:
        """Every layer's shape for many input sizes at once: ``net.sizes(H=numpy.arange(1, 10**6))``.

        The arrays broadcast against each other; sizes left out take their usual or stated value. A result is 0
        where the network cannot be built up to that layer. Needs numpy (``pip install shapesolver[numpy]``).
        """
        from shapesolver.sweep import sweep

        return sweep(self, arrays)

    def to_onnx(self, weights: str = "random", seed: int = 0) -> onnx.ModelProto:
        """The network as an ONNX model, its free sizes by their names, its weights ``random`` or ``zeros``.

        Channels lie in inputs and outputs as in the file. Needs onnx (``pip install shapesolver[onnx]``). Raises
        :class:`ShapeSolverError` that names the layer for what ONNX cannot express.
        """
        from shapesolver.exchange.onnx.writing import to_onnx

        return to_onnx(self, weights, seed)


def _restore(text: str, filename: str, values: dict[str, int]) -> Net:
    return parse(text, filename).at(**values)
