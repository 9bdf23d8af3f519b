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


SHELLS = {
    "pixels": {"IN_W": 24, "IN_BEATS": 16},
    "wide_two_clocks": {
        "IN_W": 392, "IN_BEATS": 2, "OUT_N": 5, "OUT_W": 13, "OUT_BEATS": 3, "OUT_SIGNED": 0,
        "ELEM_W": 32, "ADDR_W": 40, "AXI3": 0, "CDC": 1, "RUNTIME": 1,
    },
    "full_bus": {"IN_W": 64, "IN_BEATS": 98, "OUT_N": 1, "OUT_W": 4, "OUT_SIGNED": 0, "ELEM_W": 8},
}  # fmt: skip


@pytest.mark.parametrize("module", ["batches", "faults"])
@pytest.mark.parametrize("name", SHELLS)
def test_shell(tmp_path: Path, name: str, module: str) -> None:
    folder = cosimulate.build("shell_bench", SOURCES, SHELLS[name])
    cosimulate.run(folder, "shell_bench", f"tests.hw.shell.cocotb_{module}", tmp_path)


def test_idle_before_any_reset(tmp_path: Path) -> None:
    folder = cosimulate.build("shell_bench", SOURCES, SHELLS["pixels"])
    module = "tests.hw.shell.cocotb_power_up"
    cosimulate.run(folder, "shell_bench", module, tmp_path, power_up=True)
