"""What lets a person check an answer: the general rule, a case worked through, its neighbours, and whom to blame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from shapesolver.arithmetic import Both, Comparison, Dim, Formula, Truth, substitute, symbol, symbols
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.pullback import preimage, pull_back_interval
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation, derive
from shapesolver.model.graph import Graph, Wire
from shapesolver.solve.answers import Check
from shapesolver.solve.coverage import reading

if TYPE_CHECKING:
    from shapesolver.solve.answers import Answer


def rule_for(derivation: Derivation, wire: Wire) -> str:
    """``conv2.H = (H - 7)//6 - 1; n x n needs 6*n + 13 <= H <= 6*n + 18``, of the first axis that has one."""
    tensor = derivation.tensor(*wire)
    if tensor is None:
        return ""
    path = derivation.graph.nodes[wire.node].path
    for size, axis in zip(tensor.sizes, tensor.axes, strict=True):
        names = symbols(size) if isinstance(size, Formula) else ()
        if len(names) != 1:
            continue
        law = f"{path}.{axis} = {size}"
        n = symbol("n")
        try:
            low, high = pull_back_interval(size, n, n, names[0])
        except (Undecided, ValueError):
            return law
        square = " x ".join(["n"] * sum(a != "C" for a in tensor.axes))
        needs = f"{names[0].text} = {low}" if low == high else f"{low} <= {names[0].text} <= {high}"
        return f"{law}; {square} needs {needs}"
    return ""


def worked(graph: Graph, wire: Wire, answer: Answer, usual: Mapping[str, Dim]) -> tuple[Check, ...]:
    """A solution worked through, lossless if there is one, then the sizes next door that are none."""
    best = answer.lossless if answer.lossless and answer.lossless.boxes else answer
    near = {name: value for name, value in usual.items() if isinstance(value, int) and name in answer.unknowns}
    values = best.nearest(**near)
    if values is None:
        return ()
    checks = [Check(values, _sizes(graph, wire, values))]
    if answer.condition is True and not answer.ties and len(answer.boxes) == 1:
        box = answer.boxes[0]
        name = next(iter(box))
        for beyond in _next_door(box[name], values[name]):
            moved = {n: beyond if box[n] == box[name] else value for n, value in values.items()}
            checks.append(Check(moved, _sizes(graph, wire, moved)))
    return tuple(checks)


def _next_door(members: IntSet, inside: int) -> list[int]:
    """The nearest numbers below and above that are not members."""

    outside = ~members
    below, above = outside.last_at_most(inside), outside.next_at_least(inside)
    return [n for n in (below, above) if n is not None and n >= 1]


def _sizes(graph: Graph, wire: Wire, values: Mapping[str, int]) -> tuple[int, ...]:
    """The sizes of the first spatial axis along the way from the input; empty where a layer cannot be built."""
    derivation = derive(graph, values)
    if derivation.tensor(*wire) is None:
        return ()
    sizes: list[int] = []
    axis = next((name.rpartition(".")[2] for name in values), "H")
    node: int | None = wire.node
    while node is not None:
        tensor = derivation.tensor(node)
        if tensor is not None and axis in tensor.axes:
            size = tensor.sizes[tensor.axes.index(axis)]
            if isinstance(size, int) and (not sizes or sizes[-1] != size):
                sizes.append(size)
        inputs = graph.nodes[node].inputs
        node = inputs[0].node if inputs else None
    return tuple(reversed(sizes))


def unread_cells(
    derivation: Derivation, wire: Wire, answer: Answer, usual: Mapping[str, Dim]
) -> tuple[tuple[str, int, int], ...]:
    """What the usual size, and the greatest solution, leave unread at the end of the input."""
    found: dict[tuple[str, int], int] = {}
    if len(answer.boxes) != 1 or answer.ties:
        return ()
    (box,) = answer.boxes
    name = next(iter(box), "")
    interval = reading(derivation, wire, name.rpartition(".")[2])
    if interval is None or not name:
        return ()
    for n in (usual.get(name), box[name].max):
        if isinstance(n, int) and n in box[name]:
            # With several inputs it is the one whose size this is that counts; the others are not named.
            lasts = [substitute(last, {name: n}) for _, last in interval.values()]
            if len(lasts) == 1 and isinstance(lasts[0], int) and lasts[0] < n - 1:
                found[name, n] = n - 1 - lasts[0]
    return tuple((name, n, lost) for (name, n), lost in found.items())


def instead(answer: Answer, usual: Mapping[str, Dim]) -> tuple[str, ...]:
    """``H = 100 does not work; 96 and 112 do, or pad by 12``, for usual sizes that are no solution."""
    if len(answer.boxes) != 1 or answer.condition is not True:
        return ()
    found = []
    for name, members in answer.boxes[0].items():
        size = usual.get(name)
        if not isinstance(size, int) or size in members:
            continue
        below, above = members.last_at_most(size), members.next_at_least(size)
        near = " and ".join(str(n) for n in (below, above) if n is not None and n >= 1)
        pad = f", or pad by {above - size}" if above is not None else ""
        found.append(f"{name} = {size} does not work; {near} do{'es' if below is None or above is None else ''}{pad}")
    return tuple(found)


def why_not(derivation: Derivation, wire: Wire | None, condition: Truth, unknowns: Sequence[Symbol]) -> str:
    """Why nothing gives the target: the layer whose sizes jump past it, or what contradicts what."""
    if wire is not None and (tensor := derivation.tensor(*wire)) is not None:
        path = derivation.graph.nodes[wire.node].path
        for size, axis in zip(tensor.sizes, tensor.axes, strict=True):
            jump = _jump(size, condition, f"{path}.{axis}")
            if jump:
                return jump
    if condition is False:
        return "no size does: the layers need what the question excludes"
    return "no size satisfies all that the layers and the question need"


def _jump(size: Dim, condition: Truth, name: str) -> str:
    """``conv2.H jumps from 2 (at 30) to 4 (at 31)``, for the size that the condition wants and no input gives."""
    wanted = _wanted(size, condition)
    names = symbols(size) if isinstance(size, Formula) else ()
    if wanted is None or len(names) != 1 or not isinstance(size, Formula):
        return ""
    unknown = names[0].text
    try:
        if preimage(size, wanted, wanted, names[0]):
            return ""
        below = preimage(size, None, wanted - 1, names[0]).max
        above = preimage(size, wanted + 1, None, names[0]).min
    except Undecided:
        return ""
    if below is None or above is None:
        return f"{name} = {size} is never {wanted}"
    at = [(n, _at(size, unknown, n)) for n in (below, above)]
    return (
        f"{name} jumps from {at[0][1]} (at {unknown} = {at[0][0]}) to {at[1][1]} (at {unknown} = {at[1][0]}): "
        f"nothing gives {wanted}"
    )


def _at(size: Formula, unknown: str, n: int) -> object:

    return substitute(size, {unknown: n})


def _wanted(size: Dim, condition: Truth) -> int | None:
    """The number that a condition wants a size to be."""

    items = condition.items if isinstance(condition, Both) else (condition,)
    for item in items:
        if isinstance(item, Comparison) and item.op == "==" and item.left == size and isinstance(item.right, int):
            return item.right
    return None
