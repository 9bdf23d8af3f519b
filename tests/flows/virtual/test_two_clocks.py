# SPDX-License-Identifier: Apache-2.0
"""Bus and network on clocks of their own: the driver sets, measures and needs both."""

import json

import numpy as np
import pytest

from tests.bitstreams.driver.driver import load
from tests.support.chains import tiny_fc
from tests.support.deployed import Deployed, deploy_chain

driver = load("xnorflow_driver")
SEED, OTHER = 12, 13
# Network and bus, MHz. 1000 / 7 beside 100: edges that never come twice at the same distance.
CLOCKS = {"slow_network": (50.0, 100.0), "fast_network": (142.858, 100.0)}


def deploy(root, clocks: str, seed: int, board: str = "Pynq-Z2") -> Deployed:
    clock, bus = CLOCKS[clocks]
    chain = tiny_fc(np.random.default_rng(seed))
    folder = root / f"net{seed}-{board.lower()}"
    return deploy_chain(chain, 40, folder, board, runtime=True, clock_mhz=clock, bus_mhz=bus)


@pytest.fixture(scope="module", params=CLOCKS)
def crossed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """A dense network behind a clock crossing, and the name of its clocks."""
    return deploy(tmp_path_factory.mktemp("crossed"), request.param, SEED), request.param


def check(network, expected: Deployed) -> None:
    np.testing.assert_array_equal(network.execute(expected.images), expected.logits)


@pytest.mark.parametrize("batch", [1, 5, 12])
def test_results_equal_the_reference(crossed, batch):
    deployed, _ = crossed
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        assert network._get("CONFIG") & driver.mask("CONFIG.CDC")
        network.allocate(batch)
        check(network, deployed)


def test_both_clocks_are_set_and_measured(crossed):
    deployed, name = crossed
    clock, bus = CLOCKS[name]
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        assert network.clock_mhz == pytest.approx(bus, rel=1e-3)
        assert network.net_clock_mhz == pytest.approx(clock, rel=1e-3)
    with driver.Accelerator(
        deployed.folder, platform="virtual", clock_mhz=50, net_clock_mhz=40
    ) as network:
        assert network.clock_mhz == pytest.approx(50, rel=1e-3)
        assert network.net_clock_mhz == pytest.approx(40, rel=1e-3)
        check(network, deployed)


def test_the_slower_side_sets_the_pace(crossed):
    """Cycles are those of the bus: the network's own, or what the bus needs for an image."""
    deployed, name = crossed
    clock, bus = CLOCKS[name]
    words = json.loads((deployed.folder / "overlay.json").read_text())["input"]["bytes"] / 8
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        network.allocate(64)
        network.statistics()
        network.execute(np.resize(deployed.images, (64, *deployed.images.shape[1:])))
        found = network.statistics()["interval_cycles"]
    assert found == pytest.approx(max(deployed.interval * bus / clock, words), rel=0.05)


def test_a_network_without_its_clock(crossed):
    deployed, _ = crossed
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        network.platform.inject("network clock gated")
        for action in (lambda: network.execute(deployed.images), network.load):
            with pytest.raises(driver.BoardError, match=r"network has no clock \(FCLK1 stays off"):
                action()
        network.platform.mend()
        network.load()
        check(network, deployed)


def test_weights_cross_as_well(crossed, tmp_path):
    deployed, name = crossed
    other = deploy(tmp_path, name, OTHER)
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        network.load_weights(other.folder / "weights.npz")
        check(network, other)
        assert not np.array_equal(network.execute(deployed.images), deployed.logits)


def test_one_clock_takes_no_second(deployed):
    with pytest.raises(driver.BoardError, match="this bitstream has one clock; set clock_mhz"):
        driver.Accelerator(deployed.folder, platform="virtual", net_clock_mhz=50)


def test_ultrascale(tmp_path):
    deployed = deploy(tmp_path, "slow_network", SEED, "KV260")
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        assert network.clock_mhz == pytest.approx(93.75, rel=1e-3)  # 750 / 8
        assert network.net_clock_mhz == pytest.approx(50, rel=1e-3)
        check(network, deployed)
        network.platform.inject("network clock gated")
        with pytest.raises(driver.BoardError, match=r"network has no clock \(PL1 stays off"):
            network.execute(deployed.images)
