"""The language, by example: what files say, and what is said about files that say nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapesolver.language import parse, tree
from shapesolver.language.formatter import format_tree
from shapesolver.language.parser import MAX_ERRORS, parse_expression
from shapesolver.net import examine
from shapesolver.render.excerpt import plain
from tests.steps import steps_at_most

EVERYTHING = """\
# mnist.net: the network of the question
dialect keras  # keras (default), torch, onnx

image = input(28, 28, 1)
conv1 = conv(32, kernel=7, stride=3)
dense(200) -> relu
expect conv2 == (2, 2, 64)  # a claim

block up(c, skip, k=3) {
    # above
    conv_transpose(c, kernel=2, stride=2)
    concat(skip, _)  # _ is the result of the line above
    double_conv(c)
    # before the brace
}
d2 = max_pool(2) -> double_conv(128)
mix = concat(
    conv(64, kernel=1),  # first
    conv(96, kernel=1) -> conv(128, kernel=3, padding=1),
    # alone
    max_pool(3, stride=1, padding=1) -> conv(32, kernel=1),
)
skip -> conv(64, kernel=(7, 5), padding=((0, 1), (0, 1)))
stem = (
    conv(64, kernel=7, stride=2, padding=3)
    -> batch_norm
    -> relu  # beside the arrow
    # before the next
    -> max_pool(3, stride=2, padding=1)
)
repeat 10 as i { conv(32, kernel=2, dilation=2**i, padding=causal) -> relu }
let width = (64 + 2)*3 - -1
assume H % 16 == 0 and W == H or not 3 < repeat1[3].conv1.H <= 5
conv(64, padding=?p, mode="zeros")  # allow: lost-pixels, SS202
a, b = split(32, 32)
output y, z
# the end
"""


def test_the_whole_language_formats_to_itself() -> None:
    parsed = parse(EVERYTHING)
    assert parsed.diagnostics == ()
    assert format_tree(parsed.tree) == EVERYTHING


def test_nothing_unnamed_takes_a_name_that_a_later_line_gives() -> None:
    text = "x = input(9, 9, 3)\nconv(2, kernel=1)\nconv(3, kernel=1)\nconv2 = conv(4, kernel=1)\nadd(_, conv2)"
    net, _ = examine(text)
    assert net is not None
    assert [layer.path for layer in net] == ["x", "conv1", "conv3", "conv2", "add1"]
    assert net["add1"].inputs == ("conv2", "conv2")


def test_allow_comments_are_read() -> None:
    *_, conv, _, _ = parse(EVERYTHING).tree.statements
    assert isinstance(conv, tree.Line)
    assert conv.allow == ("lost-pixels", "SS202")


def test_precedence() -> None:
    expression, _ = parse_expression("1 + 2*-x**2 // y == z or not a and b")
    again, _ = parse_expression("(1 + ((2*(-(x**2))) // y) == z) or ((not a) and b)")
    assert expression == again


def test_five_errors_are_five_diagnostics() -> None:
    text = """\
