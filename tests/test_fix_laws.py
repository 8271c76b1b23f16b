"""Every fix that is offered, on the examples and on random networks, does what it says.

Applied to the text, it removes its finding and brings none as bad. The edits are made here by slicing lines, and
findings are told apart by their line and layer: nothing is shared with the engine but the check itself.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pytest

from shapesolver import Diagnostic, check, load
from shapesolver.checking import BREAKING, Terms, check_text
from shapesolver.diagnostics import Edit, Fix, Severity
from shapesolver.net import examine
from shapesolver.verify import rules
from tests.rendered import examples

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
GRAPHS = int(os.environ.get("SHAPESOLVER_GRAPHS", "1000"))
WORSE = {Severity.NOTE: 1, Severity.WARNING: 2, Severity.ERROR: 3}


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits made, the last place first; a line's number changes with none of them."""
    lines = text.split("\n")
    for edit in sorted(edits, key=lambda e: e.span, reverse=True):
        line, column, end_line, end_column = edit.span
        assert line == end_line, edit
        lines[line - 1] = lines[line - 1][: column - 1] + edit.text + lines[line - 1][end_column - 1 :]
    return "\n".join(lines)


def found_in(text: str, sizes: dict[str, int], select: Sequence[str] = ()) -> tuple[Diagnostic, ...]:
    return remembered(text, tuple(sizes.items()), tuple(select))


