"""Random networks as texts: branches, merges, crops, every kind of window, one to three spatial axes."""

from __future__ import annotations

from random import Random

from shapesolver.layers.merging import Arithmetic
from shapesolver.net import Net, examine


class RandomNet:
    """One random network. Lines that cannot be built are left to whoever builds it."""

    def __init__(self, random: Random, rank: int | None = None, sizes: str = "") -> None:
        self.random = random
        self.rank = rank or random.choice((1, 1, 2, 2, 2, 3))
        self.dialect = random.choice(("keras", "torch", "onnx"))
        self.names: list[str] = []
        self.lines = [f"dialect {self.dialect}"]
        self._inputs(sizes)
        for _ in range(random.randint(1, 7)):
            self._line()
        if random.random() < 0.4:
            self._head()
        elif random.random() < 0.4 and len(self.names) > 1:
            self.lines.append(f"output {', '.join(random.sample(self.names, 2))}")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _inputs(self, sizes: str) -> None:
        high = {1: 24, 2: 7, 3: 4}[self.rank]
        for number in range(1 if self.random.random() < 0.85 else 2):
            spatial = sizes or ", ".join(str(self.random.randint(2, high)) for _ in range(self.rank))
            channels = self.random.choice((1, 2, 2, 4))
            shape = f"{spatial}, {channels}" if self.dialect == "keras" else f"{channels}, {spatial}"
            self.lines.append(f"x{number} = input({shape})")
            self.names.append(f"x{number}")

    def _line(self) -> None:
        name = f"y{len(self.names)}"
        source = self.names[-1] if self.random.random() < 0.7 else self.random.choice(self.names)
        other = self.random.choice(self.names)
        self.lines.append(f"{name} = {source} -> {self.random.choice(OPS)(self, other)}")
        self.names.append(name)

    def _head(self) -> None:
        heads = ["flatten", "flatten\ndense(3)", "global_avg_pool", "global_max_pool\nflatten", "dense(2)"]
        heads += ["flatten\nslice(1, 3)", "slice(1, axis=1)", "flatten\nchunk(2)"]
        self.lines.append(self.random.choice(heads))

    def window(self, dilated: bool = True) -> str:
        r = self.random
        kernel, stride = r.randint(1, 4), r.choice((1, 1, 2, 2, 3, 4))
        parts = [f"kernel={kernel}", f"stride={stride}"]
        if dilated and r.random() < 0.3:
            parts.append(f"dilation={r.randint(1, 3)}")
        pick = r.random()
        if pick < 0.4:
            parts.append(f"padding={r.randint(0, 2)}")
        elif pick < 0.5:
            pairs = ", ".join(f"({r.randint(0, 2)}, {r.randint(0, 2)})" for _ in range(self.rank))
            parts.append(f"padding=({pairs},)")
        elif pick < 0.6 and self.dialect != "torch":
            parts.append("padding=same")
        return ", ".join(parts)


def _conv(net: RandomNet, other: str) -> str:
    groups = net.random.choice(("", "", ", groups=2"))
    return f"conv({net.random.choice((1, 2, 4))}, {net.window()}{groups})"


def _depthwise(net: RandomNet, other: str) -> str:
    return f"depthwise_conv({net.window()}, multiplier={net.random.randint(1, 2)})"


def _transposed(net: RandomNet, other: str) -> str:
    r = net.random
    kernel, stride, padding = r.randint(1, 3), r.randint(1, 3), r.randint(0, 1)
    return f"conv_transpose({r.choice((1, 2))}, kernel={kernel}, stride={stride}, padding={padding})"


def _pool(net: RandomNet, other: str) -> str:
    ceil = ", ceil_mode=true" if net.dialect != "keras" and net.random.random() < 0.4 else ""
    return f"{net.random.choice(('max_pool', 'avg_pool'))}({net.window(dilated=False)}{ceil})"


def _pad(net: RandomNet, other: str) -> str:
    mode = net.random.choice(("constant", "reflect", "replicate", "circular"))
    return f"pad({net.random.randint(0, 2)}, mode={mode})"


def _crop(net: RandomNet, other: str) -> str:
    return f"crop({net.random.randint(0, 1)})" if net.random.random() < 0.5 else f"crop(to={other})"


def _slice(net: RandomNet, other: str) -> str:
    r = net.random
    return f"slice({r.randint(0, 2)}, axis={r.randint(1, net.rank + 1)}, step={r.randint(1, 2)})"


def _concat(net: RandomNet, other: str) -> str:
    return f"concat(_, {other}, axis={net.random.randint(1, net.rank + 1)})"


def _merge(net: RandomNet, other: str) -> str:
    lane = net.random.choice((other, f"conv({net.random.choice((1, 2, 4))}, {net.window()})"))
    return f"{net.random.choice(('add', 'mul', 'max'))}(_, {lane})"


def _plain(net: RandomNet, other: str) -> str:
    options = ["relu", "batch_norm", "upsample(2)", "softmax", "layer_norm", "group_norm(1)", "instance_norm"]
    options += [f"adaptive_avg_pool({net.random.randint(1, 4)})", "dense(2)", "dropout(0.5)", "permute(2, 1)"]
    options += ["pixel_shuffle(2)", "pixel_unshuffle(2)", f"unfold({net.window()})", "chunk(2, axis=1)"]
    return net.random.choice(options)


OPS = (_conv, _conv, _conv, _depthwise, _transposed, _pool, _pool, _pad, _crop, _slice, _concat, _merge, _merge, _plain)


def symbolic(random: Random) -> Net:
    """A random network over one symbolic axis, ``n``."""
    while True:
        net, _ = examine(RandomNet(random, rank=1, sizes="n").text)
        if net is not None and not any(True for _ in net.derivation.broken()):
            return net


def buildable(net: Net, n: int) -> bool:
    """Whether every layer can be built at a size."""
    return not any(True for _ in net.at(n=n).derivation.broken())


def broadcasts(net: Net, n: int) -> bool:
    """Whether a size is 1 by chance where a symbolic one is meant to be equal to another."""
    derivation = net.at(n=n).derivation
    for index, node in enumerate(net.graph.nodes):
        inputs = derivation.inputs(index)
        if isinstance(node.layer, Arithmetic) and inputs and len({tensor.sizes for tensor in inputs}) > 1:
            return True
    return False
