"""Costs against independent counters: PyTorch's FlopCounterMode, fvcore, thop, Keras' models, and autograd's hooks."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import pytest

from shapesolver import load
from shapesolver.layers.base import Tensor
from shapesolver.layers.work import Work
from tests.conformance.cases import Case, Draw, make

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]

from tests.conformance import keras_network, torch_network  # noqa: E402 - after what they need is known to be there
from tests.conformance.test_torch_layers import DRAWS, TORCH  # noqa: E402

nn = torch.nn
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NETS = {path.stem: load(path).usual() for path in sorted(EXAMPLES.glob("*.net"))}
TORCH_NETS = [name for name, net in NETS.items() if net.dialect.torch]
KERAS_NETS = [name for name, net in NETS.items() if net.dialect.keras]

CASES_A_LAYER = 60
MAX_COUNTED = 2_000_000_000
"""Above so many multiply-accumulates a Keras model is counted at a smaller input."""


def cases(draw_case: Any) -> Iterator[tuple[Case, Any, Tensor]]:
    """Random layers that can be built, their modules, and our input."""
    draw = Draw(seed=20261125)
    for _ in range(CASES_A_LAYER):
        case, build = draw_case(draw)
        if case.expected is not None:
            yield case, build(), Tensor(case.sizes, case.layer.dialect.axes(len(case.sizes)))


def counted(run: Any) -> int:
    """The multiply-accumulates that PyTorch itself counts in a call, whatever kernels it would choose."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter, torch.no_grad():
        run()
    return counter.get_total_flops() // 2


# Layer by layer.


@pytest.mark.parametrize("draw_case", DRAWS, ids=lambda f: f.__name__)
def test_pytorch_counts_the_same_multiply_accumulates(draw_case: Any) -> None:
    seen = 0
    for case, module, tensor in cases(draw_case):
        # Attention in training mode, where it is not one fused kernel that nothing is counted of.
        module.train(case.layer.op == "attention")
        given = torch.zeros(1, *case.sizes)
        assert counted(partial(module, given)) == case.layer.work(tensor).macs, str(case)
        seen += 1
    assert seen > CASES_A_LAYER // 6


FVCORE_ELSEWHERE = {"lstm", "gru", "rnn"}
"""Recurrent layers are not counted by fvcore."""
FVCORE_PRODUCTS = {"conv", "linear", "matmul", "bmm", "addmm"}


@pytest.mark.parametrize(
    "draw_case", [d for d in DRAWS if d.__name__ not in FVCORE_ELSEWHERE], ids=lambda f: f.__name__
)
def test_fvcore_counts_the_same_multiply_accumulates(draw_case: Any) -> None:
    for case, module, tensor in cases(draw_case):
        if getattr(case.layer, "padding", 0) == "same":
            continue  # which is an operator that fvcore does not know
        operators = fvcore_operators(module.eval(), case.sizes)
        products = sum(count for name, count in operators.items() if name in FVCORE_PRODUCTS)
        assert products == case.layer.work(tensor).macs, str(case)


def fvcore_operators(module: Any, sizes: tuple[int, ...]) -> dict[str, int]:
    from fvcore.nn import FlopCountAnalysis

    logging.disable(logging.WARNING)
    analysis = FlopCountAnalysis(module, torch.zeros(1, *sizes)).unsupported_ops_warnings(False)
    return dict(analysis.uncalled_modules_warnings(False).by_operator())


def thop_total(module: Any, sizes: tuple[int, ...]) -> float:
    import thop

    total: float = thop.profile(module.eval(), (torch.zeros(1, *sizes),), verbose=False)[0]
    return total


@pytest.mark.parametrize("draw_case", [d for d in DRAWS if d.__name__ in ("conv", "dense")], ids=lambda f: f.__name__)
def test_thop_counts_the_same_multiply_accumulates(draw_case: Any) -> None:
    for case, module, tensor in cases(draw_case):
        assert thop_total(module, case.sizes) == case.layer.work(tensor).macs, str(case)


