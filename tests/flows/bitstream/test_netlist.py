# SPDX-License-Identifier: Apache-2.0
"""The netlist check: a sound netlist passes, and each rule finds what it is for."""

import copy
from typing import Any

import pytest

from flows.bitstream.netlist import check_netlist
from flows.errors import ToolError

Netlist = dict[str, Any]


def _cell(kind: str, connections: dict[str, list[Any]], **parameters: object) -> dict[str, Any]:
    outputs = {"O", "CO", "Q", "Q15", "Q31", "DOADO", "CASCADEOUTA", "FCLKCLK"}
    return {
        "type": kind,
        "parameters": parameters,
        "port_directions": {port: "output" if port in outputs else "input" for port in connections},
        "connections": connections,
    }


@pytest.fixture
def netlist() -> Netlist:
    """PS7, its clock, a carry chain, a register and one block memory."""
    cells = {
        "ps": _cell("PS7", {"FCLKCLK": [2], "SAXIHP0WDATA": [20, 21, "0"]}),
        "clock": _cell("BUFG", {"I": [2], "O": [3]}),
        "lut": _cell("LUT6", {"O": [10]}),
        "carry": _cell(
            "CARRY4", {"CI": ["0"], "S": [10], "O": [11, 12, 13, 14], "CO": [15, 16, 17, 18]}
        ),
        "next": _cell("CARRY4", {"CI": [18], "S": [10], "O": [21], "CO": []}),
        "q": _cell("FDRE", {"C": [3], "D": [14], "Q": [20]}),
        "rom": _cell(
            "RAMB36E1",
            {"DOADO": [30], "CASCADEINA": ["0"]},
            RAM_MODE="TDP",
            READ_WIDTH_A="00000000000000000000000000100100",
        ),
        "shift": _cell("SRL16E", {"Q": [31]}),
    }
    return {"modules": {"top": {"ports": {}, "cells": cells}}}


def _cells(netlist: Netlist) -> dict[str, Any]:
    return netlist["modules"]["top"]["cells"]


def test_a_sound_netlist_passes(netlist: Netlist):
    checked = check_netlist(netlist, "top")
    assert checked.violations == ()
    assert checked.needs == ()
    assert checked.cells["CARRY4"] == 2


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("LUT6_2", "XNORFLOW_NO_LUT6_2"),
        ("SRLC32E", "-nosrl"),
        ("RAM64X1S", "single port"),
        ("MMCME2_ADV", "processing system"),
        ("PLLE2_BASE", "processing system"),
        ("BUFHCE", "#177"),
        ("FIFO36E1", "FIFO"),
        ("DSP48E1", "-nodsp"),
        ("IBUF", "no pads"),
        ("$lut", "did not map"),
        ("URAM288", "not among"),
        ("LUT7", "not among"),
    ],
)
def test_foreign_cells_are_found(netlist: Netlist, kind: str, words: str):
    _cells(netlist)["odd"] = _cell(kind, {"O": [99]})
    (violation,) = check_netlist(netlist, "top").violations
    assert (violation.cell, violation.type) == ("odd", kind)
    assert words in violation.reason


def test_dsp_slices_where_they_are_wanted(netlist: Netlist):
    _cells(netlist)["dsp"] = _cell("DSP48E1", {"PCIN": ["0", "0"], "A": [10]})
    assert check_netlist(netlist, "top", dsp_free=False).violations == ()
    _cells(netlist)["dsp"]["connections"]["PCIN"] = [10, "0"]
    (violation,) = check_netlist(netlist, "top", dsp_free=False).violations
    assert "#64" in violation.reason and "PCIN" in violation.reason


def test_cascade_of_block_memories(netlist: Netlist):
    _cells(netlist)["rom"]["connections"]["CASCADEINA"] = [30]
    (violation,) = check_netlist(netlist, "top").violations
    assert "#39" in violation.reason and "CASCADEINA" in violation.reason


def test_extension_of_block_memories(netlist: Netlist):
    _cells(netlist)["rom"]["parameters"]["RAM_EXTENSION_B"] = "LOWER"
    (violation,) = check_netlist(netlist, "top").violations
    assert "RAM_EXTENSION_B" in violation.reason


def test_widths_of_block_memories(netlist: Netlist):
    parameters = _cells(netlist)["rom"]["parameters"]
    parameters["READ_WIDTH_A"] = 72
    (violation,) = check_netlist(netlist, "top").violations
    assert "without simple dual port" in violation.reason

    parameters["RAM_MODE"] = "SDP"
    checked = check_netlist(netlist, "top")
    assert checked.violations == ()
    assert checked.needs == ("#112 and #150: widths of block memories in simple dual port mode",)

    parameters["WRITE_WIDTH_A"] = 72
    (violation,) = check_netlist(netlist, "top").violations
    assert "WRITE_WIDTH_A" in violation.reason

    parameters |= {"WRITE_WIDTH_A": 0, "READ_WIDTH_A": 36}
    (violation,) = check_netlist(netlist, "top").violations
    assert "READ_WIDTH_A" in violation.reason


def test_odd_widths_are_a_need(netlist: Netlist):
    _cells(netlist)["rom"]["parameters"]["READ_WIDTH_A"] = 9
    assert check_netlist(netlist, "top").needs == ("#95: RAMB36 ports of 1 or 9 bits",)


def test_cascade_output_of_a_shift_register(netlist: Netlist):
    _cells(netlist)["shift"]["connections"]["Q15"] = [77]
    (violation,) = check_netlist(netlist, "top").violations
    assert "cascade output" in violation.reason


def test_sum_and_carry_of_one_lane_are_a_need(netlist: Netlist):
    _cells(netlist)["user"] = _cell("LUT2", {"I0": [18], "O": [50]})  # CO[3]; O[3] feeds a register
    (need,) = check_netlist(netlist, "top").needs
    assert "#134" in need


def test_processing_system_is_the_only_way_out(netlist: Netlist):
    without = copy.deepcopy(netlist)
    del _cells(without)["ps"]
    assert "0 processing systems" in check_netlist(without, "top").violations[0].reason
    netlist["modules"]["top"]["ports"]["led"] = {}
    assert check_netlist(netlist, "top").violations[0].cell == "led"


def test_unknown_module(netlist: Netlist):
    with pytest.raises(ToolError, match="no module other"):
        check_netlist(netlist, "other")
