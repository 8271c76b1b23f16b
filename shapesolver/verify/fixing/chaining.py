"""Two changes that mend together what one alone only moves: behind a layer that cannot be built others are not
looked at, and once it can be, the next may not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from shapesolver.diagnostics import Diagnostic, Edit, Fix
from shapesolver.verify.fixing.attempts import Attempts
from shapesolver.verify.fixing.edits import compatible

MAX_FIRST = 2
"""How many parameters of the first layer are changed, each to its nearest value, before a change of the next."""

Source = Callable[[Diagnostic, Attempts], Iterator[Fix]]


def chained_fixes(finding: Diagnostic, attempts: Attempts, sources: Sequence[Source]) -> Iterator[Fix]:
    """For changes that bring an error of a later layer to light, that one's first fix with them."""
    for title, edits in _first_of_each(attempts.revealing):
        next_error, later = attempts.revealed(finding, edits), attempts.continued(edits)
        if next_error is None or later is None:
            continue
        following = (fix for source in sources for fix in source(next_error, later) if fix.edits)
        for fix in islice(following, 1):
            more = tuple(attempts.before_edits(edit, edits) for edit in fix.edits)
            together: tuple[Edit, ...] = (*edits, *more)
            if len(compatible(attempts.text, [edits, more])) == len(together) and attempts.mended(finding, together):
                owner = "" if f" of {next_error.layer}" in fix.title else f" of {next_error.layer}"
                yield Fix(f"{title}, and then {fix.title.partition(', which')[0]}{owner}", together)


def _first_of_each(revealing: Sequence[tuple[str, tuple[Edit, ...]]]) -> list[tuple[str, tuple[Edit, ...]]]:
    """The first change of every parameter."""
    found = {title.partition("=")[0]: (title, edits) for title, edits in reversed(revealing)}
    return [pair for pair in revealing if pair in found.values()][:MAX_FIRST]