x = conv(32, kernel=
y = conv(64 kernel=3)
expect y.H = 3
exspect 3
z = conv(3 × 3)
w = relu
"""
    parsed = parse(text)
    assert "\n".join(plain(d, text, "five.net") for d in parsed.diagnostics) == (
        """\
error[SS002] unclosed-parenthesis: `(` is never closed
 --> five.net:1:9
  |
1 | x = conv(32, kernel=
  |         ^
  |
  = expected: `)` by the end of line 1

error[SS001] syntax-error: `kernel` does not fit here
 --> five.net:2:13
  |
2 | y = conv(64 kernel=3)
  |             ^^^^^^
  |
  = expected: `)` or `,`

error[SS001] syntax-error: `=` does not fit here
 --> five.net:3:12
  |
3 | expect y.H = 3
  |            ^
  |
  = expected: `->` or the end of the line or a comparison
  = try:      `==` compares; `=` names a result

error[SS001] syntax-error: `3` does not fit here
 --> five.net:4:9
  |
4 | exspect 3
  |         ^
  |
  = expected: `,` or `->` or `=` or the end of the line
  = try:      did you mean `expect`?

error[SS003] bad-character: `×` is not part of the language
 --> five.net:5:12
  |
5 | z = conv(3 × 3)
  |            ^
  |
  = try: `*`
"""
    )
    assert [s.names[0].text for s in parsed.tree.statements if isinstance(s, tree.Line)] == ["w"]


def test_names_and_calls_that_mean_nothing() -> None:
    text = """\
image = input(28, 28, 1)
a = cov(32)
b = conv(32, kernal=3)
c = conv(32, kernel=0)
image = relu
d = imag -> relu
e = conv(width, kernel=3)
f = conv(32)
g = dense(2.5)
"""
    net, diagnostics = examine(text, "names.net")
    assert net is None
    assert [f"{d.span.line}: {d.code} {d.message} {[a.text for a in d.advice]}" for d in diagnostics] == [
        "2: SS020 unknown layer `cov` ['did you mean `conv`?']",
        "3: SS021 conv has no argument `kernal` ['did you mean `kernel`?']",
        "4: SS022 conv's kernel is 0, but takes a whole number or one for each axis, 1 or more []",
        "5: SS024 `image` is already a name here []",
        "6: SS023 nothing is called `imag` here ['did you mean `image`?']",
        "7: SS023 nothing is called `width` here []",
        "8: SS025 conv needs kernel ['`kernel`: window size']",
        "9: SS022 dense's units takes a whole number, 1 or more, not 2.5 []",
    ]


def squaring(step: str, first: str) -> str:
    """Values that each grow from the one before."""
    lines = (f"let a{i + 1} = {step.format(i=i)}" for i in range(60))
    return "\n".join(["input(H=8, W=8, 3)", f"let a0 = {first}", *lines])


def doubling(last: str, order: Iterable[int]) -> str:
    """Blocks that each hold the one before twice, defined in this order."""
    bodies = {i: f"block b{i}() {{\nb{i - 1}()\nb{i - 1}()\n}}" if i else f"block b0() {{ {last} }}" for i in range(40)}
    return "\n".join([*(bodies[i] for i in order), "input(3)", "b39()"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file has no layers"),
        ("relu", "relu has nothing to consume"),
        ("block a() { b() }\nblock b() { a() }\ninput(3) -> a()", "block `a` calls itself: a -> b -> a"),
        ("input(3)\nrepeat 10**9 { relu }", "repeat 1000000000 is beyond what a file may lay out"),
        ("input(3)\nrepeat 2.5 { relu }", "repeat takes a whole number"),
        ("input(3)\ndense(7**10000)", "this power has more than 4096 bits"),
        (f"input({'9' * 10_000})", "a number has at most 100 digits"),
        ("input(3)\nlet x = 5/2", "5/2 is not whole"),
        ("input(3)\nlet x = 5//0", "division by zero"),
        ("dialect tensorflow", "unknown dialect `tensorflow`"),
        ("input(3)\x00", "character U+0000 is not part"),
        ("input(3", "`(` is never closed"),
        ("repeat 3 {\ninput(3)", "a `{` is never closed"),
        ("}", "`}` closes nothing here"),
        ("x = input(3) \u201csame\u201d", "`\u201c` is not part of the language"),
        ("import torch", "`torch` does not fit here"),
        ("input(3)\nexpect relu1.H == 3", "nothing is called `relu1` here"),
        ("a, b = input(3)\nrepeat 1 { a = relu }", ""),
        # What a few lines could make to fill any memory.
        (squaring("a{i} * a{i}", "2"), "this has more than 4096 bits"),
        (squaring("a{i} * a{i}", "H"), "this has more than 2000 symbols and divisions"),
        (squaring("a{i}//2 + a{i}//3", "H + W"), "this has more than 2000 symbols and divisions"),
        (squaring("min(a{i}//2, a{i}*H)", "H + W"), "this has more than 2000 symbols and divisions"),
        (f"let t = ({'1, ' * 1001})", "a tuple has at most 1000 entries"),
        (doubling("", order=range(40)), "this line lays out more than 250000 layers"),
        (doubling("relu", order=range(39, -1, -1)), "this line lays out more than 250000 layers"),
        ("repeat 10**5 { repeat 10**5 { } }", "repeat 100000 is beyond what a file may lay out"),
        ("let n = 99999\nrepeat n { repeat n { let a = 1 } }", "the file lays out more than 1000000 statements"),
    ],
)
def test_bad_files_get_one_clear_error(text: str, message: str) -> None:
    net, diagnostics = examine(text)
    if not message:
        assert net is not None
        return
    assert net is None
    assert message in " ".join(d.message for d in diagnostics)


@pytest.mark.parametrize("more", ["t.H*t.H", "t.H//2 + t.H//3"])
def test_sizes_that_grow_beyond_all_bounds_end_in_an_error(more: str) -> None:
    block = f"block grow(t) {{ pad(((0, {more}), (0, 0))) }}"
    net, _ = examine("\n".join([block, "a0 = input(H=4, W=4, 3)", *(f"a{i + 1} = grow(a{i})" for i in range(40))]))
    assert net is not None
    _, broken = next(net.derivation.broken())
    assert broken.trouble().message == "pad makes a size that has more than 2000 symbols and divisions"


@pytest.mark.parametrize("text", ["x = " + "(" * 100_000, "x = " + "1+" * 100_000 + "1", "x = " + "-" * 100_000 + "1"])
def test_deep_nesting_is_an_error_at_once(text: str) -> None:
    with steps_at_most(100_000):
        (diagnostic,) = parse(text).diagnostics
    assert diagnostic.name == "too-deep"


def test_what_stands_before_a_deep_expression_is_read() -> None:
    _, found = examine(f"x = input(8, 8, 3)\ncov(3)\ny = {'(' * 200}\nconv(2.5)")
    assert [d.name for d in found] == ["unknown-layer", "too-deep"]


def test_many_errors_are_counted() -> None:
    diagnostics = parse("x = )\n" * 100).diagnostics
    assert len(diagnostics) == MAX_ERRORS + 1
    assert diagnostics[-1].message == "80 more errors in this file"


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_no_text_makes_the_parser_raise(text: str) -> None:
    examine(text)


PIECES = [
    "x",
    "=",
    "conv",
    "(",
    ")",
    "{",
    "}",
    "->",
    ",",
    "3",
    "kernel",
    "block",
    "repeat",
    "expect",
    "\n",
    "_",
    "?p",
    "# c",
    "not",
    "==",
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_no_jumble_of_tokens_makes_the_parser_raise(pieces: list[str]) -> None:
    examine(" ".join(pieces))
