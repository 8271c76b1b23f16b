"""Questions and answers, by example."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path

import pytest

from shapesolver import Net, ShapeSolverError, load, parse
from shapesolver.language.queries import EXAMPLES as QUESTIONS
from shapesolver.language.queries import read_question
from shapesolver.language.wording import plain
from shapesolver.render.answer import answer_json, answer_text
from shapesolver.solve import solver

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


def example(name: str) -> Net:
    return load(EXAMPLES / f"{name}.net")


def test_the_question_of_the_design() -> None:
    answer = example("mnist").ask("what input size gives 2x2")
    assert answer_text(answer) == (
        "read as    find H, W of image so that conv2 (the last layer with height and width) is 2 x 2\n"
        "H, W       25..30                    every solution, proved\n"
        "lossless   25                        28 leaves 3 rows and columns of image unread; 30 leaves 5\n"
        "rule       conv2.H = (H - 7)//6 - 1; n x n needs 6*n + 13 <= H <= 6*n + 18\n"
        "check      25 -> 7 -> 2              next door: 24 -> 1, 31 -> 3"
    )
    assert answer.status == "proved"
    assert answer.unknowns == ("H", "W")
    assert answer.holds(H=28, W=25)
    assert not answer.holds(H=31, W=25)
    assert answer.count == 36
    assert answer.lossless is not None
    assert list(answer.lossless) == [{"H": 25, "W": 25}]
    assert answer.nearest(H=100, W=1) == {"H": 30, "W": 25}


def test_one_unknown_iterates_and_counts() -> None:
    answer = example("mnist").solve("conv2.H == 2", "H")
    assert list(answer) == [25, 26, 27, 28, 29, 30]
    assert answer.count == 6
    assert str(answer) == "25..30"


def test_what_nobody_looks_at_is_not_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    for work in ("read_for", "worked", "rule_for"):
        real = getattr(solver, work)
        monkeypatch.setattr(solver, work, lambda *a, work=work, real=real: looked.append(work) or real(*a))
    answer = example("mnist").solve("conv2.H == 2", "H")
    assert str(answer) == "25..30"
    assert looked == []
    assert [str(check) for check in answer.checks] == ["25 -> 7 -> 2", "24 -> 6 -> 1", "31 -> 9 -> 3"]
    assert answer.lossless and list(answer.lossless) == [25]
    assert answer.rule == answer.rule == "conv2.H = (H - 7)//6 - 1; n x n needs 6*n + 13 <= H <= 6*n + 18"
    assert sorted(looked) == ["read_for", "rule_for", "worked"]


def test_an_answer_is_the_same_after_a_pickle() -> None:
    for answer in (example("mnist").solve("conv2.H == 2", "H"), example("unet").valid()):
        again = pickle.loads(pickle.dumps(answer))
        assert again == answer
        assert answer_text(again) == answer_text(answer)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("unet", "H % 16 == 0, H >= 16"),
        ("unet_572", "(H + 4) % 16 == 0, H >= 188"),
        ("mnist", "all H >= 19"),
        ("resnet50", "all H >= 1"),
        ("lenet5", "32..35"),
    ],
)
def test_valid_sizes(name: str, sizes: str) -> None:
    (box,) = example(name).valid().boxes
    assert box["H"].describe("H") == sizes


def test_valid_sizes_that_couple_height_and_width() -> None:
    answer = example("vgg16").valid()
    assert [{name: str(members) for name, members in box.items()} for box in answer.boxes] == [
        {"H": "32..63", "W": "1568..1599"},
        {"H": "224..255", "W": "224..255"},
        {"H": "1568..1599", "W": "32..63"},
    ]
    assert answer.holds(H=230, W=255)
    assert not answer.holds(H=32, W=224)


def test_sixty_pairs() -> None:
    net = parse("dialect torch\ninput(64, H=28, W=28)\npad(-2) -> max_pool(2) -> flatten\nout = dense(10)")
    answer = net.solve("flatten1.C == 9216", "H", "W")
    assert answer.count == 60


def test_last_map_of_seven() -> None:
    answer = example("resnet50").ask("what input size gives 7x7 at layer4")
    assert str(answer.boxes[0]["H"]) == "193..224"


def test_lossless_sizes() -> None:
    (box,) = example("unet_572").ask("which input sizes lose nothing").boxes
    assert box["H"].describe("H") == "(H + 4) % 16 == 0, H >= 188"


def test_kernel_stride_and_padding_of_a_stem() -> None:
    answer = example("resnet50").ask(
        "what kernel, stride, padding of stem.conv1 gives 112x112 where stem.conv1.kernel <= 11 "
        "and stem.conv1.stride <= 4 and stem.conv1.padding <= 5"
    )
    assert answer.count == 11
    assert {values["stride"] for values in answer} == {2}  # type: ignore[index]
    assert answer.status == "proved"


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        # The conditions give the kernels and the strides to try; the padding is solved for.
        ("c.kernel <= 11 and c.stride <= 4", "proved"),
        ("c.kernel <= 11 and c.stride <= 4 and 2*c.padding <= c.kernel", "proved"),
        ("c.kernel % 2 == 1 and 3 <= c.kernel and c.kernel < 9 and c.stride == 2", "proved"),
        # Neither grows beyond what the least of the other leaves.
        ("c.kernel + c.stride <= 12 and 2*c.padding <= c.kernel", "proved"),
        # The stride has no end.
        ("c.kernel <= 11", "bounded"),
        ("c.kernel <= 11 and c.stride >= c.kernel", "bounded"),
    ],
)
def test_an_answer_within_what_the_question_limits_is_proved(limits: str, status: str) -> None:
    net = parse("dialect torch\nimage = input(3, H=24, W=24)\nc = conv(8, kernel=7, stride=2, padding=3)")
    answer = net.ask(f"what kernel, stride, padding of c gives 12x12 where {limits}")
    assert answer.status == status
    assert answer.reading == f"find kernel, stride, padding so that c is 12 x 12, where {limits}"
    allowed = limits.replace("c.", "")
    made = {
        (kernel, stride, padding)
        for kernel in range(1, 12)
        for stride in range(1, 12)
        for padding in range(16)
        if 24 + 2 * padding >= kernel and (24 + 2 * padding - kernel) // stride + 1 == 12
        if eval(allowed, {}, {"kernel": kernel, "stride": stride, "padding": padding})
    }
    near = {tuple(found.values()) for found in islice(answer, 500)}  # type: ignore[union-attr]
    assert {found for found in near if found[0] < 12 and found[1] < 12 and found[2] < 16} == made


def test_a_search_that_finds_nothing_says_that_it_was_one() -> None:
    net = parse("dialect torch\nimage = input(3, H=224, W=224)\nc = conv(8, kernel=7, stride=2, padding=3)")
    answer = net.ask("what kernel, padding of c gives c.H <= 3")
    assert (answer.status, answer.reason) == ("bounded", "no kernel and padding among those tried does")
    assert list(answer.searched) == ["kernel"]


def test_parameters_alone_are_proved() -> None:
    net = example("mnist")
    assert list(net.ask("what padding of conv2 gives 3x3")) == [1]
    assert list(net.ask("what kernel of conv2 gives 2x2")) == [5, 6]
    stride = net.ask("what stride of conv1 gives 1x1")
    assert stride.status == "proved"
    assert stride.holds(stride=10**9)
    assert stride.set.min == 22
    assert list(net.ask("what filters of conv1 gives conv1.C = 48")) == [48]


def test_output_padding_by_parity() -> None:
    net = parse(
        "dialect torch\nimage = input(1, H=28, W=28)\nconv(8, kernel=3, stride=2, padding=1)\n"
        "up = conv_transpose(1, kernel=3, stride=2, padding=1)"
    )
    answer = net.ask("what output_padding of up gives up.H = image.H for all H")
    assert not answer
    assert answer.status == "proved"
    assert answer_text(answer) == (
        "read as   find output_padding so that up.H == image.H for all H\n"
        "none      no one value does for every size\n"
        "by size   output_padding 0 when H % 2 == 1, H >= 1\n"
        "by size   output_padding 1 when H % 2 == 0, H >= 2"
    )
    assert [(list(case["output_padding"]), 7 in case["H"]) for case in answer.cases] == [([0], True), ([1], False)]


def test_proofs_and_refutations() -> None:
    net = example("mnist")
    assert net.ask("is conv2.H = (H - 7)//6 - 1")
    refuted = net.ask("is conv2.H == (H - 7)//6")
    assert not refuted
    assert refuted.reason == "false at H = 19, W = 19, where conv2.H is 1 and (H - 7)//6 is 2"


def test_square_inputs_are_tied() -> None:
    net = parse("dialect torch\ninput(3, H=224, W=224)\nassume W == H\nc = conv(8, kernel=3, stride=2)")
    answer = net.ask("what input size gives 10x10")
    assert answer.holds(H=21, W=21)
    assert not answer.holds(H=21, W=22)
    assert list(answer) == [{"H": 21, "W": 21}, {"H": 22, "W": 22}]


def test_no_solution_says_why() -> None:
    net = parse("dialect torch\nx = input(1, L=64)\na = conv(1, kernel=3, stride=3)\nb = upsample(2)")
    answer = net.ask("what L gives b.L = 3")
    assert not answer
    assert answer.reason == "b.L jumps from 2 (at L = 5) to 4 (at L = 6): nothing gives 3; b (line 4) leaps over it"


def test_which_layers_lose() -> None:
    answer = example("mnist").ask("which layers lose pixels")
    assert answer_text(answer).splitlines() == [
        "read as   find the layers behind whose last windows cells of the input are lost, and for which sizes",
        "proved    every layer that does",
        "conv1     rows and columns of image for (H - 1) % 3 != 0, H >= 20",
        "conv2     rows and columns of image for H % 6 not in 1..3, H >= 22",
        "note      159 of 784 cells of image are lost, those at H 25..27 and W 25..27",
    ]
    assert answer_json(answer)["losing"] == [
        {"layer": "conv1", "input": "image", "sizes": {a: f"({a} - 1) % 3 != 0, {a} >= 20" for a in "HW"}},
        {"layer": "conv2", "input": "image", "sizes": {a: f"{a} % 6 not in 1..3, {a} >= 22" for a in "HW"}},
    ]


def test_which_layers_lose_at_the_sizes_asked_about() -> None:
    answer = example("mnist").at(H=25, W=28).ask("which layers lose pixels")
    assert str(answer) == "conv2: W of image for every size in question"
    assert answer.beside == ("at H = 25, W = 28: 75 of 700 cells of image are lost, those at W 25..27",)


@pytest.mark.parametrize("name", ["resnet50", "resnet101", "unet", "densenet121", "wavenet"])
def test_that_no_layer_loses_is_an_answer(name: str) -> None:
    """Whatever the layers leave over of their own inputs, other paths read, or it is padding."""
    answer = example(name).ask("which layers lose pixels")
    assert answer and answer.losing == () and answer.beside == ()
    assert answer.reason == "no layer does, at any size that the network can be built with"


def test_what_is_cropped_or_lies_between_windows_is_no_layers_loss() -> None:
    answer = parse("x = input(H=8, W=8, 1)\ncrop(2)").ask("which layers lose pixels")
    assert answer.reason.startswith("no layer does; cells are lost between windows or left out by design")
    assert answer.beside == ("at H = 8, W = 8: 48 of 64 cells of x are lost, those at H 0..1, 6..7 and W 0..1, 6..7",)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_offered_can_be_read(question: str) -> None:
    read_question(question)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("how do I cook rice", "cannot read 'how do I cook rice' as a question; the closest are"),
        ("what H gives conv9.H = 2", "no layer is called `conv9`; did you mean conv2 or conv1?"),
        ("what input size gives 2x2 at conv9", "no layer is called `conv9`; did you mean"),
        ("what H gives flatten1.H = 2", "flatten1 has no axis H; it has C"),
        ("what input size gives 2x2x2x2 at conv2", "names 4 axes"),
        (
            "what colour of conv1 gives 2x2",
            "conv1 is a conv, which has no colour to ask for; it has channels",
        ),
        ("what Q gives conv2.H = 2", "Q is no size of this network (H, W)"),
        ("what H gives 2 = 2", "the condition mentions no layer"),
        ("(" * 5000, "longer than 1000 characters"),
        ("(" * 500, "nests more than"),
    ],
)
def test_questions_about_nothing_are_refused(question: str, message: str) -> None:
    with pytest.raises(ShapeSolverError) as caught:
        example("mnist").ask(question)
    assert message in str(caught.value)


def test_a_hole_beside_a_word() -> None:
    net = parse("x = input(9, 9, 3)\nc = conv(4, kernel=?k, padding=same)")
    assert net.ask("what k gives c.H = 9").holds(k=3)


WORDINGS = {
    "what inputs gives (2, 2)": (
        "What input gives 2 by 2?",
        "find the input size that gives 2×2",
        "what input size do I need for 2x2",
        "how large must the image be to get 2x2",
        "find the input size for which the output is 2x2",
    ),
    "what inputs gives (2, 2) at conv2": ("which input sizes give 2 x 2 at conv2", "what sizes make 2x2 after conv2"),
    "what H gives conv2.H == 2": ("which H makes conv2.H = 2", "what should H be so that conv2.H is 2"),
    "what conv2.padding gives (3, 3)": (
        "find the padding of conv2 that gives 3x3",
        "how much padding does conv2 need to get 3x3",
        "what conv2's padding would make 3 by 3",
        "find padding at conv2 for 3x3",
    ),
    "what conv1.kernel, conv2.stride gives (2, 2)": ("what kernel of conv1 and stride of conv2 give 2x2",),
    "what conv2.padding.W gives conv2.W == 3": ("what padding of conv2 along W gives conv2.W = 3",),
    "what conv1.stride gives (8, 8) where conv1.kernel == 7": (
        "what stride of conv1 gives 8x8 if the kernel of conv1 is 7",
    ),
    "what up.output_padding gives up.H == image.H for all H": (
        "which output_padding of up gives up.H = image.H for every H",
    ),
    "what inputs valid": ("for what sizes is it valid", "which sizes work", "valid input sizes", "is it valid"),
    "what inputs lose nothing": ("which input sizes are lossless", "what sizes waste no pixels"),
    "what layers lose": ("which layers lose pixels", "what layers drop rows"),
    "prove conv2.H == 2": ("is conv2.H = 2", "does conv2.H equal 2", "is it true that conv2.H == 2"),
    "works (100, 100)": ("is 100x100 valid", "does an input of 100 by 100 work"),
    "why conv2": ("why is conv2 2x2",),
}


@pytest.mark.parametrize(("plain_form", "words"), [(form, words) for form, all_ in WORDINGS.items() for words in all_])
def test_many_wordings_are_one_question(plain_form: str, words: str) -> None:
    assert plain(words) == plain_form
    read_question(words)


def test_one_padding_does_not_serve_both_ends() -> None:
    net = parse("dialect torch\nx = input(3, H=28, W=28)\nc = conv(8, kernel=4)")
    answer = net.ask("what padding of c gives 28x28")
    assert not answer
    assert answer_text(answer) == (
        "read as   find padding so that c is 28 x 28\n"
        "none      no one padding serves both ends of an axis\n"
        "apart     padding.before 1, padding.after 2  every solution, proved\n"
        "          padding.before 2, padding.after 1\n"
        "          padding.before 0, padding.after 3\n"
        "          padding.before 3, padding.after 0\n"
        "rule      c.H = padding.before + padding.after + 25\n"
        "check     padding.before 1, padding.after 2: 28"
    )
    assert answer.apart is not None and answer.apart.holds(**{"padding.before": 3, "padding.after": 0})


@pytest.mark.parametrize(
    ("layer", "question", "solutions"),
    [
        ("conv(8, kernel=3)", "what padding of c gives 28x26", [{"padding.H": 1, "padding.W": 0}]),
        ("upsample(2)", "what scale of c gives 56x84", [{"scale.H": 2, "scale.W": 3}]),
        ("max_pool(2)", "what kernel of c gives 14x9", [{"kernel.H": 2, "kernel.W": 3}]),
    ],
)
def test_axes_that_want_values_of_their_own(layer: str, question: str, solutions: list[dict[str, int]]) -> None:
    apart = parse(f"dialect torch\nx = input(3, H=28, W=28)\nc = {layer}").ask(question).apart
    assert apart is not None and apart.status == "proved"
    assert list(apart) == solutions


@pytest.mark.parametrize(
    ("layer", "question", "expected"),
    [
        ("conv(8, kernel=4)", "what padding.H.after of c gives c.H = 26", [1]),
        ("conv(8, kernel=4)", "what stride of c along W gives 25x9", [3]),
        ("crop(1)", "what amount of c gives 20x20", [4]),
        ("pad(1)", "what amount of c gives 20x20", [-4]),
        ("upsample(2)", "what scale of c gives 84x84", [3]),
        ("upsample(2)", "what factor of c gives 84x84", [3]),
        ("conv_transpose(3, kernel=4, stride=2)", "what stride gives 85x85", [3]),
        ("conv_transpose(3, kernel=4, stride=2)", "what output_padding of c gives 59x59", [1]),
        ("conv(24, kernel=3)", "what number of filters of c gives c.C = 7", [7]),
        ("conv(24, kernel=3)", "what dilation of c gives 24x24", [2]),
    ],
)
def test_every_hyperparameter(layer: str, question: str, expected: list[int]) -> None:
    answer = parse(f"dialect torch\nx = input(3, H=28, W=28)\nc = {layer}").ask(question)
    assert list(answer) == expected
    assert answer.status == "proved"
    assert answer.checks


def test_a_limit_of_the_framework_binds_a_parameter_that_is_asked_for() -> None:
    net = parse("dialect keras\nx = input(28, 28, 3)\nc = conv(3, kernel=4, stride=2)")
    assert not net.ask("what dilation of c gives 7x7")


def test_a_transposed_stride_beyond_its_input() -> None:
    net = parse("dialect torch\nx = input(3, H=2, W=2)\nc = conv_transpose(3, kernel=4, stride=2)")
    assert list(net.ask("what stride of c gives 100x100")) == [96]
    tall = parse("dialect torch\nx = input(3, H=1, W=1)\nc = conv_transpose(3, kernel=4, stride=2)")
    assert str(tall.ask("what stride of c gives 4x4")) == "all n >= 1"


def test_how_many_rounds_of_a_repeat() -> None:
    lines = (
        "x = input(3, H=64, W=64)",
        "repeat 3 { max_pool(2) }",
        "out = identity",
        "expect repeat1[2].max_pool1.H == 8",
    )
    net = parse("\n".join(("dialect torch", *lines)))
    answer = net.ask("how many repeats of repeat1 give 4x4 at out")
    assert list(answer) == [4]
    assert answer.status == "proved"
    assert [str(check) for check in answer.checks] == [
        "64 -> 32 -> 16 -> 8 -> 4",
        "64 -> 32 -> 16 -> 8",
        "64 -> 32 -> 16 -> 8 -> 4 -> 2",
    ]


def test_a_letter_stands_for_every_size() -> None:
    answer = example("mnist").ask("what input size gives n x n")
    assert answer_text(answer) == (
        "read as   find H, W of image so that conv2 (the last layer with height and width) is n x n\n"
        "H         6*n + 13 <= H <= 6*n + 18  every solution, proved\n"
        "W         6*n + 13 <= W <= 6*n + 18\n"
        "rule      conv2.H = (H - 7)//6 - 1"
    )
    assert answer.letters == ("n",)
    assert all(answer.holds(H=h, W=25, n=2) == (25 <= h <= 30) for h in range(1, 60))
    with pytest.raises(TypeError, match=r"holds\(\) needs n"):
        answer.holds(H=25, W=25)


@pytest.mark.parametrize(
    ("file", "question", "reason"),
    [
        (
            "assume H % 2 == 0 and H % 2 == 1",
            "which input sizes are valid",
            "the file's assumptions contradict each other: nothing satisfies H % 2 == 0 and H % 2 == 1",
        ),
        ("assume H < 0", "which input sizes are valid", "the file assumes what is false for every size"),
        ("assume H <= 2", "which input sizes are valid", "no size can be built: c (line 3) needs H >= 3"),
        ("", "what H gives c.H = 5 where H > 10 and H < 5", "nothing satisfies `where H > 10 and H < 5`"),
        ("", "what H gives c.C = 25", "c.C is 24, whatever the input"),
        (
            "",
            "what input size gives 0x0",
            "a size is 1 or more, and c.H = 0 is asked for; the nearest that work are 1 (at H = 3), 1 (at W = 3)",
        ),
        (
            "",
            "what H gives c.H = -3",
            "a size is 1 or more, and c.H = -3 is asked for; the nearest that work are 1 (at H = 3)",
        ),
        (
            "assume H % 4 == 0",
            "what H gives c.H = 5",
            "the file assumes H % 4 == 0, which excludes it; the nearest that work are 2 (at H = 4) and 6 (at H = 8)",
        ),
        (
            "",
            "what padding of c gives 28x28 where c.padding > 100",
            "`where` leaves out what does: {1}",
        ),
    ],
)
def test_why_nothing_does(file: str, question: str, reason: str) -> None:
    net = parse(f"dialect torch\nx = input(3, H=28, W=28)\nc = conv(24, kernel=3)\n{file}")
    answer = net.ask(question)
    assert not answer
    assert answer.status == "proved"
    assert answer.reason == reason


def test_a_skip_is_blamed_where_it_excludes_a_size() -> None:
    net = parse("dialect torch\nx = input(3, H=28, W=28)\nb = max_pool(2)\nd = upsample(2)\ne = concat(x, d)")
    answer = net.ask("what H gives e.H = 9")
    assert answer.reason == "e (line 5) needs H == 2*(H//2); the nearest that work are 8 (at H = 8) and 10 (at H = 10)"


def test_sizes_stated_in_where_count_in_place_of_the_usual_ones() -> None:
    net = parse("dialect torch\nx = input(3, H=28, W=28)\nc = conv(24, kernel=5)")
    assert list(net.ask("what padding of c gives 30x28 where H = 30 and W = 28")) == [2]
    assert not net.ask("what padding of c gives 28x28 where H = 30")


def test_a_size_of_any_name_is_traced_to_its_axis() -> None:
    net = parse("dialect torch\nx = input(3, S, S)\nc = conv(24, kernel=3, stride=2)")
    assert str(net.ask("which input sizes lose nothing")) == "n % 2 == 1, n >= 3"
    time = parse("x = input(T=100, 4)\nc = conv(24, kernel=3, stride=2)")
    assert str(time.ask("which input sizes lose nothing")) == "n % 2 == 1, n >= 3"


def test_relations_between_sizes_give_one_in_terms_of_the_other() -> None:
    net = parse("dialect torch\nx = input(3, H, W)\nc = conv(24, kernel=3)")
    answer = net.ask("what input size gives c.H = 2*c.W")
    assert {name: str(value) for name, value in answer.ties.items()} == {"H": "2*W - 2"}
    assert answer.holds(H=18, W=10) and not answer.holds(H=19, W=10)
    either_size = net.ask("what input size gives c.H = 5 or c.W = 3")
    for h in range(1, 20):
        for w in range(1, 20):
            assert either_size.holds(H=h, W=w) == (h >= 3 and w >= 3 and (h == 7 or w == 5))


@pytest.mark.parametrize(
    ("question", "yes"),
    [("is 512x512 valid", True), ("does 100x100 work", False), ("is H = 96 and W = 96 valid", True)],
)
def test_whether_a_size_is_valid(question: str, yes: bool) -> None:
    answer = example("unet").ask(question)
    assert bool(answer) is yes
    if not yes:
        assert answer.beside == ("H = W = 100 does not work; 96 and 112 do, or pad by 12",)


def test_two_inputs_that_meet_are_solved_together() -> None:
    net = parse(
        "dialect torch\nleft = input(3, 64)\nright = input(3, 60)\na = left -> conv(4, kernel=3, stride=2)\n"
        "b = right -> conv(4, kernel=1, stride=2)\nm = add(a, b)"
    )
    answer = net.ask("what input size gives m.L = 10")
    assert [{n: str(s) for n, s in box.items()} for box in answer.boxes] == [
        {"left.L": "{21, 22}", "right.L": "{19, 20}"}
    ]


def test_every_example_answers_every_question_of_the_design() -> None:
    """Whatever is asked of whatever network, there is an answer or an error of ours."""
    for path in sorted(EXAMPLES.glob("*.net")):
        net = load(path)
        for question in QUESTIONS:
            try:
                answer = net.ask(question)
            except ShapeSolverError:
                continue
            assert answer_text(answer) and answer_json(answer) and str(answer)


@pytest.mark.parametrize(
    ("hole", "question", "solutions"),
    [
        ("conv(4, kernel=?k, stride=2)", "what k gives 2x2", {5, 6}),
        ("conv(4, kernel=2, stride=?k)", "what k gives 2x2 where k <= 99", {4, 5, 6}),
        ("conv(4, kernel=3, dilation=?k)", "what k gives 2x2", {3}),
        ("conv(4, kernel=1) -> flatten -> dense(10, in_features=?k)", "what k gives dense1.C = 10", {256}),
        ("max_pool(?k)", "what k gives 2x2", {3, 4}),
        ("upsample(?k)", "what k gives 24x24", {3}),
        ("conv(?k, kernel=1)", "what k gives conv1.C = 7", {7}),
    ],
)
def test_a_hole_is_what_its_parameter_can_be(hole: str, question: str, solutions: set[int]) -> None:
    """A parameter's least value is its own: 1 for a kernel, 0 for a padding, whatever a hole may be."""
    found = parse(f"x = input(8, 8, 3)\n{hole}").ask(question)
    assert set(found) == solutions
    assert found.status == "proved"


