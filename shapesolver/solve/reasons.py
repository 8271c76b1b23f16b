"""Why nothing gives a target: whom to blame, and what comes nearest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shapesolver.arithmetic import Dim, Formula, Truth, both, substitute, symbols
from shapesolver.arithmetic.atoms import Symbol
from shapesolver.arithmetic.masks import Undecided
from shapesolver.arithmetic.pullback import preimage
from shapesolver.arithmetic.sets import IntSet
from shapesolver.derive import Derivation
from shapesolver.layers.axiswise import AxisWise
from shapesolver.measure.proofs import upstream
from shapesolver.model.graph import Wire
from shapesolver.solve.regions import Region, region
from shapesolver.solve.targets import Target, Wanted

if TYPE_CHECKING:
    from shapesolver.solve.answers import Answer


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about sizes, its parts told apart so that one of them can be blamed."""

    derivation: Derivation
    wire: Wire | None
    """The one result that it is about, if it is about one."""
    target: Truth
    wanted: tuple[Wanted, ...]
    """The sizes that the target wants to be numbers."""
    needs: Truth
    assumed: Truth
    where: Truth
    unknowns: tuple[Symbol, ...]

    @property
    def condition(self) -> Truth:
        """All of it together."""
        return both(self.target, self.needs, self.assumed, self.where)


def why_not(asked: Asked) -> str:
    """Why nothing gives the target: the layer whose sizes jump past it, or what contradicts what."""
    jump = _jump_of(asked)
    if jump:
        return jump
    if asked.assumed is False:
        return "the file assumes what is false for every size"
    if _empty(asked.assumed, asked):
        return f"the file's assumptions contradict each other: nothing satisfies {asked.assumed}"
    if _empty(asked.where, asked):
        return f"nothing satisfies `where {asked.where}`"
    if _empty(both(asked.needs, asked.assumed), asked):
        return f"no size can be built: {_blamed(asked, asked.assumed) or 'the layers need what they exclude'}"
    if _empty(both(asked.assumed, asked.where), asked):
        return f"the file assumes {asked.assumed}, which `where` excludes"
    near = _nearest(asked)
    for part, said in ((asked.where, "where"), (asked.assumed, "assumes")):
        if part is not True and _empty(both(asked.target, part), asked):
            how = "`where` excludes it" if said == "where" else f"the file assumes {part}, which excludes it"
            return f"{how}{near}"
    blamed = _blamed(asked, both(asked.target, asked.assumed, asked.where))
    return f"{blamed or 'no size satisfies all that the layers and the question need'}{near}"


def _empty(truth: Truth, asked: Asked) -> bool:
    """Whether surely no size satisfies a part of the question."""
    found = _region(truth, asked)
    return found is not None and not found.boxes


def _region(truth: Truth, asked: Asked) -> Region | None:
    try:
        return region(truth, asked.unknowns)
    except Undecided:
        return None


def _blamed(asked: Asked, given: Truth) -> str:
    """The first layer whose needs leave nothing of what is given: ``concat1 needs H//2 == 2*(H//4)``."""
    targets = [asked.wire.node] if asked.wire else range(len(asked.derivation.graph.nodes))
    so_far = given
    for index in upstream(asked.derivation, targets):
        outcome = asked.derivation.outcomes[index]
        for condition in outcome.conditions if outcome else ():
            so_far = both(so_far, condition.truth)
            if _empty(so_far, asked):
                node = asked.derivation.graph.nodes[index]
                return f"{node.path} (line {node.span.line}) needs {condition.truth}"
    return ""


def _nearest(asked: Asked) -> str:
    """``; the nearest that works: 496 at H = 496, 512 at H = 512``, of one wanted size in one unknown."""
    found: list[str] = []
    for _, size, number in asked.wanted:
        names = symbols(size)
        if len(names) != 1:
            continue
        free = _region(both(asked.needs, asked.assumed, asked.where), asked)
        if free is None or len(free.boxes) != 1 or free.rest is not True or names[0].text not in free.boxes[0]:
            continue
        near = _around(size, number, free.boxes[0][names[0].text], names[0])
        text = " and ".join(f"{made} (at {names[0].text} = {n})" for n, made in near)
        if text and text not in found:
            found.append(text)
    return f"; the nearest that work are {', '.join(found)}" if found else ""


def _around(size: Dim, wanted: int, valid: IntSet, name: Symbol) -> list[tuple[int, int]]:
    """The valid inputs whose size comes nearest below and above a wanted one, and these sizes."""
    found: list[tuple[int, int]] = []
    try:
        below = (preimage(size, None, wanted - 1, name) & valid).max
        above = (preimage(size, wanted + 1, None, name) & valid).min
    except Undecided:
        return []
    for n in (below, above):
        if n is not None:
            found.append((n, substitute(size, {name.text: n})))
    return found


def _jump_of(asked: Asked) -> str:
    """The jump past the wanted size of a layer, where its sizes alone exclude it."""
    for label, size, number in asked.wanted:
        if number < 1:
            return f"a size is 1 or more, and {label} = {number} is asked for{_nearest(asked)}"
        if isinstance(size, int) and size != number:
            return f"{label} is {size}, whatever the input"
        if jump := _jump(size, number, label):
            return jump + _culprit(asked, size, number)
    return ""


