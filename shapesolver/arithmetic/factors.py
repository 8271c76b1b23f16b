"""Divisors of integers."""

from __future__ import annotations

from math import isqrt

from shapesolver.arithmetic.masks import Undecided

TRIAL_LIMIT = 2**16
"""Primes up to this are found here, by trial division; sympy finds larger ones."""

DIVISOR_LIMIT = 2**20
"""The most divisors that are listed."""

_SYMPY_LIMIT = 2**128
"""What is left without small primes is factored up to this size."""


def factorise(n: int) -> dict[int, int]:
    """The primes of ``abs(n)`` and how often each divides it.

    Raises ``ValueError`` for 0, and :class:`Undecided` for a number that is too large to factor.
    """
    if n == 0:
        raise ValueError("0 has every integer as a divisor")
    rest, found, prime = abs(n), dict[int, int](), 2
    while prime <= TRIAL_LIMIT and prime * prime <= rest:
        while rest % prime == 0:
            found[prime] = found.get(prime, 0) + 1
            rest //= prime
        prime += 1 if prime == 2 else 2
    if rest > 1:
        for large, times in _large_primes(rest).items():
            found[large] = found.get(large, 0) + times
    return found


def _large_primes(rest: int) -> dict[int, int]:
    if isqrt(rest) <= TRIAL_LIMIT:
        return {rest: 1}
    if rest > _SYMPY_LIMIT:
        raise Undecided(f"{rest} is too large to factor")
    from sympy import factorint

    return {int(prime): int(times) for prime, times in factorint(rest).items()}


def divisors(n: int) -> list[int]:
    """The positive divisors of ``abs(n)`` in rising order. Raises like :func:`factorise`."""
    found = [1]
    for prime, times in factorise(n).items():
        if len(found) * (times + 1) > DIVISOR_LIMIT:
            raise Undecided(f"{n} has more than {DIVISOR_LIMIT:,} divisors")
        found = [d * prime**k for d in found for k in range(times + 1)]
    return sorted(found)
