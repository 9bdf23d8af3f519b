# SPDX-License-Identifier: Apache-2.0
"""An integer network with forks and joins, as plain values: one frozen node per operation.

Every node makes one stream, named after it, and reads streams by name. A stream is bits (0 is -1,
1 is +1) or integers; the real value of integer x is x times a power of two, which only the front
end knows. `evaluate` is the arithmetic, in int64.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from flows.streamline.tabulate import FinalAffine


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """What every node has.

    Attributes:
        name: of the node and of the stream that it makes; a SystemVerilog identifier.
        inputs: names of the streams that it reads; "image" is the network's input.
    """

    name: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """The network's input: pixels 0..255, (H, W, C). The first layer multiplies pixel + offset."""

    height: int
    width: int
    channels: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Convolution(Node):
    """acc[o] = sum(w[o] * x) over the window; bits count as +-1.

    Attributes:
        weights: (OC, K, K, IC / groups) int64; +-1 where `weight_bits` is 1.
        kernel, stride, pad: of the square window.
        pad_value: element that stands beside the image, in the input's own coding (a bit, an
            integer); None: nothing is added there, which for bits is a third symbol.
        groups: output channels [g*OC/groups, (g+1)*OC/groups) see input channels
            [g*IC/groups, (g+1)*IC/groups).
        weight_bits: 1, or the two's complement width of the weights.
        bias: (OC,) int64, added to acc.
    """

    weights: np.ndarray
    kernel: int
    stride: int
    pad: int
    pad_value: int | None
    groups: int
    weight_bits: int
    bias: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dense(Node):
    """acc[o] = sum(w[o] * x) + bias[o]; inputs in the order (row, column, channel).

    Attributes:
        weights: (OC, IC) int64; +-1 where `weight_bits` is 1.
        weight_bits: 1, or the two's complement width of the weights.
        bias: (OC,) int64.
    """

    weights: np.ndarray
    weight_bits: int
    bias: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sign(Node):
    """Integers to bits: bit = (x >= t), inverted where `falling`.

    Attributes:
        thresholds: (C,) int64.
        falling: (C,) bool.
    """

    thresholds: np.ndarray
    falling: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requant(Node):
    """Integers to codes: clip(floor((x * mul + add) / 2^shift), low, high), per channel.

    With two slopes, side 1 holds where (x >= t) differs from `falling`.

    Attributes:
        mul, add: (sides, C) int64; one side, or two.
        shift: of the whole layer. Rounding is inside `add`.
        low, high: bounds of the codes.
        thresholds, falling: (C,) int64 and bool where there are two sides, else None.
    """

    mul: np.ndarray
    add: np.ndarray
    shift: int
    low: int
    high: int
    thresholds: np.ndarray | None
    falling: np.ndarray | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Add(Node):
    """Sum of two streams of equal shape and step, clipped to low..high; bits count as +-1."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concat(Node):
    """Channels of all inputs, one behind the other, in order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shuffle(Node):
    """Channel shuffle: output channel c*groups + g is input channel g*(C/groups) + c."""

    groups: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaxPool(Node):
    """Largest element of each window; what lies beside the image never wins."""

    kernel: int
    stride: int
    pad: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SumPool(Node):
    """clip(floor(sum over the window / 2^shift), low, high): average and global pooling."""

    kernel: int
    stride: int
    shift: int
    low: int
    high: int


