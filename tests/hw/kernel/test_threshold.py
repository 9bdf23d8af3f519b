# SPDX-License-Identifier: Apache-2.0
"""threshold: x >= T per channel, with T at both ends of its range too."""

from pathlib import Path

import numpy as np

from tests.support.battery import ROOT, Row, check_rejected, check_stream_module, lanes, rows

SOURCES = [ROOT / "hw/memory/rom.sv", ROOT / "hw/kernel/threshold.sv"]


@rows(
    Row(id="image", reason="fully unrolled", parameters={"C": 3, "PE": 3, "IN_BITS": 8}),
    Row(id="fully_folded", reason="a channel per beat", parameters={"C": 7, "PE": 1, "IN_BITS": 8}),
    Row(id="folded", reason="odd widths", parameters={"C": 15, "PE": 5, "IN_BITS": 3}),
    Row(id="single_bit", reason="narrowest value", parameters={"C": 4, "PE": 2, "IN_BITS": 1}),
)
def test_compares_every_value(
    row: Row, rng: np.random.Generator, seed: int, tmp_path: Path
) -> None:
    c, pe, bits = (row.parameters[name] for name in ("C", "PE", "IN_BITS"))
    thresholds = rng.integers(1, 2**bits, c)
    vectors = 96
    values = rng.integers(0, 2**bits, (vectors, c))
    values[0], values[1] = thresholds, thresholds - 1  # just at the step, and just below
    expected = values >= thresholds
    assert (expected.min(0) < expected.max(0)).all()
    if c > 1:  # the two constant channels: never and always
        thresholds[0], thresholds[-1] = 2**bits, 0
        expected = values >= thresholds
    digits = (pe * (bits + 1) + 3) // 4
    words = [
        sum(int(t) << (lane * (bits + 1)) for lane, t in enumerate(fold))
        for fold in thresholds.reshape(-1, pe)
    ]
    (tmp_path / "threshold.hex").write_text("".join(f"{word:0{digits}x}\n" for word in words))

    runs = check_stream_module(
        "threshold",
        SOURCES,
        parameters={**row.parameters, "THRESHOLD_FILE": "threshold.hex"},
        inputs={"s_axis": lanes(values.reshape(-1, pe), bits=bits)},
        outputs={"m_axis": lanes(expected.reshape(-1, pe).astype(np.int64), bits=1)},
        cwd=tmp_path,
        seed=seed,
    )

    free = runs["none"]
    assert (free.output_cycles["m_axis"] - free.input_cycles["s_axis"] == 1).all()
    assert (np.diff(free.input_cycles["s_axis"]) == 1).all(), "one beat per cycle"


def test_rejects_parameters() -> None:
    for match, parameters in (
        ("C must be at least 1", {"C": 0}),
        ("PE must divide C", {"PE": 2}),
        ("IN_BITS must be at least 1", {"IN_BITS": 0}),
    ):
        check_rejected("threshold", SOURCES, parameters=parameters, match=match)
