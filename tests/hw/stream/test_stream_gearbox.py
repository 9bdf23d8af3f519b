# SPDX-License-Identifier: Apache-2.0
"""stream_gearbox: bytes of words as beats; each frame begins in a word of its own."""

import numpy as np
import pytest

from tests.support.battery import (
    ROOT,
    Row,
    check_lint,
    check_rejected,
    check_stream_module,
    check_throughput,
    lanes,
    rows,
)

SOURCES = [ROOT / "hw" / "stream" / f"stream_{name}.sv" for name in ("gearbox", "dwc")]

TABLE = rows(
    Row(id="pixels", reason="three bytes of eight", parameters={"OUT_W": 24, "OUT_BEATS": 16}),
    Row(id="drops", reason="a frame ends in mid-word", parameters={"OUT_W": 24, "OUT_BEATS": 5}),
    Row(id="bytes", reason="divides the word", parameters={"OUT_W": 8, "OUT_BEATS": 9}),
    Row(id="seven", reason="hardly narrower", parameters={"OUT_W": 56, "OUT_BEATS": 3}),
    Row(id="single", reason="a frame of one beat", parameters={"OUT_W": 40, "OUT_BEATS": 1}),
    Row(id="same", reason="wires", parameters={"OUT_W": 64, "OUT_BEATS": 4}),
    Row(id="nine", reason="hardly wider", parameters={"OUT_W": 72, "OUT_BEATS": 9}),
    Row(id="wide", reason="many words a beat", parameters={"OUT_W": 392, "OUT_BEATS": 2}),
    Row(id="words", reason="a whole number of words", parameters={"OUT_W": 192, "OUT_BEATS": 3}),
    Row(id="short", reason="small words", parameters={"IN_W": 16, "OUT_W": 24, "OUT_BEATS": 3}),
)  # fmt: skip


def streams(parameters: dict[str, int], frames: int):
    """Words of random bytes, and the beats of the frames in them."""
    word, beat = parameters.get("IN_W", 64) // 8, parameters["OUT_W"] // 8
    size = beat * parameters["OUT_BEATS"]
    padded = -(-size // word) * word
    raw = np.random.default_rng(7).integers(0, 256, (frames, padded), dtype=np.uint8)
    words = lanes(raw.reshape(-1, word), bits=8)
    beats = lanes(raw[:, :size].reshape(-1, beat), bits=8)
    return {"s_axis": words}, {"m_axis": beats}


@TABLE
def test_traffic(row: Row) -> None:
    inputs, outputs = streams(row.parameters, 23)
    check_stream_module(
        "stream_gearbox", SOURCES, parameters=row.parameters, inputs=inputs, outputs=outputs
    )


@TABLE
def test_no_cycle_is_lost(row: Row) -> None:
    """The side with more beats moves one in every cycle."""
    inputs, outputs = streams(row.parameters, 40)
    bound = max(len(inputs["s_axis"]), len(outputs["m_axis"])) + 1
    check_throughput(
        "stream_gearbox",
        SOURCES,
        parameters=row.parameters,
        inputs=inputs,
        outputs=outputs,
        bound=bound,
    )


@TABLE
def test_lint(row: Row) -> None:
    check_lint("stream_gearbox", SOURCES, parameters=row.parameters)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"IN_W": 24}, "power of two of bytes"),
        ({"OUT_W": 12}, "multiple of 8"),
        ({"OUT_W": 0}, "multiple of 8|range|width"),
        ({"OUT_BEATS": 0}, "OUT_BEATS must be at least 1"),
    ],
)
def test_illegal_parameters_are_refused(parameters: dict[str, int], match: str) -> None:
    check_rejected("stream_gearbox", SOURCES, parameters=parameters, match=match)
