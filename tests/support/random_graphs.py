# SPDX-License-Identifier: Apache-2.0
"""Random legal integer graphs: chains, residual and dense blocks, groups, pools, paddings, slopes.

Every threshold lies among the values that really occur, so that bits are bits.
"""

from __future__ import annotations

import numpy as np

from flows.streamline.graph import (
    Add,
    Concat,
    Convolution,
    Dense,
    Image,
    IntegerGraph,
    MaxPool,
    Operation,
    Requant,
    Shuffle,
    Sign,
    SumPool,
    compute,
)
from flows.streamline.tabulate import FinalAffine

_IMAGES = 6  # looked at while thresholds are chosen


class Growing:
    """A graph under construction, with what its streams hold for a few images."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        height, width = (int(size) for size in self.rng.integers(6, 11, 2))
        channels, offset = int(self.rng.integers(1, 4)), self.pick(-128, -128, 0)
        self.image = Image(height=height, width=width, channels=channels, offset=offset)
        shape = (_IMAGES, height, width, channels)
        self.values: dict[str, np.ndarray] = {"image": self.rng.integers(0, 256, shape)}
        self.nodes: list[Operation] = []

    def pick(self, *options):
        return options[int(self.rng.integers(len(options)))]

    def emit(self, node: Operation) -> str:
        inputs = [self.values[name] for name in node.inputs]
        offset = self.image.offset if node.inputs == ("image",) else 0
        self.values[node.name] = compute(node, inputs, offset)
        self.nodes.append(node)
        return node.name

    def name(self, kind: str) -> str:
        return f"{kind}{len(self.nodes)}"

    def channels(self, stream: str) -> int:
        return self.values[stream].shape[3]

    def sizes(self, stream: str) -> tuple[int, int]:
        return self.values[stream].shape[1:3]

    def size(self, stream: str) -> int:
        return min(self.sizes(stream))

    def is_bits(self, stream: str) -> bool:
        return self.values[stream].dtype == np.bool_

    def conv(self, source: str, outputs: int, *, kernel=3, stride=1, pad=None, groups=1) -> str:
        """1-bit weights on bits, wider ones on integers."""
        bits = self.is_bits(source)
        width = 1 if bits else int(self.rng.integers(2, 9))
        shape = (outputs, kernel, kernel, self.channels(source) // groups)
        if bits:
            weights = self.rng.choice([-1, 1], shape)
        else:
            weights = self.rng.integers(-(2 ** (width - 1)), 2 ** (width - 1), shape)
        pad = kernel // 2 if pad is None else pad
        even = (self.channels(source) // groups) % 2 == 0  # what conv_xnor asks for
        beside = self.pick(*((None,) if even else ()), 0, 1) if bits else self.zero(source)
        return self.emit(
            Convolution(
                name=self.name("conv"),
                inputs=(source,),
                weights=weights.astype(np.int64),
                kernel=kernel,
                stride=stride,
                pad=pad,
                pad_value=beside,
                groups=groups,
                weight_bits=width,
                bias=np.zeros(outputs, np.int64),
            )
        )

    def window(self, source: str) -> dict[str, int]:
        """A kernel with stride and padding that leaves an image of 2 x 2 pixels or more."""
        kernel = self.pick(1, 2, 3, 3, 5)
        pad, stride = int(self.rng.integers(0, kernel)), self.pick(1, 1, 2, 3)
        left = (self.size(source) + 2 * pad - kernel) // stride + 1
        if self.size(source) + 2 * pad < kernel or left < 2:
            return {"kernel": 3, "pad": 1, "stride": 1}
        return {"kernel": kernel, "pad": pad, "stride": stride}

    def zero(self, source: str) -> int:
        return -self.image.offset if source == "image" else 0

    def sign(self, source: str) -> str:
        channels = self.channels(source)
        flat = self.values[source].reshape(-1, channels)
        thresholds = np.array([self.rng.choice(np.unique(column)) for column in flat.T])
        return self.emit(
            Sign(
                name=self.name("sign"),
                inputs=(source,),
                thresholds=thresholds.astype(np.int64),
                falling=self.rng.integers(0, 2, channels) > 0,
            )
        )

    def codes(self) -> tuple[int, int]:
        """Bounds of 2 to 9 bits, signed or not, sometimes narrower than their bits."""
        bits, tight = int(self.rng.integers(2, 10)), self.pick(0, 0, 1)
        if self.pick(True, True, False):
            return -(2 ** (bits - 1)) + tight, 2 ** (bits - 1) - 1
        return 0, 2**bits - 1 - tight

    def requant(self, source: str, *, low=-128, high=127) -> str:
        """A multiplier that brings the values near the codes' range; sometimes two slopes."""
        channels, sides = self.channels(source), self.pick(1, 1, 2)
        reach = max(1, int(np.abs(self.values[source]).max()))
        shift = int(self.rng.integers(4, 12))
        top = max(2, min(2**15, int(100 * 2**shift / reach)))
        mul = self.rng.integers(-top, top + 1, (sides, channels))
        mul[0, 0] = 0
        add = self.rng.integers(-(2 ** (shift + 5)), 2 ** (shift + 5), (sides, channels))
        two = sides == 2
        flat = self.values[source].reshape(-1, channels)
        thresholds = np.array([self.rng.choice(np.unique(column)) for column in flat.T])
        return self.emit(
            Requant(
                name=self.name("requant"),
                inputs=(source,),
                mul=mul,
                add=add,
                shift=shift,
                low=low,
                high=high,
                thresholds=thresholds.astype(np.int64) if two else None,
                falling=self.rng.integers(0, 2, channels) > 0 if two else None,
            )
        )

    def residual(self, x: str) -> str:
        """sign, convolution, requant, shortcut; sometimes with stride 2 and its own convolution."""
        bits = self.sign(x)
        even = all(size % 2 == 0 for size in self.sizes(x))
        down = even and self.size(x) >= 6 and self.pick(False, True)
        groups = self.pick(1, 1, 2)
        if groups > 1 and self.pick(False, True):
            bits = self.emit(Shuffle(name=self.name("shuffle"), inputs=(bits,), groups=2))
        outputs = self.channels(x)
        y = self.conv(bits, outputs, stride=2 if down else 1, groups=groups)
        y = self.requant(y)
        if down:
            pool = SumPool(
                name=self.name("pool"), inputs=(x,), kernel=2, stride=2, shift=2, low=-128, high=127
            )
            x = self.requant(self.conv(self.emit(pool), outputs, kernel=1))
        return self.emit(Add(name=self.name("add"), inputs=(x, y), low=-128, high=127))

    def dense_block(self, x: str) -> str:
        """Raw sums joined to what came before; every reader has thresholds of its own."""
        for _ in range(self.pick(1, 2)):
            new = self.conv(self.sign(x), int(self.rng.integers(2, 5)))
            x = self.emit(Concat(name=self.name("concat"), inputs=(x, new)))
        return x

    def bipolar(self, x: str) -> str:
        """Bits added to bits; the sum's sign may fall on exactly zero."""
        a = self.sign(x)
        b = self.sign(self.conv(a, self.channels(a)))
        x = self.emit(Add(name=self.name("add"), inputs=(a, b), low=-2, high=2))
        zero = np.zeros(self.channels(x), np.int64)
        bits = self.emit(
            Sign(name=self.name("sign"), inputs=(x,), thresholds=zero, falling=zero > 0)
        )
        return self.requant(self.conv(bits, self.channels(x)))

    def branches(self, x: str) -> str:
        """One sign feeds two convolutions of different windows and groups; bits are joined."""
        bits, window = self.sign(x), self.window(x)
        other = window | {"groups": self.pick(1, 2)}
        outputs = 2 * int(self.rng.integers(1, 3))
        a, b = self.conv(bits, outputs, **window), self.conv(bits, 4, **other)
        inputs = (self.sign(a), self.sign(b))
        both = self.emit(Concat(name=self.name("concat"), inputs=inputs))
        return self.requant(self.conv(both, self.channels(both), kernel=1, pad=0))

    def integers(self, x: str) -> str:
        """Integers through weights of several bits, groups among them, and narrow codes."""
        low, high = self.codes()
        narrow = self.requant(x, low=low, high=high)
        y = self.conv(narrow, self.channels(x), groups=self.pick(1, 2), **self.window(x))
        return self.requant(y)

    def pool(self, x: str) -> str:
        if self.pick(False, True):
            kernel, shift = self.pick(2, 3), int(self.rng.integers(0, 4))
            return self.emit(
                SumPool(
                    name=self.name("pool"),
                    inputs=(x,),
                    kernel=kernel,
                    stride=kernel,
                    shift=shift,
                    low=-200,
                    high=127,
                )
            )
        kernel, stride, pad = self.pick((2, 2, 0), (3, 2, 1), (2, 2, 0))
        return self.emit(
            MaxPool(name=self.name("maxpool"), inputs=(x,), kernel=kernel, stride=stride, pad=pad)
        )

    def head(self, x: str) -> str:
        if self.size(x) > 4 or self.pick(False, True):
            size = self.size(x)
            pool = SumPool(
                name=self.name("pool"),
                inputs=(x,),
                kernel=size,
                stride=size,
                shift=int(self.rng.integers(0, 4)),
                low=-2000,
                high=2000,
            )
            x = self.emit(pool)
        flat = self.values[x][0].size
        bits = self.is_bits(x)
        weights = (
            self.rng.choice([-1, 1], (5, flat)) if bits else self.rng.integers(-8, 8, (5, flat))
        )
        bias = np.zeros(5, np.int64) if bits else self.rng.integers(-99, 99, 5)
        node = Dense(
            name="logits", inputs=(x,), weights=weights, weight_bits=1 if bits else 4, bias=bias
        )
        return self.emit(node)


