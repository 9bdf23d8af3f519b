# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.dataflow.cost import Fold
from flows.dataflow.fold import foldings
from flows.dataflow.folding_file import finn_json, folding_json, read_folding
from flows.errors import FoldingError
from tests.support.shapes import CONV1, FC, PIXELS

ALL = (PIXELS, CONV1, FC)
LEGAL = [list(foldings(shape)) for shape in ALL]


def _write(tmp_path, content):
    path = tmp_path / "folding.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@given(st.tuples(*(st.sampled_from(folds) for folds in LEGAL)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_folding_survives_the_file(tmp_path, folds):
    folding = {shape.name: fold for shape, fold in zip(ALL, folds, strict=True)}
    read = read_folding(_write(tmp_path, folding_json(folding)), ALL)
    assert read.folding == folding
    assert read.ignored == ()


def test_a_file_without_the_input_takes_what_a_bus_word_holds(tmp_path):
    read = read_folding(_write(tmp_path, {"fc": {"PE": 1, "SIMD": 256}}), [PIXELS, FC])
    assert read.folding["input"] == Fold(pe=8, simd=1, rom_block=False, form="threshold")


def test_memory_style_auto_takes_the_cheaper_one(tmp_path):
    for pe, block in ((1, True), (512, False)):  # 512 words of 256 bits; one word
        read = read_folding(_write(tmp_path, {"fc": {"PE": pe, "SIMD": 256}}), [FC])
        assert read.folding["fc"].rom_block == block


FINN = {
    "Defaults": {},
    "Thresholding_rtl_0": {"PE": 1, "ram_style": "distributed"},
    "ConvolutionInputGenerator_rtl_0": {"SIMD": 32, "ram_style": "distributed"},
    "MVAU_rtl_0": {
        "PE": 32,
        "SIMD": 64,
        "ram_style": "block",
        "resType": "lut",
        "mem_mode": "internal_decoupled",
        "runtime_writeable_weights": 0,
    },
    "StreamingFIFO_rtl_3": {"depth": 32},
    "StreamingDataflowPartition_0_MVAU_hls_1": {"PE": 4, "SIMD": 8, "inFIFODepths": [2]},
}


def test_a_folding_of_finn_is_read_and_what_is_ignored_is_said(tmp_path):
    read = read_folding(_write(tmp_path, FINN), [CONV1, FC])
    assert read.folding["conv1"] == Fold(pe=32, simd=64, rom_block=True)
    assert (read.folding["fc"].pe, read.folding["fc"].simd) == (4, 8)
    assert read.ignored == (
        "Thresholding_rtl_0: not a layer that is folded here",
        "ConvolutionInputGenerator_rtl_0: not a layer that is folded here",
        "StreamingFIFO_rtl_3: not a layer that is folded here",
        "conv1: mem_mode, resType, runtime_writeable_weights of FINN do not apply",
        "fc: inFIFODepths of FINN do not apply",
    )


def test_finn_gets_its_names_back(tmp_path):
    folding = {"input": LEGAL[0][3], "conv1": LEGAL[1][40], "fc": LEGAL[2][7]}
    written = finn_json(folding)
    assert list(written) == ["Defaults", "MVAU_rtl_0", "MVAU_rtl_1"]
    read = read_folding(_write(tmp_path, written), ALL).folding
    for name in ("conv1", "fc"):
        expected = replace(folding[name], m=1, form="window")
        assert read[name] == expected


GOOD = {"PE": 1, "SIMD": 256}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ([], "expected an object"),
        ({"fc": GOOD, "conv9": GOOD}, "unknown layer 'conv9'; layers of this network: fc"),
        ({"fc": GOOD, "MVAU_4": GOOD}, "unknown layer 'MVAU_4'.* MVAU_0 to MVAU_0"),
        ({}, "no entry for layer 'fc'"),
        ({"fc": 3}, "layer 'fc': expected an object"),
        ({"fc": {"PE": 3, "SIMD": 256}}, r"PE = 3 is not legal; legal: 1, 2, 4"),
        ({"fc": {"PE": 1, "SIMD": 100}}, r"SIMD = 100 is not legal"),
        ({"fc": {"PE": 1}}, r"SIMD = None is not legal"),
        ({"fc": {"PE": True, "SIMD": 256}}, r"PE = True is not legal"),
        ({"fc": {"PE": 1, "SIMD": 256, "M": 2}}, r"M = 2 is not legal; legal: 1"),
        ({"fc": GOOD | {"ram_style": "ultra"}}, "ram_style 'ultra'"),
        ({"fc": GOOD | {"form": "dsp"}}, "form 'dsp'; allowed: window, input"),
        ({"fc": GOOD | {"SIMDs": 2}}, "unknown key 'SIMDs'; allowed: PE, SIMD, M, ram_style, form"),
    ],
)
def test_illegal_folding_files(tmp_path, content, message):
    with pytest.raises(FoldingError, match=message):
        read_folding(_write(tmp_path, content), [FC])


def test_missing_folding_file(tmp_path):
    with pytest.raises(FoldingError, match="cannot be read"):
        read_folding(tmp_path / "none.json", [FC])
