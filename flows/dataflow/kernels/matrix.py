# SPDX-License-Identifier: Apache-2.0
"""The units that multiply: `conv_xnor`, `mvu_xnor` and `mvu_int`.

All three hold a tile for NF*SF cycles while weight words stream past it:
`for nf in MH/PE: for sf in N/SIMD`, with N = K*K*C inputs per output.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import Kernel, MemoryImage, Parameters, check_divides
from flows.dataflow.stream import Stream


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixUnit(Kernel):
    """Fields and behaviour that the three units share.

    Attributes:
        height, width: output pixels of a frame.
        channels: C, input channels of a pixel.
        kernel: K, rows and columns of the window.
        stride: distance of neighbouring windows, in pixels.
        weights: (MH, K*K*C) int8 in {-1, +1}, inputs ordered (row, column, channel).
        thresholds: (MH,) int64; activation = sum(w * x) >= threshold. None: accumulators go out.
        pe: output channels computed at a time.
        simd: inputs taken at a time.
        m: neighbouring pixels computed at a time.
        rom_block: weights in block RAM (else in LUTs).
    """

    height: int
    width: int
    channels: int
    kernel: int
    stride: int
    weights: np.ndarray
    thresholds: np.ndarray | None
    pe: int
    simd: int
    m: int
    rom_block: bool
    in_bits: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Refuses foldings that do not divide.

        Raises:
            FoldingError: with the values that would be legal.
        """
        for name, part, whole in (
            ("PE", self.pe, self.mh),
            ("SIMD", self.simd, self.n),
            ("M", self.m, self.width),
        ):
            check_divides(self.module, name, part, whole)

    @property
    def n(self) -> int:
        """Inputs of one output."""
        return int(self.weights.shape[1])

    @property
    def mh(self) -> int:
        """Output channels."""
        return int(self.weights.shape[0])

    @property
    def nf(self) -> int:
        """Output folds."""
        return self.mh // self.pe

    @property
    def sf(self) -> int:
        """Input folds."""
        return self.n // self.simd

    @property
    def tile_columns(self) -> int:
        """T: columns of the tile that M windows share."""
        return (self.m - 1) * self.stride + self.kernel

    @property
    def tiles(self) -> int:
        """Tiles of a frame."""
        return self.height * self.width // self.m

    @property
    def lanes(self) -> int:
        """Products per cycle."""
        return self.pe * self.simd * self.m

    @property
    def accumulator_bound(self) -> int:
        """Largest magnitude of sum(w * x)."""
        return int(self.n * (2**self.in_bits - 1))

    @property
    def accumulator_bits(self) -> int:
        """Two's complement width that holds every sum and every threshold."""
        return int(self.accumulator_bound + 1).bit_length() + 1

    @property
    def input(self) -> Stream:
        """Pixels that a tile is made of; the beat itself is a tile."""
        return Stream(
            height=(self.height - 1) * self.stride + self.kernel,
            width=(self.width - 1) * self.stride + self.kernel,
            channels=self.channels,
            bits=self.in_bits,
        )

    @property
    def input_bits(self) -> int:
        """Width of a tile."""
        return self.kernel * self.tile_columns * self.channels * self.in_bits

    @property
    def output(self) -> Stream:
        """Activation bits, or signed accumulators where there are no thresholds."""
        raw = self.thresholds is None
        return Stream(
            height=self.height,
            width=self.width,
            channels=self.mh,
            bits=self.accumulator_bits if raw else 1,
            signed=raw,
        )

    def cycles(self) -> int:
        """tiles * NF * SF: no bubble between tiles."""
        return self.tiles * self.nf * self.sf

    def parameters(self) -> Parameters:
        """Parameters that the three modules share."""
        return {
            "MH": self.mh,
            "PE": self.pe,
            "SIMD": self.simd,
            "THRESHOLD": int(self.thresholds is not None),
            "ACC_W": self.accumulator_bits,
            "ROM_BLOCK": int(self.rom_block),
        }

    @cached_property
    def _float_weights(self) -> np.ndarray:
        # BLAS only exists for floats; every sum stays far below 2^24, so float32 is exact.
        return self.weights.T.astype(np.float32)

    def accumulate(self, values: np.ndarray) -> np.ndarray:
        """sum(w * x) for every window.

        Args:
            values: (N, H, W, C) int64, the input stream's values as numbers.

        Returns:
            (N, height, width, MH) int64.
        """
        k, s = self.kernel, self.stride
        floats = values.astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(floats, (k, k), axis=(1, 2))
        windows = windows[:, ::s, ::s].transpose(0, 1, 2, 4, 5, 3)  # N, OH, OW, kh, kw, C
        count, height, width = windows.shape[:3]
        out = np.empty((count, height, width, self.mh), np.int64)
        for i in range(count):  # one frame at a time: a window matrix of a batch would not fit
            matrix = windows[i].reshape(height * width, self.n)
            out[i] = (matrix @ self._float_weights).reshape(height, width, self.mh)
        return out

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """Accumulators, or their comparison with the thresholds."""
        values = 2 * frames - 1 if self.in_bits == 1 else frames
        sums = self.accumulate(values)
        return sums if self.thresholds is None else (sums >= self.thresholds).astype(np.int64)

    def weight_image(self) -> MemoryImage:
        """Word nf*SF + sf; bit pe*SIMD + simd."""
        bits = (self.weights > 0).astype(np.uint8)
        folded = bits.reshape(self.nf, self.pe, self.sf, self.simd).transpose(0, 2, 1, 3)
        return MemoryImage(
            parameter="WEIGHT_FILE", words=folded.reshape(self.nf * self.sf, self.pe * self.simd)
        )

    @property
    def count_bound(self) -> int:
        """Largest count: a lane gives x where its weight is +1, else the complement of x."""
        return self.accumulator_bound

    @property
    def start_bits(self) -> int:
        """START_W of mvu_core: width of a start word."""
        if self.thresholds is not None:
            return (self.count_bound + 1).bit_length()
        return self.accumulator_bits

    def excess(self) -> np.ndarray:
        """(MH,) int64: by how much a count exceeds sum(w * x), the complements' constants."""
        negative = (self.weights < 0).sum(axis=1, dtype=np.int64)
        return np.asarray(negative * (2**self.in_bits - 1))

    def counted_thresholds(self) -> np.ndarray:
        """(MH,) int64 thresholds on the count, from 0 (always on) to count_bound + 1 (never)."""
        assert self.thresholds is not None
        return np.asarray(np.clip(self.thresholds + self.excess(), 0, self.count_bound + 1))

    def starts(self) -> np.ndarray | None:
        """(MH,) int64 start words: what a sum begins with; None where it is the same for all.

        With thresholds the complement of one on the count, 2^START_W - 1 - T: with one more, which
        the hardware adds, a count of T carries out. Else minus the excess.
        """
        if self.thresholds is None:
            return -self.excess()
        return np.asarray(2**self.start_bits - 1 - self.counted_thresholds())

    def memories(self) -> tuple[MemoryImage, ...]:
        """Weights, and start words where channels differ in them."""
        starts = self.starts()
        if starts is None:
            return (self.weight_image(),)
        fields = to_bits(starts, self.start_bits)
        words = fields.reshape(self.nf, self.pe * self.start_bits)
        return (self.weight_image(), MemoryImage(parameter="THRESHOLD_FILE", words=words))


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvXnor(MatrixUnit):
    """Binary convolution, window-stationary. Activation = popcount of agreeing bits >= T."""

    module: ClassVar[str] = "conv_xnor"

    def parameters(self) -> Parameters:
        """Adds the geometry of the tile."""
        geometry = {"C": self.channels, "K": self.kernel, "STRIDE": self.stride, "M": self.m}
        return geometry | dict(super().parameters())

    @property
    def start_bits(self) -> int:
        """Bits of a threshold, or of half an accumulator."""
        raw = self.accumulator_bits - 1
        return super().start_bits if self.thresholds is not None else raw

    def counted_thresholds(self) -> np.ndarray:
        """sum = 2*count - N, so T = ceil((threshold + N) / 2), kept within 0..N+1."""
        assert self.thresholds is not None
        return np.asarray(np.clip(-((-self.thresholds - self.n) // 2), 0, self.n + 1))

    def starts(self) -> np.ndarray | None:
        """Accumulators of all channels begin with the same constant."""
        return None if self.thresholds is None else super().starts()


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuXnor(ConvXnor):
    """Binary dense layer: a 1 x 1 convolution on one pixel.

    Attributes:
        gather: results leave as one vector; else as words of PE, as they are computed.
    """

    module: ClassVar[str] = "mvu_xnor"
    gather: bool = True

    @property
    def output_bits(self) -> int:
        """The vector, or a word of PE results."""
        return super().output_bits if self.gather else self.pe * self.output.bits

    def parameters(self) -> Parameters:
        """MW instead of a tile's geometry, and whether results are gathered."""
        common = MatrixUnit.parameters(self)
        return {"MW": self.n, "GATHER": int(self.gather)} | dict(common)


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuInt(MatrixUnit):
    """Convolution of unsigned 8-bit pixels with 1-bit weights."""

    module: ClassVar[str] = "mvu_int"
    in_bits: ClassVar[int] = 8

    def parameters(self) -> Parameters:
        """Adds the element's width and the geometry of the tile."""
        geometry = {"C": self.channels, "K": self.kernel, "STRIDE": self.stride, "M": self.m}
        return {"IN_BITS": self.in_bits} | geometry | dict(super().parameters())


def to_bits(values: np.ndarray, width: int) -> np.ndarray:
    """Two's complement bits.

    Args:
        values: (...,) int64.
        width: bits of a value.

    Returns:
        (..., width) uint8, least significant first.
    """
    shifts = np.arange(width)
    return ((values[..., None] >> shifts) & 1).astype(np.uint8)