X = (4, 6, 6)
CELLS = prod(X)
DIFFERENCES = [
    # layer, module, its operations beside products here, by fvcore, by thop
    ("batch_norm", {}, lambda: nn.BatchNorm2d(4), 2 * CELLS, 2 * CELLS, 4 * CELLS),
    ("layer_norm", {}, lambda: nn.LayerNorm(6), 7 * CELLS, 5 * CELLS, 4 * CELLS),
    ("group_norm", {"groups": 2}, lambda: nn.GroupNorm(2, 4), 7 * CELLS, 5 * CELLS, 0),
    ("avg_pool", {"kernel": 2}, lambda: nn.AvgPool2d(2), CELLS, 0, CELLS // 4),
    ("max_pool", {"kernel": 2}, lambda: nn.MaxPool2d(2), CELLS * 3 // 4, 0, 0),
    ("adaptive_avg_pool", {"target": 2}, lambda: nn.AdaptiveAvgPool2d(2), CELLS, CELLS, 16 * 10),
    ("upsample", {"scale": 2}, lambda: nn.Upsample(scale_factor=2), 0, 4 * CELLS, 4 * CELLS),
    (
        "upsample",
        {"scale": 2, "mode": "bilinear"},
        lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
        7 * 4 * CELLS,
        4 * 4 * CELLS,
        11 * 4 * CELLS,
    ),
    ("relu", {}, lambda: nn.ReLU(), CELLS, 0, 0),
    ("softmax", {}, lambda: nn.Softmax(-1), 5 * CELLS, 0, 4 * CELLS * 17 / 24),
]


@pytest.mark.parametrize(("op", "parameters", "module", "here", "fvcore", "thop"), DIFFERENCES)
def test_where_counters_differ_they_differ_as_the_docs_say(
    op: str, parameters: dict[str, Any], module: Any, here: int, fvcore: int, thop: float
) -> None:
    case = make(op, TORCH, X, **parameters)
    assert case.layer.work(Tensor(X, TORCH.axes(3))) == Work(other=here)
    assert sum(fvcore_operators(module().eval(), X).values()) == fvcore
    assert thop_total(module(), X) == thop


def test_thop_counts_transposed_convolutions_by_their_output() -> None:
    case = make("conv_transpose", TORCH, X, channels=5, kernel=3, stride=2)
    assert case.layer.work(Tensor(X, TORCH.axes(3))).macs == CELLS * 5 * 9
    assert thop_total(nn.ConvTranspose2d(4, 5, 3, 2), X) == (13 * 13 * 5) * 4 * 9


# What training keeps.


def kept_bytes(module: Any, *given: Any) -> int:
    """The bytes that autograd holds on to after a forward pass, each memory once, weights and buffers left out."""
    own = {each.untyped_storage()._cdata for each in (*module.parameters(), *module.buffers())}
    held: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        memory = tensor.untyped_storage()
        if memory._cdata not in own:
            held[memory._cdata] = memory
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(*given)
    return sum(memory.nbytes() for memory in held.values())


def activation(op: str, module: Any) -> Any:
    def drawn(draw: Draw) -> tuple[Case, Any]:
        return make(op, TORCH, draw.image(TORCH, 2, draw.number(1, 4))), module

    drawn.__name__ = op
    return drawn


ACTIVATIONS = [
    activation(op, module)
    for op, module in {
        "relu": nn.ReLU, "relu6": nn.ReLU6, "selu": nn.SELU, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish,
        "sigmoid": nn.Sigmoid, "hard_sigmoid": nn.Hardsigmoid, "hard_swish": nn.Hardswish, "tanh": nn.Tanh,
        "hard_tanh": nn.Hardtanh, "softplus": nn.Softplus, "softsign": nn.Softsign, "log_sigmoid": nn.LogSigmoid,
        "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "celu": nn.CELU, "prelu": nn.PReLU, "dropout": nn.Dropout,
        "identity": nn.Identity, "softmax": lambda: nn.Softmax(-1), "log_softmax": lambda: nn.LogSoftmax(-1),
    }.items()
]  # fmt: skip

KEPT_BY_OTHER_RULES = {"lstm", "gru", "rnn", "reshape"}
"""Fused recurrent kernels keep a workspace of their own; here it is the gates and states. The module drawn for
reshape takes one example alone."""


@pytest.mark.parametrize(
    "draw_case",
    [d for d in [*DRAWS, *ACTIVATIONS] if d.__name__ not in KEPT_BY_OTHER_RULES],
    ids=lambda f: f.__name__,
)
def test_training_keeps_what_pytorch_keeps(draw_case: Any) -> None:
    batch = 2
    for case, module, tensor in cases(draw_case):
        if getattr(case.layer, "padding", 0) == "same":
            continue  # which PyTorch may pad beforehand, and keep padded
        saves = case.layer.saves(tensor)
        cells: Any = saves.cells + (tensor.cells if saves.inputs else 0)
        cells += sum(out.cells for out in case.outcome.outputs) if saves.outputs else 0
        here = 4 * (cells * batch + saves.fixed) + 8 * saves.indices * batch
        given = torch.randn(batch, *case.sizes, requires_grad=True) * 1
        assert kept_bytes(module.train(), given) == here, str(case)


# Whole networks.


@pytest.mark.parametrize("name", TORCH_NETS)
def test_examples_cost_what_pytorch_measures(name: str) -> None:
    """Shapes, parameters, multiply-accumulates and what autograd keeps, on PyTorch's own modules."""
    net, batch = NETS[name], 2
    with torch.device("meta"):
        module = torch_network.TorchNetwork(net).train()
        inputs = torch_network.example_inputs(net, batch)
        shapes = tuple(tuple(out.shape[1:]) for out in module(*inputs))
        macs = counted(partial(module, *inputs))
        kept = kept_bytes(module, *inputs)
    cost = net.cost(batch=batch)
    assert shapes == net.output_shapes
    assert sum(parameter.numel() for parameter in module.parameters()) == cost.params
    assert (macs, kept) == (cost.macs, cost.saved_bytes)


@contextmanager
def keras_inputs(net: Any) -> Iterator[Any]:
    given = [keras.ops.zeros((1, *layer.shape)) for layer in net.inputs]
    yield given if len(given) > 1 else given[0]


@pytest.mark.parametrize("name", KERAS_NETS)
def test_examples_cost_what_keras_measures(name: str) -> None:
    """Shapes and weights of Keras' own layers, and the multiply-accumulates that PyTorch counts beneath them."""
    net = NETS[name]
    model = keras_network.build(net)
    assert tuple(tuple(out.shape[1:]) for out in model.outputs) == net.output_shapes
    assert model.count_params() == net.params
    assert sum(prod(w.shape) for w in model.trainable_weights) == net.trainable_params
    shapes = [shape for layer in net if layer.node.shared is None for shape in layer.weights.values()]
    assert sorted(tuple(w.shape) for w in model.weights if "seed" not in w.path) == sorted(shapes)
    if net.macs > MAX_COUNTED:
        net = load(EXAMPLES / f"{name}.net").at(H=96, W=96)
        model = keras_network.build(net)
    with keras_inputs(net) as given:
        assert counted(partial(model, given, training=False)) == net.macs


APPLICATIONS = {
    "vgg16": "VGG16",
    "resnet50_keras": "ResNet50",
    "resnet101": "ResNet101",
    "mobilenet_v1": "MobileNet",
    "inception_v3": "InceptionV3",
}
"""The examples that are models of keras.applications. VGG16's dialect is torch; its counts are the same."""


@pytest.mark.parametrize("name", APPLICATIONS)
def test_parameters_are_those_of_keras_applications(name: str) -> None:
    model = getattr(keras.applications, APPLICATIONS[name])(weights=None)
    net = NETS[name]
    assert model.count_params() == net.params
    assert sum(prod(w.shape) for w in model.non_trainable_weights) == net.params - net.trainable_params
    if net.dialect.keras:
        ours = [shape for layer in net for shape in layer.weights.values()]
        assert sorted(tuple(w.shape) for w in model.weights) == sorted(ours)
