# SPDX-License-Identifier: Apache-2.0
"""The battery on a good module; the bad ones stand in test_negative_controls.py."""

from __future__ import annotations

import numpy as np

from tests.support.battery import ROOT, check_stream_module, lanes

FIFO = [ROOT / "hw/stream/stream_fifo.sv"]


def test_a_correct_fifo_passes_every_row(rng: np.random.Generator) -> None:
    data = lanes(rng.integers(0, 2, (300, 13)), bits=1)
    results = check_stream_module(
        "stream_fifo",
        FIFO,
        parameters={"W": 13, "DEPTH": 5},
        inputs={"s_axis": data},
        outputs={"m_axis": data},
    )
    assert set(results) >= {"none", "random", "burst", "reset"}
    assert max(results["random"].high_water.values()) == 5
