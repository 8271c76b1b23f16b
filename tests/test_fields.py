"""Receptive fields by example, and by law against one unit's exact cells."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from shapesolver import Net, load, parse
from shapesolver.cli import main
from shapesolver.measure.field import FieldError, unit_field
from shapesolver.measure.field_notes import notes, size_notes

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.net"))

PUBLISHED = {
    ("vgg16", "pool5"): (212, 32, 90),
    ("resnet50_keras", "conv5"): (483, 32, 241),
    ("resnet50", "layer4"): (427, 32, 213),
    ("resnet101", "conv5"): (1027, 32, 513),
    ("mobilenet_v1", "stage5"): (315, 32, 126),
    ("inception_v3", "mixed10"): (1311, 32, 618),
    ("alexnet_v2", "pool5"): (195, 32, 64),
}
"""Size, stride and padding. Source: Araujo, Norris, Sim (2019); torchvision's ResNet-50 has its strides in the 3x3."""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["field", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def example(name: str) -> Net:
    return load(EXAMPLES / f"{name}.net")


@pytest.mark.parametrize(("name", "layer"), PUBLISHED)
def test_the_published_fields_come_out(name: str, layer: str) -> None:
    field = example(name).usual()[layer].receptive_field
    for axis in "HW":
        assert (field[axis].size, field[axis].stride, field[axis].padding) == PUBLISHED[name, layer]
        assert field[axis].exact and not field[axis].whole


def test_the_field_of_a_chain_of_windows_does_not_depend_on_the_size() -> None:
    field = example("vgg16").free()["pool5"].receptive_field["H"]
    assert (field.size, field.stride, field.padding) == (212, 32, 90)


def test_padding_made_to_fit_depends_on_the_size() -> None:
    net = parse("image = input(H=224, W=224, 3)\nc = conv(8, kernel=3, stride=2, padding=same)")
    assert str(net["c"].receptive_field["H"].padding) == "floor(3/2 - H/2) + floor(H/2 - 1/2)"
    assert [net.at(H=h, W=9)["c"].receptive_field["H"].padding for h in (8, 9)] == [0, 1]
    (note,) = size_notes(net.usual(), "c")
    assert str(note) == "along image.H and image.W: the padding depends on the size: 0 for multiples of 2, 1 for 1 more"


def test_a_unit_above_an_upsampling_sees_by_its_phase() -> None:
    net = parse("dialect torch\nx = input(1, L=20)\nu = upsample(2)\nc = conv(1, kernel=2)")
    field = net.usual()["c"].receptive_field["L"]
    assert (field.size, field.least, field.stride, field.padding) == (2, 1, Fraction(1, 2), 0)
    assert field.centre(0) == 0 and field.centre(1) == Fraction(1, 2)
    cells = [net["c"].field(unit)["L"].cells for unit in range(4)]
    assert cells == [((0, 0),), ((0, 1),), ((1, 1),), ((1, 2),)]


def test_paths_that_are_not_aligned_are_told() -> None:
    net = parse("dialect torch\nx = input(1, L=20)\nadd(_, pad(((1, 0),)) -> conv(1, kernel=2))")
    field = net.usual()["add1"].receptive_field
    assert [str(note) for note in notes(net.usual(), field)] == [
        "along x.L: the paths into add1 are not aligned: centres 1/2 cell apart"
    ]


def test_between_the_windows_of_a_transposed_convolution_a_unit_sees_nothing() -> None:
    net = parse("dialect torch\nx = input(1, 5)\nt = conv_transpose(1, kernel=1, stride=3)")
    assert [net["t"].field(unit).empty for unit in range(4)] == [False, True, True, False]
    assert (net["t"].receptive_field["L"].size, net["t"].receptive_field["L"].least) == (1, 0)


def test_a_dilated_window_leaves_cells_out() -> None:
    place = parse("dialect torch\nx = input(1, 30)\nc = conv(1, kernel=3, dilation=4)")["c"].field(2)["L"]
    assert (place.first, place.last, place.cells) == (2, 10, ((2, 2), (6, 6), (10, 10)))


