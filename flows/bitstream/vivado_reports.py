# SPDX-License-Identifier: Apache-2.0
"""Figures out of Vivado's text reports.

`report_timing_summary` has a section "Design Timing Summary": a line of titles (WNS(ns), TNS(ns),
...), a line of dashes, a line of values. `report_utilization` has tables with bars; the first
column is the site type, "Used" and "Available" are among the titles. Names differ by family.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from flows.errors import ToolError

# Name of a resource in a board's budget to the site types that count it.
_SITES = {
    "lut": ("Slice LUTs", "CLB LUTs"),
    "ff": ("Slice Registers", "CLB Registers"),
    "bram36": ("Block RAM Tile",),
    "dsp": ("DSPs",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Slack of the routed design, ns; negative where timing is not met.

    Attributes:
        wns: worst setup slack.
        tns: sum of negative setup slacks.
        whs: worst hold slack.
        failing: end points with negative setup slack.
    """

    wns: float
    tns: float
    whs: float
    failing: int

    @property
    def met(self) -> bool:
        """Whether setup and hold are met."""
        return self.wns >= 0 and self.whs >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilization:
    """What the routed design occupies, in the units of a board's budget."""

    lut: int
    ff: int
    bram36: float
    dsp: int


def read_timing(path: Path) -> Timing:
    """Reads `timing_summary.rpt`.

    Raises:
        ToolError: the file is missing or holds no summary.
    """
    lines = _lines(path)
    for number, line in enumerate(lines):
        titles = line.split()
        if titles[:2] == ["WNS(ns)", "TNS(ns)"] and number + 2 < len(lines):
            names = re.split(r"\s{2,}", line.strip())
            values = dict(zip(names, lines[number + 2].split(), strict=False))
            try:
                return Timing(
                    wns=float(values["WNS(ns)"]),
                    tns=float(values["TNS(ns)"]),
                    whs=float(values["WHS(ns)"]),
                    failing=int(values["TNS Failing Endpoints"]),
                )
            except (KeyError, ValueError) as error:
                raise ToolError(f"{path}: summary not understood: {error}") from error
    raise ToolError(f"{path}: no Design Timing Summary in it")


def read_utilization(path: Path) -> Utilization:
    """Reads `utilization.rpt`.

    Raises:
        ToolError: the file is missing, or a resource stands in none of its tables.
    """
    used: dict[str, float] = {}
    column = None
    for line in _lines(path):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            continue
        if "Used" in cells:
            column = cells.index("Used")
        elif column is not None and column < len(cells):
            for key, sites in _SITES.items():
                # "Slice LUTs*": a star refers to a note below the table.
                if key not in used and cells[0].rstrip("*") in sites:
                    used[key] = float(cells[column])
    missing = [key for key in _SITES if key not in used]
    if missing:
        raise ToolError(f"{path}: no figure for {', '.join(missing)}; it has other site types")
    return Utilization(
        lut=int(used["lut"]), ff=int(used["ff"]), bram36=used["bram36"], dsp=int(used["dsp"])
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}; Vivado did not write it") from error
