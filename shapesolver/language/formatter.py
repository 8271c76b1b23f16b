"""Tree to text, in the one canonical layout.

Lines longer than :data:`WIDTH` break after an opening parenthesis, one argument a line. Comments are kept: above
and behind statements, and within parentheses beside the argument they stand by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shapesolver.diagnostics import Span
from shapesolver.language import tree

WIDTH = 88
"""The longest line that is not broken."""
INDENT = "    "

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "not": 3,
    "compare": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
    "unary": 7,
    "**": 8,
}
_POSTFIX = 9


def format_tree(file: tree.File) -> str:
    """The canonical text of a file, ending in a newline unless it is empty."""
    lines = [*_statements(file.statements, 0), *map(comment, file.closing)]
    return "".join(f"{line}\n" for line in lines)


def comment(text: str) -> str:
    """``#text`` as ``# text``."""
    body = text[1:]
    return f"# {body}" if body and not body.startswith((" ", "#", "!")) else text


def _statements(statements: Iterable[tree.Statement], depth: int) -> Iterator[str]:
    for index, statement in enumerate(statements):
        notes = statement.notes
        if notes.blank and index:
            yield ""
        for line in notes.before:
            yield INDENT * depth + comment(line)
        yield from _statement(statement, depth)


def _statement(statement: tree.Statement, depth: int) -> Iterator[str]:
    indent = INDENT * depth
    if isinstance(statement, (tree.Block, tree.Repeat)):
        yield from _braced(statement, depth)
        return
    writer = _Writer(indent, statement.notes.inside)
    text = writer.statement(statement)
    for lost in writer.rest():
        yield indent + comment(lost)
    *lines, last = text.split("\n")
    yield from lines
    yield last + _behind(statement.notes.after)


def _behind(text: str) -> str:
    return f"  {comment(text)}" if text else ""


def _braced(statement: tree.Block | tree.Repeat, depth: int) -> Iterator[str]:
    indent, notes = INDENT * depth, statement.notes
    header = indent + _header(statement)
    one_line = _on_one_line(statement, header)
    if one_line is not None:
        yield one_line + _behind(notes.after)
        return
    yield header + " {" + _behind(notes.header)
    yield from _statements(statement.body, depth + 1)
    for line in notes.closing:
        yield INDENT * (depth + 1) + comment(line)
    yield indent + "}" + _behind(notes.after)


def _header(statement: tree.Block | tree.Repeat) -> str:
    if isinstance(statement, tree.Repeat):
        index = f" as {statement.index.text}" if statement.index else ""
        return f"repeat {expression(statement.count)}{index}"
    parameters = ", ".join(
        p.name.text if p.default is None else f"{p.name.text}={expression(p.default)}" for p in statement.parameters
    )
    return f"block {statement.name.text}({parameters})"


def _on_one_line(statement: tree.Block | tree.Repeat, header: str) -> str | None:
    """The statement on one line, where it stood on one and fits."""
    if statement.span.line != statement.span.end_line or len(statement.body) > 1:
        return None
    if not statement.body:
        return header + " {}"
    if isinstance(statement.body[0], (tree.Block, tree.Repeat)):
        return None
    text = f"{header} {{ {' '.join(_statement(statement.body[0], 0))} }}"
    return text if len(text) <= WIDTH else None


