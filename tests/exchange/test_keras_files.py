"""Keras files read without Keras: what they say, and what is said of files that say nothing."""

from __future__ import annotations

import json
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import shapesolver
from shapesolver.cli import main
from shapesolver.exchange import ExchangeError, load
from shapesolver.exchange.errors import ExchangeWarning
from shapesolver.exchange.keras.archive import MAX_CONFIG
from tests.steps import HANG, steps, steps_at_most


def layer(class_name: str, name: str, inputs: list[Any] | None = None, /, **config: Any) -> dict[str, Any]:
    """A layer of Keras 2 in functional form; an input is a name, or (name, call, output)."""
    refs = [[r, 0, 0, {}] if isinstance(r, str) else [*r, {}] for r in inputs or ()]
    return {
        "class_name": class_name,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": [refs] if refs else [],
    }


def functional(layers: list[dict[str, Any]], outputs: list[str]) -> dict[str, Any]:
    inputs = [[item["name"], 0, 0] for item in layers if item["class_name"] == "InputLayer"]
    ends = [[name, 0, 0] for name in outputs]
    return {
        "class_name": "Functional",
        "config": {"name": "model", "layers": layers, "input_layers": inputs, "output_layers": ends},
        "keras_version": "2.15.0",
    }


def sequential(*layers: tuple[str, dict[str, Any]], shape: Any = (None, 28, 28, 1)) -> dict[str, Any]:
    """A sequential model of Keras 3."""
    entries = [{"class_name": "InputLayer", "config": {"batch_shape": shape, "name": "image"}}]
    entries += [{"class_name": name, "config": config} for name, config in layers]
    return {"class_name": "Sequential", "config": {"name": "model", "layers": entries}}


def write(folder: Path, config: Any) -> Path:
    path = folder / "model.json"
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return path


CONV = {"name": "conv1", "filters": 32, "kernel_size": [7, 7], "strides": [3, 3], "padding": "valid", "groups": 1}


def test_a_sequential_model(tmp_path: Path) -> None:
    config = sequential(
        ("Conv2D", {**CONV, "activation": "relu", "data_format": "channels_last"}),
        ("MaxPooling2D", {"name": "pool", "pool_size": [2, 2], "strides": [2, 2], "padding": "same"}),
        ("Flatten", {"name": "flatten"}),
        ("Dense", {"name": "classes", "units": 10, "activation": "softmax", "use_bias": False}),
    )
    assert load(write(tmp_path, config)).text == SEQUENTIAL


SEQUENTIAL = """\
dialect keras

image = input(28, 28, 1)

conv1 = conv(32, kernel=7, stride=3) -> relu
pool = max_pool(2, padding=same)
flatten
classes = dense(10, bias=false) -> softmax
"""


def test_free_sizes_are_symbols(tmp_path: Path) -> None:
    config = sequential(("Conv2D", CONV), shape=(None, None, None, 3))
    net = shapesolver.load(write(tmp_path, config))
    assert net.text == "dialect keras\n\nimage = input(H, W, 3)\n\nconv1 = conv(32, kernel=7, stride=3)\n"
    assert str(net["conv1"].tensor) == "(H - 7)//3 + 1 x (W - 7)//3 + 1 x 32"


def test_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(sequential(("Conv2D", CONV))))
        archive.writestr("model.weights.h5", b"weights are not read")
    assert shapesolver.load(path)["conv1"].shape == (8, 8, 32)


def test_branches_shared_layers_and_several_inputs(tmp_path: Path) -> None:
    shared = layer("Dense", "shared", ["left"], units=8)
    shared["inbound_nodes"].append([["right", 0, 0, {}]])
    model = functional(
        [
            layer("InputLayer", "left", batch_input_shape=[None, 16]),
            layer("InputLayer", "right", batch_input_shape=[None, 16]),
            shared,
            layer("Concatenate", "both", [("shared", 0, 0), ("shared", 1, 0)], axis=-1),
            layer("Dense", "out", ["both"], units=1, activation="sigmoid"),
            layer("Dense", "aside", ["both"], units=2),
        ],
        ["out", "aside"],
    )
    net = shapesolver.load(write(tmp_path, model))
    assert net.text == SHARED
    assert net.output_shapes == ((1,), (2,))
    assert net.params == 16 * 8 + 8 + 16 + 1 + 2 * 16 + 2


