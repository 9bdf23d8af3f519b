# SPDX-License-Identifier: Apache-2.0
"""Weights of a retrained network, loaded by the C driver into hardware that runs."""

import ctypes
import json
import zlib

import numpy as np
import pytest

from tests.bitstreams.driver.c_driver import (
    BAD_BUFFER,
    BAD_WEIGHTS,
    FIXED_WEIGHTS,
    NOT_READY,
    OK,
    OTHER_WEIGHTS,
    RUN_FAILED,
    UNFIT_WEIGHTS,
    WRONG_LOGITS,
    CDriver,
)

FIT, TABLES, BYTES, HEADER = 6, 11, 13, 14  # words of the file's head


@pytest.fixture
def c(built, tmp_path) -> CDriver:
    driver = CDriver(built, tmp_path)
    assert driver.open() == OK, driver.message()
    return driver


def weights(deployed) -> bytes:
    return (deployed.folder / "c" / "weights.bin").read_bytes()


def changed(file: bytes, word: int, bits: int) -> bytes:
    """A file with other bits in one word, and the checksum of that."""
    words = np.frombuffer(file, "<u4").copy()
    words[word] ^= np.uint32(bits)
    body = words[:-1].tobytes()
    return body + np.uint32(zlib.crc32(body)).tobytes()


def check(c: CDriver, expected) -> None:
    assert c.run(expected.images) == OK, c.message()
    found = c.logits(len(expected.images), expected.logits.shape[1])
    np.testing.assert_array_equal(found, expected.logits)


def noted(c: CDriver) -> str:
    return "".join(f"{c.network._get('LOADED_HASH0', index):08x}" for index in range(4))


def test_retrained_network_computes_what_its_reference_does(c, built, retrained):
    check(c, built)
    assert c.load_weights(weights(retrained)) == OK, c.message()
    check(c, retrained)
    facts = json.loads((retrained.folder / "overlay.json").read_text())
    assert noted(c) == facts["model_hash"]
    assert c.load_weights(weights(built)) == OK, c.message()
    check(c, built)


def test_both_drivers_load_the_same(c, built, retrained):
    c.network.load_weights(retrained.folder / "weights.npz")
    assert c.open() == OTHER_WEIGHTS
    assert c.run(built.images) == NOT_READY
    assert c.load_weights(weights(built)) == OK, c.message()
    check(c, built)
    assert c.open() == OK


def test_pixel_table_of_the_file_is_used(c, built):
    """One put between head and images, which permutes pixels: the vectors then fail."""
    table = np.arange(256, dtype=np.uint8)
    for order, code in ((table, OK), (table[::-1], WRONG_LOGITS)):
        words = np.frombuffer(weights(built), "<u4")[:-1].copy()
        words[TABLES], words[BYTES] = 1, words[BYTES] + 256
        body = words[:HEADER].tobytes() + order.tobytes() + words[HEADER:].tobytes()
        assert c.load_weights(body + np.uint32(zlib.crc32(body)).tobytes()) == code, c.message()
    assert c.load_weights(weights(built)) == OK
    check(c, built)


def test_one_wrong_bit_is_found(c, built, retrained):
    """A weight of the last memory, which is in a logit of every image."""
    file = weights(retrained)
    assert c.load_weights(changed(file, len(file) // 4 - 2, 1)) == WRONG_LOGITS
    assert c.message().startswith("the golden vectors of the weights fail")
    assert noted(c) == "f" * 32
    assert c.go(1) == NOT_READY
    assert c.open() == OTHER_WEIGHTS
    assert c.load_weights(file) == OK, c.message()
    check(c, retrained)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda file: b"", BAD_WEIGHTS),
        (lambda file: file[:40], BAD_WEIGHTS),
        (lambda file: file[:-4], BAD_WEIGHTS),
        (lambda file: file + bytes(4), BAD_WEIGHTS),
        (lambda file: file[:900] + bytes([file[900] ^ 4]) + file[901:], BAD_WEIGHTS),
        (lambda file: changed(file, 1, 2), BAD_WEIGHTS),
        (lambda file: changed(file, 12, 1), BAD_WEIGHTS),  # one memory more, or less
        (lambda file: changed(file, FIT + 3, 1), UNFIT_WEIGHTS),
    ],
)
def test_wrong_files_are_refused_and_the_network_stays(c, built, retrained, spoil, code):
    assert c.load_weights(spoil(weights(retrained))) == code
    assert "weights" in c.message()
    check(c, built)
    assert noted(c) == "0" * 32


def test_a_buffer_without_room_for_the_vectors_is_refused(c, built, retrained):
    file = weights(retrained)
    c.allocate(1)
    pointers = ctypes.byref(c.state), file, ctypes.c_size_t(len(file)), ctypes.byref(c.buffer)
    code = c.driver.xnorflow_load_weights(*pointers, ctypes.c_double(0.002))
    assert code == BAD_BUFFER
    check(c, built)


def test_a_fault_meanwhile_is_named(c, retrained):
    c.board.inject("read error")
    assert c.load_weights(weights(retrained)) == RUN_FAILED
    assert c.message() == "the memory answered a read with an error"
    assert c.go(1) == NOT_READY
    assert c.load_weights(weights(retrained)) == OK, c.message()
    check(c, retrained)


def test_hardware_with_fixed_weights_says_so(deployed, retrained, tmp_path):
    c = CDriver(deployed, tmp_path)
    assert c.open() == OK
    assert c.load_weights(weights(retrained)) == FIXED_WEIGHTS
    check(c, deployed)


def test_a_board_that_was_not_opened_is_left_alone(built, retrained, tmp_path):
    c = CDriver(built, tmp_path)
    c.built.hash[0] ^= 1
    assert c.open() != OK
    assert c.load_weights(weights(retrained)) == NOT_READY
    assert noted(c) == "0" * 32
