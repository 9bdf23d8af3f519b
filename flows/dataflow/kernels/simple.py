# SPDX-License-Identifier: Apache-2.0
"""Small kernels without weights: threshold, stream_dwc, swu, label_select."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import Kernel, MemoryImage, Parameters, check_divides, to_bits
from flows.dataflow.stream import Stream


@dataclass(frozen=True, kw_only=True, eq=False)
class Threshold(Kernel):
    """Compares elements with a threshold per channel, PE at a time.

    Attributes:
        stream: integers.
        thresholds: (channels,) int64; output = (x >= threshold), inverted where `falling`.
        falling: (channels,) bool; None: nowhere, which costs nothing.
        pixels: beats are pixels, which stand at the input while their words pass; else beats are
            words of PE channels.
    """

    module: ClassVar[str] = "threshold"
    stream: Stream
    pe: int
    thresholds: np.ndarray
    falling: np.ndarray | None = None
    pixels: bool = False

    def __post_init__(self) -> None:
        """Refuses a PE that does not divide the channels."""
        check_divides(self.module, "PE", self.pe, self.stream.channels)

    @property
    def input(self) -> Stream:
        """Integers."""
        return self.stream

    @property
    def output(self) -> Stream:
        """Bits."""
        return replace(self.stream, bits=1, signed=False)

    @property
    def input_bits(self) -> int:
        """A pixel, or PE elements."""
        return self.stream.beat_bits if self.pixels else self.pe * self.stream.bits

    @property
    def output_bits(self) -> int:
        """A pixel, or PE bits."""
        return self.stream.channels if self.pixels else self.pe

    def parameters(self) -> Parameters:
        """Shape, folding, and what differs from unsigned words with rising steps."""
        return {
            "C": self.stream.channels,
            "PE": self.pe,
            "IN_BITS": self.stream.bits,
            "IN_SIGNED": int(self.stream.signed),
            "POLARITY": int(self.falling is not None),
            "PIXELS": int(self.pixels),
        }

    def memories(self) -> tuple[MemoryImage, ...]:
        """Word f holds the thresholds of channels f*PE ... f*PE + PE-1."""
        bits = self.stream.bits
        least = -(2 ** (bits - 1)) if self.stream.signed else 0
        fields = to_bits(np.clip(self.thresholds, least, least + 2**bits), bits + 1)
        if self.falling is not None:
            fields = np.column_stack((fields, self.falling.astype(np.uint8)))
        words = fields.reshape(self.stream.channels // self.pe, -1)
        return (MemoryImage(parameter="THRESHOLD_FILE", words=words),)

    def cycles(self) -> int:
        """One fold a cycle."""
        return self.stream.beats * self.stream.channels // self.pe

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """x >= T, inverted where falling."""
        above = frames >= self.thresholds
        return (above if self.falling is None else above != self.falling).astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class WidthConverter(Kernel):
    """Beats of another width: elements in order, first word least significant.

    `stream` is what arrives in all; `joined` what leaves (same elements, other beats).
    """

    module: ClassVar[str] = "stream_dwc"
    in_bits: int
    out_bits: int
    stream: Stream
    joined: Stream

    @property
    def input(self) -> Stream:
        """The same elements, in narrow words."""
        return self.stream

    @property
    def output(self) -> Stream:
        """The same elements, in wide beats."""
        return self.joined

    @property
    def input_bits(self) -> int:
        """IN_W."""
        return self.in_bits

    @property
    def output_bits(self) -> int:
        """OUT_W."""
        return self.out_bits

    def parameters(self) -> Parameters:
        """The two widths."""
        return {"IN_W": self.in_bits, "OUT_W": self.out_bits}

    def cycles(self) -> int:
        """One narrow word a cycle."""
        return self.stream.beats * self.stream.beat_bits // self.in_bits

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """Only the grouping changes."""
        out = self.joined
        return frames.reshape(len(frames), out.height, out.width, out.channels)


@dataclass(frozen=True, kw_only=True, eq=False)
class SlidingWindow(Kernel):
    """Line memory and tile register in front of a convolution (`swu`).

    Attributes:
        stream: the pixels that arrive, without padding.
        kernel, stride, pad: geometry in pixels.
        pad_value: element that stands outside of the image.
        m: windows that a tile holds.
    """

    module: ClassVar[str] = "swu"
    stream: Stream
    kernel: int
    stride: int
    pad: int
    pad_value: int
    m: int

    @property
    def input(self) -> Stream:
        """Pixels."""
        return self.stream

    @property
    def output(self) -> Stream:
        """The padded image, from which tiles are cut."""
        return Stream(
            height=self.stream.height + 2 * self.pad,
            width=self.stream.width + 2 * self.pad,
            channels=self.stream.channels,
            bits=self.stream.bits,
        )

    @property
    def output_bits(self) -> int:
        """Width of a tile."""
        columns = (self.m - 1) * self.stride + self.kernel
        return self.kernel * columns * self.stream.beat_bits

    def parameters(self) -> Parameters:
        """Shape, then folding, then padding."""
        return {
            "C": self.stream.channels,
            "BITS": self.stream.bits,
            "H": self.stream.height,
            "WIDTH": self.stream.width,
            "K": self.kernel,
            "STRIDE": self.stride,
            "PAD": self.pad,
            "M": self.m,
            "PAD_VALUE": self.pad_value,
        }

    def cycles(self) -> int:
        """One pixel, padding included, a cycle."""
        return self.output.beats

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """Adds the border."""
        border = ((0, 0), (self.pad, self.pad), (self.pad, self.pad), (0, 0))
        return np.asarray(np.pad(frames, border, constant_values=self.pad_value))


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelSelect(Kernel):
    """Index of the largest logit; the lowest index wins a tie."""

    module: ClassVar[str] = "label_select"
    stream: Stream

    @property
    def input(self) -> Stream:
        """Signed logits."""
        return self.stream

    @property
    def output(self) -> Stream:
        """One unsigned index."""
        bits = max(1, (self.stream.channels - 1).bit_length())
        return Stream(height=1, width=1, channels=1, bits=bits)

    def parameters(self) -> Parameters:
        """Count and widths."""
        return {"N": self.stream.channels, "W": self.stream.bits, "IDX_W": self.output.bits}

    def cycles(self) -> int:
        """At most one logit a cycle."""
        return self.stream.channels

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """argmax."""
        return np.asarray(frames.argmax(axis=3, keepdims=True).astype(np.int64))
