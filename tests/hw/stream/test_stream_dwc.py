# SPDX-License-Identifier: Apache-2.0
"""stream_dwc: the same bits in beats of another width, first beat least significant."""

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

SOURCES = [ROOT / "hw/stream/stream_dwc.sv"]


@rows(
    Row(id="up", reason="bytes to a pixel", parameters={"IN_W": 8, "OUT_W": 24}),
    Row(id="up_from_bits", reason="smallest factor", parameters={"IN_W": 1, "OUT_W": 2}),
    Row(id="up_wide", reason="non power of two", parameters={"IN_W": 13, "OUT_W": 91}),
    Row(id="down", reason="pixel to bytes", parameters={"IN_W": 24, "OUT_W": 8}),
    Row(id="down_to_bits", reason="largest factor", parameters={"IN_W": 70, "OUT_W": 1}),
    Row(id="same", reason="wires only", parameters={"IN_W": 5, "OUT_W": 5}),
)
def test_converts_every_beat(row: Row, rng: np.random.Generator, seed: int) -> None:
    in_width, out_width = row.parameters["IN_W"], row.parameters["OUT_W"]
    wide = max(in_width, out_width)
    bits = rng.integers(0, 2, (40, wide))
    assert (bits.min(0) < bits.max(0)).all()

    results = check_stream_module(
        "stream_dwc",
        SOURCES,
        parameters=row.parameters,
        inputs={"s_axis": lanes(bits.reshape(-1, in_width), bits=1)},
        outputs={"m_axis": lanes(bits.reshape(-1, out_width), bits=1)},
        seed=seed,
    )

    free = results["none"]
    narrow = "s_axis" if in_width < out_width else "m_axis"
    cycles = (free.input_cycles | free.output_cycles)[narrow]
    assert (np.diff(cycles) == 1).all(), "the narrow side moves a beat in every cycle"
    latency = free.output_cycles["m_axis"][0] - free.input_cycles["s_axis"][0]
    factor = wide // min(in_width, out_width)
    assert latency == {"s_axis": factor, "m_axis": 1}[narrow] - (factor == 1)


def test_rejects_parameters() -> None:
    match = "one of IN_W and OUT_W must divide the other"
    for parameters in ({"IN_W": 3, "OUT_W": 8}, {"IN_W": 8, "OUT_W": 3}):
        check_rejected("stream_dwc", SOURCES, parameters=parameters, match=match)