def random_graph(seed: int, blocks: int | None = None) -> IntegerGraph:
    """A graph of one stem, some blocks and a head.

    Args:
        seed: of everything.
        blocks: how many; by default 1 to 3. Fewer blocks of the same seed are its beginning.
    """
    g = Growing(seed)
    channels = 2 * int(g.rng.integers(1, 5))
    x = g.conv("image", channels, **g.window("image"))
    x = g.requant(x)
    drawn = int(g.rng.integers(1, 4))
    for _ in range(drawn if blocks is None else blocks):
        kind = g.pick("residual", "residual", "dense", "bits", "pool", "bipolar", "branches", "int")
        if kind == "residual":
            x = g.residual(x)
        elif kind == "dense":
            x = g.requant(g.dense_block(x))
            if g.channels(x) % 2:
                x = g.requant(g.conv(g.sign(x), channels))
        elif kind == "bits":
            bits = g.sign(g.conv(g.sign(x), channels, **g.window(x)))
            x = g.requant(g.conv(bits, channels, **g.window(bits)))
        elif kind == "bipolar":
            x = g.bipolar(x)
        elif kind == "branches":
            x = g.branches(x)
        elif kind == "int":
            x = g.integers(x)
        elif g.size(x) >= 6:
            x = g.pool(x)
    g.head(x)
    final = FinalAffine(scale=np.ones(5), bias=np.zeros(5), keeps_argmax=True)
    return IntegerGraph(image=g.image, nodes=tuple(g.nodes), final=final)
