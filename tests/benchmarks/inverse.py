"""Inverse questions against islpy and z3.

Each question is put to each in its own terms, from the formula to the full set (z3: the two ends, by
optimisation, which is what it can do).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import islpy
import z3

from shapesolver.arithmetic import both, compare, symbol
from shapesolver.arithmetic.decide import decide
from shapesolver.arithmetic.extremes import provably_at_most
from shapesolver.arithmetic.formula import floor_by_number
from shapesolver.arithmetic.pullback import direction, pull_sum
from shapesolver.arithmetic.solutions import solutions
from tests.benchmarks.harness import Call, Case


def chain_ours() -> object:
    size = symbol("H")
    for index in range(50):
        size = (size + 2 - (3 + index % 3)) // (1 + (index % 10 == 0)) + 1
    return solutions(compare("==", size, 10**6), "H")


def chain_isl() -> object:
    text = "H"
    for index in range(50):
        text = f"(floor(({text} + {2 - (3 + index % 3)})/{1 + (index % 10 == 0)}) + 1)"
    return islpy.Set(f"{{ [H] : H >= 1 and {text} = {10**6} }}").coalesce()


def chain_z3() -> object:
    size = h = z3.Int("H")
    for index in range(50):
        size = (size + 2 - (3 + index % 3)) / (1 + (index % 10 == 0)) + 1
    return ends_z3(h, size == 10**6)


def ends_z3(h: z3.ArithRef, condition: z3.BoolRef) -> tuple[object, object]:
    found = []
    for extreme in ("minimize", "maximize"):
        optimizer = z3.Optimize()
        optimizer.add(h >= 1, condition)
        getattr(optimizer, extreme)(h)
        optimizer.check()
        found.append(optimizer.model()[h])
    return found[0], found[1]


def mnist_ours() -> object:
    return solutions(compare("==", ((symbol("H") - 7) // 3 - 4) // 2 + 1, 2), "H")


def mnist_isl() -> object:
    return islpy.Set("{ [H] : H >= 1 and floor((floor((H - 7)/3) - 4)/2) + 1 = 2 }").coalesce()


def mnist_z3() -> object:
    h = z3.Int("H")
    return ends_z3(h, ((h - 7) / 3 - 4) / 2 + 1 == 2)


def unet_ours() -> object:
    h = symbol("H")
    return solutions(
        both(*(compare("==", h // 2**i, 2 * (h // 2 ** (i + 1))) for i in range(4)), compare(">=", h // 16, 1)), "H"
    )


def unet_isl() -> object:
    skips = " and ".join(f"floor(H/{2**i}) = 2*floor(H/{2 ** (i + 1)})" for i in range(4))
    return islpy.Set(f"{{ [H] : H >= 1 and floor(H/16) >= 1 and {skips} }}").coalesce()


def unet_z3() -> object:
    h = z3.Int("H")
    solver = z3.Solver()
    skips = z3.And(*(h / 2**i == 2 * (h / 2 ** (i + 1)) for i in range(4)))
    solver.add(h >= 16, skips != (h % 16 == 0))
    return solver.check()


def identity_ours() -> object:
    h = symbol("H")
    return decide(compare("==", (h // 2) // 2 - h // 4, 0))


def identity_isl() -> object:
    return islpy.Set("{ [H] : H >= 1 and floor(floor(H/2)/2) != floor(H/4) }").is_empty()


def identity_z3() -> object:
    h = z3.Int("H")
    solver = z3.Solver()
    solver.add(h >= 1, (h / 2) / 2 != h / 4)
    return solver.check()


def parity_ours() -> object:
    h = symbol("H")
    return decide(compare("==", 2 * (h // 2), h), compare("==", h % 2, 0))


def parity_isl() -> object:
    return islpy.Set("{ [H] : H >= 1 and H mod 2 = 0 and 2*floor(H/2) != H }").is_empty()


def parity_z3() -> object:
    h = z3.Int("H")
    solver = z3.Solver()
    solver.add(h >= 1, h % 2 == 0, 2 * (h / 2) != h)
    return solver.check()


QUESTIONS: dict[str, tuple[Call, Call, Call]] = {
    "mnist 2x2": (mnist_ours, mnist_isl, mnist_z3),
    "50 layers to 10^6": (chain_ours, chain_isl, chain_z3),
    "U-Net valid sizes": (unet_ours, unet_isl, unet_z3),
    "(H//2)//2 == H//4": (identity_ours, identity_isl, identity_z3),
    "2*(H//2) == H, H even": (parity_ours, parity_isl, parity_z3),
}


def cases() -> Iterator[Case]:
    """Each question; what ours remembered of the round before is forgotten, so that every round starts as the first."""
    for name, (ours, isl, smt) in QUESTIONS.items():
        peers = {"islpy": partial(_of, isl), "z3": partial(_of, smt)}
        yield Case(name, partial(_forgetting, ours), peers, {"islpy": 5.0, "z3": 5.0})


def _of(call: Call) -> Call:
    return call


def _forgetting(call: Call) -> object:
    for remembered in (pull_sum, direction, floor_by_number, provably_at_most):
        remembered.cache_clear()
    return call()
