"""The laws that hold for every layer in the registry."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shapesolver import parse
from shapesolver.arithmetic import Formula, holds, substitute, symbol
from shapesolver.derive import apply
from shapesolver.layers.axiswise import AxisWise
from shapesolver.layers.base import RULES, Layer, Tensor
from shapesolver.layers.registry import kinds, parameter_names, spellings
from shapesolver.solve.unknowns import SOLVABLE
from tests.strategies import ALL_KINDS, AXIS_WISE, Placed, placed_layers

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])

INVERTIBLE = [op for op in AXIS_WISE if op != "fold"]
"""Fold states its result; its window law says how many columns that takes."""

STATED = {
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "global_avg_pool",
    "global_max_pool",
    "resize",
    "upsample",
}
"""Layers whose result does not follow from the input by a linear law."""


def symbolic(tensor: Tensor) -> tuple[Tensor, dict[str, int]]:
    """The tensor with every size a symbol, and the values that make it what it was."""
    names = [f"n{index}" for index in range(tensor.rank)]
    return Tensor(tuple(map(symbol, names)), tensor.axes), dict(zip(names, tensor.sizes, strict=True))


@pytest.mark.parametrize("op", [op for op in ALL_KINDS if kinds()[op].inputs != (0, 0)])
@EXAMPLES
@given(data=st.data())
def test_formulas_say_what_numbers_say(op: str, data: st.DataObject) -> None:
    """Derived with symbols and then given numbers, a layer makes what it makes of the numbers."""
    layer, inputs = data.draw(placed_layers([op]))
    concrete = apply(layer, inputs)
    tensor, values = symbolic(inputs[0])
    general = apply(layer, (tensor,) * len(inputs))
    if general.broken is not None:
        # A need may be beyond symbols (`split(2)` into an unknown number of pieces), or false for all sizes.
        assert concrete.broken is not None or general.broken.rule == "framework-limit"
        return
    met = all(holds(condition.truth, values) for condition in general.conditions)
    assert met == (concrete.broken is None) or op == "chunk"
    if met and concrete.broken is None:
        shapes = [tuple(substitute(size, values) for size in out.sizes) for out in general.outputs]
        assert shapes == [out.sizes for out in concrete.outputs] or "squeeze" in op


@pytest.mark.parametrize("op", INVERTIBLE)
@EXAMPLES
@given(data=st.data())
def test_the_inverse_is_the_set_of_sizes_that_give_the_result(op: str, data: st.DataObject) -> None:
    """Over a range: ``low <= size(n) <= high`` exactly for the valid ``n`` in ``inverse(low, high)``."""
    layer, inputs = data.draw(placed_layers([op]))
    assert isinstance(layer, AxisWise)
    assume(apply(layer, inputs).broken is None and len(inputs) == 1)
    axis = data.draw(st.integers(0, inputs[0].rank - 2))
    low = data.draw(st.integers(1, 12))
    high = low + data.draw(st.integers(0, 5))
    least, most = layer.inverse(low, high, axis)
    channels, spatial = layer.split(inputs[0])
    for n in range(1, 60):
        changed = layer.join(channels, (*spatial[:axis], n, *spatial[axis + 1 :]))
        if apply(layer, (changed,)).broken is None:
            assert (low <= layer.size(n, axis) <= high) == (least <= n <= most), n


@pytest.mark.parametrize("op", [op for op in INVERTIBLE if op not in STATED])
@EXAMPLES
@given(data=st.data())
def test_the_inverse_works_with_symbolic_targets(op: str, data: st.DataObject) -> None:
    """The interval of a symbolic target, given a number, is the number's interval."""
    layer, inputs = data.draw(placed_layers([op]))
    assert isinstance(layer, AxisWise)
    assume(apply(layer, inputs).broken is None and len(inputs) == 1)
    assume(getattr(layer, "output_size", None) is None)
    target = data.draw(st.integers(2, 12))
    general = layer.inverse(symbol("t"), symbol("t"), 0)
    assert tuple(substitute(end, {"t": target}) for end in general) == layer.inverse(target, target, 0)


@pytest.mark.parametrize("op", [op for op in ALL_KINDS if kinds()[op].inputs != (0, 0)])
@EXAMPLES
@given(data=st.data())
def test_a_run_of_results_reads_what_its_results_read(op: str, data: st.DataObject) -> None:
    """Every input axis is accounted for; what single results read lies within what their run reads."""
    layer, inputs = data.draw(placed_layers([op]))
    outcome = apply(layer, inputs)
    assume(outcome.broken is None)
    for output, made in enumerate(outcome.outputs):
        readings = layer.readings(*inputs, output=output)
        assert len(readings) == len(inputs)
        for axes, tensor in zip(readings, inputs, strict=True):
            assert axes is None or len(axes) == tensor.rank
            for reading, n in zip(axes or (), tensor.sizes, strict=False):
                if reading.follows is None:
                    assert reading.run(0, 0) == (0, n - 1)
                    continue
                assert 0 <= reading.follows < made.rank
                end = made.sizes[reading.follows] - 1
                first, last = reading.run(0, end)
                # Padding can be so wide that a window lies in it whole.
                assert (last >= 0 and first <= n - 1) or getattr(layer, "padding", 0) != 0
                inner = reading.run(1, end - 1)
                assert end < 2 or inner[0] > inner[1] or (first <= inner[0] and inner[1] <= last)
                if reading.taps is not None and getattr(layer, "mode", "constant") in ("constant", "zeros"):
                    assert all(first <= cell <= last for result in range(end + 1) for cell in reading.taps(result))


