# SPDX-License-Identifier: Apache-2.0
"""The costs that the catalogue states for the counter, synthesised again and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.emit.project import HW, closure
from flows.synth import SynthTarget, synthesise

CATALOGUE = (HW / "README.md").read_text(encoding="utf-8")

COUNTER = "    .clk_i, .rst_ni, .act_i, .weight_i, .tag_i, .count_o, .tag_o"


def _wrapper(module: str, parameters: dict[str, int], inputs: dict, outputs: dict) -> str:
    ports = [f"input logic [{w - 1}:0] {n}" for n, w in inputs.items()]
    ports += [f"output logic [{w - 1}:0] {n}" for n, w in outputs.items()]
    values = ", ".join(f".{key}({value})" for key, value in parameters.items())
    joined = ",\n  ".join(ports)
    instance = f"  {module} #({values}) u_probe (\n{COUNTER});"
    return f"module probe (\n  {joined}\n);\n{instance}\nendmodule\n"


def _cost(tmp_path: Path, text: str) -> tuple[int, int, float]:
    root = tmp_path / "rtl"
    root.mkdir()
    (root / "probe.sv").write_text(text)
    names = []
    for path in [*closure([text]), *sorted((HW / "include").glob("*.svh"))]:
        (root / path.name).write_bytes(path.read_bytes())
        names.append(Path(path.name))
    target = SynthTarget(
        name="probe",
        top="probe",
        root=root,
        sources=(*(n for n in names if n.suffix == ".sv"), Path("probe.sv")),
        include_dirs=(Path(),),
    )
    report = synthesise([target], "xc7", tmp_path / "work", 1, tmp_path / "cache")[0]
    return report.lut, report.ff, report.bram36


@pytest.mark.parametrize(
    "lanes",
    [64, 256, *(pytest.param(n, marks=pytest.mark.nightly) for n in (576, 1152))],
)
def test_counter_costs_what_the_catalogue_says(tmp_path, lanes):
    width = lanes.bit_length()
    text = _wrapper(
        "popcount_heap",
        {"N": lanes},
        {"clk_i": 1, "rst_ni": 1, "act_i": lanes, "weight_i": lanes, "tag_i": 1},
        {"count_o": width, "tag_o": 1},
    )
    lut, ff, _ = _cost(tmp_path, text)
    row = next(line for line in CATALOGUE.splitlines() if line.startswith("| `popcount_heap`"))
    label = f"N = {lanes}" if lanes == 64 else f"{lanes}"
    stated = f"{lut:,} LUT, {ff:,} FF" if lanes == 64 else f"{lut:,}, {ff:,}"
    assert f"{label}: {stated}" in row
