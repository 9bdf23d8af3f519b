# SPDX-License-Identifier: Apache-2.0
"""stream_gather: N result beats of M pixels become M pixel beats of N results."""

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

SOURCES = [ROOT / "hw/stream/stream_gather.sv"]


@rows(
    Row(id="slice", reason="nothing to gather", parameters={"M": 1, "W": 3, "N": 1}),
    Row(id="one_pixel", reason="plain widening", parameters={"M": 1, "W": 2, "N": 8}),
    Row(id="one_beat", reason="plain narrowing", parameters={"M": 5, "W": 9, "N": 1}),
    Row(id="square", reason="drain as long as fill", parameters={"M": 4, "W": 1, "N": 4}),
    Row(id="typical", reason="odd sizes, N above M", parameters={"M": 7, "W": 1, "N": 66}),
    Row(id="drain_bound", reason="N below M", parameters={"M": 6, "W": 2, "N": 3}),
)
def test_gathers_every_tile(row: Row, rng: np.random.Generator, seed: int) -> None:
    m, w, n = (row.parameters[name] for name in "MWN")
    tiles = 40
    results = rng.integers(0, 2, (tiles, n, m, w))
    pixels = results.transpose(0, 2, 1, 3)  # (tiles, M, N, W)
    assert (results.min(0) < results.max(0)).all()

    runs = check_stream_module(
        "stream_gather",
        SOURCES,
        parameters=row.parameters,
        inputs={"s_axis": lanes(results.reshape(tiles * n, m * w), bits=1)},
        outputs={"m_axis": lanes(pixels.reshape(tiles * m, n * w), bits=1)},
        seed=seed,
    )

    taken = runs["none"].input_cycles["s_axis"]
    given = runs["none"].output_cycles["m_axis"]
    assert given[0] - taken[n - 1] == 1, "pixel 0 follows the last beat by one cycle"
    assert given[-1] - taken[0] == (tiles - 1) * max(n, m) + n + m - 1
    if n >= m:
        assert (np.diff(taken) == 1).all(), "a beat in every cycle"


def test_rejects_parameters() -> None:
    for name in ("M", "W", "N"):
        match = f"{name} must be at least 1"
        check_rejected("stream_gather", SOURCES, parameters={name: 0}, match=match)