@EXAMPLES
@given(placed_layers())
def test_weights_hold_whole_numbers_of_cells(placed: Placed) -> None:
    layer, inputs = placed
    if apply(layer, inputs).broken is None:
        for weight in layer.weights(*inputs):
            assert all(isinstance(size, int) and size >= 1 for size in weight.shape), weight
            assert prod(weight.shape) >= 1


@EXAMPLES
@given(placed_layers())
def test_what_a_layer_calls_itself_reads_back_as_itself(placed: Placed) -> None:
    """``describe`` is canonical text: parsed, it gives an equal layer."""
    layer, inputs = placed
    assume(len(inputs) == 1 and layer.op != "unsqueeze")
    dialect = layer.dialect
    head = f"dialect {dialect.name}" + (f" opset={dialect.opset}" if dialect.onnx else "")
    sizes = ", ".join(map(str, inputs[0].sizes))
    net = parse(f"{head}\nx = input({sizes})\ny = {layer.describe()}")
    assert net["y"].node.layer == layer


@EXAMPLES
@given(placed_layers())
def test_a_broken_need_explains_itself(placed: Placed) -> None:
    outcome = apply(*placed)
    if outcome.broken is not None:
        trouble = outcome.broken.trouble()
        assert trouble.message and outcome.broken.rule in RULES
        assert not any(isinstance(piece, Formula) for piece in trouble)


def test_a_word_that_is_no_name_is_written_in_quotes() -> None:
    net = parse('input(8, 8, 1)\ny = upsample(2, mode="nearest-exact")')
    assert net["y"].kind.describe() == 'upsample(2, mode="nearest-exact")'


def test_every_spelling_names_parameters_that_exist() -> None:
    for name, spelling in spellings().items():
        known = {*parameter_names(spelling.kind.op).values()}
        parts = {f"{p}[{i}]" for p in spelling.kind.parameters for i in range(3)}
        extra = {"second"} if spelling.kind.family == "recurrent" else set()
        assert set(spelling.positional) <= known | parts | extra, name


def test_every_layer_is_documented() -> None:
    for op, kind in kinds().items():
        assert kind.__doc__, op
        for name, parameter in kind.parameters.items():
            assert parameter.doc, f"{op}.{name}"


def numbers_of(layer: Layer) -> list[tuple[str, tuple[int, ...]]]:
    """The parameters that are numbers, or tuples of numbers: each with the place of one."""
    found: list[tuple[str, tuple[int, ...]]] = []
    for name, parameter in layer.parameters.items():
        if parameter.kind in SOLVABLE:
            stack: list[tuple[Any, tuple[int, ...]]] = [(getattr(layer, name), ())]
            while stack:
                value, place = stack.pop()
                if isinstance(value, tuple):
                    stack += [(item, (*place, index)) for index, item in enumerate(value)]
                elif isinstance(value, int) and not isinstance(value, bool):
                    found.append((name, place))
    return found


def replaced_at(value: Any, place: tuple[int, ...], new: Any) -> Any:
    if not place:
        return new
    return tuple(replaced_at(item, place[1:], new) if i == place[0] else item for i, item in enumerate(value))


@pytest.mark.parametrize(
    "op", [op for op, kind in kinds().items() if any(p.kind in SOLVABLE for p in kind.parameters.values())]
)
@EXAMPLES
@given(data=st.data())
def test_a_parameter_may_be_a_symbol(op: str, data: st.DataObject) -> None:
    """Derived with a symbol for one parameter and then given its number, a layer makes what it makes of the number."""
    layer, inputs = data.draw(placed_layers([op]))
    places = numbers_of(layer)
    assume(places)
    name, place = data.draw(st.sampled_from(places))
    value = getattr(layer, name)
    for index in place:
        value = value[index]
    least = layer.parameters[name].least
    unknown = symbol("p", least=-99 if least is None else least)
    general = apply(layer.with_(**{name: replaced_at(getattr(layer, name), place, unknown)}), inputs)
    for number in (value, value + 1, value + data.draw(st.integers(2, 5))):
        concrete = apply(layer.with_(**{name: replaced_at(getattr(layer, name), place, number)}), inputs)
        if general.broken is not None:
            assert concrete.broken is not None or general.broken.rule == "framework-limit", number
            continue
        met = all(holds(condition.truth, {"p": number}) for condition in general.conditions)
        assert met == (concrete.broken is None), number
        if met:
            shapes = [tuple(substitute(size, {"p": number}) for size in out.sizes) for out in general.outputs]
            assert shapes == [out.sizes for out in concrete.outputs], number
