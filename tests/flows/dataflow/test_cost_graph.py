# SPDX-License-Identifier: Apache-2.0
"""The rough formulas against the budgets of single modules."""

from __future__ import annotations

import numpy as np
import pytest

from flows.dataflow.cost import Fold, Resources
from flows.dataflow.cost import unit_cost as binary_cost
from flows.dataflow.cost_graph import kernel_cost, unit_cost
from flows.dataflow.kernels import Affine, Requant, StreamAdd, SumPool
from flows.dataflow.stream import Stream
from tests.hw.budgets import read_points
from tests.support.shapes import CONV1

LARGEST_ERROR = 0.25  # of LUTs and of flip-flops


def codes(channels: int, bits: int = 8, size: int = 8) -> Stream:
    return Stream(height=size, width=size, channels=channels, bits=bits, signed=True)


def requant() -> Requant:
    """Factors of 13 and 25 bits, as the budget's memory has them."""
    wide = np.full(64, 2**12 - 1), np.full(64, 2**24 - 1)
    affine = Affine(
        mul=wide[0][None],
        add=wide[1][None],
        thresholds=None,
        falling=None,
        shift=11,
        low=-128,
        high=127,
        bits=8,
    )
    return Requant(stream=codes(64, 13), affine=affine, pe=1)


def add(pe: int) -> StreamAdd:
    return StreamAdd(a=codes(64), b=codes(64), low=-128, high=127, bits=8, pe=pe)


def pool() -> SumPool:
    return SumPool(stream=codes(64), kernel=8, shift=6, low=-128, high=127, bits=8, pe=1)


CASES = [
    ("requant", {"C": 64, "PE": 1}, requant),
    ("stream_add", {"C": 64, "PE": 64}, lambda: add(64)),
    ("stream_add", {"C": 64, "PE": 8}, lambda: add(8)),
    ("sumpool", {"C": 64, "PE": 1, "K": 8, "H": 8, "WIDTH": 8}, pool),
]


@pytest.mark.parametrize(("module", "parameters", "kernel"), CASES)
def test_the_formula_is_near_the_budget(module, parameters, kernel):
    (point,) = [p for p in read_points() if (p.module, p.parameters) == (module, parameters)]
    found = kernel_cost(kernel())
    lut = point.cost["lut"] + point.cost.get("lutram", 0)
    assert found.lut == pytest.approx(lut, rel=LARGEST_ERROR)
    assert found.ff == pytest.approx(point.cost["ff"], rel=LARGEST_ERROR)
    assert found.dsp == point.cost.get("dsp", 0)


def test_a_plain_binary_unit_costs_what_the_fit_says():
    fold = Fold(pe=1, simd=CONV1.n)
    assert unit_cost(CONV1, fold) == binary_cost(CONV1, fold)
    assert kernel_cost(requant()) != Resources()
