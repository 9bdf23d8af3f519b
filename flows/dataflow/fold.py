# SPDX-License-Identifier: Apache-2.0
"""Legal foldings of a unit: every PE, SIMD and M that divides, in every form that fits."""

from collections.abc import Iterator, Sequence

from flows.dataflow.cost import Fold, Resources, UnitCost, UnitShape, unit_cost
from flows.errors import FoldingError

# What a cycle of latency is worth, in LUTs: an image waits for all layers, not for the slowest.
LUT_PER_CYCLE = 0.1

# What the other resources are worth. At 64 LUTs a block RAM, weights of 64 words and more go there;
# DSPs are idle otherwise, at 8 LUTs they replace a stem in LUTs wherever there are enough.
_LUT_PER = {"lut": 1.0, "ff": 0.0, "bram36": 64.0, "dsp": 8.0}


def price(resources: Resources) -> float:
    """All resources as one figure, in LUTs."""
    return sum(_LUT_PER[name] * value for name, value in resources.items())


def divisors(value: int) -> list[int]:
    """All divisors, ascending."""
    small = [d for d in range(1, int(value**0.5) + 1) if value % d == 0]
    return small + [value // d for d in reversed(small) if d * d != value]


def foldings(shape: UnitShape) -> Iterator[Fold]:
    """Every legal folding of a unit.

    M is at most NF*SF: the results of a tile leave one pixel a cycle.
    """
    for form in shape.forms:
        if form == "threshold":
            for pe in divisors(shape.mh):
                yield Fold(pe=pe, simd=1, rom_block=False, form=form)
        elif form == "dsp":
            for m in divisors(shape.width):
                if m <= shape.n:
                    yield Fold(pe=shape.mh, simd=1, m=m, rom_block=False, form=form)
        else:
            yield from _with_weight_memory(shape, form == "window")


def _with_weight_memory(shape: UnitShape, window: bool) -> Iterator[Fold]:
    columns = divisors(shape.width) if window and shape.convolution else [1]
    for pe in divisors(shape.mh):
        for simd in divisors(shape.n):
            steps = shape.mh // pe * (shape.n // simd)
            for m in columns:
                if m <= steps:
                    for block in (False, True):
                        yield Fold(
                            pe=pe,
                            simd=simd,
                            m=m,
                            rom_block=block,
                            form="window" if window else "input",
                        )


def fold_unit(shape: UnitShape, cycles: int) -> Fold:
    """The cheapest folding of one unit alone within a number of cycles per frame.

    Its cycles are priced as latency. `solve` knows better what they are worth in a network.

    Raises:
        FoldingError: if even the widest legal folding is slower.
    """

    def worth(cost: UnitCost) -> float:
        return price(cost.resources) + LUT_PER_CYCLE * cost.cycles

    alone = ("window", "threshold")  # forms that fit behind every other
    rows = [(f, unit_cost(shape, f)) for f in foldings(shape) if f.form in alone]
    within = [(worth(cost), cost.cycles, fold) for fold, cost in rows if cost.cycles <= cycles]
    if not within:
        best = min(cost.cycles for _, cost in rows)
        raise FoldingError(
            f"{shape.name}: no legal folding within {cycles} cycles per frame; the fastest takes "
            f"{best}. Lower --target-fps or raise --clock-mhz."
        )
    return min(within, key=lambda row: row[:2])[2]


def fold_network(shapes: Sequence[UnitShape], cycles: int) -> dict[str, Fold]:
    """The cheapest window-stationary folding of each unit for an initiation interval.

    Args:
        shapes: units of the network.
        cycles: the initiation interval that is wanted, in cycles.

    Raises:
        FoldingError: if a unit cannot be that fast.
    """
    return {shape.name: fold_unit(shape, cycles) for shape in shapes}
