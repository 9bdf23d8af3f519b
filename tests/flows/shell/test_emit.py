# SPDX-License-Identifier: Apache-2.0
"""The generated top level: it elaborates without a warning, and says what it holds."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from flows.boards import load_board
from flows.dataflow.fold import fold_network
from flows.dataflow.lower import lower, unit_shapes
from flows.dataflow.network import Network
from flows.dataflow.schedule import size_fifos
from flows.emit.project import RtlProject, emit
from flows.errors import UnsupportedModelError
from flows.shell.emit import emit_shell
from flows.sim.verilate import elaborate
from tests.support.chains import tiny_cnv

Emitted = tuple[Network, RtlProject]


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Emitted:
    chain = tiny_cnv(np.random.default_rng(11))
    network = size_fifos(lower(chain, fold_network(unit_shapes(chain), 420), "net"))
    return network, emit(network, tmp_path_factory.mktemp("shell") / "rtl")


@pytest.mark.parametrize("cdc", [False, True])
@pytest.mark.parametrize("board", ["Pynq-Z2", "ZCU104"])
def test_top_elaborates(emitted: Emitted, tmp_path: Path, board: str, cdc: bool):
    shell = emit_shell(*emitted, load_board(board), tmp_path / "shell", cdc=cdc)
    log = elaborate(top=shell.top, sources=[shell.root / path for path in shell.sources])
    assert "%Warning" not in log, log
    text = (shell.root / shell.sources[-1]).read_text()
    assert ("m_axi_wid" in text.split(");")[0]) == (board == "Pynq-Z2")  # AXI3 only
    assert ("net_clk" in text.split(");")[0]) == cdc
    width = 32 if board == "Pynq-Z2" else 40
    assert re.search(rf"output logic \[{width - 1}:0\] m_axi_araddr", text)


def test_facts_are_those_of_the_network(emitted: Emitted, tmp_path: Path):
    network, project = emitted
    shell = emit_shell(network, project, load_board("Pynq-Z2"), tmp_path / "shell")
    manifest = (project.root / "manifest.json").read_bytes()
    assert shell.model_hash == hashlib.sha256(manifest).hexdigest()[:32]
    assert f"128'h{shell.model_hash}" in (shell.root / f"{shell.top}.sv").read_text()
    assert shell.in_bytes == network.input_frame.beats * network.input_frame.channels
    assert shell.out_bytes % 8 == 0
    assert all((shell.root / path).is_file() for path in (*shell.sources, *shell.data_files))
    listed = (shell.root / f"{shell.top}.f").read_text().splitlines()
    assert listed == ["+incdir+hw", *map(str, shell.sources)]


def test_another_network_has_another_hash(emitted: Emitted, tmp_path: Path):
    network, _ = emitted
    chain = tiny_cnv(np.random.default_rng(99))
    other = size_fifos(lower(chain, fold_network(unit_shapes(chain), 420), "net"))
    hashes = {
        emit_shell(
            each, emit(each, tmp_path / str(n)), load_board("Pynq-Z2"), tmp_path / f"shell{n}"
        ).model_hash
        for n, each in enumerate((network, other, network))
    }
    assert len(hashes) == 2


def test_input_must_be_bytes(emitted: Emitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Network, "input_bits", property(lambda self: 12))
    with pytest.raises(UnsupportedModelError, match="an input beat has 12 bits"):
        emit_shell(*emitted, load_board("Pynq-Z2"), tmp_path / "shell")
