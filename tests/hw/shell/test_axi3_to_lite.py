# SPDX-License-Identifier: Apache-2.0
"""axi3_to_lite: each burst of a processor is answered, and comes out as single accesses."""

from pathlib import Path

from tests.support import cosimulate
from tests.support.battery import ROOT

SOURCES = [ROOT / "hw" / "shell" / "axi3_to_lite.sv", Path(__file__).with_name("axi3_bench.sv")]


def test_bursts(tmp_path: Path) -> None:
    folder = cosimulate.build("axi3_bench", SOURCES, {})
    cosimulate.run(folder, "axi3_bench", "tests.hw.shell.cocotb_axi3", tmp_path)
