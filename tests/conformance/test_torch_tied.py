"""Arrays that a PyTorch model uses twice: as the same layer again, or as the first weight of another."""

from __future__ import annotations

from typing import Any

import pytest

import shapesolver

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.conformance

nn, F = torch.nn, torch.nn.functional


class LanguageModel(nn.Module):
    """Its last layer's weight is the embedding's; ``decides`` makes only ``torch.export`` able to trace it."""

    def __init__(self, decides: bool) -> None:
        super().__init__()
        self.wte, self.middle = nn.Embedding(100, 16), nn.Linear(16, 16)
        self.head = nn.Linear(16, 100, bias=False)
        self.head.weight = self.wte.weight
        self.decides = decides

    def forward(self, x: Any) -> Any:
        y = self.middle(self.wte(x))
        return self.head(y + 1 if self.decides and y.shape[1] > 3 else y)


class Kernels(nn.Module):
    """One kernel at two strides, and a module's weight as a function's."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.table = nn.Parameter(torch.rand(16, 16, 3)), nn.Linear(16, 8, bias=False)

    def forward(self, x: Any) -> Any:
        y = F.conv1d(x, self.kernel, padding=1)
        z = F.conv1d(y, self.kernel, stride=2).transpose(1, 2)
        return self.table(z), F.linear(z, self.table.weight)


@pytest.mark.parametrize("decides", [False, True])
def test_a_weight_that_two_layers_share_is_tied_and_counted_once(decides: bool) -> None:
    model = LanguageModel(decides)
    net = shapesolver.from_torch(model, (10,))
    assert "dense(100, bias=false, tied=" in net.text
    assert net.params == sum(array.numel() for array in model.parameters())


def test_an_array_that_is_used_in_two_ways_keeps_both() -> None:
    model = Kernels()
    net = shapesolver.from_torch(model, (16, ("L", 20)))
    assert [layer.shape for layer in net.usual() if layer.op == "conv"] == [(16, 20), (16, 9)]
    assert net.params == sum(array.numel() for array in model.parameters())