class _Writer:
    """Writes one statement, with the comments inside its parentheses."""

    def __init__(self, indent: str, inside: Iterable[tuple[int, int, str]]) -> None:
        self._indent = indent
        self._inside = list(inside)
        self._within_parentheses = 0

    def rest(self) -> list[str]:
        """Comments that had no argument to stand by."""
        return [text for _, _, text in self._inside]

    def statement(self, statement: tree.Statement) -> str:
        match statement:
            case tree.Line(names=names, value=value):
                head = ", ".join(name.text for name in names) + " = " if names else ""
                return self._fit(self._indent + head, value)
            case tree.Let(name=name, value=value):
                return self._fit(f"{self._indent}let {name.text} = ", value)
            case tree.Assume(condition=condition):
                return self._fit(f"{self._indent}assume ", condition)
            case tree.Expect(condition=condition):
                return self._fit(f"{self._indent}expect ", condition)
            case tree.Output(values=values):
                return f"{self._indent}output {', '.join(map(expression, values))}"
            case tree.Layout(name=name):
                return f"{self._indent}layout {name.text}"
            case tree.Dialect(name=name, options=options):
                tail = "".join(f" {argument(option)}" for option in options)
                return f"{self._indent}dialect {name.text}{tail}"
        raise TypeError(f"no text for {statement!r}")

    def _fit(self, head: str, value: tree.Expression, tail: str = "") -> str:
        """``head`` and the value, on one line if it fits and no comment stands inside."""
        flat = head + expression(value) + tail
        if len(flat) <= WIDTH and not self._comments_within(value.span):
            return flat
        match value:
            case tree.Pipeline(stages=stages):
                return self._pipeline(head, stages, tail)
            case tree.Call(function=function, arguments=arguments) if arguments:
                return self._broken(f"{head}{expression(function)}(", arguments, f"){tail}", value.span)
            case tree.Tuple(items=items) if items:
                entries = tuple(tree.Argument(None, item, span=item.span) for item in items)
                return self._broken(f"{head}(", entries, f"){tail}", value.span)
        return flat

    def _pipeline(self, head: str, stages: tuple[tree.Expression, ...], tail: str) -> str:
        """A pipeline over several lines: a lane wraps, stages that fit on lines get parentheses, other calls break."""
        broken = any(self._comments_within(stage.span) for stage in stages)
        if self._within_parentheses and not broken:
            return self._wrapped(head, stages, tail)
        longest = max(len(expression(stage, 1)) for stage in stages)
        if self._within_parentheses or broken or len(f"{self._indent}{INDENT}-> ") + longest > WIDTH:
            return self._calls_broken(head, stages, tail)
        return "\n".join([f"{head}(", *self._stages(stages, self._indent + INDENT), f"{self._indent}){tail}"])

    def _stages(self, stages: tuple[tree.Expression, ...], indent: str) -> Iterator[str]:
        """A line a stage, each but the first behind its arrow, with the comments that stand by it."""
        for index, stage in enumerate(stages):
            yield from (indent + comment(text) for text in self._take(stage.span[:2]))
            behind = self._take((stage.span.end_line + 1, 0))
            text = f"{indent}{'-> ' if index else ''}{expression(stage, 1)}"
            yield text + _behind(behind[0]) if behind else text
            yield from (indent + comment(text) for text in behind[1:])
        yield from (indent + comment(text) for text in self.rest())
        self._inside = []

    def _calls_broken(self, head: str, stages: tuple[tree.Expression, ...], tail: str) -> str:
        """The stages in a row; those that hold comments, or go beyond the line, with their arguments on lines."""
        text = head
        for index, stage in enumerate(stages):
            rest = "".join(f" -> {expression(s, 1)}" for s in stages[index + 1 :])
            before, newline, current = text.rpartition("\n")
            fits = len(current) + len(expression(stage, 1)) + len(rest) + len(tail) <= WIDTH
            breakable = isinstance(stage, tree.Call) and len(stage.arguments) > 1
            arrow = " -> " if rest else tail
            if self._comments_within(stage.span) or (not fits and breakable):
                text = before + newline + self._break_call(current, stage, arrow)
            else:
                text += expression(stage, 1) + arrow
        return text

    def _wrapped(self, head: str, stages: tuple[tree.Expression, ...], tail: str) -> str:
        lines = [head + expression(stages[0], 1)]
        for index, stage in enumerate(stages[1:], start=2):
            text = f" -> {expression(stage, 1)}"
            ending = tail if index == len(stages) else ""
            if len(lines[-1]) + len(text) + len(ending) <= WIDTH:
                lines[-1] += text
            else:
                lines.append(self._indent + INDENT + text.lstrip())
        return "\n".join(lines) + tail

    def _break_call(self, head: str, stage: tree.Expression, tail: str) -> str:
        if isinstance(stage, tree.Call) and stage.arguments:
            return self._broken(f"{head}{expression(stage.function)}(", stage.arguments, f"){tail}", stage.span)
        return head + expression(stage, 1) + tail

    def _broken(self, opening: str, arguments: tuple[tree.Argument, ...], closing: str, span: Span) -> str:
        outer, self._indent = self._indent, self._indent + INDENT
        self._within_parentheses += 1
        lines = [opening]
        for index, entry in enumerate(arguments):
            lines.extend(self._indent + comment(text) for text in self._take((entry.span.line, entry.span.column)))
            label = f"{entry.name}=" if entry.name else ""
            text = self._fit(self._indent + label, entry.value, ",")
            following = arguments[index + 1].span if index + 1 < len(arguments) else span
            end_of_line = (entry.span.end_line + 1, 0)
            place = min(end_of_line, (following.line, following.column)) if following is not span else end_of_line
            behind = self._take(min(place, (span.end_line, span.end_column)))
            lines.append(text + _behind(behind[0]) if behind else text)
            lines.extend(self._indent + comment(text) for text in behind[1:])
        lines.extend(self._indent + comment(text) for text in self._take((span.end_line, span.end_column)))
        self._indent = outer
        self._within_parentheses -= 1
        return "\n".join([*lines, outer + closing])

    def _comments_within(self, span: Span) -> bool:
        return any(span[:2] <= (line, column) < span[2:] for line, column, _ in self._inside)

    def _take(self, place: tuple[int, int]) -> list[str]:
        taken = [text for line, column, text in self._inside if (line, column) < place]
        self._inside = self._inside[len(taken) :]
        return taken


