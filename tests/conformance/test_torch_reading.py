"""PyTorch modules as users write them, read: what is known, what is kept as it is, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import shapesolver
from shapesolver.cli import main
from shapesolver.exchange.errors import ExchangeError, ExchangeWarning
from shapesolver.exchange.torch.source import from_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.conformance
nn, F = torch.nn, torch.nn.functional


def ops(module: Any, *shapes: Any) -> list[str]:
    """The layers that a module is read as, inputs left out."""
    return [node.layer.describe() for node in from_torch(module, *shapes).graph.nodes if node.layer.op != "input"]


class Function(nn.Module):
    """A module that is a function."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "shape", "layers"),
    [
        (lambda x: F.relu(x).flatten(1), (3, 8, 8), ["relu", "flatten"]),
        (lambda x: x.view(x.size(0), -1), (3, 8, 8), ["flatten"]),
        (lambda x: x.reshape(x.shape[0], x.shape[1], -1), (3, 8, 8), ["flatten(start=2)"]),
        (lambda x: x.mean([2, 3]), (3, 8, 8), ["global_avg_pool(keepdims=false)"]),
        (lambda x: x.mean(1), (3, 8, 8), ["reduce(axes=(1,))"]),
        (lambda x: F.interpolate(x, scale_factor=2), (3, 8, 8), ["upsample(2)"]),
        (lambda x: F.interpolate(x, size=(2 * x.shape[2], 2 * x.shape[3])), (3, 8, 8), ["upsample(2)"]),
        (lambda x: F.interpolate(x, size=(5, 7), mode="bilinear"), (3, 8, 8), ["resize(5, 7)"]),
        (lambda x: F.pad(x, (1, 2, 3, 4)), (3, 8, 8), ["pad(((3, 4), (1, 2)))"]),
        (lambda x: F.pad(x, (-1, -1, -1, -1)), (3, 8, 8), ["crop(1)"]),
        (lambda x: x[:, :, 1:-1], (3, 8, 8), ["slice(1, -1, axis=2)"]),
        (lambda x: x[..., ::2], (3, 8, 8), ["slice(step=2, axis=3)"]),
        (lambda x: x.permute(0, 2, 3, 1), (3, 8, 8), ["permute(2, 3, 1)"]),
        (lambda x: torch.cat(x.chunk(3, 1), 1), (6, 8, 8), ["chunk(3)", "concat"]),
        (lambda x: torch.cat(x.split([2, 4], 1)[::-1], 1), (6, 8, 8), ["split(2, 4)", "concat"]),
        (lambda x: x @ x.transpose(1, 2), (8, 5), ["permute(2, 1)", "matmul"]),
        (lambda x: 0 + x * 1, (3, 8, 8), []),
        (lambda x: F.softmax(x / 2, dim=1), (3, 8, 8), ['pointwise("div 2")', "softmax(axis=1)"]),
    ],
)  # fmt: skip
def test_functions_are_layers(function: Any, shape: tuple[int, ...], layers: list[str]) -> None:
    assert ops(Function(function), shape) == layers


def test_the_steps_of_a_recurrent_module_and_its_last_state() -> None:
    class Last(nn.Module):
        def __init__(self, both: bool) -> None:
            super().__init__()
            self.rnn = nn.LSTM(8, 16, bidirectional=both, batch_first=True)

        def forward(self, x):
            _, (h, _) = self.rnn(x)
            return torch.cat([h[-2], h[-1]], dim=1) if self.rnn.bidirectional else h[-1]

    assert ops(Last(False), (5, 8)) == ["lstm(16, sequences=false)"]
    assert ops(Last(True), (5, 8)) == ["lstm(16, bidirectional=true, sequences=false)"]


def test_a_module_used_twice_is_one_layer() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return self.conv(F.relu(self.conv(x)))

    graph = from_torch(Twice(), (3, 8, 8)).graph
    assert [node.shared for node in graph.nodes] == [None, None, None, 1]


