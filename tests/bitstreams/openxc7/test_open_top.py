# SPDX-License-Identifier: Apache-2.0
"""The open top level around a real shell; its netlist is test_zoo.py's."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from flows.bitstream import hand_over
from flows.sim.toolchain import find_toolchain, tool_environment
from tests.support.battery import ROOT
from tests.support.chains import tiny_fc
from tests.support.open_top import black_boxes, design_of, small_network

WAIVERS = (ROOT / "hw/lint/waivers.vlt", Path(__file__).with_name("waivers.vlt"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hand-over folder of a small dense network."""
    root = tmp_path_factory.mktemp("open")
    network = small_network(tiny_fc(np.random.default_rng(12)), 40)
    handed = hand_over(design_of(network, root), root)
    assert handed.openxc7 is not None
    return handed.openxc7


def test_verilator_is_silent(folder: Path, tmp_path: Path):
    """The whole top level, shell and network."""
    library = tmp_path / "boxes.v"
    library.write_text(black_boxes())
    tools = find_toolchain()
    reading = (folder / "synth.ys").read_text().splitlines()[0].split()
    sources = [word for word in reading if word.endswith(".sv")]
    command = [str(tools.verilator), "--lint-only", "-Wall"]
    command += [word for word in reading if word.startswith("-I")]
    command += ["--top-module", "net_open", *map(str, WAIVERS), str(library)]
    done = subprocess.run(
        [*command, *sources],
        cwd=folder,
        env=tool_environment(tools.verilator_root),
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0 and "%Warning" not in output, output
