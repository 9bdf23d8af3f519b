# SPDX-License-Identifier: Apache-2.0
"""Foldings of the units of a graph: each the cheapest that keeps up with an interval."""

from collections.abc import Iterator
from math import ceil

from flows.dataflow.cost import Fold, UnitShape, rom_bram36
from flows.dataflow.fold import divisors
from flows.dataflow.graph_units import GraphUnit, graph_units
from flows.errors import FoldingError
from flows.streamline.graph import IntegerGraph

# LUTs, rounded from syntheses of single units; a folding is chosen with them, nothing is promised.
_PER_XNOR_LANE = 0.9
_PER_PRODUCT_BIT = 1.2  # of a lane that multiplies: times element bits times weight bits
_PER_RESULT = 25
_PER_MUX_BIT = 0.8
_PER_BRAM36 = 100


def fold_graph(graph: IntegerGraph, interval: int) -> dict[str, Fold]:
    """The cheapest window-stationary folding of every unit within an interval.

    Args:
        graph: after its passes.
        interval: cycles of a frame.

    Raises:
        FoldingError: if a unit cannot be that fast, with the best that it can.
    """
    return {unit.shape.name: _fold(unit, interval) for unit in graph_units(graph)}


def _fold(unit: GraphUnit, interval: int) -> Fold:
    rows = [(_cycles(unit.shape, fold), _price(unit, fold), fold) for fold in _legal(unit)]
    within = [row for row in rows if row[0] <= interval]
    if not within:
        raise FoldingError(
            f"{unit.shape.name}: no legal folding within {interval} cycles per frame; the fastest"
            f" takes {min(row[0] for row in rows)}. Lower --target-fps or raise --clock-mhz."
        )
    return min(within, key=lambda row: (row[1], row[0]))[2]


def _legal(unit: GraphUnit) -> Iterator[Fold]:
    """PE is a multiple of the groups; outputs are folded before inputs, pixels last."""
    shape = unit.shape
    for pe in divisors(shape.mh):
        if pe % unit.groups:
            continue
        for simd in divisors(shape.n):
            steps = shape.mh // pe * (shape.n // simd)
            for m in divisors(shape.width) if shape.convolution else [1]:
                if m <= steps:
                    for block in (False, True):
                        yield Fold(pe=pe, simd=simd, m=m, rom_block=block)


def _cycles(shape: UnitShape, fold: Fold) -> int:
    steps = shape.mh // fold.pe * (shape.n // fold.simd)
    return shape.height * shape.width // fold.m * steps


def _price(unit: GraphUnit, fold: Fold) -> float:
    shape = unit.shape
    lane = _PER_XNOR_LANE
    if not unit.binary:
        lane = _PER_PRODUCT_BIT * shape.in_bits * unit.weight_bits
    results, sf = fold.pe * fold.m, shape.n // fold.simd
    lut = results * (lane * fold.simd + _PER_RESULT)
    lut += _PER_MUX_BIT * fold.m * fold.simd * shape.in_bits * (sf - 1)
    width, depth = fold.pe * fold.simd * unit.weight_bits, shape.mh // fold.pe * sf
    if fold.rom_block:
        return lut + _PER_BRAM36 * rom_bram36(width, depth)
    return lut + width * ceil(depth / 64)
