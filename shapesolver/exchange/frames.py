"""A block's parameters, found from what differs among the places that it stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from shapesolver.exchange import phrases
from shapesolver.language import tree
from shapesolver.layers.parameters import Kind

CHANNELS = frozenset(
    ["channels", "units", "dim", "features", "projection", "key_dim", "value_dim", "sizes", "squeezed"]
)
"""Parameters that count channels: one may be a multiple of another."""
COUNT = "n"
"""The name of a parameter that says how often something repeats."""

NONE: Any = object()
"""The default of a parameter that has none."""


class BlockParameter(NamedTuple):
    """A parameter of a block."""

    name: str
    hint: str
    kind: Kind | None
    default: Any = NONE


class _Column(NamedTuple):
    values: tuple[Any, ...]
    hint: str
    kind: Kind | None

    @property
    def family(self) -> str:
        return "c" if self.hint in CHANNELS else self.hint


class Frame:
    """The scope of a file or block that stands for ``count`` places at once.

    Its text is written twice: first to collect the values that differ from place to place, then, after
    :meth:`solve`, with parameters for them.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.parameters: list[BlockParameter] = []
        self.arguments: list[tuple[Any, ...]] = [()] * count
        """For each place the parameters' values."""
        self._columns: list[_Column] = []
        self._expressions: list[tree.Expression] | None = None
        self._next = 0

    def express(self, values: Sequence[Any], hint: str, kind: Kind | None) -> tree.Expression:
        """A value that may differ from place to place, as a number or in terms of the parameters."""
        if values.count(values[0]) == len(values):
            return phrases.value(values[0], kind)
        if self._expressions is None:
            self._columns.append(_Column(tuple(values), hint, kind))
            return phrases.value(None)
        self._next += 1
        return self._expressions[self._next - 1]

    def solve(self) -> None:
        """Find the fewest parameters: equal columns share one, and a multiple of another needs none."""
        bases: dict[tuple[str, tuple[Any, ...]], int] = {}
        found: list[_Column] = []
        terms: dict[tuple[str, tuple[Any, ...]], tuple[int, int]] = {}
        for column in sorted(dict.fromkeys(self._columns), key=_weight):
            key = (column.family, column.values)
            if key in terms:
                continue
            terms[key] = next(((bases[b], k) for b in bases if (k := _multiple(key, b)) is not None), (len(found), 1))
            if terms[key] == (len(found), 1):
                bases[key] = len(found)
                found.append(column)
        order = list(dict.fromkeys(terms[column.family, column.values][0] for column in self._columns))
        named = self._named([found[index] for index in order])
        self.parameters = [parameter for parameter, _ in named]
        names = {order[place]: parameter.name for parameter, place in named}
        self.arguments = [
            tuple(found[order[place]].values[instance] for _, place in named) for instance in range(self.count)
        ]
        self._expressions = []
        for column in self._columns:
            index, factor = terms[column.family, column.values]
            self._expressions.append(_times(names[index], factor))

    def _named(self, columns: list[_Column]) -> list[tuple[BlockParameter, int]]:
        """The parameters, those without a default first, each with its column's place."""
        used: Counter[str] = Counter()
        required, optional = [], []
        for place, column in enumerate(columns):
            used[column.family] += 1
            number = used[column.family]
            name = column.family if number == 1 else f"{column.family}{number}"
            value, times = Counter(column.values).most_common(1)[0]
            if column.family in ("c", COUNT) or 2 * times <= self.count:
                required.append((BlockParameter(name, column.hint, column.kind), place))
            else:
                optional.append((BlockParameter(name, column.hint, column.kind, value), place))
        required.sort(key=lambda entry: {"c": 0, COUNT: 2}.get(entry[0].name.rstrip("0123456789"), 1))
        return [*required, *optional]


def _weight(column: _Column) -> float:
    return sum(value for value in column.values if isinstance(value, int))


def _multiple(key: tuple[str, tuple[Any, ...]], base: tuple[str, tuple[Any, ...]]) -> int | None:
    """The whole number that makes one column of channels of another, if there is one."""
    (family, values), (other, smaller) = key, base
    if family != "c" or other != "c" or not all(type(n) is int and n > 0 for n in (*values, *smaller)):
        return None
    factor = values[0] // smaller[0]
    return factor if factor > 1 and all(n == factor * m for n, m in zip(values, smaller, strict=True)) else None


def _times(name: str, factor: int) -> tree.Expression:
    if factor == 1:
        return phrases.name(name)
    return tree.Binary("*", phrases.value(factor), phrases.name(name), span=phrases.NOWHERE)
