# SPDX-License-Identifier: Apache-2.0
"""Hand-over folders, and both flows run end to end with stand-ins for the tools."""

import json
import os
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from flows.bitstream import HandOver, bitfile, check_flow, hand_over, make, openxc7
from flows.errors import ToolError, UsageError
from tests.flows.bitstream.stub import stub_design
from tests.flows.bitstream.test_vivado_reports import SERIES_7, TIMING

NEXTPNR_LOG = """\
Info: Max frequency for clock 'clk': 120.11 MHz (PASS at 100.00 MHz)
Info: Max frequency for clock 'clk': 92.40 MHz (FAIL at 100.00 MHz)
"""


@pytest.fixture
def handed(tmp_path: Path) -> HandOver:
    return hand_over(stub_design(tmp_path / "shell", "Pynq-Z2"), tmp_path / "build")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with what a shell script needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "dirname", "basename", "grep", "tail", "cat", "cp", "mkdir", "rm"):
        (folder / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def _tool(path: Path, name: str, text: str) -> None:
    (path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>calls\n{text}\n')
    (path / name).chmod(0o755)


def test_folders_stand_on_their_own(handed: HandOver):
    """No file of a hand-over folder names a place outside it."""
    for folder in (handed.vivado, handed.openxc7):
        assert folder is not None
        for file in folder.rglob("*"):
            if file.is_file():
                text = file.read_text()
                assert str(handed.vivado.parent) not in text
                assert "../" not in text, file
    assert os.access(handed.openxc7 / "build.sh", os.X_OK)
    assert "unused" not in (handed.openxc7 / "synth.ys").read_text()
    assert {p.name for p in handed.openxc7.iterdir()} >= {"net_open.sv", "net.hwh", "build.sh"}


def test_a_bitstream_stays_as_long_as_its_design(handed: HandOver):
    made = [handed.vivado / "net.bit", handed.openxc7 / "net.bit"]
    for path in made:
        path.touch()
    hand_over(handed.design, handed.vivado.parent)
    assert all(path.exists() for path in made)

    (handed.design.shell.root / "mem/weights.hex").write_text("1\n")
    hand_over(handed.design, handed.vivado.parent)
    assert not any(path.exists() for path in made)
    assert sorted(path.name for path in handed.vivado.parent.iterdir()) == ["openxc7", "vivado"]


def test_a_failed_run_leaves_no_older_bitstream(
    handed: HandOver, path: Path, netlist: dict, monkeypatch: pytest.MonkeyPatch
):
    _open_tools(path, handed.openxc7, "nextpnr-himbaechel")
    _tool(path, "xc7frames2bit", "exit 1")
    monkeypatch.setenv("PRJXRAY_DB", "db")
    (handed.openxc7 / "net.bit").touch()
    with pytest.raises(ToolError, match="exit code 1"):
        make("open", handed, jobs=1)
    assert not (handed.openxc7 / "net.bit").exists()


def test_boards_without_an_open_flow(tmp_path: Path):
    handed = hand_over(stub_design(tmp_path / "shell", "ZCU104"), tmp_path / "build")
    assert handed.openxc7 is None
    assert not (tmp_path / "build/openxc7").exists()
    with pytest.raises(UsageError, match=r"ZCU104: no open place and route .* --bitstream vivado"):
        make("open", handed, jobs=1)


def test_ports_that_the_open_top_level_does_not_know(tmp_path: Path):
    design = stub_design(tmp_path / "shell", "Pynq-Z2")
    ports = design.board.ports.model_copy(update={"memory": "S_AXI_HP2"})
    board = design.board.model_copy(update={"ports": ports})
    with pytest.raises(UsageError, match="knows M_AXI_GP0 and S_AXI_HP0 only; choose"):
        check_flow("open", board)
    assert hand_over(replace(design, board=board), tmp_path / "build").openxc7 is None


def test_flows_by_name(handed: HandOver):
    assert make("none", handed, jobs=1) is None
    with pytest.raises(UsageError, match="no such flow; flows: none, open, vivado"):
        make("quartus", handed, jobs=1)


def test_vivado_that_is_not_there(handed: HandOver, path: Path):
    made = make("vivado", handed, jobs=1)
    assert (made.file, made.missing) == (None, ("vivado",))
    assert made.command == "vivado -mode batch -source build.tcl"


def test_vivado(handed: HandOver, path: Path):
    reports = handed.vivado / "samples"
    reports.mkdir()
    (reports / "timing_summary.rpt").write_text(TIMING.format(wns="0.125", failing=0))
    (reports / "utilization.rpt").write_text(SERIES_7)
    _tool(path, "vivado", "cp -r samples reports\ncat build.tcl >net.bit")
    made = make("vivado", handed, jobs=3)
    assert made.file == handed.vivado / "net.bit"
    assert made.timing.wns == 0.125
    assert made.utilization.lut == 31234
    calls = (handed.vivado / "calls").read_text()
    assert calls == "vivado -mode batch -source build.tcl -tclargs 3\n"


def test_vivado_that_fails(handed: HandOver, path: Path):
    _tool(path, "vivado", "echo 'ERROR: timing is not met at 100 MHz' >&2; exit 1")
    with pytest.raises(ToolError, match=r"exit code 1\.\nERROR: timing is not met"):
        make("vivado", handed, jobs=1)


def test_vivado_that_writes_nothing(handed: HandOver, path: Path):
    _tool(path, "vivado", "")
    with pytest.raises(ToolError, match=r"net\.bit: the tools ended well, but it is not there"):
        make("vivado", handed, jobs=1)


@pytest.fixture
def netlist(monkeypatch: pytest.MonkeyPatch) -> dict:
    """What Yosys would write: PS7 alone. Mapping a real design is another test's matter."""
    ps = {"type": "PS7", "parameters": {}, "port_directions": {}, "connections": {}}
    content = {"modules": {"net_open": {"ports": {}, "cells": {"ps": ps}}}}

    def execute(arguments: list[str], folder: Path, where: str) -> float:
        assert arguments[-2:] == ["-s", "synth.ys"]
        (folder / "net.json").write_text(json.dumps(content))
        return 0.0

    monkeypatch.setattr(openxc7, "execute", execute)
    return content


def _open_tools(path: Path, folder: Path, nextpnr: str) -> None:
    words = bytes.fromhex("ffffffffaa995566")
    made = bitfile.stamp("net", "xc7z020clg400-1", words, datetime(2026, 1, 1))
    (folder / "sample.bit").write_bytes(bitfile.pack(made))
    (folder / "sample.log").write_text(NEXTPNR_LOG)
    _tool(path, nextpnr, "cp sample.log nextpnr.log")
    _tool(path, "fasm2frames", "")
    _tool(path, "xc7frames2bit", "cp sample.bit net.bit")


def test_open_tools_that_are_not_there(handed: HandOver, path: Path, netlist: dict):
    made = make("open", handed, jobs=1)
    assert made.file is None
    assert made.missing == (
        "nextpnr-xilinx or nextpnr-himbaechel", "fasm2frames", "xc7frames2bit"
    )  # fmt: skip
    assert made.netlist.violations == ()
    assert made.netlist.cells == {"PS7": 1}


@pytest.mark.parametrize(
    ("nextpnr", "command"),
    [
        (
            "nextpnr-xilinx",
            "--chipdb xc7z020.bin --json net.json --fasm net.fasm --freq 100 --timing-allow-fail",
        ),
        (
            "nextpnr-himbaechel",
            "--device xc7z020clg400-1 --json net.json -o fasm=net.fasm --freq 100",
        ),
    ],
)
def test_open_flow(
    handed: HandOver,
    path: Path,
    netlist: dict,
    monkeypatch: pytest.MonkeyPatch,
    nextpnr: str,
    command: str,
):
    _open_tools(path, handed.openxc7, nextpnr)
    monkeypatch.setenv("PRJXRAY_DB", "db")
    monkeypatch.setenv("CHIPDB", "xc7z020.bin")
    made = make("open", handed, jobs=1)
    assert made.file == handed.openxc7 / "net.bit"
    assert made.estimated_mhz == 92.4
    assert (handed.openxc7 / "net.bin").read_bytes().hex() == "ffffffff665599aa"
    calls = (handed.openxc7 / "calls").read_text()
    assert command in calls
    assert "fasm2frames --part xc7z020clg400-1 --db-root db/zynq7 net.fasm" in calls
    assert "--part_file db/zynq7/xc7z020clg400-1/part.yaml" in calls


def test_open_flow_says_what_it_lacks(
    handed: HandOver, path: Path, netlist: dict, monkeypatch: pytest.MonkeyPatch
):
    _open_tools(path, handed.openxc7, "nextpnr-xilinx")
    monkeypatch.delenv("PRJXRAY_DB", raising=False)
    with pytest.raises(ToolError, match="PRJXRAY_DB: must name the folder"):
        make("open", handed, jobs=1)


def test_a_netlist_that_cannot_be_routed_stops_the_build(
    handed: HandOver, path: Path, netlist: dict
):
    netlist["modules"]["net_open"]["cells"]["odd"] = {
        "type": "LUT6_2", "parameters": {}, "port_directions": {}, "connections": {}
    }  # fmt: skip
    with pytest.raises(ToolError, match=r"1 cells of net\.json .* odd \(LUT6_2\): two outputs"):
        make("open", handed, jobs=1)


def test_damaged_bitstream(
    handed: HandOver, path: Path, netlist: dict, monkeypatch: pytest.MonkeyPatch
):
    _open_tools(path, handed.openxc7, "nextpnr-xilinx")
    monkeypatch.setenv("PRJXRAY_DB", "db")
    monkeypatch.setenv("CHIPDB", "xc7z020.bin")
    (handed.openxc7 / "sample.bit").write_bytes(b"\x00\x09\x0f\xf0")
    with pytest.raises(UsageError, match=r"net\.bit: no \.bit file"):
        make("open", handed, jobs=1)
