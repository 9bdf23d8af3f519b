# SPDX-License-Identifier: Apache-2.0
"""Cost of a layer before synthesis. Cycles are exact; LUT, FF, BRAM36 and DSP are estimates.

The coefficients in `cost.json` are a fit to Yosys results of single layers, which stand beside them
with what the formulas say (`python -m tools.fit_cost` repeats both). Every report shows the
estimate of each layer beside what synthesis found.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import ceil, expm1, log1p, log2
from pathlib import Path
from typing import Literal

# Block RAM as a ROM: (word bits, words) of half a RAMB36. Source: UG473, table 1-11 (RAMB18 ports).
_BRAM18_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))

COST_FILE = Path(__file__).with_name("cost.json")

# What one of each feature costs: {"lane": {"lut": 0.8, "ff": 1.2}, ...}
COEFFICIENTS: Mapping[str, Mapping[str, float]] = json.loads(COST_FILE.read_text())["coefficients"]

LUT_LEVELS = 5  # between registers at most, the portable stand-in for 200 MHz on the slowest part

# Of the points in cost.json; tests/flows/dataflow/test_cost.py holds the formulas to it.
LARGEST_ERROR: Mapping[str, float] = {"lut": 0.10, "ff": 0.10}

# Of whole networks, which the fit has not seen; tests/e2e/test_recorded.py synthesises them. Of a
# single layer of less than 500 LUT, estimates were up to 27 % too high.
NETWORK_ERROR: Mapping[str, float] = {"lut": 0.10, "ff": 0.15}

_RAM_IN_LUTS = 64  # words; mvu_serial.sv keeps deeper sums in block RAM

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
        groups: of channels; `channels` are those of one group.
        weight_bits: 1 for +-1, else their two's complement width.
        factor_bits: of a channel's word of factors where sums leave as codes, else 0.
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
    groups: int = 1
    weight_bits: int = 1
    factor_bits: int = 0

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


def rom_banks(width: int, depth: int) -> int:
    """Banks behind each bit of a ROM in the shape of `rom_bram36`."""
    return min((ceil(width / w) * ceil(depth / d), ceil(depth / d)) for w, d in _BRAM18_SHAPES)[1]


def weight_levels(shape: UnitShape, fold: Fold) -> int:
    """LUTs on the longest path from a block ROM of weights into the registers behind it.

    A LUT chooses among four banks. Counters begin with up to four LUTs in a row, two lanes each
    (popcount_ripple.sv); products begin in DSP slices.
    """
    if not fold.rom_block:
        return 0
    steps = shape.mh // fold.pe * (shape.n // fold.simd)
    banks = rom_banks(fold.pe * fold.simd * shape.weight_bits, steps)
    ripple = min(4, ceil(fold.simd / 2)) if shape.weight_bits == 1 else 0
    return ceil(log2(banks) / 2) + ripple


def rom_columns(width: int, depth: int) -> float:
    """Columns of a ROM that differ: of random weights, so many on average.

    Of columns that are alike, synthesis keeps one. A ROM of one word is no hardware.
    """
    if depth == 1:
        return 0.0
    columns = 2.0 ** min(depth, 64)
    return columns * -expm1(width * log1p(-1 / columns))


def rom_lut(width: int, depth: int) -> float:
    """LUTs of a ROM without block RAM: one holds 64 words of one bit."""
    return rom_columns(width, depth) * ceil(depth / 64)


def ram_lut(width: int, depth: int) -> float:
    """LUTs of a LUT RAM with a write and a read port: 4 LUTs hold 32 words of 6 bits."""
    return 4 * ceil(width / (6 if depth <= 32 else 3)) * ceil(depth / 64)


def unit_cost(shape: UnitShape, fold: Fold, *, in_words: bool = False) -> UnitCost:
    """Cost of a folded layer: its unit, and the window in front of it.

    Args:
        shape: the layer.
        fold: a legal folding of it.
        in_words: results leave as words of PE; they are not gathered.

    Returns:
        Cycles per frame of the unit alone (the window may need more, see `schedule`), estimates of
        the whole layer without FIFOs and width converters.
    """
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    tiles = shape.height * shape.width // fold.m
    amounts = features(shape, fold, in_words=in_words)
    lut, ff = (
        sum(COEFFICIENTS[name][kind] * amount for name, amount in amounts.items())
        for kind in ("lut", "ff")
    )
    bram36 = 0.0
    if fold.rom_block:
        bram36 += rom_bram36(fold.pe * fold.simd, nf * sf)
    if fold.form == "input" and nf > _RAM_IN_LUTS:
        bram36 += rom_bram36(fold.pe * _sum_bits(shape), nf)
    dsp = fold.m * ceil(shape.mh / 2) if fold.form == "dsp" else 0
    return UnitCost(
        cycles=tiles * nf * sf, resources=Resources(lut=lut, ff=ff, bram36=bram36, dsp=dsp)
    )


def features(shape: UnitShape, fold: Fold, *, in_words: bool = False) -> dict[str, float]:
    """What the LUTs and flip-flops of a folded layer are proportional to.

    Names are those of `cost.json`, which holds what one of each costs.
    """
    if fold.form == "threshold":
        return {"comparators": 1.0, "comparator": float(fold.pe)}
    unit = {"window": _window_unit, "input": _input_unit, "dsp": _dsp_unit}[fold.form]
    found = unit(shape, fold)
    if in_words:
        found["output bit"] = 0.0
    if shape.convolution and fold.form != "input":
        found |= _window(shape, fold)
    width, depth = fold.pe * fold.simd, (shape.mh // fold.pe) * (shape.n // fold.simd)
    if not fold.rom_block:
        return found | {"rom": rom_lut(width, depth), "rom bit": rom_columns(width, depth)}
    banks = rom_banks(width, depth)
    if banks > 1:  # a LUT chooses among four
        return found | {"bank bit": float(width * ceil(banks / 4))}
    return found


def _window_unit(shape: UnitShape, fold: Fold) -> dict[str, float]:
    """Held tile, counters, sums, results gathered to pixels of all channels."""
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    if nf * sf == 1 and shape.in_bits > 1 and not shape.raw:
        return _shared_unit(shape, fold)
    results = fold.pe * fold.m
    lanes = "lane" if shape.in_bits == 1 else "pixel lane"
    found = {
        "unit": 1.0,
        lanes: float(results * fold.simd),
        "result": float(results),
        "tile bit": float(_tile_bits(shape, fold)),
        "output bit": float(fold.m * shape.mh * (_sum_bits(shape) if shape.raw else 1)),
        "gathered bit": float(shape.mh * ceil((fold.m - 1) / 3)) if nf > 1 else 0.0,
    }
    if sf > 1:
        found["sum"] = float(results)
        found["operand"] = float(_slice_elements(shape, fold) * (sf - 1) * shape.in_bits)
    return found


def _shared_unit(shape: UnitShape, fold: Fold) -> dict[str, float]:
    """Sums of each four elements, and channels that add what they choose (shared_sums.sv)."""
    bits = ceil(shape.n / 4) * (shape.in_bits + 2)
    return {
        "unit": 1.0,
        "shared bit": float(fold.m * 16 * bits),
        "chosen bit": float(fold.m * fold.pe * bits),
        "tile bit": float(_tile_bits(shape, fold)),
        "output bit": float(fold.m * shape.mh),
    }


def _input_unit(shape: UnitShape, fold: Fold) -> dict[str, float]:
    """A held word, counters, and all sums in a memory."""
    nf = shape.mh // fold.pe
    bits = fold.pe * _sum_bits(shape)
    return {
        "serial unit": 1.0,
        "lane": float(fold.pe * fold.simd),
        "serial sum bit": float(bits),
        "word bit": float(fold.simd),
        "ram": ram_lut(bits, nf) if nf <= _RAM_IN_LUTS else 0.0,
        "start": 0.0 if shape.raw else rom_lut(bits, nf),
    }


def _dsp_unit(shape: UnitShape, fold: Fold) -> dict[str, float]:
    """Two output channels a multiplier, M pixels."""
    return {
        "dsp unit": 1.0,
        "dsp pixel": float(fold.m),
        "tile bit": float(_tile_bits(shape, fold)),
        "output bit": float(fold.m * shape.mh),
    }


def _window(shape: UnitShape, fold: Fold) -> dict[str, float]:
    """Line memories and tile register (`swu`)."""
    bits = shape.channels * shape.in_bits
    row = (shape.width - 1) * shape.stride + shape.kernel
    found = {"window": 1.0, "window bit": float(_tile_bits(shape, fold))}
    if shape.kernel > 1:
        found["ram"] = ram_lut((shape.kernel - 1) * bits, row)
    if shape.pad:
        found["padded bit"] = float(shape.kernel * bits)
    return found


def _tile_bits(shape: UnitShape, fold: Fold) -> int:
    columns = (fold.m - 1) * shape.stride + shape.kernel
    return shape.kernel * columns * shape.channels * shape.in_bits


def _slice_elements(shape: UnitShape, fold: Fold) -> int:
    """Elements that are chosen anew in each step of a sum.

    Steps that take whole rows of the kernel choose among rows of the tile, for all pixels at once.
    """
    row = shape.n // shape.kernel
    if fold.simd % row == 0:
        return fold.simd // row * _tile_bits(shape, fold) // (shape.kernel * shape.in_bits)
    return fold.m * fold.simd


def _sum_bits(shape: UnitShape) -> int:
    """Bits of a sum of N products, with its sign."""
    most: int = shape.n * (2**shape.in_bits - 1)
    return most.bit_length() + 1


def converter_cost(in_bits: int, out_bits: int) -> Resources:
    """A width converter: words collected in registers, or a beat shifted out."""
    wide = max(in_bits, out_bits)
    return Resources(lut=5.0 if in_bits < out_bits else float(wide), ff=wide + 5)


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
