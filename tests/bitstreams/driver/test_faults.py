# SPDX-License-Identifier: Apache-2.0
"""What goes wrong ends in one right sentence, in time, and leaves the driver usable.

Every test runs the shipped driver against the Verilated shell. An access that would hang a real
processor raises BoardLostError there, which no driver catches: it would fail the test.
"""

import hashlib
import json
import shutil

import numpy as np
import pytest

from tests.bitstreams.driver.driver import load

driver = load("xnorflow_driver")
BoardError = driver.BoardError

# fault, burst that it hits, words of the sentence. Every result is one burst here.
IN_A_BATCH = [
    ("read error", 0, "memory answered a read with an error; .* the shell is ready again"),
    ("read error", 5, "memory answered a read with an error; .* the shell is ready again"),
    ("write error", 0, "memory answered a write with an error; .* the shell is ready again"),
    ("write error", 2, "memory answered a write with an error; .* 3 results answered"),
    ("short read", 1, "no data moved between memory and network for 10 ms"),
    ("read stuck", 1, "no data moved .*; a transfer stayed open, so the bitstream was loaded"),
    ("write stuck", 1, "no data moved .*; a transfer stayed open, so the bitstream was loaded"),
]
BEFORE_AN_ACCESS = [
    ("clock gated", "the logic has no clock .* would hang"),
    ("reset held", "the logic is held in reset .* would hang"),
    ("level shifters off", "level shifters .* are off .* would hang"),
    ("load fails", "the configuration port did not take it"),
]


def works(network, deployed) -> None:
    found = network.execute(deployed.images)
    np.testing.assert_array_equal(found, deployed.logits)


@pytest.fixture
def network(deployed):
    with driver.Accelerator(deployed.folder, platform="virtual") as network:
        yield network


@pytest.fixture
def copy(deployed, tmp_path):
    """A deploy folder to spoil."""
    return shutil.copytree(deployed.folder, tmp_path / "deploy")


def change(folder, **facts) -> None:
    path = folder / "overlay.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


@pytest.mark.parametrize(("fault", "after", "sentence"), IN_A_BATCH)
def test_fault_of_the_memory(network, deployed, fault, after, sentence):
    network.platform.inject(fault, after)
    start = network.platform.now()
    with pytest.raises(BoardError, match=f"batch of {len(deployed.images)}: .*{sentence}"):
        network.execute(deployed.images)
    assert network.platform.now() - start < 0.02  # seconds on the board; the time-out is 0.01
    works(network, deployed)


def test_the_time_out_is_the_one_that_was_asked_for(deployed):
    with driver.Accelerator(deployed.folder, platform="virtual", timeout_s=0.001) as network:
        network.platform.inject("read stuck")
        with pytest.raises(BoardError, match="for 1 ms"):
            network.execute(deployed.images)
        works(network, deployed)


@pytest.mark.parametrize(("fault", "sentence"), BEFORE_AN_ACCESS)
def test_fault_at_load(network, deployed, fault, sentence):
    network.platform.inject(fault)
    with pytest.raises(BoardError, match=sentence):
        network.load()
    for access in (lambda: network.execute(deployed.images), lambda: network.allocate(4)):
        with pytest.raises(BoardError, match=r"no network is loaded, .* call load\(\)"):
            access()
    network.platform.mend()
    network.load()
    works(network, deployed)


@pytest.mark.parametrize(("fault", "sentence"), BEFORE_AN_ACCESS[:3])
def test_fault_between_two_batches(network, deployed, fault, sentence):
    works(network, deployed)
    network.platform.inject(fault)
    with pytest.raises(BoardError, match=sentence):
        network.execute(deployed.images)
    network.platform.mend()
    network.load()
    works(network, deployed)


def test_the_virtual_board_notices_an_access_that_would_hang(network):
    network.platform.inject("clock gated")
    lost = type(network.platform).read32.__globals__["BoardLostError"]
    with pytest.raises(lost, match="a processor would hang here"):
        network._get("STATUS")
    network.platform.mend()


def on_board(monkeypatch, folder, setup):
    """A driver whose virtual board is prepared before the first access."""
    make = driver._virtual_platform

    def prepared(*arguments):
        board = make(*arguments)
        setup(board)
        return board

    with monkeypatch.context() as context:
        context.setattr(driver, "_virtual_platform", prepared)
        return driver.Accelerator(folder, platform="virtual")


def test_a_clock_that_cannot_be_set_is_too_fast(monkeypatch, deployed):
    with pytest.raises(BoardError, match=r"clock 0 stays at 142\.9 MHz where 100 MHz is the most"):
        on_board(monkeypatch, deployed.folder, lambda board: board.inject("clock fixed"))