def _jump(size: Dim, wanted: int, name: str) -> str:
    """``conv2.H jumps from 2 (at H = 30) to 4 (at H = 31): nothing gives 3``."""
    names = symbols(size)
    if len(names) != 1 or not isinstance(size, Formula):
        return ""
    unknown = names[0].text
    try:
        if preimage(size, wanted, wanted, names[0]):
            return ""
        below = preimage(size, None, wanted - 1, names[0]).max
        above = preimage(size, wanted + 1, None, names[0]).min
    except Undecided:
        return ""
    at = [None if n is None else (substitute(size, {unknown: n}), f"{unknown} = {n}") for n in (below, above)]
    if at[0] and at[1]:
        return f"{name} jumps from {at[0][0]} (at {at[0][1]}) to {at[1][0]} (at {at[1][1]}): nothing gives {wanted}"
    if at[1]:
        return f"{name} = {size} is {at[1][0]} at the least (at {at[1][1]}): nothing gives {wanted}"
    return f"{name} = {size} is never {wanted}"


def jump_past(target: Target, name: str, least: int, tried: IntSet | None) -> str:
    """The jump past a wanted size as one parameter grows: solved where its law can be, found by trying otherwise."""
    for label, size, number in target.wanted:
        if [symbol.text for symbol in symbols(size)] == [name]:
            values = tried if tried is not None else IntSet.interval(max(least, 1), MANY)
            jump = _jump(size, number, label) or _jump_seen(size, number, label, values)
            if jump:
                return jump
    return ""


def _jump_seen(size: Dim, wanted: int, label: str, values: IntSet) -> str:
    """The same, looked for among some values of a parameter that no law is solved for."""
    (name,) = symbols(size)
    made = {n: substitute(size, {name.text: n}) for n in values}
    below = max(((m, -n) for n, m in made.items() if 1 <= m < wanted), default=None)
    above = min(((m, n) for n, m in made.items() if m > wanted), default=None)
    if below is None or above is None or wanted in made.values():
        return ""
    sizes = f"{below[0]} (at {name.text} = {-below[1]}) to {above[0]} (at {name.text} = {above[1]})"
    return f"{label} jumps from {sizes}: nothing gives {wanted}"


MANY = 1000
"""As many values of a parameter are looked at for the sizes on both sides of a jump."""


def _culprit(asked: Asked, size: Dim, wanted: int) -> str:
    """The layer in whose law the gap lies: walking back, the first that makes no such size of any input."""
    derivation, wire = asked.derivation, asked.wire
    tensor = None if wire is None else derivation.tensor(*wire)
    if wire is None or tensor is None or size not in tensor.sizes:
        return ""
    place = tensor.sizes.index(size)
    low = high = wanted
    while True:
        node, layer, inputs = (
            derivation.graph.nodes[wire.node],
            derivation.layers[wire.node],
            derivation.inputs(wire.node),
        )
        if not inputs or len(inputs) > 1:
            return ""
        (axes,) = layer.readings(*inputs)
        channel = len(inputs[0].axes) - 1 if layer.dialect.channels_last else 0
        if isinstance(layer, AxisWise) and place != channel and axes is not None and axes[place].follows == place:
            least, most = layer.inverse(low, high, place - (place > channel))
            if not isinstance(least, int) or not isinstance(most, int):
                return ""
            if least > most or most < 1:
                return f"; {node.path} (line {node.span.line}) leaps over it"
            low, high = least, most
        elif not layer.elementwise:
            return ""
        wire = node.inputs[0]


def instead(answer: Answer, usual: Mapping[str, Dim]) -> tuple[str, ...]:
    """``H = 100 does not work; 96 and 112 do, or pad by 12``, for usual sizes that are no solution."""
    if len(answer.boxes) != 1:
        return () if not answer.boxes else _nearest_of_many(answer, usual)
    if answer.condition is not True:
        return _nearest_of_many(answer, usual)
    groups: dict[tuple[int, IntSet], list[str]] = {}
    for name, members in answer.boxes[0].items():
        size = usual.get(name)
        if isinstance(size, int) and size not in members:
            groups.setdefault((size, members), []).append(name)
    found = []
    for (size, members), names in groups.items():
        below, above = members.last_at_most(size), members.next_at_least(size)
        near = [n for n in (below, above) if n is not None and n >= 1]
        pad = f", or pad by {above - size}" if above is not None else ""
        verb = "do" if len(near) > 1 else "does"
        what = " = ".join((*names, str(size)))
        found.append(f"{what} does not work; {' and '.join(map(str, near))} {verb}{pad}")
    return tuple(found)


def _nearest_of_many(answer: Answer, usual: Mapping[str, Dim]) -> tuple[str, ...]:
    """The nearest solution, where sizes depend on each other."""
    at = {name: usual[name] for name in answer.unknowns if isinstance(usual.get(name), int)}
    values = {name: size for name, size in at.items() if isinstance(size, int)}
    if values.keys() != set(answer.unknowns) or answer.holds(**values):
        return ()
    near = answer.nearest(**values)
    if near is None:
        return ()
    asked = " x ".join(map(str, values.values()))
    return (f"{asked} does not work; {' x '.join(str(near[name]) for name in values)} does",)
