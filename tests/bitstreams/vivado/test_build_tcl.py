# SPDX-License-Identifier: Apache-2.0
"""The script for Vivado, executed against a recorder that refuses what Vivado would refuse."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.bitstream.vivado import write_folder
from flows.boards import board_names, load_board
from tests.flows.bitstream.stub import stub_design
from tests.support.tcl import interpreters, run_tcl

RECORDER = Path(__file__).with_name("recorder.tcl")
Run = subprocess.CompletedProcess[str]


def _folder(tmp_path: Path, board: str = "Pynq-Z2") -> Path:
    folder = tmp_path / "a folder" / "vivado"
    write_folder(stub_design(tmp_path / "shell", board), folder)
    return folder


def _record(folder: Path, **scenario: str) -> Run:
    return run_tcl(RECORDER, str(folder / "build.tcl"), *(x for kv in scenario.items() for x in kv))


@pytest.mark.parametrize("board", board_names())
@pytest.mark.parametrize("with_board_files", [False, True])
def test_every_board_reaches_a_bitstream(tmp_path: Path, board: str, with_board_files: bool):
    folder = _folder(tmp_path, board)
    boards = ""
    if with_board_files:
        pattern = load_board(board).board_parts[0]
        boards = " ".join(pattern.replace("*:", "vendor.com:").replace(":*", f":part0:1.{n}")
                          for n in (0, 1))  # fmt: skip
    done = _record(folder, boards=boards)
    assert done.returncode == 0, done.stderr
    assert "DONE: net.bit, net.hwh" in done.stdout
    assert (folder / "net.bit").is_file() and (folder / "net.hwh").is_file()
    assert ("part0:1.1" in done.stdout) == with_board_files
    base = load_board(board).ports.control_base
    assert f"assign_bd_address -offset 0x{base:X} -range 64K" in done.stdout


RELEASES = ("2022.2", "2023.1", "2023.2", "2024.1", "2024.2", "2025.1", "2025.2")


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("board", ["Pynq-Z2", "ZCU104"])
def test_every_release(tmp_path: Path, board: str, release: str):
    """Versions of the cores come with a release; the newest one is taken, and no other is named."""
    place = RELEASES.index(release)
    core = "processing_system7" if board == "Pynq-Z2" else "zynq_ultra_ps_e"
    versions = f"{core} {{3.{place + 2} 3.{place + 9} 3.{place}}} smartconnect {{1.{place}}}"
    done = _record(_folder(tmp_path, board), release=release, versions=versions)
    assert done.returncode == 0, done.stderr
    assert f"xilinx.com:ip:{core}:3.{place + 9} ps" in done.stdout
    done = _record(tmp_path / "a folder" / "vivado", release=release, cores="proc_sys_reset")
    assert f"this Vivado ({release}) has no IP core {core}" in done.stderr


@pytest.mark.parametrize("interpreter", interpreters())
def test_every_interpreter_there_is(tmp_path: Path, interpreter: str):
    folder = _folder(tmp_path)
    script = str(folder / "build.tcl")
    assert run_tcl(RECORDER, script, interpreter=interpreter).returncode == 0
    assert run_tcl(RECORDER, script, "wns", "-1", interpreter=interpreter).returncode == 1


def test_without_board_files_the_crystal_is_set(tmp_path: Path):
    done = _record(_folder(tmp_path, "Zybo-Z7-20"))
    assert "PCW_CRYSTAL_PERIPHERAL_FREQMHZ 33.333333" in done.stdout


def _change(before: str, after: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        script = folder / "build.tcl"
        text = script.read_text()
        assert before in text
        script.write_text(text.replace(before, after))

    return edit


def _without_last(signal: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        wrapper = folder / "net_ip.v"
        lines = wrapper.read_text().splitlines()
        wrapper.write_text("\n".join(line for line in lines if signal not in line))

    return edit


SABOTAGE = {
    "misspelt property": (
        _change("PCW_USE_S_AXI_HP0", "PCW_USE_SAXI_HP0"),
        "no property CONFIG.PCW_USE_SAXI",
    ),
    "illegal value": (_change("HP0_DATA_WIDTH {64}", "HP0_DATA_WIDTH {48}"), "cannot be 48"),
    "version of another release": (
        _change("[newest_ip smartconnect]", "xilinx.com:ip:smartconnect:1.1"),
        "no IP core xilinx.com:ip:smartconnect:1.1",
    ),
    "misspelt option": (_change("-to_step", "-to_stage"), "unknown option -to_stage"),
    "misspelt command": (
        _change("save_bd_design", "store_bd_design"),
        "no such command: store_bd_design",
    ),
    "misspelt pin": (_change("core/aclk", "core/clk"), "no such pin, or it is switched off: clk"),
    "misspelt object property": (
        _change("target_language", "target_lang"),
        "a project has no property",
    ),
    "port switched off": (
        _change("PCW_USE_S_AXI_HP0 {1}", "PCW_USE_S_AXI_HP0 {0}"),
        "S_AXI_HP0_ACLK",
    ),
    "reset not connected": (_change(" core/aresetn}", "}"), "core/aresetn is not connected"),
    "interface not connected": (
        _change("connect_bd_intf_net [get_bd_intf_pins core/m_axi]", "concat"),
        "core/m_axi reaches nothing",
    ),
    "addresses not assigned": (_change("assign_bd_address\n", "\n"), "core/m_axi reaches nothing"),
    "a second driver": (
        _change("wire core/irq ps/IRQ_F2P", "wire core/irq reset/ext_reset_in"),
        "connected already",
    ),
    "not validated": (_change("validate_bd_design\n", "\n"), "not validated"),
    "top not set": (_change("set_property top", "#"), "the top module is ''"),
    "relative memory image": (
        _change("[string map [list", "[concat [read $in]] ;# "),
        "memory image",
    ),
    "SystemVerilog wrapper": (
        _change(
            "create_bd_cell -type module -reference net_ip",
            "create_bd_cell -type module -reference net_shell",
        ),
        "must be Verilog",
    ),
    "AXI signal missing": (_without_last("m_axi_wlast"), "m_axi_wlast is missing"),
    "no clock for the interfaces": (_without_last("ASSOCIATED_BUSIF"), "no clock is associated"),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_recorder_finds(tmp_path: Path, name: str):
    folder = _folder(tmp_path)
    sabotage, words = SABOTAGE[name]
    sabotage(folder)
    done = _record(folder)
    assert done.returncode != 0
    assert words in done.stderr
    assert not (folder / "net.bit").exists()


def test_ports_that_a_preset_leaves_on_are_found(tmp_path: Path):
    folder = _folder(tmp_path, "Ultra96-V2")
    boards = "avnet.com:ultra96v2:part0:1.2"
    assert _record(folder, boards=boards).returncode == 0
    _change("  CONFIG.PSU__USE__M_AXI_GP1 {0} \\\n", "")(folder)
    assert "maxihpm1_fpd_aclk is not connected" in _record(folder, boards=boards).stderr


@pytest.mark.parametrize("path", ["src/hw/rom.sv", "src/mem/weights.hex", "constraints.xdc"])
def test_script_names_a_missing_file(tmp_path: Path, path: str):
    folder = _folder(tmp_path)
    (folder / path).unlink()
    done = _record(folder)
    assert done.returncode == 1
    assert f"ERROR: {path} is missing" in done.stderr


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ({"wns": "-0.013"}, "timing is not met at 100 MHz: setup slack -0.013 ns"),
        ({"whs": "-0.2"}, "timing is not met"),
        ({"wns": ""}, "timing is unknown"),
        ({"progress": "42%"}, "implementation ended at 42%"),
        ({"cores": "processing_system7 proc_sys_reset"}, "has no IP core smartconnect"),
    ],
)
def test_no_bitstream_is_handed_out_after_a_failure(tmp_path: Path, scenario: dict, words: str):
    folder = _folder(tmp_path)
    (folder / "net.bit").touch()  # of an earlier run
    done = _record(folder, **scenario)
    assert done.returncode == 1
    assert words in done.stderr
    assert not (folder / "net.bit").exists()
    assert (folder / "reports/timing_summary.rpt").exists() == (
        "wns" in scenario or "whs" in scenario
    )


def test_clock_is_one_that_exists(tmp_path: Path):
    """Zynq-7000 divides 1 GHz: what is asked of Vivado is at most what the build aimed at."""
    folder = tmp_path / "vivado"
    write_folder(stub_design(tmp_path / "shell", "Pynq-Z2", clock_mhz=99.0), folder)
    assert "PCW_FPGA0_PERIPHERAL_FREQMHZ {90.909091}" in (folder / "build.tcl").read_text()
    done = _record(folder, wns="-1")
    assert "timing is not met at 90.90909 MHz" in done.stderr


@pytest.mark.parametrize(
    ("board", "clock", "properties"),
    [
        (
            "Pynq-Z2",
            "FCLK_CLK1",
            ("FPGA0_PERIPHERAL_FREQMHZ {100.0", "FPGA1_PERIPHERAL_FREQMHZ {50.0"),
        ),
        ("ZCU104", "pl_clk1", ("PL0_REF_CTRL__FREQMHZ {100.0", "PL1_REF_CTRL__FREQMHZ {50.0")),
    ],
)
def test_two_clocks(tmp_path: Path, board: str, clock: str, properties: tuple[str, ...]):
    """Bus and network on clocks of their own; what crosses is bounded both ways."""
    folder = tmp_path / "vivado"
    write_folder(stub_design(tmp_path / "shell", board, clock_mhz=50.0, bus_mhz=100.0), folder)
    text = (folder / "build.tcl").read_text()
    assert all(words in text for words in properties)
    assert f"wire ps/{clock} core/net_clk" in text
    constraints = (folder / "constraints.xdc").read_text()
    family = "clk_fpga_" if board == "Pynq-Z2" else "clk_pl_"
    for one, other in ((0, 1), (1, 0)):
        path = f"-from [get_clocks {family}{one}] -to [get_clocks {family}{other}] 10.000"
        assert f"set_max_delay -datapath_only {path}" in constraints
    assert _record(folder).returncode == 0
    _change(f"{family}1}} {{", f"{family}2}} {{")(folder)
    done = _record(folder)
    assert done.returncode == 1
    assert f"ERROR: there is no clock {family}2, so constraints.xdc bounds no path" in done.stderr


def test_the_network_needs_its_clock(tmp_path: Path):
    folder = tmp_path / "vivado"
    write_folder(stub_design(tmp_path / "shell", "Pynq-Z2", bus_mhz=50.0), folder)
    _change("wire ps/FCLK_CLK1 core/net_clk\n", "")(folder)
    assert "core/net_clk is not connected" in _record(folder).stderr
