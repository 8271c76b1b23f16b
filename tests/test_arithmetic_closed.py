"""The closed cases that most questions are: chains, remainders of chains, residues that run around a circle."""

import os
import pickle
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapesolver.arithmetic import Formula, bounds, compare, maximum, scaled, substitute, symbol
from shapesolver.arithmetic.chains import as_remainder, is_chain
from shapesolver.arithmetic.masks import EMPTY, FULL, Mask
from shapesolver.arithmetic.pullback import preimage
from shapesolver.arithmetic.sets import IntSet
from shapesolver.arithmetic.solutions import solutions
from tests.arithmetic_strategies import H, W, chains, divisors, residue_sets, sets, signed_chains, small

LAWS = settings(max_examples=200, deadline=None)
SIZES = range(1, 200)


def at(formula, n):
    return substitute(formula, {"H": n})


class TestRemainders:
    @LAWS
    @given(chains, st.integers(2, 6), st.integers(-4, 4).filter(bool), small)
    def test_a_remainder_of_a_chain_is_read_as_it_is(self, chain, modulus, factor, offset):
        formula = factor * (chain % modulus) + offset
        read = as_remainder(formula)
        assert read is not None
        divided = Formula.of(read.atom) + read.shift
        assert is_chain(divided)
        assert all(at(formula, n) == read.factor * (at(divided, n) % read.modulus) + read.offset for n in SIZES)

    @LAWS
    @given(chains, st.integers(2, 6), st.integers(-4, 4).filter(bool), small)
    def test_its_bounds_are_those_of_its_residues(self, chain, modulus, factor, offset):
        formula = factor * (chain % modulus) + offset
        values = [at(formula, n) for n in SIZES]
        low, high = bounds(formula)
        assert low <= min(values) <= max(values) <= high
        assert high - low == abs(factor) * (modulus - 1)

    @LAWS
    @given(
        signed_chains,
        st.integers(2, 6),
        st.integers(-4, 4).filter(bool),
        small,
        st.integers(-20, 20),
        st.integers(0, 9),
    )
    def test_it_is_pulled_back_as_it_is_counted(self, chain, modulus, factor, offset, lo, width):
        formula = factor * (chain % modulus) + offset
        found = preimage(formula, lo, lo + width, "H")
        assert [n for n in SIZES if n in found] == [n for n in SIZES if lo <= at(formula, n) <= lo + width]

    @pytest.mark.parametrize(
        "formula",
        [
            H - 2 * (W // 2),
            H - 2 * (H // 3),
            H + 2 * (H // 2),
            H // 2 - 2 * ((H + 1) // 4),
            maximum(H, 4) - 2 * (H // 2),
        ],
        ids=str,
    )
    def test_what_looks_like_one_and_is_none_is_left_alone(self, formula):
        assert as_remainder(formula) is None


class TestResidues:
    @LAWS
    @given(st.integers(1, 12), st.integers(-30, 30), st.integers(-2, 15))
    def test_an_arc_holds_the_residues_of_its_run(self, modulus, first, width):
        found = IntSet.arc(first, first + width, modulus)
        wanted = {n % modulus for n in range(first, first + width + 1)}
        assert all((n in found) == (n % modulus in wanted) for n in range(-40, 40))

    @LAWS
    @given(st.integers(1, 9), st.integers(-9, 9), sets)
    def test_a_residue_class_meets_any_set(self, modulus, residue, other):
        found = IntSet.residue_class(residue, modulus) & other
        assert all((n in found) == (n % modulus == residue % modulus and n in other) for n in range(-150, 150))

    def test_a_class_that_misses_a_hole_is_whole_however_large_the_period(self):
        everything_but_five = ~IntSet.residue_class(5, 10**30)
        assert IntSet.residue_class(0, 10) & everything_but_five == IntSet.residue_class(0, 10)
        assert not IntSet.residue_class(5, 10**30) & IntSet.residue_class(0, 10)

    @LAWS
    @given(residue_sets, residue_sets, divisors, small)
    def test_every_operation_leaves_the_smallest_modulus(self, one, other, d, offset):
        made = (one & other, ~one, one.under_floor(d), one.under_affine(d, offset), one.shift(offset), one | other)
        for found in made:
            for _, _, mask in found.segments():
                assert Mask.of(mask.modulus, mask.edges) == mask
                assert (mask is EMPTY or mask is FULL) == (mask.modulus == 1)

    def test_conditions_on_halves_of_halves_meet_in_one_class(self):
        """Each floor of a U-Net leaves no remainder: together they ask for one residue, whatever the depth."""
        sizes = [H // 2**depth for depth in range(40)]
        found = IntSet.interval(1, None)
        for larger, smaller in pairwise(sizes):
            found &= solutions(compare("==", larger, 2 * smaller), "H")
        assert str(found) == f"n % {2**39} == 0, n >= {2**39}"


class TestSegments:
    @LAWS
    @given(sets, st.integers(-60, 60))
    def test_what_is_at_least_a_number_is_cut_there(self, found, least):
        cut = found & IntSet.interval(least, None)
        assert [n for n in range(-150, 150) if n in cut] == [n for n in range(least, 150) if n in found]
        assert cut == IntSet.interval(least, None) & found

    @LAWS
    @given(sets, sets, divisors, small)
    def test_no_stretch_is_empty_or_goes_on_like_the_one_before(self, one, other, d, offset):
        cut = IntSet.interval(offset, None)
        for found in (
            one & other,
            one | other,
            ~one,
            one.under_floor(d),
            one.under_affine(-d, offset),
            one.scale(d),
            one & cut,
        ):
            stretches = list(found.segments())
            assert all(lo is None or hi is None or lo < hi for lo, hi, _ in stretches)
            assert all(before != after for (_, _, before), (_, _, after) in pairwise(stretches))


class TestAtoms:
    def test_the_order_of_terms_does_not_matter(self):
        one, other = (H + W) // 2, (W + H) // 2
        assert one == other
        assert hash(one) == hash(other)

    def test_kinds_with_the_same_parts_differ(self):
        assert scaled(H, 3.0000001) != (H * 3) // 2
        assert symbol("H") != symbol("H", least=0)

    def test_a_deep_formula_is_written_without_exhausting_the_stack(self):
        formula = H
        for depth in range(5000):
            formula = (formula + H) // (2 + depth % 3)
        assert str(formula).startswith("(((")

    def test_what_is_remembered_is_not_pickled(self):
        """Texts hash differently in each process, so a hash must not travel."""
        formula = (H + W) // 2
        code = (
            "import pickle, sys; from shapesolver.arithmetic import symbol;"
            "assert hash(pickle.loads(sys.stdin.buffer.read())) == hash((symbol('H') + symbol('W'))//2)"
        )
        for kept in (formula, compare("==", formula, 3)):
            hash(kept)
        environment = {**os.environ, "PYTHONHASHSEED": "1"}
        subprocess.run([sys.executable, "-c", code], input=pickle.dumps(formula), env=environment, check=True)

    def test_masks_stay_the_only_ones_of_their_kind(self):
        assert pickle.loads(pickle.dumps(EMPTY)) is EMPTY
        assert pickle.loads(pickle.dumps(FULL)) is FULL