SHARED = """\
dialect keras

left = input(16)
right = input(16)

shared = left -> dense(8)
right -> reuse(shared)
both = concat(shared, _)
out = dense(1) -> sigmoid
aside = both -> dense(2)
output out, aside
"""


def test_a_model_within_a_model_is_laid_out(tmp_path: Path) -> None:
    inner = functional(
        [layer("InputLayer", "x", batch_input_shape=[None, 8]), layer("Dense", "wide", ["x"], units=32)], ["wide"]
    )
    nested = {**inner, "name": "inner", "inbound_nodes": [[["image", 0, 0, {}]]]}
    model = functional(
        [layer("InputLayer", "image", batch_input_shape=[None, 8]), nested, layer("Dense", "out", ["inner"], units=1)],
        ["out"],
    )
    net = shapesolver.load(write(tmp_path, model))
    assert [(item.path, item.shape) for item in net] == [("image", (8,)), ("inner_wide", (32,)), ("out", (1,))]


def test_the_names_of_keras_1(tmp_path: Path) -> None:
    convolution = {
        "name": "convolution",
        "nb_filter": 32,
        "nb_row": 3,
        "nb_col": 5,
        "subsample": [2, 2],
        "border_mode": "same",
        "dim_ordering": "th",
        "bias": True,
        "batch_input_shape": [None, 3, 32, 32],
        "activation": "linear",
    }
    config = {"class_name": "Sequential", "config": [{"class_name": "Convolution2D", "config": convolution}]}
    net = shapesolver.load(write(tmp_path, config))
    assert net["convolution"].kind.describe() == "conv(32, kernel=(3, 5), stride=2, padding=same)"
    assert net["convolution"].shape == (32, 16, 16)


def test_a_layer_in_another_layout_than_the_model_works_between_permutations(tmp_path: Path) -> None:
    config = sequential(
        ("Conv2D", {**CONV, "data_format": "channels_last"}),
        ("Conv2D", {**CONV, "data_format": "channels_last", "name": "conv2", "kernel_size": 1, "strides": 1}),
        ("MaxPooling2D", {"name": "pool", "pool_size": 2, "data_format": "channels_first"}),
    )
    net = shapesolver.load(write(tmp_path, config))
    assert net["pool"].kind.describe() == "max_pool(2)"
    assert net.output_shapes == ((8, 4, 16),)


def test_recurrent_layers_and_wrappers(tmp_path: Path) -> None:
    lstm = {"class_name": "LSTM", "config": {"name": "lstm", "units": 64, "return_sequences": True}}
    dense = {"class_name": "Dense", "config": {"name": "dense", "units": 5}}
    config = sequential(
        ("Embedding", {"name": "words", "input_dim": 1000, "output_dim": 16}),
        ("Bidirectional", {"name": "both", "layer": lstm, "merge_mode": "concat"}),
        ("TimeDistributed", {"name": "each", "layer": dense}),
        ("GRU", {"name": "gru", "units": 8, "reset_after": False}),
        shape=(None, None),
    )
    net = shapesolver.load(write(tmp_path, config))
    assert net.at(L=20)["both"].shape == (20, 128)
    assert net.at(L=20)["each"].shape == (20, 5)
    assert net["gru1"].weights["bias"] == (24,)


