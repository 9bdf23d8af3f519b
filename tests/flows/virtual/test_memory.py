# SPDX-License-Identifier: Apache-2.0
"""The virtual board's memory: it answers rightly, and it finds every rule of AXI that is broken."""

import subprocess
from pathlib import Path

import pytest

from flows.sim.toolchain import find_toolchain, run_tool
from flows.virtual.build import BOARD

# What the test program does, and what the memory says to it.
RULES = {
    "nothing": "ok",
    "read error": "ok",
    "write error": "ok",
    "border": "read burst of 2 beats at 0x1ff8: crosses a border of 4 KiB",
    "long": "read burst of 17 beats at 0x1000: AXI3 allows 16 beats",
    "unaligned": "read burst of 1 beats at 0x1004: not aligned to 8 bytes",
    "fixed": "read burst of 1 beats at 0x1000: not an incrementing burst",
    "narrow": "write burst of 1 beats at 0x1000: beats are not 8 bytes",
    "last": "W: WLAST does not come with the last beat of the burst at 0x1000",
    "nolast": "W: WLAST does not come with the last beat of the burst at 0x1000",
    "wid": "W: WID differs from the AWID of its burst",
    "changed": "AR: valid or payload changed before the command was taken",
    "dropped": "W: valid or data changed before the beat was taken",
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("memory") / "memory_test"
    source = Path(__file__).with_name("memory_test.cpp")
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{BOARD.folder}"]
    run_tool([str(find_toolchain().compiler), *flags, str(source), "-o", str(path)])
    return path


@pytest.mark.parametrize("deed", RULES)
def test_rule(program, deed):
    done = subprocess.run([program, deed], capture_output=True, text=True, check=False, timeout=20)
    assert done.stdout == f"{RULES[deed]}\n"
