# SPDX-License-Identifier: Apache-2.0
"""Integers to stream beats and back, and the comparison that names the first difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.errors import VerificationError
from flows.sim.result import Beats, Cycles

_CHUNK_BITS = 1 << 26  # bounds the memory of the bit matrices


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """The first place where a stream differs from its reference.

    Attributes:
        layer: stream or layer.
        image: frame number.
        row: of the pixel.
        column: of the pixel.
        channel: lane of the beat.
        cycle: of the transfer; -1 where no cycles were recorded.
        expected: value of the reference.
        got: value of the hardware.
        count: how many values differ in all.
        total: how many values were compared.
    """

    layer: str
    image: int
    row: int
    column: int
    channel: int
    cycle: int
    expected: int
    got: int
    count: int
    total: int

    def __str__(self) -> str:
        return (
            f"{self.layer}: image {self.image}, pixel ({self.row}, {self.column}), "
            f"channel {self.channel}, cycle {self.cycle}: expected {self.expected}, got {self.got} "
            f"({self.count} of {self.total} values differ)"
        )


def pack_beats(values: NDArray[np.generic], bits: int) -> Beats:
    """Packs lanes into beats; lane 0 is the least significant, negative values two's complement.

    Args:
        values: (n, lanes) integers or bools that fit ``bits`` bits, signed or unsigned.
        bits: of one lane, 1 to 63.

    Returns:
        (n, ceil(lanes * bits / 8)) uint8, little-endian, spare bits zero.

    Raises:
        ValueError: a value does not fit.
    """
    lanes = _integers(values)
    if len(lanes) and (lanes.min() < -(1 << (bits - 1)) or lanes.max() >= 1 << bits):
        raise ValueError(f"values {lanes.min()} to {lanes.max()} do not fit {bits} bits")
    n, width = lanes.shape
    out = np.zeros((n, (width * bits + 7) // 8), np.uint8)
    shifts = np.arange(bits, dtype=np.int64)
    step = max(1, _CHUNK_BITS // max(width * bits, 1))
    for at in range(0, n, step):
        part = lanes[at : at + step]  # (rows, lanes)
        matrix = ((part[:, :, None] >> shifts) & 1).astype(np.uint8)  # (rows, lanes, bits)
        out[at : at + step] = np.packbits(matrix.reshape(len(part), -1), axis=1, bitorder="little")
    return out


def unpack_beats(beats: Beats, *, lanes: int, bits: int, signed: bool = False) -> NDArray[np.int64]:
    """Inverse of :func:`pack_beats`.

    Args:
        beats: (n, nbytes) uint8.
        lanes: per beat.
        bits: of one lane, 1 to 63.
        signed: read lanes as two's complement.

    Returns:
        (n, lanes) int64.
    """
    n = len(beats)
    if beats.ndim != 2 or beats.shape[1] != (lanes * bits + 7) // 8:
        raise ValueError(f"beats {beats.shape} do not hold {lanes} lanes of {bits} bits")
    out = np.zeros((n, lanes), np.int64)
    weights = np.int64(1) << np.arange(bits, dtype=np.int64)
    if signed:
        weights[-1] = -weights[-1]
    step = max(1, _CHUNK_BITS // (64 * max(lanes * bits, 1)))
    for at in range(0, n, step):
        part = beats[at : at + step]
        matrix = np.unpackbits(part, axis=1, count=lanes * bits, bitorder="little")
        out[at : at + step] = matrix.reshape(len(part), lanes, bits) @ weights
    return out


def compare_stream(
    *,
    layer: str,
    beats: Beats,
    expected: NDArray[np.generic],
    bits: int,
    signed: bool = False,
    cycles: Cycles | None = None,
    words: int = 1,
) -> Mismatch | None:
    """Compares a stream of pixels with the reference tensor.

    Args:
        layer: name for the message.
        beats: (n * words, nbytes) uint8.
        expected: (frames, H, W, C) integers or bits; (frames, C) counts as one pixel per frame.
        bits: of one channel.
        signed: channels are two's complement.
        cycles: (n * words,) int64, cycle of each transfer.
        words: beats of a pixel, the first one least significant.

    Returns:
        The first difference in stream order, or None.

    Raises:
        VerificationError: the number of beats is wrong.
    """
    reference = expected if expected.ndim == 4 else expected.reshape(len(expected), 1, 1, -1)
    frames, height, width, channels = reference.shape
    if len(beats) != frames * height * width * words:
        raise VerificationError(
            f"{layer}: {len(beats)} beats were seen, {frames} frames of {height} x {width} pixels "
            f"need {frames * height * width * words}"
        )
    flat = _integers(reference.reshape(-1, channels))
    if words > 1:
        lanes = unpack_beats(beats, lanes=channels // words, bits=bits)
        beats = pack_beats(lanes.reshape(-1, channels), bits)
    if np.array_equal(beats, pack_beats(flat, bits)):
        return None
    got = unpack_beats(beats, lanes=channels, bits=bits, signed=signed)
    wrong = np.argwhere(got != flat)
    if not len(wrong):  # the reference's own sign convention differs, the bits do not
        return None
    beat, channel = (int(v) for v in wrong[0])
    image, pixel = divmod(beat, height * width)
    return Mismatch(
        layer=layer,
        image=image,
        row=pixel // width,
        column=pixel % width,
        channel=channel,
        cycle=int(cycles[beat * words + channel * words // channels]) if cycles is not None else -1,
        expected=int(flat[beat, channel]),
        got=int(got[beat, channel]),
        count=len(wrong),
        total=flat.size,
    )


def check_stream(
    *,
    layer: str,
    beats: Beats,
    expected: NDArray[np.generic],
    bits: int,
    signed: bool = False,
    cycles: Cycles | None = None,
    words: int = 1,
) -> int:
    """As :func:`compare_stream`; returns the number of values compared.

    Raises:
        VerificationError: with the first difference.
    """
    found = compare_stream(
        layer=layer,
        beats=beats,
        expected=expected,
        bits=bits,
        signed=signed,
        cycles=cycles,
        words=words,
    )
    if found is not None:
        raise VerificationError(str(found))
    return int(expected.size)


def _integers(values: NDArray[np.generic]) -> NDArray[np.int64]:
    if values.ndim != 2:
        raise ValueError(f"values have shape {values.shape}, needed is (n, lanes)")
    if values.dtype.kind not in "biu":
        raise ValueError(f"values are {values.dtype}, needed are integers or bools")
    return values.astype(np.int64)
