"""Whole PyTorch models, read and written: every layer's size, every weight, and which input sizes they take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import shapesolver
from shapesolver.exchange.torch.source import from_torch
from shapesolver.exchange.torch.text import torch_code
from shapesolver.layers.base import Layer
from shapesolver.layers.registry import kinds
from shapesolver.model.graph import Graph
from shapesolver.net import Net

torch = pytest.importorskip("torch")
models = pytest.importorskip("tests.conformance.torch_models")

from tests.conformance.alike import layer_by_layer  # noqa: E402
from tests.conformance.torch_running import (  # noqa: E402
    one_thread,  # noqa: F401
    positive,
    runs,
    shapes_of,
    unfilled,
    unread,
)

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("default::DeprecationWarning")]

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.net"))
nn, F = torch.nn, torch.nn.functional


class Case(NamedTuple):
    """A model at its full width, and its parameters as published, if they are."""

    make: Callable[[], Any]
    shapes: tuple[tuple[int, ...], ...]
    params: int | None = None


CASES = {
    "squeezenet": Case(models.SqueezeNet, ((3, 224, 224),), 1_235_496),
    "shufflenet_v2": Case(models.ShuffleNetV2, ((3, 224, 224),), 2_278_604),
    "mobilenet_v3": Case(models.MobileNetV3Small, ((3, 224, 224),), 2_542_856),
    "resnext50": Case(lambda: models.ResNet(groups=32, base=4), ((3, 224, 224),), 25_028_904),
    "wide_resnet50": Case(lambda: models.ResNet(base=128), ((3, 224, 224),), 68_883_240),
    "se_resnet50": Case(lambda: models.ResNet(se=16), ((3, 224, 224),)),
    "inception_v3": Case(models.InceptionV3, ((3, 299, 299),), 23_834_568),
    "vgg19_bn": Case(models.VGG19BN, ((3, 224, 224),), 143_678_248),
    "deeplab": Case(models.DeepLab, ((3, 65, 65),)),
    "segnet": Case(models.SegNet, ((3, 64, 64),)),
    "discriminator": Case(models.Discriminator, ((3, 64, 64),), 2_765_568),
    "vit": Case(models.ViT, ((3, 32, 32),)),
    "transformer": Case(models.TextTransformer, ((20,),)),
    "crnn": Case(models.CRNN, ((1, 32, 100),)),
    "unet": Case(models.UNet, ((3, 50, 70),)),
    "causal": Case(models.CausalStack, ((1, 200),)),
    "two_heads": Case(models.TwoHeads, ((1, 28, 28), (1, 32, 32))),
}
"""Published totals: torchvision's model pages (Inception without its auxiliary classifier), PyTorch's tutorial."""


class Boundary(NamedTuple):
    """A model narrow enough to be run often, and 40 sizes of one axis from ``start`` on, 20 of each other axis; the
    others are as stated."""

    make: Callable[[], Any]
    shape: tuple[Any, ...]
    axis: str
    start: int

    def sizes(self) -> Iterator[dict[str, int]]:
        """The sizes to try."""
        usual = dict(size for size in self.shape if isinstance(size, tuple))
        for axis in usual:
            for n in range(self.start, self.start + (40 if axis == self.axis else 20)):
                yield {**usual, axis: n}


BOUNDARIES = {
    "squeezenet": Boundary(models.SqueezeNet, (3, ("H", 64), ("W", 33)), "H", 5),
    "shufflenet_v2": Boundary(
        lambda: models.ShuffleNetV2((8, 16, 16, 32, 16), (2, 2, 2)), (3, ("H", 64), ("W", 32)), "H", 1
    ),
    "mobilenet_v3": Boundary(lambda: models.MobileNetV3Small(5, 16), (3, ("H", 64), ("W", 32)), "H", 1),
    "resnext50": Boundary(
        lambda: models.ResNet((1, 1, 1, 1), groups=2, base=32, narrow=8), (3, ("H", 64), ("W", 32)), "H", 1
    ),
    "wide_resnet50": Boundary(
        lambda: models.ResNet((1, 1, 1, 1), base=128, narrow=8), (3, ("H", 64), ("W", 32)), "W", 20
    ),
    "se_resnet50": Boundary(lambda: models.ResNet((1, 1, 1, 1), se=4, narrow=8), (3, ("H", 64), ("W", 33)), "H", 1),
    "inception_v3": Boundary(models.InceptionV3, (3, ("H", 96), ("W", 75)), "H", 60),
    "vgg19_bn": Boundary(lambda: models.VGG19BN(8, 16), (3, ("H", 64), ("W", 32)), "H", 20),
    "deeplab": Boundary(lambda: models.DeepLab(8), (3, ("H", 65), ("W", 40)), "H", 1),
    # Unpooling reads places by the width of what was pooled, so that only the height may be odd.
    "segnet": Boundary(lambda: models.SegNet((4, 8, 8)), (3, ("H", 64), ("W", 64)), "W", 1),
    "discriminator": Boundary(lambda: models.Discriminator(4), (3, ("H", 64), ("W", 64)), "H", 40),
    "vit": Boundary(lambda: models.ViT(dim=12, depth=1), (3, ("H", 32), ("W", 32)), "W", 10),
    "transformer": Boundary(lambda: models.TextTransformer(50, 8, 2, 1), (("L", 20),), "L", 1),
    "crnn": Boundary(lambda: models.CRNN(4, 4, 5), (1, ("H", 32), ("W", 40)), "H", 15),
    "unet": Boundary(lambda: models.UNet(4), (3, ("H", 50), ("W", 30)), "H", 1),
    "causal": Boundary(lambda: models.CausalStack(4, 4), (1, ("L", 100)), "L", 1),
}


def dtype(net: shapesolver.Net) -> Any:
    return torch.long if any(layer.op == "embedding" for layer in net) else torch.float32


def observed(model: Any, inputs: list[Any]) -> dict[str, tuple[int, ...]]:
    """What each call of an innermost module makes, on tensors without values, by the path that it has here."""
    seen: dict[str, tuple[int, ...]] = {}
    calls: Counter[str] = Counter()

    def hook(name: str) -> Any:
        def keep(module: Any, args: Any, result: Any) -> None:
            first = result[0] if isinstance(result, tuple) else result
            calls[name] += 1
            path = path_of(name) + (f"_{calls[name]}" if calls[name] > 1 else "")
            if hasattr(first, "shape"):
                seen[path] = tuple(first.shape[1:])

        return keep

    handles = [part.register_forward_hook(hook(name)) for name, part in model.named_modules() if not [*part.children()]]
    with torch.no_grad():
        model.eval().to("meta")(*inputs)
    for handle in handles:
        handle.remove()
    return seen


def path_of(name: str) -> str:
    """A module's name as a path of the network."""
    return re.sub(r"\W", "_", name) if not name[:1].isdigit() else "n" + re.sub(r"\W", "_", name)


