# SPDX-License-Identifier: Apache-2.0
"""The units that multiply: `conv_xnor` and `mvu_xnor`, and what `mvu_int` shares with them.

They hold a tile for NF*SF cycles while weight words stream past it:
`for nf in MH/PE: for sf in N/SIMD`, with N = K*K*C inputs per output.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from flows.dataflow.kernels.base import Kernel, MemoryImage, Parameters, check_divides, to_bits
from flows.dataflow.kernels.border import Border
from flows.dataflow.kernels.requant import Affine
from flows.dataflow.stream import Stream
from flows.errors import UnsupportedModelError


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixUnit(Kernel):
    """Fields and behaviour that the units share.

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
        groups: output channels [g*MH/groups, (g+1)*MH/groups) see input channels
            [g*C/groups, (g+1)*C/groups); C in the order of the weights is then C / groups.
        affine: accumulators leave as codes. None: they do not.
        border: what stands beside the image counts as nothing. None: it is an element.
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
    groups: int = 1
    affine: Affine | None = None
    border: Border | None = None
    # What the module can do beside the plain form.
    forms: ClassVar[frozenset[str]] = frozenset({"groups", "affine", "border"})

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
        check_divides(self.module, "GROUPS", self.groups, self.pe)
        used = {"groups": self.groups > 1, "affine": self.affine, "border": self.border}
        for name, value in used.items():
            if value and name not in self.forms:
                raise UnsupportedModelError(
                    f"{self.module}: {name} is set, which this module does not have"
                )
        if self.affine is not None and self.thresholds is not None:
            raise UnsupportedModelError(
                f"{self.module}: results are thresholded or codes, not both"
            )

    @property
    def in_bits(self) -> int:
        """Width of an input element; 1: +-1."""
        return 1

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
    def lane_channels(self) -> np.ndarray:
        """(NF, PE) int64: the channel that each lane computes in each fold."""
        per_group, lanes = self.mh // self.groups, self.pe // self.groups
        channels = np.arange(self.mh).reshape(self.groups, self.nf, lanes)
        assert per_group == self.nf * lanes
        return np.asarray(channels.transpose(1, 0, 2).reshape(self.nf, self.pe))

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
        """Activation bits, codes, or signed accumulators."""
        bits, signed = self.accumulator_bits, True
        if self.affine is not None:
            bits, signed = self.affine.bits, self.affine.low < 0
        elif self.thresholds is not None:
            bits, signed = 1, False
        return Stream(
            height=self.height, width=self.width, channels=self.mh, bits=bits, signed=signed
        )

    def cycles(self) -> int:
        """tiles * NF * SF: no bubble between tiles."""
        return self.tiles * self.nf * self.sf

    def parameters(self) -> Parameters:
        """Parameters that the modules share."""
        return {
            "MH": self.mh,
            "PE": self.pe,
            "SIMD": self.simd,
            "THRESHOLD": int(self.thresholds is not None),
            "ACC_W": self.accumulator_bits,
            "ROM_BLOCK": int(self.rom_block),
            **self._forms(),
        }

    def _forms(self) -> dict[str, int | str]:
        """Parameters of what most units do without."""
        found: dict[str, int | str] = {}
        if self.groups > 1:
            found["GROUPS"] = self.groups
        if self.border is not None:
            found |= {
                "ZERO_PAD": 1,
                "H": self.border.height,
                "WIDTH": self.border.width,
                "PAD": self.border.pad,
            }
        if self.affine is not None:
            found |= {"REQUANT": 1, **self.affine.parameters()}
        return found

    @cached_property
    def _float_weights(self) -> np.ndarray:
        # BLAS only exists for floats: float32 is exact below 2^24, float64 far beyond.
        wide = self.accumulator_bound >= 2**24
        kind = np.float64 if wide else np.float32
        per_group = self.weights.reshape(self.groups, -1, self.n)
        return np.asarray(per_group.transpose(0, 2, 1).astype(kind))  # group, inputs, outputs

    def accumulate(self, values: np.ndarray) -> np.ndarray:
        """sum(w * x) for every window.

        Args:
            values: (N, H, W, C) int64, the input stream's values as numbers.

        Returns:
            (N, height, width, MH) int64.
        """
        k, s, groups = self.kernel, self.stride, self.groups
        weights = self._float_weights
        floats = values.astype(weights.dtype)
        windows = np.lib.stride_tricks.sliding_window_view(floats, (k, k), axis=(1, 2))
        windows = windows[:, ::s, ::s].transpose(0, 1, 2, 4, 5, 3)  # N, OH, OW, kh, kw, C
        count, height, width = windows.shape[:3]
        grouped = windows.reshape(count, height, width, k, k, groups, -1)
        out = np.empty((count, height, width, groups, self.mh // groups), np.int64)
        for i in range(count):  # one frame at a time: a window matrix of a batch would not fit
            for g in range(groups):
                matrix = grouped[i, ..., g, :].reshape(height * width, self.n)
                out[i, ..., g, :] = (matrix @ weights[g]).reshape(height, width, -1)
        sums = out.reshape(count, height, width, self.mh)
        return sums if self.border is None else sums + self.border.correction(self._taps())

    def _taps(self) -> np.ndarray:
        """(MH, K, K) int64: the weights of each tap, added up."""
        taps = self.weights.reshape(self.mh, self.kernel, self.kernel, -1)
        return np.asarray(taps.sum(axis=3, dtype=np.int64))

    def compute(self, frames: np.ndarray) -> np.ndarray:
        """Accumulators, their codes, or their comparison with the thresholds."""
        return self.results(self.accumulate(2 * frames - 1 if self.in_bits == 1 else frames))

    def results(self, sums: np.ndarray) -> np.ndarray:
        """What leaves the unit for (..., MH) int64 sums."""
        if self.affine is not None:
            return self.affine.compute(sums)
        return sums if self.thresholds is None else (sums >= self.thresholds).astype(np.int64)

    def weight_image(self) -> MemoryImage:
        """Word nf*SF + sf; bit pe*SIMD + simd."""
        bits = (self.weights[self.lane_channels] > 0).astype(np.uint8)
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

    def counted_thresholds(self, correction: np.ndarray | int = 0) -> np.ndarray:
        """Thresholds on the count, kept within 0 (always) to count_bound + 1 (never).

        Args:
            correction: (..., MH) int64, what is added to the sum but not counted.

        Returns:
            (..., MH) int64.
        """
        assert self.thresholds is not None
        counted = self.thresholds - correction + self.excess()
        return np.asarray(np.clip(counted, 0, self.count_bound + 1))

    def starts(self, correction: np.ndarray | int = 0) -> np.ndarray | None:
        """(..., MH) int64 start words: what a sum begins with; None where it is the same for all.

        With thresholds the complement of one on the count, 2^START_W - 1 - T: with one more, which
        the hardware adds, a count of T carries out. Else minus the excess.
        """
        if self.thresholds is None:
            return np.asarray(correction - self.excess())
        return np.asarray(2**self.start_bits - 1 - self.counted_thresholds(correction))

    def memories(self) -> tuple[MemoryImage, ...]:
        """Weights; start words where channels differ in them; factors of codes."""
        images = [self.weight_image()]
        if self.border is None:
            starts = self.starts()
            if starts is not None:
                images.append(self._start_image(starts[self.lane_channels]))
        else:
            images.append(self._start_image(self._border_starts(self.border)))
        if self.affine is not None:
            source = Stream(
                height=1, width=1, channels=self.mh, bits=self.accumulator_bits, signed=True
            )
            words = self.affine.words(source, self.pe, self.lane_channels.ravel())
            images.append(MemoryImage(parameter="AFFINE_FILE", words=words))
        return tuple(images)

    def _border_starts(self, border: Border) -> np.ndarray:
        """(classes * NF, M * PE) int64: border_words' order, field m*PE + pe."""
        starts = self.starts(border.correction(self._taps()))
        assert starts is not None
        rows, columns = border.classes()
        tiles = columns[:, None] + np.arange(self.m)
        chosen = starts[rows[:, None, None], tiles]  # row class, column class, m, MH
        lanes = chosen[..., self.lane_channels]  # ..., m, NF, PE
        return np.asarray(np.moveaxis(lanes, -2, 2).reshape(-1, self.m * self.pe))

    def _start_image(self, lanes: np.ndarray) -> MemoryImage:
        """Words of start words, (depth, lanes) int64."""
        words = to_bits(lanes, self.start_bits).reshape(len(lanes), -1)
        return MemoryImage(parameter="THRESHOLD_FILE", words=words)


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

    def counted_thresholds(self, correction: np.ndarray | int = 0) -> np.ndarray:
        """sum = 2*count - N, so T = ceil((threshold + N) / 2), kept within 0..N+1."""
        assert self.thresholds is not None
        counted = -((correction - self.thresholds - self.n) // 2)
        return np.asarray(np.clip(counted, 0, self.n + 1))

    def __post_init__(self) -> None:
        """Refuses sums of odd numbers of bits behind zeros: their parity would vary."""
        super().__post_init__()
        if self.border is not None and self.thresholds is None:
            inputs = self.channels // self.groups
            if inputs % 2:
                raise UnsupportedModelError(
                    f"{self.module}: sums over {inputs} channels with zero padding; an even number "
                    "is needed where results are not thresholded"
                )

    def starts(self, correction: np.ndarray | int = 0) -> np.ndarray | None:
        """Accumulators begin with -ceil(N / 2), and half of what the border changes."""
        if self.thresholds is not None:
            return super().starts(correction)
        return None if self.border is None else np.asarray(correction // 2 - (self.n + 1) // 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class MvuXnor(ConvXnor):
    """Binary dense layer: a 1 x 1 convolution on one pixel.

    Attributes:
        gather: results leave as one vector; else as words of PE, as they are computed.
    """

    module: ClassVar[str] = "mvu_xnor"
    forms: ClassVar[frozenset[str]] = frozenset({"affine"})
    gather: bool = True

    @property
    def output_bits(self) -> int:
        """The vector, or a word of PE results."""
        return super().output_bits if self.gather else self.pe * self.output.bits

    def parameters(self) -> Parameters:
        """MW instead of a tile's geometry, and whether results are gathered."""
        common = MatrixUnit.parameters(self)
        return {"MW": self.n, "GATHER": int(self.gather)} | dict(common)
