# SPDX-License-Identifier: Apache-2.0
"""What flows between layers: one beat is one pixel with all its channels, NHWC order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The type of a stream between two layers.

    Attributes:
        height: rows of the tensor (1 for a vector).
        width: pixels of a row (1 for a vector).
        channels: elements of a beat; element 0 sits in the least significant bits.
        bits: width of an element in bits.
        signed: two's complement if true; a single unsigned bit stands for -1 (0) or +1 (1).
    """

    height: int
    width: int
    channels: int
    bits: int = 1
    signed: bool = False

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.height * self.width

    @property
    def beat_bits(self) -> int:
        """Width of a beat in bits."""
        return self.channels * self.bits

    def __str__(self) -> str:
        sign = "i" if self.signed else "u"
        return f"{self.height}x{self.width}x{self.channels} {sign}{self.bits}"
