# SPDX-License-Identifier: Apache-2.0
"""Cost of what only networks with forks and joins have: products, codes, joins, integer pools.

Rough formulas, read off the budgets of single modules (hw/budgets.toml), not a fit like those of
`cost`; `tests/flows/dataflow/test_cost_graph.py` holds them to those budgets.
"""

from dataclasses import replace

from flows.dataflow.cost import Fold, Resources, UnitCost, UnitShape, ram_lut, rom_bram36, rom_lut
from flows.dataflow.cost import unit_cost as binary_cost
from flows.dataflow.kernels import Kernel, MaxPool, Requant, StreamAdd, SumPool, Threshold

_LANE = Resources(lut=13, ff=33, dsp=1)  # requant_lane
_CONTROL = Resources(lut=25, ff=20)  # of a module that works through a pixel PE channels at a time
_WINDOW = Resources(lut=75, ff=30)  # counters of rows and columns
_SELECT = 1 / 3  # LUTs of a bit of a multiplexer, for each of its inputs
_ADD = 15 / 8  # LUTs of a bit of an addition that saturates
_COMPARE = 0.75  # LUTs of a bit of a comparison with a threshold that is looked up


def unit_cost(shape: UnitShape, fold: Fold, *, in_words: bool = False) -> UnitCost:
    """Cost of a folded layer that multiplies, with the codes that it makes of its sums."""
    if shape.weight_bits == 1:
        cost = binary_cost(shape, fold, in_words=in_words)
    else:
        products = _serial if fold.form == "input" else _products
        cost = UnitCost(cycles=_cycles(shape, fold), resources=products(shape, fold))
    return replace(cost, resources=cost.resources + _codes(shape, fold))


def _cycles(shape: UnitShape, fold: Fold) -> int:
    steps = shape.mh // fold.pe * (shape.n // fold.simd)
    return shape.height * shape.width // fold.m * steps


def _products(shape: UnitShape, fold: Fold) -> Resources:
    """A DSP for each product, a tree of additions, an accumulator where a sum has several steps."""
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    results, lanes = fold.pe * fold.m, fold.pe * fold.m * fold.simd
    bits = shape.in_bits + shape.weight_bits + shape.n.bit_length()
    columns = (fold.m - 1) * shape.stride + shape.kernel if shape.convolution else 1
    tile = shape.kernel * columns * shape.channels * shape.groups * shape.in_bits
    lut = 75.0 + (lanes - results) * bits + results * bits * (sf > 1)
    lut += _SELECT * fold.m * fold.simd * shape.in_bits * sf * (sf > 1)
    ff = 140.0 + 2 * tile + lanes * bits + results * bits + fold.m * shape.mh * _out_bits(shape)
    width, depth = fold.pe * fold.simd * shape.weight_bits, nf * sf
    bram36 = rom_bram36(width, depth) if fold.rom_block else 0.0
    lut += rom_lut(fold.pe * bits, nf) + (0.0 if fold.rom_block else rom_lut(width, depth))
    if shape.convolution and shape.kernel > 1:
        row = (shape.width - 1) * shape.stride + shape.kernel
        lut += ram_lut((shape.kernel - 1) * shape.channels * shape.groups * shape.in_bits, row)
    return Resources(lut=lut, ff=ff, bram36=bram36, dsp=lanes)


def _serial(shape: UnitShape, fold: Fold) -> Resources:
    """A DSP for each product, a word of inputs, all sums in a memory."""
    nf, sf = shape.mh // fold.pe, shape.n // fold.simd
    lanes = fold.pe * fold.simd
    bits = shape.in_bits + shape.weight_bits + shape.n.bit_length()
    width, depth = fold.pe * fold.simd * shape.weight_bits, nf * sf
    lut = 85.0 + lanes * bits + ram_lut(fold.pe * bits, nf) + rom_lut(fold.pe * bits, nf)
    lut += 0.0 if fold.rom_block else rom_lut(width, depth)
    return Resources(
        lut=lut,
        ff=80.0 + fold.simd * shape.in_bits + (lanes + 2 * fold.pe) * bits,
        bram36=rom_bram36(width, depth) if fold.rom_block else 0.0,
        dsp=lanes,
    )


def _codes(shape: UnitShape, fold: Fold) -> Resources:
    """Lanes, their factors, and the words of codes that are gathered to pixels."""
    if not shape.factor_bits:
        return Resources()
    lanes = fold.pe * fold.m
    memory = rom_lut(fold.pe * shape.factor_bits, shape.mh // fold.pe)
    gathered = Resources(ff=float(fold.m * shape.mh * (_out_bits(shape) - 1)))
    return _LANE.scaled(lanes) + Resources(lut=memory) + gathered


def _out_bits(shape: UnitShape) -> int:
    return 8 if shape.factor_bits else 1


def kernel_cost(kernel: Kernel) -> Resources:
    """Cost of a module beside the units; nothing for wires and for those that `cost` prices."""
    if isinstance(kernel, Requant):
        affine, stream = kernel.affine, kernel.stream
        width = affine.slopes * (affine.mul_bits + affine.add_bits) + stream.bits
        memory = rom_lut(kernel.pe * width, stream.channels // kernel.pe)
        shared = _shared(stream.channels, kernel.pe, stream.bits, affine.bits)
        return shared + _LANE.scaled(kernel.pe) + Resources(lut=memory)
    if isinstance(kernel, StreamAdd):
        lanes = Resources(lut=_ADD * kernel.pe * kernel.bits)
        bits = kernel.a.bits + kernel.b.bits
        return lanes + _shared(kernel.a.channels, kernel.pe, bits, kernel.bits)
    if isinstance(kernel, Threshold) and kernel.pixels:
        stream = kernel.stream
        lut = _COMPARE * kernel.pe * stream.bits
        lut += rom_lut(kernel.pe * (stream.bits + 2), stream.channels // kernel.pe)
        return Resources(lut=lut) + _shared(stream.channels, kernel.pe, stream.bits, 1)
    if isinstance(kernel, MaxPool | SumPool):
        return _pool(kernel)
    return Resources()


def _shared(channels: int, pe: int, in_bits: int, out_bits: int) -> Resources:
    """Lanes that take turns: their channels are selected a word ahead, the results gathered."""
    found = _CONTROL + Resources(ff=float(channels * out_bits))
    if pe < channels:
        found += Resources(lut=_SELECT * channels * in_bits, ff=float(pe * in_bits))
    return found


def _pool(kernel: MaxPool | SumPool) -> Resources:
    """A lane for each of PE channels, runs along the row, a register, a row of results so far."""
    stream, out = kernel.stream, kernel.output
    pe = kernel.lanes if isinstance(kernel, MaxPool) else kernel.pe
    bits = stream.bits
    if isinstance(kernel, SumPool):
        bits += (kernel.kernel**2).bit_length()
    rows = ram_lut(pe * bits, stream.channels // pe * out.width)
    lanes = Resources(lut=rows + _ADD * bits * pe, ff=float((stream.channels + pe) * bits))
    return _WINDOW + lanes + _shared(stream.channels, pe, stream.bits, out.bits)
