"""Every law of the arithmetic against brute force."""

import ast
import operator
import re
from math import lcm

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from shapesolver.arithmetic import (
    bounds,
    canonical,
    compare,
    divide_exactly,
    divides,
    holds,
    maximum,
    minimum,
    negate,
    scaled,
    substitute,
)
from shapesolver.arithmetic.decide import Proved, Refuted, Undecided, decide
from shapesolver.arithmetic.extremes import provably_at_most
from shapesolver.arithmetic.polynomials import between
from shapesolver.arithmetic.products import product_solutions
from shapesolver.arithmetic.pullback import preimage, preimage_of_set, pull_back_interval
from shapesolver.arithmetic.quasi import envelope, is_quasi_affine, period
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from tests.arithmetic_strategies import (
    H,
    W,
    chains,
    conditions,
    divisors,
    intervals,
    limits,
    one_symbol,
    products,
    sets,
    small,
    two_symbols,
)

BRUTE = settings(max_examples=150, deadline=None)
PAIRS = [(h, w) for h in range(1, 30, 3) for w in range(1, 30, 4)]


def at(formula, h, w=1):
    return substitute(formula, {"H": h, "W": w})


def window(*found, periods=2):
    """Integers that reach two or more common periods beyond the last threshold of the sets, on both sides."""
    modulus = 1
    ends = [0]
    for one in found:
        for lo, _, mask in one.segments():
            ends += [] if lo is None else [lo]
            modulus = lcm(modulus, mask.modulus)
    assume(modulus <= 20_000)
    return range(min(ends) - periods * modulus, max(ends) + periods * modulus + 1)


def members(found, where):
    return {k for k in where if k in found}


