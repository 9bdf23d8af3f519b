# SPDX-License-Identifier: Apache-2.0
"""The shell on a Zynq-7000, synthesised: within its budget, and what the catalogue says."""

import re
from pathlib import Path

import pytest

from flows.emit.project import HW, closure
from flows.synth import SynthReport, SynthTarget, synthesise

LUT, BRAM36 = 2500, 4
CATALOGUE = (HW / "README.md").read_text(encoding="utf-8")
ONE_CLOCK = {"AXI3": "1'b1"}
TWO_CLOCKS = {**ONE_CLOCK, "CDC": "1'b1", "IN_W": "392", "IN_BEATS": "2"}


def cost(parameters: dict[str, str], folder: Path) -> SynthReport:
    """Synthesises the shell with other defaults; Yosys sees copies."""
    text = (HW / "shell" / "shell.sv").read_text(encoding="utf-8")
    for name, value in parameters.items():
        text, count = re.subn(rf"(parameter [\w ]+ {name} = )[^,\n]+", rf"\g<1>{value}", text)
        assert count == 1, name
    root = folder / "rtl"
    root.mkdir()
    (root / "shell.sv").write_text(text)
    names = [Path("shell.sv")]
    for path in [*closure([text]), *sorted((HW / "include").glob("*.svh"))]:
        (root / path.name).write_bytes(path.read_bytes())
        if path.suffix == ".sv":
            names.insert(0, Path(path.name))
    target = SynthTarget(
        name="shell", top="shell", root=root, sources=tuple(names), include_dirs=(Path(),)
    )
    return synthesise([target], "xc7", folder / "work", 1, folder / "cache")[0]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(ONE_CLOCK, id="pixels"),
        pytest.param(TWO_CLOCKS, id="wide_two_clocks", marks=pytest.mark.nightly),
    ],
)
def test_shell_stays_in_its_budget(tmp_path: Path, parameters: dict[str, str]) -> None:
    report = cost(parameters, tmp_path)
    assert report.lut + report.lutram + report.srl <= LUT
    assert report.bram36 == 1 <= BRAM36  # the catalogue says one
    assert report.dsp == 0
    if parameters == ONE_CLOCK:
        row = next(line for line in CATALOGUE.splitlines() if line.startswith("| `shell` "))
        stated = f"{report.lut:,} LUT + {report.lutram} LUTRAM, {report.ff:,} FF, 1 RAMB36"
        assert stated in row, stated
