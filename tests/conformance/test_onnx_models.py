"""Whole networks against ONNX: exported, run layer by layer, read again; PyTorch's exports read and written."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import pytest

import shapesolver
from shapesolver.net import Net

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from shapesolver.exchange.onnx.reading import read_model  # noqa: E402
from shapesolver.exchange.onnx.writing import to_onnx  # noqa: E402
from tests.conformance.onnx_running import (  # noqa: E402
    first,
    inferred,
    inputs_of,
    run,
    run_each,
    runnable,
    session,
    unfilled,
)

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]

EXAMPLES = {path.stem: path for path in sorted(Path("docs/examples").glob("*.net"))}

SMALL = {"fcn8s": 64, "unet": 32, "unet_572": 188}
"""The sizes at which networks are run that take long at their usual ones."""

MOST_RUN = 50e9
"""The most multiply-adds that are run; what takes more is inferred by ``onnx`` alone."""

HEAVY = {"fcn8s"}
"""Networks that take long at any size."""


def read_again(model: Any) -> Net:
    imported = read_model(model)
    return Net(imported.text, "again.net", imported.graph)


@pytest.fixture(scope="module", params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> tuple[Net, Any]:
    """An example and its model."""
    net = shapesolver.load(EXAMPLES[request.param])
    with unfilled():
        return net, to_onnx(net, "zeros")


def test_an_example_goes_out(example: tuple[Net, Any]) -> None:
    """Valid, and of our sizes layer by layer, as onnx infers them and as onnxruntime makes them."""
    net, model = example
    small = SMALL.get(net.name)
    here = net.at(**dict.fromkeys(net.symbols, small)) if small else net.usual()
    model = runnable(model)
    onnx.checker.check_model(model, full_check=True)
    found = [inferred(model, inputs_of(here))]
    if here.macs <= MOST_RUN:
        made = run(session(model, everything=True), inputs_of(here))
        assert made is not None
        assert [made[output.name][1:] for output in model.graph.output] == [*here.output_shapes]
        found.append(made)
    for shapes in found:
        compared = [layer for layer in here if layer.path in shapes and not layer.op.startswith("parameter")]
        for layer in compared:
            assert shapes[layer.path][1:] in (layer.shape, first(net, layer.shape)), layer.path
        assert len(compared) > 0.6 * len(here)


def test_an_example_comes_back(example: tuple[Net, Any]) -> None:
    """Of the same sizes, and as many parameters as the model stores: weights that are shared or tied count once."""
    net, model = example
    back = read_again(model)
    stored = sum(math.prod(array.dims) for array in model.graph.initializer)
    assert back.params == stored
    assert stored == net.usual().params + uncounted(net)
    usual = {name: size for name, size in net.symbols.items() if name in back.symbols}
    assert back.at(**usual).output_shapes == net.usual().output_shapes


def uncounted(net: Net) -> int:
    """What ONNX stores and the network's framework does not count: running statistics, second biases."""
    total = 0
    for layer in net.usual():
        if layer.op == "batch_norm" and net.dialect.torch:
            total += 2 * layer.shape[0]
        if layer.op == "lstm" and net.dialect.keras:
            total += sum(size for name, (size, *_) in layer.weights.items() if name.endswith("bias"))
    return total


def test_valid_sizes_are_those_that_onnxruntime_runs(example: tuple[Net, Any]) -> None:
    """At 40 sizes around the least that works, the network read from the model works where onnxruntime does."""
    original, model = example
    net = read_again(model)
    names = [symbol for symbol in net.symbols if symbol != "N"]
    if not names:
        pytest.skip("no size is free")
    if original.name in HEAVY:
        pytest.skip("it takes long")
    given = [[d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim][1:] for i in model.graph.input]
    least = next((n for n in range(1, 600) if not broken(net, names, n)), 1)
    sizes = range(max(least - 20, 1), max(least - 20, 1) + 40)
    cases = [[(1, *(n if isinstance(d, str) else d for d in dims)) for dims in given] for n in sizes]
    for size, there in zip(sizes, run_each(runnable(model), cases), strict=True):
        here = None if broken(net, names, size) else [*net.at(**dict.fromkeys(names, size)).output_shapes]
        assert here == (None if there is None else [shape[1:] for shape in there.values()]), size


def broken(net: Net, names: list[str], size: int) -> bool:
    return any(True for _ in net.at(**dict.fromkeys(names, size)).derivation.broken())


# PyTorch's own exports.

torch = pytest.importorskip("torch")
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
