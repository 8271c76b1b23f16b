"""The arithmetic by example: what it is for, and what it says."""

import math
import pickle
import subprocess
import sys
from itertools import pairwise

import pytest
import sympy

from shapesolver.arithmetic import (
    Comparison,
    Divides,
    Either,
    Negation,
    both,
    bounds,
    canonical,
    compare,
    divide_exactly,
    either,
    maximum,
    minimum,
    scaled,
    substitute,
    symbol,
)
from shapesolver.arithmetic.decide import Proved, Refuted, Undecided, decide, example
from shapesolver.arithmetic.factors import divisors, factorise
from shapesolver.arithmetic.products import count_solutions, product_solutions
from shapesolver.arithmetic.pullback import preimage, preimage_of_set, pull_back_interval
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from tests.steps import steps

H = symbol("H")
W = symbol("W")
P = symbol("P", least=0)
n = symbol("n")
SIZES = IntSet.interval(1, None)


def mnist(size):
    """The network of the question: kernel 7 stride 3, then kernel 5 stride 2."""
    return ((size - 7) // 3 + 1 - 5) // 2 + 1


class TestFormulas:
    @pytest.mark.parametrize(
        ("formula", "text"),
        [
            (mnist(H), "(H - 7)//6 - 1"),
            ((H // 2) // 2, "H//4"),
            (64 * (H // 4) * (W // 4), "64*(H//4)*(W//4)"),
            (64 * (H - 2) * (W - 2), "64*(H - 2)*(W - 2)"),
            (3 - H, "3 - H"),
            (-(H // 2), "-(H//2)"),
            ((6 * H + 4) // 4, "3*H//2 + 1"),
            (H % 16, "H - 16*(H//16)"),
            (maximum(H, 3), "max(H, 3)"),
            (minimum(H + 1, H + 4), "H + 1"),
            (scaled(H, 0.5), "H//2"),
            (scaled(H, 0.7), "floor(H*0.7)"),
        ],
    )
    def test_are_written_as_people_write_them(self, formula, text):
        assert str(formula) == text

    def test_do_not_depend_on_the_order_of_a_sum(self):
        assert H + W == W + H
        assert hash(H + W) == hash(W + H)

    def test_canonical_form_joins_floors_written_apart(self):
        assert canonical((H - 1) // 2 - ((H + 1) // 2 - 1)) == 0

    def test_bounds_see_what_cancels(self):
        assert bounds(H - 2 * (H // 2)) == (0, 1)
        assert bounds(mnist(H)) == (-2, None)
        assert compare("<=", 2 * (H // 2), H) is True

    def test_divide_exactly_where_the_form_allows(self):
        assert divide_exactly(64 * H * W, 16 * H) == 4 * W
        assert divide_exactly(H * W, 64) is None

    def test_numbers_never_load_sympy(self):
        code = "import sys, shapesolver.arithmetic.decide; sys.exit('sympy' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestSets:
    @pytest.mark.parametrize(
        ("found", "text"),
        [
            (IntSet.nothing(), "none"),
            (IntSet.everything(), "all H"),
            (SIZES, "all H >= 1"),
            (IntSet.interval(25, 30), "25..30"),
            (IntSet.finite([1, 3, 5]), "{1, 3, 5}"),
            (IntSet.finite([7]), "{7}"),
            (IntSet.finite([1, 2, 40, 41, 42, 43]), "{1, 2} or 40..43"),
            (IntSet.residue_class(0, 16) & SIZES, "H % 16 == 0, H >= 16"),
            (IntSet.residue_class(12, 16) & IntSet.interval(188, None), "(H + 4) % 16 == 0, H >= 188"),
            (IntSet.residue_class(1, 6) & SIZES, "(H - 1) % 6 == 0, H >= 1"),
            (SIZES - IntSet.residue_class(0, 2), "H % 2 == 1, H >= 1"),
            (SIZES - IntSet.residue_class(0, 16), "H % 16 != 0, H >= 1"),
            (IntSet.residues(16, [0, 1, 2, 9]) & SIZES, "H % 16 in {0..2, 9}, H >= 1"),
            (IntSet.residue_class(0, 16) & IntSet.interval(1, 10**12), f"H % 16 == 0, 16 <= H <= {10**12}"),
            (IntSet.finite([1, 3]) | IntSet.interval(10, None), "{1, 3} or H >= 10"),
            (IntSet.residues(12, [0, 3, 6, 9]), "H % 3 == 0"),
        ],
    )
    def test_are_written_with_the_smallest_modulus(self, found, text):
        assert found.describe("H") == text

    def test_long_texts_say_how_much_they_leave_out(self):
        squares = IntSet.finite(k * k for k in range(2, 40))
        assert str(squares).endswith("169, ... 26 more}")
        assert "more" not in squares.describe("H")

    def test_equal_sets_are_equal_however_they_were_made(self):
        evens = IntSet.residue_class(0, 2)
        assert evens == IntSet.residues(6, [0, 2, 4])
        assert evens - IntSet.interval(5, 5) == evens
        assert hash(evens) == hash(IntSet.residues(4, [0, 2]))
        assert len({evens, IntSet.residues(4, [0, 2]), ~evens}) == 2
        assert evens != object()

    def test_huge_sets_take_no_time(self):
        big = IntSet.residue_class(0, 16) & IntSet.interval(1, 10**12)
        assert big.count == len(big) == 10**12 // 16
        assert (big.min, big.max) == (16, 10**12)
        assert big.nearest(10**11 + 1, 3) == (10**11, 10**11 + 16, 10**11 - 16)

    def test_common_periods_beyond_a_billion(self):
        found = SIZES
        for modulus in (997, 1009, 1013, 1019):
            found &= IntSet.residue_class(3, modulus)
        assert found.describe("H") == f"(H - 3) % {997 * 1009 * 1013 * 1019} == 0, H >= 3"

    def test_what_is_too_large_is_undecided(self):
        left, right = (IntSet.residues(m, range(0, m, 2)) for m in (1_000_003, 1_000_033))
        with pytest.raises(Undecided, match="combining conditions modulo 1,000,003 and 1,000,033"):
            left & right

    def test_queries(self):
        odd = IntSet.residue_class(1, 2) & SIZES
        assert 10**30 + 1 in odd and -1 not in odd and "x" not in odd
        assert (odd.min, odd.max, odd.count, odd.is_finite) == (1, None, math.inf, False)
        assert (odd.next_at_least(10), odd.last_at_most(10), odd.last_at_most(0)) == (11, 9, None)
        assert odd.nearest(10, 4) == (9, 11, 7, 13)
        assert odd.nearest(-5, 2) == (1, 3)
        assert [k for k, _ in zip(odd, range(3), strict=False)] == [1, 3, 5]
        assert IntSet.finite([2, 9]).nearest(0, 5) == (2, 9)
        assert not IntSet.nothing() and IntSet.nothing().min is None
        assert odd.isdisjoint(~odd) and odd < SIZES < IntSet.everything() > odd

    def test_errors(self):
        with pytest.raises(OverflowError, match=r"use \.count"):
            len(SIZES)
        with pytest.raises(ValueError, match="no least member"):
            iter(IntSet.everything())
        with pytest.raises(ValueError, match="at least 1"):
            IntSet.residues(0, [0])
        with pytest.raises(ValueError, match="loses the set"):
            SIZES.scale(0)

    def test_are_values(self):
        found = IntSet.residue_class(12, 16) & IntSet.interval(188, None)
        assert pickle.loads(pickle.dumps(found)) == found
        assert repr(found) == "<IntSet (n + 4) % 16 == 0, n >= 188>"

    def test_become_sympy_sets(self):
        assert IntSet.interval(25, 30).to_sympy() == sympy.Range(25, 31)
        assert (IntSet.residue_class(0, 16) & SIZES).to_sympy() == sympy.Range(16, sympy.oo, 16)
        assert IntSet.everything().to_sympy() == sympy.S.Integers
        assert IntSet.nothing().to_sympy() == sympy.S.EmptySet


class TestPullBack:
    def test_the_question(self):
        assert preimage(mnist(H), 2, 2, H) == IntSet.interval(25, 30)

    def test_a_symbolic_target(self):
        assert pull_back_interval(mnist(H), n, n, H) == (6 * n + 13, 6 * n + 18)
        assert pull_back_interval(10 - H // 2, n, n, H) == (20 - 2 * n, 21 - 2 * n)
        with pytest.raises(ValueError, match="not a chain"):
            pull_back_interval(H // 2 + H // 3, n, n, H)

    @pytest.mark.parametrize(
        ("formula", "lo", "hi", "text"),
        [
            (mnist(H), 10**12, 10**12, "6000000000013..6000000000018"),
            (2 * H, 3, 3, "none"),
            (H - 2 * (H // 2), 0, 0, "H % 2 == 0, H >= 2"),
            (H // 8 - 2 * (H // 16), 0, 0, "H % 16 in 0..7, H >= 1"),
            (maximum(H - 5, 3), 3, 3, "1..8"),
            (minimum(H, 7) + H // 2, 9, 10, "{6, 7}"),
            (H * H - 5 * H, 10**12, 10**12 + 10**7, "1000003..1000007"),
            ((H // 2) * (H // 3), 600, 700, "60..65"),
            ((H // 3) * H // 4 - 2 * H, 0, 5, "24..26"),
            (scaled(H, 0.7), 245, 245, "{351}"),
            (H % 2 + H % 10**9, 0, 0, "H % 1000000000 == 0, H >= 1000000000"),
            (5, 5, 5, "all H >= 1"),
            (P // 2, 0, 0, "{0, 1}"),
        ],
    )
    def test_every_size_that_gives_it(self, formula, lo, hi, text):
        assert preimage(formula, lo, hi, P if "P" in str(formula) else H).describe("H") == text

    def test_a_set_of_wanted_values(self):
        found = preimage_of_set(H // 3, IntSet.residue_class(0, 4), H)
        assert found.describe("H") == "H % 12 in 0..2, H >= 1"

    def test_strides_whose_common_multiple_exceeds_a_million(self):
        found = preimage(H // 1009 - H // 1013, 0, 0, H)
        assert found.min == 1
        assert all((k in found) == (k // 1009 == k // 1013) for k in range(1, 300_000, 7))
        assert found.is_finite

    def test_another_symbol_is_an_error(self):
        with pytest.raises(ValueError, match="depends on W"):
            preimage(H + W, 1, 2, H)

    def test_beyond_the_limits_is_undecided(self):
        jumpy = 3 * (H % 1000) - 2 * (H % 997) + H % 991
        with pytest.raises(Undecided, match="period"):
            preimage(jumpy, 5, 9, H)


class TestConditions:
    @pytest.mark.parametrize(
        ("condition", "text"),
        [
            (Divides(16, H), "H % 16 == 0, H >= 16"),
            (both(Divides(16, H + 4), Comparison(">=", H, 188)), "(H + 4) % 16 == 0, H >= 188"),
            (Divides(H, 12), "1..4 or {6, 12}"),
            (Divides(H, 0), "all H >= 1"),
            (Divides(0, H), "none"),
            (Comparison("!=", H, 5), "1..4 or H >= 6"),
            (Negation(either(Comparison("<", H, 5), Comparison(">", H, 9))), "5..9"),
            (Comparison(">", H // 2, H), "none"),
            # No method for this divisor, but few sizes are left to try.
            (both(Divides(H // 2 + 1, H + 3), Comparison("<=", H, 9)), "{1, 3}"),
            (True, "all H >= 1"),
            (False, "none"),
        ],
    )
    def test_all_solutions(self, condition, text):
        assert solutions(condition, H).describe("H") == text

    def test_within_a_domain(self):
        assert solutions(Divides(2, H), "H", IntSet.interval(1, 7)) == IntSet.finite([2, 4, 6])

    def test_a_unet_with_four_poolings(self):
        sizes = [H]
        for _ in range(4):
            sizes.append(sizes[-1] // 2)
        meets = [compare("==", 2 * below, above) for above, below in pairwise(sizes)]
        valid = both(*meets, compare(">=", sizes[-1], 1))
        assert solutions(valid, H).describe("H") == "H % 16 == 0, H >= 16"

    @pytest.mark.parametrize(
        ("condition", "assumed", "verdict"),
        [
            (Comparison("==", (H // 2) // 2, H // 4), True, Proved()),
            (Comparison("==", 2 * (H // 2), H), True, Refuted({"H": 1})),
            (Comparison("==", 2 * (H // 2), H), Divides(2, H), Proved()),
            (Comparison("==", H // 3 + (H + 1) // 3 + (H + 2) // 3, H), True, Proved()),
            (Comparison("==", H // 2, W // 2), Comparison("==", W, H), Proved()),
            (Comparison("==", H // 2, W // 2), True, Refuted({"H": 1, "W": 2})),
            (Comparison(">=", W // 2, H // 2), Comparison(">=", W, H), Proved()),
            (Comparison(">", W, H), Comparison(">=", W, H), Refuted({"H": 1, "W": 1})),
            (Comparison(">=", W, H + 1), Comparison(">", W, H), Proved()),
            (Comparison(">=", H, 5), Comparison("==", W, H - 4), Proved()),
            (Comparison(">=", H, 6), Comparison("==", W, H - 4), Refuted({"H": 5, "W": 1})),
            (Comparison(">=", W, 5), Comparison("==", W, H + 4), Proved()),
            (Comparison(">=", H, 5), Comparison("==", H, W + 4), Proved()),
            (Comparison(">=", H * W, 6), both(compare(">=", H, 2), compare(">=", W, 3)), Proved()),
            (Comparison("==", W + H % 2, W), True, Refuted({"H": 1, "W": 1})),
            (both(Divides(2, H), Divides(3, W)), Divides(6, H), Refuted({"H": 6, "W": 1})),
            (Comparison("==", H, 5), both(compare(">", H, 5), compare("<", H, 5)), Proved(vacuous=True)),
            (True, True, Proved()),
            (False, True, Refuted({})),
        ],
    )
    def test_proved_or_refuted_with_the_smallest_counterexample(self, condition, assumed, verdict):
        assert decide(condition, assumed) == verdict

    def test_what_a_search_does_not_find_is_undecided(self):
        fermat = Comparison("!=", H * H * H + W * W * W, n * n * n)
        verdict = decide(fermat)
        assert isinstance(verdict, Undecided)
        assert "none is excluded" in verdict.reason

    def test_example_gives_every_symbol_a_value(self):
        assert example(Either((Comparison("==", H, 4), Comparison("==", W, 9)))) == {"H": 4, "W": 1}
        assert example(Comparison("<", H, 1)) is None


class TestProducts:
    def test_flatten_to_dense(self):
        boxes = product_solutions([((H - 4) // 2, H), ((W - 4) // 2, W)], 64, 9216)
        # 15 divisors of 144, and two sizes of each side for each of them: 60 pairs.
        assert len(boxes) == 15
        assert count_solutions(boxes) == 60
        pairs = {(h, w) for hs, ws in boxes for h in hs for w in ws}
        sides = [(h, w) for h in range(1, 400) for w in range(1, 400)]
        assert pairs == {(h, w) for h, w in sides if 64 * ((h - 4) // 2) * ((w - 4) // 2) == 9216}

    def test_zero_is_a_zero_factor(self):
        boxes = product_solutions([(H // 2, H), (W // 3, W)], 5, 0)
        assert [tuple(map(str, box)) for box in boxes] == [("{1}", "all n >= 1"), ("all n >= 2", "{1, 2}")]
        assert count_solutions(boxes) == math.inf

    def test_no_factor_of_the_target(self):
        assert product_solutions([(H, H), (W, W)], 64, 100) == []
        assert product_solutions([(H, H)], 0, 0)[0][0] == SIZES
        with pytest.raises(ValueError, match="share a symbol"):
            product_solutions([(H, H), (H // 2, H)], 1, 4)

    def test_factors(self):
        assert factorise(-9216) == {2: 10, 3: 2}
        assert factorise((2**31 - 1) * (10**9 + 7)) == {2**31 - 1: 1, 10**9 + 7: 1}
        assert divisors(12) == [1, 2, 3, 4, 6, 12]
        with pytest.raises(ValueError, match="every integer"):
            factorise(0)


class TestEffort:
    """In calls of functions, several times what was counted: a wrong method takes more."""

    def test_a_chain_of_fifty_layers(self):
        size = H
        for layer in range(50):
            size = (size + 1 - layer % 2) // (1 + layer % 2) + 1
        assert steps(lambda: preimage(size, 10**12, 10**12, H)) < 200

    def test_a_period_of_a_million(self):
        condition = Comparison("==", H % 2 + H % 1000 + H % 15625, 77)
        assert steps(lambda: solutions(condition, H)) < 1_000_000

    def test_a_chain_keeps_its_text_short(self):
        size = H
        for _ in range(50):
            size = (size + 2) // 2
        assert substitute(size, {"H": 2**60}) == 2**10 + 1
        assert str(size) == f"(H + {2**50 - 2})//{2**50} + 1"


def test_a_wide_interval_is_one_run() -> None:
    assert list(IntSet.interval(1, 10**24).runs()) == [(1, 10**24 + 1)]


def test_what_is_known_of_one_symbol_is_not_believed_of_its_namesake() -> None:
    """A padding that may be 0 and a size that is 1 or more may have one name, in different networks."""
    size, padding = symbol("p", least=1), symbol("p", least=0)
    assert size != padding
    assert size // 3 != padding // 3
    assert maximum(size, 1) == size
    assert str(maximum(padding, 1)) == "max(p, 1)"
    assert minimum(size + 2, 3) == 3
    assert str(minimum(padding + 2, 3)) == "min(p + 2, 3)"
