"""Networks written as PyTorch code. What the code does is held against PyTorch in tests/conformance."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import shapesolver
from shapesolver.exchange.errors import ExchangeError
from shapesolver.exchange.torch.text import torch_code
from shapesolver.exchange.torch.writers import writers
from shapesolver.layers.registry import kinds

EXAMPLES = sorted((Path(__file__).parent.parent / "docs" / "examples").glob("*.net"))


def code(text: str) -> str:
    """The file without its title."""
    return torch_code(shapesolver.parse(text)).partition("\n\n")[2]


def test_a_chain_is_a_sequential() -> None:
    text = """
        image = input(28, 28, 1)
        conv(32, kernel=7, stride=3)
        flatten
        dense(10) -> softmax
    """
    assert code(text) == (
        "from torch import nn\n"
        "\n"
        "\n"
        "def net():\n"
        '    """Takes image (N, 1, 28, 28). Channels come first, as PyTorch has them."""\n'
        "    return nn.Sequential(\n"
        "        nn.Conv2d(1, 32, kernel_size=7, stride=3),\n"
        "        nn.Flatten(),\n"
        "        nn.Linear(2048, 10),\n"
        "        nn.Softmax(dim=-1),\n"
        "    )\n"
    )


def test_blocks_are_classes_and_repeats_are_loops() -> None:
    text = """
        dialect torch
        image = input(3, H=64, W=64)

        block residual(c) {
            add(_, conv(c, kernel=3, padding=1) -> relu)
        }

        block stage(c, n) {
            conv(c, kernel=3, stride=2, padding=1)
            repeat n { residual(c) }
        }

        low = stage(16, 2)
        high = stage(32, 4)
        concat(high, low -> max_pool(2))
    """
    assert (
        code(text)
        == '''\
import torch
import torch.nn.functional as F
from torch import nn


class Residual(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, in_channels, kernel_size=3, padding=1)

    def forward(self, x):
        return x + F.relu(self.conv1(x))


class Stage(nn.Sequential):
    def __init__(self, in_channels, c, n):
        super().__init__(
            nn.Conv2d(in_channels, c, kernel_size=3, stride=2, padding=1),
            nn.Sequential(*[Residual(c) for _ in range(n)]),
        )


class Net(nn.Module):
    """Takes image (N, 3, H=64, W=64)."""

    def __init__(self):
        super().__init__()
        self.low = Stage(3, 16, n=2)
        self.high = Stage(16, 32, n=4)
        self.max_pool1 = nn.MaxPool2d(2)

    def forward(self, image):
        low = self.low(image)
        high = self.high(low)
        return torch.cat([high, self.max_pool1(low)], dim=1)
'''
    )


def test_what_pytorch_cannot_pad_is_padded_before() -> None:
    text = """
        image = input(H=32, W=32, 3)
        conv(8, kernel=3, stride=2, padding=same)
        global_avg_pool
    """
    assert (
        code(text)
        == '''\
import torch
import torch.nn.functional as F
from torch import nn


def pad_same(x, window, value=0.0, lower=False):
    """Pad so that ceil(n / stride) windows fit along every axis, the odd cell at the end."""
    # The 2 of Conv2d: a symbolic trace does not know x.dim().
    rank = int(type(window).__name__[-2])
    sizes = [window.kernel_size, window.stride, getattr(window, "dilation", 1)]
    sizes = [size if isinstance(size, tuple) else (size,) * rank for size in sizes]
    amounts = []
    for axis, (kernel, stride, dilation) in enumerate(zip(*sizes, strict=True)):
        total = (kernel - 1) * dilation - (x.shape[axis + 2] - 1) % stride
        if kernel < stride:
            total = torch.sym_max(total, 0)
        before = total - total // 2 if lower else total // 2
        amounts = [before, total - before, *amounts]
    return F.pad(x, amounts, value=value)


class Net(nn.Module):
    """Takes image (N, 3, H=32, W=32). Channels come first, as PyTorch has them."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, kernel_size=3, stride=2)

    def forward(self, image):
        # padding=same, which PyTorch has for a stride of 1 alone
        x = self.conv1(pad_same(image, self.conv1))
        return x.mean((2, 3))
'''
    )


def test_sizes_are_read_off_the_input_where_they_are_needed() -> None:
    text = """
        dialect torch
        image = input(3, H=8, W=8)
        reshape(3, H*W)
    """
    assert code(text).endswith(
        "    def forward(self, image):\n"
        "        H = image.shape[2]\n"
        "        W = image.shape[3]\n"
        "        return image.reshape(image.shape[0], 3, H*W)\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "image = input(H, W, 3)\nflatten\ndense(10)",
            "dense1: its input features depends on the input sizes, 3*H*W; state them, as in --at H=224,W=224",
        ),
        (
            "image = input(8, 8, 3)\npad(1, mode=symmetric)",
            "pad1: pad(1, mode=symmetric) cannot be written in PyTorch: there is no padding of mode symmetric",
        ),
        (
            "dialect torch\nimage = input(3, 8, 8)\nmax_pool(2)\nunpool(2)",
            "unpool1: unpool(2) cannot be written in PyTorch: it needs the places that a max_pool chose; name the "
            "pool, as in unpool(2, _, pool1)",
        ),
        (
            "dialect torch\nimage = input(3, 8, 8)\nopaque(\"TopK\", (3, 8, 8))",
            "opaque1: opaque cannot be written in PyTorch: TopK",
        ),
        (
            "dialect torch\nimage = input(3, 4, 4)\nconv(8, kernel=5)",
            "conv1: conv(8, kernel=5) cannot be built at these sizes: conv's window spans 5 cells, and its input with "
            "padding has 4",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_named(text: str, message: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        torch_code(shapesolver.parse(text))
    assert str(caught.value) == message


def test_every_layer_has_a_writer() -> None:
    assert kinds().keys() - writers().keys() == {"input", "parameter", "constant", "opaque"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_formatted_python(path: Path) -> None:
    text = torch_code(shapesolver.load(path))
    ast.parse(text)
    if find_spec("ruff") is not None:
        command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "-"]
        run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout


def test_code_is_written_without_pytorch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None; import shapesolver;"
        "from shapesolver.exchange.torch.text import torch_code;"
        "net = shapesolver.parse('image = input(28, 28, 1)\\nconv(32, kernel=7)'); torch_code(net);"
        "net.to_torch()"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "this needs torch: pip install 'shapesolver[torch]'" in run.stderr