class Median(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return torch.linalg.svdvals(self.conv(x))


def test_what_is_not_known_is_kept_with_its_sizes() -> None:
    with pytest.warns(ExchangeWarning, match="linalg_svdvals is kept as opaque: there is no layer for"):
        net = shapesolver.from_torch(Median(), (3, 10, 12))
    assert net.usual().output_shapes == ((8, 8),)
    assert [layer.op for layer in net] == ["input", "conv", "opaque"]


class BySize(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        if x.shape[2] > 100:
            x = F.max_pool2d(x, 2)
        return self.conv(x)


class ByValue(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else x.flatten(1)


def test_a_choice_by_size_is_read_as_it_is_made() -> None:
    assert ops(BySize(), (3, 32, 32)) == ["conv(8, kernel=3)"]


@pytest.mark.parametrize(
    ("module", "shapes", "message"),
    [
        (ByValue(), ((3, 8, 8),), "ByValue cannot be traced: its forward decides by values what it does"),
        (nn.Conv2d(3, 8, 3), ((4, 8, 8),), "Conv2d does not run on inputs of sizes (4, 8, 8)"),
        (nn.Conv2d(3, 8, 3), (), "Conv2d: state the sizes of its inputs, batch left out, as in --input 3,224,224"),
        (len, ((3, 8, 8),), "the model is a builtin_function_or_method, not a torch.nn.Module"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(module: Any, shapes: Any, message: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        from_torch(module, *shapes)
    assert str(caught.value).startswith(message)


FILE = """
import torch
from torch import nn

def small():
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU())

def broken():
    raise RuntimeError("no weights here")

number = 3
"""


@pytest.mark.parametrize(
    ("name", "inputs", "code", "printed"),
    [
        ("models_for_test:small", "3,32,32", 0, "conv(8, kernel=3, stride=2)"),
        ("models_for_test:small", "3,H=64,32", 0, "input(3, H=64, 32)"),
        ("models_for_test:small", "3,x,32", 2, "'x' is no size of an input; write 3,224,224 or 3,H=224,W=224"),
        ("models_for_test:broken", "3,32,32", 2, "models_for_test:broken() failed: RuntimeError: no weights here"),
        ("models_for_test:absent", "3,32,32", 2, "models_for_test:absent cannot be imported"),
        ("no_such_module:f", "3,32,32", 2, "no_such_module:f cannot be imported: No module named 'no_such_module'"),
    ],
)  # fmt: skip
def test_a_factory_by_its_name(
    name: str, inputs: str, code: int, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models_for_test.py").write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(main, ["import", name, "--input", inputs])
    assert run.exit_code == code, run.output
    assert printed in run.output


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["show"], "conv1    conv(8, kernel=3, stride=2)  8 x 15 x 15"),
        (["check"], "warning[SS201] lost-pixels: conv1 loses up to 1 row and column of input_1"),
        (["ask", "what input size gives 4x4"], "9 -> 4"),
        (["cost"], "conv1    8 x 15 x 15"),
        (["draw", "conv1"], "conv1, along H and W: 32 rows and columns in, 15 out"),
        (["field", "conv1"], "input_1.H  3     2"),
        (["why", "conv1"], "conv1.H = (H - 3)//2 + 1 = 15"),
        (["explain", "conv1"], "conv1 is conv(8, kernel=3, stride=2), line 5"),
        (["export", "--to", "torch"], "nn.Conv2d(3, 8, kernel_size=3, stride=2)"),
        (["align", "input_1", "conv1"], "conv1"),
        (["convert", "--fully-convolutional"], "no dense layer follows"),
        (["compare", "same.net"], "conv1"),
        (["check", "same.net"], "2 files: 2 warnings in 2 of them"),
    ],
)  # fmt: skip
def test_every_command_takes_the_sizes_of_a_models_inputs(
    arguments: list[str], printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models_for_test.py").write_text(FILE, encoding="utf-8")
    (tmp_path / "same.net").write_text("dialect torch\ninput(3, H=32, W=32)\nconv(8, kernel=3, stride=2) -> relu\n")
    monkeypatch.chdir(tmp_path)
    command, *rest = arguments
    run = CliRunner().invoke(main, [command, "models_for_test:small", *rest, "--input", "3,32,32"])
    assert printed in run.output


def test_the_page_shows_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text(encoding="utf-8")
    code = page.partition("# models.py\n")[2].partition("```")[0]
    (tmp_path / "models_of_the_page.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(main, ["import", "models_of_the_page:Small", "--input", "3,64,64"])
    assert run.output == page.partition("--input 3,64,64\n```\n\n```\n")[2].partition("```")[0]


def test_a_module_is_read_on_its_own_device() -> None:
    """Its inputs are made where its weights are: here on a device that has shapes alone."""
    with torch.device("meta"):
        module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    assert ops(module, (3, 32, 32)) == ["conv(8, kernel=3)", "relu"]
