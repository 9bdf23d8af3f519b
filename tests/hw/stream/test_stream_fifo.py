# SPDX-License-Identifier: Apache-2.0
"""stream_fifo: every beat, in order; it holds DEPTH beats, and says how many it held."""

import numpy as np

from flows.sim.run import RunOptions
from flows.sim.streams import Stall, StallKind, StallPattern
from tests.support.battery import (
    ROOT,
    Row,
    build_module,
    check_rejected,
    check_stream_module,
    lanes,
    rows,
    run_exact,
)

SOURCES = [ROOT / "hw/stream/stream_fifo.sv"]


@rows(
    Row(id="smallest", reason="two places", parameters={"W": 1, "DEPTH": 2}),
    Row(id="non_power_of_two", reason="pointers wrap early", parameters={"W": 9, "DEPTH": 5}),
    Row(id="power_of_two", reason="pointers wrap by overflow", parameters={"W": 70, "DEPTH": 8}),
    Row(id="block_memory", reason="head read ahead", parameters={"W": 48, "DEPTH": 171}),
)
def test_passes_every_beat(row: Row, rng: np.random.Generator, seed: int) -> None:
    width, depth = row.parameters["W"], row.parameters["DEPTH"]
    values = rng.integers(0, 2, (300 + 3 * depth, width))
    assert (values.min(0) < values.max(0)).all()
    beats = {"s_axis": lanes(values, bits=1)}, {"m_axis": lanes(values, bits=1)}

    results = check_stream_module(
        "stream_fifo",
        SOURCES,
        parameters=row.parameters,
        inputs=beats[0],
        outputs=beats[1],
        seed=seed,
    )

    free = results["none"]
    assert (free.output_cycles["m_axis"] - free.input_cycles["s_axis"] == 1).all()
    assert (np.diff(free.input_cycles["s_axis"]) == 1).all(), "one beat per cycle"
    assert list(free.high_water.values()) == [1]

    build = build_module(
        "stream_fifo", SOURCES, inputs=beats[0], outputs=beats[1], parameters=row.parameters
    )
    blocked = StallPattern(
        name="blocked", sink=Stall(kind=StallKind.BURST, stall_cycles=2 * depth, burst_beats=depth)
    )
    full = run_exact(build, *beats, RunOptions(stalls=blocked))
    assert list(full.high_water.values()) == [depth], "all of DEPTH is usable"


def test_rejects_parameters() -> None:
    check_rejected("stream_fifo", SOURCES, parameters={"W": 0}, match="W must be at least 1")
    check_rejected(
        "stream_fifo", SOURCES, parameters={"DEPTH": 1}, match="DEPTH must be at least 2"
    )
