# SPDX-License-Identifier: Apache-2.0
"""stream_reg: every beat, in order, one cycle later."""

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

SOURCES = [ROOT / "hw/stream/stream_reg.sv"]


@rows(
    Row(id="single_bit", reason="narrowest payload", parameters={"W": 1}),
    Row(id="odd_width", reason="crosses a machine word", parameters={"W": 67}),
)
def test_passes_every_beat(row: Row, rng: np.random.Generator, seed: int) -> None:
    width = row.parameters["W"]
    values = rng.integers(0, 2, (300, width))
    assert (values.min(0) < values.max(0)).all()
    beats = lanes(values, bits=1)

    results = check_stream_module(
        "stream_reg",
        SOURCES,
        parameters=row.parameters,
        inputs={"s_axis": beats},
        outputs={"m_axis": beats},
        seed=seed,
    )

    free = results["none"]
    delays = free.output_cycles["m_axis"] - free.input_cycles["s_axis"]
    assert (delays == 1).all(), "latency is 1 cycle"
    assert (np.diff(free.input_cycles["s_axis"]) == 1).all(), "one beat per cycle"


def test_rejects_parameters() -> None:
    check_rejected("stream_reg", SOURCES, parameters={"W": 0}, match="W must be at least 1")
