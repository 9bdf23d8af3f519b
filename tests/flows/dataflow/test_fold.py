# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.dataflow.cost import UnitShape, rom_bram36, unit_cost
from flows.dataflow.fold import (
    LUT_PER_CYCLE,
    divisors,
    fold_network,
    fold_unit,
    foldings,
    price,
)
from flows.errors import FoldingError
from tests.support.shapes import CONV1, FC


@given(st.integers(1, 5000))
def test_divisors_are_all_and_sorted(value):
    assert divisors(value) == [d for d in range(1, value + 1) if value % d == 0]


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(1, 4),
    st.sampled_from([("window",), ("window", "input")]),
)
def test_every_legal_folding_is_there_once(width, mh, channels, kernel, forms):
    shape = UnitShape(
        name="conv",
        height=1 if "input" in forms else 3,
        width=1 if "input" in forms else width,
        channels=channels,
        kernel=kernel,
        stride=1,
        mh=mh,
        in_bits=1,
        convolution=True,
        forms=forms,
    )
    found = [(f.form, f.pe, f.simd, f.m, f.rom_block) for f in foldings(shape)]
    n = kernel * kernel * channels
    legal = {
        (form, pe, simd, m, block)
        for form in forms
        for pe in range(1, mh + 1)
        for simd in range(1, n + 1)
        for m in range(1, (shape.width if form == "window" else 1) + 1)
        for block in (False, True)
        if mh % pe == 0 and n % simd == 0 and shape.width % m == 0
        if m <= mh // pe * (n // simd)
    }
    assert len(found) == len(set(found))
    assert set(found) == legal


@pytest.mark.parametrize("cycles", [40_000, 25_088, 9_000, 3_000, 1_792])
def test_folding_reaches_the_target_and_no_cheaper_one_does(cycles):
    def worth(cost):
        return price(cost.resources) + LUT_PER_CYCLE * cost.cycles

    cost = unit_cost(CONV1, fold_unit(CONV1, cycles))
    assert cost.cycles <= cycles
    others = [unit_cost(CONV1, f) for f in foldings(CONV1)]
    assert all(worth(c) >= worth(cost) for c in others if c.cycles <= cycles)


def test_a_target_out_of_reach_names_the_layer_and_the_fastest():
    with pytest.raises(FoldingError, match=r"fc: no legal folding within 0 cycles.*takes 1"):
        fold_network([FC], 0)


@pytest.mark.parametrize(
    ("width", "depth", "expected"),
    [(36, 512, 0.5), (72, 512, 1), (576, 64, 8), (576, 128, 8), (256, 2304, 20), (18, 1024, 0.5)],
)
def test_rom_shapes(width, depth, expected):
    assert rom_bram36(width, depth) == expected
