# SPDX-License-Identifier: Apache-2.0
"""Cost of a unit before synthesis. Cycles are exact; LUT and BRAM36 are estimates.

The LUT coefficients are a fit to Yosys results of CNV-W1A1; every report shows the estimate of
each layer beside what synthesis found.
"""

from dataclasses import dataclass
from math import ceil
from typing import Literal

# Block RAM as a ROM: (word bits, words) of half a RAMB36. Source: UG473, table 1-11 (RAMB18 ports).
_BRAM18_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))

# LUT per lane: one product and its share of the sum.
_LUT_PER_XNOR_LANE = 1.38
_LUT_PER_INT_LANE = 11.5
# LUT per output computed in parallel: threshold, accumulator, result FIFO, gather.
_LUT_PER_RESULT = 14
_LUT_PER_UNIT = 200
# LUT per input of the multiplexer that feeds a lane, where inputs are folded.
_LUT_PER_MUX_INPUT = 0.8


# window: the inputs of one output pixel are held, weights stream past them (conv_xnor, mvu_xnor,
# mvu_int). input: each input word is held while it is added to all outputs; results leave as words
# of PE (mvu_serial). dsp: 8-bit pixels, one DSP48 multiplies for two output channels (mvu_dsp).
Form = Literal["window", "input", "dsp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitShape:
    """A unit's shape, before folding.

    Attributes:
        name: of the layer.
        height, width: output pixels of a frame.
        channels: input channels.
        kernel, stride: of the window.
        mh: output channels.
        in_bits: 1 for bipolar inputs, 8 for pixels.
        convolution: a `swu` stands in front.
    """

    name: str
    height: int
    width: int
    channels: int
    kernel: int
    stride: int
    mh: int
    in_bits: int
    convolution: bool

    @property
    def n(self) -> int:
        """Inputs of one output."""
        return self.kernel * self.kernel * self.channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """How much of a unit works in parallel.

    Attributes:
        pe: output channels at a time.
        simd: inputs at a time.
        m: neighbouring pixels at a time.
        rom_block: weights in block RAM, else in LUTs.
        form: which hardware computes it, see `Form`.
    """

    pe: int
    simd: int
    m: int = 1
    rom_block: bool = True
    form: Form = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """Cycles per frame (exact), LUT and BRAM36 (estimated)."""

    cycles: int
    lut: float
    bram36: float


def rom_bram36(width: int, depth: int) -> float:
    """BRAM36 of a ROM: the cheapest of the shapes that a RAMB18 offers."""
    return min(0.5 * ceil(width / w) * ceil(depth / d) for w, d in _BRAM18_SHAPES)


def unit_cost(shape: UnitShape, fold: Fold) -> UnitCost:
    """Cost of a folded unit.

    Args:
        shape: the layer.
        fold: a legal folding of it.

    Returns:
        cycles = height*width/M * MH/PE * N/SIMD, and the estimates.
    """
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    results = fold.pe * fold.m
    lane = _LUT_PER_XNOR_LANE if shape.in_bits == 1 else _LUT_PER_INT_LANE
    lut = _LUT_PER_UNIT + results * (lane * fold.simd + _LUT_PER_RESULT)
    lut += _LUT_PER_MUX_INPUT * fold.m * fold.simd * (sf - 1) * shape.in_bits
    lut += _gather_lut(shape, fold)
    width, depth = fold.pe * fold.simd, nf * sf
    bram = rom_bram36(width, depth) if fold.rom_block else 0.0
    if not fold.rom_block:
        lut += width * ceil(depth / 64)
    return UnitCost(cycles=shape.height * shape.width // fold.m * nf * sf, lut=lut, bram36=bram)


def _gather_lut(shape: UnitShape, fold: Fold) -> float:
    # The M:1 multiplexer of stream_gather.
    return shape.mh * ceil((fold.m - 1) / 3)
