# SPDX-License-Identifier: Apache-2.0
"""Cost of a layer before synthesis. Cycles are exact; LUT, FF, BRAM36 and DSP are estimates.

The coefficients are a fit to Yosys results of single layers (`python -m tools.fit_cost` repeats
it); every report shows the estimate of each layer beside what synthesis found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil
from typing import Literal

# Block RAM as a ROM: (word bits, words) of half a RAMB36. Source: UG473, table 1-11 (RAMB18 ports).
_BRAM18_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))

# window: the inputs of one output pixel are held, weights stream past them (conv_xnor, mvu_xnor,
# mvu_int). input: each input word is held while it is added to all outputs; results leave as words
# of PE (mvu_serial). dsp: 8-bit pixels, one DSP48 multiplies for two output channels (mvu_dsp).
# threshold: pixels are compared, PE of the image at a time (the network's input as bits).
Form = Literal["window", "input", "dsp", "threshold"]

INPUT = "input"  # name of the layer that turns pixels into bits


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitShape:
    """A unit's shape, before folding.

    Attributes:
        name: of the layer.
        height, width: output pixels of a frame.
        channels: input channels.
        kernel, stride, pad: of the window.
        mh: output channels.
        in_bits: 1 for bipolar inputs, 8 for pixels.
        convolution: a `swu` stands in front.
        raw: accumulators go out, there are no thresholds.
        forms: hardware that can compute it.
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
    pad: int = 0
    raw: bool = False
    forms: tuple[Form, ...] = ("window",)

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


