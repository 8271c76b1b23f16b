"""Whole networks against ONNX: exported, run layer by layer, read again, and run at sizes around the boundary."""

from __future__ import annotations

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
from tests.conformance.alike import layer_by_layer  # noqa: E402
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
    assert not imported.warnings
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
    """Layer by layer, and with as many parameters as the model stores: weights that are shared or tied count once."""
    net, model = example
    back = read_again(model)
    stored = sum(math.prod(array.dims) for array in model.graph.initializer)
    assert back.params == stored
    assert stored == net.usual().params + uncounted(net)
    usual = {name: size for name, size in net.symbols.items() if name in back.symbols}
    assert back.at(**usual).output_shapes == net.usual().output_shapes
    assert layer_by_layer(back.at(**usual)) == layer_by_layer(net.usual())


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
