"""PyTorch's own exports to ONNX: read, compared layer by layer with the modules, written again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import shapesolver
from shapesolver.net import Net

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from shapesolver.exchange import ExchangeError  # noqa: E402
from shapesolver.exchange.onnx.reading import read_model  # noqa: E402
from shapesolver.exchange.onnx.writing import to_onnx  # noqa: E402
from tests.conformance.onnx_running import run, session  # noqa: E402
from tests.conformance.torch_running import (  # noqa: E402
    one_thread,  # noqa: F401
    positive,
    runs,
    unfilled,
    unread,
)

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]
nn, F = torch.nn, torch.nn.functional


class Residual(nn.Module):
    def __init__(self, c: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.down = nn.Sequential(nn.Conv2d(c, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.down(x))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.stages = nn.Sequential(Residual(8, 8, 1), Residual(8, 16, 2), Residual(16, 32, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Any) -> Any:
        return self.fc(torch.flatten(self.pool(self.stages(self.stem(x))), 1))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down1 = nn.Conv2d(3, 8, 3, padding=1)
        self.down2 = nn.Conv2d(8, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.out = nn.Conv2d(16, 2, 1)

    def forward(self, x: Any) -> Any:
        a = F.leaky_relu(self.down1(x), 0.2)
        b = F.silu(self.down2(F.max_pool2d(a, 2)))
        return self.out(torch.cat([self.up(b), a], 1))


class Mobile(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Conv2d(3, 24, 1, bias=False)
        self.deep = nn.Conv2d(24, 24, 3, 2, 1, groups=24, bias=False)
        self.squeeze = nn.Conv2d(24, 6, 1)
        self.excite = nn.Conv2d(6, 24, 1)
        self.narrow = nn.Conv2d(24, 8, 1)

    def forward(self, x: Any) -> Any:
        y = F.hardswish(self.deep(F.relu6(self.wide(x))))
        gate = self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1))))
        return self.narrow(y * F.hardsigmoid(gate)).mean((2, 3))


class Words(nn.Module):
    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 8)
        self.rnn = kind(8, 6, 2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(12, 3)

    def forward(self, x: Any) -> Any:
        return self.fc(self.rnn(self.embed(x))[0][:, -1])


class LastState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(5, 7, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.rnn(x)[1].squeeze(0)


class SelfAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(16, 16) for _ in range(4))
        self.norm, self.mlp = nn.LayerNorm(16), nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, x: Any) -> Any:
        n, length, e = x.shape
        q, k, v = (layer(x).view(n, length, 4, 4).transpose(1, 2) for layer in (self.q, self.k, self.v))
        y = ((q @ k.transpose(-1, -2)) * 0.5).softmax(-1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(n, length, e))
        return x + self.mlp(self.norm(x))


class Vision(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 16))
        self.places = nn.Parameter(torch.zeros(1, 17, 16))
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 4)

    def forward(self, x: Any) -> Any:
        y = self.patches(x).flatten(2).transpose(1, 2)
        y = torch.cat([self.token.expand(y.shape[0], -1, -1), y], 1) + self.places
        z = self.norm(y)
        return self.head((y + self.attend(z, z, z)[0])[:, 0])


class Dense(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4 + 3 * i, 3, 3, padding=1) for i in range(4))
        self.shrink = nn.Conv2d(16, 8, 1)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = torch.cat([x, F.relu(layer(x))], 1)
        return F.avg_pool2d(self.shrink(x), 2)


class SuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 5, padding=2), nn.Conv2d(8, 9, 3, padding=1)

    def forward(self, x: Any) -> Any:
        return F.pixel_shuffle(self.conv2(torch.tanh(self.conv1(x))), 3)


class Pyramid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1)

    def forward(self, x: Any) -> Any:
        a = self.one(x)
        b = self.two(a)
        return a + F.interpolate(b, size=a.shape[2:]), F.interpolate(b, scale_factor=2, mode="bilinear")


class Norms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.group, self.instance = nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True)
        self.prelu = nn.PReLU(8)

    def forward(self, x: Any) -> Any:
        y = F.mish(self.prelu(self.instance(self.group(self.conv(x)))))
        a, b = y.chunk(2, 1)
        return F.pad(a * torch.sigmoid(b), (1, 2, 0, 1), mode="reflect"), torch.sqrt(y.abs() + 1).amax(1)


class Ceiling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, dilation=2)

    def forward(self, x: Any) -> Any:
        y = F.max_pool2d(self.conv(x), 3, 2, 1, ceil_mode=True)
        return y[:, :, 1:-1, 1:-1], y.permute(0, 2, 3, 1)[..., 1:3], y.unsqueeze(1).expand(-1, 3, -1, -1, -1)


IMAGE = {0: "batch", 2: "H", 3: "W"}
MODELS: dict[str, tuple[Any, tuple[int, ...], dict[int, str], list[int]]] = {
    "resnet": (ResNet, (1, 3, 64, 64), IMAGE, [32, 33, 47, 64]),
    "unet": (UNet, (1, 3, 32, 32), IMAGE, [2, 32, 46]),
    "mobile": (Mobile, (1, 3, 32, 32), IMAGE, [1, 7, 32]),
    "lstm": (lambda: Words(nn.LSTM), (1, 9), {0: "batch", 1: "L"}, [1, 9, 20]),
    "gru": (lambda: Words(nn.GRU), (1, 9), {0: "batch", 1: "L"}, [1, 9, 20]),
    "last_state": (LastState, (1, 9, 5), {0: "batch", 1: "L"}, [1, 9]),
    "attention": (SelfAttention, (1, 9, 16), {0: "batch", 1: "L"}, [1, 9, 30]),
    "vision": (Vision, (1, 3, 16, 16), {0: "batch"}, [16]),
    "dense": (Dense, (1, 4, 16, 16), IMAGE, [2, 9, 16]),
    "super_resolution": (SuperResolution, (1, 1, 8, 8), IMAGE, [1, 8, 13]),
    "pyramid": (Pyramid, (1, 3, 32, 32), IMAGE, [1, 4, 32, 45]),
    "norms": (Norms, (1, 3, 12, 12), IMAGE, [5, 12, 19]),
    "ceiling": (Ceiling, (1, 2, 16, 16), IMAGE, [9, 10, 11, 12, 16]),
}


def exported(module: Any, shape: tuple[int, ...], free: dict[int, str], opset: int = 17) -> Any:
    """PyTorch's export of a module."""
    example = torch.zeros(shape, dtype=torch.long) if len(shape) == 2 else torch.zeros(shape)
    stream = io.BytesIO()
    torch.onnx.export(
        module,
        (example,),
        stream,
        dynamo=False,
        opset_version=opset,
        input_names=["x"],
        dynamic_axes={"x": free},
        training=torch.onnx.TrainingMode.PRESERVE,  # otherwise batch norms are folded into convolutions
    )
    return onnx.load_from_string(stream.getvalue())


