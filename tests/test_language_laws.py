"""Formatting and parsing undo each other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shapesolver.diagnostics import Span
from shapesolver.language import parse, tree
from shapesolver.language.formatter import format_tree

NOWHERE = Span(1, 1, 1, 1)
WORDS = st.sampled_from(["x", "conv", "kernel", "skip", "a_b", "H2"])
names = WORDS.map(lambda text: tree.Name(text, span=NOWHERE))
numbers = st.one_of(st.integers(0, 10**20), st.floats(0, 1e9, allow_nan=False)).map(
    lambda value: tree.Number(value, span=NOWHERE)
)
leaves = st.one_of(
    names,
    numbers,
    st.just(tree.Previous(span=NOWHERE)),
    WORDS.map(lambda text: tree.Hole(text, span=NOWHERE)),
    st.sampled_from(["zeros", "it's", ""]).map(lambda text: tree.Text(text, span=NOWHERE)),
)


def compound(inner: st.SearchStrategy[tree.Expression]) -> st.SearchStrategy[tree.Expression]:
    binary = st.builds(
        lambda op, a, b: tree.Binary(op, a, b, span=NOWHERE),
        st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), inner, inner,
    )  # fmt: skip
    argument = st.builds(lambda name, value: tree.Argument(name, value, span=NOWHERE), st.none() | WORDS, inner)
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        binary,
        st.builds(lambda op, a: tree.Unary(op, a, span=NOWHERE), st.sampled_from(["-", "not"]), inner),
        several.map(lambda items: tree.Logic("and", items, span=NOWHERE)),
        several.map(lambda items: tree.Logic("or", items, span=NOWHERE)),
        several.map(lambda items: tree.Pipeline(items, span=NOWHERE)),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: tree.Tuple(tuple(items), span=NOWHERE)),
        st.builds(
            lambda a, op, b: tree.Compare(a, ((op, b),), span=NOWHERE),
            inner,
            st.sampled_from(["==", "<="]),
            inner,
        ),
        st.builds(lambda f, a: tree.Call(f, tuple(a), span=NOWHERE), names, st.lists(argument, max_size=4)),
        st.builds(lambda owner, name: tree.Attribute(owner, name, span=NOWHERE), inner, WORDS),
        st.builds(lambda owner, index: tree.Index(owner, index, span=NOWHERE), inner, inner),
    )


expressions = st.recursive(leaves, compound, max_leaves=12)
lines = st.builds(
    lambda given, value: tree.Line(tuple(given), value, span=NOWHERE),
    st.lists(names, max_size=2),
    expressions,
)
statements = st.recursive(
    st.one_of(
        lines,
        st.builds(lambda name, value: tree.Let(name, value, span=NOWHERE), names, expressions),
        expressions.map(lambda condition: tree.Expect(condition, span=NOWHERE)),
        expressions.map(lambda condition: tree.Assume(condition, span=NOWHERE)),
        st.lists(expressions, min_size=1, max_size=2).map(lambda v: tree.Output(tuple(v), span=NOWHERE)),
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda count, index, body, oneline: tree.Repeat(
                count, index, tuple(body), span=NOWHERE if oneline else NOWHERE._replace(end_line=2)
            ),
            expressions, st.none() | names, st.lists(inner, max_size=3), st.booleans(),
        ),
        st.builds(
            lambda name, default, body: tree.Block(
                name, (tree.Parameter(name, default, span=NOWHERE),), tuple(body), span=NOWHERE
            ),
            names, st.none() | expressions, st.lists(inner, max_size=3),
        ),
    ),
    max_leaves=6,
)  # fmt: skip
files = st.lists(statements, max_size=5).map(lambda found: tree.File(tuple(found)))


@settings(max_examples=400, deadline=None)
@given(files)
def test_parse_after_format_is_the_identity(file: tree.File) -> None:
    text = format_tree(file)
    parsed = parse(text)
    assert parsed.diagnostics == (), text
    assert parsed.tree == file


@settings(max_examples=200, deadline=None)
@given(files)
def test_formatting_twice_changes_nothing(file: tree.File) -> None:
    text = format_tree(file)
    assert format_tree(parse(text).tree) == text


@settings(max_examples=200, deadline=None)
@given(files, st.data())
def test_no_comment_is_lost(file: tree.File, data: st.DataObject) -> None:
    lines = format_tree(file).split("\n")
    marked = [line + f"  # c{n}" if data.draw(st.booleans()) else line for n, line in enumerate(lines)]
    text = "\n".join(marked)
    wanted = sorted(word for line in marked for word in line.split("# ")[1:])
    formatted = format_tree(parse(text).tree)
    assert sorted(line.rpartition("# ")[2] for line in formatted.split("\n") if "# c" in line) == wanted
    assert format_tree(parse(formatted).tree) == formatted
