"""Between lexer and parser: newlines that count, parentheses that close, and limits that hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lark import Token

MAX_DEPTH = 100
"""How deep one expression may nest, in parentheses and operators together."""

OPENERS = {"LPAREN": ")", "_LBRACKET": "]"}
CLOSERS = {"RPAREN": ")", "RBRACKET": "]"}
DEEPENING = {"SIGN", "POWER", "STAR", "DIVIDE", "_DOT", "NOT"}
ENDS_OPERAND = {"NAME", "PREVIOUS", "NUMBER", "STRING", "HOLE", "RPAREN", "RBRACKET"}
STARTS_STATEMENT = {"DIALECT", "LAYOUT", "LET", "ASSUME", "EXPECT", "OUTPUT", "BLOCK", "REPEAT"}


class Depth:
    """How deep the current expression nests, in parentheses and operators; never less than the tree to come.

    For each open parenthesis it keeps the operators since the last comma, and the most between any two commas.
    """

    def __init__(self) -> None:
        self._levels: list[tuple[int, int]] = []
        self._now = self._most = 0
        self._outside = 0

    def token(self, kind: str) -> int:
        """Count a token; the depth so far."""
        if kind in OPENERS:
            self._levels.append((self._now, self._most))
            self._outside += max(self._now, self._most)
            self._now, self._most = 1, 0
        elif kind in CLOSERS and self._levels:
            inner = max(self._now, self._most)
            self._now, self._most = self._levels.pop()
            self._outside -= max(self._now, self._most)
            self._now += inner
        elif kind in ("_COMMA", "_ARROW"):
            self._most = max(self._now, self._most)
            self._now = 1 if self._levels else 0
        elif kind in DEEPENING:
            self._now += 1
        return self._outside + max(self._now, self._most)


class Tokens:
    """The post-lexer. Newlines inside parentheses are dropped; braces stand on lines of their own.

    A brace inside parentheses, or a newline where no operand can go on or before a keyword, shows that a
    parenthesis was never closed: :attr:`unclosed` says which one is open, by the position of that token.
    """

    always_accept = ("_NEWLINE",)

    def __init__(self) -> None:
        self.comments: list[Token] = []
        self.unclosed: dict[int, Token] = {}
        self.too_deep: set[int] = set()

    def comment(self, token: Token) -> Token:
        """Keep a comment, which the lexer then drops."""
        self.comments.append(token)
        return token

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """The tokens that the parser sees."""
        self.comments, self.unclosed, self.too_deep = [], {}, set()
        opened: list[Token] = []
        depth = Depth()
        pending: Token | None = None
        last: Token | None = None
        for token, following in _pairs(stream):
            kind = token.type
            if kind == "_NEWLINE":
                if pending is None:
                    pending = token
                continue
            if pending is not None:
                if opened and last is not None and _breaks_off(last, token, following):
                    self.unclosed[pending.start_pos or 0] = opened[-1]
                    opened.clear()
                if not opened:
                    if last is not None and last.type != "_NEWLINE":
                        yield pending
                    depth = Depth()
                    last = pending
                pending = None
            if opened and kind in ("LBRACE", "RBRACE"):
                self.unclosed[token.start_pos or 0] = opened[-1]
                opened.clear()
            if kind in OPENERS:
                opened.append(token)
            elif kind in CLOSERS and opened:
                opened.pop()
            if depth.token(kind) > MAX_DEPTH:
                self.too_deep.add(token.start_pos or 0)
            if kind in ("LBRACE", "RBRACE"):
                yield from self._brace(token, last)
                depth = Depth()
                last = _newline_after(token)
                continue
            yield token
            last = token
        yield from self._finish(pending, last, opened)

    def _brace(self, token: Token, last: Token | None) -> Iterator[Token]:
        if token.type == "RBRACE" and last is not None and last.type != "_NEWLINE":
            yield Token.new_borrow_pos("_NEWLINE", "\n", token)
        yield token
        yield _newline_after(token)

    def _finish(self, pending: Token | None, last: Token | None, opened: list[Token]) -> Iterator[Token]:
        if last is None or last.type == "_NEWLINE":
            return
        end = pending or _newline_after(last)
        if opened:
            self.unclosed[end.start_pos or 0] = opened[-1]
        yield end


def _breaks_off(last: Token, token: Token, following: Token | None) -> bool:
    """Whether the token, first on its line, shows that a parenthesis left open should have been closed."""
    operand_again = last.type in ENDS_OPERAND and token.type in ENDS_OPERAND - {"RPAREN", "RBRACKET"}
    assignment = token.type == "NAME" and following is not None and following.type == "_EQUALS"
    return operand_again or token.type in STARTS_STATEMENT or (assignment and last.type not in ("LPAREN", "_COMMA"))


def _pairs(stream: Iterator[Token]) -> Iterator[tuple[Token, Token | None]]:
    """Each token with the one after it."""
    current = next(stream, None)
    while current is not None:
        following = next(stream, None)
        yield current, following
        current = following


def _newline_after(token: Token) -> Token:
    position: Any = token.end_pos
    return Token(
        "_NEWLINE",
        "\n",
        position,
        token.end_line,
        token.end_column,
        token.end_line,
        token.end_column,
        position,
    )
