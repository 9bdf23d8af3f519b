# SPDX-License-Identifier: Apache-2.0
"""The shell against cocotbext-axi, an independent model of both protocols."""

from pathlib import Path

import pytest

from tests.support import cosimulate
from tests.support.battery import ROOT

HERE = Path(__file__).resolve().parent
SOURCES = [
    *sorted((ROOT / "hw" / "shell").glob("*.sv")),
    *(
        ROOT / "hw" / "stream" / f"stream_{name}.sv"
        for name in ("fifo", "dwc", "gearbox", "cdc", "cdc_sync", "cdc_count")
    ),
    HERE / "shell_bench.sv",
]


@pytest.mark.parametrize("parameters", [{}])
def test_batches(tmp_path: Path, parameters: dict[str, int]) -> None:
    folder = cosimulate.build("shell_bench", SOURCES, parameters)
    cosimulate.run(folder, "shell_bench", "tests.hw.shell.cocotb_batches", tmp_path)
