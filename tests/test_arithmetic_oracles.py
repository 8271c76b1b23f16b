"""The arithmetic against islpy and z3, which share no code with it: two independent judges."""

import islpy
import pytest
import z3
from hypothesis import assume, given, settings

from shapesolver.arithmetic import Both, Comparison, Divides, Either, Negation, canonical
from shapesolver.arithmetic.atoms import Extreme, Floor, Group, Symbol
from shapesolver.arithmetic.decide import Proved, Refuted, Undecided, decide
from shapesolver.arithmetic.pullback import preimage
from shapesolver.arithmetic.quasi import is_quasi_affine
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from tests.arithmetic_strategies import H, chains, comparisons, conditions, limits, one_symbol

ORACLE = settings(max_examples=60, deadline=None)


def as_isl(dim):
    """A quasi-affine formula in isl's language."""
    if isinstance(dim, int):
        return f"({dim})"
    terms = [f"{c}*{_isl_atom(atom)}" for (atom,), c in dim.terms]
    return "(" + " + ".join([*terms, str(dim.constant)]) + ")"


def _isl_atom(atom):
    match atom:
        case Symbol():
            return "n"
        case Floor(numerator=numerator, denominator=denominator):
            return f"floor({as_isl(numerator)}/{denominator})"
        case Group(inner=inner):
            return as_isl(inner)
    raise AssertionError(atom)


def isl_condition(condition):
    match condition:
        case Comparison(op, left, right):
            sign = {"==": "=", "!=": "!="}.get(op, op)
            return f"({as_isl(canonical(left))} {sign} {as_isl(canonical(right))})"
        case Divides(divisor, dividend):
            return f"({as_isl(canonical(dividend))} mod {divisor} = 0)"
        case Both(items):
            return "(" + " and ".join(map(isl_condition, items)) + ")"
        case Either(items):
            return "(" + " or ".join(map(isl_condition, items)) + ")"
        case Negation(item):
            return f"(not {isl_condition(item)})"
    raise AssertionError(condition)


def isl_set(found):
    """One of our sets, segment by segment, as isl's."""
    parts = []
    for lo, hi, mask in found.segments():
        for start, stop in mask.runs():
            limits = [f"n >= {lo}"] * (lo is not None) + [f"n < {hi}"] * (hi is not None)
            inside = f"{start} <= n mod {mask.modulus} < {stop}"
            parts.append("(" + " and ".join([*limits, inside]) + ")")
    return islpy.Set("{ [n] : " + (" or ".join(parts) or "1 = 0") + " }")


def within_isl(dim):
    return not isinstance(dim, int) and is_quasi_affine(canonical(dim))


@pytest.mark.parametrize("found", [IntSet.everything(), IntSet.finite([3]), IntSet.residues(6, [1, 2, 5])])
def test_the_translation_to_isl_is_faithful(found):
    theirs = isl_set(found)
    for k in range(-20, 20):
        assert (not theirs.intersect(islpy.Set(f"{{ [{k}] }}")).is_empty()) == (k in found)


@ORACLE
@given(one_symbol | chains, limits, limits)
def test_isl_finds_the_same_preimage(formula, lo, hi):
    assume(within_isl(formula))
    form = as_isl(canonical(formula))
    wanted = [f"{form} >= {lo}"] * (lo is not None) + [f"{form} <= {hi}"] * (hi is not None)
    theirs = islpy.Set("{ [n] : " + " and ".join(["n >= 1", *wanted]) + " }")
    assert isl_set(preimage(formula, lo, hi, H)).is_equal(theirs)


@ORACLE
@given(conditions)
def test_isl_finds_the_same_solutions(condition):
    assume(all(isinstance(dim, int) or within_isl(dim) for dim in condition.dims()))
    theirs = islpy.Set("{ [n] : n >= 1 and " + isl_condition(condition) + " }")
    assert isl_set(solutions(condition, H)).is_equal(theirs)


def as_z3(dim, n):
    """Any formula of one symbol for z3, whose ``/`` is a floor for a positive divisor."""
    if isinstance(dim, int):
        return z3.IntVal(dim)
    total = z3.IntVal(dim.constant)
    for monomial, coefficient in dim.terms:
        product = z3.IntVal(coefficient)
        for atom in monomial:
            product = product * _z3_atom(atom, n)
        total = total + product
    return total


def _z3_atom(atom, n):
    match atom:
        case Symbol():
            return n
        case Floor(numerator=numerator, denominator=denominator):
            return as_z3(numerator, n) / denominator
        case Group(inner=inner):
            return as_z3(inner, n)
        case Extreme(least=least, items=items):
            first, *others = (as_z3(item, n) for item in items)
            for other in others:
                first = z3.If(first <= other if least else first >= other, first, other)
            return first
    raise AssertionError(atom)


def z3_condition(condition, n):
    match condition:
        case Comparison(op, left, right):
            a, b = as_z3(left, n), as_z3(right, n)
            return {"==": a == b, "!=": a != b, "<=": a <= b, "<": a < b, ">=": a >= b, ">": a > b}[op]
        case Divides(divisor, dividend):
            return as_z3(dividend, n) % divisor == 0
        case Both(items):
            return z3.And(*(z3_condition(item, n) for item in items))
        case Either(items):
            return z3.Or(*(z3_condition(item, n) for item in items))
        case Negation(item):
            return z3.Not(z3_condition(item, n))
    raise AssertionError(condition)


@ORACLE
@given(conditions, comparisons)
def test_z3_gives_the_same_verdict(condition, assumed):
    n = z3.Int("n")
    solver = z3.Solver()
    solver.set("rlimit", 5_000_000)
    solver.add(n >= 1, z3_condition(assumed, n), z3.Not(z3_condition(condition, n)))
    match decide(condition, assumed):
        case Proved():
            assert solver.check() != z3.sat
        case Refuted(found):
            assert solver.check() != z3.unsat
            solver.add(n == found.get("H", 1))
            assert solver.check() == z3.sat
        case Undecided():
            pass


def test_isl_agrees_on_large_strides_and_targets():
    for formula, lo, hi in [
        ((H - 7) // 6 - 1, 10**12, 10**12),
        (H // 1009 - H // 1013, -3, 0),
        (H % 2 + H % 10**9, 3, 77),
        (H // 999 + H // 1000 - 2 * (H // 1999), 0, 0),
    ]:
        form = as_isl(canonical(formula))
        theirs = islpy.Set(f"{{ [n] : n >= 1 and {lo} <= {form} <= {hi} }}")
        found = preimage(formula, lo, hi, H)
        if len(found.pieces()) < 50:
            assert isl_set(found).is_equal(theirs)
        else:
            # Each of our runs is theirs, and the gap after it is not.
            for first, past in list(found.runs())[:40]:
                assert islpy.Set(f"{{ [n] : {first} <= n < {past} }}").is_subset(theirs)
                assert theirs.intersect(islpy.Set(f"{{ [{past}] }}")).is_empty()