def test_mirrored_padding_is_read_from_inside() -> None:
    text = "dialect torch\nx = input(1, 9)\np = pad(2, mode={})\nc = conv(1, kernel=3)"
    seen = {mode: parse(text.format(mode))["c"].field(0)["L"].cells for mode in ("reflect", "replicate", "circular")}
    assert seen == {"reflect": ((0, 2),), "replicate": ((0, 0),), "circular": ((0, 0), (7, 8))}
    assert parse(text.format("constant"))["c"].field(0).padding == Fraction(2, 3)


def test_a_step_of_a_recurrent_layer_sees_the_past() -> None:
    net = parse("x = input(L=9, 4)\ny = lstm(8, sequences=true)\nz = lstm(8)").usual()
    assert net["y"].field(5)["L"].cells == ((0, 5),)
    assert net["z"].field(())["L"].cells == ((0, 8),)
    assert not net["y"].receptive_field["L"].exact and net["z"].receptive_field["L"].whole


def test_fields_in_several_inputs_go_by_name() -> None:
    net = parse("dialect torch\na = input(1, 9)\nb = input(1, 9)\nc = a -> conv(1, kernel=3, padding=1)\nd = add(c, b)")
    field = net["d"].receptive_field
    assert {name: axis.size for name, axis in field.items()} == {"a.L": 3, "b.L": 1}
    with pytest.raises(KeyError, match=r"several inputs: a\.L or b\.L"):
        field["L"]
    assert {name: one["L"].cells for name, one in unit_field(net, net["d"].wire, "d", 4).items()} == {
        "a": ((3, 5),),
        "b": ((4, 4),),
    }


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ((7, 0), "pool5 has no unit 7 along H: they are 0 to 6"),
        ((1,), "pool5 is 512 x 7 x 7; its units have a place along H, W, and 1 numbers are given"),
    ],
)
def test_a_unit_that_does_not_exist_is_refused(unit: tuple[int, ...], message: str) -> None:
    with pytest.raises(FieldError) as caught:
        example("vgg16")["pool5"].field(unit)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_in_the_middle_sees_what_the_formula_says(name: str) -> None:
    """For every layer of every example: its exact cells begin and end where size, stride and padding put them."""
    net = example(name).usual()
    for layer in net.layers[:: 1 + len(net) // 60]:
        axes = [n for n, axis in zip(layer.shape, layer.axes, strict=True) if axis != "C"]
        for one in unit_field(net, layer.wire, layer.path, tuple(n // 2 for n in axes)).values():
            for place in one.places:
                first, last = max(place.reach[0], 0), min(place.reach[1], place.n - 1)
                exact = layer.receptive_field
                if place.cells and all(axis.exact for axis in exact.values()):
                    assert place.first is not None and place.last is not None
                    assert place.first == first
                    # The last rows of an input may reach no unit at all.
                    assert place.last == last or last == place.n - 1


def test_one_layer_at_the_terminal() -> None:
    assert run(str(EXAMPLES / "vgg16.net"), "pool5") == (
        "axis     size  stride  padding  unit i sees\n"
        "image.H  212   32      90       32*i - 90 to 32*i + 121\n"
        "image.W  212   32      90       32*i - 90 to 32*i + 121\n"
    )


def test_one_unit_at_the_terminal() -> None:
    assert run(str(EXAMPLES / "vgg16.net"), "pool5", "--unit", "3,5") == (
        "unit 3, 5 of pool5 sees rows 6..217 and columns 70..223 of image\n"
        "    27.4% of it is padding: with padding it is rows 6..217, columns 70..281\n"
    )


def test_all_layers_at_the_terminal() -> None:
    assert run(str(EXAMPLES / "mnist.net")) == (
        "layer     input  size  stride  padding\n"
        "image     image  1     1       0\n"
        "conv1     image  7     3       0\n"
        "conv2     image  19    6       0\n"
        "flatten1  image  25    -       0\n"
        "dense1    image  25    -       0\n"
        "relu1     image  25    -       0\n"
        "dense2    image  25    -       0\n"
        "relu2     image  25    -       0\n"
        "dense3    image  25    -       0\n"
        "softmax1  image  25    -       0\n"
    )