def test_lambda_layers_are_not_run_and_stay_opaque(tmp_path: Path) -> None:
    function = {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAA==", "defaults": None, "closure": None}}
    config = sequential(
        ("Lambda", {"name": "magic", "function": function, "output_shape": [7, 7, 5]}),
        ("Conv2D", {**CONV, "kernel_size": 3}),
    )
    path = write(tmp_path, config)
    with pytest.warns(ExchangeWarning, match="Lambda `magic` is kept as opaque: it runs Python code, and nothing"):
        net = shapesolver.load(path)
    assert net.text == OPAQUE
    assert net["conv1"].shape == (2, 2, 32)


OPAQUE = """\
dialect keras

image = input(28, 28, 1)

magic = opaque("Lambda", (7, 7, 5))
conv1 = conv(32, kernel=3, stride=3)
"""


def test_sizes_that_nobody_knows_are_symbols(tmp_path: Path) -> None:
    config = sequential(("MyLayer", {"name": "mine"}), ("Dense", {"name": "dense", "units": 2}))
    config["config"]["layers"][1]["module"] = "my.package"
    config["config"]["layers"][2]["build_config"] = {"input_shape": [None, None, 5]}
    with pytest.warns(ExchangeWarning, match="its class is the author's own"):
        net = shapesolver.load(write(tmp_path, config))
    assert 'mine = opaque("MyLayer", (mine_1, 5))' in net.text
    assert net.at(mine_1=9).output_shapes == ((9, 2),)


def test_every_command_takes_a_model(tmp_path: Path) -> None:
    path = str(write(tmp_path, sequential(("Conv2D", {**CONV, "strides": [4, 4]}))))
    run = CliRunner().invoke
    assert "conv1" in run(main, ["show", path]).output
    checked = run(main, ["check", path])
    assert checked.exit_code == 1 and "lost-pixels" in checked.output
    assert "27..30" in run(main, ["ask", path, "what input size gives 6x6"]).output
    out = tmp_path / "model.net"
    assert run(main, ["import", path, "-o", str(out)]).exit_code == 0
    assert out.read_text() == load(path).text


def test_no_command_writes_over_a_model(tmp_path: Path) -> None:
    path = write(tmp_path, sequential(("Conv2D", {**CONV, "padding": "valid"})))
    before = path.read_bytes()
    for command in (["fmt", str(path)], ["check", "--fix", str(path)]):
        CliRunner().invoke(main, command)
        assert path.read_bytes() == before
    assert "no .net file" in CliRunner().invoke(main, ["fmt", str(path)]).output


def residual_network(blocks: int) -> dict[str, Any]:
    """A deep residual network: four layers and a sum a block."""
    made = [layer("InputLayer", "image", batch_input_shape=[None, 224, 224, 64])]
    last = "image"
    for number in range(blocks):
        conv = {"filters": 64, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "use_bias": False}
        made += [
            layer("Conv2D", f"conv{number}_a", [last], **conv),
            layer("BatchNormalization", f"norm{number}", [f"conv{number}_a"], axis=-1),
            layer("Activation", f"act{number}", [f"norm{number}"], activation="relu"),
            layer("Conv2D", f"conv{number}_b", [f"act{number}"], **conv),
            layer("Add", f"sum{number}", [last, f"conv{number}_b"]),
        ]
        last = f"sum{number}"
    return functional(made, [last])


def test_reading_takes_linear_time(tmp_path: Path) -> None:
    def read(blocks: int) -> int:
        path = write(tmp_path, residual_network(blocks))
        assert len(load(path).graph.nodes) == 5 * blocks + 1
        return steps(lambda: load(path))

    assert read(110) < 11 * read(11)


# Bad files.


def hostile(folder: Path, name: str) -> Path:
    """A file that nobody should be able to hurt us with."""
    path = folder / "model.keras"
    good = json.dumps(sequential(("Conv2D", CONV)))
    match name:
        case "traversal":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("config.json", good)
                archive.writestr("../../etc/passwd", "gotcha")
        case "bomb":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("config.json", "w") as entry:
                for _ in range(3 * MAX_CONFIG // 2**22):
                    entry.write(b" " * 2**22)
        case "truncated":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("config.json", good)
            path.write_bytes(path.read_bytes()[:-40])
        case "twice":
            with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr("config.json", good)
                archive.writestr("config.json", good)
        case "empty":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("readme.txt", "hello")
        case "no archive":
            path.write_text(good)
        case "missing":
            pass
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("traversal", "the archive holds a file outside itself: '../../etc/passwd'"),
        ("bomb", "the configuration is longer than 64 MiB"),
        ("truncated", "is no archive that can be read: File is not a zip file"),
        ("twice", "the archive holds 2 files config.json, not one"),
        ("empty", "the archive holds 0 files config.json, not one"),
        ("no archive", "is no .keras archive"),
        ("missing", "cannot be read: No such file or directory"),
        ("folder", "is no regular file"),
        ("pipe", "is no regular file"),
    ],
)
def test_hostile_archives_are_refused_in_time(tmp_path: Path, name: str, message: str) -> None:
    path = hostile(tmp_path, name)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ExchangeError) as error, steps_at_most(HANG):
        load(path)
    assert message in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


