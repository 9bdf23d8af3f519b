# SPDX-License-Identifier: Apache-2.0
"""Bitstream files: the header of a .bit, and the .bin that Linux's FPGA manager takes.

A .bit is a fixed preamble, the text fields a to d (name, part, date, time; two bytes of length, a
closing zero), and field e: four bytes of length and the configuration words. PYNQ refuses a file
whose length does not match. The kernel wants the words alone, each with its four bytes reversed.
"""

import struct
from dataclasses import dataclass
from datetime import datetime

from flows.errors import UsageError

_PREAMBLE = bytes.fromhex("0009 0ff00ff00ff00ff000 0001")
SYNC_WORD = bytes.fromhex("aa995566")


@dataclass(frozen=True, slots=True, kw_only=True)
class BitFile:
    """A .bit file.

    Attributes:
        design: field a, name of the design.
        part: field b, the part without the vendor's `xc`: `7z020clg400`.
        date: field c, `2026/01/31`.
        time: field d, `23:59:59`.
        words: field e, the configuration: whole 32-bit words, most significant byte first.
    """

    design: str
    part: str
    date: str
    time: str
    words: bytes


def stamp(design: str, part: str, words: bytes, made: datetime) -> BitFile:
    """A .bit file for words that come without a header.

    Args:
        design: name of the design.
        part: part with package and speed grade, for instance `xc7z020clg400-1`.
        words: configuration.
        made: time to write into the header.
    """
    return BitFile(
        design=design,
        part=part.removeprefix("xc").rpartition("-")[0],
        date=made.strftime("%Y/%m/%d"),
        time=made.strftime("%H:%M:%S"),
        words=words,
    )


def pack(bit: BitFile) -> bytes:
    """The bytes of a .bit file."""
    packed = bytearray(_PREAMBLE)
    for key, text in zip("abcd", (bit.design, bit.part, bit.date, bit.time), strict=True):
        field = text.encode("ascii") + b"\0"
        packed += key.encode() + struct.pack(">H", len(field)) + field
    return bytes(packed + b"e" + struct.pack(">I", len(bit.words)) + bit.words)


def parse(content: bytes, where: str) -> BitFile:
    """Reads a .bit file, as strictly as PYNQ does.

    Args:
        content: the file.
        where: name of the file, for messages.

    Raises:
        UsageError: it is not a whole .bit file.
    """
    if not content.startswith(_PREAMBLE):
        raise UsageError(f"{where}: no .bit file; it does not begin with the preamble of one")
    at = len(_PREAMBLE)
    texts = []
    try:
        for key in b"abcd":
            if content[at] != key:
                raise UsageError(f"{where}: field {chr(key)} of the header is not at byte {at}")
            (length,) = struct.unpack_from(">H", content, at + 1)
            texts.append(content[at + 3 : at + 3 + length].rstrip(b"\0").decode("ascii", "replace"))
            at += 3 + length
        if content[at : at + 1] != b"e":
            raise UsageError(f"{where}: field e of the header is not at byte {at}")
        (length,) = struct.unpack_from(">I", content, at + 1)
    except (IndexError, struct.error):
        raise UsageError(f"{where}: cut short within its header, {len(content)} bytes") from None
    words = content[at + 5 :]
    if len(words) != length or length % 4:
        raise UsageError(
            f"{where}: the header promises {length} bytes of configuration, whole words; "
            f"there are {len(words)}"
        )
    design, part, date, time = texts
    return BitFile(design=design, part=part, date=date, time=time, words=words)


def to_bin(bit: BitFile, where: str) -> bytes:
    """The .bin for Linux's FPGA manager on Zynq-7000.

    Raises:
        UsageError: the configuration holds no sync word, so no device would take it.
    """
    if SYNC_WORD not in bit.words[:1024]:
        raise UsageError(f"{where}: no sync word in the first 1024 bytes of the configuration")
    count = len(bit.words) // 4
    return struct.pack(f"<{count}I", *struct.unpack(f">{count}I", bit.words))