def test_holes_of_the_file_are_asked_for() -> None:
    net = parse("dialect torch\nx = input(3, H=224, W=224)\nstem = conv(64, kernel=?k, stride=2, padding=?p)")
    answer = net.ask("what k, p gives 112x112 at stem where k <= 7")
    # The lossless first, and of these the least padding: a kernel of 1 with a stride of 2 reads every other cell.
    assert list(answer) == [{"k": k, "p": (k - 1) // 2} for k in (2, 3, 4, 5, 6, 7, 1)]
    with pytest.raises(ShapeSolverError, match=r"the file leaves \?p open; ask for it too"):
        net.ask("what k gives 112x112 at stem")


def test_several_inputs_have_sizes_of_their_own() -> None:
    net = parse(
        "dialect torch\nleft = input(3, 64)\nright = input(3, 60)\na = left -> conv(4, kernel=3, stride=2)\n"
        "b = right -> conv(4, kernel=1, stride=2)\nadd(a, b)"
    )
    assert str(net.ask("what left.L gives a.L = 5")) == "{11, 12}"
    valid = net.valid()
    assert str(valid.condition) == "(left.L - 3)//2 + 1 == (right.L - 1)//2 + 1"
    assert valid.holds(**{"left.L": 12, "right.L": 10})
    assert not valid.holds(**{"left.L": 12, "right.L": 11})


def test_sizes_that_do_not_work_are_told_their_neighbours() -> None:
    answer = example("unet").at(H=100, W=96).valid()
    assert answer.beside == ("H = 100 does not work; 96 and 112 do, or pad by 12",)
    square = example("unet").at(H=100, W=100).valid()
    assert square.beside == ("H = W = 100 does not work; 96 and 112 do, or pad by 12",)
    coupled = example("vgg16").at(H=200, W=224).valid()
    assert coupled.beside == ("200 x 224 does not work; 224 x 224 does",)


def test_kernel_dilation_and_groups() -> None:
    net = parse("dialect torch\nx = input(12, H=100, W=100)\nc = conv(24, kernel=3)\np = max_pool(3)")
    assert list(net.ask("what groups of c gives c.C = 24")) == [1, 2, 3, 4, 6, 12]
    assert list(net.ask("what dilation of c gives 90x90")) == [5]
    pairs = list(net.ask("what kernel, dilation of c gives c.H = 90"))
    # Those nearest to the kernel of 3 that the file has come first.
    assert pairs == [{"kernel": 1 + 10 // d, "dilation": d} for d in (5, 2, 1, 10)]
    assert list(net.ask("what kernel of p gives 19x19")) == [5]
