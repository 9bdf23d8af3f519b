# SPDX-License-Identifier: Apache-2.0
"""The wrapper around PS7, against the primitive as Yosys' cell library declares it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from flows.sim.toolchain import find_toolchain, tool_environment
from flows.synth.yosys import execute
from tests.support.battery import ROOT
from tests.support.open_top import black_boxes

HERE = Path("bitstreams/openxc7")
SOURCES = (Path("hw/stream/stream_reg.sv"), HERE / "zynq7_ps.sv")
WAIVERS = Path(__file__).with_name("waivers.vlt")
# Vendor names of the pins that the boot loader configures; a bitstream does not drive them.
PADS = re.compile(r"^(DDR(?!ARB)|MIO$|PSCLK$|PSPORB$|PSSRSTB$)")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict]:
    """The PS7 cell and the declared ports, from Yosys before any optimisation."""
    folder = tmp_path_factory.mktemp("ps7")
    for path in (*SOURCES, HERE / "ps7_unused.svh", Path("hw/include/axis_assert.svh")):
        (folder / path.name).write_text((ROOT / path).read_text())
    (folder / "boxes.v").write_text(black_boxes())
    script = (
        "read_verilog -sv -DSYNTHESIS -I. stream_reg.sv zynq7_ps.sv; "
        "read_verilog -lib boxes.v; "
        "hierarchy -check -top zynq7_ps; proc; check -assert; write_json out.json"
    )
    execute(["-q", "-p", script], folder, "zynq7_ps")
    modules = json.loads((folder / "out.json").read_text())["modules"]
    return modules["zynq7_ps"]["cells"]["u_ps7"], modules["PS7"]["ports"]


def _inputs(ports: dict) -> dict[str, int]:
    return {name: len(p["bits"]) for name, p in ports.items() if p["direction"] == "input"}


def test_every_input_is_connected_at_its_width(instance: tuple[dict, dict]):
    cell, ports = instance
    inputs = _inputs(ports)
    assert len(inputs) > 300
    widths = {name: len(cell["connections"].get(name, ())) for name in inputs}
    assert widths == inputs
    assert not [n for n in inputs if set(cell["connections"][n]) & {"x", "z"}]


def test_only_what_is_used_moves(instance: tuple[dict, dict]):
    cell, ports = instance
    moving = {
        name
        for name in _inputs(ports)
        if any(isinstance(bit, int) for bit in cell["connections"][name])
    }
    assert {re.match(r"MAXIGP0|SAXIHP0|IRQF2P", name)[0] for name in moving} == {
        "MAXIGP0", "SAXIHP0", "IRQF2P"
    }  # fmt: skip
    assert not [name for name in moving if name.endswith(("CAP1EN", "QOS", "LOCK"))]
    # The claim that our side of the bus is idle is never made.
    assert cell["connections"]["FPGAIDLEN"] == ["1"]


def test_pads_are_left_alone(instance: tuple[dict, dict]):
    cell, ports = instance
    pads = {name for name, port in ports.items() if port["direction"] == "inout"}
    assert all(map(PADS.match, pads))
    assert not pads & cell["connections"].keys()


def test_the_primitive_is_kept(instance: tuple[dict, dict]):
    assert "keep" in instance[0]["attributes"]


def test_verilator_is_silent(tmp_path: Path):
    library = tmp_path / "boxes.v"
    library.write_text(black_boxes())
    tools = find_toolchain()
    command = [str(tools.verilator), "--lint-only", "-Wall", "-Ihw/include"]
    command += [
        f"-I{HERE}",
        "--top-module",
        "zynq7_ps",
        "hw/lint/waivers.vlt",
        str(WAIVERS),
        str(library),
    ]
    done = subprocess.run(
        [*command, *map(str, SOURCES)],
        cwd=ROOT,
        env=tool_environment(tools.verilator_root),
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "%Warning" not in output, output
