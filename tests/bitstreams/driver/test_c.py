# SPDX-License-Identifier: Apache-2.0
"""The C driver: it compiles without a warning as C99, and runs against the Verilated shell."""

import ctypes
import subprocess

import numpy as np
import pytest

from tests.bitstreams.driver.c_driver import (
    BAD_BUFFER,
    NOT_READY,
    OK,
    OTHER_NETWORK,
    RUN_FAILED,
    STUCK,
    CDriver,
    compile_c,
)


@pytest.fixture
def c(deployed, tmp_path) -> CDriver:
    return CDriver(deployed, tmp_path)


def test_the_example_compiles_without_a_warning(deployed, tmp_path):
    source = deployed.folder / "c"
    files = (str(source / "example_linux.c"), str(source / "xnorflow.c"))
    done = compile_c(source, tmp_path / "example", *files)
    assert (done.returncode, done.stderr) == (0, "")
    usage = subprocess.run([tmp_path / "example"], capture_output=True, text=True, check=False)
    assert (usage.returncode, usage.stderr) == (2, "usage: example DEVICE IMAGE [WEIGHTS]\n")


def test_a_warning_would_be_found(deployed, tmp_path):
    bad = tmp_path / "bad.c"
    bad.write_text("int f(unsigned long x);\nint f(unsigned long x) { int unused; return x; }\n")
    done = compile_c(deployed.folder / "c", tmp_path / "bad.o", "-c", str(bad))
    assert "unused" in done.stderr and "conver" in done.stderr


@pytest.mark.parametrize("count", [1, 5])
def test_logits_equal_the_reference(c, deployed, count):
    assert c.open() == OK, c.message()
    assert c.run(deployed.images[:count]) == OK, c.message()
    expected = deployed.logits[:count]
    np.testing.assert_array_equal(c.logits(count, expected.shape[1]), expected)
    assert c.state.cycles > c.state.latency > 0 or count == 1
    assert c.driver.xnorflow_clock_mhz(ctypes.byref(c.state)) == pytest.approx(100, rel=1e-3)


def test_another_network_is_refused(c):
    c.built.hash[0] ^= 1
    assert c.open() == OTHER_NETWORK
    assert c.message() == "the bitstream holds another network than was built"
    c.allocate(1)
    assert c.go(1) == NOT_READY
    assert c.message() == "no network is ready: xnorflow_open, or load weights, first"


def test_pixels_go_through_the_table(c, deployed):
    """As those of a network whose input quantiser is no shift of the pixel."""
    table = np.random.default_rng(3).permutation(256).astype(np.uint8)
    c.built.pixel_table = table.ctypes.data
    assert c.open() == OK
    pixels = np.argsort(table)[deployed.images[:3]].astype(np.uint8)
    assert c.run(pixels) == OK, c.message()
    np.testing.assert_array_equal(c.logits(3, deployed.logits.shape[1]), deployed.logits[:3])
    c.built.pixel_table = None
    assert c.open() == OK
    assert c.run(pixels) == OK
    assert not np.array_equal(c.logits(3, deployed.logits.shape[1]), deployed.logits[:3])


def test_a_buffer_that_is_too_small_is_refused(c, deployed):
    assert c.open() == OK
    assert c.run(deployed.images[:2]) == OK
    assert c.go(3) == BAD_BUFFER
    assert c.go(0) == BAD_BUFFER
    c.buffer.address += 4
    assert c.go(1) == BAD_BUFFER


@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [
        ("read error", RUN_FAILED, "the memory answered a read with an error"),
        ("write error", RUN_FAILED, "the memory answered a write with an error"),
        ("read stuck", STUCK, "a transfer stays open: load the bitstream again"),
    ],
)
def test_faults_are_named_and_survived(c, deployed, fault, code, sentence):
    assert c.open() == OK
    c.board.inject(fault)
    assert c.run(deployed.images[:3]) == code
    assert c.message() == sentence
    if code == STUCK:
        c.network.load()
    assert c.run(deployed.images[:3]) == OK, c.message()
    np.testing.assert_array_equal(c.logits(3, deployed.logits.shape[1]), deployed.logits[:3])
