"""Lines of a text while it is written: a line gets a name when something mentions its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from shapesolver.exchange import phrases
from shapesolver.exchange.naming import is_word
from shapesolver.language import tree
from shapesolver.language.formatter import INDENT, WIDTH, expression
from shapesolver.model.graph import Wire

ENTRY = Wire(-2)
"""What comes into a block or into a round of a repeat."""

LOCAL_NAMES = ("x", "y", "z", "u", "v", "w")
"""What results are called that have no name of their own."""
BODY_WIDTH = WIDTH - len(INDENT) + len(" -> ")
"""The longest line in a block, and the arrow that it does not end with."""


@dataclass(slots=True, eq=False)
class LineDraft:
    """A pipeline, growing."""

    stages: list[tree.Expression]
    names: list[str] = field(default_factory=list)
    wish: str = ""
    """What it would be called, were it mentioned."""
    allow: tuple[str, ...] = ()

    def finished(self) -> Iterator[tree.Line]:
        """The line; several where it is too long for one and has nothing that must stand on the same."""
        lengths = [len(expression(stage)) + len(" -> ") for stage in self.stages]
        ends = [len(lengths)]
        if not self.names and not self.allow and max(lengths) <= BODY_WIDTH:
            # The last line takes the most, so that what is elementwise stays together.
            for start in reversed(range(len(lengths))):
                if sum(lengths[start : ends[-1]]) > BODY_WIDTH:
                    ends.append(start + 1)
        starts = [*ends[1:], 0]
        for start, end in zip(reversed(starts), reversed(ends), strict=True):
            yield self._line(self.stages[start:end])

    def _line(self, stages: Sequence[tree.Expression]) -> tree.Line:
        first, *more = stages
        value = tree.Pipeline((first, *more), span=phrases.NOWHERE) if more else first
        notes = tree.Notes(after=f"# allow: {', '.join(self.allow)}" if self.allow else "")
        return tree.Line(
            tuple(map(phrases.name, self.names)), value, span=phrases.NOWHERE, allow=self.allow, notes=notes
        )


@dataclass(slots=True, eq=False)
class RepeatDraft:
    """A repeat, its body growing."""

    count: tree.Expression
    body: Scope

    def finished(self) -> Iterator[tree.Repeat]:
        """The repeat."""
        yield tree.Repeat(self.count, None, tuple(self.body.statements()), span=phrases.NOWHERE)


class Scope:
    """The lines of a file, block or round, and what their results are called."""

    def __init__(self, outer: Scope | None = None, taken: set[str] | None = None) -> None:
        self.previous: Wire | None = None
        """What ``_`` is at the next line."""
        self._drafts: list[LineDraft | RepeatDraft] = []
        self._results: dict[int, LineDraft] = {}
        self._named: dict[Wire, str] = {}
        self._outer = outer
        self._taken: set[str] = set() if taken is None else taken

    def statements(self) -> Iterator[tree.Statement]:
        """The statements, once all is written."""
        for draft in self._drafts:
            yield from draft.finished()

    def line(self, first: tree.Expression | None = None) -> LineDraft:
        """Begin a line, perhaps with where it starts from."""
        draft = LineDraft([] if first is None else [first])
        self._drafts.append(draft)
        return draft

    def repeat(self, count: tree.Expression) -> Scope:
        """Begin a repeat; its body."""
        body = Scope(self, self._taken)
        body.previous = ENTRY
        self._drafts.append(RepeatDraft(count, body))
        return body

    def result(self, draft: LineDraft, node: int) -> None:
        """Say which node a line ends with."""
        self._results[node] = draft
        self.previous = Wire(node)

    def anonymous(self, node: int) -> None:
        """Say that a repeat ends with a node."""
        self.previous = Wire(node)

    def know(self, wire: Wire, name: str) -> None:
        """Say what a result is called."""
        self._named[wire] = name
        self._taken.add(name)

    def mention(self, wire: Wire) -> tree.Expression:
        """A result as an argument: ``_`` where it is that of the line above, and its name elsewhere."""
        if wire == self.previous:
            return tree.Previous(span=phrases.NOWHERE)
        return phrases.name(self.name_of(wire))

    def name_of(self, wire: Wire) -> str:
        """A result's name, given now where it has none."""
        known = self._known(wire)
        if known is not None:
            return known
        if wire == ENTRY:
            draft = LineDraft([tree.Previous(span=phrases.NOWHERE)], [self.fresh("")])
            self._drafts.insert(0, draft)
        elif wire.node in self._results:
            draft = self._results[wire.node]
            if not draft.names:
                draft.names.append(self.fresh(draft.wish))
        else:
            # What a repeat leaves behind, mentioned before anything else is written.
            assert wire == self.previous, f"nothing is known of result {wire}"
            draft = self._results[wire.node] = self.line(tree.Previous(span=phrases.NOWHERE))
            draft.names.append(self.fresh(""))
        self._named[wire] = draft.names[wire.output if len(draft.names) > 1 else 0]
        return self._named[wire]

    def _known(self, wire: Wire) -> str | None:
        """The name that a result has here or further out; what comes in is each scope's own."""
        scope: Scope | None = self
        while scope is not None:
            if wire in scope._named or wire == ENTRY:
                return scope._named.get(wire)
            scope = scope._outer
        return None

    def nameless(self, wire: Wire) -> bool:
        """Whether a result can only be mentioned while nothing else has been written: that of a repeat."""
        known = wire == ENTRY or wire.node < 0 or wire.node in self._results
        return not known and self._known(wire) is None

    def free(self, name: str) -> bool:
        """Whether a name can be given."""
        return bool(name) and name not in self._taken and not is_word(name)

    def take(self, names: Iterable[str]) -> None:
        """Let names be given to nothing here."""
        self._taken.update(names)

    def fresh(self, wish: str) -> str:
        """A name that is not taken: the one wished for, if it is one and free."""
        numbered = (f"{wish or 'x'}_{number}" for number in count(2))
        name = next(name for name in chain([wish], () if wish else LOCAL_NAMES, numbered) if self.free(name))
        self._taken.add(name)
        return name
