# SPDX-License-Identifier: Apache-2.0
"""stream_last: beats pass at once; every BEATS-th carries tlast, which the harness checks."""

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

SOURCES = [ROOT / "hw/stream/stream_last.sv"]


@rows(
    Row(id="every", reason="each beat is a frame", parameters={"W": 3, "BEATS": 1}),
    Row(id="non_power_of_two", reason="the counter wraps early", parameters={"W": 9, "BEATS": 5}),
)
def test_marks_frames(row: Row, rng: np.random.Generator, seed: int) -> None:
    width, frame = row.parameters["W"], row.parameters["BEATS"]
    values = rng.integers(0, 2, (40 * frame, width))
    assert (values.min(0) < values.max(0)).all()

    results = check_stream_module(
        "stream_last",
        SOURCES,
        parameters=row.parameters,
        inputs={"s_axis": lanes(values, bits=1)},
        outputs={"m_axis": lanes(values, bits=1, frame=frame)},
        seed=seed,
    )

    free = results["none"]
    assert (free.output_cycles["m_axis"] == free.input_cycles["s_axis"]).all(), "latency 0"


def test_rejects_parameters() -> None:
    match = "BEATS must be at least 1"
    check_rejected("stream_last", SOURCES, parameters={"BEATS": 0}, match=match)
