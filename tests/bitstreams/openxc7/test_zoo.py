# SPDX-License-Identifier: Apache-2.0
"""Networks of the zoo on the open top level: nothing in the netlist but what can be routed."""

from pathlib import Path

import pytest

from flows.bitstream import hand_over, openxc7
from flows.bitstream.netlist import ALLOWED
from flows.boards import load_board
from flows.config import BuildConfig
from flows.dataflow.network import Network
from flows.synth.cells import count
from tests.support.open_top import design_of
from tests.support.zoo import make_zoo


def zoo_network(model: str, folder: Path) -> Network:
    """The shipped checkpoint at its default target."""
    return make_zoo(BuildConfig(model=model, board="Pynq-Z2", images=4), folder).network


@pytest.mark.parametrize(
    "model",
    [pytest.param(name, marks=pytest.mark.nightly) for name in ("tfc_w1a1", "cnv_w1a1")],
)
def test_netlist_is_clean(model: str, tmp_path: Path):
    handed = hand_over(design_of(zoo_network(model, tmp_path), tmp_path), tmp_path)
    checked = openxc7.synthesise(model, handed.openxc7)
    assert checked.violations == ()
    assert checked.cells.keys() <= ALLOWED - {"DSP48E1", "SRL16E"}
    assert checked.cells["PS7"] == 1
    totals, budget = count(checked.cells, model), load_board("Pynq-Z2").budget
    for key in ("lut", "ff", "bram36"):
        assert 0 < getattr(totals, key) < getattr(budget, key), key
