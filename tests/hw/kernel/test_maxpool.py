# SPDX-License-Identifier: Apache-2.0
"""maxpool: OR over windows; cycles equal the header's formulas."""

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

SOURCES = [ROOT / "hw/memory/ram_sdp.sv", ROOT / "hw/kernel/maxpool.sv"]
FRAMES = 6


@rows(
    Row(id="even", reason="fits exactly", parameters={"C": 5, "H": 6, "WIDTH": 8, "K": 2}),
    Row(
        id="floor",
        reason="one row, one column over",
        parameters={"C": 3, "H": 5, "WIDTH": 7, "K": 2},
    ),
    Row(
        id="three",
        reason="K = 3, two columns over",
        parameters={"C": 70, "H": 7, "WIDTH": 11, "K": 3},
    ),
    Row(id="single", reason="one window", parameters={"C": 1, "H": 2, "WIDTH": 2, "K": 2}),
    Row(id="wide", reason="block memory", parameters={"C": 2, "H": 2, "WIDTH": 131, "K": 2}),
)
def test_windows_and_cycles(row: Row, rng: np.random.Generator, seed: int) -> None:
    c, h, width, k = (row.parameters[name] for name in ("C", "H", "WIDTH", "K"))
    density = 1 / k**2  # about two windows of three hold a 1
    frames = (rng.random((FRAMES, h, width, c)) < density).astype(np.int64)
    frames[0], frames[1] = 0, 1
    oh, ow = h // k, width // k
    windows = frames[:, : oh * k, : ow * k].reshape(FRAMES, oh, k, ow, k, c)
    pooled = windows.max(axis=(2, 4)).reshape(-1, c)
    assert (pooled.min(0) < pooled.max(0)).all(), "the reference needs both values in each channel"

    runs = check_stream_module(
        "maxpool",
        SOURCES,
        parameters=row.parameters,
        inputs={"s_axis": lanes(frames.reshape(-1, c), bits=1)},
        outputs={"m_axis": lanes(pooled, bits=1)},
        seed=seed,
    )

    taken = runs["none"].input_cycles["s_axis"]
    given = runs["none"].output_cycles["m_axis"]
    assert (np.diff(taken) == 1).all(), "one pixel per cycle"
    assert given[0] - taken[0] == (k - 1) * width + k
    assert set(np.diff(given[:: oh * ow])) == {h * width}


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("C must be at least 1", {"C": 0}),
        ("K must be at least 2", {"K": 1}),
        ("K must not exceed H or WIDTH", {"K": 7}),
    ):
        check_rejected("maxpool", SOURCES, parameters=parameters, match=match)
