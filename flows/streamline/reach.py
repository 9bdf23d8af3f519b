# SPDX-License-Identifier: Apache-2.0
"""What every stream of an IntegerGraph can hold: its shape and the integers that can occur."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from flows.streamline.graph import (
    IMAGE,
    Add,
    Concat,
    Convolution,
    Dense,
    IntegerGraph,
    MaxPool,
    Operation,
    Requant,
    Shuffle,
    Sign,
    SumPool,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Shape and range of a stream.

    Attributes:
        height, width, channels: of a frame.
        low, high: smallest and largest integer; a stream of bits reaches -1 and 1.
        is_bits: a stream of +-1.
    """

    height: int
    width: int
    channels: int
    low: int
    high: int
    is_bits: bool = False

    @property
    def bits(self) -> int:
        """Width of an element: 1 for bits, else two's complement where `low` is negative."""
        return 1 if self.is_bits else code_bits(self.low, self.high)

    @property
    def signed(self) -> bool:
        """Whether an element is two's complement."""
        return self.low < 0 and not self.is_bits


def code_bits(low: int, high: int) -> int:
    """Width of integers from low to high, two's complement where `low` is negative.

    At least 2: a stream of one bit holds +-1.
    """
    if low < 0:
        return max((-low - 1).bit_length(), high.bit_length(), 1) + 1
    return max(2, high.bit_length())


@lru_cache(maxsize=4)
def reaches(graph: IntegerGraph) -> Mapping[str, Reach]:
    """Stream name to what it can hold, from bounds on every weight; no image is run."""
    image = graph.image
    found = {
        IMAGE: Reach(
            height=image.height, width=image.width, channels=image.channels, low=0, high=255
        )
    }
    for node in graph.nodes:
        offset = image.offset if node.inputs == (IMAGE,) else 0
        found[node.name] = _reach(node, [found[name] for name in node.inputs], offset)
    return found


def _reach(node: Operation, inputs: list[Reach], offset: int) -> Reach:
    x = inputs[0]
    if isinstance(node, Convolution | Dense):
        return _layer(node, x, offset)
    if isinstance(node, Sign):
        return _like(x, low=-1, high=1, is_bits=True)
    if isinstance(node, Requant | Add):
        return _like(x, low=node.low, high=node.high)
    if isinstance(node, Concat):
        channels = sum(r.channels for r in inputs)
        low, high = min(r.low for r in inputs), max(r.high for r in inputs)
        return Reach(
            height=x.height, width=x.width, channels=channels, low=low, high=high, is_bits=x.is_bits
        )
    if isinstance(node, Shuffle):
        return x
    rows, columns = window_count(node, x)
    low, high = (node.low, node.high) if isinstance(node, SumPool) else (x.low, x.high)
    is_bits = x.is_bits and isinstance(node, MaxPool)
    return Reach(
        height=rows, width=columns, channels=x.channels, low=low, high=high, is_bits=is_bits
    )


def window_count(node: Convolution | MaxPool | SumPool, x: Reach) -> tuple[int, int]:
    """Output rows and columns."""
    pad = 0 if isinstance(node, SumPool) else node.pad
    return (
        (x.height + 2 * pad - node.kernel) // node.stride + 1,
        (x.width + 2 * pad - node.kernel) // node.stride + 1,
    )


def _like(x: Reach, *, low: int, high: int, is_bits: bool = False) -> Reach:
    return Reach(
        height=x.height, width=x.width, channels=x.channels, low=low, high=high, is_bits=is_bits
    )


def _layer(node: Convolution | Dense, x: Reach, offset: int) -> Reach:
    flat = node.weights.reshape(len(node.weights), -1)
    low, high = x.low + offset, x.high + offset
    if isinstance(node, Convolution) and node.pad and not x.is_bits:
        beside = 0 if node.pad_value is None else node.pad_value + offset
        low, high = min(low, beside), max(high, beside)
    bottom = np.where(flat > 0, flat * low, flat * high).sum(axis=1) + node.bias
    top = np.where(flat > 0, flat * high, flat * low).sum(axis=1) + node.bias
    rows, columns = window_count(node, x) if isinstance(node, Convolution) else (1, 1)
    return Reach(
        height=rows, width=columns, channels=len(flat), low=int(bottom.min()), high=int(top.max())
    )