Operation: TypeAlias = (
    Convolution | Dense | Sign | Requant | Add | Concat | Shuffle | MaxPool | SumPool
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerGraph:
    """Nodes in topological order, from the image to the integer logits.

    Attributes:
        image: the input.
        nodes: the last one makes the logits.
        final: what the model does to the logits; needs no hardware.
    """

    image: Image
    nodes: tuple[Operation, ...]
    final: FinalAffine

    def consumers(self) -> dict[str, tuple[str, ...]]:
        """Stream name to the names of the nodes that read it, in order."""
        found: dict[str, list[str]] = {name: [] for name in (IMAGE, *named(self))}
        for node in self.nodes:
            for name in node.inputs:
                found[name].append(node.name)
        return {name: tuple(nodes) for name, nodes in found.items()}


IMAGE = "image"


def evaluate(graph: IntegerGraph, images: np.ndarray) -> dict[str, np.ndarray]:
    """Run the graph in numpy.

    Args:
        images: (N, H, W, C) uint8.

    Returns:
        Stream name to (N, h, w, c): bool where the stream is bits, else int64.
    """
    streams: dict[str, np.ndarray] = {IMAGE: images.astype(np.int64)}
    for node in graph.nodes:
        inputs = [streams[name] for name in node.inputs]
        offset = graph.image.offset if node.inputs == (IMAGE,) else 0
        streams[node.name] = compute(node, inputs, offset)
    del streams[IMAGE]
    return streams


def compute(node: Operation, inputs: list[np.ndarray], offset: int = 0) -> np.ndarray:
    """One node's stream from those that it reads.

    Args:
        inputs: (N, h, w, c) each; bool where the stream is bits, else int64.
        offset: added to the values that a convolution or dense layer multiplies.
    """
    x = inputs[0]
    if isinstance(node, Convolution):
        return _convolve(node, x, offset)
    if isinstance(node, Dense):
        values = _values(x) + offset
        flat = values.reshape(len(values), -1) @ node.weights.T + node.bias
        return np.asarray(flat[:, None, None, :])
    if isinstance(node, Sign):
        return np.asarray((x >= node.thresholds) != node.falling)
    if isinstance(node, Requant):
        return requant(node, x)
    if isinstance(node, Add):
        return np.asarray(np.clip(_values(x) + _values(inputs[1]), node.low, node.high))
    if isinstance(node, Concat):
        return np.concatenate(inputs, axis=3)
    if isinstance(node, Shuffle):
        grouped = x.reshape(*x.shape[:3], node.groups, -1)
        return np.asarray(np.swapaxes(grouped, 3, 4).reshape(x.shape))
    if isinstance(node, MaxPool):
        return _max_pool(node, x)
    windows = _windows(_values(x), node.kernel, node.stride)
    sums = windows.sum(axis=(4, 5))
    return np.asarray(np.clip(sums >> node.shift, node.low, node.high))


def requant(node: Requant, x: np.ndarray) -> np.ndarray:
    """The arithmetic of a `Requant` on (..., C) int64."""
    side: np.ndarray | int = 0
    mul, add = node.mul[0], node.add[0]
    if node.thresholds is not None:
        side = (x >= node.thresholds) != node.falling
        mul, add = np.where(side, node.mul[1], mul), np.where(side, node.add[1], add)
    return np.asarray(np.clip((x * mul + add) >> node.shift, node.low, node.high))


def _values(x: np.ndarray) -> np.ndarray:
    """Numbers of a stream: bits are +-1."""
    return np.where(x, 1, -1) if x.dtype == np.bool_ else x


def _windows(x: np.ndarray, kernel: int, stride: int) -> np.ndarray:
    """(N, H, W, C) to (N, OH, OW, C, K, K)."""
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(1, 2))
    return view[:, ::stride, ::stride]


def _convolve(node: Convolution, x: np.ndarray, offset: int) -> np.ndarray:
    values = _values(x) + offset
    if node.pad:
        side = (node.pad, node.pad)
        beside = 0
        if node.pad_value is not None:
            bits = x.dtype == np.bool_
            beside = 2 * node.pad_value - 1 if bits else node.pad_value + offset
        values = np.pad(values, ((0, 0), side, side, (0, 0)), constant_values=beside)
    # float64: exact below 2^53, and BLAS knows it.
    windows = _windows(values.astype(np.float64), node.kernel, node.stride)
    per_out, per_in = len(node.weights) // node.groups, values.shape[3] // node.groups
    parts = []
    for g in range(node.groups):
        weights = node.weights[g * per_out : (g + 1) * per_out].astype(np.float64)
        inputs = windows[:, :, :, g * per_in : (g + 1) * per_in]
        matrix = weights.transpose(0, 3, 1, 2).reshape(per_out, -1).T
        rows = [w.reshape(w.shape[0], w.shape[1], -1) @ matrix for w in inputs]
        parts.append(np.stack(rows))
    return np.asarray(np.concatenate(parts, axis=3).astype(np.int64) + node.bias)


def _max_pool(node: MaxPool, x: np.ndarray) -> np.ndarray:
    lowest = False if x.dtype == np.bool_ else np.iinfo(np.int64).min
    side = (node.pad, node.pad)
    padded = np.pad(x, ((0, 0), side, side, (0, 0)), constant_values=lowest)
    return np.asarray(_windows(padded, node.kernel, node.stride).max(axis=(4, 5)))


def named(graph: IntegerGraph) -> Mapping[str, Operation]:
    """Nodes by name."""
    return {node.name: node for node in graph.nodes}
