# SPDX-License-Identifier: Apache-2.0
"""Packing, unpacking, and the first difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import VerificationError
from flows.sim.compare import check_stream, compare_stream, pack_beats, unpack_beats


def test_lane_0_is_least_significant() -> None:
    assert pack_beats(np.array([[1, 0, 0]]), 4).tolist() == [[1, 0]]
    assert pack_beats(np.array([[-1, 2]]), 4).tolist() == [[0x2F]]
    assert pack_beats(np.array([[True, False, True]]), 1).tolist() == [[5]]


@given(
    bits=st.integers(1, 40), lanes=st.integers(1, 20), signed=st.booleans(), seed=st.integers(0, 99)
)
def test_unpack_inverts_pack(bits: int, lanes: int, signed: bool, seed: int) -> None:
    low = -(1 << (bits - 1)) if signed else 0
    values = np.random.default_rng(seed).integers(low, low + (1 << bits), (7, lanes))
    beats = pack_beats(values, bits)
    assert beats.shape == (7, (lanes * bits + 7) // 8)
    assert np.array_equal(unpack_beats(beats, lanes=lanes, bits=bits, signed=signed), values)


def test_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="values 0 to 4 do not fit 2 bits"):
        pack_beats(np.array([[0, 4]]), 2)
    with pytest.raises(ValueError, match="do not fit"):
        pack_beats(np.array([[-3]]), 2)
    with pytest.raises(ValueError, match="float64"):
        pack_beats(np.zeros((1, 1)), 2)


def test_the_first_difference_is_located() -> None:
    rng = np.random.default_rng(0)
    expected = rng.integers(-8, 8, (3, 4, 5, 6))
    seen = expected.copy()
    seen[1, 2, 3, 4] ^= 1
    seen[2, 0, 0, 0] ^= 1
    beats = pack_beats(seen.reshape(-1, 6), 4)
    cycles = np.arange(len(beats), dtype=np.int64) * 10
    found = compare_stream(
        layer="conv1", beats=beats, expected=expected, bits=4, signed=True, cycles=cycles
    )
    assert found is not None
    place = (found.image, found.row, found.column, found.channel, found.cycle)
    assert place == (1, 2, 3, 4, 10 * (20 + 2 * 5 + 3))
    assert (found.expected, found.got) == (expected[1, 2, 3, 4], seen[1, 2, 3, 4])
    assert (found.count, found.total) == (2, expected.size)
    with pytest.raises(VerificationError, match=r"conv1: image 1, pixel \(2, 3\), channel 4"):
        check_stream(layer="conv1", beats=beats, expected=expected, bits=4, signed=True)


def test_an_equal_stream_returns_the_count() -> None:
    expected = np.arange(12).reshape(4, 3)
    beats = pack_beats(expected, 4)
    assert check_stream(layer="fc", beats=beats, expected=expected, bits=4) == 12
    with pytest.raises(VerificationError, match="3 beats were seen, 4 frames of 1 x 1 pixels"):
        check_stream(layer="fc", beats=beats[:3], expected=expected, bits=4)
