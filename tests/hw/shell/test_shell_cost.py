# SPDX-License-Identifier: Apache-2.0
"""The shell on a Zynq-7000 leaves the part to the network: its limits, against its budgets.

What it costs is measured by tests/hw/test_budgets.py, which also holds its paths to five LUTs.
"""

import pytest

from tests.hw.budgets import Point, read_points

LUT, BRAM36 = 2500, 1
POINTS = [point for point in read_points() if point.module == "shell"]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.label)
def test_shell_stays_within_its_limits(point: Point) -> None:
    cost = point.cost
    assert sum(cost.get(name, 0) for name in ("lut", "lutram", "srl")) <= LUT
    assert cost["bram36"] <= BRAM36
    assert "dsp" not in cost


def test_what_changes_the_shell_is_measured() -> None:
    """One clock and two, narrow and wide beats, weights that can be loaded; both families."""
    for name, values in (("CDC", {0, 1}), ("RUNTIME", {0, 1}), ("IN_W", {24, 392})):
        default = 24 if name == "IN_W" else 0
        assert {point.parameters.get(name, default) for point in POINTS} == values
    for point in POINTS:
        assert point.parameters.get("AXI3", 0) == (point.family == "xc7")
    assert {point.family for point in POINTS} == {"xc7", "xcup"}
