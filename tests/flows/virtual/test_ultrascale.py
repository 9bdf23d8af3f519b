# SPDX-License-Identifier: Apache-2.0
"""Zynq UltraScale+: AXI4, 40 address bits, another clock generator, port widths set by software."""

import json

import numpy as np
import pytest

from tests.bitstreams.driver.driver import load
from tests.support.chains import tiny_fc
from tests.support.deployed import Deployed, deploy_chain

driver = load("xnorflow_driver")


@pytest.fixture(scope="module")
def kria(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """A dense network on a virtual KV260."""
    folder = tmp_path_factory.mktemp("deploy") / "net-kv260"
    return deploy_chain(tiny_fc(np.random.default_rng(12)), 40, folder, board="KV260")


def test_results_equal_the_reference(kria):
    with driver.Accelerator(kria.folder, platform="virtual") as network:
        np.testing.assert_array_equal(network.execute(kria.images), kria.logits)
        assert network._get("CONFIG") & driver.mask("CONFIG.AXI3") == 0
        # 33.333333 MHz * 45 / 2 = 750 MHz; 100 is no divisor, the next one below is 93.75.
        assert network.clock_mhz == pytest.approx(93.75, rel=1e-3)


def test_facts_are_those_of_the_board(kria):
    system = json.loads((kria.folder / "overlay.json").read_text())["system"]
    assert system["family"] == "zynqmp"
    assert system["shell_base"] == 0xA0000000


@pytest.mark.parametrize("width", [32, 64])
def test_a_port_of_another_width_is_found(kria, monkeypatch, width):
    """The virtual board breaks where a driver forgets the width that was built for."""
    facts = driver._read_facts(kria.folder)
    right = facts["system"]["memory_bits"]
    assert width != right
    connect = driver.ZynqUltraScale.connect

    def forgetful(self):
        self._port_code = {128: 0, 64: 1, 32: 2}[width]
        connect(self)

    monkeypatch.setattr(driver.ZynqUltraScale, "connect", forgetful)
    with pytest.raises(Exception, match="set to another width") as caught:
        driver.Accelerator(kria.folder, platform="virtual")
    assert type(caught.value).__name__ == "BoardLostError"


def test_missing_clock(kria):
    with driver.Accelerator(kria.folder, platform="virtual") as network:
        network.platform.inject("clock gated")
        with pytest.raises(driver.BoardError, match=r"no clock \(PL0 stays off\)"):
            network.execute(kria.images)
        network.platform.mend()
        network.load()
        np.testing.assert_array_equal(network.execute(kria.images), kria.logits)
