"""Inverse questions against islpy and z3.

Each question is put to each in its own terms and answered in full (z3: the two ends, by optimisation, which is what it
can do). What is counted is the same for all: from names and numbers to the answer, so building the question and solving
it. Ours and z3's are built by operators, islpy's from text, which is how its questions are written; building them by
one call of the library for each operation, as code that makes isl questions would, is measured beside it
("islpy by calls"). What ours remembers of a round is forgotten before the next.

The same 50 layers as a network, through ``net.solve``, are measured without peers: the set of solutions, and the whole
answer as text, which adds the lossless part, the rule, and a solution worked through with its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import islpy
import z3

from shapesolver import Net, parse
from shapesolver.arithmetic import both, compare, symbol
from shapesolver.arithmetic.decide import decide
from shapesolver.arithmetic.extremes import provably_at_most
from shapesolver.arithmetic.formula import floor_by_number
from shapesolver.arithmetic.pullback import direction, pull_sum
from shapesolver.arithmetic.solutions import solutions
from shapesolver.render.answer import answer_text
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


SPACE = islpy.Space.create_from_names(islpy.DEFAULT_CONTEXT, set=["H"])


def unknown() -> islpy.Aff:
    return islpy.Aff.var_on_domain(islpy.LocalSpace.from_space(SPACE), islpy.dim_type.set, 0)


def number(value: int) -> islpy.Aff:
    return islpy.Aff.val_on_domain_space(SPACE, islpy.Val(value))


def quotient(aff: islpy.Aff, by: int) -> islpy.Aff:
    return aff.scale_down_val(islpy.Val(by)).floor()


def mnist_calls() -> object:
    h = unknown()
    size = quotient(quotient(h - 7, 3) - 4, 2) + 1
    return size.eq_set(number(2)).intersect(h.ge_set(number(1))).coalesce()


def chain_calls() -> object:
    size = h = unknown()
    for index in range(50):
        size = quotient(size + 2 - (3 + index % 3), 1 + (index % 10 == 0)) + 1
    return size.eq_set(number(10**6)).intersect(h.ge_set(number(1))).coalesce()


def unet_calls() -> object:
    h = unknown()
    found = h.ge_set(number(1)).intersect(quotient(h, 16).ge_set(number(1)))
    for i in range(4):
        found = found.intersect(quotient(h, 2**i).eq_set(quotient(h, 2 ** (i + 1)) * 2))
    return found.coalesce()


def identity_calls() -> object:
    h = unknown()
    apart = quotient(quotient(h, 2), 2).ne_set(quotient(h, 4))
    return h.ge_set(number(1)).intersect(apart).is_empty()


def parity_calls() -> object:
    h = unknown()
    even = h.mod_val(islpy.Val(2)).eq_set(number(0))
    return h.ge_set(number(1)).intersect(even).intersect((quotient(h, 2) * 2).ne_set(h)).is_empty()


QUESTIONS: dict[str, tuple[Call, Call, Call, Call]] = {
    "mnist 2x2": (mnist_ours, mnist_isl, mnist_calls, mnist_z3),
    "50 layers to 10^6": (chain_ours, chain_isl, chain_calls, chain_z3),
    "U-Net valid sizes": (unet_ours, unet_isl, unet_calls, unet_z3),
    "(H//2)//2 == H//4": (identity_ours, identity_isl, identity_calls, identity_z3),
    "2*(H//2) == H, H even": (parity_ours, parity_isl, parity_calls, parity_z3),
}


def network() -> Net:
    """The 50 layers as a network."""
    layers = [f"c{i} = conv(8, kernel={3 + i % 3}, padding=1, stride={2 if i % 10 == 0 else 1})" for i in range(50)]
    return parse("\n".join(["dialect torch", "image = input(3, L=128)", *layers, ""]))


def cases() -> Iterator[Case]:
    """Each question; what ours remembered of the round before is forgotten, so that every round starts as the first."""
    for name, (ours, isl, calls, smt) in QUESTIONS.items():
        peers = {"islpy": partial(_of, isl), "z3": partial(_of, smt), "islpy by calls": partial(_of, calls)}
        yield Case(name, partial(_forgetting, ours), peers, {"islpy": 5.0, "z3": 5.0})
    net = network()
    yield Case("net.solve, 50 layers", lambda: net.solve("c49.L == 1000000"), limit=1e-3)
    yield Case("net.solve, 50 layers, as text", lambda: answer_text(net.solve("c49.L == 1000000")))


def _of(call: Call) -> Call:
    return call


def _forgetting(call: Call) -> object:
    for remembered in (pull_sum, direction, floor_by_number, provably_at_most):
        remembered.cache_clear()
    return call()
