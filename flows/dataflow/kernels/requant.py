# SPDX-License-Identifier: Apache-2.0
"""`requant`: accumulators to codes by a multiplication, an addition and a shift per channel."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import (
    Kernel,
    MemoryImage,
    Parameters,
    check_bounds,
    check_divides,
    to_bits,
)
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affine:
    """clip(floor((x * mul + add) / 2^shift), low, high), per channel; the result stage of a unit.

    With two sides, side 1 holds where (x >= t) differs from `falling`.

    Attributes:
        mul, add: (sides, C) int64, one side or two.
        thresholds, falling: (C,) int64 and bool where there are two sides, else None.
        shift: of all channels.
        low, high: bounds of the codes; where low < 0 they are two's complement.
        bits: width of a code.
    """

    mul: np.ndarray
    add: np.ndarray
    thresholds: np.ndarray | None
    falling: np.ndarray | None
    shift: int
    low: int
    high: int
    bits: int

    def __post_init__(self) -> None:
        """Refuses bounds that the codes cannot hold.

        Raises:
            UnsupportedModelError: with the bounds.
        """
        check_bounds("requant", self.low, self.high, self.bits)
        if (len(self.mul) == 2) != (self.thresholds is not None):
            raise UnsupportedModelError(
                f"requant: {len(self.mul)} slopes; thresholds belong to exactly two"
            )

    @property
    def slopes(self) -> int:
        """Sides."""
        return len(self.mul)

    @property
    def mul_bits(self) -> int:
        """Two's complement width of the factors."""
        return signed_bits(self.mul)

    @property
    def add_bits(self) -> int:
        """Two's complement width of the addends."""
        return signed_bits(self.add)

    def parameters(self) -> Parameters:
        """What `requant_lane` needs beside the input's width."""
        return {
            "MUL_W": self.mul_bits,
            "ADD_W": self.add_bits,
            "SHIFT": self.shift,
            "SLOPES": self.slopes,
            "OUT_BITS": self.bits,
            "LOW": self.low,
            "HIGH": self.high,
        }

    def words(self, source: Stream, pe: int, order: np.ndarray | None = None) -> np.ndarray:
        """Memory image: word nf has a field for each of the channels nf*PE ... nf*PE + PE-1.

        Args:
            source: type of x.
            pe: lanes.
            order: (C,) int64, the channel of each field; None: as they are.

        Returns:
            (C / PE, PE * field bits) uint8; a field is mul, add, for each side, then threshold and
            falling, least significant first.
        """
        parts = []
        for mul, add in zip(self.mul, self.add, strict=True):
            parts += [to_bits(mul, self.mul_bits), to_bits(add, self.add_bits)]
        if self.thresholds is not None and self.falling is not None:
            stored, falling = reachable(source, self.thresholds, self.falling)
            parts += [to_bits(stored, source.bits), to_bits(falling.astype(np.int64), 1)]
        fields = np.concatenate(parts, axis=1)
        fields = fields if order is None else fields[order]
        return np.ascontiguousarray(fields.reshape(len(fields) // pe, -1))

    def compute(self, x: np.ndarray) -> np.ndarray:
        """The arithmetic on (..., C) int64."""
        mul, add = self.mul[0], self.add[0]
        if self.thresholds is not None:
            side = (x >= self.thresholds) != self.falling
            mul, add = np.where(side, self.mul[1], mul), np.where(side, self.add[1], add)
        return np.asarray(np.clip((x * mul + add) >> self.shift, self.low, self.high))


@dataclass(frozen=True, kw_only=True, eq=False)
class Requant(Kernel):
    """Pixels of integers to pixels of codes, PE channels at a time.

    Attributes:
        stream: what arrives.
        affine: the arithmetic.
        pe: lanes.
        rom_block: the factors in block RAM (else in LUTs).
    """

    module: ClassVar[str] = "requant"
    stream: Stream
    affine: Affine
    pe: int
    rom_block: bool = False

    def __post_init__(self) -> None:
        """Refuses a PE that does not divide the channels."""
        check_divides(self.module, "PE", self.pe, self.stream.channels)

    @property
    def input(self) -> Stream:
        """Integers."""
        return self.stream

    @property
    def output(self) -> Stream:
        """Codes."""
        return replace(self.stream, bits=self.affine.bits, signed=self.affine.low < 0)

    def parameters(self) -> Parameters:
        """Shape, folding, widths, arithmetic."""
        return {
            "C": self.stream.channels,
            "PE": self.pe,
            "IN_BITS": self.stream.bits,
            "IN_SIGNED": int(self.stream.signed),
            **self.affine.parameters(),
            "ROM_BLOCK": int(self.rom_block),
        }

    def memories(self) -> tuple[MemoryImage, ...]:
        """Factors, addends and thresholds."""
        words = self.affine.words(self.stream, self.pe)
        return (MemoryImage(parameter="AFFINE_FILE", words=words),)

    def cycles(self) -> int:
        """C / PE cycles a beat."""
        return self.stream.beats * (self.stream.channels // self.pe)

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """See `Affine`."""
        return self.affine.compute(frames)


def signed_bits(values: np.ndarray) -> int:
    """Two's complement width that holds all values."""
    most = max(int(values.max()), -int(values.min()) - 1, 0)
    return most.bit_length() + 1


def reachable(
    source: Stream, thresholds: np.ndarray, falling: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same comparisons with thresholds that a value of the stream can have.

    x >= t is true for all x of the stream where t is at most its least value, and false where t is
    above its largest one, which is the same as true with the other polarity.

    Returns:
        Thresholds (C,) int64 within the stream's range, and (C,) bool.
    """
    least = -(2 ** (source.bits - 1)) if source.signed else 0
    never = thresholds > least + 2**source.bits - 1
    stored = np.where(never, least, np.maximum(thresholds, least))
    return stored, np.asarray(falling != never)
