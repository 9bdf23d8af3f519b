# SPDX-License-Identifier: Apache-2.0
"""The shell on a Zynq-7000 leaves the part to the network: its limits, against its budgets.

What it costs is measured by tests/hw/test_budgets.py.
"""

import pytest

from tests.hw.budgets import Point, read_points

LUT, BRAM36, READ_LEVELS = 2500, 1, 5
POINTS = [point for point in read_points() if point.module == "shell"]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.label)
def test_shell_stays_within_its_limits(point: Point) -> None:
    cost = point.cost
    assert sum(cost.get(name, 0) for name in ("lut", "lutram", "srl")) <= LUT
    assert cost["bram36"] <= BRAM36
    assert "dsp" not in cost


def test_both_ways_of_clocking_are_measured() -> None:
    assert {point.parameters.get("CDC", 0) for point in POINTS} == {0, 1}
    assert all(point.parameters["AXI3"] == 1 for point in POINTS)


def test_a_read_of_a_register_is_short() -> None:
    """Its address and its data are registers of shell_axil, so the path lies in this module."""
    points = [point for point in read_points() if point.module == "shell_registers"]
    assert points
    assert all(0 < point.cost["levels"] <= READ_LEVELS for point in points)
