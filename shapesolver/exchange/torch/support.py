"""What PyTorch has no one call for. The functions that an exported file needs are copied into it as they stand."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  (as everyone writes it)

# What is copied has no annotations, as models mostly have none.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, var-annotated, arg-type, operator"


def pad_same(x, window, value=0.0, lower=False):
    """Pad so that ceil(n / stride) windows fit along every axis, the odd cell at the end."""
    # The 2 of Conv2d: a symbolic trace does not know x.dim().
    rank = int(type(window).__name__[-2])
    sizes = [window.kernel_size, window.stride, getattr(window, "dilation", 1)]
    sizes = [size if isinstance(size, tuple) else (size,) * rank for size in sizes]
    amounts = []
    for axis, (kernel, stride, dilation) in enumerate(zip(*sizes, strict=True)):
        total = (kernel - 1) * dilation - (x.shape[axis + 2] - 1) % stride
        if kernel < stride:
            total = torch.sym_max(total, 0)
        before = total - total // 2 if lower else total // 2
        amounts = [before, total - before, *amounts]
    return F.pad(x, amounts, value=value)


def pad_past(x, conv):
    """Pad the start alone, so that no window sees what comes after it."""
    return F.pad(x, ((conv.kernel_size[0] - 1) * conv.dilation[0], 0))


def average_same(x, pool):
    """Average pooling over ceil(n / stride) windows, the padding not counted."""
    return pool(pad_same(x, pool)) / pool(pad_same(torch.ones_like(x), pool))


def crop_to(x, other, offset=None, axes=(2, 3)):
    """The part of x of the other tensor's spatial size, from offset on: the middle when left out."""
    for axis in axes:
        size = other.shape[axis]
        start = (x.shape[axis] - size) // 2 if offset is None else offset[axis - 2]
        x = x.narrow(axis, start, size)
    return x


def last_step(x, recurrent):
    """The last state of a recurrent module's top layer, both directions side by side."""
    state = recurrent(x)[1]
    if isinstance(recurrent, nn.LSTM):
        state = state[0]
    if not recurrent.bidirectional:
        return state[-1]
    return torch.cat([state[-2], state[-1]], dim=1)


def without(module, *names):
    """The module without some of its parameters."""
    for name in names:
        module.register_parameter(name, None)
    return module


class MultiHeadAttention(nn.Module):
    """Keras' attention: each head has features of its own, whatever the query has."""

    def __init__(self, heads, key_dim, value_dim, query, key, value, bias=True):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(query, heads * key_dim, bias)
        self.key = nn.Linear(key, heads * key_dim, bias)
        self.value = nn.Linear(value, heads * value_dim, bias)
        self.attention_output = nn.Linear(heads * value_dim, query, bias)

    def forward(self, query, key, value):
        """The query's places, attending to the value's."""
        q, k, v = (
            x.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for x in (self.query(query), self.key(key), self.value(value))
        )
        x = F.scaled_dot_product_attention(q, k, v)
        return self.attention_output(x.transpose(1, 2).flatten(2))


class EinsumDense(nn.Module):
    """Keras' dense layer over axes named by letters."""

    def __init__(self, equation, kernel, bias=None):
        super().__init__()
        self.equation = equation
        self.kernel = nn.Parameter(torch.empty(kernel))
        self.bias = None if bias is None else nn.Parameter(torch.zeros(bias))
        nn.init.normal_(self.kernel, std=0.02)

    def forward(self, x):
        """The sum over the axes that the result has not."""
        x = torch.einsum(self.equation, x, self.kernel)
        return x if self.bias is None else x + self.bias


class Standardize(nn.Module):
    """Features less a mean and over a deviation, both learned from the data beforehand."""

    def __init__(self, shape):
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))

    def forward(self, x):
        """Features of mean 0 and deviation 1."""
        return (x - self.mean) / torch.sqrt(self.variance)
