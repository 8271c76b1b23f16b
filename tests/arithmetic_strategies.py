"""Formulas, conditions and sets of integers at random, small enough for brute force."""

from hypothesis import strategies as st

from shapesolver.arithmetic import (
    Both,
    Comparison,
    Divides,
    Either,
    Negation,
    maximum,
    minimum,
    symbol,
)
from shapesolver.arithmetic.sets import IntSet

H = symbol("H")
W = symbol("W")

small = st.integers(-9, 9)
divisors = st.integers(1, 6)


def _larger(base):
    """One operation on top of what there is."""
    return st.one_of(
        st.builds(lambda f, c, d: (f + c) // d, base, small, divisors),
        st.builds(lambda f, c, k: k * f + c, base, small, small),
        st.builds(lambda f, g: f + g, base, base),
        st.builds(lambda f, g: f - g, base, base),
        st.builds(lambda f, m: f % m, base, divisors),
        st.builds(lambda f, g: minimum(f, g), base, base),
        st.builds(lambda f, c: maximum(f, c), base, small),
    )


def formulas(*names):
    """Formulas of the symbols, quasi-affine but for minima and maxima."""
    return st.recursive(st.sampled_from(names), _larger, max_leaves=4)


one_symbol = formulas(H)
two_symbols = formulas(H, W)
products = st.builds(lambda f, g, c, d: (f * g + c) // d, formulas(H), formulas(H), small, divisors)
chains = st.recursive(
    st.just(H), lambda base: st.builds(lambda f, c, d: (f + c) // d, base, small, divisors), max_leaves=6
)

signed_chains = st.recursive(
    st.just(H),
    lambda base: st.builds(
        lambda f, c, k, d: (k * f + c) // d, base, small, st.sampled_from([-2, -1, 1, 1, 3]), divisors
    ),
    max_leaves=5,
)
"""Chains that fall, and that leap over values."""

operators = st.sampled_from(["==", "!=", "<=", "<", ">=", ">"])
comparisons = st.builds(Comparison, operators, one_symbol, one_symbol)
conditions = st.recursive(
    comparisons | st.builds(Divides, divisors, one_symbol),
    lambda base: st.one_of(
        st.builds(lambda a, b: Both((a, b)), base, base),
        st.builds(lambda a, b: Either((a, b)), base, base),
        st.builds(Negation, base),
    ),
    max_leaves=3,
)

residue_sets = st.integers(1, 9).flatmap(
    lambda m: st.builds(IntSet.residues, st.just(m), st.lists(st.integers(0, m - 1), max_size=m))
)
limits = st.none() | st.integers(-40, 60)
intervals = st.builds(IntSet.interval, limits, limits)
finite_sets = st.builds(IntSet.finite, st.lists(st.integers(-40, 60), max_size=8))
sets = st.recursive(
    residue_sets | intervals | finite_sets,
    lambda base: st.one_of(
        st.builds(lambda a, b: a & b, base, base),
        st.builds(lambda a, b: a | b, base, base),
        st.builds(lambda a, b: a - b, base, base),
        st.builds(lambda a: ~a, base),
    ),
    max_leaves=4,
)
