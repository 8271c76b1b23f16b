"""The parser's loop: tokens to reductions, by lark's tables.

A grammar with one rule for each precedence takes every operand through all of them: `atom`, `postfix`, `power` and
so on up to `pipeline`. Most reductions only rename what they take. Where a run of them ends depends on nothing but
the state below, the rule and the next token, so it is looked up.
"""

from __future__ import annotations

from typing import Any

import lark
from lark import Token
from lark.grammar import Rule
from lark.parsers.lalr_analysis import Reduce, Shift


class Driver:
    """Feeds tokens to an interactive parser of lark's: the same states and values, in fewer steps."""

    def __init__(self, parser: lark.Lark) -> None:
        # lark's parsers carry no types.
        conf: Any = parser.parse_interactive("").parser_state.parse_conf
        self._states: dict[int, dict[str, tuple[object, Any]]] = conf.states
        self._callbacks = conf.callbacks
        self._reached: dict[tuple[int, str, str], int] = {}

    def feed(self, states: list[int], values: list[Any], token: Token) -> bool:
        """Take a token; ``False`` where the grammar has no place for it."""
        kind = token.type
        while (step := self._states[states[-1]].get(kind)) is not None:
            action, what = step
            if action is Shift:
                states.append(what)
                values.append(token)
                return True
            size = len(what.expansion)
            taken = values[len(values) - size :]
            del states[len(states) - size :], values[len(values) - size :]
            values.append(self._callbacks[what](taken))
            key = states[-1], what.origin.name, kind
            reached = self._reached.get(key)
            if reached is None:
                reached = self._reached[key] = self._renamed(*key)
            states.append(reached)
        return False

    def _renamed(self, below: int, rule: str, kind: str) -> int:
        """The state after a reduction to this rule, and all those after it that only rename."""
        reached: int = self._states[below][rule][1]
        action, what = self._states[reached].get(kind, (None, None))
        if action is Reduce and _only_renames(what):
            return self._renamed(below, what.origin.name, kind)
        return reached


def _only_renames(rule: Rule) -> bool:
    """Whether it is `?sum: product`: the value stays as it is."""
    if not rule.options.expand1 or rule.alias is not None or len(rule.expansion) > 1:
        return False
    (inner,) = rule.expansion
    return not inner.is_term and not inner.name.startswith("_")
