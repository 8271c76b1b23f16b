"""Layers, blocks and weights used more than once."""

from __future__ import annotations

import pytest

from shapesolver import Net, NetError, parse


def codes(net: Net) -> list[str]:
    return [f"{found.code} {found.message}" for found in net.check()]


def refused(text: str) -> str:
    with pytest.raises(NetError) as caught:
        parse(text)
    return str(caught.value)


TWO = "dialect torch\nleft = input(1, H=32, W=32)\nright = input(1, H=32, W=32)\n"


def test_a_layer_is_applied_again_with_the_same_weights() -> None:
    net = parse(TWO + "a = left -> conv(8, kernel=3)\nb = right -> reuse(a) -> relu\nc = b -> conv(4, kernel=3)")
    assert [layer.path for layer in net] == ["left", "right", "a", "b", "relu1", "c"]
    assert net.graph.nodes[3].shared == 2
    assert net["b"].kind is net["a"].kind
    assert net["b"].shape == net["a"].shape
    assert net["b"].weights == net["a"].weights == {"weight": (8, 1, 3, 3), "bias": (8,)}
    assert (net["a"].shared, net["b"].shared) == (None, "a")
    assert (net["a"].params, net["b"].params) == (80, 0)
    assert net.params == net.trainable_params == 80 + 8 * 4 * 9 + 4


def test_what_is_used_a_third_time_shares_with_the_first() -> None:
    net = parse("input(8)\na = dense(8)\nb = reuse(a)\nc = reuse(b)")
    assert [net[path].shared for path in "abc"] == [None, "a", "a"]
    assert net.params == 72


def test_a_block_is_laid_out_again_layer_by_layer() -> None:
    net = parse(
        TWO
        + """
        block tower(wide, deep=2) {
            repeat deep { conv(wide, kernel=3) -> relu }
            max_pool(2) -> conv(4, kernel=1)
        }
        one = left -> tower(8)
        two = right -> reuse(one)
        concat(one, two)
        """
    )
    pairs = {layer.path: layer.shared for layer in net if layer.shared}
    assert pairs == {path: path.replace("two", "one") for path in pairs}
    assert [*pairs] == [layer.path for layer in net if layer.path.startswith("two.")]
    assert net.params == 80 + (8 * 8 * 9 + 8) + (8 * 4 + 4)
    assert net["two"].shape == net["one"].shape


def test_a_block_inside_a_block_is_used_again() -> None:
    net = parse("input(4)\nblock a() { dense(4) }\nblock b() { a -> a }\nx = b\ny = reuse(x)\nz = reuse(y.a2)")
    assert {layer.path: layer.shared for layer in net if layer.shared} == {
        "y.a1.dense1": "x.a1.dense1",
        "y.a2.dense1": "x.a2.dense1",
        "z.dense1": "x.a2.dense1",
    }
    assert net.params == 40


def test_other_tensors_may_be_given_to_a_block_used_again() -> None:
    head = "block head(skip) { concat(skip, _) -> dense(3) }"
    net = parse(f"x = input(6)\ny = input(6)\n{head}\na = x -> head(x)\nb = y -> reuse(a, y)")
    assert net["b.concat1"].inputs == ("y", "y")
    assert net.params == 39


def test_a_layer_of_several_inputs_takes_them_again() -> None:
    net = parse("dialect torch\nx = input(L=5, 8)\ny = input(L=5, 8)\na = attention(x, y, heads=2)\nb = reuse(a, y, x)")
    assert net["b"].inputs == ("y", "x")
    assert net.params == net["a"].params == 8 * 24 + 24 + 72


def test_a_layer_may_be_used_again_as_a_lane() -> None:
    net = parse("x = input(6)\na = dense(6)\nadd(a, reuse(a))\nadd(_, x -> reuse(a))")
    assert [layer.path for layer in net] == ["x", "a", "dense2", "add1", "dense3", "add2"]
    assert net.params == 42


def test_weights_that_do_not_fit_are_a_finding() -> None:
    net = parse("x = input(8, 8, 3)\na = conv(4, kernel=3)\nb = a -> reuse(a)")
    assert codes(net) == [
        "SS105 b: the weights of a do not fit: its kernel is (3, 3, 3, 4), and (3, 3, 4, 4) is needed here"
    ]


def test_weights_that_fit_for_some_sizes_alone_are_a_condition_on_them() -> None:
    lines = "a = x -> flatten -> dense(4)\nb = y -> flatten -> reuse(a)\noutput a, b"
    net = parse(f"x = input(H=8, W=8, 3)\ny = input(12, 12, 3)\n{lines}")
    assert codes(net.at(H=12, W=12)) == []
    assert codes(net.at(H=9, W=16)) == []
    assert codes(net.usual()) == [
        "SS105 b: the weights of a do not fit: its kernel is (192, 4), and (432, 4) is needed here"
    ]


def test_a_weight_is_tied_across_kinds() -> None:
    for dialect in ("torch", "keras"):
        net = parse(f"dialect {dialect}\ninput(L=9)\ne = embedding(50, 8)\nout = dense(50, tied=e)")
        assert net["out"].shared == "e"
        assert net["out"].params == 50
        assert net.params == 50 * 8 + 50


def test_what_cannot_be_tied_is_a_finding() -> None:
    net = parse("dialect torch\ninput(L=9)\ne = embedding(50, 8)\nout = dense(49, tied=e)\nrelu(tied=e)")
    assert codes(net) == [
        "SS105 out: the weights of e do not fit, transposed or not: its weight is (50, 8), and (49, 8) is needed here",
    ]
    assert codes(parse("input(8)\na = dense(8)\nrelu(tied=a)")) == [
        "SS105 relu1: a cannot be tied here: one of the two layers has no weights"
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("reuse", "reuse needs the layer or block whose weights to use"),
        ("reuse(b)", "no earlier layer or block is called `b` here"),
        ("reuse(x)", "`x` is a tensor without inputs; name it where it is needed"),
        ("reuse(alias)", "`alias` is a result, and the path of a layer or block is needed here"),
        ("reuse(3)", "the name of a layer is needed here"),
        ("reuse(a, units=3)", "a layer used again keeps its parameters; dense takes tensors alone here"),
        ("reuse(a, x, x)", "dense takes 1 tensors, and 2 are given"),
        ("reuze(a)", "nothing is called `reuze` here"),
        ("reuse(t, 3, 4)", "block tower takes n"),
        ("reuse(t, 3)", "with these arguments the block has other layers than `t`"),
        ("dense(4, tied=b)", "no earlier layer or block is called `b` here"),
    ],
)
def test_what_cannot_be_used_again_says_why(line: str, message: str) -> None:
    head = "x = input(8)\na = dense(8)\nalias = a\nblock tower(n=2) { repeat n { dense(8) } }\nt = tower()\n"
    assert message in refused(head + line)


def test_a_block_in_error_is_complained_about_once() -> None:
    text = "input(8)\nblock t() { dense(8) -> cov(3) }\na = t\nb = reuse(a)\nreuse(b)"
    assert refused(text).count("\n") == 0
