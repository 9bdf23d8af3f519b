# SPDX-License-Identifier: Apache-2.0
"""Kernels where branches of a network meet: add and concat; and the channel shuffle."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import (
    Join,
    Kernel,
    Parameters,
    check_bounds,
    check_divides,
    numbers,
)
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamAdd(Join):
    """Sum of two streams, clipped to low..high; bits count as +-1.

    Attributes:
        a, b: of one shape; widths and signs may differ.
        low, high: bounds of the sums; where low < 0 the output is two's complement.
        bits: width of an output element.
        pe: channels added at a time.
    """

    module: ClassVar[str] = "stream_add"
    a: Stream
    b: Stream
    low: int
    high: int
    bits: int
    pe: int

    def __post_init__(self) -> None:
        """Refuses shapes that differ, bounds that do not fit, and a PE that does not divide.

        Raises:
            FoldingError: PE.
            UnsupportedModelError: shapes or bounds.
        """
        check_divides(self.module, "PE", self.pe, self.a.channels)
        if replace(self.a, bits=1, signed=False) != replace(self.b, bits=1, signed=False):
            raise UnsupportedModelError(
                f"stream_add: a is {self.a} and b is {self.b}; they must have one shape"
            )
        check_bounds(self.module, self.low, self.high, self.bits)

    @property
    def input(self) -> Stream:
        """a."""
        return self.a

    @property
    def second(self) -> Stream:
        """b."""
        return self.b

    @property
    def output(self) -> Stream:
        """Of the same shape."""
        return replace(self.a, bits=self.bits, signed=self.low < 0)

    def parameters(self) -> Parameters:
        """Shape, folding, widths, bounds."""
        return {
            "C": self.a.channels,
            "PE": self.pe,
            **_two_widths(self.a, self.b),
            "OUT_BITS": self.bits,
            "LOW": self.low,
            "HIGH": self.high,
        }

    def cycles(self) -> int:
        """C / PE cycles a beat."""
        return self.a.beats * (self.a.channels // self.pe)

    def join(self, frames: np.ndarray, second: np.ndarray) -> np.ndarray:
        """clip(a + b, low, high)."""
        total = numbers(self.a, frames) + numbers(self.b, second)
        return np.asarray(np.clip(total, self.low, self.high))


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamConcat(Join):
    """Channels of a, then those of b, each extended to the wider element.

    Attributes:
        a, b: of one height and width. Bits (+-1) join bits only.
    """

    module: ClassVar[str] = "stream_concat"
    a: Stream
    b: Stream

    def __post_init__(self) -> None:
        """Refuses images of two sizes, and +-1 beside integers.

        Raises:
            UnsupportedModelError: naming both streams.
        """
        if (self.a.height, self.a.width) != (self.b.height, self.b.width):
            raise UnsupportedModelError(
                f"stream_concat: a is {self.a} and b is {self.b}; height and width must agree"
            )
        if (self.a.bits == 1) != (self.b.bits == 1):
            raise UnsupportedModelError(
                f"stream_concat: a is {self.a} and b is {self.b}; bits (+-1) join bits only"
            )

    @property
    def input(self) -> Stream:
        """a."""
        return self.a

    @property
    def second(self) -> Stream:
        """b."""
        return self.b

    @property
    def output(self) -> Stream:
        """Wide enough for both: an unsigned element needs a sign bit beside signed ones."""
        signed = self.a.signed or self.b.signed
        widths = [s.bits + (signed and not s.signed) for s in (self.a, self.b)]
        channels = self.a.channels + self.b.channels
        return replace(self.a, channels=channels, bits=max(widths), signed=signed)

    def parameters(self) -> Parameters:
        """Channels and widths."""
        return {
            "CA": self.a.channels,
            "CB": self.b.channels,
            **_two_widths(self.a, self.b),
            "OUT_BITS": self.output.bits,
        }

    def cycles(self) -> int:
        """One beat a cycle."""
        return self.a.beats

    def join(self, frames: np.ndarray, second: np.ndarray) -> np.ndarray:
        """b behind a."""
        return np.concatenate((frames, second), axis=3)


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamShuffle(Kernel):
    """Channel shuffle: output channel c*groups + g is input channel g*(C/groups) + c."""

    module: ClassVar[str] = "stream_shuffle"
    stream: Stream
    groups: int

    def __post_init__(self) -> None:
        """Refuses groups that do not divide the channels."""
        check_divides(self.module, "GROUPS", self.groups, self.stream.channels)

    @property
    def input(self) -> Stream:
        """Any elements."""
        return self.stream

    @property
    def output(self) -> Stream:
        """The same type."""
        return self.stream

    def parameters(self) -> Parameters:
        """Shape."""
        return {"C": self.stream.channels, "BITS": self.stream.bits, "GROUPS": self.groups}

    def cycles(self) -> int:
        """One beat a cycle."""
        return self.stream.beats

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """Transposes groups and channels of a group."""
        grouped = frames.reshape(*frames.shape[:3], self.groups, -1)
        return np.asarray(np.swapaxes(grouped, 3, 4).reshape(frames.shape))


def _two_widths(a: Stream, b: Stream) -> Parameters:
    return {
        "A_BITS": a.bits,
        "B_BITS": b.bits,
        "A_SIGNED": int(a.signed),
        "B_SIGNED": int(b.signed),
    }