def argument(entry: tree.Argument) -> str:
    """``name=value`` or the value."""
    text = expression(entry.value)
    return f"{entry.name}={text}" if entry.name else text


def expression(value: tree.Expression, outer: int = 0) -> str:
    """An expression on one line, in parentheses where ``outer``, the precedence around it, needs them."""
    text, own = _expression(value)
    return f"({text})" if own < outer else text


def _expression(value: tree.Expression) -> tuple[str, int]:
    """The text and its precedence."""
    match value:
        case tree.Number(value=number):
            return _number(number), _POSTFIX
        case tree.Name(text=text):
            return text, _POSTFIX
        case tree.Text(value=text):
            quote = "'" if '"' in text else '"'
            return f"{quote}{text}{quote}", _POSTFIX
        case tree.Previous():
            return "_", _POSTFIX
        case tree.Hole(name=name):
            return f"?{name}", _POSTFIX
        case tree.Tuple(items=items):
            inner = ", ".join(map(expression, items))
            return (f"({inner},)" if len(items) == 1 else f"({inner})" if items else "[]"), _POSTFIX
        case tree.Attribute(value=owner, name=name):
            return f"{_owner(owner)}.{name}", _POSTFIX
        case tree.Index(value=owner, index=index):
            return f"{_owner(owner)}[{expression(index)}]", _POSTFIX
        case tree.Call(function=function, arguments=arguments):
            return f"{expression(function, _POSTFIX)}({', '.join(map(argument, arguments))})", _POSTFIX
        case tree.Pipeline(stages=stages):
            return " -> ".join(expression(stage, 1) for stage in stages), 0
        case tree.Compare(first=first, rest=rest):
            pairs = "".join(f" {op} {expression(right, 5)}" for op, right in rest)
            return expression(first, 5) + pairs, _PRECEDENCE["compare"]
        case tree.Logic(op=op, operands=operands):
            return f" {op} ".join(expression(o, _PRECEDENCE[op] + 1) for o in operands), _PRECEDENCE[op]
        case tree.Unary(op="not", operand=operand):
            return f"not {expression(operand, _PRECEDENCE['not'])}", _PRECEDENCE["not"]
        case tree.Unary(op=op, operand=operand):
            return f"{op}{expression(operand, _PRECEDENCE['unary'])}", _PRECEDENCE["unary"]
        case tree.Binary(op=op, left=left, right=right):
            return _binary(op, left, right), _PRECEDENCE[op]
    raise TypeError(f"no text for {value!r}")


def _owner(value: tree.Expression) -> str:
    """What stands before a dot or bracket; a bare number would swallow the dot."""
    text = expression(value, _POSTFIX)
    return f"({text})" if isinstance(value, tree.Number) else text


def _binary(op: str, left: tree.Expression, right: tree.Expression) -> str:
    own = _PRECEDENCE[op]
    if op == "**":
        return f"{expression(left, own + 1)}**{expression(right, _PRECEDENCE['unary'])}"
    # As people write them: (H - 7)//6 - 1, H % 16.
    space = " " if op in "+-%" else ""
    return f"{expression(left, own)}{space}{op}{space}{expression(right, own + 1)}"


def _number(value: float) -> str:
    return repr(value)