class TestNormalForm:
    @given(st.integers(-200, 200), small, divisors, divisors)
    def test_nested_floors(self, x, c, a, b):
        assert (x // a + c) // b == (x + a * c) // (a * b)
        assert at(((H // a) + c) // b, x) == (x // a + c) // b

    @given(st.integers(-200, 200), small, divisors, divisors)
    def test_common_factor(self, x, c, m, b):
        assert (m * x + c) // (m * b) == (x + c // m) // b
        assert at((m * H + c) // (m * b), x) == (m * x + c) // (m * b)

    @given(st.integers(-200, 200), st.integers(-200, 200), divisors)
    def test_whole_part(self, x, y, b):
        assert (b * y + x) // b == y + x // b
        assert at((b * W + H) // b, x, y) == (b * y + x) // b

    @BRUTE
    @given(st.data())
    def test_every_operation_is_that_of_integers(self, data):
        """The same program on formulas and on numbers gives the same number."""
        formulas, values = [H, W], [(h, w) for h, w in PAIRS]
        numbers = [[h for h, _ in values], [w for _, w in values]]
        for _ in range(data.draw(st.integers(1, 5))):
            i, j = (data.draw(st.integers(0, len(formulas) - 1)) for _ in "ij")
            k, d = data.draw(small), data.draw(divisors)
            act = data.draw(st.sampled_from(ACTIONS))
            formulas.append(act(formulas[i], formulas[j], k, d))
            numbers.append([act(a, b, k, d) for a, b in zip(numbers[i], numbers[j], strict=True)])
        for formula, expected in zip(formulas, numbers, strict=True):
            assert [at(formula, h, w) for h, w in values] == expected

    @BRUTE
    @given(two_symbols | products)
    def test_canonical_is_equal(self, formula):
        form = canonical(formula)
        assert all(at(form, h, w) == at(formula, h, w) for h, w in PAIRS)
        assert canonical(form) == form

    @BRUTE
    @given(two_symbols | products)
    def test_bounds_are_never_too_narrow(self, formula):
        low, high = bounds(formula)
        values = [at(formula, h, w) for h, w in PAIRS]
        assert low is None or low <= min(values)
        assert high is None or max(values) <= high

    @BRUTE
    @given(two_symbols, two_symbols)
    def test_order_that_is_provable_is_true(self, low, high):
        if provably_at_most(low, high):
            assert all(at(low, h, w) <= at(high, h, w) for h, w in PAIRS)

    @BRUTE
    @given(st.sampled_from(["==", "!=", "<=", "<", ">=", ">"]), two_symbols, two_symbols)
    def test_comparisons_and_their_negations(self, op, left, right):
        truth = compare(op, left, right)
        for h, w in PAIRS:
            values = {"H": h, "W": w}
            expected = OPERATORS[op](at(left, h, w), at(right, h, w))
            assert holds(truth, values) is expected
            assert holds(negate(truth), values) is not expected

    @BRUTE
    @given(two_symbols, two_symbols)
    def test_exact_division_multiplies_back(self, left, right):
        quotient = divide_exactly(left * right, right)
        for h, w in PAIRS:
            if quotient is not None:
                assert at(quotient, h, w) * at(right, h, w) == at(left, h, w) * at(right, h, w)

    @BRUTE
    @given(divisors, two_symbols)
    def test_divides(self, divisor, dividend):
        truth = divides(divisor, dividend)
        assert all(holds(truth, {"H": h, "W": w}) == (at(dividend, h, w) % divisor == 0) for h, w in PAIRS)


ACTIONS = [
    lambda a, b, k, d: a + b,
    lambda a, b, k, d: a - k * b,
    lambda a, b, k, d: k - a,
    lambda a, b, k, d: (a + k) // d,
    lambda a, b, k, d: (a + b) // d,
    lambda a, b, k, d: a // -d,
    lambda a, b, k, d: (a + k) % d,
    lambda a, b, k, d: a * b,
    lambda a, b, k, d: minimum(a, b + k),
    lambda a, b, k, d: maximum(a, b, k),
    lambda a, b, k, d: scaled(a, d / 4),
]
OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}


class TestSets:
    @BRUTE
    @given(sets, sets)
    def test_and_or_not(self, a, b):
        where = window(a, b)
        inside, others = members(a, where), members(b, where)
        assert members(a & b, where) == inside & others
        assert members(a | b, where) == inside | others
        assert members(a - b, where) == inside - others
        assert members(a ^ b, where) == inside ^ others
        assert members(~a, where) == set(where) - inside

    @BRUTE
    @given(sets, sets)
    def test_order_and_equality(self, a, b):
        where = window(a, b)
        inside, others = members(a, where), members(b, where)
        assert (a == b) == (inside == others)
        assert (a <= b) == (inside <= others)
        assert bool(a) == bool(inside)
        assert a != b or hash(a) == hash(b)

    @BRUTE
    @given(sets, sets, sets)
    def test_de_morgan_and_distribution(self, a, b, c):
        assert ~(a & b) == ~a | ~b
        assert ~~a == a
        assert a & (b | c) == (a & b) | (a & c)
        assert hash(a & (b | c)) == hash((a & b) | (a & c))

    @BRUTE
    @given(sets, st.integers(-60, 80))
    def test_neighbours(self, a, k):
        where = window(a, IntSet.finite([k]), periods=4)
        inside = sorted(members(a, where))
        assert a.next_at_least(k) == min((m for m in inside if m >= k), default=None)
        assert a.last_at_most(k) == max((m for m in inside if m <= k), default=None)
        assert a.nearest(k, 3) == tuple(sorted(inside, key=lambda m: (abs(m - k), m))[:3])

    @BRUTE
    @given(sets, intervals)
    def test_members_in_order_and_their_number(self, a, limit):
        bounded = a & limit & IntSet.interval(-100, 100)
        inside = [k for k in range(-100, 101) if k in a and k in limit]
        assert list(bounded) == inside
        assert bounded.count == len(bounded) == len(inside)
        assert (bounded.min, bounded.max) == (min(inside, default=None), max(inside, default=None))
        upwards = a & IntSet.interval(-100, None)
        expected = [k for k in window(a, upwards) if k >= -100 and k in a]
        assert all(k == other for k, other in zip(upwards, expected, strict=False))

    @BRUTE
    @given(sets, st.integers(-7, 7).filter(bool), small, divisors)
    def test_moved_and_pulled_back(self, a, k, c, d):
        where = range(-150, 150)
        assert members(a.under_affine(k, c), where) == {m for m in where if k * m + c in a}
        assert members(a.under_floor(d), where) == {m for m in where if m // d in a}
        assert members(a.shift(c), where) == {m for m in where if m - c in a}
        assert members(a.scale(k), where) == {m for m in where if m % k == 0 and m // k in a}

    @BRUTE
    @given(sets)
    @example(IntSet.residue_class(0, 3) - IntSet.interval(4, 7))
    def test_what_is_written_is_what_is_meant(self, a):
        text = a.describe("H")
        where = range(-160, 200)
        assert {k for k in where if means(text, k)} == members(a, where), text

    @settings(max_examples=40, deadline=None)
    @given(sets)
    def test_sympy_has_the_same_members(self, a):
        theirs = a.to_sympy()
        assert all((k in theirs) == (k in a) for k in range(-30, 60, 3))


def means(text, value):
    """Whether a described set holds a number, by reading the text as Python on integers."""
    return any(all(_true(part, value) for part in _parts(piece)) for piece in text.split(" or "))


def _parts(piece):
    """The conditions of one piece: commas outside of braces separate them."""
    return re.split(r", (?![^{]*\})", piece)


def _true(part, value):
    if part in ("none", "all H"):
        return part == "all H"
    part = re.sub(r"(-?\d+)\.\.(-?\d+)", r"range(\1, \2)", part.removeprefix("all "))
    if part.startswith(("{", "range")):
        part = f"H in {part}"
    return _evaluate(ast.parse(part, mode="eval").body, value)


def _evaluate(node, value):
    match node:
        case ast.Name("H"):
            return value
        case ast.Constant(number):
            return number
        case ast.UnaryOp(ast.USub(), operand):
            return -_evaluate(operand, value)
        case ast.BinOp(left, op, right):
            return BINARY[type(op)](_evaluate(left, value), _evaluate(right, value))
        case ast.Call(ast.Name("range"), [low, high]):
            return range(_evaluate(low, value), _evaluate(high, value) + 1)
        case ast.Set(items):
            values = [_evaluate(item, value) for item in items]
            return {k for one in values for k in (one if isinstance(one, range) else [one])}
        case ast.Compare(left, ops, others):
            terms = [_evaluate(item, value) for item in (left, *others)]
            return all(BINARY[type(op)](a, b) for op, a, b in zip(ops, terms, terms[1:], strict=False))
    raise AssertionError(ast.dump(node))


BINARY = {
    ast.Mod: operator.mod,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.LtE: operator.le,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


class TestPullBack:
    @BRUTE
    @given(one_symbol | products | chains, limits, limits)
    def test_preimage_is_brute_force(self, formula, lo, hi):
        try:
            found = preimage(formula, lo, hi, H)
        except Undecided:
            assume(False)
        where = window(found)
        assume(len(where) < 5000)
        for k in where:
            value = at(formula, k) if k >= 1 else None
            expected = value is not None and (lo is None or lo <= value) and (hi is None or value <= hi)
            assert (k in found) == expected, (str(formula), k)

    @pytest.mark.parametrize("d", [2, 3, 5])
    @pytest.mark.parametrize("c", [-2, -1, 2, 3])
    def test_the_ends_of_the_zone(self, c, d):
        """Where an envelope is tight, one size more or less in the zone would show."""
        for shift in range(d):
            formula = c * H - (H + shift) // d
            values = {k: c * k - (k + shift) // d for k in range(1, 60)}
            for bound in range(-20, 20):
                found = preimage(formula, bound, None, H)
                assert all((k in found) == (value >= bound) for k, value in values.items())

    @BRUTE
    @given(one_symbol, sets)
    def test_preimage_of_a_set(self, formula, wanted):
        try:
            found = preimage_of_set(formula, wanted, H)
        except Undecided:
            assume(False)
        assert all((k in found) == (at(formula, k) in wanted) for k in range(1, 200))

    @BRUTE
    @given(chains, st.integers(-20, 60))
    def test_a_symbolic_target_gives_the_same_interval(self, formula, value):
        lo, hi = pull_back_interval(formula, W, W, H)
        lo, hi = (substitute(end, {"W": value}) for end in (lo, hi))
        assert IntSet.interval(lo, hi) & IntSet.interval(1, None) == preimage(formula, value, value, H)

    @BRUTE
    @given(st.lists(small, min_size=1, max_size=5), limits, limits, small)
    def test_polynomials(self, coefficients, lo, hi, start):
        found = between(coefficients, lo, hi, start)
        for k in range(-12, 40):
            value = sum(c * k**power for power, c in enumerate(coefficients))
            expected = k >= start and (lo is None or lo <= value) and (hi is None or value <= hi)
            assert (k in found) == expected

    @BRUTE
    @given(one_symbol)
    def test_period_and_envelope(self, formula):
        formula = canonical(formula)
        assume(is_quasi_affine(formula))
        length, rise = period(formula)
        scale, slope, low, high = envelope(formula)
        for k in range(-20, 40):
            value = at(formula, k)
            assert at(formula, k + length) == value + rise
            assert slope * k + low <= scale * value <= slope * k + high


relations = st.builds(compare, st.sampled_from(["==", "<=", "<", ">=", ">"]), two_symbols, two_symbols)


class TestConditions:
    @BRUTE
    @given(conditions)
    def test_solutions_are_brute_force(self, condition):
        try:
            found = solutions(condition, H)
        except Undecided:
            assume(False)
        where = window(found)
        assume(len(where) < 3000)
        assert all((k in found) == (k >= 1 and condition.holds({"H": k})) for k in where)

    @BRUTE
    @given(conditions, conditions)
    def test_verdicts_are_true_and_counterexamples_least(self, condition, assumed):
        def fails(k):
            return holds(assumed, {"H": k}) and not holds(condition, {"H": k})

        match decide(condition, assumed):
            case Proved(vacuous):
                assert not any(fails(k) for k in range(1, 300))
                assert not vacuous or not any(holds(assumed, {"H": k}) for k in range(1, 300))
            case Refuted(found):
                # A condition between numbers has no symbol, and fails everywhere.
                least = found.get("H", 1)
                assert fails(least)
                assert not any(fails(k) for k in range(1, min(least, 300)))

    @BRUTE
    @given(relations, relations)
    def test_verdicts_on_two_symbols_are_true(self, condition, assumed):

        def fails(h, w):
            return holds(assumed, {"H": h, "W": w}) and not holds(condition, {"H": h, "W": w})

        match decide(condition, assumed):
            case Proved():
                assert not any(fails(h, w) for h, w in PAIRS)
            case Refuted(found):
                assert fails(found.get("H", 1), found.get("W", 1))

    @BRUTE
    @given(chains, chains, st.integers(1, 4), st.integers(-12, 60))
    def test_products_are_brute_force(self, left, right, constant, target):
        boxes = product_solutions([(left, H), (substitute(right, {"H": W}), W)], constant, target)
        for h in range(1, 25):
            for w in range(1, 25):
                inside = sum(h in hs and w in ws for hs, ws in boxes)
                assert inside == (constant * at(left, h) * at(right, w) == target)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", lambda k: False),
        ("all H >= 3", lambda k: k >= 3),
        ("{1, 3}", lambda k: k in (1, 3)),
        ("H % 16 in {0..2, 9}, 4 <= H <= 9 or 11..12", lambda k: k in (9, 11, 12)),
        ("(H + 4) % 16 != 0, H <= -3", lambda k: k <= -3 and k % 16 != 12),
    ],
)
def test_the_reader_of_descriptions_reads(text, expected):
    assert all(means(text, k) is expected(k) for k in range(-20, 130))