def test_another_crystal_is_measured(monkeypatch, copy):
    """The Zybo's 33.3 MHz where overlay.json says 50: divisors look right, the clock is not."""
    facts = json.loads((copy / "overlay.json").read_text())
    make = driver._virtual_platform

    def zybo(folder, facts):
        board = make(folder, facts)
        return type(board)(folder, facts, crystal_mhz=33.333333)

    monkeypatch.setattr(driver, "_virtual_platform", zybo)
    with pytest.raises(BoardError, match=r"the logic runs at .* where its divisors stand for"):
        driver.Accelerator(copy, platform="virtual")
    change(copy, system=facts["system"] | {"crystal_mhz": 33.333333})
    with driver.Accelerator(copy, platform="virtual") as network:
        assert network.clock_mhz == pytest.approx(100, rel=1e-4)


def test_wrong_hash(copy, deployed):
    right = json.loads((copy / "overlay.json").read_text())["model_hash"]
    change(copy, model_hash="0" * 32)
    with pytest.raises(
        BoardError, match=f"holds network {right[:12]}, overlay.json describes 0000"
    ):
        driver.Accelerator(copy, platform="virtual")
    change(copy, model_hash=right)
    with driver.Accelerator(copy, platform="virtual") as network:
        works(network, deployed)


def test_corrupted_bitstream(copy, deployed):
    path = copy / "virtual" / "shell.so"
    whole = path.read_bytes()
    with driver.Accelerator(copy, platform="virtual") as network:
        path.unlink()  # the file that is mapped stays as it is
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(BoardError, match=r"shell\.so: its SHA-256 begins .* file is damaged"):
            network.load()
        with pytest.raises(BoardError, match="file is damaged"):
            driver.Accelerator(copy, platform="virtual")
        path.unlink()
        with pytest.raises(BoardError, match=r"shell\.so: No such file .* copy the deploy folder"):
            network.load()
        path.write_bytes(whole)
        network.load()
        works(network, deployed)


def test_a_virtual_board_of_another_computer(copy):
    """Whole by its hash, but no library here."""
    path = copy / "virtual" / "shell.so"
    path.write_bytes(b"\x7fELF of another processor")
    facts = json.loads((copy / "overlay.json").read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    virtual = facts["bitstream"]["virtual"] | {"sha256": digest}
    change(copy, bitstream=facts["bitstream"] | {"virtual": virtual})
    with pytest.raises(BoardError, match=r"shell\.so: cannot be opened .* --platform pynq"):
        driver.Accelerator(copy, platform="virtual")


def test_self_test_finds_a_wrong_logit(copy):
    facts = json.loads((copy / "overlay.json").read_text())
    facts["golden"]["logits"][1][2] += 1
    change(copy, golden=facts["golden"])
    with pytest.raises(BoardError, match=r"self-test: 1 of \d+ logits are wrong, .* 2 of image 1"):
        driver.Accelerator(copy, platform="virtual")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read"),
        ("[]", "schema None, this driver reads xnorflow-overlay/1"),
        ('{"schema": "xnorflow-overlay/9"}', "schema 'xnorflow-overlay/9'"),
        ('{"schema": "xnorflow-overlay/1", "model": "net"}', "lacks board, model_hash, clock_mhz"),
    ],
)
def test_damaged_facts(copy, text, sentence):
    (copy / "overlay.json").write_text(text)
    with pytest.raises(BoardError, match=sentence):
        driver.Accelerator(copy, platform="virtual")


def test_missing_virtual_board(copy):
    (copy / "virtual_board.py").unlink()
    with pytest.raises(BoardError, match="copy the whole deploy folder"):
        driver.Accelerator(copy, platform="virtual")


def test_another_register_map(network, monkeypatch):
    monkeypatch.setattr(driver, "MAP_MAJOR", driver.MAP_MAJOR + 1)
    with pytest.raises(BoardError, match="the register map has version 1, this driver knows 2"):
        network.load()


def test_another_bitstream(network, monkeypatch):
    monkeypatch.setitem(driver.RESET, "ID", 0x12345678)
    with pytest.raises(BoardError, match="answers 0x584e4f52 instead of 0x12345678"):
        network.load()


def test_a_clock_above_the_closed_one_is_refused(deployed):
    with pytest.raises(BoardError, match="closed for 100 MHz; ask for that or less"):
        driver.Accelerator(deployed.folder, platform="virtual", clock_mhz=120)
