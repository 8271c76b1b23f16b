"""PyTorch models run: which sizes they take, and what they read of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

nn, F = torch.nn, torch.nn.functional


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small tensors are quickest on one thread."""
    kept = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(kept)


@contextmanager
def unfilled() -> Iterator[None]:
    """Modules made without filling their weights, which takes longer than anything else."""
    kept = {name: getattr(nn.init, name) for name in dir(nn.init) if name.endswith("_")}
    for name in kept:
        setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(nn.init, name, function)


def shapes_of(result: Any) -> list[tuple[int, ...]]:
    return [tuple(t.shape) for t in (result if isinstance(result, tuple) else (result,))]


def runs(model: Any, shape: tuple[int, ...], whole: Any) -> bool:
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = model(torch.zeros(1, *shape, dtype=whole))
    except (RuntimeError, ValueError, AssertionError):
        return False
    return all(0 not in shape for shape in shapes_of(result))


@contextmanager
def averaging() -> Iterator[None]:
    """Max pools that average, so that a gradient reaches every cell that they read."""
    kept = {rank: getattr(F, f"max_pool{rank}d") for rank in (1, 2, 3)}

    def averaged(rank: int) -> Any:
        def pool(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, *_: Any, **more: Any) -> Any:
            average = getattr(F, f"avg_pool{rank}d")
            averages = average(x, kernel_size, stride, padding, more.get("ceil_mode", False))
            if not more.get("return_indices"):
                return averages
            return averages, kept[rank](x.detach(), kernel_size, stride, padding, return_indices=True)[1]

        return pool

    for rank in kept:
        setattr(F, f"max_pool{rank}d", averaged(rank))
    try:
        yield
    finally:
        for rank, function in kept.items():
            setattr(F, f"max_pool{rank}d", function)


def unread(model: Any, shape: tuple[int, ...], whole: bool = False) -> bool:
    """Whether some cell of the input has no part in the output; the weights must be positive.

    Of ``whole`` numbers the cells are rows of the embedding, another one for each place.
    """
    if whole:
        table = next(part.weight for part in model.modules() if isinstance(part, nn.Embedding)).requires_grad_(True)
        table.grad = None
        result = model(torch.arange(shape[0])[None])
        (result * torch.rand_like(result)).sum().backward()
        return bool((table.grad[: shape[0]] == 0).all(1).any())
    x = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    with averaging():
        result = model(x)
    (result * torch.rand_like(result)).sum().backward()
    return bool((x.grad == 0).any())


def positive(model: Any) -> Any:
    """The model with positive weights of a size that saturates nothing."""
    for parameter in model.parameters():
        fan = max(parameter[0].numel(), 1) if parameter.dim() > 1 else 1
        nn.init.uniform_(parameter, 0.5 / fan, 1.0 / fan)
        parameter.requires_grad_(False)
    return model.double().eval()
