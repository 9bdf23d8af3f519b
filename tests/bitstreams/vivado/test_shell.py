# SPDX-License-Identifier: Apache-2.0
"""Hand-over to Vivado around real shells, AXI3 and AXI4: the script runs, the wrapper is sound."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from flows.bitstream.vivado import write_folder
from flows.sim.toolchain import find_toolchain, tool_environment
from tests.bitstreams.vivado.test_build_tcl import RECORDER
from tests.support.battery import ROOT
from tests.support.chains import tiny_cnv
from tests.support.open_top import design_of, small_network
from tests.support.tcl import run_tcl


@pytest.fixture(scope="module", params=["Pynq-Z2", "ZCU104"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vivado")
    network = small_network(tiny_cnv(np.random.default_rng(11)), 420)
    write_folder(design_of(network, root, request.param), root / "vivado")
    return root / "vivado"


def test_script_reaches_a_bitstream(folder: Path):
    done = run_tcl(RECORDER, str(folder / "build.tcl"))
    assert done.returncode == 0, done.stderr
    assert (folder / "net.bit").is_file()
    # Every memory image is named, with its absolute place, by the copies that are compiled.
    compiled = "".join(path.read_text() for path in (folder / "project/rtl").iterdir())
    named = {Path(name) for name in re.findall(r'"([^"\n]+\.hex)"', compiled)}
    images = set((folder / "src/mem").glob("*.hex"))
    assert named == images and len(images) > 3


def test_verilator_is_silent(folder: Path):
    """The wrapper over the shell; outputs that are left open on purpose apart."""
    tools = find_toolchain()
    listed = re.search(r"set sources \{(.*?)\}", (folder / "build.tcl").read_text(), re.DOTALL)[1]
    command = [str(tools.verilator), "--lint-only", "-Wall", "-Wno-PINCONNECTEMPTY", "-Isrc/hw"]
    command += ["--top-module", "net_ip", str(ROOT / "hw/lint/waivers.vlt"), *listed.split()]
    done = subprocess.run(
        command,
        cwd=folder,
        env=tool_environment(tools.verilator_root),
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "%Warning" not in output, output