@lru_cache(maxsize=64)
def remembered(text: str, sizes: tuple[tuple[str, int], ...], select: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """What is found in a text: all fixes of a finding start from the same one, and most find another's text again."""
    net, diagnostics = examine(text)
    return diagnostics if net is None else net.at(**dict(sizes)).check(select=select)


def hold(text: str, finding: Diagnostic, fix: Fix, sizes: dict[str, int], select: Sequence[str] = ()) -> None:
    """That one fix keeps its promise."""
    assert bool(fix.edits) != bool(fix.sizes)
    changed = applied(text, fix.edits)
    moved = changed.count("\n") - text.count("\n")
    before, after = found_in(text, sizes, select), found_in(changed, {**sizes, **fix.sizes}, select)
    lines = {(d.code, d.axis, d.span.line - moved) for d in after}
    assert (finding.code, finding.axis, finding.span.line) not in lines, (text, fix)

    def as_bad(found: Sequence[Diagnostic], by: int) -> set[tuple[str, str, str, int]]:
        bad = (d for d in found if WORSE[d.severity] >= WORSE[finding.severity])
        return {(d.code, d.layer, d.axis, d.span.line - by) for d in bad}

    assert as_bad(after, moved) <= as_bad(before, 0), (text, fix)
    if fix.safe and examine(text)[0] is not None:
        one, other = examine(text)[0], examine(changed)[0]
        assert one is not None and other is not None
        assert one.at(**sizes).params == other.at(**sizes).params
        assert one.at(**sizes).output_shapes == other.at(**sizes).output_shapes


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.net")), ids=lambda path: path.stem)
def test_fixes_of_the_examples(path: Path) -> None:
    """At their own sizes and at many others, most of which something is wrong with."""
    net, draw = load(path), random.Random(path.stem)
    names = [*net.free().symbols]
    for _ in range(6 if len(net) < 100 else 2):
        scale = draw.choice([0.1, 0.3, 0.7, 1, 1.3])
        usual = net.free().symbols
        sizes = {name: max(1, int((usual[name] or 64) * scale) + draw.randint(-3, 3)) for name in names}
        for finding in check(net, **sizes):
            for fix in finding.fixes:
                hold(net.text, finding, fix, sizes)


@pytest.mark.parametrize("code", [code for code in rules() if examples(code)])
def test_fixes_of_the_examples_of_a_page(code: str) -> None:
    """Of every rule: a new one is tested by being registered."""
    text = examples(code)[0].rstrip("\n")
    terms = Terms(select=[code])
    for finding in check_text(text, "<text>", terms):
        for fix in finding.fixes:
            hold(text, finding, fix, {}, [code, *BREAKING])


@pytest.mark.parametrize("part", range(4))
def test_fixes_of_random_networks(part: int) -> None:
    draw = random.Random(part)
    seen: Counter[str] = Counter()
    for _ in range(GRAPHS // 4):
        text = "\n".join(network(draw))
        net, found = examine(text)
        if net is not None:
            found = check(net)
        for finding in found:
            seen["findings"] += 1
            for fix in finding.fixes:
                seen["fixes"] += 1
                hold(text, finding, fix, {})
    assert seen["findings"] > GRAPHS // 10
    assert seen["fixes"] > seen["findings"] // 2


# Random networks: chains, skips, blocks and repeats, in every dialect, with sizes that often do not fit.


def network(draw: random.Random) -> Iterator[str]:
    dialect = draw.choice(["keras", "torch", "onnx"])
    rank = draw.choice([1, 2, 2])
    channels = draw.choice([3, 4, 6, 8])
    spatial = [draw.randint(3, 40)] * rank if draw.random() < 0.7 else [draw.randint(3, 40) for _ in range(rank)]
    sizes = [*spatial, channels] if dialect == "keras" else [channels, *spatial]
    yield f"dialect {dialect}"
    yield f"x = input({', '.join(map(str, sizes))})"
    shape = draw.random()
    if shape < 0.3:
        yield "block b(c) {"
        yield f"    {layer(draw, dialect, 'c')}"
        yield f"    {layer(draw, dialect, 'c')}"
        yield "}"
        yield from (f"y{i} = b({draw.choice([4, 8])})" for i in range(draw.randint(1, 3)))
    elif shape < 0.45:
        yield f"repeat {draw.randint(1, 4)} {{ {layer(draw, dialect, '8')} }}"
    elif shape < 0.7:
        yield f"a = {layer(draw, dialect, '8')}"
        yield f"b = {layer(draw, dialect, '8')}"
        yield f"c = {draw.choice(['upsample(2)', 'conv_transpose(8, kernel=2, stride=2)', 'conv(8, kernel=3)'])}"
        yield draw.choice(["concat(a, c)", "add(a, _)", "concat(x, c)", "add(b, a)"])
    else:
        yield from (layer(draw, dialect, "8") for _ in range(draw.randint(1, 4)))
    if draw.random() < 0.3:
        yield f"flatten -> dense(10, in_features={draw.choice([64, 128, 256, 400])})"


def layer(draw: random.Random, dialect: str, channels: str) -> str:
    """A layer in the language's own words or in its framework's, some of them beyond what fits."""
    k, s, p, d = draw.randint(1, 6), draw.randint(1, 4), draw.randint(0, 3), draw.choice([1, 1, 1, 2, 3])
    g = draw.choice([1, 1, 1, 3, 4])
    own = [
        f"conv({channels}, kernel={k}, stride={s}, padding={p}, dilation={d}, groups={g})",
        f"conv({channels}, {k}, stride={s}) -> relu",
        f"max_pool({k}, stride={s}, padding={p})",
        f"max_pool({k}) -> batch_norm",
        f"avg_pool({k}, stride={s}, ceil_mode=true)",
        f"conv_transpose({channels}, kernel={k}, stride={s}, output_padding={p})",
        f"depthwise_conv({k}, stride={s})",
        f"conv({channels}, kernel={k}, stride={s}, padding={draw.choice(['same', 'valid'])})",
        f"crop({p}) -> pad({d})",
        "pixel_unshuffle(2)",
    ]
    theirs = {
        "keras": [f"Conv2D({channels}, ({k}, {k}), strides={s})", f"MaxPooling2D(({k}, {k}), strides={s})"],
        "torch": [f"MaxPool2d({k}, {s})", f"Conv2d(8, {channels}, {k}, {s}, {p})"],
        "onnx": [f"Conv({channels}, kernel_shape={k}, strides={s}, pads={p})"],
    }
    return draw.choice([*own, *theirs[dialect], *theirs[dialect]])
