# SPDX-License-Identifier: Apache-2.0
"""Parsers of Vivado's reports, on synthetic samples in the documented layout; no run made them."""

from pathlib import Path

import pytest

from flows.bitstream.vivado_reports import read_timing, read_utilization
from flows.errors import ToolError

TIMING = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  TPWS Total Endpoints
    -------      -------  ---------------------  -------------------      -------      -------  ---------------------  -------------------     --------     --------  ----------------------  --------------------
      {wns}        0.000                      {failing}                 4711        0.021        0.000                      0                 4711        3.750        0.000                       0                  1815


All user specified timing constraints are met.
"""  # noqa: E501

SERIES_7 = """
1. Slice Logic
--------------

+----------------------------+-------+-------+------------+-----------+-------+
|          Site Type         |  Used | Fixed | Prohibited | Available | Util% |
+----------------------------+-------+-------+------------+-----------+-------+
| Slice LUTs*                | 31234 |     0 |          0 |     53200 | 58.71 |
|   LUT as Logic             | 29000 |     0 |          0 |     53200 | 54.51 |
| Slice Registers            | 36001 |     0 |          0 |    106400 | 33.84 |
+----------------------------+-------+-------+------------+-----------+-------+

2. Memory
+-------------------+------+-------+------------+-----------+-------+
|     Site Type     | Used | Fixed | Prohibited | Available | Util% |
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    | 64.5 |     0 |          0 |       140 | 46.07 |
|   RAMB36/FIFO*    |   52 |     0 |          0 |       140 | 37.14 |
+-------------------+------+-------+------------+-----------+-------+

3. DSP
+-----------+------+-------+------------+-----------+-------+
| Site Type | Used | Fixed | Prohibited | Available | Util% |
+-----------+------+-------+------------+-----------+-------+
| DSPs      |    3 |     0 |          0 |       220 |  1.36 |
+-----------+------+-------+------------+-----------+-------+
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "x.rpt"


@pytest.mark.parametrize(("wns", "failing", "met"), [("1.234", 0, True), ("-0.105", 17, False)])
def test_timing(report: Path, wns: str, failing: int, met: bool):
    report.write_text(TIMING.format(wns=wns, failing=failing))
    timing = read_timing(report)
    assert (timing.wns, timing.tns, timing.whs) == (float(wns), 0.0, 0.021)
    assert (timing.failing, timing.met) == (failing, met)


def test_utilization(report: Path):
    report.write_text(SERIES_7)
    used = read_utilization(report)
    assert (used.lut, used.ff, used.bram36, used.dsp) == (31234, 36001, 64.5, 3)


def test_utilization_of_ultrascale(report: Path):
    text = SERIES_7.replace("Slice LUTs*", "CLB LUTs*").replace("Slice Registers", "CLB Registers")
    text = text.replace("| Fixed | Prohibited ", "| Fixed ").replace(
        "|     0 |          0 |", "| 0 |"
    )
    report.write_text(text)
    used = read_utilization(report)
    assert (used.lut, used.ff, used.bram36, used.dsp) == (31234, 36001, 64.5, 3)


def test_other_tables_are_no_figures(report: Path):
    report.write_text(SERIES_7.replace("DSPs  ", "Other "))
    with pytest.raises(ToolError, match="no figure for dsp"):
        read_utilization(report)


@pytest.mark.parametrize("read", [read_timing, read_utilization])
def test_missing_and_foreign_files(report: Path, read):
    with pytest.raises(ToolError, match="Vivado did not write it"):
        read(report)
    report.write_text("no report at all\n")
    with pytest.raises(ToolError):
        read(report)


def test_values_that_are_no_numbers(report: Path):
    report.write_text(TIMING.format(wns="NA", failing=0))
    with pytest.raises(ToolError, match="not understood"):
        read_timing(report)