def stripped(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[1:] if shape[:1] == (1,) else shape


@pytest.mark.parametrize("name", CASES)
def test_every_layer_of_a_model(name: str) -> None:
    case = CASES[name]
    with unfilled():
        model = case.make()
    read = from_torch(model, *case.shapes)
    assert not read.warnings
    # By the graph, layers go by the model's own names; the text may put them into blocks.
    net = Net(read.text, f"{name}.net", read.graph)
    assert shapesolver.parse(read.text).usual().output_shapes == net.usual().output_shapes
    total = sum(p.numel() for p in model.parameters())
    assert net.usual().params == total
    assert case.params in (None, total)
    held = {path_of(n): p for n, p in model.named_parameters(recurse=False)}
    for module_name, module in model.named_modules():
        own = [tuple(p.shape) for p in module.parameters(recurse=False)]
        path = path_of(module_name)
        if module_name and own and path in net:
            assert [*net[path].weights.values()] == [tuple(p.shape) for p in module.parameters()], module_name
    for path, parameter in held.items():
        assert net[path].shape == stripped(tuple(parameter.shape))
    for extra in (0, 32):
        moved = {s: n + extra for s, n in net.symbols.items()} if name != "vit" and name != "crnn" else {}
        here = net.at(**{**net.symbols, **moved})
        inputs = [torch.zeros(2, *layer.shape, device="meta", dtype=dtype(net)) for layer in here.inputs]
        compared = 0
        for path, shape in observed(model, inputs).items():
            if path in net:
                assert here[path].shape == shape, (path, extra)
                compared += 1
        assert compared >= len([m for m in model.modules() if not [*m.children()]]) // 2


@pytest.mark.parametrize("name", CASES)
def test_a_model_read_and_written_again(name: str) -> None:
    case = CASES[name]
    with unfilled():
        model = case.make()
    net = shapesolver.from_torch(model, *case.shapes)
    with unfilled():
        again = net.to_torch()
    assert sum(p.numel() for p in again.parameters()) == sum(p.numel() for p in model.parameters())
    inputs = [torch.zeros(2, *layer.shape, device="meta", dtype=dtype(net)) for layer in net.usual().inputs]
    with torch.no_grad():
        first, second = (m.eval().to("meta")(*inputs) for m in (model, again))
    assert shapes_of(second) == shapes_of(first)


# The examples.


def canonical(graph: Graph, known: dict[Any, int]) -> list[Any]:
    """A network without its names and without the order of its layers: how often each layer is there, told by what
    it is, whose weights it uses and what it consumes; and what leaves."""
    keys: list[int] = []
    for node in graph.nodes:
        shared = None if node.shared is None else keys[node.shared]
        key = (in_short(node.layer).describe(), tuple((keys[w.node], w.output) for w in node.inputs), shared)
        keys.append(known.setdefault(key, len(known)))
    return [Counter(keys), [(keys[w.node], w.output) for w in graph.outputs], graph.symbols]


def in_short(layer: Any) -> Any:
    """A pool whose stride is its kernel, without its stride; the channel axis by its number."""
    if getattr(layer, "axis", None) == "C":
        return layer.with_(axis=1)
    same = "stride" in layer.parameters and layer.parameters["stride"].default is None and layer.stride == layer.kernel
    return layer.with_(stride=None) if same else layer


IN_OTHER_WORDS = {"mobilenet_v1": {"pad": 1}}
"""Examples that PyTorch says in more layers than they have, and these: its convolutions know ``same`` with a stride of
1 alone, so that the stem, whose stride is 2, is padded by a layer before it."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_as_code_and_as_a_module(path: Path) -> None:
    net = shapesolver.load(path)
    code = torch_code(net)
    names: dict[str, Any] = {}
    exec(compile(code, f"{path.stem}.py", "exec"), names)
    last = re.findall(r"^(?:def|class) (\w+)", code, flags=re.MULTILINE)[-1]
    with torch.device("meta"):
        written, built = names[last](), net.to_torch()
    state = {n: tuple(t.shape) for n, t in written.state_dict().items()}
    assert {n: tuple(t.shape) for n, t in built.state_dict().items()} == state
    usual = net.usual()
    counted = sum(p.numel() for p in written.parameters())
    more = 0
    for layer in usual:
        if layer.op in ("lstm", "rnn") and net.dialect.keras and layer.kind.bias:
            more += sum(w[0] for n, w in layer.weights.items() if n.endswith("bias"))
    assert counted == usual.trainable_params + more
    first = [*re.findall(r"\(N, ([^)]*)\)", code)]
    shapes = [tuple(int(n.rpartition("=")[2]) for n in text.split(", ")) for text in first]
    inputs = [torch.zeros(2, *shape, device="meta", dtype=dtype(net)) for shape in shapes]
    for module in (written, built):
        with torch.no_grad():
            made = [tuple(sorted(shape[1:])) for shape in shapes_of(module.eval()(*inputs))]
        assert made == [tuple(sorted(shape)) for shape in usual.output_shapes]
    again = shapesolver.from_torch(built, *shapes)
    if path.stem in IN_OTHER_WORDS:
        more = Counter(layer.op for layer in again)
        more.subtract(layer.op for layer in usual)
        assert {op: n for op, n in more.items() if n} == IN_OTHER_WORDS[path.stem]
        assert again.usual().trainable_params == usual.trainable_params
    else:
        assert layer_by_layer(again.usual()) == layer_by_layer(usual)


TORCH_EXAMPLES = [path for path in EXAMPLES if "dialect torch" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", TORCH_EXAMPLES, ids=lambda path: path.stem)
def test_an_example_written_and_read_again(path: Path) -> None:
    net = shapesolver.load(path)
    with unfilled():
        module = net.to_torch()
    inputs = [
        tuple((str(size), n) if str(size) in net.symbols else n for size, n in zip(one.shape, two.shape, strict=True))
        for one, two in zip(net.inputs, net.usual().inputs, strict=True)
    ]
    again = shapesolver.from_torch(module, *inputs)
    known: dict[Any, int] = {}
    assert canonical(again.graph, known) == canonical((net if net.symbols else net.free()).graph, known)


# Which sizes a model takes, and what it reads of them.


@pytest.mark.parametrize("name", BOUNDARIES)
def test_the_sizes_that_a_model_takes(name: str) -> None:
    case = BOUNDARIES[name]
    torch.manual_seed(0)
    model = case.make().eval()
    net = shapesolver.from_torch(model, case.shape)
    answer = net.valid()
    assert answer.status == "proved"
    valid = []
    for sizes in case.sizes():
        shape = tuple(sizes[s[0]] if isinstance(s, tuple) else s for s in case.shape)
        real = runs(model, shape, dtype(net))
        stated = {**dict(zip(("C", "H", "W"), shape, strict=False)), **sizes}
        assert answer.holds(**{s: stated[s] for s in answer.unknowns}) == real, (name, sizes)
        if real:
            valid.append((sizes, shape))
    assert valid
    compare_losses(net, positive(model), valid)


def compare_losses(net: Net, model: Any, valid: list[tuple[dict[str, int], tuple[int, ...]]]) -> None:
    """What is lost at these sizes, as the gradient tells it."""
    question = net.ask("which input sizes lose nothing")
    for sizes, shape in valid:
        lost = unread(model, shape, dtype(net) == torch.long)
        assert any(map(bool, net.lost(**sizes).values())) == lost, sizes
        if question.status == "proved" and {*question.unknowns} == {*sizes}:
            assert question.holds(**sizes) != lost, sizes


def one_channel(layer: Layer) -> Layer:
    """A layer with the same windows; a softmax over one channel would make 1 of everything."""
    if layer.op == "softmax":
        return kinds()["identity"](dialect=layer.dialect)
    return layer.with_(**{name: 1 for name in ("channels", "groups") if name in layer.parameters})


def image_examples() -> Iterator[Any]:
    """The examples for images or signals of any size, whose weights are of one size all the same."""
    for path in EXAMPLES:
        net = shapesolver.load(path)
        plain = all(isinstance(n, int) for layer in net for w in layer.weight_arrays for n in w.shape)
        if net.symbols and plain and not any(layer.op in ("embedding", "attention", "lstm", "gru") for layer in net):
            yield pytest.param(net, id=path.stem)


@pytest.mark.parametrize("net", [*image_examples()])
def test_the_sizes_that_an_example_takes(net: Net) -> None:
    """As a module with one channel everywhere, which has the same windows."""
    nodes = tuple(node._replace(layer=one_channel(node.layer)) for node in net.graph.nodes)
    torch.manual_seed(0)
    model = Net(net.text, net.filename, replace(net.graph, nodes=nodes)).to_torch().eval()
    free = Net(net.text, net.filename, replace(net.graph, assumptions=()))
    answer = free.valid()
    assert answer.status == "proved"
    symbols = [*net.symbols]
    least = next(n for n in range(1, 5000) if answer.holds(**dict.fromkeys(answer.unknowns, n)))
    valid = []
    for symbol in symbols:
        for n in range(max(least - 5, 1), least + 40 // len(symbols) - 5):
            sizes = {**dict.fromkeys(symbols, least), symbol: n}
            (shape,) = (layer.shape for layer in free.at(**sizes).inputs)
            shape = (shape[-1], *shape[:-1]) if net.dialect.channels_last else shape
            real = runs(model, shape, torch.float32)
            assert answer.holds(**{s: sizes[s] for s in answer.unknowns}) == real, sizes
            if real:
                valid.append((sizes, shape))
    compare_losses(free, positive(model), valid)
