# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from flows.dataflow.cost import Fold, UnitShape, rom_bram36, unit_cost
from flows.dataflow.fold import (
    _price,
    fold_network,
    fold_unit,
    folding_json,
    foldings,
    read_folding,
)
from flows.errors import FoldingError

CONV1 = UnitShape(
    name="conv1",
    height=28,
    width=28,
    channels=64,
    kernel=3,
    stride=1,
    mh=64,
    in_bits=1,
    convolution=True,
)
FC = UnitShape(
    name="fc",
    height=1,
    width=1,
    channels=256,
    kernel=1,
    stride=1,
    mh=512,
    in_bits=1,
    convolution=False,
)


def test_every_folding_divides():
    for shape in (CONV1, FC):
        for fold in foldings(shape):
            assert shape.mh % fold.pe == 0
            assert shape.n % fold.simd == 0
            assert shape.width % fold.m == 0


@pytest.mark.parametrize("cycles", [40_000, 25_088, 9_000, 3_000, 1_792])
def test_folding_reaches_the_target_and_no_cheaper_one_does(cycles):
    fold = fold_unit(CONV1, cycles)
    cost = unit_cost(CONV1, fold)
    assert cost.cycles <= cycles
    others = [unit_cost(CONV1, f) for f in foldings(CONV1)]
    assert all(_price(c) >= _price(cost) for c in others if c.cycles <= cycles)


def test_cycles_are_pixels_over_m_times_folds():
    cost = unit_cost(CONV1, Fold(pe=1, simd=576, m=7))
    assert cost.cycles == 28 * 28 // 7 * 64


def test_a_target_out_of_reach_names_the_layer_and_the_fastest():
    with pytest.raises(FoldingError, match=r"fc: no legal folding within 0 cycles.*takes 1"):
        fold_network([FC], 0)


@pytest.mark.parametrize(
    ("width", "depth", "expected"),
    [(36, 512, 0.5), (72, 512, 1), (576, 64, 8), (576, 128, 8), (256, 2304, 20), (18, 1024, 0.5)],
)
def test_rom_shapes(width, depth, expected):
    assert rom_bram36(width, depth) == expected


def test_folding_file_round_trip(tmp_path):
    folding = fold_network([CONV1, FC], 9_000)
    path = tmp_path / "folding.json"
    path.write_text(json.dumps(folding_json(folding)))
    assert read_folding(path, [CONV1, FC]) == folding


def _write(tmp_path, content):
    path = tmp_path / "folding.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


GOOD = {"PE": 1, "SIMD": 256}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ([], "expected an object"),
        ({"fc": GOOD, "conv9": GOOD}, "unknown layer 'conv9'; layers of this network: fc"),
        ({}, "no entry for layer 'fc'"),
        ({"fc": 3}, "layer 'fc': expected an object"),
        ({"fc": {"PE": 3, "SIMD": 256}}, r"PE = 3 is not legal; legal: 1, 2, 4"),
        ({"fc": {"PE": 1, "SIMD": 100}}, r"SIMD = 100 is not legal"),
        ({"fc": {"PE": 1}}, r"SIMD = None is not legal"),
        ({"fc": {"PE": True, "SIMD": 256}}, r"PE = True is not legal"),
        ({"fc": {"PE": 1, "SIMD": 256, "M": 2}}, r"M = 2 is not legal; legal: 1"),
        ({"fc": GOOD | {"ram_style": "ultra"}}, "ram_style 'ultra'"),
    ],
)
def test_illegal_folding_files(tmp_path, content, message):
    with pytest.raises(FoldingError, match=message):
        read_folding(_write(tmp_path, content), [FC])


def test_missing_folding_file(tmp_path):
    with pytest.raises(FoldingError, match="cannot be read"):
        read_folding(tmp_path / "none.json", [FC])
