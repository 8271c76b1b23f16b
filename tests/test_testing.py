"""The strategies for users' tests, the pytest plugin, and the page that explains them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shapesolver import Net, ShapeSolverError, load, parse
from shapesolver.testing import input_shapes, sizes
from tests.strategies import nets

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
PAGE = (ROOT / "docs" / "testing.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    # The plugin by its module, whether or not this checkout is the one that is installed.
    command = [sys.executable, "-m", "pytest", "-p", "no:shapesolver", "-p", "shapesolver.pytest_plugin"]
    return subprocess.run([*command, "-p", "no:cacheprovider", *arguments], capture_output=True, text=True, cwd=ROOT)


def buildable(net: Net) -> bool:
    return not any(net.usual().derivation.broken())


@pytest.mark.parametrize("name", ["mnist", "unet", "unet_572", "vgg16", "lenet5", "c3d"])
def test_valid_and_invalid_sizes_are_what_they_say(name: str) -> None:
    net = load(EXAMPLES / f"{name}.net")

    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        assert buildable(net.at(**data.draw(sizes(net, most=2000))))
        assert not buildable(net.at(**data.draw(sizes(net, valid=False, most=2000))))

    check()


def test_shapes_have_the_batch_in_front_and_the_layout_of_the_file() -> None:
    net = load(EXAMPLES / "mnist.net")
    assert net.input_shapes() == {"image": (1, 28, 28, 1)}
    assert net.input_shapes(batch=4, H=31) == {"image": (4, 31, 28, 1)}
    two = parse("dialect torch\nleft = input(3, L=8)\nright = input(2, L=8)\nconcat(left, right)")
    assert two.input_shapes(L=5) == {"left": (1, 3, 5), "right": (1, 2, 5)}
    with pytest.raises(ValueError, match="no size is given for H"):
        parse("input(H, 8, 1)\nrelu").input_shapes()


def test_sizes_that_there_are_not() -> None:
    with pytest.raises(ShapeSolverError, match="every input size of resnet50 up to 512 is valid"):
        sizes(load(EXAMPLES / "resnet50.net"), valid=False)
    with pytest.raises(ShapeSolverError, match="conv1d_stack has no valid input size up to 512; raise `most`"):
        input_shapes(load(EXAMPLES / "conv1d_stack.net"))


@QUICK
@given(nets())
def test_random_networks_can_be_built_at_their_usual_sizes(net: Net) -> None:
    assert buildable(net)
    for layer in net.usual():
        assert all(isinstance(size, int) for size in layer.shape)


def test_claims_are_collected(tmp_path: Path) -> None:
    (tmp_path / "good.net").write_text("dialect torch\nx = input(3, 9, 9)\nc = conv(4, kernel=3)\nexpect c.H == 7\n")
    (tmp_path / "bad.net").write_text(
        "dialect torch\nx = input(3, H=9, 9)\nc = conv(4, kernel=3, stride=2)\nexpect c.H == 5\nexpect c.H <= x.H\n"
    )
    (tmp_path / "broken.net").write_text("dialect torch\nx = input(3, 2, 2)\nc = conv(4, kernel=3)\nexpect x.H == 2\n")
    (tmp_path / "unread.net").write_text("cov(3)\n")
    done = run_pytest("-v", "-rs", str(tmp_path))
    verdicts = re.findall(r"(\w+\.net::.*?) (PASSED|FAILED|SKIPPED)", done.stdout)
    assert verdicts == [
        ("bad.net::builds", "PASSED"),
        ("bad.net::expect c.H == 5", "FAILED"),
        ("bad.net::expect c.H <= x.H", "PASSED"),
        ("broken.net::builds", "FAILED"),
        ("broken.net::expect x.H == 2", "SKIPPED"),
        ("good.net::builds", "PASSED"),
        ("good.net::expect c.H == 7", "PASSED"),
        ("unread.net::builds", "FAILED"),
    ]
    assert (
        "error[SS040] refuted-claim: this is not so\n"
        " --> bad.net:4:1\n"
        "  |\n"
        "4 | expect c.H == 5\n"
        "  | ^^^^^^^^^^^^^^^\n"
        "  |\n"
        "  = note: c is 4 x 4 x 4\n" in done.stdout
    )
    assert "error[SS020] unknown-layer: unknown layer `cov`" in done.stdout
    assert "Traceback" not in done.stdout


def run_blocks(blocks: list[str], tmp_path: Path) -> None:
    assert blocks
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block{number}.py").write_text(block)
    done = run_pytest("-q", str(tmp_path))
    assert done.returncode == 0, done.stdout


def test_the_page_runs(tmp_path: Path) -> None:
    run_blocks([block for block in BLOCKS if "import torch" not in block], tmp_path)


@pytest.mark.conformance
def test_the_page_runs_with_a_real_model(tmp_path: Path) -> None:
    run_blocks([block for block in BLOCKS if "import torch" in block], tmp_path)
