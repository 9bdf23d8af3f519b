# SPDX-License-Identifier: Apache-2.0
"""The platform "pynq" against a stand-in of PYNQ, with the Verilated shell behind it."""

import shutil
import sys

import numpy as np
import pytest

from flows.deploy.folder import add_bitstream
from tests.bitstreams.driver.driver import load
from tests.bitstreams.driver.fake_pynq import FakePynq

driver = load("xnorflow_driver")
virtual_board = load("virtual_board")


@pytest.fixture
def folder(deployed, tmp_path):
    """A deploy folder with a bitstream; its content does not matter to the stand-in."""
    build = tmp_path / "net-pynq_z2"
    shutil.copytree(deployed.folder, build / "deploy")
    (tmp_path / "made.bit").write_bytes(b"bits")
    return add_bitstream(build, tmp_path / "made.bit")


@pytest.fixture
def pynq(monkeypatch, folder):
    """Installs the stand-in, and gives a function that says how it behaves."""

    def install(**options):
        board = virtual_board.VirtualBoard(folder, driver._read_facts(folder))
        module = FakePynq(board, **options)
        monkeypatch.setitem(sys.modules, "pynq", module)
        monkeypatch.setattr(driver.PynqPlatform, "now", staticmethod(board.now))
        monkeypatch.setattr(driver.PynqPlatform, "sleep", staticmethod(board.sleep))
        return module

    return install


@pytest.mark.parametrize("offset", [0, 4, 40])
def test_results_equal_the_reference(pynq, folder, deployed, offset):
    """Cached buffers, wherever they begin: the driver flushes, invalidates and aligns."""
    fake = pynq(offset=offset)
    with driver.Accelerator(folder) as network:
        assert network.platform.name == "pynq"
        np.testing.assert_array_equal(network.execute(deployed.images), deployed.logits)
        np.testing.assert_array_equal(network.execute(deployed.images[::-1]), deployed.logits[::-1])
    assert fake.calls == ["Bitstream net-pynq_z2.bit"]
    assert fake.board.taken == {}  # all memory was given back


@pytest.mark.parametrize("method", ["flush", "invalidate"])
def test_a_forgotten_flush_would_be_found(pynq, folder, monkeypatch, method):
    pynq()
    monkeypatch.setattr(driver.PynqBuffer, method, lambda _: None)
    with pytest.raises(driver.BoardError, match="self-test: "):
        driver.Accelerator(folder)


def test_metadata_is_used_where_it_is(pynq, folder, deployed):
    (folder / "net-pynq_z2.hwh").write_text("<EDKSYSTEM/>")
    fake = pynq()
    with driver.Accelerator(folder) as network:
        np.testing.assert_array_equal(network.execute(deployed.images), deployed.logits)
    assert fake.calls == ["Overlay net-pynq_z2.bit"]


def test_metadata_that_fails_is_done_without(pynq, folder, deployed):
    (folder / "net-pynq_z2.hwh").write_text("<EDKSYSTEM/>")
    fake = pynq(overlay_fails=True)
    with (
        pytest.warns(UserWarning, match="xclbinutil not found"),
        driver.Accelerator(folder) as network,
    ):
        np.testing.assert_array_equal(network.execute(deployed.images), deployed.logits)
    assert fake.calls == ["Bitstream net-pynq_z2.bit"]


def test_small_buffers_are_never_asked_for(pynq, folder):
    """PYNQ 3.1.0 gives wrong addresses for 4 KiB and less."""
    fake = pynq()
    with driver.Accelerator(folder) as network:
        network.allocate(1)
        assert min(fake.board.taken.values()) >= 8192


def test_memory_beyond_the_shells_reach_is_refused(pynq, folder):
    fake = pynq()
    with driver.Accelerator(folder) as network:
        allocate = fake.allocate

        def far(*arguments, **options):
            buffer = allocate(*arguments, **options)
            buffer.device_address += 1 << 32
            return buffer

        fake.allocate = far
        with pytest.raises(driver.BoardError, match="beyond the 32 address bits"):
            network.allocate(4)


def test_configuration_port_that_refuses(pynq, folder, monkeypatch, tmp_path):
    state = tmp_path / "state"
    state.write_text("write error\n")
    monkeypatch.setattr(driver.PynqPlatform, "_STATE", state)
    pynq()
    with pytest.raises(driver.BoardError, match="the configuration port did not take it"):
        driver.Accelerator(folder)
    state.write_text("operating\n")
    driver.Accelerator(folder).close()


def test_no_board(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(driver.BoardError, match="use platform='virtual'"):
        driver.Accelerator(folder)


def test_no_bitstream(pynq, deployed):
    pynq()
    with pytest.raises(driver.BoardError, match="holds no bitstream for platform 'pynq'"):
        driver.Accelerator(deployed.folder)


def test_corrupted_bitstream(pynq, folder):
    pynq()
    (folder / "net-pynq_z2.bit").write_bytes(b"bitS")
    with pytest.raises(driver.BoardError, match=r"net-pynq_z2\.bit: its SHA-256 begins"):
        driver.Accelerator(folder)


def test_unknown_platform(folder):
    with pytest.raises(driver.BoardError, match="allowed are auto, pynq and virtual"):
        driver.Accelerator(folder, platform="vitis")
