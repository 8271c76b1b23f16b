"""Trying a change: apply it to the text, read and verify again, and compare the findings with those before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from shapesolver.diagnostics import Diagnostic, Edit, Fix, Severity
from shapesolver.language import parse, tree
from shapesolver.network import Network
from shapesolver.verify import Case, findings, verify
from shapesolver.verify.fixing.edits import Text

MAX_EFFORT = 25_000
"""How many lines and layers all attempts on one text may go through: a large file has fewer fixes, not a long wait.

A count of work and no clock, so that a text has the same fixes on every machine; it takes some three seconds.
"""

MAX_SERVED = 8
"""Among how many findings the effort is dealt out. Those after them have what these leave."""

_WEIGHT = {Severity.NOTE: 1, Severity.WARNING: 2, Severity.ERROR: 3}


class Outcome(NamedTuple):
    """A text read and verified at some sizes."""

    net: Network | None
    """Nothing where the text cannot be read as a network."""
    found: tuple[Diagnostic, ...]
    case: Case | None = None
    """What was worked out of the network."""


class Place(NamedTuple):
    """What makes a finding the same finding after an edit: its rule, and the start of the text that it is about."""

    code: str
    axis: str
    offset: int


@dataclass(slots=True)
class _Effort:
    """How many lines and layers have been gone through, and which part of :data:`MAX_EFFORT` may be."""

    spent: int = 0
    part: float = 1.0

    def afford(self, cost: int) -> bool:
        """Whether so much more may be gone through; if so, it counts as done."""
        if self.spent + cost > MAX_EFFORT * self.part:
            return False
        self.spent += cost
        return True


class Attempts:
    """One text at some input sizes, and what becomes of it. The rules are those that the findings came from.

    Sizes that were left open are tried at their usual values, where the file states them: a proof for each change
    would take long. A change that helps there is proved once, with the sizes open, before it is offered.
    """

    def __init__(
        self,
        text: str,
        asked: Outcome,
        sizes: Mapping[str, int],
        select: Collection[str] = (),
        ignore: Collection[str] = (),
    ) -> None:
        self.text = Text(text)
        self._asked = asked
        self.asked_sizes = dict(sizes)
        self.sizes = self.asked_sizes if asked.net is None else usual_sizes(asked.net)
        """The input sizes at which changes are tried."""
        self._select = tuple(select)
        self._ignore = tuple(ignore)
        self._effort = _Effort()
        self._at_all_sizes: dict[str, tuple[Diagnostic, ...]] = {}
        self.revealing: list[tuple[str, tuple[Edit, ...]]] = []
        """What removes the finding at hand and brings errors of layers to light that could not be derived before."""
        self._known: dict[tuple[str, tuple[tuple[str, int], ...]], Outcome] = {}

    @cached_property
    def file(self) -> tree.File:
        """The tree of the text."""
        return parse(self.text.text).tree

    @property
    def net(self) -> Network | None:
        """The network as it stands."""
        return self.before.net

    @cached_property
    def before(self) -> Outcome:
        """The text as it stands."""
        same = self.sizes == self.asked_sizes
        return self._asked if same else self._look(self.text.text, self.sizes)

    @cached_property
    def free(self) -> Network | None:
        """The network with every size of its inputs open."""
        return None if self.net is None else self.net.free()

    def found_at_all_sizes(self, code: str) -> tuple[Diagnostic, ...]:
        """What a rule finds with every size open, looked for once."""
        if code not in self._at_all_sizes:
            self._at_all_sizes[code] = () if self.free is None else verify(self.free, select=[code])
        return self._at_all_sizes[code]

    def afford(self, times: int = 1) -> bool:
        """Whether the network may be gone through so many times more; if so, they count as done."""
        layers = len(self.text.lines) if self.net is None else len(self.net)
        return self._effort.afford(times * (len(self.text.lines) + layers))

    def allot(self, number: int, findings: int) -> None:
        """Begin with one finding, counted from 1, which may use so much that it leaves some to those after it."""
        self._effort.part = min(number / min(findings, MAX_SERVED), 1)
        self.revealing.clear()

    def continued(self, edits: Collection[Edit]) -> Attempts | None:
        """What can be tried with the text that the edits make; the effort counts as one."""
        asked = self.after(edits, self.asked_sizes)
        if asked is None or asked.net is None:
            return None
        later = Attempts(self.text.after(edits), asked, self.asked_sizes, self._select, self._ignore)
        later._effort = self._effort
        return later

    def after(self, edits: Iterable[Edit], sizes: Mapping[str, int] | None = None) -> Outcome | None:
        """The text with the edits made, at these sizes or the same; ``None`` once too much has been tried."""
        sizes = self.sizes if sizes is None else sizes
        text = self.text.after(edits)
        key = text, tuple(sorted(sizes.items()))
        if key not in self._known:
            if not self.afford():
                return None
            self._known[key] = self._look(text, sizes)
        return self._known[key]

    def mended(
        self,
        finding: Diagnostic,
        edits: Collection[Edit],
        sizes: Mapping[str, int] | None = None,
        title: str = "",
    ) -> Outcome | None:
        """What becomes of a change that removes the finding and makes none as bad or worse; else ``None``.

        A change with a title that only brings more errors to light is kept as :attr:`revealing`.
        """
        outcome = self.after(edits, sizes)
        if outcome is None:
            return None
        if not self._better(finding, edits, self.before, outcome):
            if title and self.revealed(finding, edits) is not None:
                self.revealing.append((title, tuple(edits)))
            return None
        proved = self.sizes == self.asked_sizes or not edits or self.settled(finding, edits)
        return outcome if proved else None

    def revealed(self, finding: Diagnostic, edits: Collection[Edit]) -> Diagnostic | None:
        """The first new error after edits that remove a finding, if all that is new is of layers that had no size."""
        outcome = self.after(edits)
        if outcome is None or outcome.net is None or self.net is None:
            return None
        least = _WEIGHT[finding.severity]
        known = self._bad(self.before, (), least)
        (place,) = self._placed([finding], ())
        new = [
            (there, d)
            for there, items in self._placed(outcome.found, edits).items()
            for d in items
            if _WEIGHT[d.severity] >= least and (there, d.layer) not in known
        ]
        unsized = {
            node.path for node, o in zip(self.net.graph.nodes, self.net.derivation.outcomes, strict=True) if not o
        }
        gone = place not in {there for there, _ in new}
        return new[0][1] if new and gone and all(d.layer in unsized for _, d in new) else None

    def settled(self, finding: Diagnostic, edits: Collection[Edit]) -> bool:
        """Whether a change removes the finding and makes none as bad, at the sizes that were asked about."""
        after = self.after(edits, self.asked_sizes)
        return after is not None and self._better(finding, edits, self._asked, after)

    def _better(self, finding: Diagnostic, edits: Collection[Edit], before: Outcome, after: Outcome) -> bool:
        """Whether a finding that was there is gone, and none as bad has come."""
        least = _WEIGHT[finding.severity]
        known, left = self._bad(before, (), least), self._bad(after, edits, least)
        (place,) = self._placed([finding], ())
        # What is not so at these sizes before the change cannot be seen to be gone after it.
        gone = any(p == place for p, _ in known) and not any(p == place for p, _ in left)
        return gone and left <= known

    def _bad(self, outcome: Outcome, edits: Collection[Edit], least: int) -> set[tuple[Place, str]]:
        """The findings that are so bad, or worse, each by its place before the edits and its layer."""
        places = self._placed(outcome.found, edits).items()
        return {(place, d.layer) for place, items in places for d in items if _WEIGHT[d.severity] >= least}

    def following(self, edits: Collection[Edit]) -> Fix | None:
        """The only thing that the first error can mean which the edits bring to light; ``None`` without one."""
        outcome = self.after(edits)
        known = self._placed(self.before.found, ()).keys()
        new = self._placed(() if outcome is None else outcome.found, edits)
        found = next((items[0] for place, items in new.items() if place not in known), None)
        return found.fixes[0] if found is not None and len(found.fixes) == 1 else None

    def before_edits(self, later: Edit, edits: Collection[Edit]) -> Edit:
        """An edit of the edited text as one of the text that it was made from."""
        reach = Text(self.text.after(edits)).reach(later.span)
        return Edit(self.text.span(*(self.text.origin(offset, edits) for offset in reach)), later.text)

    def _placed(self, found: Iterable[Diagnostic], edits: Collection[Edit]) -> dict[Place, list[Diagnostic]]:
        """Findings by where they are in the text as it stood before the edits."""
        text = Text(self.text.after(edits)) if edits else self.text
        places: dict[Place, list[Diagnostic]] = defaultdict(list)
        for d in found:
            place = Place(d.code, d.axis, self.text.origin(text.offset(*d.span[:2]), edits))
            places[place].append(d)
        return places

    def _look(self, text: str, sizes: Mapping[str, int]) -> Outcome:
        net, found = Network.examine(text)
        if net is None:
            return Outcome(None, found)
        try:
            placed = net.at(**sizes)
        except ValueError:
            return Outcome(None, found)
        known = self._asked.case
        case = Case(placed) if known is None else known.reread(placed)
        return Outcome(placed, findings(case, self._select, self._ignore), case)


def usual_sizes(net: Network) -> dict[str, int]:
    """The sizes of a network, those left open at their usual values; as they are where one has none."""
    usual = {name: size for name, size in net.symbols.items() if size is not None}
    return {**usual, **net.values} if len(usual) == len(net.symbols) else dict(net.values)
