# SPDX-License-Identifier: Apache-2.0
"""LUT levels on netlists small enough to count by hand."""

import pytest

from flows.errors import ToolError
from flows.synth.cells import count
from flows.synth.levels import deepest_path


def netlist(*cells: dict) -> dict:
    return {"modules": {"top": {"cells": dict(enumerate(cells)), "netnames": {}}}}


def lut6_2(init: int, inputs: list, o6: int, o5: int) -> dict:
    pins = {f"I{index}": [bit] for index, bit in enumerate(inputs)}
    return {
        "type": "LUT6_2",
        "parameters": {"INIT": f"{init:064b}"},
        "connections": {**pins, "O6": [o6], "O5": [o5]},
    }


def test_each_output_of_a_double_lut_has_its_own_inputs():
    """O5 = I0, O6 = I1. Taking all inputs for both would see three levels, or a loop."""
    o5 = sum(1 << address for address in range(32) if address & 1)
    o6 = sum(1 << address for address in range(32) if address & 2)
    init = o6 << 32 | o5
    first = lut6_2(init, [2, 3, "0", "0", "0", "1"], o6=10, o5=11)
    chained = lut6_2(init, [10, 4, "0", "0", "0", "1"], o6=12, o5=13)
    assert deepest_path(netlist(first, chained), "top").levels == 2
    fed_back = lut6_2(init, [10, 2, "0", "0", "0", "1"], o6=10, o5=11)  # I0 is its own O6
    assert deepest_path(netlist(fed_back), "top").levels == 2
    real_loop = lut6_2(init, [2, 10, "0", "0", "0", "1"], o6=10, o5=11)
    with pytest.raises(ToolError, match="loop"):
        deepest_path(netlist(real_loop), "top")


def test_constant_input_hides_another():
    """O6 = I0 when I1 is 1, else 0: with I1 tied to 0 nothing is left."""
    init = sum(1 << address for address in range(64) if address & 3 == 3)
    for tied, levels in (("0", 0), ("1", 1)):
        cell = lut6_2(init, [2, tied, "0", "0", "0", "1"], o6=10, o5=11)
        assert deepest_path(netlist(cell), "top").levels == levels


def test_registers_end_a_path():
    lut = {"type": "LUT1", "connections": {"I0": [2], "O": [3]}}
    flop = {
        "type": "FDRE",
        "connections": {"D": [3], "Q": [4]},
        "port_directions": {"D": "input", "Q": "output"},
    }
    after = {"type": "LUT1", "connections": {"I0": [4], "O": [5]}}
    design = netlist(lut, flop, after)
    assert deepest_path(design, "top").levels == 1
    names = {"a_i": 2, "$generated": 3, "y_q": 4}
    design["modules"]["top"]["netnames"] = {
        name: {"bits": [bit], "hide_name": name.startswith("$")} for name, bit in names.items()
    }
    del design["modules"]["top"]["cells"][2]
    assert deepest_path(design, "top").nets == ("a_i", "y_q")
    assert deepest_path(netlist(flop), "top").levels == 0


def test_unknown_cell_is_an_error():
    assert count({"LUT6": 2, "RAM64M": 1, "RAMB18E1": 3}, "x").bram36 == 1.5
    with pytest.raises(ToolError, match=r"layer3: .* 2 x ICESTORM_LC"):
        count({"LUT6": 2, "ICESTORM_LC": 2}, "layer3")
