"""The example networks are the published models."""

from __future__ import annotations

from pathlib import Path

import pytest

from shapesolver import load
from shapesolver.diagnostics import Severity
from shapesolver.language import parse
from shapesolver.language.formatter import format_tree
from shapesolver.model.canonical import canonical_file
from tests.published import PUBLISHED

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.net"))


def test_every_example_is_compared() -> None:
    assert sorted(PUBLISHED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_sizes_are_the_published_ones(name: str) -> None:
    net = load(EXAMPLES / f"{name}.net").usual()
    published = PUBLISHED[name]
    assert net.params == published.params
    assert net.params - net.trainable_params == published.fixed
    assert {path: net[path].shape for path in published.shapes} == published.shapes


TRUE_FINDINGS = {
    "alexnet_v2": ["SS201", "SS201"],
    "autoencoder": ["SS206", "SS206"],
    "conv1d_stack": ["SS208"],
    "keras1": ["SS201"],
    "mnist": ["SS201"],
    "mnist_nobias": ["SS201"],
}
"""What is found in the examples at their usual sizes, and is so: AlexNet's second version reads 219 of 224 rows."""


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_in_an_example_that_is_not_so(name: str) -> None:
    net = load(EXAMPLES / f"{name}.net")
    assert [d.code for d in net.usual().check()] == TRUE_FINDINGS.get(name, [])
    notes = {d.code for d in net.check() if d.severity is Severity.NOTE}
    assert {d.code for d in net.check()} - notes == {*TRUE_FINDINGS.get(name, [])}


@pytest.mark.parametrize("name", NAMES)
def test_lost_pixels_of_an_example_are_lost(name: str) -> None:
    """A warning about pixels stands where pixels are lost, and nowhere else."""
    net = load(EXAMPLES / f"{name}.net").usual()
    found = any(d.code == "SS201" for d in net.check())
    assert found == any(net.lost().values())


@pytest.mark.parametrize("name", NAMES)
def test_examples_stand_in_the_canonical_layout(name: str) -> None:
    text = (EXAMPLES / f"{name}.net").read_text()
    formatted = format_tree(canonical_file(parse(text).tree))
    if name != "keras1":  # which shows Keras 1's spelling
        assert formatted == text
    assert format_tree(canonical_file(parse(formatted).tree)) == formatted


def test_the_question_gets_its_list_of_weights() -> None:
    net = load(EXAMPLES / "mnist_nobias.net")
    assert [layer.weights["kernel"] for layer in net if layer.weights] == [
        (7, 7, 1, 32),
        (5, 5, 32, 64),
        (256, 200),
        (200, 150),
        (150, 10),
    ]


@pytest.mark.parametrize(
    ("name", "layer", "formula"),
    [
        ("mnist", "conv2", "(H - 7)//6 - 1"),
        ("vgg16", "pool5", "H//32"),
        ("resnet50", "layer4", "(H - 1)//32 + 1"),
        ("resnet152", "layer4", "(H - 1)//32 + 1"),
        ("unet", "d4", "H//8"),
        ("densenet121", "dense4", "(H + 3)//32"),
    ],
)
def test_formulas_read_as_people_write_them(name: str, layer: str, formula: str) -> None:
    tensor = load(EXAMPLES / f"{name}.net").free()[layer].tensor
    assert str(tensor.sizes[tensor.axes.index("H")]) == formula