CYCLE = functional(
    [
        layer("InputLayer", "image", batch_input_shape=[None, 8]),
        layer("Add", "a", ["image", "b"]),
        layer("Dense", "b", ["a"], units=8),
    ],
    ["b"],
)


def nested_models(depth: int) -> dict[str, Any]:
    model: dict[str, Any] = sequential(("Dense", {"name": "d", "units": 1}), shape=(None, 1))
    for _ in range(depth):
        outer = sequential(shape=(None, 1))
        outer["config"]["layers"].append(model)
        model = outer
    return model


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("not json", "the configuration is no JSON"),
        ("[1, 2]", "the configuration is no JSON object"),
        ("{}", "the configuration lists no layers"),
        ("[" * 100_000, "the configuration is nested too deep"),
        ('{"class_name": "Sequential", "config": {"layers": [7]}}', "a layer of model `sequential` has no class_name"),
        ({"class_name": "MyModel", "config": {}}, "the configuration of a MyModel lists no layers"),
        (CYCLE, "layers consume each other in a circle: a, b"),
        (nested_models(40), "models lie more than 32 deep in each other"),
        (
            functional([layer("Dense", "d", ["nobody"], units=1)], ["d"]),
            "consumes call 0 of `nobody`, which is not there",
        ),
        (sequential(("Conv2D", {"name": "c"})), "conv `c`: conv lacks channels and kernel"),
        (sequential(("Conv2D", {**CONV, "filters": -1})), "conv `conv1`: conv's channels is -1"),
        (sequential(("Dense", {"name": "d", "units": 1}), shape=None), "`image` states no shape"),
        (sequential(("Dense", {"name": "d", "units": "9" * 5000})), "takes a whole number"),
    ],
)
def test_bad_configurations_get_one_clear_error(tmp_path: Path, config: Any, message: str) -> None:
    path = write(tmp_path, config)
    with pytest.raises(ExchangeError) as error, steps_at_most(HANG):
        load(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_no_mangled_configuration_raises_anything_else(tmp_path: Path) -> None:
    """Values replaced at random by others of any kind: an error of ours, or a network."""
    base = json.dumps(CYCLE | {"config": {**CYCLE["config"], "output_layers": [["image", 0, 0]]}})
    draw = random.Random(0)
    junk = [None, True, -1, 0, 10**40, 1.5, "", "x", [], {}, [["image", 0, 0]], {"class_name": "Dense"}, [None, None]]

    def mangled(value: Any) -> Any:
        if draw.random() < 0.03:
            return draw.choice(junk)
        if isinstance(value, dict):
            return {key: mangled(item) for key, item in value.items()}
        return [mangled(item) for item in value] if isinstance(value, list) else value

    models = [json.loads(base), sequential(("Conv2D", CONV), ("Flatten", {"name": "f"})), nested_models(2)]
    for _ in range(1500):
        path = write(tmp_path, json.dumps(mangled(draw.choice(models))))
        try:
            model = load(path)
        except ExchangeError:
            continue
        shapesolver.parse(model.text)
