"""The command line: whole outputs, exit codes, and bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shapesolver.cli import main

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
MNIST = str(EXAMPLES / "mnist.net")


HANG = 120
"""Seconds after which a command is taken for dead: what answers at once does so in much less, on any machine."""


def shapesolver(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "shapesolver", *arguments],
        input=stdin,
        capture_output=True,
        env=environment,
        timeout=HANG,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def rows(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("command", ["show", "cost", "draw", "field", "export --to torch"])
def test_a_file_states_the_sizes_of_its_inputs_itself(command: str) -> None:
    done = shapesolver(*command.split(), MNIST, "--input", "28,28,1")
    assert (done.returncode, done.stderr) == (2, f"shapesolver: {MNIST} states the sizes of its inputs itself\n")


def test_sizes_of_inputs_that_no_file_takes() -> None:
    for command in (["check", MNIST], ["compare", MNIST, MNIST]):
        done = shapesolver(*command, "--input", "28,28,1")
        assert done.returncode == 2
        assert "every model here states the sizes of its inputs itself" in done.stderr


def test_show_with_formulas() -> None:
    done = shapesolver("show", MNIST, "--formulas")
    assert done.returncode == 0
    assert done.stderr == ""
    assert rows(done.stdout) == [
        "mnist (keras)",
        "layer     what it is                    size         formula                               parameters",
        "image     input(28, 28, 1)              28 x 28 x 1  H x W x 1",
        "conv1     conv(32, kernel=7, stride=3)  8 x 8 x 32   (H - 7)//3 + 1 x (W - 7)//3 + 1 x 32       1,600",
        "conv2     conv(64, kernel=5, stride=2)  2 x 2 x 64   (H - 7)//6 - 1 x (W - 7)//6 - 1 x 64      51,264",
        "flatten1  flatten                       256          64*((H - 7)//6 - 1)*((W - 7)//6 - 1)",
        "dense1    dense(200)                    200                                                    51,400",
        "relu1     relu                          200",
        "dense2    dense(150)                    150                                                    30,150",
        "relu2     relu                          150",
        "dense3    dense(10)                     10                                                      1,510",
        "softmax1  softmax                       10",
        "135,924 parameters",
    ]


def test_show_prints_the_weights_of_the_question() -> None:
    done = shapesolver("show", str(EXAMPLES / "mnist_nobias.net"), "--weights")
    kernels = [line.split("kernel ")[1].split(")")[0] + ")" for line in rows(done.stdout) if "kernel (" in line]
    assert kernels == ["(7, 7, 1, 32)", "(5, 5, 32, 64)", "(256, 200)", "(200, 150)", "(150, 10)"]


def test_show_as_json_and_markdown() -> None:
    shown = json.loads(shapesolver("show", MNIST, "--format", "json").stdout)
    assert shown["parameters"] == 135_924
    assert shown["layers"][2] == {
        "path": "conv2",
        "op": "conv",
        "layer": "conv(64, kernel=5, stride=2)",
        "line": 8,
        "axes": ["H", "W", "C"],
        "size": [2, 2, 64],
        "formula": ["(H - 7)//6 - 1", "(W - 7)//6 - 1", "64"],
        "weights": [
            {"name": "kernel", "shape": [5, 5, 32, 64], "trainable": True},
            {"name": "bias", "shape": [64], "trainable": True},
        ],
        "parameters": 51_264,
        "shared": None,
    }
    markdown = shapesolver("show", MNIST, "--format", "markdown").stdout
    assert "| conv2 | conv(64, kernel=5, stride=2) | 2 x 2 x 64 | 51,264 |" in markdown


def test_show_of_a_sound_network_imports_neither_solver_nor_rules_nor_sympy() -> None:
    code = (
        "import sys\nfrom shapesolver.cli import main\nmain(sys.argv[1:], standalone_mode=False)\n"
        "print([m for m in sys.modules if m.startswith(('sympy', 'numpy', 'shapesolver'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, "show", MNIST], capture_output=True, text=True, check=True)
    heavy = ("sympy", "numpy", "shapesolver.verify", "shapesolver.solve", "shapesolver.arithmetic.sets")
    assert "shapesolver.layers.convolution" in done.stderr
    assert not [name for name in heavy if f"'{name}'" in done.stderr]


def test_show_at_other_sizes() -> None:
    done = shapesolver("show", MNIST, "--at", "H=31,W=31")
    assert "3 x 3 x 64" in done.stdout


def test_why() -> None:
    done = shapesolver("why", MNIST, "conv2")
    law = "(n + p - k)//s + 1; with same and causal (n - 1)//s + 1"
    assert rows(done.stdout)[:4] == [
        "conv2.H = (H - 7)//6 - 1 = 2",
        "  image.H = H = 28                     line 6   input   An input of the network",
        f"  conv1.H = (image.H - 7)//3 + 1 = 8   line 7   conv    {law}",
        f"  conv2.H = (conv1.H - 5)//2 + 1 = 2   line 8   conv    {law}",
    ]


def test_check_shows_what_cannot_be_built() -> None:
    done = shapesolver("check", str(EXAMPLES / "unet.net"), "--at", "H=350,W=525")
    assert done.returncode == 1
    assert "error[SS041] broken-assumption" in done.stdout
    assert (
        "error[SS104] size-mismatch: up1.concat1: concat along C needs equal sizes elsewhere, "
        "and along H they are 43 and 42\n" in done.stdout
    )
    assert "   |     ^^^^^^^^^^^^^^^ H: 43 is not 42\n" in done.stdout
    assert "PyTorch says: Sizes of tensors must match except in dimension C." in done.stdout


def test_check_of_good_files() -> None:
    done = shapesolver("check", str(EXAMPLES / "unet.net"), str(EXAMPLES / "resnet50.net"))
    assert done.returncode == 0
    assert rows(done.stdout) == ["2 files: nothing to report"]


def test_refuted_and_proved_claims(tmp_path: Path) -> None:
    file = tmp_path / "claims.net"
    file.write_text("input(3, H=9, 9)\nc = conv(4, kernel=3, stride=2)\nexpect c.H == 4\nexpect c.H <= image.H\n")
    done = shapesolver("check", str(file))
    assert done.returncode == 1
    assert "nothing is called `image` here" in done.stdout
    file.write_text(
        "dialect torch\nx = input(3, H=9, 9)\nc = conv(4, kernel=3, stride=2)\nexpect c.H == 5\nexpect c.H <= x.H\n"
    )
    done = shapesolver("check", str(file), "--at", "H=9")
    assert rows(done.stdout) == [
        "error[SS040] refuted-claim: this is not so",
        f" --> {file}:4:1",
        "  |",
        "4 | expect c.H == 5",
        "  | ^^^^^^^^^^^^^^^",
        "  |",
        "  = note: c is 4 x 4 x 4",
        "  = try:  input 11 x 9",
        "",
        f"{file}: 1 error",
    ]


def test_ask() -> None:
    done = shapesolver("ask", MNIST, "what input size gives 2x2")
    assert done.returncode == 0
    assert "H, W       25..30                    every solution, proved" in done.stdout
    answer = json.loads(shapesolver("ask", MNIST, "what H gives conv2.H = 2", "--format", "json").stdout)
    assert answer["solutions"] == [{"H": "25..30"}]
    assert shapesolver("ask", MNIST, "is conv2.H == 3").returncode == 1


def test_fmt(tmp_path: Path) -> None:
    file = tmp_path / "old.net"
    file.write_text("Input(28,28,1) # an image\nConvolution2D(32,3,3,border_mode='same',activation='relu')\n")
    assert shapesolver("fmt", "--check", str(file)).returncode == 1
    diff = shapesolver("fmt", "--diff", str(file))
    assert diff.returncode == 1
    assert "+conv(32, kernel=3, padding=same) -> relu\n" in diff.stdout
    assert shapesolver("fmt", str(file)).returncode == 0
    formatted = "input(28, 28, 1)  # an image\nconv(32, kernel=3, padding=same) -> relu\n"
    assert file.read_text() == formatted
    assert shapesolver("fmt", "--check", str(file)).returncode == 0
    assert shapesolver("fmt", "-", stdin=b"x=input( 3 )").stdout == "x = input(3)\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file has no layers"),
        (b"input(3)\n\xff\xfe", "is not UTF-8 text"),
        (b"input(3)\x00", "character U+0000"),
        (b"x = " + b"(" * 100_000, "nests more than 100 deep"),
        (b"input(" + b"9" * 10_000 + b")", "at most 100 digits"),
        (b"input(3)\nrepeat 10**9 { relu }", "beyond what a file may lay out"),
        (b"input(3)\nrepeat 100000 { repeat 100000 { relu } }", "beyond what a file may lay out"),
        (b"input(3)\ncov(3)", "unknown layer `cov`"),
        (b"input(3)\nconv(4, kernel=3)", "needs channels and 1 to 3 spatial axes"),
        (b"dialect torch\ninput(L=5, 4)\nlstm(4, layers=10**12)", "1000 is the most that are written out"),
        (
            b"block a0() { relu -> relu }\n"
            + b"".join(b"block a%d() { a%d() -> a%d() }\n" % (i, i - 1, i - 1) for i in range(1, 40))
            + b"input(3)\na39()",
            "this line lays out more than 250000 layers",
        ),
    ],
)
def test_bad_files(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "bad.net"
    file.write_bytes(content)
    done = shapesolver("show", str(file))
    assert message in done.stderr
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "lines",
    [
        "input(5, 5, 4)\nconv(1, kernel=10**17, padding=same)",
        "input(5, 5, 4)\nconv(10**17, kernel=10**17, padding=10**17)",
        "input(5, 5, 1)\nunfold(10**12)",
        "input(10**18, 10**18, 10**18)\nflatten\ndense(10**18)",
    ],
)
def test_numbers_beyond_reason_are_checked_at_once(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "vast.net"
    file.write_text(lines)
    done = shapesolver("check", str(file))
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr


def test_bad_paths_and_usage(tmp_path: Path) -> None:
    for arguments, message in [
        (["show", str(tmp_path)], "is a folder"),
        (["show", str(tmp_path / "nothing.net")], "does not exist"),
        (["show", MNIST, "--at", "H=x"], "is no size; write H=224,W=224"),
        (["show", MNIST, "--at", "Q=3"], "unknown size Q; the sizes of this network are H, W"),
        (["why", MNIST, "conv9"], "no layer is called 'conv9'"),
        (["ask", MNIST, "how?"], "as a question; the closest are"),
        (["show"], "Missing argument"),
    ]:
        done = shapesolver(*arguments)
        assert done.returncode == 2, arguments
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_a_broken_file_does_not_stop_the_others(tmp_path: Path) -> None:
    broken = tmp_path / "broken.net"
    broken.write_text("x = (")
    done = shapesolver("check", str(broken), str(EXAMPLES / "resnet18.net"))
    assert done.returncode == 1
    assert "2 files: 1 error in 1 of them" in done.stdout


def test_the_page_of_layers_is_what_the_registry_says() -> None:
    page = (EXAMPLES.parent / "layers.md").read_text()
    assert shapesolver("layers", "--format", "markdown").stdout == page


def test_layers_are_found_by_any_name() -> None:
    assert shapesolver("layers", "Conv2DTranspose").stdout.startswith("conv_transpose(channels, kernel, stride=1,")
    assert "did you mean conv?" in shapesolver("layers", "cov").stderr


def test_control_c_ends_a_command_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shapesolver.solve.ask", interrupt)
    result = CliRunner().invoke(main, ["ask", str(EXAMPLES / "mnist.net"), "what input size gives 2x2"])
    assert result.exit_code == 130
    assert result.stderr == "interrupted\n"


def test_a_question_about_a_layer_that_is_not_there() -> None:
    result = shapesolver("ask", str(EXAMPLES / "mnist.net"), "why conv9")
    assert result.returncode == 2
    assert result.stderr == "shapesolver: no layer is called `conv9`; did you mean conv2 or conv1?\n"