CASES = [(name, opset) for name in MODELS for opset in (11, 13, 17, 20) if (name, opset) != ("vision", 11)]
"""PyTorch cannot export its own attention below opset 13."""


@pytest.mark.parametrize(("name", "opset"), CASES)
def test_pytorchs_exports_are_read_and_written(name: str, opset: int) -> None:
    """Sizes as PyTorch makes them, as many parameters as it counts; written again, the same in onnxruntime."""
    make, shape, free, sizes = MODELS[name]
    module = make().eval()
    imported = read_model(exported(module, shape, free, opset))
    assert not imported.warnings
    net = Net(imported.text, "net.net", imported.graph)
    assert net.params == counted(module)
    again = session(to_onnx(shapesolver.parse(imported.text), "zeros")) if opset > 17 else None
    for size in sizes:
        here = net.at(**dict.fromkeys(net.symbols, size))
        given = tuple(size if axis in free and axis > 0 else n for axis, n in enumerate(shape))
        x = torch.zeros(given, dtype=torch.long) if len(shape) == 2 else torch.zeros(given)
        made = module(x)
        wanted = [tuple(y.shape[1:]) for y in (made if isinstance(made, tuple) else (made,))]
        assert [*here.output_shapes] == wanted, (size, imported.text)
        if again is not None:
            found = run(again, [given])
            assert found is not None and [shape[1:] for shape in found.values()] == wanted


def counted(module: Any) -> int:
    """Parameters, with the running statistics that ONNX stores beside them; its recurrent layers' biases as stored."""
    statistics = sum(b.numel() for name, b in module.named_buffers() if "running" in name)
    return sum(p.numel() for p in module.parameters()) + statistics


# What ONNX has no operator for.


@pytest.mark.parametrize("how", ["avg", "max"])
@pytest.mark.parametrize(
    ("sizes", "target", "opset"),
    [("L", "5", 22), ("H, W", "(6, 4)", 18), ("H, W", "(3, none)", 22), ("D, H, W", "(2, 3, 4)", 20)],
)
def test_adaptive_pools_have_pytorchs_values(how: str, sizes: str, target: str, opset: int) -> None:
    """The function that stands for one in an exported model makes the same numbers, and is that pool when read."""
    layer = f"adaptive_{how}_pool({target})"
    model = to_onnx(shapesolver.parse(f"dialect onnx opset={opset}\nx = input(3, {sizes})\npool = {layer}\n"))
    onnx.checker.check_model(model, full_check=True)
    assert read_model(model).text.splitlines()[-1] == f"pool = {layer}"
    made, rank = session(model), len(sizes.split(","))
    pool = getattr(F, f"adaptive_{how}_pool{rank}d")
    wanted = [None if text == "none" else int(text) for text in target.strip("()").split(", ")]
    for given in ([7, 9, 11], [13, 4, 6], [1, 2, 3]):
        x = torch.randn(2, 3, *given[:rank])
        (y,) = made.run(None, {"x": x.numpy()})
        torch.testing.assert_close(torch.from_numpy(y), pool(x, wanted if rank > 1 else wanted[0]))


# The examples.

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


class Traced(NamedTuple):
    """An example as PyTorch exports it: the size at which it is traced, and 40 sizes from ``start`` on to try; without
    a start the size is fixed."""

    size: int
    start: int = 0
    lossless: bool = True


