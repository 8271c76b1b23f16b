"""Between lexer and parser: newlines that count, parentheses that close, and limits that hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lark import Token

MAX_DEPTH = 100
"""How deep one expression may nest, in parentheses and operators together."""

OPENERS = {"LPAREN": ")", "_LBRACKET": "]"}
CLOSERS = {"RPAREN": ")", "RBRACKET": "]"}
DEEPENING = {"SIGN", "POWER", "STAR", "DIVIDE", "_DOT", "NOT"}
ENDS_OPERAND = {"NAME", "PREVIOUS", "NUMBER", "STRING", "HOLE", "RPAREN", "RBRACKET"}
STARTS_STATEMENT = {"DIALECT", "LAYOUT", "LET", "ASSUME", "EXPECT", "OUTPUT", "BLOCK", "REPEAT"}


@dataclass(slots=True)
class Depth:
    """How deep the current expression nests: for each open parenthesis, operators since the last comma, and the
    most between any two commas. Never less than the depth of the tree to come."""

    levels: list[list[int]] = field(default_factory=lambda: [[0, 0]])

    def token(self, kind: str) -> int:
        """Count a token; the depth so far."""
        level = self.levels[-1]
        if kind in OPENERS:
            self.levels.append([1, 0])
        elif kind in CLOSERS and len(self.levels) > 1:
            inner = self.levels.pop()
            self.levels[-1][0] += max(inner)
        elif kind in ("_COMMA", "_ARROW"):
            level[1] = max(level)
            level[0] = 1 if len(self.levels) > 1 else 0
        elif kind in DEEPENING:
            level[0] += 1
        else:
            return 0
        return sum(max(each) for each in self.levels) if kind in DEEPENING or kind in OPENERS else 0


class Tokens:
    """The post-lexer. Newlines inside parentheses are dropped; braces stand on lines of their own.

    A newline inside parentheses where no operand can go on, or before a keyword, shows that a parenthesis was
    never closed: it counts, and :attr:`unclosed` says which one is open, by the newline's position.
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
        for token in stream:
            kind = token.type
            if kind == "_NEWLINE":
                if pending is None:
                    pending = token
                continue
            if pending is not None:
                if opened and last is not None and self._breaks_off(last, token):
                    self.unclosed[pending.start_pos or 0] = opened[-1]
                    opened.clear()
                if not opened:
                    if last is not None and last.type != "_NEWLINE":
                        yield pending
                    depth = Depth()
                    last = pending
                pending = None
            if kind in OPENERS:
                opened.append(token)
            elif kind in CLOSERS and opened:
                opened.pop()
            if depth.token(kind) > MAX_DEPTH:
                self.too_deep.add(token.start_pos or 0)
            if kind in ("LBRACE", "RBRACE") and not opened:
                yield from self._brace(token, last)
                depth = Depth()
                last = _newline_after(token)
                continue
            yield token
            last = token
        yield from self._finish(pending, last, opened)

    def _breaks_off(self, last: Token, token: Token) -> bool:
        operand_again = last.type in ENDS_OPERAND and token.type in ENDS_OPERAND - {"RPAREN", "RBRACKET"}
        return operand_again or token.type in STARTS_STATEMENT

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


def _newline_after(token: Token) -> Token:
    position: Any = token.end_pos
    return Token(
        "_NEWLINE", "\n", position, token.end_line, token.end_column, token.end_line, token.end_column, position
    )
