# SPDX-License-Identifier: Apache-2.0
"""The integer network as plain values: what the dataflow layer builds hardware from."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from flows.streamline.tabulate import FinalAffine


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChainInput:
    """The image: unsigned 8-bit pixels.

    Attributes:
        height, width, channels: of the image.
        thresholds: (C,) int64, bit = pixel >= threshold; None where the first layer takes pixels.
        offset: code = pixel + offset is what the model's first layer multiplies. It is already
            inside that layer's thresholds and pad value; 0 for a binary input.
        pixel_table: (256,) uint8, the byte to send for each pixel value; None: the pixel itself.
            Images of the reference have been through it already.
    """

    height: int
    width: int
    channels: int
    thresholds: np.ndarray | None
    offset: int
    bits: int = 8
    pixel_table: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        return self.height, self.width, self.channels

    @property
    def is_binary(self) -> bool:
        """Whether the first layer takes the pixels' signs."""
        return self.thresholds is not None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConvLayer:
    """A convolution: acc = sum(w * x), activation = acc >= threshold.

    Attributes:
        name: conv0, conv1, ...
        weights: (OC, K, K, IC) int8 in {-1, +1}; channels whose sign falls have them negated.
        kernel, stride, pad: of the square window.
        pad_value: what stands beside the image: a bit (0 is -1), or a pixel where in_bits is 8.
        in_bits: 1 for +-1 held as bits, 8 for unsigned pixels.
        thresholds: (OC,) int64 on acc; None: acc goes out. Constant channels have theirs at or
            below the smallest sum, or above the largest.
    """

    name: str
    weights: np.ndarray
    kernel: int
    stride: int
    pad: int
    pad_value: int
    in_bits: int
    thresholds: np.ndarray | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DenseLayer:
    """A dense layer: acc = sum(w * x), activation = acc >= threshold.

    Attributes:
        name: fc0, fc1, ...
        weights: (OC, IC) int8 in {-1, +1}; inputs in the order (row, column, channel) of what
            comes in.
        in_bits: 1 for +-1 held as bits, 8 for unsigned pixels.
        thresholds: (OC,) int64 on acc; None: acc goes out.
    """

    name: str
    weights: np.ndarray
    in_bits: int
    thresholds: np.ndarray | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolLayer:
    """Max pooling of bits (OR) over `kernel` x `kernel`, same stride, floor."""

    name: str
    kernel: int


Layer: TypeAlias = ConvLayer | DenseLayer | PoolLayer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerChain:
    """Layers from the pixels to the integer logits.

    Attributes:
        layers: in order; the last has no thresholds.
        final: what the model does to the logits; needs no hardware.
    """

    input: ChainInput
    layers: tuple[Layer, ...]
    final: FinalAffine


def evaluate(chain: IntegerChain, images: np.ndarray) -> dict[str, np.ndarray]:
    """Run the chain in numpy.

    Args:
        images: (N, H, W, C) uint8.

    Returns:
        Layer name to (N, h, w, c): activations as bool, the last layer's sums as int64; "input"
        too, where it is binary.
    """
    outputs: dict[str, np.ndarray] = {}
    x = images.astype(np.float32)
    if chain.input.thresholds is not None:
        outputs["input"] = images >= chain.input.thresholds
        x = _signs(outputs["input"])
    for layer in chain.layers:
        if isinstance(layer, PoolLayer):
            outputs[layer.name] = _pool(x, layer.kernel) > 0
        else:
            acc = _accumulate(layer, x)
            limits = layer.thresholds
            outputs[layer.name] = acc if limits is None else acc >= limits
        x = _signs(outputs[layer.name])
    return outputs


def _signs(bits: np.ndarray) -> np.ndarray:
    return np.where(bits, np.float32(1), np.float32(-1))


def _pool(x: np.ndarray, kernel: int) -> np.ndarray:
    rows, columns = x.shape[1] // kernel, x.shape[2] // kernel
    x = x[:, : rows * kernel, : columns * kernel]
    blocks: np.ndarray = x.reshape(len(x), rows, kernel, columns, kernel, -1)
    return np.asarray(blocks.max(axis=(2, 4)))


def _accumulate(layer: ConvLayer | DenseLayer, x: np.ndarray) -> np.ndarray:
    """(N, h, w, c) float32 to (N, h', w', OC) int64; exact, as all sums are below 2^24."""
    matrix = layer.weights.reshape(len(layer.weights), -1).T.astype(np.float32)
    if isinstance(layer, DenseLayer):
        return (x.reshape(len(x), 1, 1, -1) @ matrix).astype(np.int64)
    if layer.pad:
        value = layer.pad_value if layer.in_bits > 1 else 2 * layer.pad_value - 1
        side = (layer.pad, layer.pad)
        x = np.pad(x, ((0, 0), side, side, (0, 0)), constant_values=value)
    k, s = layer.kernel, layer.stride
    windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))[:, ::s, ::s]
    out = []
    for image in windows:  # one at a time: the windows of a batch would not fit
        rows, columns = image.shape[:2]
        flat = image.transpose(0, 1, 3, 4, 2).reshape(rows * columns, -1)  # (row, column, channel)
        out.append((flat @ matrix).reshape(rows, columns, -1))
    return np.stack(out).astype(np.int64)