Folding = Mapping[str, Fold]  # by layer


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What hardware occupies; sums and comparisons go resource by resource.

    Attributes:
        lut: 6-input LUTs, as logic or memory.
        ff: flip-flops.
        bram36: block memories of 36 Kbit, in halves.
        dsp: DSP slices.
    """

    lut: float = 0.0
    ff: float = 0.0
    bram36: float = 0.0
    dsp: float = 0.0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            lut=self.lut + other.lut,
            ff=self.ff + other.ff,
            bram36=self.bram36 + other.bram36,
            dsp=self.dsp + other.dsp,
        )

    def __sub__(self, other: "Resources") -> "Resources":
        return self + other.scaled(-1)

    def scaled(self, factor: float) -> "Resources":
        """All resources times a factor."""
        return Resources(**{name: factor * value for name, value in self.items()})

    def most(self, other: "Resources") -> "Resources":
        """The larger of two, resource by resource."""
        pairs = zip(self.items(), other.items(), strict=True)
        return Resources(**{name: max(value, more) for (name, value), (_, more) in pairs})

    def items(self) -> list[tuple[str, float]]:
        """(resource, value) in the order of the attributes."""
        return [(name, getattr(self, name)) for name in RESOURCES]

    def over(self, budget: "Resources") -> tuple[str, ...]:
        """Resources of which there is more than the budget has."""
        limits: Mapping[str, float] = dict(budget.items())
        return tuple(name for name, value in self.items() if value > limits[name])


RESOURCES = tuple(field.name for field in fields(Resources))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """Cycles per frame (exact) and resources (estimated)."""

    cycles: int
    resources: Resources

    @property
    def lut(self) -> float:
        """LUTs, estimated."""
        return self.resources.lut

    @property
    def bram36(self) -> float:
        """Block memories, estimated."""
        return self.resources.bram36


def rom_bram36(width: int, depth: int) -> float:
    """BRAM36 of a ROM: the cheapest of the shapes that a RAMB18 offers."""
    return min(0.5 * ceil(width / w) * ceil(depth / d) for w, d in _BRAM18_SHAPES)


def rom_lut(width: int, depth: int) -> float:
    """LUTs of a ROM without block RAM: 64 words of one bit each, or 32 words of two."""
    return width * (0.5 if depth <= 32 else ceil(depth / 64))


def ram_lut(width: int, depth: int) -> float:
    """LUTs of a LUT RAM with a write and a read port: 4 LUTs hold 32 words of 6 bits."""
    return 4 * ceil(width / (6 if depth <= 32 else 3)) * ceil(depth / 64)


def unit_cost(shape: UnitShape, fold: Fold) -> UnitCost:
    """Cost of a folded layer: its unit, and the window in front of it.

    Args:
        shape: the layer.
        fold: a legal folding of it.

    Returns:
        Cycles per frame of the unit alone (the window may need more, see `schedule`), estimates of
        the whole layer without its FIFO.
    """
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    if fold.form == "threshold":
        return UnitCost(cycles=nf, resources=_threshold(shape, fold))
    if fold.form == "input":
        return UnitCost(cycles=nf * sf, resources=_input(shape, fold))
    cycles = shape.height * shape.width // fold.m * nf * sf
    unit = _dsp(shape, fold) if fold.form == "dsp" else _window_unit(shape, fold)
    return UnitCost(cycles=cycles, resources=unit + _window(shape, fold))


def _rom(fold: Fold, depth: int) -> Resources:
    """The weights: one word of PE x SIMD bits a step."""
    width = fold.pe * fold.simd
    if fold.rom_block:
        return Resources(bram36=rom_bram36(width, depth))
    return Resources(lut=rom_lut(width, depth), ff=width)


def _window_unit(shape: UnitShape, fold: Fold) -> Resources:
    """Held tile, counters, sums, results gathered to pixels of all channels."""
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    results = fold.pe * fold.m
    bits = shape.in_bits
    folded = sf > 1
    lut = 110.0 + results * (_counter_lut(fold.simd, bits) + 6 + 12 * folded)
    lut += 0.6 * fold.m * fold.simd * (sf - 1) * bits  # multiplexer of the operands
    lut += shape.mh * ceil((fold.m - 1) / 3) * (1 if nf > 1 else 0.5)  # stream_gather
    ff = 150.0 + results * (1.25 * fold.simd * bits**0.5 + 20) + 2 * fold.m * shape.mh
    if shape.convolution:
        ff += shape.kernel * ((fold.m - 1) * shape.stride + shape.kernel) * shape.channels * bits
    else:
        ff += shape.n * bits
    return Resources(lut=lut, ff=ff) + _rom(fold, nf * sf)


def _counter_lut(lanes: int, planes: int) -> float:
    return 0.83 * lanes if planes == 1 else 7.3 * lanes * planes / 8


def _window(shape: UnitShape, fold: Fold) -> Resources:
    """Line memories and tile register (`swu`)."""
    if not shape.convolution:
        return Resources()
    bits = shape.channels * shape.in_bits
    columns = (fold.m - 1) * shape.stride + shape.kernel
    row = (shape.width - 1) * shape.stride + shape.kernel
    lut = 30 + (ram_lut((shape.kernel - 1) * bits, row) if shape.kernel > 1 else 0.0)
    if shape.pad:
        lut += 0.75 * shape.kernel * bits
    return Resources(lut=lut, ff=shape.kernel * columns * bits + 60)


def _input(shape: UnitShape, fold: Fold) -> Resources:
    """A held word, counters, and all sums in a memory."""
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    bits = shape.n.bit_length() + 1
    lut = 90 + fold.pe * (_counter_lut(fold.simd, 1) + 2 * bits + 4)
    memory = Resources(lut=ram_lut(fold.pe * bits, nf))
    if nf > 64:
        memory = Resources(bram36=rom_bram36(fold.pe * bits, nf))
    if not shape.raw:
        lut += rom_lut(fold.pe * bits, nf)
    ff = 120 + fold.simd + fold.pe * (1.25 * fold.simd + 2 * bits)
    return Resources(lut=lut, ff=ff) + memory + _rom(fold, nf * sf)


def _dsp(shape: UnitShape, fold: Fold) -> Resources:
    """Two output channels a multiplier, M pixels; weights in LUTs."""
    lut = 150 + 40 * fold.m + rom_lut(shape.mh, shape.n)
    lut += shape.mh * ceil((fold.m - 1) / 3)
    ff = 150 + fold.m * (shape.n * shape.in_bits + 2 * shape.mh)
    return Resources(lut=lut, ff=ff, dsp=fold.m * ceil(shape.mh / 2))


def _threshold(shape: UnitShape, fold: Fold) -> Resources:
    """Comparators with constants, and the join of words to the image's vector."""
    return Resources(lut=6 * fold.pe + 20, ff=shape.mh + fold.pe + 10)


def pool_cost(channels: int, width: int) -> Resources:
    """Maximum pooling over rows of a number of pixels: a row of results so far, and the OR."""
    return Resources(lut=2.5 * channels + 10 + ram_lut(channels, width), ff=3 * channels + 20)


def fifo_cost(width: int, depth: int) -> Resources:
    """A FIFO of that many beats; none for depth 0."""
    if depth == 0:
        return Resources()
    if depth > 128 and depth * width >= 8192:  # as stream_fifo.sv chooses block RAM
        return Resources(lut=40 + width, ff=30 + width, bram36=rom_bram36(width, depth))
    return Resources(lut=10 + ram_lut(width, depth), ff=20)