WIDTH = 16
"""The size of the second axis at them."""


TRACED = {
    "lenet5": Traced(32),
    "dcgan_generator": Traced(0),
    "autoencoder": Traced(28, 1),
    "resnet18": Traced(64, 1),
    "mobilenet_v2": Traced(64, 1, lossless=False),
    "googlenet": Traced(64, 1, lossless=False),
    "unet": Traced(32, 1),
    "transformer_encoder": Traced(20),  # PyTorch writes the length of keys and values into the file
}


OTHERWISE = {"dropout", "identity", "flatten", "adaptive_avg_pool"}
"""What an export leaves out or writes as something else, as a pool to one value."""


class Exported(NamedTuple):
    """An example, its module, PyTorch's export of it, and the network read from that."""

    net: Net
    module: Any
    model: Any
    again: Net


@pytest.fixture(scope="module", params=TRACED)
def example(request: pytest.FixtureRequest) -> Exported:
    """An example through PyTorch and ONNX."""
    net, size = shapesolver.load(EXAMPLES / f"{request.param}.net"), TRACED[request.param].size
    free = {axis + 1: str(n) for axis, n in enumerate(net.inputs[0].shape) if not isinstance(n, int)}
    if not TRACED[request.param].start:
        free = {}
    with unfilled():
        module = net.to_torch().eval()
    (traced,) = net.at(**dict.fromkeys(net.symbols, size)).inputs
    model = exported(module, (1, *traced.shape), {0: "batch", **free})
    imported = read_model(model)
    assert not imported.warnings
    return Exported(net, module, model, Net(imported.text, "again.net", imported.graph))


def test_an_example_through_pytorch_has_our_weights(example: Exported) -> None:
    """Array by array as we say, as PyTorch holds them and as the file stores them; and as many in all."""
    usual = example.net.usual()
    ours, theirs = ([(layer.op, arrays(layer)) for layer in net if layer.weights] for net in (usual, example.again))
    statistics = sum(2 * shapes[0][0] for op, shapes in ours if op == "batch_norm")
    assert theirs == ours
    assert usual.params == sum(p.numel() for p in example.module.parameters())
    assert example.again.params == usual.params + statistics
    stored = {tensor.name: tuple(tensor.dims) for tensor in example.model.graph.initializer}
    held = {name: tuple(tensor.shape) for name, tensor in example.module.state_dict().items()}
    kept = stored.keys() & held.keys()
    assert len(kept) > 0.5 * len(held)
    assert {name: stored[name] for name in kept} == {name: held[name] for name in kept}


def arrays(layer: Any) -> list[tuple[int, ...]]:
    """The shapes of a layer's weights, without what ONNX alone counts; a dense layer's lies either way in ONNX."""
    shapes = [*layer.weights.values()]
    if layer.op == "dense":
        return [tuple(sorted(shape)) for shape in shapes]
    return shapes[:2] if layer.op == "batch_norm" else shapes


def test_an_example_through_pytorch_has_our_sizes(example: Exported) -> None:
    """Kind by kind, in order, at two sizes."""
    traced = TRACED[example.net.name].size
    for size in (traced, traced + 32) if example.again.symbols else (traced,):
        ours, theirs = (net.at(**dict.fromkeys(net.symbols, size)) for net in (example.net, example.again))
        for kind in {layer.op for layer in ours} - OTHERWISE:
            one, two = ([layer.shape for layer in net if layer.op == kind] for net in (ours, theirs))
            assert one == two, (kind, size)
        assert ours.output_shapes == theirs.output_shapes


def test_the_sizes_that_an_exported_example_takes(example: Exported) -> None:
    """The valid sizes, and those that lose nothing, of the network read from the export, as the module runs."""
    case = TRACED[example.net.name]
    if not case.start:
        pytest.skip("no size is free")
    answer = example.again.valid()
    assert answer.status == "proved"
    shape = example.net.inputs[0].shape
    valid = []
    first, *others = example.again.symbols
    for n in range(case.start, case.start + 40):
        sizes = {first: n, **dict.fromkeys(others, WIDTH)}
        given = tuple(sizes.get(str(size), size) for size in shape)
        real = runs(example.module, given, torch.float32)
        assert answer.holds(**{name: sizes[name] for name in answer.unknowns}) == real, n
        if real:
            valid.append((sizes, given))
    assert valid
    if case.lossless:
        module = positive(example.module)
        for sizes, given in valid:
            lost = example.again.lost(**sizes)
            assert any(map(bool, lost.values())) == unread(module, given), sizes


def test_a_size_that_pytorch_has_fixed_is_named() -> None:
    """It writes the length of an attention's keys into the file, though it is said to be free."""
    net = shapesolver.parse("dialect torch\nx = input(L, 8)\nattention(2)\n")
    model = exported(net.to_torch().eval(), (1, 5, 8), {0: "batch", 1: "L"})
    with pytest.raises(ExchangeError, match=r"it makes 5 x 2\*batch x 4 of L x batch x 8: a size may have been fixed"):
        read_model(model)
