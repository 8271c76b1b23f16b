"""Text to tree, with every error of a file in one run.

Parsing stops at nothing: after an error the parser goes back to where the statement began and on to the next
line, so each error is reported by itself and the tree holds the statements that are good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

import lark
from lark import Token
from lark.exceptions import UnexpectedToken

from shapesolver.diagnostics import Diagnostic, Span
from shapesolver.language import complaints, tree
from shapesolver.language.assembly import Assembly, BadNumber
from shapesolver.language.comments import Comment, attach
from shapesolver.language.driver import Driver
from shapesolver.language.grammars import build_parser
from shapesolver.language.tokens import Tokens

MAX_ERRORS = 20
"""How many errors of a text are reported; those after it are counted."""
REMEMBERED = 8
"""How many texts' trees are kept: a network's own, and those that a search for fixes goes back to."""
MAX_REMEMBERED = 2**14
"""The longest text, in characters, whose tree is kept: a long one takes more memory than reading it again is worth."""


class Parsed(NamedTuple):
    """The good statements of a text, and what is wrong with the others."""

    tree: tree.File
    diagnostics: tuple[Diagnostic, ...]


@cache
def _net_parser() -> tuple[lark.Lark, Driver, Tokens]:
    tokens = Tokens()
    parser = build_parser("net.lark", "expression.lark", transformer=Assembly(), tokens=tokens)
    return parser, Driver(parser), tokens


def parse(text: str, filename: str = "<text>") -> Parsed:
    """The tree of a file's text and its errors; never raises for what a text may hold."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _remembered(text) if len(text) <= MAX_REMEMBERED else _parsed(text)


@lru_cache(maxsize=REMEMBERED)
def _remembered(text: str) -> Parsed:
    return _parsed(text)


def _parsed(text: str) -> Parsed:
    run = _Run(text)
    file = run.file()
    return Parsed(attach(file, run.comments(), text.split("\n")), run.reported())


def parse_expression(text: str) -> tuple[tree.Expression | None, tuple[Diagnostic, ...]]:
    """One expression, such as a condition on the command line: ``H % 16 == 0``."""
    parsed = parse(f"expect {text}")
    shifted = tuple(_shifted(d, len("expect ")) for d in parsed.diagnostics)
    (statement, *more) = parsed.tree.statements or (None,)
    if shifted or more or not isinstance(statement, tree.Expect):
        return None, shifted
    return statement.condition, ()


def _shifted(diagnostic: Diagnostic, columns: int) -> Diagnostic:
    line, column, end_line, end_column = diagnostic.span
    return replace(diagnostic, span=Span(line, max(column - columns, 1), end_line, max(end_column - columns, 1)))


@dataclass(slots=True)
class _Statement:
    """Where the parser stood when the current statement began."""

    states: int
    values: int
    first: Token


class _Run:
    """One parse of one text."""

    def __init__(self, text: str) -> None:
        self._found: list[Diagnostic] = []
        self._more = 0
        parser, self._driver, self._tokens = _net_parser()
        # lark's interactive parser carries no types.
        interactive: Any = parser.parse_interactive(text)
        self._interactive = interactive
        self._stream: Iterator[Token] = interactive.lexer_thread.lex(interactive.parser_state)
        self._statement: _Statement | None = None
        self._before: Token | None = None
        self._braces = 0

    def comments(self) -> list[Comment]:
        """The comments met."""
        return [Comment(c.line or 1, c.column or 1, str(c).rstrip()) for c in self._tokens.comments]

    def reported(self) -> tuple[Diagnostic, ...]:
        """The errors, at most :data:`MAX_ERRORS` of them and a last word on the rest."""
        if self._more:
            last = self._found[-1]
            message = f"{self._more} more errors in this file"
            self._found.append(Diagnostic("SS006", "too-many-errors", message, last.span))
        return tuple(self._found)

    def file(self) -> tree.File:
        """The tree of all good statements."""
        last = Token("$END", "", 0, 1, 1, 1, 1)
        for token in self._stream:
            last = token
            if (token.start_pos or 0) in self._tokens.too_deep:
                # Nothing after it is read: going on through 100,000 parentheses is what the limit is there to avoid.
                self._report(complaints.about_depth(token))
                if self._braces:
                    return tree.File(())
                self._drop()
                break
            self._feed(token)
        end = Token.new_borrow_pos("$END", "", last)
        return self._end(end)

    def _feed(self, token: Token) -> None:
        state = self._interactive.parser_state
        try:
            if token.type == "BAD" or (token.type == "RBRACE" and self._braces == 0):
                # Seen as a lookahead, a stray brace would end the file for the parser.
                self._blame(token)
                self._skip(token)
                return
            if not self._driver.feed(state.state_stack, state.value_stack, token):
                self._blame(token)
                self._skip(token)
                return
        except BadNumber as error:
            self._report(complaints.about_number(error))
            self._skip(token)
            return
        self._braces += (token.type == "LBRACE") - (token.type == "RBRACE")
        if token.type == "_NEWLINE":
            self._statement = None
        elif self._statement is None:
            self._statement = _Statement(len(state.state_stack) - 1, len(state.value_stack) - 1, token)
        self._before = token

    def _blame(self, token: Token) -> None:
        opener = self._tokens.unclosed.get(token.start_pos or 0)
        if opener is not None:
            self._report(complaints.about_unclosed(token, opener))
            return
        first = self._statement.first if self._statement else token
        self._report(complaints.about_token(token, self._interactive.accepts(), first, self._before))

    def _report(self, diagnostic: Diagnostic) -> None:
        if len(self._found) < MAX_ERRORS:
            self._found.append(diagnostic)
        else:
            self._more += 1

    def _drop(self) -> None:
        """Back to where the statement began."""
        if self._statement is not None:
            state = self._interactive.parser_state
            del state.state_stack[self._statement.states :]
            del state.value_stack[self._statement.values :]
            self._statement = None

    def _skip(self, token: Token) -> None:
        """Back to where the statement began, and on to the end of its line, or of its braces."""
        self._drop()
        depth = 0
        while True:
            depth += (token.type == "LBRACE") - (token.type == "RBRACE")
            if token.type == "_NEWLINE" and depth <= 0:
                return
            following = next(self._stream, None)
            if following is None:
                return
            token = following

    def _end(self, end: Token) -> tree.File:
        """Finish, closing braces that the file leaves open."""
        missing = 0
        while True:
            try:
                return self._interactive.feed_token(end)  # type: ignore[no-any-return]
            except UnexpectedToken:
                if "RBRACE" not in self._interactive.accepts():
                    self._blame(end)
                    return tree.File(())
                missing += 1
                if missing == 1:
                    self._report(
                        complaints.diagnostic("unclosed-parenthesis", "a `{` is never closed", end, ("expected", "`}`"))
                    )
                self._interactive.feed_token(Token.new_borrow_pos("RBRACE", "}", end))
                self._interactive.feed_token(Token.new_borrow_pos("_NEWLINE", "\n", end))
