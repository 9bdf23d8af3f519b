# SPDX-License-Identifier: Apache-2.0
"""Bitstream files: written and read back, refused when damaged, turned into a .bin."""

from datetime import datetime

import pytest

from flows.bitstream import bitfile
from flows.errors import UsageError

WORDS = bytes.fromhex("ffffffff aa995566 20000000 30022001")


@pytest.fixture
def content() -> bytes:
    made = datetime(2026, 1, 31, 23, 59, 7)
    return bitfile.pack(bitfile.stamp("cnv_w1a1", "xc7z020clg400-1", WORDS, made))


def test_fields_stand_where_the_format_says(content: bytes):
    assert content[:13].hex() == "00090ff00ff00ff00ff0000001"
    assert content[13:25] == b"a\x00\x09cnv_w1a1\x00"
    assert content[25:] == (
        b"b\x00\x0c7z020clg400\x00c\x00\x0b2026/01/31\x00d\x00\x0923:59:07\x00e\x00\x00\x00\x10"
        + WORDS
    )


def test_round_trip(content: bytes):
    bit = bitfile.parse(content, "x.bit")
    assert (bit.design, bit.part, bit.words) == ("cnv_w1a1", "7z020clg400", WORDS)
    assert (bit.date, bit.time) == ("2026/01/31", "23:59:07")
    assert bitfile.pack(bit) == content


def test_every_truncation_is_refused(content: bytes):
    for length in range(len(content)):
        with pytest.raises(UsageError, match=r"x\.bit"):
            bitfile.parse(content[:length], "x.bit")


@pytest.mark.parametrize("at", [0, 5, 13, 25, 40, 54, -17])
def test_damage_in_the_header_is_refused(content: bytes, at: int):
    damaged = bytearray(content)
    damaged[at] ^= 0x55
    with pytest.raises(UsageError):
        bitfile.parse(bytes(damaged), "x.bit")


def test_surplus_is_refused(content: bytes):
    with pytest.raises(UsageError, match=r"promises 16 bytes .* there are 20"):
        bitfile.parse(content + b"\0\0\0\0", "x.bit")


def test_bin_reverses_each_word(content: bytes):
    swapped = bitfile.to_bin(bitfile.parse(content, "x.bit"), "x.bit")
    assert swapped.hex(" ", 4) == "ffffffff 665599aa 00000020 01200230"


def test_bin_without_sync_word_is_refused():
    bit = bitfile.stamp("x", "xc7z020clg400-1", bytes(64), datetime(2026, 1, 1))
    with pytest.raises(UsageError, match="no sync word"):
        bitfile.to_bin(bit, "x.bit")
